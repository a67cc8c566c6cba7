//! Two versions of the files against each other: the older one stands for the cluster.

use serde_json::{Value, json};

use crate::facts::{Facts, Record, Unread};
use crate::plan::{self, Plan, Wishes};
use crate::render::{Kind, render};
use crate::{Machine, Options};

/// Plans every machine, and names those that are in the older files alone.
pub(super) fn plans(
    before: &[Machine],
    after: &[Machine],
    options: &Options,
    wishes: Wishes,
) -> (Vec<Plan>, Vec<String>) {
    let mut facts = Facts::default();
    // Whether a class lets claims grow is the cluster's matter too.
    let reason = "files alone do not say".to_owned();
    facts.unread(Unread { kind: "StorageClass".to_owned(), namespace: None, reason });
    for machine in before {
        remember(machine, options, &mut facts);
    }
    // Existing claims are taken to be there: the files do not say.
    for disk in before.iter().chain(after).flat_map(|machine| machine.disks.iter().map(move |disk| (machine, disk))) {
        let (machine, disk) = disk;
        if disk.origin.is_existing() {
            facts.insert(json!({
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": disk.claim, "namespace": namespace(machine)},
                "status": {"phase": "Bound"},
            }));
        }
    }
    let plans = after.iter().map(|machine| {
        let mut plan = plan::compare(machine, options, &facts, wishes);
        // Secrets and users of claims are the cluster's matter.
        plan.notes.retain(|note| !note.object.starts_with("Secret/"));
        plan
    });
    let plans = plans.collect();
    let gone =
        before.iter().filter(|old| after.iter().all(|new| (namespace(new), &new.name) != (namespace(old), &old.name)));
    (plans, gone.map(|machine| format!("{}/{}", namespace(machine), machine.name)).collect())
}

fn namespace(machine: &Machine) -> &str {
    machine.namespace.as_deref().unwrap_or("default")
}

/// The machine as it would be after an apply of the older files.
fn remember(machine: &Machine, options: &Options, facts: &mut Facts) {
    let fresh = plan::compare(machine, options, &Facts::default(), Wishes::default());
    let mut record = fresh.after.clone();
    for manifest in render(machine, options) {
        let mut object = manifest.object;
        let uid = format!("{}/{}", manifest.kind.as_str(), manifest.name);
        object["metadata"]["namespace"] = json!(namespace(machine));
        object["metadata"]["uid"] = json!(uid);
        object["metadata"]["managedFields"] = json!([{
            "manager": Record::manager(&machine.name), "operation": "Apply", "fieldsV1": fields(&object),
        }]);
        record.note(manifest.kind.api_version(), manifest.kind.as_str(), &manifest.name, Some(&uid));
        match manifest.kind {
            Kind::PersistentVolumeClaim => object["status"] = json!({"phase": "Bound"}),
            Kind::DataVolume => {
                let mut claim = claim(&object);
                claim["metadata"]["ownerReferences"] = json!([{
                    "kind": "DataVolume", "name": manifest.name, "uid": uid, "controller": true,
                }]);
                facts.insert(claim);
            }
            Kind::Secret | Kind::NetworkAttachmentDefinition | Kind::VirtualMachine => {}
        }
        facts.insert(object);
    }
    facts.insert(record.config_map(&machine.name, namespace(machine)));
}

/// The claim that a DataVolume would have.
fn claim(volume: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": volume["metadata"]["name"], "namespace": volume["metadata"]["namespace"],
            "uid": format!("claim of {}", volume["metadata"]["name"]),
        },
        "spec": volume["spec"]["storage"],
        "status": {"phase": "Bound"},
    })
}

/// All fields of an object, as `managedFields` has them.
fn fields(value: &Value) -> Value {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(key, value)| (format!("f:{key}"), fields_below(value))).collect::<serde_json::Map<_, _>>().into()
}

fn fields_below(value: &Value) -> Value {
    if value.as_object().is_some_and(|fields| !fields.is_empty()) { fields(value) } else { json!({}) }
}
