//! How to look into an object of a cluster. Everything there is untrusted: any field may be missing or of another type.

use serde_json::Value;

use crate::quantity::Quantity;

/// A text at a JSON pointer.
pub fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    at(object, pointer).and_then(Value::as_str)
}

/// The bytes of a quantity at a JSON pointer.
pub fn bytes_at(object: &Value, pointer: &str) -> Option<u64> {
    Quantity::parse(text(object, pointer)?).ok()?.units()
}

/// A value at a JSON pointer. `serde_json` makes new texts of every step, which counts where thousands of objects are
/// looked at for each of thousands.
fn at<'a>(object: &'a Value, pointer: &str) -> Option<&'a Value> {
    if pointer.contains('~') {
        return object.pointer(pointer);
    }
    pointer.split('/').skip(1).try_fold(object, |value, step| match value {
        Value::Object(fields) => fields.get(step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// A value at a path of keys, which may hold slashes.
pub fn path<'a>(object: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().try_fold(object, |value, key| value.get(key))
}

/// The texts of a list at a JSON pointer.
pub fn strings<'a>(object: &'a Value, pointer: &str) -> Vec<&'a str> {
    let list = at(object, pointer).and_then(Value::as_array);
    list.map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

/// Whether an object is being deleted.
pub fn is_going(object: &Value) -> bool {
    at(object, "/metadata/deletionTimestamp").is_some_and(|time| !time.is_null())
}

/// Whether a pod or an instance has ended, and holds its volumes no more, or a migration has. A machine has no phase.
pub fn has_ended(object: &Value) -> bool {
    matches!(text(object, "/status/phase"), Some("Succeeded" | "Failed"))
}

/// Whether a pod is one that KubeVirt or CDI runs for a machine or a claim: a launcher, an importer, an exporter.
pub fn is_helper(pod: &Value) -> bool {
    let labels = pod.pointer("/metadata/labels");
    let known = ["kubevirt.io", "cdi.kubevirt.io", "kubevirt.io.virt-export-service"];
    labels.is_some_and(|labels| {
        known.iter().any(|label| labels.get(label).is_some())
            || labels.get("app").is_some_and(|app| app == "containerized-data-importer")
    })
}

/// The object that controls this one, as `Kind NAME`: what it does to its owner's object is undone, and what is done to
/// the owner may delete it.
pub fn created_by_other(object: &Value) -> Option<String> {
    let owners = at(object, "/metadata/ownerReferences").and_then(Value::as_array)?;
    let controller = owners.iter().find(|owner| owner["controller"] == true)?;
    Some(format!("{} {}", text(controller, "/kind").unwrap_or("?"), text(controller, "/name").unwrap_or("?")))
}

/// Whether an object of this kind and name is among the owners: deleting it deletes this one.
pub fn is_owned_by(object: &Value, kind: &str, name: &str) -> bool {
    let owners = at(object, "/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| owner["kind"] == kind && owner["name"] == name)
}

/// The volumes of a machine, of an instance or of a pod.
pub fn volumes(object: &Value) -> &[Value] {
    let found = at(object, "/spec/template/spec/volumes").or_else(|| at(object, "/spec/volumes"));
    found.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The claim that a volume stands for: a DataVolume's claim has its name. Source: CDI, doc/datavolumes.md.
pub fn claim_of(volume: &Value) -> Option<&str> {
    text(volume, "/persistentVolumeClaim/claimName").or_else(|| text(volume, "/dataVolume/name"))
}

/// A condition: whether it holds, its reason and its message.
pub fn condition<'a>(object: &'a Value, name: &str) -> Option<(bool, &'a str, &'a str)> {
    let all = at(object, "/status/conditions").and_then(Value::as_array)?;
    let found = all.iter().find(|condition| condition["type"] == name)?;
    let part = |pointer| text(found, pointer).unwrap_or_default();
    Some((part("/status") == "True", part("/reason"), part("/message")))
}

/// What the scheduler says of nodes, without what it says of preemption and, from Kubernetes 1.34 on, of claims of devices.
pub fn of_nodes(message: &str) -> &str {
    let end = [" no new claims to deallocate", " preemption:"].into_iter().filter_map(|part| message.find(part)).min();
    message[..end.unwrap_or(message.len())].trim_end_matches(['.', ',', ' '])
}

/// Whether a condition of an object is true; one that is not there is not.
pub fn holds(object: &Value, name: &str) -> bool {
    condition(object, name).is_some_and(|(holds, ..)| holds)
}

/// When an event was last seen, as the API writes times.
pub fn last_seen(event: &Value) -> Option<&str> {
    text(event, "/lastTimestamp").or_else(|| text(event, "/eventTime"))
}
