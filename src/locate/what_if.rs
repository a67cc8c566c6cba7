//! What an event does to a fleet: who loses data, who is down until something returns, who moves.

use std::collections::BTreeMap;

use super::Located;
use super::event::{Event, Fate};
use super::trail::Trail;
use super::verdict::nodes;
use crate::storage::{CopyState, Holder};

/// An event as a person names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A node is gone.
    NodeLost(String),
    /// The VirtualMachines are deleted.
    VmDeleted,
    /// The Wukongs are deleted.
    WukongDeleted,
    /// The claims of the machines are deleted, or this one.
    ClaimDeleted(Option<String>),
    /// A namespace is deleted.
    NamespaceDeleted(String),
    /// A class is deleted.
    ClassDeleted(String),
}

/// What an event does to one machine, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Bytes are gone.
    Loses,
    /// Bytes may be gone: something could not be seen.
    Unknown,
    /// Bytes are kept, and someone has to do something before the machine finds them.
    Recoverable,
    /// It does not run until someone or something comes back; its bytes are kept.
    Down,
    /// It starts again on another node.
    Moves,
    /// It is no more, and its bytes are kept.
    Gone,
    /// Nothing.
    Unaffected,
}

impl Effect {
    /// As programs read it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Loses => "loses data",
            Self::Unknown => "not known",
            Self::Recoverable => "recoverable",
            Self::Down => "down",
            Self::Moves => "moves",
            Self::Gone => "keeps its data",
            Self::Unaffected => "not affected",
        }
    }

    /// As people read it of so many machines: `1 loses data`, `2 lose data`.
    pub fn of(self, count: usize) -> String {
        let word = match self {
            Self::Loses if count != 1 => "lose data",
            Self::Moves if count != 1 => "move",
            Self::Gone if count != 1 => "keep their data",
            effect => effect.word(),
        };
        format!("{count} {word}")
    }
}

/// What an event does to one machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Impact {
    /// The sum of it.
    pub effect: Effect,
    /// Disk by disk what becomes of it, why, and the steps; those that are not affected are left out.
    pub disks: Vec<Hit>,
    /// What else to know about the machine, as a clause.
    pub note: String,
}

impl What {
    /// Reads `node-lost=worker-1`, `vm-deleted`.
    ///
    /// # Errors
    /// A sentence that says what can be asked.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (event, name) = text.split_once('=').map_or((text, None), |(event, name)| (event, Some(name)));
        let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        match (event, name) {
            ("node-lost", Some(node)) => Ok(Self::NodeLost(node)),
            ("namespace-deleted", Some(namespace)) => Ok(Self::NamespaceDeleted(namespace)),
            ("class-deleted", Some(class)) => Ok(Self::ClassDeleted(class)),
            ("pvc-deleted", claim) => Ok(Self::ClaimDeleted(claim)),
            ("vm-deleted", None) => Ok(Self::VmDeleted),
            ("wukong-deleted", None) => Ok(Self::WukongDeleted),
            _ => Err("it is one of node-lost=NAME, vm-deleted, wukong-deleted, pvc-deleted[=NAME], \
                      namespace-deleted=NAME, class-deleted=NAME"
                .to_owned()),
        }
    }

    /// In a sentence: `node worker-1 is lost`.
    pub fn clause(&self) -> String {
        match self {
            Self::NodeLost(node) => format!("node {node} is lost"),
            Self::VmDeleted => "the VM is deleted".to_owned(),
            Self::WukongDeleted => "the Wukong is deleted".to_owned(),
            Self::ClaimDeleted(None) => "the claims are deleted".to_owned(),
            Self::ClaimDeleted(Some(claim)) => format!("claim {claim} is deleted"),
            Self::NamespaceDeleted(namespace) => format!("namespace {namespace} is deleted"),
            Self::ClassDeleted(class) => format!("class {class} is deleted"),
        }
    }

    const fn event(&self) -> Event {
        match self {
            Self::NodeLost(_) => Event::NodeLost,
            Self::VmDeleted => Event::VmDeleted,
            Self::WukongDeleted => Event::WukongDeleted,
            Self::ClaimDeleted(_) => Event::ClaimDeleted,
            Self::NamespaceDeleted(_) => Event::NamespaceDeleted,
            Self::ClassDeleted(_) => Event::ClassDeleted,
        }
    }
}

