//! One machine with everything that is about it, as the rules see it.

use serde_json::Value;

use super::index::Index;
use super::time::seconds;
use crate::facts::{Facts, Record, claim_of, condition, has_ended, kind, last_seen, text, volumes};
use crate::plan::{Goal, goal};
use crate::text::command_line;

/// How long a warning is news where there is no instance to compare it with, in seconds.
const NEWS: i64 = 600;

/// The name of the claim that CDI fills in the place of another one. Source: CDI, pkg/controller/populators.
pub(super) fn prime(claim: &Value) -> String {
    format!("prime-{}", text(claim, "/metadata/uid").unwrap_or_default())
}

/// A machine under examination.
pub(super) struct Look<'a> {
    pub(super) index: &'a Index<'a>,
    pub(super) facts: &'a Facts,
    pub(super) namespace: &'a str,
    /// The name of the VirtualMachine.
    pub(super) name: &'a str,
    /// The name that a person types.
    pub(super) shown: &'a str,
    pub(super) vm: &'a Value,
    /// None if it never was, or has ended.
    pub(super) instance: Option<&'a Value>,
    /// The pod in which it runs or shall run.
    pub(super) launcher: Option<&'a Value>,
    pub(super) goal: Goal,
    pub(super) disks: Vec<Held<'a>>,
    pub(super) record: Option<&'a Record>,
    /// Seconds since 1970.
    pub(super) now: i64,
}

/// A disk with a claim, and what there is of it.
pub(super) struct Held<'a> {
    pub(super) name: &'a str,
    pub(super) claim_name: &'a str,
    pub(super) data_volume: Option<&'a Value>,
    pub(super) claim: Option<&'a Value>,
    /// The claim that CDI fills in its place, where the driver is CSI's.
    pub(super) prime: Option<&'a Value>,
    pub(super) volume: Option<&'a Value>,
    /// The class that the claim asks for.
    pub(super) class_name: Option<&'a str>,
    pub(super) class: Option<&'a Value>,
}

impl<'a> Look<'a> {
    pub(super) fn at(
        index: &'a Index<'a>,
        vm: &'a Value,
        shown: &'a str,
        record: Option<&'a Record>,
        now: i64,
    ) -> Self {
        let facts = index.facts;
        let namespace = text(vm, "/metadata/namespace").unwrap_or_default();
        let name = text(vm, "/metadata/name").unwrap_or_default();
        let instance = facts.get(kind::INSTANCE, namespace, name);
        let uid = instance.and_then(|instance| text(instance, "/metadata/uid")).unwrap_or_default();
        let node = instance.and_then(|instance| text(instance, "/status/nodeName"));
        // During a migration there are two: the one on the machine's node is the one that counts.
        let own = index.launchers(namespace, uid).iter().copied().filter(|pod| !has_ended(pod));
        let launcher = own.max_by_key(|pod| {
            (node.is_some() && text(pod, "/spec/nodeName") == node, text(pod, "/metadata/creationTimestamp"))
        });
        let disks = volumes(vm).iter().filter_map(|volume| Held::of(facts, namespace, volume)).collect();
        let instance = instance.filter(|instance| !has_ended(instance));
        Self { index, facts, namespace, name, shown, vm, instance, launcher, goal: goal(vm), disks, record, now }
    }

    /// A command about it, for a person to type.
    pub(super) fn command(&self, verb: &str, flags: &str) -> String {
        command_line(verb, &[self.shown], self.namespace, flags)
    }

    /// Whether the guest runs.
    pub(super) fn runs(&self) -> bool {
        self.instance.is_some_and(|instance| text(instance, "/status/phase") == Some("Running"))
    }

    /// Whether it shall be stopped, and so needs nothing.
    pub(super) fn stays_off(&self) -> bool {
        self.goal == Goal::Off || (self.goal == Goal::Any && self.instance.is_none())
    }

    /// Whether it ran and its guest shut itself down, where that ends it.
    pub(super) fn is_done(&self) -> bool {
        let ends = matches!(text(self.vm, "/spec/runStrategy"), Some("Once" | "RerunOnFailure"));
        ends && self.instance.is_none() && text(self.vm, "/status/printableStatus") == Some("Stopped")
    }

