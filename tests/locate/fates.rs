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
    assert_eq!(
        machine.advice.as_deref(),
        Some(
            "1 of 2 disks dies with the VM; to keep it: \
             kubectl patch pv pv-web-system -p '{\"spec\":{\"persistentVolumeReclaimPolicy\":\"Retain\"}}'"
        )
    );
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

/// What is being deleted is held only by those who use it: the next stop is its end.
#[test]
fn a_claim_that_is_being_deleted_goes_at_the_next_stop() {
    let mut world = local();
    world.edit("PersistentVolumeClaim", "web-data", "/metadata/deletionTimestamp", json!("2026-01-01T11:00:00Z"));
    for event in [Event::VmStopped, Event::VmDeleted, Event::WukongDeleted] {
        let told = fate(&world, "data", event);
        assert!(told.starts_with("lost: its claim is being deleted"), "{event:?}: {told}");
    }
    let advice = look(&world).advice.unwrap();
    assert!(
        advice.starts_with("claim web-data is being deleted") && advice.contains("patch pv pv-web-data"),
        "{advice}"
    );
}

#[test]
fn owners_that_cannot_be_seen_are_no_comfort() {
    let mut world = local();
    world.edit("PersistentVolumeClaim", "web-data", "/metadata/ownerReferences", json!([owner("Restore", "r", "1")]));
    assert!(fate(&world, "data", Event::VmDeleted).starts_with("unknown: whether its owners go too cannot be seen"));
    // A template of the machine tells enough.
    let mut world = local();
    owned(&mut world);
    world.edit("VirtualMachine", "web-vm", "/spec/dataVolumeTemplates", json!([{"metadata": {"name": "web-system"}}]));
    world.remove("DataVolume", "web-system");
    let reason = "not permitted to list DataVolumes".into();
    world.1.push(Unread { kind: "DataVolume".into(), namespace: Some("prod".into()), reason });
    assert!(fate(&world, "system", Event::VmDeleted).starts_with("lost: "));
}

/// Whoever writes the name of a volume into a claim does not get the volume by that, nor a way to take it away.
#[test]
fn a_volume_of_another_claim_is_not_this_machines() {
    let mut world = local();
    let other = json!({"namespace": "other", "name": "theirs", "uid": "uid-theirs"});
    world.edit("PersistentVolume", "pv-web-data", "/spec/claimRef", other);
    let machine = look(&world);
    let data = disk(&machine, "data");
    assert_eq!(super::hops(data)[1], "PersistentVolume pv-web-data: it belongs to claim other/theirs");
    assert!(data.verdicts.is_empty() && data.place.is_none(), "{data:#?}");
}

#[test]
fn a_volume_that_is_gone_is_not_called_kept() {
    let mut world = local();
    world.remove("PersistentVolume", "pv-web-data");
    world.edit("PersistentVolumeClaim", "web-data", "/status/phase", json!("Lost"));
    for event in [Event::VmStopped, Event::NodeRebooted, Event::VmDeleted, Event::NodeLost] {
        assert!(fate(&world, "data", event).starts_with("unknown: its volume does not exist any more"), "{event:?}");
    }
    assert!(look(&world).advice.unwrap().starts_with("the volume of disk data does not exist any more"));
}

/// A claim that was made again hides the volume of the one before it, which still has the bytes.
#[test]
fn bytes_of_an_older_claim_are_told() {
    let mut world = local();
    let mut old = world.object("PersistentVolume", "pv-web-data").clone();
    old["metadata"] = json!({"name": "pv-old", "creationTimestamp": "2025-01-01T00:00:00Z"});
    old["spec"]["claimRef"]["uid"] = json!("uid-before");
    old["status"]["phase"] = json!("Released");
    world.add(old.clone());
    old["metadata"]["name"] = json!("pv-free");
    old["status"]["phase"] = json!("Available");
    world.add(old);
    let machine = look(&world);
    assert_eq!(disk(&machine, "data").left, ["pv-old"]);
    world.unbound("web-data");
    let machine = look(&world);
    assert!(machine.advice.as_deref().unwrap().contains("volume pv-old"), "{:?}", machine.advice);
    assert!(!wukong::output::trees(&[machine], true, &wukong::text::Styles::default(), 80).contains("nothing to lose"));
}

/// CDI would fill the volume that shall come back: the DataVolume goes first.
#[test]
fn a_recovery_does_not_meet_an_importer() {
    let mut world = local();
    policy(&mut world, "Retain");
    let machine = look(&world);
    let steps = &disk(&machine, "system").verdict(Event::ClaimDeleted).unwrap().steps;
    let at = |words: &str| {
        steps.iter().position(|step| step.contains(words)).unwrap_or_else(|| panic!("{words}: {steps:?}"))
    };
    assert!(
        at("stop web") < at("delete dv web-system")
            && at("delete dv") < at("delete pvc")
            && at("delete pvc") < at("\"uid\":null")
    );
    world.edit("PersistentVolume", "pv-web-system", "/status/phase", json!("Released"));
    world.remove("PersistentVolumeClaim", "web-system");
    let facts = world.facts();
    let found = recovery(&Atlas::of(&facts), facts.get("PersistentVolume", "", "pv-web-system").unwrap()).unwrap();
    assert!(found.obstacle.unwrap().starts_with("DataVolume web-system is there"));
}

#[test]
fn a_snapshot_counts_if_it_is_of_this_claim_and_stays() {
    let mut world = local();
    let made = json!("2026-01-01T00:00:00Z");
    world.edit("PersistentVolumeClaim", "web-data", "/metadata/creationTimestamp", made);
    let claim = world.object("PersistentVolume", "pv-web-data")["spec"]["claimRef"].clone();
    world.edit(
        "PersistentVolume",
        "pv-web-data",
        "/spec",
        json!({
            "claimRef": claim, "persistentVolumeReclaimPolicy": "Delete", "volumeMode": "Block",
            "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1"},
        }),
    );
    let told = |world: &World| fate(world, "data", Event::ClaimDeleted);
    assert!(told(&world).starts_with("lost: "));
    world.add(json!({
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
        "metadata": {"name": "s1", "namespace": "prod", "creationTimestamp": "2026-01-01T06:00:00Z"},
        "spec": {"source": {"persistentVolumeClaimName": "web-data"}}, "status": {"readyToUse": true},
    }));
    assert!(told(&world).contains("VolumeSnapshot s1 of 2026-01-01T06:00:00Z stays"), "{}", told(&world));
    assert!(fate(&world, "data", Event::NamespaceDeleted).starts_with("lost: "), "it lies in the namespace");
    world.edit("VolumeSnapshot", "s1", "/metadata/deletionTimestamp", json!("2026-01-01T07:00:00Z"));
    assert!(told(&world).starts_with("lost: "));
    world.edit("VolumeSnapshot", "s1", "/metadata/deletionTimestamp", Value::Null);
    world.edit("VolumeSnapshot", "s1", "/metadata/creationTimestamp", json!("2025-01-01T06:00:00Z"));
    assert!(told(&world).starts_with("lost: "), "it is of an older claim");
}
