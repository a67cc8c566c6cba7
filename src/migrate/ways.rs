//! What is possible for a machine, and why not: `migrate NAME` alone.

use serde_json::{Value, json};

use super::check::Check;
use super::checklist::{Course, checks};
use super::scene::Scene;
use crate::facts::{Facts, Journey, Way, text};
use crate::status::Subject;

/// The ways of a machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Ways {
    /// The machine.
    pub subject: Subject,
    /// What KubeVirt calls its state.
    pub state: String,
    /// Where it runs.
    pub node: Option<String>,
    /// Each way, with its checklist and the command that goes it.
    pub ways: Vec<(Way, Vec<Check>, String)>,
    /// What can be done in the guest where nothing else can.
    pub guest: Vec<String>,
    /// A move that is under way, or the claims that an earlier one left.
    pub journey: Option<Journey>,
}

/// Looks at all ways; none if there is no VirtualMachine.
pub fn ways(facts: &Facts, subject: &Subject) -> Option<Ways> {
    let scene = Scene::of(facts, subject)?;
    let command = |way: Way| {
        let flags = match way {
            Way::NodeLive => "--to-node NODE",
            Way::NodeOffline => "--to-node NODE --offline",
            Way::StorageLive => "--to-storage-class CLASS",
            Way::StorageOffline => "--to-storage-class CLASS --offline",
        };
        subject.command("migrate", flags)
    };
    let all = [Way::NodeLive, Way::StorageLive, Way::NodeOffline, Way::StorageOffline].map(|way| {
        let course = Course { way, node: None, disks: &[], named: false, class: None };
        let mut checks = checks(&course, &scene);
        if way.is_storage() && scene.disks.is_empty() {
            checks.push(Check::failed("disks", "it has none with a claim", "there is nothing to move"));
        }
        (way, checks, command(way))
    });
    let is_open = |found: &(Way, Vec<Check>, String)| found.1.iter().all(|check| !check.is_failed());
    let guest = if all.iter().any(|way| way.0.is_storage() && is_open(way)) { Vec::new() } else { in_guest(&scene) };
    Some(Ways {
        state: text(scene.vm, "/status/printableStatus").unwrap_or("Unknown").to_owned(),
        node: scene.node().map(str::to_owned),
        subject: subject.clone(),
        ways: all.into(),
        guest,
        journey: Journey::of(facts, &subject.namespace, &subject.vm).ok().flatten(),
    })
}

/// A data disk can be copied by the guest itself; a boot disk needs more.
fn in_guest(scene: &Scene<'_>) -> Vec<String> {
    if scene.disks.is_empty() {
        return Vec::new();
    }
    vec![
        "add a new disk of the class to the file and apply it: a running machine gets it plugged in".to_owned(),
        "in the guest: make a file system on it, stop what writes, copy with `rsync -aHAXx --numeric-ids OLD/ NEW/`, mount it in the old place (by UUID, in /etc/fstab)".to_owned(),
        "a boot disk: boot from a rescue image, copy with `dd` or `partclone`, and let the file say `boot: true` for the new disk".to_owned(),
        "then take the old disk out of the file; its claim stays until you delete it".to_owned(),
    ]
}

impl Ways {
    /// As JSON.
    pub fn value(&self) -> Value {
        let ways = self.ways.iter().map(|(way, checks, command)| {
            let possible = checks.iter().all(|check| !check.is_failed());
            json!({
                "way": way.name(), "possible": possible, "command": command,
                "checks": checks.iter().map(Check::value).collect::<Vec<_>>(),
            })
        });
        json!({
            "name": self.subject.shown(), "namespace": self.subject.namespace, "virtualMachine": self.subject.vm,
            "state": self.state, "node": self.node, "ways": ways.collect::<Vec<_>>(), "inTheGuest": self.guest,
            "move": self.journey.as_ref().map(Journey::value),
        })
    }
}
