//! What becomes of a disk if something happens: from owners, reclaim policy, the place, its copies and its snapshots.

use serde_json::Value;

use super::Atlas;
use super::event::{Event, Fate, Verdict};
use super::owner::dies_with;
use super::recover::steps;
use super::trail::{Content, Placed, Trail};
use crate::facts::{kind, path, text};
use crate::status::Subject;
use crate::storage::{CopyState, Erased, Full, Holder};

/// A disk with a claim, and what is about it.
pub(super) struct Bytes<'a> {
    pub(super) atlas: &'a Atlas<'a>,
    pub(super) subject: &'a Subject,
    pub(super) vm: Option<&'a Value>,
    pub(super) claim: Option<&'a Value>,
    pub(super) data_volume: Option<&'a Value>,
    pub(super) volume: Option<&'a Value>,
    /// Whether the claim is gone and the volume was left behind.
    pub(super) left: bool,
    pub(super) class: Option<&'a Value>,
    pub(super) trail: &'a Trail,
}

/// What becomes of the bytes, why, and the steps.
type Outcome = (Fate, String, Vec<String>);

fn outcome(fate: Fate, why: impl Into<String>) -> Outcome {
    (fate, why.into(), Vec::new())
}

/// All verdicts on a disk. Without bytes there is nothing to lose, and none.
pub(super) fn verdicts(bytes: &Bytes<'_>) -> Vec<Verdict> {
    let bound = bytes.trail.volume.is_some();
    let unseen = bytes.claim.is_none() && bytes.atlas.facts.unknown(kind::CLAIM, &bytes.subject.namespace).is_some();
    if !bound && !unseen {
        return Vec::new();
    }
    let of = |event| {
        let (fate, why, steps) = match event {
            Event::VmStopped => bytes.vm.map(|_| outcome(Fate::Kept, "its claim stays")),
            Event::NodeRebooted => Some(rebooted(bytes.trail.place.as_ref())),
            Event::WukongDeleted => bytes.wukong_deleted(),
            Event::VmDeleted => bytes.vm.map(|_| bytes.vm_deleted()),
            Event::ClaimDeleted => (!bytes.left).then(|| bytes.claim_deleted(true)),
            Event::NamespaceDeleted => Some(bytes.namespace_deleted()),
            Event::ClassDeleted => bytes.class.map(|_| {
                outcome(Fate::Kept, "bound volumes do not need their class; none can be made or grown without it")
            }),
            Event::NodeLost => Some(node_lost(bytes.trail.place.as_ref())),
            Event::DiskFull => Some(full(bytes.trail.place.as_ref())),
        }?;
        Some(Verdict { event, fate, why, steps })
    };
    Event::ALL.into_iter().filter_map(of).collect()
}

