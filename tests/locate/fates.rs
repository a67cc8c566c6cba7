//! What becomes of a disk, event by event.

use serde_json::{Value, json};
use wukong::facts::Unread;
use wukong::locate::{Atlas, Event, recovery};
use wukong::output::recoveries;

use super::{disk, fate, local, look, owner};
use crate::status::world::World;

/// Gives `system` to the machine, as a template does: the machine owns the DataVolume, and that the claim.
fn owned(world: &mut World) {
    world.edit("DataVolume", "web-system", "/metadata/uid", json!("uid-dv"));
    let machine = json!([owner("VirtualMachine", "web-vm", "uid-vm")]);
    world.edit("DataVolume", "web-system", "/metadata/ownerReferences", machine);
    let data_volume = json!([owner("DataVolume", "web-system", "uid-dv")]);
    world.edit("PersistentVolumeClaim", "web-system", "/metadata/ownerReferences", data_volume);
}

fn policy(world: &mut World, policy: &str) {
    world.edit("PersistentVolume", "pv-web-system", "/spec/persistentVolumeReclaimPolicy", json!(policy));
}

#[test]
fn a_disk_of_its_own_outlives_its_machine() {
    let world = local();
    assert_eq!(fate(&world, "system", Event::VmStopped), "kept: its claim stays");
    assert_eq!(fate(&world, "system", Event::VmDeleted), "kept: the VirtualMachine does not own it");
    assert_eq!(fate(&world, "system", Event::WukongDeleted), "kept: kubectl wukong delete keeps what is not named");
    assert_eq!(fate(&world, "system", Event::NodeRebooted), "kept: it lies on a disk");
    assert!(fate(&world, "system", Event::ClassDeleted).starts_with("kept: "));
    assert!(fate(&world, "system", Event::DiskFull).starts_with("kept: the machine pauses"));
    assert_eq!(
        fate(&world, "system", Event::NodeLost),
        "lost: only n1 has it: the machine is down until the node returns"
    );
}

#[test]
fn a_disk_of_a_template_dies_with_its_machine() {
    let mut world = local();
    owned(&mut world);
    assert_eq!(
        fate(&world, "system", Event::VmDeleted),
        "lost: the VirtualMachine owns it; policy Delete: the volume is erased"
    );
    let machine = look(&world);
    assert!(disk(&machine, "system").dies_with_vm && !disk(&machine, "data").dies_with_vm);
    assert_eq!(machine.advice.as_deref(), Some("1 of 2 disks dies with the VM: kubectl wukong delete web keeps it"));
    policy(&mut world, "Retain");
    assert!(
        fate(&world, "system", Event::VmDeleted).starts_with("recoverable: the VirtualMachine owns it; policy Retain")
    );
}

/// The garbage collector deletes what all owners have left, and only that.
#[test]
fn owners_are_followed() {
    let claim = "PersistentVolumeClaim";
    let dies = |owners: Value, change: fn(&mut World)| {
        let mut world = local();
        world.edit(claim, "web-data", "/metadata/ownerReferences", owners);
        change(&mut world);
        disk(&look(&world), "data").dies_with_vm
    };
    let machine = || owner("VirtualMachine", "web-vm", "uid-vm");
    let nothing = |_: &mut World| {};
    assert!(dies(json!([machine()]), nothing), "a restored snapshot");
    assert!(dies(json!([owner("VirtualMachineInstance", "web-vm", "uid-vmi")]), nothing));
    assert!(!dies(json!([]), nothing));
    assert!(!dies(json!([owner("Deployment", "web-vm", "1")]), nothing), "another kind");
    assert!(!dies(json!([owner("VirtualMachine", "other", "1"), machine()]), |world| {
        let mut other = world.object("VirtualMachine", "web-vm").clone();
        other["metadata"]["name"] = json!("other");
        other["metadata"]["uid"] = json!("1");
        world.add(other);
    }));
    assert!(dies(json!([owner("DataVolume", "gone", "1"), machine()]), nothing), "an owner that is gone holds nothing");
    let unread = |world: &mut World| {
        let reason = "not permitted to list DataVolumes".into();
        world.1.push(Unread { kind: "DataVolume".into(), namespace: Some("prod".into()), reason });
        world.remove("DataVolume", "web-system");
    };
    assert!(!dies(json!([owner("DataVolume", "web-system", "1"), machine()]), unread), "an owner that cannot be seen");
}

