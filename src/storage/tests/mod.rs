//! Volumes of every kind of storage, and what is said of them.

mod cloud;
mod hostile;
mod local;
mod longhorn;
mod network;
mod registry;
mod replicated;

use serde_json::{Value, json};

use super::*;
use crate::facts::{Facts, keep};

/// The clause for volumes that no provisioner made.
fn stays() -> Erased {
    Erased::No(FAILED.to_owned())
}

fn node(name: &str) -> Holder {
    Holder::Node(Some(name.to_owned()))
}

fn server(name: &str) -> Holder {
    Holder::Server(name.to_owned())
}

fn zone(name: &str) -> Holder {
    Holder::Zone(Some(name.to_owned()))
}

/// A volume that a provisioner made.
fn made(by: &str, source: &Value) -> Value {
    let mut volume = given(source);
    volume["metadata"]["annotations"] = json!({"pv.kubernetes.io/provisioned-by": by});
    volume
}

/// A volume that an administrator made.
fn given(source: &Value) -> Value {
    json!({"kind": "PersistentVolume", "metadata": {"name": "pvc-1"}, "spec": source})
}

/// A volume of a CSI driver.
fn csi(driver: &str, handle: &str, attributes: &Value) -> Value {
    made(driver, &json!({"csi": {"driver": driver, "volumeHandle": handle, "volumeAttributes": attributes}}))
}

fn block(mut volume: Value) -> Value {
    volume["spec"]["volumeMode"] = json!("Block");
    volume
}

/// A volume that only nodes with one of these values of a label may use.
fn tied(mut volume: Value, key: &str, values: &[&str]) -> Value {
    let expression = json!({"key": key, "operator": "In", "values": values});
    volume["spec"]["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}});
    volume
}

fn class(provisioner: &str, parameters: &Value) -> Value {
    json!({"kind": "StorageClass", "metadata": {"name": "c"}, "provisioner": provisioner, "parameters": parameters})
}

/// Three nodes, with other host names than names, and some objects.
fn facts(objects: &[Value]) -> Facts {
    let mut facts = Facts::default();
    for number in 1..=3 {
        facts.insert(json!({
            "kind": "Node",
            "metadata": {"name": format!("worker-{number}"), "labels": {
                "kubernetes.io/hostname": format!("host-{number}"),
                "topology.hostpath.csi/node": format!("worker-{number}"),
                "topology.topolvm.io/node": format!("worker-{number}"),
                "openebs.io/nodename": format!("host-{number}"),
                "openebs.io/nodeid": format!("host-{number}"),
                "openebs.io/csi-node": "mayastor",
                "rack": format!("rack-{number}"),
            }},
            "status": {"conditions": [{"type": "Ready", "status": if number == 3 { "False" } else { "True" }}]},
        }));
    }
    for object in objects {
        // What facts do not keep is not there when it counts.
        facts.insert(keep(object));
    }
    facts
}

/// What is said of a volume: the name of the kind of storage, and the place.
fn ask(objects: &[Value], class: Option<&Value>, volume: &Value) -> (&'static str, Place) {
    let facts = facts(objects);
    let related = Related::of(&facts);
    let (volume, class) = (keep(volume), class.map(keep));
    let known = backend(driver(&volume, None, class.as_ref()).unwrap_or_default());
    let traced = Traced { related: &related, volume: &volume, claim: None, class: class.as_ref() };
    (known.name, known.place(&traced))
}

/// What is expected of a volume: the kind of storage, what holds it, where, how one looks at it, and what Delete does.
type Row = (Value, &'static str, Holder, &'static str, &'static str, Erased);

#[track_caller]
fn check(rows: &[Row]) {
    for (volume, name, holder, at, look, erased) in rows {
        let (known, place) = ask(&[], None, volume);
        assert_eq!(known, *name, "{volume}");
        assert_eq!(place.holder, *holder, "{volume}");
        assert_eq!(place.at.as_deref().unwrap_or_default(), *at, "{volume}");
        assert_eq!(place.look.first().map_or("", String::as_str), *look, "{volume}");
        assert_eq!(place.erased, *erased, "{volume}");
    }
}

fn detail<'a>(place: &'a Place, name: &str) -> Option<&'a str> {
    place.details.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}
