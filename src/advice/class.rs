//! What the disks of a class cannot do, or would not survive.

use serde_json::Value;

use super::Rule;
use crate::facts::{Facts, kind, text};
use crate::storage::{Growing, Holder, Place, growing, of_class};
use crate::text::{command_line, word};

/// What a class lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// Which rule it breaks.
    pub rule: Rule,
    /// What it does to its disks: a clause without its subject.
    pub does: &'static str,
    /// How that comes, as a clause; empty if there is no more to say.
    pub how: String,
    /// How the class itself is mended, as an order; empty if it cannot be.
    pub mend: String,
}

/// Whether disks of a driver can be snapshotted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Snapshots {
    /// There is a class of snapshots for it.
    Taken,
    /// There is none, and the driver may know how.
    NoClass,
    /// It is no CSI driver, and never takes any.
    NoDriver,
    /// It could not be read.
    Unknown,
}

/// How disks depend on one node or device, as far as it speaks against a stage: the rule, and what their class does.
pub(super) fn alone(place: &Place) -> Option<(Rule, &'static str)> {
    const ONE_COPY: (Rule, &str) = (Rule::OneCopy, "keeps one copy of each disk");
    match (&place.holder, place.wanted()) {
        (Holder::Node(_), None) => Some((Rule::NodeLocal, "keeps each disk on one node")),
        (Holder::Node(_) | Holder::Copies, Some(1)) => Some(ONE_COPY),
        (Holder::Copies, _) if place.survives_node == Some(false) => Some(ONE_COPY),
        // More copies are wanted than there are now: a matter of today, which `where-is-my-data` tells.
        _ => None,
    }
}

/// Why disks of a class cannot grow, and how to mend that; none if they can.
pub fn no_growth(class: &Value) -> Option<Lack> {
    let (name, driver) = (name(class), text(class, "/provisioner").unwrap_or_default());
    let (how, mend) = match (growing(driver), class["allowVolumeExpansion"] == true) {
        (Growing::Grows | Growing::Unknown, true) => return None,
        (Growing::Pretends(why), _) => (format!("{driver}: {why}"), String::new()),
        (Growing::Grows, false) => (
            "allowVolumeExpansion is not true".to_owned(),
            format!("its driver can: kubectl patch storageclass {name} -p '{{\"allowVolumeExpansion\":true}}'"),
        ),
        (Growing::Unknown, false) => ("allowVolumeExpansion is not true".to_owned(), String::new()),
    };
    Some(Lack { rule: Rule::NoGrowth, does: "makes no disk larger", how, mend })
}

/// Whether disks of a driver can be snapshotted. A driver that cannot be told from others is taken for one of CSI.
pub fn snapshots(driver: &str, facts: &Facts) -> Snapshots {
    if facts.unknown(kind::SNAPSHOT_CLASS, "").is_some() {
        return Snapshots::Unknown;
    }
    let is_csi = facts.unknown(kind::CSI_DRIVER, "").is_some() || facts.get(kind::CSI_DRIVER, "", driver).is_some();
    if facts.all_of(kind::SNAPSHOT_CLASS).any(|class| text(class, "/driver") == Some(driver)) {
        Snapshots::Taken
    } else if is_csi {
        Snapshots::NoClass
    } else {
        Snapshots::NoDriver
    }
}

fn no_snapshots(class: &Value, facts: &Facts) -> Option<Lack> {
    let driver = text(class, "/provisioner").unwrap_or_default();
    let (how, mend) = match snapshots(driver, facts) {
        Snapshots::Taken | Snapshots::Unknown => return None,
        Snapshots::NoClass => (
            format!("no VolumeSnapshotClass is for {driver}"),
            format!("make a VolumeSnapshotClass with driver: {driver}, if the driver takes snapshots"),
        ),
        Snapshots::NoDriver => (format!("{driver} is no driver of CSI"), String::new()),
    };
    Some(Lack { rule: Rule::NoSnapshots, does: "takes no snapshots", how, mend })
}

/// All that a class lacks, in the order of the rules.
pub fn lacks(class: &Value, facts: &Facts) -> Vec<Lack> {
    let alone =
        alone(&of_class(class)).map(|(rule, does)| Lack { rule, does, how: String::new(), mend: String::new() });
    alone.into_iter().chain(no_growth(class)).chain(no_snapshots(class, facts)).collect()
}

/// The class to which disks that lack something should move: one that does not lack it and does not depend on one node or
/// copy, for more copies one whose storage keeps them; of these the one with the fewest lacks, and the first by name.
pub(super) fn better(rule: Rule, facts: &Facts) -> Option<&str> {
    let fit = facts.all_of(kind::CLASS).filter_map(|class| {
        let place = of_class(class);
        let lacks = lacks(class, facts);
        let for_copies = matches!(rule, Rule::NodeLocal | Rule::OneCopy);
        let kept = place.holder == Holder::Copies;
        let known = place.holder != Holder::Unknown && (kept || !for_copies);
        let fits = known && alone(&place).is_none() && lacks.iter().all(|lack| lack.rule != rule);
        fits.then(|| (!kept, lacks.len(), name(class)))
    });
    fit.min().map(|(_, _, name)| name)
}

/// What a better class does.
pub(super) const fn gain(rule: Rule) -> &'static str {
    match rule {
        Rule::NoGrowth => "makes disks larger",
        Rule::NoSnapshots => "takes snapshots",
        Rule::NodeLocal
        | Rule::OneCopy
        | Rule::SystemAndData
        | Rule::NoBackup
        | Rule::OnlySnapshots
        | Rule::BackupUnseen
        | Rule::Erased
        | Rule::ClassByDefault
        | Rule::NoAutoExpand => "keeps copies on several nodes",
    }
}

/// The command that moves the disks of a machine.
pub(super) fn to_class(machine: &str, namespace: &str, class: &str) -> String {
    let class = if class == ANY { ANY.to_owned() } else { word(class) };
    command_line("migrate", &[machine], namespace, &format!("--to-storage-class {class}"))
}

impl Lack {
    /// `class a makes no disk larger (allowVolumeExpansion is not true)`.
    pub(super) fn of(&self, subject: &str) -> String {
        let how = if self.how.is_empty() { String::new() } else { format!(" ({})", self.how) };
        format!("{subject} {}{how}", self.does)
    }
}

/// A place for the name of a class that is not there yet.
pub(super) const ANY: &str = "CLASS";

pub(super) fn name(class: &Value) -> &str {
    text(class, "/metadata/name").unwrap_or_default()
}
