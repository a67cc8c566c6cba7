use super::*;

const NOW: &str = "2026-01-01T00:00:00Z";

fn step(machine: &Value, launchers: &[&Value]) -> Option<(Value, Option<&'static str>)> {
    let alive = ["n".to_owned(), "nn".to_owned()];
    next(machine, launchers, &alive, NOW)
        .map(|change| (change.machine["status"].clone(), change.pod.map(|(_, end)| end)))
}

fn launcher(node: &str) -> Value {
    json!({"spec": {"nodeName": node}, "status": {"podIP": format!("10.244.0.{}", node.len())}})
}

fn condition<'a>(status: &'a Value, kind: &str) -> &'a Value {
    list(&status["conditions"]).iter().find(|condition| condition["type"] == kind).unwrap()
}

fn machine() -> Value {
    json!({
        "metadata": {"annotations": {}, "labels": {}},
        "spec": {
            "domain": {"devices": {
                "disks": [
                    {"name": "a", "disk": {"bus": "virtio"}}, {"name": "b", "disk": {"bus": "sata"}},
                    {"name": "c", "disk": {"bus": "virtio"}},
                ],
                "interfaces": [{"name": "default", "masquerade": {}}, {"name": "lan", "bridge": {}}],
            }},
            "networks": [{"name": "default", "pod": {}}, {"name": "lan", "multus": {}}],
            "volumes": [{"name": "a", "dataVolume": {"name": "web-a"}}],
        },
        "status": {
            "phase": "Scheduled", "nodeName": "n",
            "volumeStatus": [
                {"name": "a", "persistentVolumeClaimInfo": {"accessModes": ["ReadWriteMany"]}}, {"name": "b"},
                {"name": "c"},
            ],
            "conditions": [{"type": "Ready", "status": "False"}],
        },
    })
}

#[test]
fn a_guest_boots_with_targets_by_bus_and_addresses_of_its_pod() {
    let pod = launcher("n");
    assert!(step(&machine(), &[&launcher("other")]).is_none(), "its pod is not on this node");
    let (status, ends) = step(&machine(), &[&pod]).unwrap();
    assert_eq!((&status["phase"], ends), (&json!("Running"), None));
    let targets: Vec<_> = list(&status["volumeStatus"]).iter().map(|volume| &volume["target"]).collect();
    assert_eq!(targets, ["vda", "sda", "vdb"]);
    assert_eq!(status["interfaces"][0]["ipAddress"], "10.244.0.1");
    assert_eq!(status["interfaces"][0]["mac"], "02:00:f4:00:01:00");
    assert_eq!(status["interfaces"][1]["ipAddress"], Value::Null);
    assert_eq!(condition(&status, "Ready")["status"], "False", "virt-controller decides this one");
    let agent = json!({"type": "AgentConnected", "status": "True", "lastProbeTime": null, "lastTransitionTime": NOW});
    assert_eq!(condition(&status, "AgentConnected"), &agent);
}

#[test]
fn a_guest_says_why_it_cannot_move() {
    let pod = launcher("n");
    let booted = |machine: &Value| step(machine, &[&pod]).unwrap().0;
    let shared = booted(&machine());
    assert_eq!(condition(&shared, "LiveMigratable")["status"], "True");
    assert_eq!(shared["migrationMethod"], "LiveMigration");

    let mut with_cloud_init = machine();
    with_cloud_init["spec"]["volumes"] = json!([{"name": "cloudinit", "cloudInitNoCloud": {}}]);
    assert_eq!(booted(&with_cloud_init)["migrationMethod"], "BlockMigration");
    assert_eq!(condition(&booted(&with_cloud_init), "LiveMigratable")["status"], "True");

    let mut local = machine();
    local["status"]["volumeStatus"][0]["persistentVolumeClaimInfo"]["accessModes"] = json!(["ReadWriteOnce"]);
    assert_eq!(condition(&booted(&local), "LiveMigratable")["reason"], "DisksNotLiveMigratable");

    let mut bridged = machine();
    bridged["spec"]["domain"]["devices"]["interfaces"][0] = json!({"name": "default", "bridge": {}});
    assert_eq!(condition(&booted(&bridged), "LiveMigratable")["reason"], "InterfaceNotLiveMigratable");

    // A local disk that is attached while it runs takes the ability away.
    let mut running = machine();
    running["status"] = booted(&running);
    assert!(step(&running, &[&pod]).is_none(), "nothing to report");
    running["status"]["volumeStatus"][0]["persistentVolumeClaimInfo"]["accessModes"] = json!(["ReadWriteOnce"]);
    assert_eq!(condition(&step(&running, &[&pod]).unwrap().0, "LiveMigratable")["status"], "False");
}

