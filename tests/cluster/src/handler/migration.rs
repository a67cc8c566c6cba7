//! A live migration, as the two nodes would report it: the target is prepared, memory is copied, the guest runs there.

use serde_json::{Value, json};

use super::{Change, boot};

/// The next step of a migration that is under way.
pub(super) fn next<'a>(machine: &Value, launchers: &[&'a Value], fails: bool, now: &str) -> Option<Change<'a>> {
    let state = &machine["status"]["migrationState"];
    let is = |key: &str| !state[key].is_null() && state[key] != json!(false) && state[key] != json!("");
    if !is("targetNode") || is("completed") || is("endTimestamp") {
        return None;
    }
    let mut changed = machine.clone();
    let status = &mut changed["status"];
    let report = |status: &mut Value, fields: &Value| {
        for (key, value) in fields.as_object().into_iter().flatten() {
            status["migrationState"][key] = value.clone();
        }
    };
    if !is("targetNodeAddress") {
        let ports = json!({"49152": 0});
        report(status, &json!({"targetNodeAddress": "192.0.2.9", "targetDirectMigrationNodePorts": ports}));
        return Some(Change { machine: changed, pod: None });
    }
    if !is("startTimestamp") {
        report(status, &json!({"mode": "PreCopy", "startTimestamp": now}));
        return Some(Change { machine: changed, pod: None });
    }
    if fails {
        let why = "Live migration failed: the simulated guest does not move";
        report(status, &json!({"completed": true, "failed": true, "endTimestamp": now, "failureReason": why}));
        return Some(Change { machine: changed, pod: None });
    }
    let target = launchers.iter().find(|pod| pod["spec"]["nodeName"] == state["targetNode"])?;
    let done = json!({
        "targetNodeDomainDetected": true, "targetNodeDomainReadyTimestamp": now, "endTimestamp": now,
        "completed": true,
    });
    report(status, &done);
    status["nodeName"] = state["targetNode"].clone();
    let agent = status["guestOSInfo"]["id"].is_string();
    status["interfaces"] = boot::interfaces(&machine["spec"], target, agent);
    changed["metadata"]["labels"]["kubevirt.io/nodeName"] = state["targetNode"].clone();
    // The launcher that the guest has left ends.
    let source = launchers.iter().find(|pod| pod["spec"]["nodeName"] == state["sourceNode"]).copied();
    Some(Change { machine: changed, pod: source.map(|pod| (pod, "Succeeded")) })
}
