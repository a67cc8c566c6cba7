//! What an event does to machines.

use serde_json::{Value, json};
use wukong::locate::{Effect, What, impacts};
use wukong::storage::Related;

use super::{disk, local, look};
use crate::status::world::World;

fn effect(world: &World, event: &str) -> (Effect, Vec<String>, String) {
    let impact = impacts(&[look(world)], &What::parse(event).unwrap()).remove(0);
    let disks = impact.disks.iter().map(|(name, fate, _, _)| format!("{name} {}", fate.word())).collect();
    (impact.effect, disks, impact.note)
}

fn replica(node: &str, healthy: bool) -> Value {
    json!({
        "apiVersion": "longhorn.io/v1beta2", "kind": "Replica",
        "metadata": {"name": format!("r-{node}"), "namespace": "longhorn-system"},
        "spec": {
            "volumeName": "pv-web-data", "nodeID": node, "diskPath": "/var/lib/longhorn/", "dataDirectoryName": "d",
            "healthyAt": "2026-01-01T00:00:00Z", "failedAt": if healthy { "" } else { "2026-01-01T00:00:00Z" },
        },
    })
}

/// `data` in copies on these nodes; `system` stays on n1.
fn copied(nodes: &[(&str, bool)]) -> World {
    let mut world = local();
    world.edit("PersistentVolume", "pv-web-data", "/metadata/annotations", json!({}));
    let claim = world.object("PersistentVolume", "pv-web-data")["spec"]["claimRef"].clone();
    world.edit("PersistentVolume", "pv-web-data", "/spec", json!({
        "claimRef": claim, "persistentVolumeReclaimPolicy": "Delete", "volumeMode": "Block",
        "csi": {"driver": "driver.longhorn.io", "volumeHandle": "pv-web-data", "volumeAttributes": {"numberOfReplicas": "3"}},
    }));
    for (node, healthy) in nodes {
        world.add(replica(node, *healthy));
        if *node != "n1" {
            world.add(json!({
                "apiVersion": "v1", "kind": "Node", "metadata": {"name": node},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            }));
        }
    }
    world
}

#[test]
fn copies_are_counted() {
    let world = copied(&[("n1", true), ("n2", true), ("n3", false)]);
    assert_eq!(effect(&world, "node-lost=n2").0, Effect::Unaffected);
    assert_eq!(effect(&world, "node-lost=n2").1, ["data kept"]);
    assert_eq!(effect(&world, "node-lost=n3").1, Vec::<String>::new(), "it had no healthy copy");
    assert_eq!(effect(&world, "node-lost=n1").1, ["system lost", "data kept"]);
    let world = copied(&[("n1", false), ("n2", true), ("n3", false)]);
    assert_eq!(
        effect(&world, "node-lost=n2"),
        (Effect::Loses, vec!["data lost".into()], "down until n2 returns; for good if its disk is gone".into())
    );
}

#[test]
fn a_machine_without_bytes_there_moves() {
    let mut world = copied(&[("n1", true), ("n2", true)]);
    let volumes = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}}]);
    world.edit("VirtualMachine", "web-vm", "/spec/template/spec/volumes", volumes.clone());
    world.edit("VirtualMachineInstance", "web-vm", "/spec/volumes", volumes);
    assert_eq!(effect(&world, "node-lost=n1").0, Effect::Moves);
    assert_eq!(effect(&world, "node-lost=n9").0, Effect::Unaffected);
}

#[test]
fn events_touch_what_they_name() {
    let world = local();
    assert_eq!(effect(&world, "vm-deleted").0, Effect::Gone);
    assert_eq!(effect(&world, "wukong-deleted").0, Effect::Gone);
    assert_eq!(effect(&world, "pvc-deleted=web-data").1, ["data lost"]);
    assert_eq!(effect(&world, "pvc-deleted").1, ["system lost", "data lost"]);
    assert_eq!(effect(&world, "namespace-deleted=prod").0, Effect::Loses);
    assert_eq!(effect(&world, "namespace-deleted=other"), (Effect::Unaffected, Vec::new(), String::new()));
    let (class, disks, note) = effect(&world, "class-deleted=fast");
    assert_eq!((class, disks.len()), (Effect::Unaffected, 2));
    assert!(note.contains("no disk can grow"), "{note}");
    assert_eq!(effect(&world, "class-deleted=other").1.len(), 0);
}

