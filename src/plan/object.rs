//! One object: what is wanted against what is there.

use serde_json::{Value, json};

use super::change::changes;
use super::guest::Guest;
use super::merge::{overlay, remove, same_field};
use super::own::Standing;
use super::owned::{Owner, Path, at, leaves, owners};
use super::{Conflict, Effect, Op, Step};
use crate::facts::{Record, kind, text};

/// Managers of tools that applied the same manifests before: kubectl, on the client's and on the server's side, and what
/// the API server calls those who wrote before it kept account.
const OLDER: [&str; 3] = ["kubectl-client-side-apply", "kubectl", "before-first-apply"];

/// Fields that KubeVirt writes for a person, `virtctl stop` and `virtctl addvolume` for two. They are merged, so that
/// taking them takes nothing away.
const MERGED: [&str; 6] = [
    "spec.runStrategy",
    "spec.running",
    "spec.template.spec.domain.devices.disks",
    "spec.template.spec.domain.devices.interfaces",
    "spec.template.spec.volumes",
    "spec.template.spec.networks",
];

/// What is found for one object.
pub(super) struct Found {
    /// What to do.
    pub step: Step,
    /// Fields of other managers in the way.
    pub conflicts: Vec<Conflict>,
}

/// A step for an object that is not there.
pub(super) fn create(body: Value) -> Step {
    let expected = Some(body.clone());
    Step { op: Op::Create, expected, ..bare(body) }
}

fn bare(body: Value) -> Step {
    let part = |pointer: &str| text(&body, pointer).unwrap_or_default().to_owned();
    Step {
        api_version: part("/apiVersion"),
        kind: part("/kind"),
        name: part("/metadata/name"),
        op: Op::Keep,
        body,
        live: None,
        expected: None,
        changes: Vec::new(),
        take_over: Vec::new(),
        force: false,
    }
}

/// A step for an object that is there. `body` already holds what of it must stay: merged lists, a grown size.
pub(super) fn update(mut body: Value, live: &Value, standing: &Standing, wukong: &str, guest: &Guest) -> Found {
    let owners = owners(live);
    let manager = Record::manager(wukong);
    let take_over = older(&owners, &body, live);
    let ours = |owner: &Owner| owner.applies && owner.manager == manager;
    let older = |owner: &Owner| take_over.contains(&owner.manager);
    let mut expected = overlay(live, &body);
    for path in owners.iter().filter(|owner| ours(owner)).flat_map(|owner| &owner.paths) {
        let shared = owners
            .iter()
            .any(|owner| !ours(owner) && !older(owner) && owner.paths.iter().any(|other| other.starts_with(path)));
        if !shared && at(&body, path).is_none() && path.first().is_some_and(|first| first != "status") {
            remove(&mut expected, path);
        }
    }
    // What is equal in another spelling is sent as it stands, or the server would see a change.
    respell(&mut body, live);
    let kind = text(&body, "/kind").unwrap_or_default().to_owned();
    let found = changes(&visible(live), &visible(&expected));
    let op = match standing {
        Standing::Adopted => Op::Adopt,
        // A run that was interrupted may have noted the object, and taken none or only some of its fields: a field that
        // nobody owns would stay when it leaves the file.
        Standing::Own
            if found.is_empty() && !(take_over.is_empty() && owners.iter().any(ours) && owned(&body, &owners)) =>
        {
            Op::Adopt
        }
        Standing::Own if found.is_empty() => Op::Keep,
        Standing::Own => Op::Update,
    };
    let mut changes: Vec<_> = found
        .into_iter()
        .map(|change| {
            let effect = if kind == kind::MACHINE {
                guest.effect(&change.field, change.before.as_ref(), change.after.as_ref())
            } else {
                guest.effect_of(&kind, op, &change.field)
            };
            (change, effect)
        })
        .collect();
    if kind == kind::MACHINE {
        Guest::together(&mut changes);
    }
    let mut conflicts = Vec::new();
    let mut force = false;
    for path in leaves(&body) {
        let Some(theirs) =
            at(live, &path).filter(|theirs| at(&body, &path).is_some_and(|ours| !same_at(&path, theirs, ours)))
        else {
            continue;
        };
        let other = owners.iter().find(|owner| !ours(owner) && !older(owner) && owns(owner, &path));
        let Some(other) = other else { continue };
        if MERGED.contains(&path.join(".").as_str()) {
            force = true;
            continue;
        }
        conflicts.push(Conflict {
            object: format!("{kind}/{}", text(&body, "/metadata/name").unwrap_or_default()),
            manager: other.manager.clone(),
            field: path.join("."),
            theirs: theirs.clone(),
            ours: at(&body, &path).cloned(),
        });
    }
    let step = Step { op, changes, live: Some(live.clone()), expected: Some(expected), take_over, force, ..bare(body) };
    Found { step, conflicts }
}

