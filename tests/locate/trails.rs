//! The way of each disk, and where it cannot be seen further.

use serde_json::json;
use wukong::facts::Unread;
use wukong::locate::Content;
use wukong::output::trees;
use wukong::text::Styles;

use super::{disk, hops, local, local_volume, look};

#[test]
fn the_whole_way_to_a_file_on_a_node() {
    let machine = look(&local());
    assert_eq!((machine.state.as_deref(), machine.node.as_deref()), (Some("Running"), Some("n1")));
    let system = disk(&machine, "system");
    assert_eq!(
        hops(system),
        [
            "DataVolume web-system: Succeeded",
            "PersistentVolumeClaim web-system: Bound",
            "PersistentVolume pv-web-system: Bound, policy Delete",
        ]
    );
    let placed = system.place.as_ref().unwrap();
    assert_eq!((placed.backend, placed.driver.as_str()), ("local-path", "rancher.io/local-path"));
    assert_eq!(placed.place.at.as_deref(), Some("/var/lib/rancher/k3s/storage/pv-web-system_prod_web-system/disk.img"));
    assert_eq!(hops(disk(&machine, "data")).len(), 2, "a claim of its own has no DataVolume");
}

#[test]
fn gaps_have_a_name() {
    let mut world = local();
    world.unbound("web-data").edit("StorageClass", "fast", "/volumeBindingMode", json!("WaitForFirstConsumer"));
    let machine = look(&world);
    let data = disk(&machine, "data");
    assert_eq!(hops(data), ["PersistentVolumeClaim web-data: not bound yet: waits for first consumer"]);
    assert!(data.hops[0].gap && data.place.is_none() && data.verdicts.is_empty(), "{data:#?}");

    world.remove("StorageClass", "fast");
    let machine = look(&world);
    assert_eq!(
        hops(disk(&machine, "data")),
        ["PersistentVolumeClaim web-data: not bound yet: class fast does not exist"]
    );

    world.remove("PersistentVolumeClaim", "web-data").remove("PersistentVolume", "pv-web-data");
    assert_eq!(hops(disk(&look(&world), "data")), ["PersistentVolumeClaim web-data: it does not exist"]);

    let mut world = local();
    world.remove("PersistentVolume", "pv-web-data").remove("PersistentVolume", "pv-web-system");
    let machine = look(&world);
    assert_eq!(
        hops(disk(&machine, "data"))[1],
        "PersistentVolume pv-web-data: it does not exist: its bytes cannot be reached"
    );
    let reason = "not permitted to list PersistentVolumes";
    world.1.push(Unread { kind: "PersistentVolume".into(), namespace: None, reason: reason.into() });
    let machine = look(&world);
    assert_eq!(hops(disk(&machine, "data"))[1], format!("PersistentVolume pv-web-data: {reason}"));
    assert_eq!(machine.unknown, [reason]);
}

#[test]
fn volumes_without_lasting_data_are_told() {
    let mut world = local();
    let volumes = json!([
        {"name": "system", "dataVolume": {"name": "web-system"}},
        {"name": "image", "containerDisk": {"image": "quay.io/a/b:1"}},
        {"name": "scratch", "emptyDisk": {"capacity": "2Gi"}},
        {"name": "golden", "ephemeral": {"persistentVolumeClaim": {"claimName": "golden"}}},
        {"name": "init", "cloudInitNoCloud": {"userData": "#cloud-config\npassword: verysecret"}},
        {"name": "settings", "configMap": {"name": "web-settings"}},
        {"name": "keys", "secret": {"secretName": "web-keys"}},
        {"name": "host", "hostDisk": {"path": "/data/web.img", "type": "Disk"}},
        {"name": "new", "somethingNew": {}},
    ]);
    world.edit("VirtualMachine", "web-vm", "/spec/template/spec/volumes", volumes.clone());
    world.edit("VirtualMachineInstance", "web-vm", "/spec/volumes", volumes);
    let machine = look(&world);
    let told: Vec<_> = machine
        .disks
        .iter()
        .map(|disk| match &disk.content {
            Content::Passing(what) => {
                format!("{}: {what}{}", disk.name, if disk.verdicts.is_empty() { "" } else { ", lost" })
            }
            other => format!("{}: {other:?}", disk.name),
        })
        .collect();
    assert_eq!(
        told,
        [
            "system: Disk",
            "host: HostDisk",
            "golden (below): Disk",
            "image: container image quay.io/a/b:1, lost",
            "scratch: empty disk of 2Gi, lost",
            "golden: what is written over claim golden, lost",
            "init: cloud-init",
            "settings: ConfigMap web-settings",
            "keys: Secret web-keys",
            "new: a kind of volume that is not known here",
        ]
    );
    let host = disk(&machine, "host").place.as_ref().unwrap();
    assert_eq!(
        (host.place.at.as_deref(), host.place.look[0].as_str()),
        (Some("/data/web.img"), "on n1: ls -lsh /data/web.img")
    );
    assert!(!format!("{machine:?}").contains("verysecret"));
}

