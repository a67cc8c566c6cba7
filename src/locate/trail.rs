//! The way of one disk, from the machine to its bytes.

use serde_json::Value;

use super::claims::claimed;
use super::event::Verdict;
use super::verdict::passing;
use super::{Atlas, Event};
use crate::facts::{claim_of, kind, text, volumes};
use crate::status::Subject;
use crate::storage::Place;

/// The way of one disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Trail {
    /// The name of the volume in the machine.
    pub name: String,
    /// What it holds.
    pub content: Content,
    /// The objects on the way, from the machine's side to the storage's.
    pub hops: Vec<Hop>,
    /// The claim.
    pub claim: Option<String>,
    /// The PersistentVolume.
    pub volume: Option<String>,
    /// The size that it has, or asks for.
    pub size: Option<String>,
    /// The class of the claim.
    pub class: Option<String>,
    /// Where the bytes lie; none while there are none, or it cannot be seen.
    pub place: Option<Placed>,
    /// Whether it is deleted with the VirtualMachine.
    pub dies_with_vm: bool,
    /// What becomes of it, event by event.
    pub verdicts: Vec<Verdict>,
}

/// What a volume of a machine holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Lasting data, in a claim.
    Disk,
    /// Lasting data, in a claim that was plugged in while the machine ran.
    Plugged,
    /// The state of the TPM and of the firmware, in a claim.
    State,
    /// A file of the node.
    HostDisk,
    /// Nothing that lasts. The text says what it is: `container image quay.io/…`.
    Passing(String),
}

impl Content {
    /// Whether anything of it outlives a stop.
    pub const fn lasts(&self) -> bool {
        !matches!(self, Self::Passing(_))
    }
}

/// One object on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// How it is, or why nothing more is seen: `Bound`, `not permitted to list PersistentVolumes`.
    pub state: String,
    /// Whether the way cannot be seen further from here.
    pub gap: bool,
}

/// A place, and what kind of storage it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// As people call it.
    pub backend: &'static str,
    /// The name of the driver.
    pub driver: String,
    /// The reclaim policy of the volume.
    pub policy: String,
    /// Where the bytes lie.
    pub place: Place,
}

impl Trail {
    /// Whether its claim is gone and its volume was left behind.
    pub fn is_left(&self) -> bool {
        self.volume.is_some() && self.hops.iter().any(|hop| hop.kind == kind::CLAIM && hop.gap)
    }

    /// What becomes of it if this happens; none if it cannot happen to it.
    pub fn verdict(&self, event: Event) -> Option<&Verdict> {
        self.verdicts.iter().find(|verdict| verdict.event == event)
    }
}

/// The ways of all disks of a machine: those that last first.
pub(super) fn trails(atlas: &Atlas<'_>, subject: &Subject, vm: Option<&Value>, instance: Option<&Value>) -> Vec<Trail> {
    let mut all = Vec::new();
    let own = vm.map(volumes).unwrap_or_default();
    for volume in own {
        all.push(follow(atlas, subject, vm, instance, volume, false));
    }
    // What was plugged into the running machine alone is in its instance only.
    for volume in instance.map(volumes).unwrap_or_default() {
        if vm.is_some() && own.iter().all(|known| known["name"] != volume["name"]) {
            all.push(follow(atlas, subject, vm, instance, volume, true));
        }
    }
    for claim in atlas.states.get(&(subject.namespace.as_str(), subject.vm.as_str())).into_iter().flatten() {
        let name = text(claim, "/metadata/name").unwrap_or_default();
        all.push(claimed(atlas, subject, vm, "state", Content::State, name));
    }
    // A machine that is gone: its record knows what it had.
    for (disk, claim) in subject.record.iter().filter(|_| vm.is_none()).flat_map(|record| &record.claims) {
        all.push(claimed(atlas, subject, vm, disk, Content::Disk, claim));
    }
    all.sort_by_key(|trail| !trail.content.lasts());
    all
}

fn follow(
    atlas: &Atlas<'_>,
    subject: &Subject,
    vm: Option<&Value>,
    instance: Option<&Value>,
    volume: &Value,
    only_instance: bool,
) -> Trail {
    let name = text(volume, "/name").unwrap_or_default();
    if let Some(claim) = claim_of(volume).or_else(|| text(volume, "/memoryDump/claimName")) {
        let plugged =
            only_instance || volume.pointer("/persistentVolumeClaim/hotpluggable") == Some(&Value::Bool(true));
        let plugged = plugged || volume.pointer("/dataVolume/hotpluggable") == Some(&Value::Bool(true));
        let content = if plugged { Content::Plugged } else { Content::Disk };
        return claimed(atlas, subject, vm, name, content, claim);
    }
    if let Some(path) = text(volume, "/hostDisk/path") {
        return super::claims::host_disk(name, path, instance);
    }
    // What a guest may write to.
    let written = ["containerDisk", "emptyDisk", "ephemeral"].iter().any(|kind| volume.get(kind).is_some());
    passing(name, what(volume), written)
}

/// What a volume without lasting data is. Source: KubeVirt, api/core/v1, `VolumeSource`.
fn what(volume: &Value) -> String {
    let named = |at: &str| text(volume, at).unwrap_or_default();
    let known = [
        ("containerDisk", "container image", "/containerDisk/image"),
        ("emptyDisk", "empty disk of", "/emptyDisk/capacity"),
        ("ephemeral", "what is written over claim", "/ephemeral/persistentVolumeClaim/claimName"),
        ("configMap", "ConfigMap", "/configMap/name"),
        ("secret", "Secret", "/secret/secretName"),
        ("cloudInitNoCloud", "cloud-init", ""),
        ("cloudInitConfigDrive", "cloud-init", ""),
        ("sysprep", "Sysprep", ""),
        ("serviceAccount", "ServiceAccount", "/serviceAccount/serviceAccountName"),
        ("downwardAPI", "fields of the machine", ""),
        ("downwardMetrics", "metrics of the node", ""),
    ];
    let found = known.iter().find(|(key, _, _)| volume.get(key).is_some());
    found.map_or_else(
        || "a kind of volume that is not known here".to_owned(),
        |(_, what, at)| format!("{what} {}", named(at)).trim_end().to_owned(),
    )
}
