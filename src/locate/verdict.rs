//! What becomes of a disk if something happens: from owners, reclaim policy, the place, its copies and its snapshots.

use serde_json::Value;

use super::Atlas;
use super::event::{Event, Fate, Verdict};
use super::owner::{Dies, dies_with};
use super::recover::{retain, steps};
use super::trail::{Content, Placed, Trail};
use crate::facts::{is_going, kind, path, text};
use crate::status::Subject;
use crate::storage::{CopyState, Erased, Full, Holder};
use crate::text::word;

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
    /// Whether it goes with the VirtualMachine.
    pub(super) dies: Dies,
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
        let (fate, why, steps) = bytes.verdict(event)?;
        Some(Verdict { event, fate, why, steps })
    };
    Event::ALL.into_iter().filter_map(of).collect()
}

impl Bytes<'_> {
    fn verdict(&self, event: Event) -> Option<Outcome> {
        let place = self.trail.place.as_ref();
        let volumes_read = self.atlas.facts.unknown(kind::VOLUME, "").is_none();
        if bytes_missing(self) && volumes_read {
            return Some(outcome(Fate::Unknown, "its volume does not exist any more: look for what it held"));
        }
        let ends_use = matches!(event, Event::VmStopped | Event::VmDeleted | Event::WukongDeleted);
        if self.trail.going && ends_use && self.vm.is_some() {
            let (fate, why, steps) = self.claim_deleted(false);
            return Some((fate, format!("its claim is being deleted, and goes when nobody uses it; {why}"), steps));
        }
        match event {
            Event::VmStopped => self.vm.map(|_| outcome(Fate::Kept, "its claim stays")),
            Event::NodeRebooted => Some(rebooted(place)),
            Event::WukongDeleted => self.wukong_deleted(),
            Event::VmDeleted => self.vm.map(|_| self.vm_deleted()),
            Event::ClaimDeleted => (!self.left).then(|| self.claim_deleted(true)),
            Event::NamespaceDeleted => Some(self.namespace_deleted()),
            Event::ClassDeleted => self.class.map(|_| {
                outcome(Fate::Kept, "bound volumes do not need their class; none can be made or grown without it")
            }),
            Event::NodeLost => Some(node_lost(place)),
            Event::DiskFull => Some(full(place)),
        }
    }

    /// The claim goes. `alone`: and nothing else, so that what made it may make it again.
    fn claim_deleted(&self, alone: bool) -> Outcome {
        let Some(placed) = &self.trail.place else {
            return outcome(Fate::Unknown, "the policy of its volume cannot be seen");
        };
        let again = if alone && self.is_made_again() { "; an empty or pristine one takes its place" } else { "" };
        match (placed.policy.as_str(), &placed.place.erased) {
            ("Delete", Erased::Yes) => match self.snapshot().filter(|_| placed.place.snapshots_survive) {
                Some((snapshot, at)) => {
                    let why =
                        format!("policy Delete: the volume is erased; VolumeSnapshot {snapshot} of {at} stays{again}");
                    let how = format!(
                        "a claim with VolumeSnapshot {snapshot} as its dataSource brings back what was at {at}"
                    );
                    let mut steps = self.keep();
                    steps.push(how);
                    (Fate::Recoverable, why, steps)
                }
                None => (Fate::Lost, format!("policy Delete: the volume is erased{again}"), self.keep()),
            },
            // What a provisioner made, it takes away; only what an administrator made stays as Failed.
            ("Delete", Erased::No(why)) if self.is_provisioned() => {
                let mut steps = self.keep();
                steps.push("after it: a new PersistentVolume that points to where the bytes are then".to_owned());
                (Fate::Recoverable, format!("policy Delete: the volume goes, but {why}{again}"), steps)
            }
            ("Delete", Erased::No(why)) => {
                (Fate::Recoverable, format!("policy Delete, but {why}{again}"), self.recover())
            }
            ("Delete", Erased::Unknown) => {
                let why = format!("policy Delete: the driver {} decides{again}", placed.driver);
                (Fate::Unknown, why, self.keep())
            }
            ("Recycle", _) => (Fate::Lost, format!("policy Recycle: the volume is emptied{again}"), self.keep()),
            _ => {
                let why = format!("policy Retain: the volume is Released and keeps the bytes{again}");
                (Fate::Recoverable, why, self.recover())
            }
        }
    }

    fn vm_deleted(&self) -> Outcome {
        if self.claim.is_none() && !self.left {
            return outcome(Fate::Unknown, "the owners of its claim cannot be seen");
        }
        if self.dies == Dies::Unknown {
            let (_, why, steps) = self.claim_deleted(false);
            return (Fate::Unknown, format!("whether its owners go too cannot be seen; if so: {why}"), steps);
        }
        if self.dies == Dies::No {
            let other = self.trail.shared_with.iter().find(|other| self.goes_with(kind::MACHINE, other));
            let why = match other {
                Some(other) => format!("VirtualMachine {other} owns it and takes it along; this one does not"),
                None => "the VirtualMachine does not own it".to_owned(),
            };
            return outcome(Fate::Kept, why);
        }
        let (fate, why, mut steps) = self.claim_deleted(false);
        let (vm, namespace) = (word(&self.subject.vm), word(&self.subject.namespace));
        steps.push(format!("or stop it, and: kubectl delete vm {vm} -n {namespace} --cascade=orphan"));
        (fate, format!("the VirtualMachine owns it; {why}"), steps)
    }

    /// Whether it goes with an owner of this kind and name.
    fn goes_with(&self, kind: &str, name: &str) -> bool {
        dies_with(self.atlas.facts, [self.claim, self.data_volume], kind, name) == Dies::Yes
    }

    fn wukong_deleted(&self) -> Option<Outcome> {
        let wukong = self.subject.wukong.as_deref()?;
        if self.goes_with("Wukong", wukong) {
            let (fate, why, steps) = self.claim_deleted(false);
            return Some((fate, format!("an object of kind Wukong owns it; {why}"), steps));
        }
        Some(outcome(Fate::Kept, "kubectl wukong delete keeps what is not named"))
    }

    fn namespace_deleted(&self) -> Outcome {
        let erased = self.trail.place.as_ref().is_some_and(|placed| placed.policy != "Retain");
        if self.left && erased {
            return (Fate::Lost, "its volume waits to be erased".to_owned(), self.keep());
        }
        if self.left {
            return outcome(Fate::Recoverable, "the volume lies in no namespace");
        }
        let (fate, why, mut steps) = self.claim_deleted(false);
        let (fate, why) = match self.snapshot() {
            // Snapshots lie in the namespace, and go with it.
            Some(_) if fate == Fate::Recoverable && erased => {
                (Fate::Lost, "policy Delete: volume and snapshots go".to_owned())
            }
            _ => (fate, why),
        };
        if fate == Fate::Recoverable {
            steps.insert(0, format!("kubectl create namespace {}", word(&self.subject.namespace)));
        }
        (fate, format!("its claim goes with it; {why}"), steps)
    }

    /// How to make a deletion harmless before it happens.
    fn keep(&self) -> Vec<String> {
        let volume = self.volume.and_then(|volume| text(volume, "/metadata/name"));
        volume.map(|name| format!("to keep it: {}", retain(name))).into_iter().collect()
    }

    /// How to get a volume back that stays without a claim.
    fn recover(&self) -> Vec<String> {
        let again = self.is_made_again();
        let of = |volume| steps(volume, &self.subject.namespace, self.claim_name(), again.then_some(self.subject));
        self.volume.map(of).unwrap_or_default()
    }

    fn claim_name(&self) -> &str {
        self.trail.claim.as_deref().unwrap_or_default()
    }

    fn is_provisioned(&self) -> bool {
        let noted = ["metadata", "annotations", "pv.kubernetes.io/provisioned-by"];
        self.volume.is_some_and(|volume| path(volume, &noted).is_some() || volume.pointer("/spec/csi").is_some())
    }

    /// Whether CDI makes the claim again because its DataVolume is still there. Source: CDI, doc/datavolumes.md.
    fn is_made_again(&self) -> bool {
        let key = ["metadata", "annotations", "cdi.kubevirt.io/storage.prePopulated"];
        self.data_volume.is_some_and(|data_volume| path(data_volume, &key).is_none())
    }

    /// The last snapshot of this claim that can be used, and of when it is.
    fn snapshot(&self) -> Option<(&str, &str)> {
        let all = self.atlas.snapshots.get(&(self.subject.namespace.as_str(), self.claim_name()))?;
        let made = |object: &&Value| text(object, "/metadata/creationTimestamp").unwrap_or_default().to_owned();
        let since = self.claim.as_ref().map(made).unwrap_or_default();
        let ready = all.iter().copied().filter(|snapshot| {
            let ready = snapshot.pointer("/status/readyToUse") == Some(&Value::Bool(true));
            // One of an older claim of this name holds something else.
            ready && !is_going(snapshot) && made(snapshot) >= since
        });
        let last = ready.max_by_key(made)?;
        Some((text(last, "/metadata/name")?, text(last, "/metadata/creationTimestamp").unwrap_or("an unknown time")))
    }
}