#[test]
fn an_operator_that_owns_disks_takes_them_along() {
    let mut world = local();
    let by = json!([owner("Wukong", "web", "1")]);
    world.edit("PersistentVolumeClaim", "web-data", "/metadata/ownerReferences", by);
    assert_eq!(
        fate(&world, "data", Event::WukongDeleted),
        "lost: an object of kind Wukong owns it; policy Delete: the volume is erased"
    );
}

#[test]
fn the_policy_decides_over_a_claim() {
    let mut world = local();
    assert_eq!(
        fate(&world, "system", Event::ClaimDeleted),
        "lost: policy Delete: the volume is erased; an empty or pristine one takes its place"
    );
    assert_eq!(fate(&world, "data", Event::ClaimDeleted), "lost: policy Delete: the volume is erased");
    assert_eq!(
        fate(&world, "data", Event::NamespaceDeleted),
        "lost: its claim goes with it; policy Delete: the volume is erased"
    );
    world.edit(
        "DataVolume",
        "web-system",
        "/metadata/annotations",
        json!({"cdi.kubevirt.io/storage.prePopulated": "web-system"}),
    );
    assert_eq!(fate(&world, "system", Event::ClaimDeleted), "lost: policy Delete: the volume is erased");
    policy(&mut world, "Recycle");
    assert_eq!(fate(&world, "system", Event::ClaimDeleted), "lost: policy Recycle: the volume is emptied");
    policy(&mut world, "Retain");
    assert_eq!(
        fate(&world, "system", Event::ClaimDeleted),
        "recoverable: policy Retain: the volume is Released and keeps the bytes"
    );
    let machine = look(&world);
    let steps = &disk(&machine, "system").verdict(Event::NamespaceDeleted).unwrap().steps;
    assert_eq!(steps[0], "kubectl create namespace prod");
}

#[test]
fn memory_is_no_disk() {
    let mut world = local();
    super::local_volume(&mut world, "pv-web-data", "/dev/shm/data", "n1");
    assert_eq!(fate(&world, "data", Event::NodeRebooted), "lost: it lies in the memory of the node");
    super::local_volume(&mut world, "pv-web-data", "/tmp/data", "n1");
    assert_eq!(fate(&world, "data", Event::NodeRebooted), "unknown: many systems empty /tmp when they start");
}

#[test]
fn what_cannot_be_seen_is_not_called_safe() {
    let mut world = local();
    world.remove("PersistentVolume", "pv-web-system").remove("PersistentVolume", "pv-web-data");
    world.1.push(Unread { kind: "PersistentVolume".into(), namespace: None, reason: "no".into() });
    for event in [Event::ClaimDeleted, Event::NamespaceDeleted, Event::NodeLost, Event::DiskFull] {
        assert!(fate(&world, "data", event).starts_with("unknown: "), "{event:?}");
    }
    let mut world = local();
    world.remove("PersistentVolumeClaim", "web-data").remove("PersistentVolume", "pv-web-data");
    let reason = "not permitted to list PersistentVolumeClaims".into();
    world.1.push(Unread { kind: "PersistentVolumeClaim".into(), namespace: Some("prod".into()), reason });
    for event in [Event::VmDeleted, Event::ClaimDeleted, Event::NodeLost] {
        assert!(fate(&world, "data", event).starts_with("unknown: "), "{event:?}");
    }
}

#[test]
fn a_volume_that_was_left_behind_has_a_way_back() {
    let mut world = local();
    policy(&mut world, "Delete");
    world.edit("PersistentVolume", "pv-web-system", "/status/phase", json!("Failed"));
    world.remove("PersistentVolumeClaim", "web-system").remove("DataVolume", "web-system");
    let facts = world.facts();
    let atlas = Atlas::of(&facts);
    let volume = facts.get("PersistentVolume", "", "pv-web-system").unwrap();
    let found = recovery(&atlas, volume).unwrap();
    assert_eq!((found.claim.as_str(), found.namespace.as_str(), found.obstacle.clone()), ("web-system", "prod", None));
    let text = recoveries(&[found]);
    let (retain, identity) = (text.find("\"Retain\"").unwrap(), text.find("\"uid\":null").unwrap());
    assert!(retain < identity, "it is kept before anything else is done: {text}");
    assert!(text.contains("volumeName: pv-web-system") && text.contains("storage: 20Gi"), "{text}");

    let bound = facts.get("PersistentVolume", "", "pv-web-data").unwrap();
    let why = recovery(&atlas, bound).unwrap();
    assert_eq!(why.obstacle.as_deref(), Some("it is bound to claim prod/web-data"));
    assert!(!recoveries(&[why]).contains("kind:"), "what must not be done is no manifest");
}