/// What an event does to some machines, each in its place. Machines that share a disk share its fate.
pub fn impacts(machines: &[Located], what: &What) -> Vec<Impact> {
    let hits: Vec<Vec<Hit>> = machines.iter().map(|machine| hits(machine, what)).collect();
    // The claims that the event takes from the machine that owns them.
    let mut gone: BTreeMap<(&str, &str), Hit> = BTreeMap::new();
    for (machine, hits) in machines.iter().zip(&hits) {
        for hit in hits.iter().filter(|hit| hit.1 != Fate::Kept) {
            let disk = machine.disks.iter().find(|disk| disk.name == hit.0);
            if let Some(claim) = disk.and_then(|disk| disk.claim.as_deref()) {
                gone.insert((&machine.subject.namespace, claim), hit.clone());
            }
        }
    }
    let impacts = machines.iter().zip(hits).map(|(machine, mut hits)| {
        for disk in machine.disks.iter().filter(|disk| !disk.shared_with.is_empty()) {
            let claim = disk.claim.as_deref().unwrap_or_default();
            let Some((_, fate, why, steps)) = gone.get(&(machine.subject.namespace.as_str(), claim)) else { continue };
            hits.retain(|hit| hit.0 != disk.name || hit.1 != Fate::Kept);
            if hits.iter().all(|hit| hit.0 != disk.name) {
                hits.push((disk.name.clone(), *fate, why.clone(), steps.clone()));
            }
        }
        impact(machine, what, hits)
    });
    impacts.collect()
}

/// A disk that an event touches: its name, what becomes of it, why, and the steps.
pub type Hit = (String, Fate, String, Vec<String>);

fn hits(machine: &Located, what: &What) -> Vec<Hit> {
    machine.disks.iter().filter(|disk| disk.content.lasts()).filter_map(|disk| hit(machine, disk, what)).collect()
}

fn impact(machine: &Located, what: &What, disks: Vec<Hit>) -> Impact {
    let runs_there = matches!(what, What::NodeLost(node) if machine.node.as_deref() == Some(node));
    let worst = disks.iter().map(|(_, fate, _, _)| *fate).fold(Fate::Kept, worse);
    let effect = match (worst, what) {
        (Fate::Lost, _) => Effect::Loses,
        (Fate::Unknown, _) => Effect::Unknown,
        (Fate::Recoverable, _) => Effect::Recoverable,
        (Fate::Kept, What::NodeLost(node)) if runs_there => {
            let free = machine.pinned.as_deref() != Some(node);
            if machine.restarts && free { Effect::Moves } else { Effect::Down }
        }
        (Fate::Kept, What::NamespaceDeleted(namespace)) if *namespace == machine.subject.namespace => Effect::Gone,
        (Fate::Kept, What::VmDeleted) if machine.state.is_some() => Effect::Gone,
        (Fate::Kept, What::WukongDeleted) if machine.subject.wukong.is_some() => Effect::Gone,
        (Fate::Kept, _) => Effect::Unaffected,
    };
    Impact { effect, disks, note: note(machine, what, effect, runs_there) }
}

/// Lost is worse than unknown, and unknown is worse than what can be got back.
fn worse(one: Fate, other: Fate) -> Fate {
    let rank = |fate| match fate {
        Fate::Kept => 0,
        Fate::Recoverable => 1,
        Fate::Unknown => 2,
        Fate::Lost => 3,
    };
    if rank(other) > rank(one) { other } else { one }
}

