//! Who takes a claim along when it goes: the garbage collector deletes what all owners have left.

use serde_json::Value;

use crate::facts::{Facts, kind, text};

/// The owners of an object.
pub(super) fn owners(object: &Value) -> impl Iterator<Item = &Value> {
    object.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten()
}

/// Whether an object is deleted when an owner of this kind and name goes, directly or through a DataVolume. One owner
/// that stays keeps it. Source: Kubernetes, docs/concepts/architecture/garbage-collection.
pub(super) fn dies_with(facts: &Facts, object: &Value, kind: &str, name: &str) -> bool {
    dies(facts, object, kind, name, 4)
}

fn dies(facts: &Facts, object: &Value, kind: &str, name: &str, depth: u8) -> bool {
    let mut owners = owners(object).peekable();
    owners.peek().is_some() && owners.all(|owner| goes(facts, object, owner, kind, name, depth))
}

fn goes(facts: &Facts, object: &Value, owner: &Value, kind: &str, name: &str, depth: u8) -> bool {
    let named = |at: &str| text(owner, at).unwrap_or_default();
    let (owner_kind, owner_name) = (named("/kind"), named("/name"));
    // An instance goes with its machine, and has its name.
    if owner_name == name && (owner_kind == kind || (kind == kind::MACHINE && owner_kind == kind::INSTANCE)) {
        return true;
    }
    let namespace = text(object, "/metadata/namespace").unwrap_or_default();
    let known = [kind::DATA_VOLUME, kind::MACHINE, kind::CLAIM].contains(&owner_kind);
    if depth == 0 || !known || facts.unknown(owner_kind, namespace).is_some() {
        return false;
    }
    match facts.get(owner_kind, namespace, owner_name) {
        Some(found) if text(found, "/metadata/uid") == text(owner, "/uid") => dies(facts, found, kind, name, depth - 1),
        // An owner that is gone holds nothing.
        _ => true,
    }
}
