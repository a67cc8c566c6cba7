//! The pods and the attached volumes of a node.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::facts::{Facts, has_ended, is_going, kind, text};

/// What a node held, besides machines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// The pods of machines: launchers, and those that hold plugged-in disks.
    pub pods: Vec<HeldPod>,
    /// How many other pods are there.
    pub others: usize,
    /// Volumes that the cluster takes for attached there.
    pub attached: Vec<Attached>,
    /// Whether pods could be read.
    pub pods_known: bool,
    /// Whether attachments could be read.
    pub attached_known: bool,
}

/// A pod of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The UID of the instance that it serves.
    pub instance: String,
    /// `Running`, `Pending`, …; `Terminating` if it shall go and nobody there stops it.
    pub state: String,
}

/// A volume that is attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The PersistentVolume.
    pub volume: String,
    /// The claim that it is of, as namespace and name.
    pub claim: Option<(String, String)>,
    /// Whether it is a disk of a machine. A volume of another pod may stay with its pod.
    pub of_machine: bool,
    /// Why it is not detached, if the driver says so.
    pub problem: Option<String>,
}

/// What is on a node. Only pods that have not ended count: the others hold nothing.
pub(super) fn held(facts: &Facts, node: &str) -> Held {
    let known = |kind| facts.unknown(kind, "").is_none();
    let mut held = Held { pods_known: known(kind::POD), attached_known: known(kind::ATTACHMENT), ..Held::default() };
    for pod in facts.all_of(kind::POD).filter(|pod| text(pod, "/spec/nodeName") == Some(node) && !has_ended(pod)) {
        match instance(pod) {
            Some(instance) => held.pods.push(HeldPod {
                namespace: text(pod, "/metadata/namespace").unwrap_or_default().to_owned(),
                name: text(pod, "/metadata/name").unwrap_or_default().to_owned(),
                instance: instance.to_owned(),
                state: if is_going(pod) {
                    "Terminating".to_owned()
                } else {
                    text(pod, "/status/phase").unwrap_or("Pending").to_owned()
                },
            }),
            None => held.others += 1,
        }
    }
    let disks = disks(facts);
    for attachment in facts.all_of(kind::ATTACHMENT).filter(|found| text(found, "/spec/nodeName") == Some(node)) {
        let Some(volume) = text(attachment, "/spec/source/persistentVolumeName") else { continue };
        let of = facts.get(kind::VOLUME, "", volume);
        let part = |at: &str| of.and_then(|volume| text(volume, at)).map(str::to_owned);
        let claim = part("/spec/claimRef/namespace").zip(part("/spec/claimRef/name"));
        held.attached.push(Attached {
            volume: volume.to_owned(),
            of_machine: claim
                .as_ref()
                .is_some_and(|(namespace, name)| disks.contains(&(namespace.as_str(), name.as_str()))),
            claim,
            problem: text(attachment, "/status/detachError/message").map(crate::text::redact),
        });
    }
    held
}

/// The instance that a pod serves: its launcher says so in a label, the pod of a plugged-in disk is owned by the launcher.
fn instance(pod: &Value) -> Option<&str> {
    let labels = pod.pointer("/metadata/labels")?;
    let kind = labels.get("kubevirt.io").and_then(Value::as_str)?;
    let owner = text(pod, "/metadata/ownerReferences/0/uid");
    matches!(kind, "virt-launcher" | "hotplug-disk")
        .then(|| labels.get("kubevirt.io/created-by").and_then(Value::as_str).or(owner).unwrap_or_default())
}

/// The claims of all machines, by namespace and name.
fn disks(facts: &Facts) -> BTreeSet<(&str, &str)> {
    let machines = facts.all_of(kind::MACHINE).chain(facts.all_of(kind::INSTANCE));
    machines
        .flat_map(|machine| {
            let namespace = text(machine, "/metadata/namespace").unwrap_or_default();
            crate::facts::volumes(machine)
                .iter()
                .filter_map(crate::facts::claim_of)
                .map(move |claim| (namespace, claim))
        })
        .collect()
}