/// Whether the claim names a volume that is not there.
fn bytes_missing(bytes: &Bytes<'_>) -> bool {
    bytes.trail.volume.is_some() && bytes.volume.is_none()
}

fn rebooted(placed: Option<&Placed>) -> Outcome {
    let Some(placed) = placed.filter(|placed| placed.place.holder != Holder::Unknown) else {
        return outcome(Fate::Unknown, "where it lies cannot be seen");
    };
    let local = matches!(placed.place.holder, Holder::Node(_));
    let at = placed.place.at.as_deref().filter(|_| local).unwrap_or_default();
    let below = |folders: &[&str]| folders.iter().any(|folder| at.starts_with(folder));
    if below(&["/dev/shm/", "/run/", "/var/run/"]) {
        outcome(Fate::Lost, "it lies in the memory of the node")
    } else if below(&["/tmp/"]) && placed.driver != "k8s.io/minikube-hostpath" {
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
        Holder::Copies => match (copies(placed), placed.place.survives_node) {
            ((0, 0), Some(true)) => outcome(Fate::Kept, "the storage keeps copies on several nodes"),
            ((0, 0), Some(false)) => outcome(Fate::Lost, "the storage keeps one copy"),
            ((0, 0), None) if placed.place.copies.is_empty() => {
                outcome(Fate::Unknown, "whether other nodes have copies cannot be seen")
            }
            ((0, 0), None) => outcome(Fate::Lost, "no copy is healthy"),
            ((1, 0), _) => outcome(Fate::Lost, "only one node has a healthy copy"),
            ((healthy, unknown), _) if healthy < 2 => {
                outcome(Fate::Unknown, format!("how {unknown} of its copies are cannot be seen"))
            }
            ((healthy, _), _) => outcome(Fate::Kept, format!("{} of {healthy} healthy copies stay", healthy - 1)),
        },
        Holder::Server(_) | Holder::Zone(_) | Holder::Region(_) => outcome(Fate::Kept, "no node holds it"),
        Holder::Unknown => outcome(Fate::Unknown, "where it lies is not known"),
    }
}

/// How many nodes have a healthy copy, and how many copies are there of which it is not told.
fn copies(placed: &Placed) -> (usize, usize) {
    (nodes(placed, CopyState::Healthy).len(), nodes(placed, CopyState::Unknown).len())
}

/// The nodes with a copy in this state, each once.
pub(super) fn nodes(placed: &Placed, state: CopyState) -> Vec<&str> {
    let copies = placed.place.copies.iter().filter(|copy| copy.state == state);
    let mut nodes: Vec<_> = copies.map(|copy| copy.node.as_deref().unwrap_or_default()).collect();
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
    Trail { verdicts: if written { vec![lost] } else { Vec::new() }, ..Trail::new(name, Content::Passing(what)) }
}
