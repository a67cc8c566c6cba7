//! A live migration, as the two nodes would report it: the target is prepared, memory and the disks that change their
//! volumes are copied, the guest runs there, what was changed for the migration is put in order.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Change, boot, list, same_disks};

/// A migration that is slow takes as many seconds.
const SLOW: i64 = 5;

/// The next step of a migration that is under way. `wish` is the value of [`super::guest::MIGRATION`], `alive` are the
/// nodes that still report.
pub(super) fn next<'a>(
    machine: &Value,
    launchers: &[&'a Value],
    alive: &[String],
    wish: &str,
    now: &str,
) -> Option<Change<'a>> {
    let state = &machine["status"]["migrationState"];
    let is = |key: &str| !state[key].is_null() && state[key] != json!(false) && state[key] != json!("");
    if !is("targetNode") {
        return None;
    }
    if !alive.iter().any(|node| state["targetNode"] == **node) {
        // The node that the guest is on, which is asked to end it, still reports.
        return (is("abortRequested") && !is("endTimestamp")).then(|| same_disks(aborted(machine.clone(), now)));
    }
    if is("failed") {
        // The launcher to which the guest did not come ends.
        let target = launchers.iter().find(|pod| pod["metadata"]["name"] == state["targetPod"])?;
        return Some(Change { pod: Some((target, "Succeeded")), ..same_disks(machine.clone()) });
    }
    if is("completed") {
        return None;
    }
    let mut changed = machine.clone();
    if is("endTimestamp") {
        return Some(put_in_order(changed, launchers));
    }
    let status = &mut changed["status"];
    let report = |status: &mut Value, fields: &Value| {
        for (key, value) in fields.as_object().into_iter().flatten() {
            status["migrationState"][key] = value.clone();
        }
    };
    if is("abortRequested") {
        return Some(same_disks(aborted(changed, now)));
    }
    if !is("targetNodeAddress") {
        let ports = json!({"49152": 0});
        report(status, &json!({"targetNodeAddress": "192.0.2.9", "targetDirectMigrationNodePorts": ports}));
    } else if !is("startTimestamp") {
        report(status, &json!({"mode": "PreCopy", "startTimestamp": now}));
    } else if wish == "fails" {
        report(status, &failed("Live migration failed: the simulated guest does not move", now));
    } else if wish == "hangs" || wish == "slow" && seconds(&state["startTimestamp"], now) < SLOW {
        return None;
    } else {
        let target = launchers.iter().find(|pod| pod["spec"]["nodeName"] == state["targetNode"])?;
        let done =
            json!({"targetNodeDomainDetected": true, "targetNodeDomainReadyTimestamp": now, "endTimestamp": now});
        report(status, &done);
        status["nodeName"] = state["targetNode"].clone();
        let agent = status["guestOSInfo"]["id"].is_string();
        status["interfaces"] = boot::interfaces(&machine["spec"], target, agent);
        changed["metadata"]["labels"]["kubevirt.io/nodeName"] = state["targetNode"].clone();
    }
    Some(same_disks(changed))
}

fn aborted(mut machine: Value, now: &str) -> Value {
    let mut end = failed("Live migration aborted ", now);
    end["abortStatus"] = json!("Succeeded");
    for (key, value) in end.as_object().into_iter().flatten() {
        machine["status"]["migrationState"][key] = value.clone();
    }
    machine
}

fn failed(why: &str, now: &str) -> Value {
    json!({"completed": true, "failed": true, "endTimestamp": now, "failureReason": why})
}

fn seconds(since: &Value, now: &str) -> i64 {
    let parse = |time: &str| time.parse::<Timestamp>().map_or(0, Timestamp::as_second);
    parse(now) - parse(since.as_str().unwrap_or_default())
}

/// What the new node does after the guest has arrived (virt-handler, `finalizeMigration`): from now on the new volumes
/// are those of the machine. The launcher that the guest has left ends.
fn put_in_order<'a>(mut machine: Value, launchers: &[&'a Value]) -> Change<'a> {
    let status = &mut machine["status"];
    status["migrationState"]["completed"] = json!(true);
    let name = |volume: &Value, end: &str| volume[end]["claimName"].as_str().unwrap_or_default().to_owned();
    let moved = list(&status["migratedVolumes"]).iter();
    let copies = moved.map(|volume| (name(volume, "sourcePVCInfo"), name(volume, "destinationPVCInfo"))).collect();
    let conditions = list(&status["conditions"]).iter().filter(|condition| condition["type"] != "VolumesChange");
    status["conditions"] = conditions.cloned().collect();
    if let Some(status) = status.as_object_mut() {
        status.remove("migratedVolumes");
    }
    let left = &machine["status"]["migrationState"]["sourceNode"];
    let source = launchers.iter().find(|pod| pod["spec"]["nodeName"] == *left).copied();
    Change { pod: source.map(|pod| (pod, "Succeeded")), machine, copies }
}
