//! A disk of a machine, in numbers.

use serde_json::Value;

use super::look::{Held, Look};
use crate::facts::{file_systems, kind, text};

/// The kind under which the facts have what the guest agent says about file systems, with the instance's name.
pub const USAGE: &str = kind::USAGE;

/// A disk with a claim.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Disk {
    /// Its name.
    pub name: String,
    /// Its claim.
    pub claim: String,
    /// The class of the claim.
    pub class: Option<String>,
    /// Whether the claim has a volume.
    pub bound: bool,
    /// The size that the claim asks for.
    pub size: Option<String>,
    /// The size that it has.
    pub capacity: Option<String>,
    /// How far it is filled: `42.1%`; none if it is.
    pub progress: Option<String>,
    /// What the guest uses of its file systems on it, and their size, in bytes.
    pub used: Option<(u64, u64)>,
    /// Where the guest sees it: `vda`.
    pub target: Option<String>,
}

pub(super) fn disk(look: &Look<'_>, held: &Held<'_>) -> Disk {
    let owned = |value: &str| value.to_owned();
    let claim = |pointer| held.claim.and_then(|claim| text(claim, pointer)).map(owned);
    let progress = held.filling().map(|phase| {
        let percent = held.data_volume.and_then(|volume| text(volume, "/status/progress"));
        percent
            .filter(|percent| percent.ends_with('%'))
            .unwrap_or(if phase.is_empty() { "Pending" } else { phase })
            .to_owned()
    });
    let status = look.instance.and_then(|instance| instance.pointer("/status/volumeStatus")).and_then(Value::as_array);
    let status = status.into_iter().flatten().find(|status| status["name"] == held.name);
    Disk {
        name: held.name.to_owned(),
        claim: held.claim_name.to_owned(),
        class: held.class_name.filter(|class| !class.is_empty()).map(owned),
        bound: held.bound(),
        size: claim("/spec/resources/requests/storage"),
        capacity: claim("/status/capacity/storage"),
        progress,
        used: used(look, held.name),
        target: status.and_then(|status| text(status, "/target")).filter(|target| !target.is_empty()).map(owned),
    }
}

/// What the guest agent says about the file systems of a disk, together.
fn used(look: &Look<'_>, name: &str) -> Option<(u64, u64)> {
    let told = look.facts.get(USAGE, look.namespace, look.name)?;
    let systems = file_systems(look.vm, look.instance?, told, name);
    let mut sum: Option<(u64, u64)> = None;
    for system in systems {
        let (used, total) = sum.unwrap_or((0, 0));
        let of = |key: &str| system[key].as_u64();
        sum = Some((used.saturating_add(of("usedBytes")?), total.saturating_add(of("totalBytes")?)));
    }
    sum
}
