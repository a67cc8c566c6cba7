//! The one line that is worth most to the owner of a machine.

use std::collections::BTreeMap;

use serde_json::Value;

use super::event::{Event, Fate};
use super::trail::Trail;
use crate::status::Subject;
use crate::storage::Holder;

/// What to do first; none where nothing is at risk.
pub(super) fn advice(subject: &Subject, vm: Option<&Value>, disks: &[Trail]) -> Option<String> {
    let lasting: Vec<_> = disks.iter().filter(|disk| disk.content.lasts()).collect();
    let left: Vec<_> =
        lasting.iter().filter(|disk| disk.claim.is_some() && disk.place.is_some() && disk.is_left()).collect();
    let some = |count| some(count, lasting.len());
    if let Some(disk) = left.first() {
        let volume = disk.volume.as_deref().unwrap_or_default();
        return Some(format!(
            "{} lost its claim, and volume {volume} still has the bytes: \
             kubectl wukong where-is-my-data pv/{} --recover-plan",
            some(left.len()).0,
            crate::storage::word(volume)
        ));
    }
    let dies = |event: Event| {
        let fate = move |disk: &&&Trail| disk.verdict(event).is_some_and(|verdict| verdict.fate == Fate::Lost);
        lasting.iter().filter(fate).count()
    };
    let owned = dies(Event::VmDeleted);
    if owned > 0 && vm.is_some() {
        let vm = crate::storage::word(&subject.vm);
        let way = match &subject.wukong {
            Some(wukong) => format!("kubectl wukong delete {wukong}"),
            None => format!("kubectl delete vm {vm} --cascade=orphan"),
        };
        let (disks, die, them) = some(owned);
        return Some(format!("{disks} {die} with the VM: {way} keeps {them}"));
    }
    let mut nodes: BTreeMap<&str, usize> = BTreeMap::new();
    for disk in &lasting {
        if let Some(Holder::Node(Some(node))) = disk.place.as_ref().map(|placed| &placed.place.holder) {
            *nodes.entry(node).or_default() += 1;
        }
    }
    if let Some((node, dying)) = nodes.iter().max_by_key(|(_, count)| **count) {
        let (disks, die, them) = some(*dying);
        return Some(format!(
            "{disks} {die} with node {node}: keep a backup elsewhere, or move {them} to storage with copies"
        ));
    }
    let lost = dies(Event::NodeLost);
    if lost > 0 {
        let (disks, _, them) = some(lost);
        return Some(format!(
            "{disks} without a second healthy copy: look after the storage before a node goes with {them}"
        ));
    }
    let erased = dies(Event::ClaimDeleted);
    (erased > 0).then(|| {
        let (disks, die, _) = some(erased);
        format!("{disks} {die} with the claim: set the policy of the volume to Retain")
    })
}

/// So many disks of all, the verb that follows, and the pronoun.
fn some(count: usize, all: usize) -> (String, &'static str, &'static str) {
    let disks = match (count, all) {
        (1, 1) => "the only disk".to_owned(),
        (2, 2) => "both disks".to_owned(),
        (count, all) if count == all => format!("all {all} disks"),
        (count, all) => format!("{count} of {all} disks"),
    };
    if count == 1 { (disks, "dies", "it") } else { (disks, "die", "them") }
}
