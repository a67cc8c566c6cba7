//! What a Wukong made and wants no more. Disks are never deleted: they are detached, listed and kept.

use serde_json::Value;

use super::lists::{LISTS, list};
use super::object::delete;
use super::own::{Standing, standing};
use super::{Data, DiskPlan, Note, Step, Wishes};
use crate::facts::{Facts, Record, kind, text};
use crate::machine::Machine;

/// What becomes of it.
#[derive(Default)]
pub(super) struct Outcome {
    pub steps: Vec<Step>,
    pub disks: Vec<DiskPlan>,
    pub notes: Vec<Note>,
    /// Objects that stay in the record.
    pub kept: Vec<(String, String)>,
}

/// Looks for what the record holds and `wanted` does not.
pub(super) fn plan(
    machine: &Machine,
    namespace: &str,
    record: &Record,
    wanted: &dyn Fn(&str, &str) -> bool,
    wishes: Wishes,
    facts: &Facts,
) -> Outcome {
    let wukong = machine.name.as_str();
    let mut out = Outcome::default();
    for made in &record.made {
        if wanted(&made.kind, &made.name) {
            continue;
        }
        let Some(live) = facts.get(&made.kind, namespace, &made.name) else {
            if facts.unknown(&made.kind, namespace).is_some() {
                out.kept.push((made.kind.clone(), made.name.clone()));
            }
            continue;
        };
        let own = standing(live, wukong, Some(record), Wishes::default(), facts) == Ok(Standing::Own);
        let object = format!("{}/{}", made.kind, made.name);
        match made.kind.as_str() {
            _ if !own => {
                let text = "it is not the one that was made here any more, and is left alone".to_owned();
                out.notes.push(Note { object, text });
            }
            kind::SECRET | kind::NETWORK => {
                if let Some(user) = (made.kind == kind::NETWORK)
                    .then(|| user(namespace, &made.name, &machine.vm_name(), facts))
                    .flatten()
                {
                    out.kept.push((made.kind.clone(), made.name.clone()));
                    out.notes.push(Note {
                        object,
                        text: format!("the file wants it no more; it stays, because {user} uses it"),
                    });
                } else if wishes.prune {
                    out.steps.push(delete(live));
                } else {
                    out.kept.push((made.kind.clone(), made.name.clone()));
                    out.notes.push(Note { object, text: "the file wants it no more; --prune deletes it".into() });
                }
            }
            _ => {
                out.kept.push((made.kind.clone(), made.name.clone()));
                if made.kind == kind::MACHINE {
                    let text = "the file gives the machine another name; this one stays as it is".to_owned();
                    out.notes.push(Note { object: object.clone(), text });
                }
                let data_volume = made.kind == kind::CLAIM && record.made(kind::DATA_VOLUME, &made.name).is_some();
                if made.kind != kind::MACHINE && !data_volume {
                    let disk =
                        record.claims.iter().find(|(_, claim)| **claim == made.name).map(|(disk, _)| disk.clone());
                    out.disks.push(DiskPlan {
                        disk: disk.unwrap_or_else(|| "-".into()),
                        claim: made.name.clone(),
                        data: Data::Detach,
                        detail: format!(
                            "kept; `kubectl wukong delete {wukong} --delete-data {}` would delete it",
                            made.name
                        ),
                    });
                }
            }
        }
    }
    out
}

/// Another machine than `own_name` that uses a network.
fn user(namespace: &str, network: &str, own_name: &str, facts: &Facts) -> Option<String> {
    let qualified = format!("{namespace}/{network}");
    let machines = facts.all_of(kind::MACHINE);
    let user = machines.filter(|machine| {
        let own = text(machine, "/metadata/namespace") == Some(namespace);
        !(own && text(machine, "/metadata/name") == Some(own_name))
            && list(machine, &LISTS[3]).iter().any(|entry: &Value| {
                let name = text(entry, "/multus/networkName");
                name == Some(&qualified) || own && name == Some(network)
            })
    });
    user.map(|machine| format!("the VirtualMachine {}", text(machine, "/metadata/name").unwrap_or("?"))).next()
}
