//! Who takes a claim along when it goes: the garbage collector deletes what all owners have left.

use serde_json::Value;

use crate::facts::{Facts, kind, text};

/// Whether an object goes with another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dies {
    Yes,
    No,
    /// An owner cannot be seen, or is of a kind of which nothing is known here.
    Unknown,
}

impl Dies {
    /// Of several objects on the way of one disk: it is gone as soon as one of them is.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::No, Self::No) => Self::No,
        }
    }
}

/// The owners of an object.
fn owners(object: &Value) -> impl Iterator<Item = &Value> {
    object.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten()
}

/// Whether the objects of a disk are deleted when an owner of this kind and name goes, directly or through a DataVolume.
/// One owner that stays keeps an object. Source: Kubernetes, docs/concepts/architecture/garbage-collection.
pub(super) fn dies_with(facts: &Facts, objects: [Option<&Value>; 2], kind: &str, name: &str) -> Dies {
    let each = objects.into_iter().flatten().map(|object| dies(facts, object, kind, name, 4));
    each.fold(Dies::No, Dies::or)
}

fn dies(facts: &Facts, object: &Value, kind: &str, name: &str, depth: u8) -> Dies {
    let mut end = None;
    for owner in owners(object) {
        end = match (goes(facts, object, owner, kind, name, depth), end) {
            (Dies::No, _) => return Dies::No,
            (Dies::Unknown, _) | (Dies::Yes, Some(Dies::Unknown)) => Some(Dies::Unknown),
            (Dies::Yes, _) => Some(Dies::Yes),
        };
    }
    end.unwrap_or(Dies::No)
}

fn goes(facts: &Facts, object: &Value, owner: &Value, kind: &str, name: &str, depth: u8) -> Dies {
    let named = |at: &str| text(owner, at).unwrap_or_default();
    let (owner_kind, owner_name) = (named("/kind"), named("/name"));
    // An instance goes with its machine, and has its name.
    if owner_name == name && (owner_kind == kind || (kind == kind::MACHINE && owner_kind == kind::INSTANCE)) {
        return Dies::Yes;
    }
    let namespace = text(object, "/metadata/namespace").unwrap_or_default();
    let read = [kind::DATA_VOLUME, kind::MACHINE, kind::INSTANCE, kind::CLAIM].contains(&owner_kind);
    if depth == 0 || !read || facts.unknown(owner_kind, namespace).is_some() {
        return Dies::Unknown;
    }
    match facts.get(owner_kind, namespace, owner_name) {
        Some(found) if text(found, "/metadata/uid") == text(owner, "/uid") => dies(facts, found, kind, name, depth - 1),
        // An owner that is gone holds nothing.
        _ => Dies::Yes,
    }
}