#[test]
fn hot_plugged_disks_go_through_their_phases_to_places_of_their_own() {
    let volume = |name: &str, phase: &str| json!({"name": name, "phase": phase, "hotplugVolume": {}});
    let machine = |wanted: bool, phase: &str| {
        let names = if wanted { json!([{"name": "x"}, {"name": "y"}]) } else { json!([]) };
        let status = json!({"phase": "Running", "volumeStatus": [volume("x", phase), volume("y", phase)]});
        let disk = |name: &str| json!({"name": name, "disk": {"bus": "scsi"}});
        let devices = json!({"disks": [disk("x"), disk("y")]});
        json!({"spec": {"volumes": names, "domain": {"devices": devices}}, "status": status})
    };
    let phase = |wanted, from: &str| step(&machine(wanted, from), &[]).unwrap().0["volumeStatus"][0]["phase"].clone();
    assert_eq!(phase(true, "Pending"), "Pending", "KubeVirt's controller attaches it");
    assert_eq!(phase(true, "AttachedToNode"), "MountedToPod");
    assert_eq!(phase(true, "MountedToPod"), "Ready");
    assert_eq!(phase(true, "Ready"), "Ready");
    assert_eq!(phase(false, "Ready"), "UnMountedFromPod");
    assert_eq!(phase(false, "UnMountedFromPod"), "UnMountedFromPod", "KubeVirt's controller takes the entry away");
    let both = step(&machine(true, "MountedToPod"), &[]).unwrap().0;
    assert_eq!(
        (&both["volumeStatus"][0]["target"], &both["volumeStatus"][1]["target"]),
        (&json!("sda"), &json!("sdb"))
    );
}

#[test]
fn a_migration_takes_four_steps_and_ends_the_source() {
    let (source, target) = (launcher("n"), launcher("nn"));
    let mut machine = machine();
    machine["status"] = step(&machine, &[&source]).unwrap().0;
    machine["status"]["migrationState"] = json!({"sourceNode": "n", "targetNode": "nn"});
    let mut ends = None;
    for key in ["targetNodeAddress", "startTimestamp", "endTimestamp", "completed"] {
        let (status, end) = step(&machine, &[&source, &target]).unwrap();
        assert!(!status["migrationState"][key].is_null(), "{key}: {status}");
        machine["status"] = status;
        ends = end;
    }
    assert_eq!(ends, Some("Succeeded"));
    assert_eq!(machine["status"]["nodeName"], "nn");
    assert_eq!(machine["status"]["interfaces"][0]["ipAddress"], "10.244.0.2");
    assert!(step(&machine, &[&source, &target]).is_none());
}

#[test]
fn a_guest_ends_as_it_is_told() {
    let machine = |phase: &str, ends: &str| {
        let mut machine = machine();
        machine["metadata"]["annotations"][guest::ENDS] = json!(ends);
        machine["status"]["phase"] = json!(phase);
        machine
    };
    let pod = launcher("n");
    assert_eq!(step(&machine("Running", "crash"), &[&pod]).unwrap().1, Some("Failed"));
    assert_eq!(step(&machine("Running", "shutdown"), &[&pod]).unwrap().1, Some("Succeeded"));
    assert!(step(&machine("Failed", "crash"), &[&pod]).is_none());
}
