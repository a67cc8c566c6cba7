//! The way of one disk, from the machine to its bytes.

use serde_json::Value;

use super::claims::claimed;
use super::event::{Fate, Verdict};
use super::verdict::passing;
use super::{Atlas, Event};
use crate::facts::{claim_of, kind, text, volumes};
use crate::status::Subject;
use crate::storage::{Holder, Place};

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
    /// Whether its claim or DataVolume is being deleted, and goes as soon as nobody uses it.
    pub going: bool,
    /// Other VirtualMachines that use the claim.
    pub shared_with: Vec<String>,
    /// Volumes with bytes that older claims of this name left behind.
    pub left: Vec<String>,
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
    /// One of which nothing more is known.
    pub(super) fn new(name: &str, content: Content) -> Self {
        Self {
            name: name.to_owned(),
            content,
            hops: Vec::new(),
            claim: None,
            volume: None,
            size: None,
            class: None,
            place: None,
            dies_with_vm: false,
            going: false,
            shared_with: Vec::new(),
            left: Vec::new(),
            verdicts: Vec::new(),
        }
    }

    /// Whether its claim is gone and its volume was left behind.
    pub fn is_left(&self) -> bool {
        self.place.is_some() && self.hops.iter().any(|hop| hop.kind == kind::CLAIM && hop.gap)
    }

    /// Whether its bytes are gone if this happens.
    pub fn is_lost(&self, event: Event) -> bool {
        self.verdict(event).is_some_and(|verdict| verdict.fate == Fate::Lost)
    }

    /// Whether a node has its bytes, or some of them.
    pub fn is_on(&self, node: &str) -> bool {
        self.place.as_ref().is_some_and(|placed| {
            let copy = placed.place.copies.iter().any(|copy| copy.node.as_deref() == Some(node));
            copy || placed.place.holder == Holder::Node(Some(node.to_owned()))
        })
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
    for volume in instance.filter(|_| vm.is_some()).map(volumes).unwrap_or_default() {
        match own.iter().find(|known| known["name"] == volume["name"]) {
            // What was plugged into the running machine alone is in its instance only.
            None => all.push(follow(atlas, subject, vm, instance, volume, true)),
            // The machine shall use another claim, and still writes to this one.
            Some(known) if claim_of(known) != claim_of(volume) => {
                let mut now = follow(atlas, subject, vm, instance, volume, false);
                now.name.push_str(" (in use now)");
                all.push(now);
            }
            Some(_) => {}
        }
    }
    // What is written over the claim of an ephemeral volume passes; the claim below does not.
    for volume in own {
        if let Some(base) = text(volume, "/ephemeral/persistentVolumeClaim/claimName") {
            let name = format!("{} (below)", text(volume, "/name").unwrap_or_default());
            all.push(claimed(atlas, subject, vm, &name, Content::Disk, base));
        }
    }
    let states = atlas.states.get(&(subject.namespace.as_str(), subject.vm.as_str())).into_iter().flatten();
    let mut states: Vec<_> = states.filter_map(|claim| text(claim, "/metadata/name")).collect();
    // Before the label there was the name. Source: KubeVirt, pkg/storage/backend-storage.
    let named = format!("persistent-state-for-{}", subject.vm);
    if states.is_empty() && atlas.facts.get(kind::CLAIM, &subject.namespace, &named).is_some() {
        states.push(&named);
    }
    for name in states {
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
