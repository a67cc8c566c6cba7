//! How badly off a disk is, as a level and in words with a sign.

use super::Part;
use crate::locate::{Event, Fate, Trail};
use crate::storage::{CopyState, Holder};
use crate::text::sanitize;

/// How badly off something is, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// It has no bytes that could be lost.
    Muted,
    /// No loss of one node takes the bytes away.
    Safe,
    /// It is not known.
    Unknown,
    /// The bytes go when the VirtualMachine is deleted.
    WithVm,
    /// The bytes go with one node.
    WithNode,
}

impl Level {
    /// All of them, the worst last.
    pub(super) const ALL: [Self; 5] = [Self::Muted, Self::Safe, Self::Unknown, Self::WithVm, Self::WithNode];

    /// What tells it apart without colour.
    pub(super) const fn sign(self) -> char {
        match self {
            Self::Muted => '–',
            Self::Safe => '✓',
            Self::Unknown => '?',
            Self::WithVm | Self::WithNode => '⚠',
        }
    }
}

/// How badly off a disk is.
pub(super) struct Risk {
    /// If a node is lost.
    pub(super) node: Level,
    /// If the VirtualMachine is deleted.
    pub(super) vm: Level,
    /// Both in words, the worst first.
    pub(super) words: Vec<Part>,
}

impl Risk {
    pub(super) fn level(&self) -> Level {
        self.node.max(self.vm)
    }
}

/// How badly off a disk is.
pub(super) fn risk(disk: &Trail) -> Risk {
    let fate = |event| disk.verdict(event).map(|verdict| verdict.fate);
    if !disk.content.lasts() {
        return Risk { node: Level::Muted, vm: Level::Muted, words: words(Level::Muted, "nothing that lasts") };
    }
    let rebooted = fate(Event::NodeRebooted) == Some(Fate::Lost);
    let node = match fate(Event::NodeLost) {
        _ if rebooted => Level::WithNode,
        None => Level::Muted,
        Some(Fate::Lost) => Level::WithNode,
        Some(Fate::Unknown) => Level::Unknown,
        Some(Fate::Kept | Fate::Recoverable) => Level::Safe,
    };
    let vm = match fate(Event::VmDeleted) {
        Some(Fate::Lost) => Level::WithVm,
        Some(Fate::Unknown) => Level::Unknown,
        Some(Fate::Kept | Fate::Recoverable) | None => node.min(Level::Safe),
    };
    let words = match (node, vm) {
        (Level::WithNode, _) => {
            let mut parts = with_node(disk, rebooted);
            if vm == Level::WithVm && !rebooted {
                parts.push(Part::Word(" and the VM".to_owned()));
            }
            parts
        }
        (_, Level::WithVm) => words(Level::WithVm, "dies with the VM"),
        (Level::Unknown, _) => words(Level::Unknown, "not known where it lies"),
        (_, Level::Unknown) => words(Level::Unknown, "may die with the VM"),
        (Level::Safe, _) if fate(Event::NodeLost) == Some(Fate::Recoverable) => {
            words(Level::Safe, "recoverable after a lost node")
        }
        (Level::Safe, _) => words(Level::Safe, "survives a node"),
        (Level::Muted | Level::WithVm, _) => words(Level::Muted, "no bytes to lose"),
    };
    Risk { node, vm, words }
}

/// The sign of a level and words of our own.
pub(super) fn words(level: Level, words: &str) -> Vec<Part> {
    vec![Part::Word(format!("{} {words}", level.sign()))]
}

fn with_node(disk: &Trail, rebooted: bool) -> Vec<Part> {
    let place = disk.place.as_ref().map(|placed| &placed.place);
    let healthy = || place.is_some_and(|place| place.copies.iter().any(|copy| copy.state == CopyState::Healthy));
    match place.map(|place| &place.holder) {
        Some(Holder::Node(Some(node))) => {
            let (before, after) = if rebooted { ("lost when node", " reboots") } else { ("dies with node", "") };
            let mut parts = words(Level::WithNode, &format!("{before} "));
            parts.push(Part::Name(sanitize(node).into_owned()));
            parts.extend((!after.is_empty()).then(|| Part::Word(after.to_owned())));
            parts
        }
        _ if rebooted => words(Level::WithNode, "lost when its node reboots"),
        Some(Holder::Copies) if healthy() => words(Level::WithNode, "dies with its last copy"),
        Some(Holder::Copies) => words(Level::WithNode, "no copy is healthy"),
        Some(Holder::Node(None) | Holder::Server(_) | Holder::Zone(_) | Holder::Region(_) | Holder::Unknown) | None => {
            words(Level::WithNode, "dies with its node")
        }
    }
}