#[test]
fn events_are_read() {
    for text in ["node-lost", "node-lost=", "vm-deleted=web", "class-deleted", "earthquake", ""] {
        assert!(What::parse(text).unwrap_err().starts_with("it is one of node-lost=NAME"), "{text}");
    }
    assert_eq!(What::parse("pvc-deleted").unwrap(), What::ClaimDeleted(None));
}

/// Thousands of volumes find their own copies without a search through all of them.
#[test]
fn copies_belong_to_their_volume() {
    let mut world = copied(&[("n1", true), ("n2", true)]);
    let mut other = replica("n3", true);
    other["spec"]["volumeName"] = json!("another");
    world.add(other);
    let machine = look(&world);
    assert_eq!(disk(&machine, "data").place.as_ref().unwrap().place.copies.len(), 2);
    let _ = Related::of(&world.facts());
}

/// One machine owns the disk that another one uses: the event takes it from both.
#[test]
fn machines_share_the_fate_of_a_disk() {
    let mut world = local();
    let by = json!([super::owner("VirtualMachine", "web-vm", "uid-vm")]);
    world.edit("PersistentVolumeClaim", "web-data", "/metadata/ownerReferences", by);
    let mut other = world.object("VirtualMachine", "web-vm").clone();
    other["metadata"] = json!({"name": "other", "namespace": "prod", "uid": "uid-other"});
    let volumes = json!([{"name": "their", "persistentVolumeClaim": {"claimName": "web-data"}}]);
    other["spec"]["template"]["spec"]["volumes"] = volumes;
    world.add(other);
    let facts = world.facts();
    let atlas = wukong::locate::Atlas::of(&facts);
    let named = ["web", "vm/other"].map(|name| wukong::status::subject(name, "prod", &facts));
    let machines = named.map(|subject| wukong::locate::locate(&atlas, &subject));
    assert_eq!(machines[1].disks[0].shared_with, ["web-vm"]);
    let told = impacts(&machines, &What::VmDeleted);
    assert_eq!((told[0].effect, told[1].effect), (Effect::Loses, Effect::Loses));
    let alone = impacts(&machines[1..], &What::VmDeleted);
    assert_eq!(alone[0].effect, Effect::Gone);
    assert!(alone[0].disks[0].2.contains("VirtualMachine web-vm owns it"), "{:?}", alone[0].disks);
}

#[test]
fn a_machine_moves_only_if_it_may_and_starts_again() {
    let on_copies = || {
        let mut world = copied(&[("n1", true), ("n2", true)]);
        let volumes = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}}]);
        world.edit("VirtualMachine", "web-vm", "/spec/template/spec/volumes", volumes.clone());
        world.edit("VirtualMachineInstance", "web-vm", "/spec/volumes", volumes);
        world
    };
    let mut world = on_copies();
    world.edit("VirtualMachine", "web-vm", "/spec/template/spec/nodeSelector", json!({"kubernetes.io/hostname": "n1"}));
    assert_eq!(effect(&world, "node-lost=n1").0, Effect::Down);
    let mut world = on_copies();
    world.edit("VirtualMachine", "web-vm", "/spec/runStrategy", json!("Manual"));
    assert_eq!(effect(&world, "node-lost=n1").0, Effect::Down);
}

/// Copies that nobody can see are no copies.
#[test]
fn copies_need_evidence() {
    let none = copied(&[]);
    assert_eq!(effect(&none, "node-lost=n9"), (Effect::Unknown, vec!["data unknown".into()], String::new()));
}

/// While the machine shall use another claim, it still writes to the one before.
#[test]
fn the_claim_in_use_is_told() {
    let mut world = local();
    world.edit("VirtualMachineInstance", "web-vm", "/spec/volumes/1/persistentVolumeClaim/claimName", json!("web-old"));
    let machine = look(&world);
    assert_eq!(disk(&machine, "data (in use now)").claim.as_deref(), Some("web-old"));
}

#[test]
fn machines_are_counted_in_words_that_agree() {
    assert_eq!([1, 2].map(|count| Effect::Loses.of(count)), ["1 loses data", "2 lose data"]);
    assert_eq!([1, 2].map(|count| Effect::Gone.of(count)), ["1 keeps its data", "2 keep their data"]);
    assert_eq!([1, 4].map(|count| Effect::Moves.of(count)), ["1 moves", "4 move"]);
    assert_eq!([1, 4].map(|count| Effect::Down.of(count)), ["1 down", "4 down"]);
}
