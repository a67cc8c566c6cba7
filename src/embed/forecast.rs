//! The disks of a file as they would be once it was applied: drawn before there is a cluster.

use serde_json::{Value, json};

use crate::facts::{Facts, Unread, kind};
use crate::locate::{Atlas, Located, locate};
use crate::render::{Kind, render};
use crate::status::subject;
use crate::{Machine, Options};

/// Where the disks of machines would lie, as far as files tell.
pub(super) fn forecast(machines: &[Machine], options: &Options) -> Vec<Located> {
    let mut facts = Facts::default();
    let reason = "a file alone does not tell where the bytes will lie: that is up to the class".to_owned();
    facts.unread(Unread { kind: kind::CLASS.to_owned(), namespace: None, reason });
    for machine in machines {
        remember(machine, options, &mut facts);
    }
    let atlas = Atlas::of(&facts);
    machines.iter().map(|machine| locate(&atlas, &subject(&machine.name, namespace(machine), &facts))).collect()
}

fn namespace(machine: &Machine) -> &str {
    machine.namespace.as_deref().unwrap_or("default")
}

fn remember(machine: &Machine, options: &Options, facts: &mut Facts) {
    let place = namespace(machine);
    for manifest in render(machine, options) {
        let mut object = manifest.object;
        object["metadata"]["namespace"] = json!(place);
        if manifest.kind == Kind::DataVolume {
            facts.insert(claim(&manifest.name, place, &object["spec"]["storage"]));
        }
        facts.insert(object);
    }
    if machine.disks.iter().any(|disk| disk.origin.is_existing()) {
        // It is not said to be empty: it holds what nobody here has seen.
        let reason = "a claim that exists: a file does not tell what is in it, or where".to_owned();
        facts.unread(Unread { kind: kind::CLAIM.to_owned(), namespace: Some(place.to_owned()), reason });
    }
}

/// A claim that nobody has bound yet.
fn claim(name: &str, namespace: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": kind::CLAIM, "metadata": {"name": name, "namespace": namespace}, "spec": spec,
        "status": {"phase": "Pending"},
    })
}
