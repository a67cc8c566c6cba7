//! What a Wukong made and wants no more. Disks are never deleted: they are detached, listed and kept.

use serde_json::Value;

use super::existing::claim_user;
use super::lists::{LISTS, list};
use super::object::delete;
use super::own::{Standing, standing};
use super::{Data, DiskPlan, Note, Step, Wishes};
use crate::facts::{Facts, Record, kind, text};
use crate::text::word;

/// What becomes of it.
#[derive(Default)]
pub(super) struct Outcome {
    pub steps: Vec<Step>,
    pub disks: Vec<DiskPlan>,
    pub notes: Vec<Note>,
}

/// What is looked at.
pub(super) struct Scope<'a> {
    pub wukong: &'a str,
    pub namespace: &'a str,
    /// The name of its VirtualMachine.
    pub vm: &'a str,
    pub record: &'a Record,
    /// The machine, as it will be.
    pub machine: Option<&'a Value>,
    pub wishes: Wishes,
    pub facts: &'a Facts,
}

/// Looks for what the record holds and `wanted` does not.
pub(super) fn plan(scope: &Scope<'_>, wanted: &dyn Fn(&str, &str) -> bool) -> Outcome {
    let Scope { wukong, namespace, record, wishes, facts, .. } = *scope;
    let mut out = Outcome::default();
    for made in &record.made {
        if wanted(&made.kind, &made.name) {
            continue;
        }
        let Some(live) = facts.get(&made.kind, namespace, &made.name) else { continue };
        let standing = standing(live, wukong, Some(record), Wishes::default(), facts);
        let object = format!("{}/{}", made.kind, made.name);
        let stays = |text: String| Note { object: object.clone(), text };
        match made.kind.as_str() {
            _ if standing != Ok(Standing::Own) => {
                let reason = standing.err().map(|refusal| refusal.reason).unwrap_or_default();
                out.notes.push(stays(format!("the file wants it no more, and it is left alone: {reason}")));
            }
            kind::SECRET | kind::NETWORK => match used(scope, &made.name, false).filter(|_| made.kind == kind::NETWORK)
            {
                Some(reason) => {
                    out.notes.push(stays(format!("the file wants it no more; it stays, because {reason}")));
                }
                None if made.kind == kind::SECRET && mounted(scope, &made.name) => {
                    out.notes.push(stays(
                        "the file wants it no more; it stays until the running guest was restarted".to_owned(),
                    ));
                }
                None if wishes.prune => out.steps.push(delete(live)),
                None => out.notes.push(stays("the file wants it no more; --prune deletes it".to_owned())),
            },
            kind::MACHINE => {
                out.notes.push(stays("the file gives the machine another name; this one stays as it is".to_owned()));
            }
            _ => {
                let data_volume = made.kind == kind::CLAIM
                    && record.made(kind::DATA_VOLUME, &made.name).is_some()
                    && facts.get(kind::DATA_VOLUME, namespace, &made.name).is_some();
                if !data_volume {
                    let disk =
                        record.claims.iter().find(|(_, claim)| **claim == made.name).map(|(disk, _)| disk.clone());
                    out.disks.push(DiskPlan {
                        disk: disk.unwrap_or_else(|| "-".into()),
                        claim: made.name.clone(),
                        data: Data::Detach,
                        detail: kept(scope, &made.name),
                    });
                }
            }
        }
    }
    out
}

/// What holds for a claim that stays, and what would delete it alone. A claim that something uses must not be deleted:
/// it would go with its data as soon as nothing uses it any more.
fn kept(scope: &Scope<'_>, claim: &str) -> String {
    let Scope { namespace, facts, .. } = *scope;
    let unseen = [kind::MACHINE, kind::INSTANCE, kind::POD].iter().any(|kind| facts.unknown(kind, namespace).is_some());
    if unseen || claim_user(claim, namespace, "", facts).is_some() {
        return "kept".to_owned();
    }
    // A DataVolume takes its claim along, and would make it again.
    let kind = if facts.get(kind::DATA_VOLUME, namespace, claim).is_some() { "dv" } else { "pvc" };
    format!("kept; `kubectl delete {kind} {} -n {}` would delete it", word(claim), word(namespace))
}

/// Whether the running guest has a Secret in one of its volumes: without it, it could not move.
fn mounted(scope: &Scope<'_>, secret: &str) -> bool {
    let instance = scope.facts.get(kind::INSTANCE, scope.namespace, scope.vm);
    let volumes = instance.and_then(|instance| instance.pointer("/spec/volumes")).and_then(Value::as_array);
    let sources = ["secretRef", "networkDataSecretRef"];
    volumes.into_iter().flatten().any(|volume| {
        let data = &volume["cloudInitNoCloud"];
        sources.iter().any(|source| data[*source]["name"] == secret) || volume["secret"]["secretName"] == secret
    })
}

/// Why a network cannot go: a machine uses it, or may. A guest that runs needs it to move, until it is restarted.
pub(super) fn used(scope: &Scope<'_>, network: &str, machine_goes: bool) -> Option<String> {
    let qualified = format!("{}/{network}", scope.namespace);
    for kind in [kind::MACHINE, kind::INSTANCE] {
        for machine in scope.facts.all_of(kind) {
            let near = text(machine, "/metadata/namespace") == Some(scope.namespace);
            let name = text(machine, "/metadata/name").unwrap_or("?");
            let networks = match kind {
                _ if machine_goes && near && name == scope.vm => &[],
                kind::MACHINE if near && name == scope.vm => list(scope.machine.unwrap_or(machine), &LISTS[3]),
                kind::MACHINE => list(machine, &LISTS[3]),
                _ => machine.pointer("/spec/networks").and_then(Value::as_array).map_or(&[][..], Vec::as_slice),
            };
            let uses = |entry: &Value| {
                let name = text(entry, "/multus/networkName");
                name == Some(&qualified) || near && name == Some(network)
            };
            if networks.iter().any(uses) {
                return Some(format!("the {kind} {name} uses it"));
            }
        }
    }
    let gap = scope.facts.gaps().iter().find(|gap| gap.kind == kind::MACHINE || gap.kind == kind::INSTANCE)?;
    Some(format!(
        "whether a {} uses it is not known: {}; if none does, delete it by hand: kubectl delete network-attachment-definition {network} -n {}",
        gap.kind, gap.reason, scope.namespace
    ))
}
