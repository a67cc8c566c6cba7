//! What an object will be once it was applied: the live one, with what is wanted laid over it.
//!
//! This is server-side apply for the objects that are rendered here, in which every list is atomic. Source: the CRDs of
//! KubeVirt and CDI, which give no list type; Kubernetes' schema for access modes.

use serde_json::Value;

use super::owned::Path;
use crate::quantity::Quantity;

/// Lays `wanted` over `live`. What is equal in another spelling stays as it is.
pub(super) fn overlay(live: &Value, wanted: &Value) -> Value {
    overlay_field("", live, wanted)
}

fn overlay_field(field: &str, live: &Value, wanted: &Value) -> Value {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            let mut merged = live.clone();
            for (key, value) in wanted {
                let next = merged.get(key).map_or_else(|| value.clone(), |old| overlay_field(key, old, value));
                merged.insert(key.clone(), next);
            }
            Value::Object(merged)
        }
        _ if same_field(field, live, wanted) => live.clone(),
        _ => wanted.clone(),
    }
}

/// The fields that are written here and hold quantities. Anywhere else `1k` and `1000` are two names.
const QUANTITIES: [&str; 2] = ["guest", "storage"];

/// Fields of which an empty object is the value: it chooses one of several ways.
const CHOICES: [&str; 3] = ["noCloud", "configDrive", "qemuGuestAgent"];

/// Whether two values mean the same: equal, the same quantity in a field for one, or the empty values that a webhook
/// writes out.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    same_field("", a, b)
}

/// The same for the values of a field of this name.
pub(super) fn same_field(field: &str, a: &Value, b: &Value) -> bool {
    let quantity = QUANTITIES.contains(&field);
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            let one_way = |a: &serde_json::Map<String, Value>, b: &serde_json::Map<String, Value>| {
                a.iter().all(|(key, value)| {
                    let says = a.contains_key("name") || CHOICES.contains(&key.as_str());
                    b.get(key).map_or_else(|| is_nothing(value, says), |other| same_field(key, value, other))
                })
            };
            one_way(a, b) && one_way(b, a)
        }
        (Value::String(a), Value::String(b)) => a == b || quantity && quantities(a, b),
        (Value::String(text), Value::Number(number)) | (Value::Number(number), Value::String(text)) => {
            quantity && quantities(text, &number.to_string())
        }
        _ => a == b || is_empty(a) && is_empty(b),
    }
}

/// `1024Mi` and `1Gi`.
fn quantities(a: &str, b: &str) -> bool {
    matches!((Quantity::parse(a), Quantity::parse(b)), (Ok(a), Ok(b)) if a == b)
}

/// Whether a field says nothing. In an entry of a list, which has a name, an empty object does: `masquerade: {}`.
pub(super) fn is_nothing(value: &Value, in_entry: bool) -> bool {
    if in_entry { value.is_null() } else { is_empty(value) }
}

/// What Go writes for a field that nobody set.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Removes the value at a path, and what becomes empty by it.
pub(super) fn remove(object: &mut Value, path: &Path) {
    let Some((first, rest)) = path.split_first() else { return };
    let Some(fields) = object.as_object_mut() else { return };
    if rest.is_empty() {
        fields.shift_remove(first);
        return;
    }
    if let Some(inner) = fields.get_mut(first) {
        remove(inner, &rest.to_vec());
        if inner.as_object().is_some_and(serde_json::Map::is_empty) {
            fields.shift_remove(first);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spelling_is_no_difference() {
        for (a, b) in [("1024Mi", "1Gi"), ("1000m", "1"), ("20Gi", "20480Mi"), ("1073741824", "1Gi")] {
            assert!(same(&json!({"storage": a}), &json!({"storage": b})), "{a} {b}");
            assert!(!same(&json!({"claimName": a}), &json!({"claimName": b})), "{a} {b}");
        }
        for (a, b) in [("1", "2"), ("a", "A"), ("1Gi", "1G")] {
            assert!(!same(&json!({"guest": a}), &json!({"guest": b})), "{a} {b}");
        }
        assert!(same(&json!({"a": 1, "resources": {}, "creationTimestamp": null}), &json!({"a": 1})));
        assert!(!same(&json!({"a": 1, "b": 0}), &json!({"a": 1})));
        assert!(!same(&json!({"name": "a", "bridge": {}}), &json!({"name": "a", "masquerade": {}})));
        assert!(!same(&json!({"noCloud": {}}), &json!({"configDrive": {}})));
    }

    #[test]
    fn what_is_live_stays_where_nothing_is_wanted() {
        let live = json!({"a": {"b": 1, "c": 2}, "guest": "1024Mi", "list": [1, 2]});
        let merged = overlay(&live, &json!({"a": {"b": 3}, "guest": "1Gi", "list": [1]}));
        assert_eq!(merged, json!({"a": {"b": 3, "c": 2}, "guest": "1024Mi", "list": [1]}));
    }

    #[test]
    fn nothing_empty_remains_of_what_is_removed() {
        let mut object = json!({"a": {"b": {"c": 1}}, "d": 1});
        remove(&mut object, &vec!["a".into(), "b".into(), "c".into()]);
        assert_eq!(object, json!({"d": 1}));
    }
}