fn hit(machine: &Located, disk: &Trail, what: &What) -> Option<Hit> {
    let named = |fate, why: String, steps| Some((disk.name.clone(), fate, why, steps));
    let concerns = match what {
        What::NodeLost(node) => return on_node(disk, node).and_then(|(fate, why, steps)| named(fate, why, steps)),
        What::VmDeleted | What::WukongDeleted | What::ClaimDeleted(None) => true,
        What::ClaimDeleted(claim) => disk.claim == *claim,
        What::NamespaceDeleted(namespace) => *namespace == machine.subject.namespace,
        What::ClassDeleted(class) => disk.class.as_deref() == Some(class),
    };
    let verdict = disk.verdict(what.event()).filter(|_| concerns)?;
    named(verdict.fate, verdict.why.clone(), verdict.steps.clone())
}

/// What becomes of a disk without a certain node.
fn on_node(disk: &Trail, node: &str) -> Option<(Fate, String, Vec<String>)> {
    let Some(placed) = &disk.place else {
        // A claim without a volume has no bytes; one whose volume cannot be seen may have them there.
        return disk.volume.is_some().then(|| (Fate::Unknown, "where it lies cannot be seen".to_owned(), Vec::new()));
    };
    match &placed.place.holder {
        Holder::Node(Some(holder)) if holder == node => {
            let verdict = disk.verdict(Event::NodeLost)?;
            Some((verdict.fate, verdict.why.clone(), verdict.steps.clone()))
        }
        Holder::Node(None) => {
            Some((Fate::Unknown, "its volume does not say on which node it lies".to_owned(), Vec::new()))
        }
        Holder::Copies if placed.place.copies.is_empty() => match placed.place.survives_node {
            Some(true) => None,
            _ => {
                let verdict = disk.verdict(Event::NodeLost)?;
                Some((verdict.fate, verdict.why.clone(), Vec::new()))
            }
        },
        Holder::Copies => {
            let others = |state| nodes(placed, state).iter().filter(|other| **other != node).count();
            let here = |state| nodes(placed, state).contains(&node);
            match (others(CopyState::Healthy), others(CopyState::Unknown)) {
                _ if !here(CopyState::Healthy) && !here(CopyState::Unknown) => None,
                (0, 0) => Some((Fate::Lost, format!("no healthy copy but that on {node}"), Vec::new())),
                (0, _) => Some((Fate::Unknown, "how its other copies are cannot be seen".to_owned(), Vec::new())),
                (healthy, _) => Some((Fate::Kept, format!("healthy copies elsewhere: {healthy}"), Vec::new())),
            }
        }
        Holder::Unknown => Some((Fate::Unknown, "where it lies is not known".to_owned(), Vec::new())),
        Holder::Node(Some(_)) | Holder::Server(_) | Holder::Zone(_) | Holder::Region(_) => None,
    }
}

fn note(machine: &Located, what: &What, effect: Effect, runs_there: bool) -> String {
    match (what, effect) {
        (What::NodeLost(node), Effect::Loses) => format!("down until {node} returns; for good if its disk is gone"),
        (What::NodeLost(_), Effect::Moves) => {
            // Source: Kubernetes, taint-based eviction, and KubeVirt, which waits for the pod to go.
            "starts elsewhere once its pod is removed, five minutes after at the earliest".to_owned()
        }
        (What::NodeLost(node), Effect::Down) if machine.pinned.as_deref() == Some(node) => {
            format!("its nodeSelector names {node}: it starts again when that returns, or with another selector")
        }
        (What::NodeLost(_), Effect::Down) => {
            "it does not start again by itself: start it, and it runs elsewhere".to_owned()
        }
        (What::NodeLost(_), _) if runs_there => "it ran there".to_owned(),
        (What::NamespaceDeleted(_), effect) if effect != Effect::Unaffected => {
            "the VirtualMachine, its Secrets and its record go too: keep the file".to_owned()
        }
        (What::ClassDeleted(_), Effect::Unaffected)
            if machine.disks.iter().any(|disk| hit(machine, disk, what).is_some()) =>
        {
            "no disk can grow and none can be made until the class is there again".to_owned()
        }
        _ => String::new(),
    }
}
