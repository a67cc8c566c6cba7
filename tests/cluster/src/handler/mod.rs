//! What virt-handler and the guests behind it would report about machines: phases, addresses, guest agent, disks that
//! come and go, live migration. KubeVirt's own controllers do everything else.
//!
//! Every status is written as KubeVirt's own types print it (whole
//! seconds, no empty words, null where it has null): virt-controller compares what it read before it writes.
//!
//! Annotations of a machine tell what its guest does; see [`guest`].

pub(crate) mod agents;
mod boot;
mod conditions;
mod disks;
mod migration;
mod volumes;

use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};

use crate::content::{self, Disks};
use crate::nodes;
use crate::objects::{Objects, Reference};
use crate::watched::Watched;

/// What a guest does, as annotations of the VirtualMachineInstance (or of the template of its VirtualMachine).
pub mod guest {
    /// `shutdown` ends the guest well, `crash` badly, from the inside.
    pub const ENDS: &str = "guest.wukong.test/ends";
    /// `absent`: no guest agent, so no addresses from inside and no operating system.
    pub const AGENT: &str = "guest.wukong.test/agent";
    /// How full its file systems are: JSON, from the name of a disk to `mountPoint`, `usedBytes` and, unless the guest
    /// takes each growth into use, `totalBytes`.
    pub const USED: &str = "guest.wukong.test/used";
    /// `fails`: a live migration of this guest does not succeed. `slow`: it takes five seconds. `hangs`: it takes until
    /// this is changed.
    pub const MIGRATION: &str = "guest.wukong.test/migration";
}

/// Looks at all machines once and moves each by one step. `objects` must speak as virt-handler, or KubeVirt undoes it;
/// `storage` may write on volumes.
pub(crate) async fn step(world: &Watched, objects: &Objects, storage: &Objects) -> Result<()> {
    let machines = world.all("kubevirt.io/v1", "VirtualMachineInstance").await?;
    if machines.is_empty() {
        return Ok(());
    }
    let pods = world.all("v1", "Pod").await?;
    let disks = Disks::see(world).await?;
    let alive = nodes::alive(world).await?;
    let mut result = Ok(());
    for machine in machines {
        let own: Vec<_> = pods.iter().map(Arc::as_ref).filter(|pod| belongs(pod, &machine)).collect();
        // Nobody reports for a node that is gone.
        if !alive.iter().any(|node| machine["status"]["nodeName"] == node.as_str()) {
            continue;
        }
        result = result.and(disks::first_writes(storage, &disks, &machine).await.map_err(Into::into));
        if let Some(change) = next(&machine, &own, &alive, &now()) {
            result = result.and(carry_out(objects, storage, change).await);
        }
    }
    result
}

/// The time as Kubernetes writes it.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn belongs(pod: &Value, machine: &Value) -> bool {
    let ended = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    let launches = pod["metadata"]["labels"]["kubevirt.io"] == "virt-launcher";
    launches && pod["metadata"]["labels"]["kubevirt.io/created-by"] == machine["metadata"]["uid"] && !ended
}

/// A machine as it is from now on, a launcher that ends with this step, and what was copied from claim to claim.
struct Change<'a> {
    machine: Value,
    pod: Option<(&'a Value, &'static str)>,
    copies: Vec<(String, String)>,
}

/// A change of the machine and nothing else.
fn same_disks<'a>(machine: Value) -> Change<'a> {
    Change { machine, pod: None, copies: Vec::new() }
}

/// Disks and pods first: a machine that has ended is not looked at again, and who sees that one has moved looks at its
/// disks. A conflict is no error, the step is taken again.
async fn carry_out(objects: &Objects, storage: &Objects, change: Change<'_>) -> Result<()> {
    let namespace = change.machine["metadata"]["namespace"].as_str().unwrap_or_default();
    for (from, to) in &change.copies {
        content::copy(storage, namespace, (namespace, from), to).await?;
    }
    if let Some((pod, phase)) = change.pod {
        objects.merge(&Reference::of(pod), "status", &ended(pod, phase)).await?;
    }
    match objects.replace(&change.machine).await {
        Err(kube::Error::Api(status)) if status.code == 409 || status.code == 404 => Ok(()),
        other => Ok(other.map(|_| ())?),
    }
}

/// The next thing that the node would report, if there is one. `launchers` are the pods of the machine that run.
fn next<'a>(machine: &Value, launchers: &[&'a Value], alive: &[String], now: &str) -> Option<Change<'a>> {
    let annotation = |key: &str| machine["metadata"]["annotations"][key].as_str().unwrap_or_default();
    let mut changed = machine.clone();
    let status = &mut changed["status"];
    let launcher = launchers.iter().find(|pod| pod["spec"]["nodeName"] == status["nodeName"]).copied();
    let phase = status["phase"].as_str().unwrap_or_default().to_owned();
    let ends = match annotation(guest::ENDS) {
        _ if !matches!(phase.as_str(), "Scheduled" | "Running") => return None,
        // The machine is stopped or deleted: its guest gets the power button and obeys.
        _ if machine["metadata"]["deletionTimestamp"].is_string() => Some("Succeeded"),
        _ if phase == "Scheduled" => None,
        "shutdown" => Some("Succeeded"),
        "crash" => Some("Failed"),
        _ => None,
    };
    if let Some(end) = ends {
        enter(status, end, now);
        return Some(Change { pod: launcher.map(|pod| (pod, end)), ..same_disks(changed) });
    }
    if phase == "Scheduled" {
        boot::report(status, machine, launcher?, annotation(guest::AGENT) != "absent", now);
        return Some(same_disks(changed));
    }
    if let Some(change) = migration::next(machine, launchers, alive, annotation(guest::MIGRATION), now) {
        return Some(change);
    }
    volumes::hot_plug(status, &machine["spec"]);
    conditions::migratable(status, machine, now);
    (changed != *machine).then(|| same_disks(changed))
}

fn enter(status: &mut Value, phase: &str, now: &str) {
    status["phase"] = json!(phase);
    let mut all = list(&status["phaseTransitionTimestamps"]).to_vec();
    all.push(json!({"phase": phase, "phaseTransitionTimestamp": now}));
    status["phaseTransitionTimestamps"] = Value::Array(all);
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The status of a pod whose containers have ended.
fn ended(pod: &Value, phase: &str) -> Value {
    let (code, reason) = if phase == "Failed" { (1, "Error") } else { (0, "Completed") };
    let statuses = list(&pod["status"]["containerStatuses"]).iter().map(|status| {
        let mut status = status.clone();
        status["ready"] = json!(false);
        status["started"] = json!(false);
        let since = status["state"]["running"]["startedAt"].clone();
        let end = json!({"exitCode": code, "reason": reason, "startedAt": since, "finishedAt": now()});
        status["state"] = json!({"terminated": end});
        status
    });
    json!({"status": {"phase": phase, "containerStatuses": statuses.collect::<Value>()}})
}

#[cfg(test)]
mod tests;
