//! How to look into an object of a cluster. Everything there is untrusted: any field may be missing or of another type.

use serde_json::Value;

/// A text at a JSON pointer.
pub fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer).and_then(Value::as_str)
}

/// A value at a path of keys, which may hold slashes.
pub fn path<'a>(object: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().try_fold(object, |value, key| value.get(key))
}

/// The texts of a list at a JSON pointer.
pub fn strings<'a>(object: &'a Value, pointer: &str) -> Vec<&'a str> {
    let list = object.pointer(pointer).and_then(Value::as_array);
    list.map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

/// Whether an object is being deleted.
pub fn is_going(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null())
}

/// Whether a pod or an instance has ended, and holds its volumes no more. A machine has no phase.
pub fn has_ended(object: &Value) -> bool {
    matches!(text(object, "/status/phase"), Some("Succeeded" | "Failed"))
}

/// The object that controls this one, as `Kind NAME`: what it does to its owner's object is undone, and what is done to
/// the owner may delete it.
pub fn created_by_other(object: &Value) -> Option<String> {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array)?;
    let controller = owners.iter().find(|owner| owner["controller"] == true)?;
    Some(format!("{} {}", text(controller, "/kind").unwrap_or("?"), text(controller, "/name").unwrap_or("?")))
}
