//! How full the file systems on a disk are, as the guest's agent tells it.

use serde_json::Value;

use crate::facts::{Facts, file_systems, holds, kind, text};

/// A file system of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystem {
    /// Where the guest has it.
    pub mount: String,
    /// Its used bytes.
    pub used: u64,
    /// All of its bytes.
    pub total: u64,
}

/// What is known of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fullness {
    /// The largest file system on it: that is the one which takes more room into use. A small one that is full, such as
    /// `/boot`, is not helped by a larger disk.
    Known(FileSystem),
    /// Not known, and why.
    Unknown(String),
    /// Not known for want of a right, and why.
    Unread(String),
}

impl Fullness {
    /// The largest of some file systems.
    pub(super) fn of(systems: impl Iterator<Item = FileSystem>, none: &str) -> Self {
        let largest = systems.filter(|system| system.total > 0).max_by_key(|system| system.total);
        largest.map_or_else(|| Self::Unknown(none.to_owned()), Self::Known)
    }
}

/// What the guest agent says, which was asked before ([`kind::USAGE`] of the facts).
pub(super) fn from_agent(facts: &Facts, vm: &Value, instance: Option<&Value>, disk: &str) -> Fullness {
    let unknown = |why: &str| Fullness::Unknown(why.to_owned());
    let Some(instance) = instance else { return unknown("the machine does not run") };
    if !holds(instance, "AgentConnected") {
        return unknown("no guest agent answers; install qemu-guest-agent in the guest");
    }
    let part = |pointer: &str| text(vm, pointer).unwrap_or_default();
    let Some(told) = facts.get(kind::USAGE, part("/metadata/namespace"), part("/metadata/name")) else {
        if facts.unknown(kind::USAGE, part("/metadata/namespace")).is_some() {
            return Fullness::Unread("what its guest agent says may not be read".to_owned());
        }
        return unknown("the guest agent did not tell its file systems");
    };
    let systems = file_systems(vm, instance, told, disk).into_iter().filter_map(|system| {
        let bytes = |key: &str| system[key].as_u64();
        let mount = text(system, "/mountPoint").unwrap_or("?").to_owned();
        let (used, total) = (bytes("usedBytes")?, bytes("totalBytes")?);
        (used <= total).then_some(FileSystem { mount, used, total })
    });
    Fullness::of(systems, "the guest agent names no file system on this disk")
}
