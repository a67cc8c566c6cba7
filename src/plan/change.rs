//! What differs between two objects, field by field, with lists of named entries keyed by name.

use serde_json::Value;

use super::merge::{is_nothing, same_field};

/// A field that changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The field, such as `spec.template.spec.domain.devices.disks[data].serial`.
    pub field: String,
    /// What it is; nothing if it is new.
    pub before: Option<Value>,
    /// What it will be; nothing if it goes.
    pub after: Option<Value>,
}

/// The changes from one object to another, in the order of the fields.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut out = Vec::new();
    walk("", Some(before), Some(after), false, &mut out);
    out
}

fn walk(field: &str, before: Option<&Value>, after: Option<&Value>, in_entry: bool, out: &mut Vec<Change>) {
    let below = |key: &str| match () {
        () if field.is_empty() => key.to_owned(),
        () if key.contains(['.', '/', '[']) => format!("{field}[{key}]"),
        () => format!("{field}.{key}"),
    };
    let last = field.rsplit('.').next().unwrap_or_default();
    match (before, after) {
        (Some(a), Some(b)) if same_field(last, a, b) => {}
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let entry = a.contains_key("name") || b.contains_key("name");
            for (key, value) in a {
                walk(&below(key), Some(value), b.get(key), entry, out);
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                walk(&below(key), None, Some(value), entry, out);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if named(a) && named(b) => {
            for entry in a {
                let name = entry["name"].as_str().unwrap_or_default();
                let other = b.iter().find(|other| other["name"] == entry["name"]);
                walk(&format!("{field}[{name}]"), Some(entry), other, false, out);
            }
            for entry in b.iter().filter(|entry| a.iter().all(|other| other["name"] != entry["name"])) {
                let name = entry["name"].as_str().unwrap_or_default();
                walk(&format!("{field}[{name}]"), None, Some(entry), false, out);
            }
        }
        (before, after) => {
            let nothing = |value: Option<&Value>| value.is_none_or(|value| is_nothing(value, in_entry));
            if !(nothing(before) && nothing(after)) {
                out.push(Change { field: field.to_owned(), before: before.cloned(), after: after.cloned() });
            }
        }
    }
}

/// Entries with names that are all different.
fn named(list: &[Value]) -> bool {
    let names: Vec<_> = list.iter().filter_map(|entry| entry["name"].as_str()).collect();
    let different: std::collections::HashSet<_> = names.iter().collect();
    names.len() == list.len() && different.len() == names.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_named() {
        let before = json!({"a": {"b": 1, "x/y": 1}, "disks": [{"name": "d", "bus": "sata"}, {"name": "e"}], "n": {}});
        let after = json!({"a": {"b": 2}, "disks": [{"name": "f"}, {"name": "d", "bus": "virtio"}]});
        let fields: Vec<_> = changes(&before, &after).into_iter().map(|change| change.field).collect();
        assert_eq!(fields, ["a.b", "a[x/y]", "disks[d].bus", "disks[e]", "disks[f]"]);
    }
}
