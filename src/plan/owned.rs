//! Who owns which field, from an object's `managedFields`.

use std::collections::BTreeSet;

use serde_json::Value;

/// The keys that lead to a field. Lists are fields: all that are written here belong to one manager whole.
pub(super) type Path = Vec<String>;

/// A manager and the fields that it owns.
#[derive(Debug)]
pub(super) struct Owner {
    /// Its name.
    pub manager: String,
    /// Whether it owns them by server-side apply.
    pub applies: bool,
    /// The fields.
    pub paths: BTreeSet<Path>,
}

/// The managers of an object's main resource.
pub(super) fn owners(object: &Value) -> Vec<Owner> {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let mut owners = Vec::new();
    for entry in entries.into_iter().flatten() {
        if entry["subresource"].as_str().is_some_and(|name| !name.is_empty()) {
            continue;
        }
        let mut paths = BTreeSet::new();
        walk(&entry["fieldsV1"], &mut Vec::new(), &mut paths);
        owners.push(Owner {
            manager: entry["manager"].as_str().unwrap_or_default().to_owned(),
            applies: entry["operation"] == "Apply",
            paths,
        });
    }
    owners
}

/// Fields are `f:NAME`; what is below an item of a list (`k:`, `v:`) counts as the list. An object without fields below
/// it is a field itself.
fn walk(fields: &Value, at: &mut Path, paths: &mut BTreeSet<Path>) {
    let children = fields.as_object().into_iter().flatten();
    let mut leaf = true;
    for (key, below) in children {
        if let Some(name) = key.strip_prefix("f:") {
            leaf = false;
            at.push(name.to_owned());
            walk(below, at, paths);
            at.pop();
        }
    }
    if leaf && !at.is_empty() {
        paths.insert(at.clone());
    }
}

/// The fields of a value: what stands at the end of its objects.
pub(super) fn leaves(value: &Value) -> Vec<Path> {
    fn collect(value: &Value, at: &mut Path, out: &mut Vec<Path>) {
        match value.as_object().filter(|fields| !fields.is_empty()) {
            Some(fields) => {
                for (key, below) in fields {
                    at.push(key.clone());
                    collect(below, at, out);
                    at.pop();
                }
            }
            None => out.push(at.clone()),
        }
    }
    let mut out = Vec::new();
    collect(value, &mut Vec::new(), &mut out);
    out
}

/// The value at a path.
pub(super) fn at<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, key| value.get(key))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_found_and_status_is_not() {
        let object = json!({"metadata": {"managedFields": [
            {"manager": "a", "operation": "Apply", "fieldsV1": {
                "f:metadata": {"f:labels": {"f:x/y": {}}},
                "f:spec": {".": {}, "f:volumes": {"k:{\"name\":\"a\"}": {"f:x": {}}}},
            }},
            {"manager": "b", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
        ]}});
        let owners = owners(&object);
        assert_eq!(owners.len(), 1);
        let paths: Vec<_> = owners[0].paths.iter().map(|path| path.join(".")).collect();
        assert_eq!(paths, ["metadata.labels.x/y", "spec.volumes"]);
    }

    #[test]
    fn leaves_are_where_objects_end() {
        let paths: Vec<_> = leaves(&json!({"a": {"b": 1, "c": {}}, "d": [1]})).iter().map(|p| p.join(".")).collect();
        assert_eq!(paths, ["a.b", "a.c", "d"]);
    }
}