/// Whether every field of a body belongs to someone.
fn owned(body: &Value, owners: &[Owner]) -> bool {
    const OF_THE_OBJECT: [&[&str]; 4] = [&["apiVersion"], &["kind"], &["metadata", "name"], &["metadata", "namespace"]];
    leaves(body)
        .iter()
        .all(|path| OF_THE_OBJECT.iter().any(|fixed| path == fixed) || owners.iter().any(|owner| owns(owner, path)))
}

/// A field that stays is kept under the name it is asked for.
fn respell(body: &mut Value, live: &Value) {
    for path in leaves(body) {
        let spelled =
            at(live, &path).filter(|live| at(body, &path).is_some_and(|wanted| same_at(&path, live, wanted))).cloned();
        if let (Some(spelled), Some(place)) = (spelled, place(body, &path))
            && spelled.is_string()
        {
            *place = spelled;
        }
    }
}

fn same_at(path: &Path, a: &Value, b: &Value) -> bool {
    same_field(path.last().map_or("", String::as_str), a, b)
}

fn place<'a>(object: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(object, |value, key| value.get_mut(key))
}

fn owns(owner: &Owner, path: &Path) -> bool {
    owner.paths.iter().any(|own| own.starts_with(path) || path.starts_with(own))
}

/// Managers whose fields are taken over: those of kubectl, where a person applied what `render` printed, and only while
/// they have a field that is wanted.
fn older(owners: &[Owner], body: &Value, live: &Value) -> Vec<String> {
    let applied = live.pointer("/metadata/annotations").is_some_and(|all| all.get(LAST_APPLIED).is_some());
    let wanted = leaves(body);
    let taken = owners.iter().filter(|owner| {
        OLDER.contains(&owner.manager.as_str())
            && (owner.applies || applied && owner.manager == OLDER[0] || owner.manager == OLDER[2])
            && wanted.iter().any(|path| owns(owner, path))
    });
    taken.map(|owner| owner.manager.clone()).collect()
}

/// The fields of an object that this Wukong sent, or that it takes over from an older tool.
pub(super) fn written(object: &Value, wukong: &str) -> Vec<Path> {
    let manager = Record::manager(wukong);
    let sent = owners(object).into_iter();
    let sent = sent.filter(|owner| owner.manager == manager || OLDER.contains(&owner.manager.as_str()));
    sent.flat_map(|owner| owner.paths).collect()
}

/// The annotation in which kubectl keeps what it last applied.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The part of an object that people write: without status, and without what the API server keeps for itself.
pub fn visible(object: &Value) -> Value {
    let mut shown = object.clone();
    if let Some(fields) = shown.as_object_mut() {
        fields.shift_remove("status");
    }
    if let Some(metadata) = shown.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, _| {
            matches!(key.as_str(), "name" | "namespace" | "labels" | "annotations" | "ownerReferences")
        });
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.shift_remove(LAST_APPLIED);
        }
    }
    shown
}

/// A step that deletes an object, as it was seen and no other.
pub(super) fn delete(live: &Value) -> Step {
    let reference = json!({
        "apiVersion": live["apiVersion"], "kind": live["kind"],
        "metadata": {"name": live["metadata"]["name"], "namespace": live["metadata"]["namespace"]},
    });
    Step { op: Op::Delete, live: Some(live.clone()), ..bare(reference) }
}

/// A step that asks for a larger claim, which another tool made.
pub(super) fn grow(live: &Value, to: &str) -> Step {
    let mut expected = live.clone();
    if let Some(storage) = expected.pointer_mut("/spec/resources/requests/storage") {
        *storage = json!(to);
    }
    let body = json!({
        "apiVersion": "v1", "kind": kind::CLAIM,
        "metadata": {"name": live["metadata"]["name"], "namespace": live["metadata"]["namespace"]},
        "spec": {"resources": {"requests": {"storage": to}}},
    });
    let changes = changes(&visible(live), &visible(&expected));
    let changes = changes.into_iter().map(|change| (change, Effect::Grows)).collect();
    Step { op: Op::Grow, live: Some(live.clone()), expected: Some(expected), changes, ..bare(body) }
}
