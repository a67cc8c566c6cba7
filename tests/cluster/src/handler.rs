//! What virt-handler and the guests behind it would report about machines: phases, addresses, guest agent, disks that
//! come and go, live migration. KubeVirt's own controllers do everything else.
//!
//! It is written as code and not as kwok stages because status lists (volumes, interfaces, conditions) can only be
//! replaced as a whole, and stages cannot look at pods.
//!
//! Annotations of a machine tell what its guest does; see [`guest`].

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::objects::{Objects, Reference};

/// What a guest does, as annotations of the VirtualMachineInstance (or of the template of its VirtualMachine).
pub mod guest {
    /// `shutdown` ends the guest well, `crash` badly, from the inside.
    pub const ENDS: &str = "guest.wukong.test/ends";
    /// `absent`: no guest agent, so no addresses from inside and no operating system.
    pub const AGENT: &str = "guest.wukong.test/agent";
    /// `fails`: a live migration of this guest does not succeed.
    pub const MIGRATION: &str = "guest.wukong.test/migration";
}

const VMI: (&str, &str) = ("kubevirt.io/v1", "VirtualMachineInstance");

/// Looks at all machines once and moves each by one step. `objects` must speak as virt-handler, or KubeVirt undoes it.
pub(crate) async fn step(objects: &Objects) -> Result<()> {
    let machines = objects.list(VMI.0, VMI.1, "", "").await?;
    if machines.is_empty() {
        return Ok(());
    }
    let launchers = objects.list("v1", "Pod", "", "kubevirt.io=virt-launcher").await?;
    for machine in machines {
        let now = jiff::Timestamp::now().to_string();
        let own: Vec<_> = launchers.iter().filter(|pod| belongs(pod, &machine)).collect();
        let Some(change) = next(&machine, &own, &now) else { continue };
        let mut machine_change = change.machine;
        // Somebody else may have written meanwhile; then this step is taken again on what is there.
        machine_change["metadata"]["resourceVersion"] = machine["metadata"]["resourceVersion"].clone();
        let written = objects.merge(&Reference::of(&machine), "", &machine_change).await;
        if let (Ok(_), Some((pod, phase))) = (written, change.pod) {
            let _ = objects.merge(&Reference::of(pod), "status", &ended(pod, phase, &now)).await;
        }
    }
    Ok(())
}

fn belongs(pod: &Value, machine: &Value) -> bool {
    pod["metadata"]["labels"]["kubevirt.io/created-by"] == machine["metadata"]["uid"]
}

/// A merge patch of a machine, and a launcher that ends with it.
struct Change<'a> {
    machine: Value,
    pod: Option<(&'a Value, &'static str)>,
}

impl Change<'_> {
    fn status(status: &Value) -> Self {
        Self { machine: json!({"status": status}), pod: None }
    }
}

/// The next thing that the node would report, if there is one.
fn next<'a>(machine: &Value, launchers: &[&'a Value], now: &str) -> Option<Change<'a>> {
    let status = &machine["status"];
    let annotation = |key: &str| machine["metadata"]["annotations"][key].as_str().unwrap_or_default();
    let launcher = || launchers.iter().find(|pod| pod["spec"]["nodeName"] == status["nodeName"]).copied();
    let phase = status["phase"].as_str().unwrap_or_default();
    let ends = match annotation(guest::ENDS) {
        _ if !matches!(phase, "Scheduled" | "Running") => return None,
        // The machine is stopped or deleted: its guest gets the power button and obeys.
        _ if machine["metadata"]["deletionTimestamp"].is_string() => Some("Succeeded"),
        _ if phase == "Scheduled" => None,
        "shutdown" => Some("Succeeded"),
        "crash" => Some("Failed"),
        _ => None,
    };
    if let Some(end) = ends {
        let machine = json!({"status": {"phase": end, "phaseTransitionTimestamps": transition(status, end, now)}});
        return Some(Change { machine, pod: launcher().map(|pod| (pod, end)) });
    }
    if phase == "Scheduled" {
        let agent = annotation(guest::AGENT) != "absent";
        return launcher().map(|pod| Change::status(&started(machine, pod, agent, now)));
    }
    migration(machine, launchers, annotation(guest::MIGRATION) == "fails", now)
        .or_else(|| hot_plugged(machine).map(|volumes| Change::status(&json!({"volumeStatus": volumes}))))
}

fn transition(status: &Value, phase: &str, now: &str) -> Value {
    let mut all = status["phaseTransitionTimestamps"].as_array().cloned().unwrap_or_default();
    all.push(json!({"phase": phase, "phaseTransitionTimestamp": now}));
    Value::Array(all)
}

