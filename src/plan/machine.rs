//! The VirtualMachine: its lists merged, its run state a person's, its identity kept.

use serde_json::{Value, json};

use super::guest::Guest;
use super::lists::{LISTS, list, merge, name};
use super::object::{Found, update};
use super::own::Standing;
use super::unsaid::settle;
use super::{Note, Refusal, Wishes};
use crate::facts::{Facts, Record, claim_of, path, text};

/// What a machine's step needs to know.
pub(super) struct Scope<'a> {
    pub wukong: &'a str,
    pub record: Option<&'a Record>,
    pub wishes: Wishes,
    pub guest: &'a Guest,
    pub facts: &'a Facts,
}

/// What was found, what to know, and which entries leave the machine.
pub(super) struct Merged {
    pub found: Found,
    pub notes: Vec<Note>,
    /// Disks and network cards that leave it.
    pub removed: Vec<String>,
}

/// Plans a machine that is there.
pub(super) fn plan(mut body: Value, live: &Value, standing: &Standing, scope: &Scope<'_>) -> Result<Merged, Refusal> {
    let object = format!("VirtualMachine/{}", text(live, "/metadata/name").unwrap_or_default());
    let mut notes = Vec::new();
    let mut removed = Vec::new();
    let none = std::collections::BTreeMap::new();
    settle(&mut body, live, scope.facts);
    for named in &LISTS {
        let last = scope.record.and_then(|record| record.lists.get(named.name)).unwrap_or(&none);
        let merged = merge(list(live, named), list(&body, named), last, named);
        // A disk has an entry in two lists, a card in two others: they are told once.
        if matches!(named.name, "volumes" | "networks") {
            for name in &merged.kept {
                let text = format!("`{name}` in {} was added by others, and stays", named.name);
                notes.push(Note { object: object.clone(), text });
            }
            removed.extend(merged.removed.iter().cloned());
        }
        set(&mut body, named.path, json!(merged.list));
    }
    once(&body, &object)?;
    run_state(&mut body, live, scope, &object, &mut notes)?;
    let found = update(body, live, standing, scope.wukong, scope.guest);
    Ok(Merged { found, notes, removed })
}

/// A claim that is plugged in under one name must not come again under another: its guest would write to it twice.
fn once(body: &Value, object: &str) -> Result<(), Refusal> {
    let volumes = list(body, &LISTS[1]);
    for (at, volume) in volumes.iter().enumerate() {
        let Some(claim) = claim_of(volume) else { continue };
        if let Some(other) = volumes[..at].iter().find(|other| claim_of(other) == Some(claim)) {
            return Err(Refusal {
                object: object.to_owned(),
                reason: format!(
                    "it would have the claim {claim} twice, as `{}` and as `{}`",
                    name(other),
                    name(volume)
                ),
                help: format!("call the disk `{}` in the file, or unplug it first", name(other)),
            });
        }
    }
    Ok(())
}

/// A machine that a person stopped stays stopped, and one that a person started stays up, until the file says something
/// else than it last did or the command line asks for the file's state.
fn run_state(
    body: &mut Value,
    live: &Value,
    scope: &Scope<'_>,
    object: &str,
    notes: &mut Vec<Note>,
) -> Result<(), Refusal> {
    let wanted = text(body, "/spec/runStrategy").unwrap_or_default().to_owned();
    let last = scope.record.and_then(|record| record.run_strategy.as_deref());
    let strategy = path(live, &["spec", "runStrategy"]).and_then(Value::as_str);
    let running = path(live, &["spec", "running"]).and_then(Value::as_bool);
    // Neither wish does the opposite where a file says the opposite.
    let halted = strategy.map_or(running == Some(false), |live| live == "Halted");
    let (enforced, way) = if halted { (scope.wishes.start, "--start") } else { (scope.wishes.stop, "--stop") };
    let file_rules = enforced || last.is_some_and(|last| last != wanted);
    let choice = |live: &str| Note {
        object: object.to_owned(),
        text: format!("runs as {live}, a person's choice; the file says {wanted}, which {way} enforces"),
    };
    match (strategy, running) {
        (Some(live), _) if live != wanted && !file_rules => {
            notes.push(choice(live));
            body["spec"]["runStrategy"] = json!(live);
        }
        (Some(_), _) | (None, None) => {}
        (None, Some(running)) => {
            // The old form; KubeVirt refuses both at once, and server-side apply cannot take away a field of others.
            let wish = match (wanted.as_str(), file_rules) {
                (_, false) => Some(running),
                ("Always", true) => Some(true),
                ("Halted", true) => Some(false),
                (_, true) => None,
            };
            let Some(wish) = wish else {
                let reason = format!("it uses the old field `running`, which cannot say {wanted}");
                let part = |pointer: &str| text(body, pointer).unwrap_or_default();
                let help = format!(
                    "replace it once: kubectl patch vm {} -n {} --type=json -p \
                     '[{{\"op\":\"remove\",\"path\":\"/spec/running\"}},{{\"op\":\"add\",\"path\":\"/spec/runStrategy\",\"value\":\"Halted\"}}]'",
                    part("/metadata/name"),
                    part("/metadata/namespace")
                );
                return Err(Refusal { object: object.to_owned(), reason, help });
            };
            if !file_rules && running != (wanted != "Halted") {
                notes.push(choice(if running { "Always" } else { "Halted" }));
            }
            if let Some(spec) = body["spec"].as_object_mut() {
                spec.shift_remove("runStrategy");
                spec.insert("running".into(), json!(wish));
            }
        }
    }
    Ok(())
}

/// Writes a value at a path; an empty list that was not there is left out.
fn set(object: &mut Value, path: &[&str], value: Value) {
    let Some((last, parents)) = path.split_last() else { return };
    let empty = value.as_array().is_some_and(Vec::is_empty);
    let Some(parent) = parents.iter().try_fold(object, |value, key| value.get_mut(key)) else { return };
    if let Some(fields) = parent.as_object_mut()
        && (!empty || fields.contains_key(*last))
    {
        fields.insert((*last).to_owned(), value);
    }
}

/// The entries of a rendered machine by list and name, for the record.
pub(super) fn entries(body: &Value) -> std::collections::BTreeMap<String, std::collections::BTreeMap<String, Value>> {
    LISTS
        .iter()
        .map(|named| {
            let entries = list(body, named).iter().map(|entry| (name(entry).to_owned(), entry.clone()));
            (named.name.to_owned(), entries.collect())
        })
        .collect()
}