    /// The last warning about an object of this namespace that a rule knows, with its words.
    pub(super) fn warning(&self, name: &'a str, known: impl Fn(&str, &str) -> bool) -> Option<&'a str> {
        let mut told = self.index.events(self.namespace, name).iter().rev();
        let message = |event: &&'a Value| {
            let (reason, message) = (text(event, "/reason").unwrap_or_default(), text(event, "/message")?);
            known(reason, message).then_some(message)
        };
        told.find_map(message)
    }

    /// The last such warning about the claim of a disk, or about the one that is filled in its place.
    pub(super) fn claim_warning(&self, disk: &Held<'a>, known: impl Fn(&str, &str) -> bool) -> Option<&'a str> {
        let prime = disk.prime.and_then(|prime| text(prime, "/metadata/name"));
        let mut names = [Some(disk.claim_name), prime].into_iter().flatten();
        names.find_map(|name| self.warning(name, &known))
    }

    /// The last such warning about the machine, its instance or its pod, of this instance and not of one before it.
    pub(super) fn own_warning(&self, known: impl Fn(&str, &str) -> bool) -> Option<&'a str> {
        let pod = self.launcher.and_then(|pod| text(pod, "/metadata/name"));
        let names = [pod, Some(self.name)].into_iter().flatten();
        let began = self.instance.and_then(|instance| text(instance, "/metadata/creationTimestamp"));
        let from = began.and_then(seconds).unwrap_or(self.now.saturating_sub(NEWS));
        let mut all = names.flat_map(|name| self.index.events(self.namespace, name).iter().rev());
        all.find_map(|event| {
            let at = last_seen(event).and_then(seconds);
            let (reason, message) = (text(event, "/reason").unwrap_or_default(), text(event, "/message")?);
            (at.is_none_or(|at| at >= from) && known(reason, message)).then_some(message)
        })
    }

    /// A condition of the instance that holds or not, with its reason and message.
    pub(super) fn instance_condition(&self, name: &str) -> Option<(bool, &'a str, &'a str)> {
        self.instance.and_then(|instance| condition(instance, name))
    }
}

impl<'a> Held<'a> {
    fn of(facts: &'a Facts, namespace: &'a str, volume: &'a Value) -> Option<Self> {
        let claim_name = claim_of(volume)?;
        let claim = facts.get(kind::CLAIM, namespace, claim_name);
        let data_volume = facts.get(kind::DATA_VOLUME, namespace, claim_name);
        let asked = data_volume.and_then(|volume| {
            text(volume, "/spec/storage/storageClassName").or_else(|| text(volume, "/spec/pvc/storageClassName"))
        });
        let class_name = claim.map_or(asked, |claim| text(claim, "/spec/storageClassName"));
        Some(Self {
            name: text(volume, "/name").unwrap_or_default(),
            claim_name,
            data_volume,
            claim,
            prime: claim.and_then(|claim| facts.get(kind::CLAIM, namespace, &prime(claim))),
            volume: claim.and_then(|claim| facts.get(kind::VOLUME, "", text(claim, "/spec/volumeName")?)),
            class_name,
            class: class_name.and_then(|class| facts.get(kind::CLASS, "", class)),
        })
    }

    /// As people read it.
    pub(super) fn about(&self) -> String {
        format!("disk {}", self.name)
    }

    pub(super) fn bound(&self) -> bool {
        self.claim.is_some_and(|claim| text(claim, "/status/phase") == Some("Bound"))
    }

    /// The phase of its DataVolume, if that is not done.
    pub(super) fn filling(&self) -> Option<&'a str> {
        let volume = self.data_volume?;
        Some(text(volume, "/status/phase").unwrap_or_default()).filter(|phase| *phase != "Succeeded")
    }

    /// Whether its class waits until a pod uses the claim.
    pub(super) fn waits_for_pod(&self) -> bool {
        let phase = self.filling().unwrap_or_default();
        let class = self.class.and_then(|class| text(class, "/volumeBindingMode"));
        matches!(phase, "WaitForFirstConsumer" | "PendingPopulation") || class == Some("WaitForFirstConsumer")
    }
}