impl Bytes<'_> {
    /// The claim goes. `alone`: and nothing else, so that what made it may make it again.
    fn claim_deleted(&self, alone: bool) -> Outcome {
        let Some(placed) = &self.trail.place else {
            return outcome(Fate::Unknown, "the policy of its volume cannot be seen");
        };
        let again = if alone && self.is_made_again() { "; an empty or pristine one takes its place" } else { "" };
        let steps =
            || self.volume.map(|volume| steps(volume, &self.subject.namespace, self.claim_name())).unwrap_or_default();
        match (placed.policy.as_str(), &placed.place.erased) {
            ("Delete", Erased::Yes) => match self.snapshot().filter(|_| alone && placed.place.snapshots_survive) {
                Some(snapshot) => {
                    let why = format!("policy Delete: the volume is erased; VolumeSnapshot {snapshot} stays{again}");
                    let how = format!("make a claim from VolumeSnapshot {snapshot}: what was written since is lost");
                    (Fate::Recoverable, why, vec![how])
                }
                None => (Fate::Lost, format!("policy Delete: the volume is erased{again}"), self.keep()),
            },
            ("Delete", Erased::No(where_to)) => {
                (Fate::Recoverable, format!("policy Delete, but {where_to}{again}"), steps())
            }
            ("Delete", Erased::Unknown) => {
                let why = format!("policy Delete: the driver {} decides{again}", placed.driver);
                (Fate::Unknown, why, self.keep())
            }
            ("Recycle", _) => (Fate::Lost, format!("policy Recycle: the volume is emptied{again}"), self.keep()),
            _ => (
                Fate::Recoverable,
                format!("policy Retain: the volume is Released and keeps the bytes{again}"),
                steps(),
            ),
        }
    }

    fn vm_deleted(&self) -> Outcome {
        if self.claim.is_none() && !self.left {
            return outcome(Fate::Unknown, "the owners of its claim cannot be seen");
        }
        if !self.trail.dies_with_vm {
            return outcome(Fate::Kept, "the VirtualMachine does not own it");
        }
        let (fate, why, mut steps) = self.claim_deleted(false);
        let vm = crate::storage::word(&self.subject.vm);
        let how = format!("to keep it: kubectl delete vm {vm} -n {} --cascade=orphan", self.subject.namespace);
        steps.insert(0, how);
        (fate, format!("the VirtualMachine owns it; {why}"), steps)
    }

    fn wukong_deleted(&self) -> Option<Outcome> {
        let wukong = self.subject.wukong.as_deref()?;
        let facts = self.atlas.facts;
        let goes = [self.claim, self.data_volume]
            .into_iter()
            .flatten()
            .any(|object| dies_with(facts, object, "Wukong", wukong));
        if goes {
            let (fate, why, steps) = self.claim_deleted(false);
            return Some((fate, format!("an object of kind Wukong owns it; {why}"), steps));
        }
        Some(outcome(Fate::Kept, "kubectl wukong delete keeps what is not named"))
    }

    fn namespace_deleted(&self) -> Outcome {
        if self.left {
            return outcome(Fate::Recoverable, "the volume lies in no namespace");
        }
        let (fate, why, mut steps) = self.claim_deleted(false);
        if fate == Fate::Recoverable {
            steps.insert(0, format!("kubectl create namespace {}", self.subject.namespace));
        }
        (fate, format!("its claim goes with it; {why}"), steps)
    }

    /// How to make a deletion harmless before it happens.
    fn keep(&self) -> Vec<String> {
        let volume = self.volume.and_then(|volume| text(volume, "/metadata/name"));
        let patch = r#"-p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'"#;
        volume
            .map(|name| format!("to keep it: kubectl patch pv {} {patch}", crate::storage::word(name)))
            .into_iter()
            .collect()
    }

    fn claim_name(&self) -> &str {
        self.trail.claim.as_deref().unwrap_or_default()
    }

    /// Whether CDI makes the claim again because its DataVolume is still there. Source: CDI, doc/datavolumes.md.
    fn is_made_again(&self) -> bool {
        let marked = |object: &Value| {
            path(object, &["metadata", "annotations", "cdi.kubevirt.io/storage.prePopulated"]).is_some()
        };
        self.data_volume.is_some_and(|data_volume| !marked(data_volume))
    }

    /// The last snapshot of the claim that can be used.
    fn snapshot(&self) -> Option<&str> {
        let all = self.atlas.snapshots.get(&(self.subject.namespace.as_str(), self.claim_name()))?;
        let ready = all.iter().filter(|snapshot| snapshot.pointer("/status/readyToUse") == Some(&Value::Bool(true)));
        text(ready.max_by_key(|snapshot| text(snapshot, "/metadata/creationTimestamp"))?, "/metadata/name")
    }
}

