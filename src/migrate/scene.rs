//! A machine with its disks as they are, for one who wants to move them.

use serde_json::Value;

use crate::facts::{Facts, claim_of, condition, has_ended, is_going, kind, strings, text, volume_of, volumes};
use crate::status::Subject;

/// A machine.
pub(super) struct Scene<'a> {
    pub facts: &'a Facts,
    pub namespace: &'a str,
    pub vm: &'a Value,
    /// Its instance, unless that has ended.
    pub instance: Option<&'a Value>,
    /// Its disks with claims, in the order of the machine.
    pub disks: Vec<Disk<'a>>,
}

/// A disk with a claim.
#[derive(Clone, Copy)]
pub(super) struct Disk<'a> {
    pub name: &'a str,
    pub claim_name: &'a str,
    pub claim: Option<&'a Value>,
    /// The DataVolume of the same name.
    pub data_volume: Option<&'a Value>,
    /// The volume that the claim is bound to.
    pub volume: Option<&'a Value>,
    /// The entry among the machine's devices.
    pub device: Option<&'a Value>,
    /// Whether the volume may only be read.
    pub read_only: bool,
}

impl<'a> Scene<'a> {
    /// The machine of a subject; none if there is no VirtualMachine.
    pub(super) fn of(facts: &'a Facts, subject: &'a Subject) -> Option<Self> {
        let namespace = subject.namespace.as_str();
        let vm = facts.get(kind::MACHINE, namespace, &subject.vm)?;
        let instance = facts.get(kind::INSTANCE, namespace, &subject.vm).filter(|instance| !has_ended(instance));
        let devices = vm.pointer("/spec/template/spec/domain/devices/disks").and_then(Value::as_array);
        let device = |name: &str| devices?.iter().find(|device| device["name"] == name);
        let disks = volumes(vm).iter().filter_map(|volume| {
            let name = volume["name"].as_str()?;
            let claim_name = claim_of(volume)?;
            let claim = facts.get(kind::CLAIM, namespace, claim_name);
            Some(Disk {
                name,
                claim_name,
                claim,
                data_volume: facts.get(kind::DATA_VOLUME, namespace, claim_name),
                volume: claim.and_then(|claim| volume_of(claim, facts)),
                device: device(name),
                read_only: volume.pointer("/persistentVolumeClaim/readOnly") == Some(&Value::Bool(true)),
            })
        });
        Some(Self { facts, namespace, vm, instance, disks: disks.collect() })
    }

    /// The node on which it runs.
    pub(super) fn node(&self) -> Option<&'a str> {
        self.instance.and_then(|instance| text(instance, "/status/nodeName"))
    }

    /// Whether its guest runs.
    pub(super) fn runs(&self) -> bool {
        self.instance.is_some_and(|instance| text(instance, "/status/phase") == Some("Running") && !is_going(instance))
    }

    /// Pods that still have a claim mounted, helpers of KubeVirt and CDI among them.
    pub(super) fn holders(&self, claim: &str) -> Vec<&'a str> {
        let holds = |pod: &&Value| !has_ended(pod) && volumes(pod).iter().any(|volume| claim_of(volume) == Some(claim));
        let pods = self.facts.all(kind::POD, self.namespace).filter(holds);
        pods.filter_map(|pod| text(pod, "/metadata/name")).collect()
    }

    /// A condition of the machine's instance: whether it holds, its reason and its message.
    pub(super) fn condition(&self, name: &str) -> Option<(bool, &'a str, &'a str)> {
        self.instance.and_then(|instance| condition(instance, name))
    }

    /// The settings of KubeVirt.
    pub(super) fn kubevirt(&self) -> Option<&'a Value> {
        self.facts.all_of(kind::KUBEVIRT).next()
    }

    /// The claim of each volume of the running instance, by the volume's name.
    pub(super) fn instance_claim(&self, disk: &str) -> Option<&'a str> {
        let all = self.instance.map_or(&[][..], |instance| volumes(instance));
        all.iter().find(|volume| volume["name"] == disk).and_then(claim_of)
    }

    /// The claim of a disk in the machine's spec.
    pub(super) fn claim(&self, disk: &str) -> Option<&'a str> {
        self.disks.iter().find(|found| found.name == disk).map(|found| found.claim_name)
    }

    /// Volumes that keep the state of the machine's TPM and firmware, and go where it goes.
    pub(super) fn states(&self) -> impl Iterator<Item = &'a Value> {
        let name = text(self.vm, "/metadata/name").unwrap_or_default();
        let claims = self.facts.all(kind::CLAIM, self.namespace);
        let of_state = move |claim: &&Value| {
            claim.pointer("/metadata/labels").is_some_and(|all| all["persistent-state-for"] == name)
        };
        claims.filter(of_state).filter_map(|claim| volume_of(claim, self.facts))
    }

    /// A migration of the machine that is under way.
    pub(super) fn migrating(&self) -> Option<&'a Value> {
        self.migrations().find(|found| !has_ended(found))
    }

    /// The migrations of the machine.
    pub(super) fn migrations(&self) -> impl Iterator<Item = &'a Value> {
        let name = text(self.vm, "/metadata/name").unwrap_or_default();
        self.facts.all(kind::MIGRATION, self.namespace).filter(move |found| text(found, "/spec/vmiName") == Some(name))
    }
}

impl Disk<'_> {
    pub(super) fn access_modes(&self) -> Vec<&str> {
        self.claim.map(|claim| strings(claim, "/spec/accessModes")).unwrap_or_default()
    }

    /// Whether several nodes may have it at once, which a live migration needs.
    pub(super) fn is_shared(&self) -> bool {
        self.access_modes().contains(&"ReadWriteMany")
    }

    pub(super) fn is_block(&self) -> bool {
        self.claim.is_some_and(|claim| text(claim, "/spec/volumeMode") == Some("Block"))
    }

    pub(super) fn class(&self) -> Option<&str> {
        self.claim.and_then(|claim| text(claim, "/spec/storageClassName"))
    }
}