fn condition(kind: &str, holds: bool, reason: &str, message: &str, now: &str) -> Value {
    let status = if holds { "True" } else { "False" };
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastProbeTime": null, "lastTransitionTime": now,
    })
}

/// The status of a guest that has just booted.
fn started(machine: &Value, pod: &Value, agent: bool, now: &str) -> Value {
    let (spec, status) = (&machine["spec"], &machine["status"]);
    let mut conditions = vec![condition("Ready", true, "", "", now)];
    let fixed = not_shared(status);
    conditions.push(match &fixed {
        None => condition("LiveMigratable", true, "", "", now),
        Some(claim) => {
            let message = format!(
                "cannot migrate VMI: PVC {claim} is not shared, live migration requires that all PVCs must be shared \
                 (using ReadWriteMany access mode)"
            );
            condition("LiveMigratable", false, "DisksNotLiveMigratable", &message, now)
        }
    });
    conditions.push(condition("StorageLiveMigratable", true, "", "", now));
    if agent {
        conditions.push(condition("AgentConnected", true, "", "", now));
    }
    let kept = |condition: &&Value| conditions.iter().all(|own| own["type"] != condition["type"]);
    let others: Vec<_> = list(&status["conditions"]).iter().filter(kept).cloned().collect();
    conditions.extend(others);
    let cpu = &spec["domain"]["cpu"];
    let memory = &spec["domain"]["memory"]["guest"];
    let mut own = json!({
        "phase": "Running",
        "phaseTransitionTimestamps": transition(status, "Running", now),
        "conditions": conditions,
        "interfaces": interfaces(spec, pod, agent),
        "volumeStatus": targets(machine),
        "migrationMethod": if fixed.is_some() { "BlockMigration" } else { "LiveMigration" },
        "machine": {"type": spec["domain"]["machine"]["type"]},
        "currentCPUTopology": {"cores": cpu["cores"], "sockets": cpu["sockets"], "threads": cpu["threads"]},
        "memory": {"guestAtBoot": memory, "guestCurrent": memory, "guestRequested": memory},
        "selinuxContext": "none",
    });
    if agent {
        own["guestOSInfo"] = json!({
            "id": "simulated", "name": "Simulated Linux", "prettyName": "Simulated Linux 1", "version": "1",
            "versionId": "1", "kernelRelease": "6.1.0", "machine": "x86_64",
        });
    }
    own
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The first claim that only one node can mount.
fn not_shared(status: &Value) -> Option<String> {
    let local = |volume: &&Value| {
        let modes = &volume["persistentVolumeClaimInfo"]["accessModes"];
        modes.is_array() && !list(modes).contains(&json!("ReadWriteMany"))
    };
    let volume = list(&status["volumeStatus"]).iter().find(local)?;
    volume["persistentVolumeClaimInfo"]["claimName"].as_str().map(str::to_owned)
}

fn interfaces(spec: &Value, pod: &Value, agent: bool) -> Value {
    let networks = list(&spec["networks"]);
    let declared = list(&spec["domain"]["devices"]["interfaces"]);
    let all = declared.iter().enumerate().map(|(index, interface)| {
        let on_pod = networks.iter().any(|n| n["name"] == interface["name"] && n["pod"].is_object());
        let mac = interface["macAddress"].as_str().map_or_else(|| format!("02:00:00:00:00:{index:02x}"), str::to_owned);
        let mut own = json!({
            "name": interface["name"], "mac": mac, "linkState": "up", "queueCount": 1,
            "podInterfaceName": if on_pod { "eth0".to_owned() } else { format!("pod{index}") },
            "infoSource": if agent { "domain, guest-agent" } else { "domain" },
        });
        if agent {
            own["interfaceName"] = json!(format!("enp{}s0", index + 1));
        }
        if on_pod {
            own["ipAddress"] = pod["status"]["podIP"].clone();
            own["ipAddresses"] = json!([pod["status"]["podIP"]]);
        }
        own
    });
    all.collect()
}

/// Where each disk appears in the guest: `vda`, `vdb`, … on virtio, `sda`, … elsewhere.
fn targets(machine: &Value) -> Value {
    let disks = list(&machine["spec"]["domain"]["devices"]["disks"]);
    let mut used = Map::new();
    let mut volumes = list(&machine["status"]["volumeStatus"]).to_vec();
    for disk in disks {
        let bus = ["disk", "lun", "cdrom"].iter().find_map(|kind| disk[*kind]["bus"].as_str()).unwrap_or("sata");
        let prefix = if bus == "virtio" { "vd" } else { "sd" };
        let count = used.entry(prefix).or_insert(json!(0));
        let letter = char::from(b'a' + u8::try_from(count.as_u64().unwrap_or(0) % 26).unwrap_or(0));
        *count = json!(count.as_u64().unwrap_or(0) + 1);
        if let Some(volume) = volumes.iter_mut().find(|volume| volume["name"] == disk["name"])
            && volume["target"].as_str().unwrap_or_default().is_empty()
            && volume["hotplugVolume"].is_null()
        {
            volume["target"] = json!(format!("{prefix}{letter}"));
        }
    }
    Value::Array(volumes)
}

/// The volumes after a hot-plugged one has come a step further, if one has.
fn hot_plugged(machine: &Value) -> Option<Value> {
    let mut volumes = list(&machine["status"]["volumeStatus"]).to_vec();
    let wanted = |name: &Value| list(&machine["spec"]["volumes"]).iter().any(|volume| volume["name"] == *name);
    let taken = volumes.len();
    let mut moved = false;
    for volume in volumes.iter_mut().filter(|volume| volume["hotplugVolume"].is_object()) {
        let phase = volume["phase"].as_str().unwrap_or_default();
        let (phase, reason, message) = match (wanted(&volume["name"]), phase) {
            (true, "AttachedToNode") => {
                ("MountedToPod", "VolumeMountedToPod", "Volume has been mounted in virt-launcher pod")
            }
            (true, "MountedToPod") => {
                let letter = char::from(b'a' + u8::try_from(taken % 26).unwrap_or(0));
                volume["target"] = json!(format!("sd{letter}"));
                ("Ready", "VolumeReady", "Successfully attach hotplugged volume to VM")
            }
            (false, "Ready" | "MountedToPod" | "AttachedToNode" | "Detaching") => {
                volume["target"] = json!("");
                ("UnMountedFromPod", "VolumeUnMountedFromPod", "Volume has been unmounted from virt-launcher pod")
            }
            _ => continue,
        };
        for (key, value) in [("phase", phase), ("reason", reason), ("message", message)] {
            volume[key] = json!(value);
        }
        moved = true;
    }
    moved.then_some(Value::Array(volumes))
}

/// A live migration, as the two nodes would report it: the target is prepared, memory is copied, the guest runs there.
fn migration<'a>(machine: &Value, launchers: &[&'a Value], fails: bool, now: &str) -> Option<Change<'a>> {
    let state = &machine["status"]["migrationState"];
    let is = |key: &str| !state[key].is_null() && state[key] != json!(false);
    if !is("targetNode") || is("completed") || is("endTimestamp") {
        return None;
    }
    if !is("targetNodeAddress") {
        let ports = json!({"49152": 0});
        let prepared = json!({"targetNodeAddress": "10.0.0.9", "targetDirectMigrationNodePorts": ports});
        return Some(Change::status(&json!({"migrationState": prepared})));
    }
    if !is("startTimestamp") {
        return Some(Change::status(&json!({"migrationState": {"mode": "PreCopy", "startTimestamp": now}})));
    }
    if fails {
        let failed = json!({
            "completed": true, "failed": true, "endTimestamp": now,
            "failureReason": "Live migration failed: the simulated guest does not move",
        });
        return Some(Change::status(&json!({"migrationState": failed})));
    }
    let target = &state["targetNode"];
    let machine = json!({
        "metadata": {"labels": {"kubevirt.io/nodeName": target}},
        "status": {"nodeName": target, "migrationState": {
            "targetNodeDomainDetected": true, "targetNodeDomainReadyTimestamp": now, "endTimestamp": now,
            "completed": true,
        }},
    });
    // The launcher that the guest has left ends.
    let source = launchers.iter().find(|pod| pod["spec"]["nodeName"] == state["sourceNode"]).copied();
    Some(Change { machine, pod: source.map(|pod| (pod, "Succeeded")) })
}

