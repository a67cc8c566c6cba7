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

/// A machine that moves its disk from `old` to `new` while it goes from the node `n` to `nn`, with its two launchers.
fn moving(wish: &str) -> (Value, Value, Value) {
    let (source, mut target) = (launcher("n"), launcher("nn"));
    target["metadata"]["name"] = json!("target");
    let mut machine = machine();
    machine["metadata"]["annotations"][guest::MIGRATION] = json!(wish);
    machine["status"] = step(&machine, &[&source]).unwrap().0;
    let state = json!({"sourceNode": "n", "targetNode": "nn", "targetPod": "target", "targetNodeAddress": "x"});
    machine["status"]["migrationState"] = state;
    machine["status"]["migrationState"]["startTimestamp"] = json!(NOW);
    let ends = json!({"sourcePVCInfo": {"claimName": "old"}, "destinationPVCInfo": {"claimName": "new"}});
    machine["status"]["migratedVolumes"] = json!([ends]);
    machine["status"]["migratedVolumes"][0]["volumeName"] = json!("a");
    machine["status"]["conditions"].as_array_mut().unwrap().push(json!({"type": "VolumesChange", "status": "True"}));
    (machine, source, target)
}

#[test]
fn disks_are_copied_when_the_guest_has_arrived() {
    let (mut machine, source, target) = moving("");
    let alive = ["n".to_owned(), "nn".to_owned()];
    let arrived = next(&machine, &[&source, &target], &alive, NOW).unwrap();
    assert_eq!((&arrived.machine["status"]["nodeName"], arrived.copies.len()), (&json!("nn"), 0));
    machine = arrived.machine;
    let ordered = next(&machine, &[&source, &target], &alive, NOW).unwrap();
    assert_eq!(ordered.copies, [("old".to_owned(), "new".to_owned())]);
    let status = &ordered.machine["status"];
    assert_eq!(status["migratedVolumes"], Value::Null);
    assert!(list(&status["conditions"]).iter().all(|condition| condition["type"] != "VolumesChange"));
}

#[test]
fn nothing_is_copied_if_the_guest_does_not_arrive() {
    let (machine, source, target) = moving("hangs");
    let both = [&source, &target];
    let alive = ["n".to_owned(), "nn".to_owned()];
    let waits = |machine: &Value, alive: &[String]| migration::next(machine, &both, alive, "hangs", NOW).is_none();
    assert!(waits(&machine, &alive));
    let mut without_wish = machine.clone();
    without_wish["metadata"]["annotations"] = json!({});
    assert!(migration::next(&without_wish, &both, &alive[..1], "", NOW).is_none(), "the other node is gone");
    let later = migration::next(&machine, &both, &alive, "slow", "2026-01-01T00:00:05Z").unwrap();
    assert_eq!(later.machine["status"]["nodeName"], "nn");

    let mut aborted = machine;
    aborted["status"]["migrationState"]["abortRequested"] = json!(true);
    let told = next(&aborted, &both, &alive, NOW).unwrap();
    assert_eq!(told.machine["status"]["migrationState"]["abortStatus"], "Succeeded");
    assert_eq!((&told.machine["status"]["nodeName"], told.copies.len()), (&json!("n"), 0));
    let left = next(&told.machine, &both, &alive, NOW).unwrap();
    assert_eq!(left.pod.unwrap().0["spec"]["nodeName"], "nn", "the launcher that waited in vain ends");
    assert_eq!(migration::next(&left.machine, &[&source], &alive, "", NOW).map(|change| change.copies), None);
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