#[test]
fn what_is_plugged_in_and_the_state_of_the_tpm_are_disks() {
    let mut world = local();
    let plugged = json!({"name": "extra", "persistentVolumeClaim": {"claimName": "web-data", "hotpluggable": true}});
    world.object("VirtualMachineInstance", "web-vm")["spec"]["volumes"].as_array_mut().unwrap().push(plugged);
    let mut state = world.object("PersistentVolumeClaim", "web-data").clone();
    state["metadata"] = json!({
        "name": "persistent-state-for-web-vm-abcde", "namespace": "prod", "labels": {"persistent-state-for": "web-vm"},
        "ownerReferences": [super::owner("VirtualMachine", "web-vm", "uid-vm")],
    });
    world.add(state);
    let machine = look(&world);
    assert_eq!(disk(&machine, "extra").content, Content::Plugged);
    let state = disk(&machine, "state");
    assert_eq!((&state.content, state.dies_with_vm), (&Content::State, true));
}

#[test]
fn the_record_knows_the_disks_of_a_machine_that_is_gone() {
    let mut world = local();
    world.remove("VirtualMachine", "web-vm").remove("VirtualMachineInstance", "web-vm");
    world.remove("PersistentVolumeClaim", "web-data");
    world.edit("PersistentVolume", "pv-web-data", "/status/phase", json!("Released"));
    let machine = look(&world);
    assert_eq!(machine.state, None);
    let data = disk(&machine, "data");
    assert_eq!(
        hops(data),
        ["PersistentVolumeClaim web-data: it does not exist", "PersistentVolume pv-web-data: Released, policy Delete"]
    );
    assert!(data.is_left() && data.place.is_some());
    assert_eq!(
        machine.advice.unwrap(),
        "1 of 2 disks lost its claim, and volume pv-web-data still has the bytes: \
         kubectl wukong where-is-my-data pv/pv-web-data --recover-plan tells the steps"
    );
}

/// Lines fit, but for paths and commands, which a person copies.
#[test]
fn a_tree_fits_a_terminal() {
    let mut world = local();
    let long = format!("/mnt/{}", "x".repeat(120));
    local_volume(&mut world, "pv-web-data", &long, "n1");
    for width in [80, 120] {
        let tree = trees(&[look(&world)], true, &Styles::default(), width);
        for line in tree.lines().filter(|line| !line.contains('/') && !line.contains("kubectl")) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
        assert!(tree.contains(&format!("{long}/disk.img\n")), "{tree}");
    }
}

#[test]
fn hostile_names_are_harmless() {
    let mut world = local();
    local_volume(&mut world, "pv-web-data", "/mnt/$(reboot)/\u{1b}[2J'x", "n1\nn2");
    let machine = look(&world);
    let look = &disk(&machine, "data").place.as_ref().unwrap().place.look;
    assert!(look[0].contains(r"'/mnt/$(reboot)/"), "{look:?}");
    let tree = trees(&[machine], true, &Styles::default(), 80);
    assert!(!tree.contains('\u{1b}') && !tree.contains("n1\nn2"), "{tree}");
}
