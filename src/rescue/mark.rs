//! What is noted on a node when the taint is set, so that a second run knows what the first one knew: the machines that it
//! held, and the boot that it was in.

use serde_json::{Value, json};

use super::node::taints;
use crate::facts::{path, text};

/// The taint that tells Kubernetes that a node is switched off. Source: Kubernetes, "Non-graceful node shutdown".
pub const TAINT: &str = "node.kubernetes.io/out-of-service";

/// The annotation with the note. Whether it is there tells who set the taint.
pub(super) const ANNOTATION: &str = "vm.novasphere.dev/out-of-service";

/// The note.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark {
    /// When the taint was set, as the API writes times.
    pub at: String,
    /// The machines that the node held, as namespace and name of the VirtualMachine.
    pub machines: Vec<(String, String)>,
    /// The boot of the node, if it was known.
    pub boot: Option<String>,
}

impl Mark {
    /// A note from an annotation. What is not understood is left out: that the annotation is there says enough.
    pub(super) fn read(note: &str) -> Self {
        let note: Value = serde_json::from_str(note).unwrap_or_default();
        let machines = note["machines"].as_array().into_iter().flatten().filter_map(Value::as_str);
        Self {
            at: text(&note, "/at").unwrap_or_default().to_owned(),
            machines: machines
                .filter_map(|name| name.split_once('/'))
                .map(|(namespace, name)| (namespace.to_owned(), name.to_owned()))
                .collect(),
            boot: text(&note, "/boot").map(str::to_owned),
        }
    }

    fn write(&self) -> String {
        let machines: Vec<_> = self.machines.iter().map(|(namespace, name)| format!("{namespace}/{name}")).collect();
        json!({"at": self.at, "machines": machines, "boot": self.boot}).to_string()
    }
}

/// The change of a node, as it was read, that sets the taint: a merge patch that only this version of it accepts.
pub fn marked(node: &Value, mark: &Mark) -> Value {
    let mut all: Vec<_> = taints(node).iter().filter(|taint| taint["key"] != TAINT).cloned().collect();
    all.push(json!({"key": TAINT, "value": "nodeshutdown", "effect": "NoExecute", "timeAdded": mark.at}));
    patch(node, &all, &json!(mark.write()))
}

/// The change that takes the taint away again, with the note. None: neither is there, or somebody else set the taint.
pub fn unmarked(node: &Value) -> Option<Value> {
    path(node, &["metadata", "annotations", ANNOTATION])?;
    let rest: Vec<_> = taints(node).iter().filter(|taint| taint["key"] != TAINT).cloned().collect();
    Some(patch(node, &rest, &Value::Null))
}

fn patch(node: &Value, taints: &[Value], written: &Value) -> Value {
    let taints = if taints.is_empty() { Value::Null } else { json!(taints) };
    json!({
        "metadata": {
            "uid": node["metadata"]["uid"],
            "resourceVersion": node["metadata"]["resourceVersion"],
            "annotations": {ANNOTATION: written},
        },
        "spec": {"taints": taints},
    })
}

/// A time as the API writes it, from seconds since 1970.
pub fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}
