//! The one line that is worth most to the owner of a machine.

use std::collections::BTreeMap;

use serde_json::Value;

use super::event::Event;
use super::recover::retain;
use super::trail::{Hop, Trail};
use crate::facts::kind;
use crate::storage::Holder;
use crate::text::word;

/// What to do first; none where nothing is at risk.
pub(super) fn advice(vm: Option<&Value>, disks: &[Trail]) -> Option<String> {
    let lasting: Vec<_> = disks.iter().filter(|disk| disk.content.lasts()).collect();
    let some = |count| some(count, lasting.len());
    if let Some(disk) = lasting.iter().find(|disk| disk.going) {
        let claim = disk.claim.as_deref().unwrap_or_default();
        let patch = disk.volume.as_deref().map(retain).unwrap_or_default();
        return Some(format!("claim {claim} is being deleted, and goes when nobody uses it any more; now: {patch}"));
    }
    let left: Vec<_> = lasting.iter().filter(|disk| disk.is_left()).collect();
    if let Some(disk) = left.first() {
        let volume = disk.volume.as_deref().unwrap_or_default();
        return Some(format!(
            "{} lost its claim, and volume {volume} still has the bytes: \
             kubectl wukong where-is-my-data pv/{} --recover-plan tells the steps",
            some(left.len()).0,
            word(volume)
        ));
    }
    if let Some(disk) =
        lasting.iter().find(|disk| disk.volume.is_some() && disk.place.is_none() && disk.hops.iter().any(gone))
    {
        return Some(format!(
            "the volume of disk {} does not exist any more: stop the machine, and look for what it held",
            disk.name
        ));
    }
    if let Some(disk) = lasting.iter().find(|disk| !disk.left.is_empty()) {
        return Some(format!(
            "disk {} is a new one; an older claim of its name left its bytes in volume {}: \
             kubectl wukong where-is-my-data pv/{} --recover-plan",
            disk.name,
            disk.left.join(", "),
            word(disk.left.first().map_or("", String::as_str))
        ));
    }
    let dies = |event: Event| lasting.iter().filter(|disk| disk.is_lost(event)).count();
    let owned: Vec<_> = lasting.iter().filter(|disk| disk.dies_with_vm && disk.is_lost(Event::VmDeleted)).collect();
    if let (Some(first), true) = (owned.first(), vm.is_some()) {
        let (disks, die, them) = some(owned.len());
        let way = match owned.as_slice() {
            [_] => first.volume.as_deref().map(retain).unwrap_or_default(),
            _ => "set the policy of their volumes to Retain".to_owned(),
        };
        return Some(format!("{disks} {die} with the VM; to keep {them}: {way}"));
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

fn gone(hop: &Hop) -> bool {
    hop.kind == kind::VOLUME && hop.gap && hop.state.starts_with("it does not exist")
}