/// The status of a pod whose containers have ended.
fn ended(pod: &Value, phase: &str, now: &str) -> Value {
    let (code, reason) = if phase == "Failed" { (1, "Error") } else { (0, "Completed") };
    let statuses = list(&pod["status"]["containerStatuses"]).iter().map(|status| {
        let mut status = status.clone();
        status["ready"] = json!(false);
        status["started"] = json!(false);
        status["state"] = json!({"terminated": {
            "exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now,
        }});
        status
    });
    json!({"status": {"phase": phase, "containerStatuses": statuses.collect::<Value>()}})
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-01-01T00:00:00Z";

    fn step(machine: &Value, launchers: &[&Value]) -> Option<(Value, Option<&'static str>)> {
        next(machine, launchers, NOW).map(|change| (change.machine["status"].clone(), change.pod.map(|(_, end)| end)))
    }

    fn launcher(node: &str) -> Value {
        json!({"spec": {"nodeName": node}, "status": {"podIP": "10.0.0.7"}})
    }

    #[test]
    fn a_guest_boots_with_targets_by_bus_and_addresses_of_its_pod() {
        let machine = json!({
            "spec": {
                "domain": {"devices": {
                    "disks": [
                        {"name": "a", "disk": {"bus": "virtio"}}, {"name": "b", "disk": {"bus": "sata"}},
                        {"name": "c", "disk": {"bus": "virtio"}},
                    ],
                    "interfaces": [{"name": "default", "masquerade": {}}, {"name": "lan", "bridge": {}}],
                }},
                "networks": [{"name": "default", "pod": {}}, {"name": "lan", "multus": {}}],
            },
            "status": {
                "phase": "Scheduled", "nodeName": "n",
                "volumeStatus": [{"name": "a"}, {"name": "b"}, {"name": "c"}],
                "conditions": [{"type": "DataVolumesReady", "status": "True"}],
            },
        });
        let pod = launcher("n");
        assert!(step(&machine, &[&launcher("other")]).is_none(), "its pod is not on this node");
        let (status, ends) = step(&machine, &[&pod]).unwrap();
        assert_eq!((&status["phase"], ends), (&json!("Running"), None));
        let targets: Vec<_> = list(&status["volumeStatus"]).iter().map(|volume| &volume["target"]).collect();
        assert_eq!(targets, ["vda", "sda", "vdb"]);
        assert_eq!(status["interfaces"][0]["ipAddress"], "10.0.0.7");
        assert_eq!(status["interfaces"][1]["ipAddress"], Value::Null);
        let kinds: Vec<_> = list(&status["conditions"]).iter().map(|condition| &condition["type"]).collect();
        assert_eq!(kinds, ["Ready", "LiveMigratable", "StorageLiveMigratable", "AgentConnected", "DataVolumesReady"]);
    }

    #[test]
    fn a_hot_plugged_disk_goes_through_its_phases() {
        let machine = |wanted: bool, phase: &str| {
            let spec = if wanted { json!({"volumes": [{"name": "x"}]}) } else { json!({}) };
            let volume = json!({"name": "x", "phase": phase, "hotplugVolume": {}});
            json!({"spec": spec, "status": {"phase": "Running", "volumeStatus": [volume]}})
        };
        let phase = |wanted, from: &str| {
            step(&machine(wanted, from), &[]).map(|(status, _)| status["volumeStatus"][0]["phase"].clone())
        };
        assert_eq!(phase(true, "Pending"), None, "KubeVirt's controller attaches it");
        assert_eq!(phase(true, "AttachedToNode"), Some(json!("MountedToPod")));
        assert_eq!(phase(true, "MountedToPod"), Some(json!("Ready")));
        assert_eq!(phase(true, "Ready"), None);
        assert_eq!(phase(false, "Ready"), Some(json!("UnMountedFromPod")));
        assert_eq!(phase(false, "UnMountedFromPod"), None, "KubeVirt's controller takes the entry away");
    }

    #[test]
    fn a_migration_takes_three_steps_and_ends_the_source() {
        let (source, target) = (launcher("a"), launcher("b"));
        let mut machine = json!({"status": {
            "phase": "Running", "nodeName": "a", "migrationState": {"sourceNode": "a", "targetNode": "b"},
        }});
        let mut ends = None;
        for key in ["targetNodeAddress", "startTimestamp", "completed"] {
            let (status, end) = step(&machine, &[&source, &target]).unwrap();
            assert!(!status["migrationState"][key].is_null(), "{key}: {status}");
            for (key, value) in status["migrationState"].as_object().unwrap() {
                machine["status"]["migrationState"][key] = value.clone();
            }
            ends = end;
        }
        assert_eq!(ends, Some("Succeeded"));
        assert!(step(&machine, &[&source, &target]).is_none());
    }

    #[test]
    fn a_guest_ends_as_it_is_told() {
        let machine = |phase: &str, ends: &str| {
            json!({
                "metadata": {"annotations": {guest::ENDS: ends}}, "status": {"phase": phase, "nodeName": "n"},
            })
        };
        let pod = launcher("n");
        assert_eq!(step(&machine("Running", "crash"), &[&pod]).unwrap().1, Some("Failed"));
        assert_eq!(step(&machine("Running", "shutdown"), &[&pod]).unwrap().1, Some("Succeeded"));
        assert!(step(&machine("Failed", "crash"), &[&pod]).is_none());
        assert!(step(&machine("Running", ""), &[&pod]).is_none());
    }
}