fn rebooted(placed: Option<&Placed>) -> Outcome {
    let local = placed.is_none_or(|placed| matches!(placed.place.holder, Holder::Node(_)));
    let at = placed.filter(|_| local).and_then(|placed| placed.place.at.as_deref()).unwrap_or_default();
    let below = |folders: &[&str]| folders.iter().any(|folder| at.starts_with(folder));
    if below(&["/dev/shm/", "/run/", "/var/run/"]) {
        outcome(Fate::Lost, "it lies in the memory of the node")
    } else if below(&["/tmp/"]) && placed.is_some_and(|placed| placed.driver != "k8s.io/minikube-hostpath") {
        outcome(Fate::Unknown, "many systems empty /tmp when they start")
    } else {
        outcome(Fate::Kept, "it lies on a disk")
    }
}

/// The node that holds the bytes is gone; of several, the one whose loss is worst.
fn node_lost(placed: Option<&Placed>) -> Outcome {
    let Some(placed) = placed else { return outcome(Fate::Unknown, "where it lies cannot be seen") };
    match &placed.place.holder {
        Holder::Node(Some(node)) => {
            let why = format!("only {node} has it: the machine is down until the node returns");
            (Fate::Lost, why, vec![format!("if {node} does not return: its disk in another machine, or a backup")])
        }
        Holder::Node(None) => outcome(Fate::Lost, "it lies on one node, and its volume does not say on which"),
        Holder::Copies => match (placed.place.copies.is_empty(), healthy(placed).len()) {
            (true, _) => outcome(Fate::Kept, "other nodes have copies, if they are healthy: that cannot be seen"),
            (false, 0) => outcome(Fate::Lost, "no copy is healthy"),
            (false, 1) => outcome(Fate::Lost, "only one copy is healthy"),
            (false, count) => outcome(Fate::Kept, format!("{} of {count} healthy copies stay", count - 1)),
        },
        Holder::Server(_) | Holder::Zone(_) | Holder::Region(_) => outcome(Fate::Kept, "no node holds it"),
        Holder::Unknown => outcome(Fate::Unknown, "where it lies is not known"),
    }
}

/// The nodes with a healthy copy, each once.
pub(super) fn healthy(placed: &Placed) -> Vec<&str> {
    let healthy = placed.place.copies.iter().filter(|copy| copy.state == CopyState::Healthy);
    let mut nodes: Vec<_> = healthy.map(|copy| copy.node.as_deref().unwrap_or_default()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

fn full(placed: Option<&Placed>) -> Outcome {
    match placed.map(|placed| placed.place.full) {
        Some(Full::Pauses) => outcome(Fate::Kept, "the machine pauses with an I/O error until there is space"),
        Some(Full::Reserved) => outcome(Fate::Kept, "its space is set aside"),
        Some(Full::Hangs) => outcome(Fate::Kept, "writes wait until there is space"),
        Some(Full::Unknown) | None => outcome(Fate::Unknown, "what its storage does then is not known"),
    }
}

/// The verdicts on a file of a node.
pub(super) fn of_host(placed: &Placed) -> Vec<Verdict> {
    let of = |event| {
        let (fate, why, steps) = match event {
            Event::VmStopped | Event::VmDeleted | Event::NamespaceDeleted => {
                outcome(Fate::Kept, "the file stays on its node")
            }
            Event::NodeRebooted => rebooted(Some(placed)),
            Event::NodeLost => node_lost(Some(placed)),
            Event::DiskFull => full(Some(placed)),
            Event::WukongDeleted | Event::ClaimDeleted | Event::ClassDeleted => return None,
        };
        Some(Verdict { event, fate, why, steps })
    };
    Event::ALL.into_iter().filter_map(of).collect()
}

/// A volume that holds nothing that lasts.
pub(super) fn passing(name: &str, what: String, written: bool) -> Trail {
    let lost = Verdict {
        event: Event::VmStopped,
        fate: Fate::Lost,
        why: "what the guest writes to it goes at every stop".to_owned(),
        steps: Vec::new(),
    };
    Trail {
        name: name.to_owned(),
        content: Content::Passing(what),
        hops: Vec::new(),
        claim: None,
        volume: None,
        size: None,
        class: None,
        place: None,
        dies_with_vm: false,
        verdicts: if written { vec![lost] } else { Vec::new() },
    }
}
