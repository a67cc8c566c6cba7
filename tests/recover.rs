//! What a node that died held, what becomes of it, and the steps, in the lines that a person reads.

mod stages;
mod ways;

use serde_json::{Value, json};
use wukong::facts::{Facts, keep};
use wukong::rescue::{Machine, Rescue, rescue};

use crate::status::world::{NOW, World};

/// The machine `web` on `n1`, which is silent since half an hour; `n2` is there to take it. Its disks lie on a server.
fn silent() -> World {
    let mut world = World::running();
    for claim in ["web-system", "web-data"] {
        let volume = format!("pv-{claim}");
        world.edit("PersistentVolume", &volume, "/spec/nfs", json!({"server": "nas", "path": format!("/{claim}")}));
        world.edit("PersistentVolume", &volume, "/spec/persistentVolumeReclaimPolicy", json!("Delete"));
    }
    world.edit("Node", "n1", "/metadata/labels", labels("n1"));
    world.edit("Node", "n1", "/metadata/annotations", json!({"kubevirt.io/heartbeat": "2026-01-01T11:28:00Z"}));
    world.edit("Node", "n1", "/spec/taints", json!([{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]));
    ready(&mut world, "Unknown");
    world.add(json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "n2", "labels": labels("n2")}, "spec": {},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }));
    world
}

fn labels(name: &str) -> Value {
    json!({"kubernetes.io/hostname": name, "kubevirt.io/schedulable": "true"})
}

/// What the node's condition says of `n1`.
fn ready(world: &mut World, status: &str) {
    let message = if status == "Unknown" { "Kubelet stopped posting node status." } else { "" };
    let since = "2026-01-01T11:30:00Z";
    let condition = json!({"type": "Ready", "status": status, "message": message, "lastTransitionTime": since});
    world.edit("Node", "n1", "/status/conditions", json!([condition]));
}

/// A volume that is attached to `n1`.
fn attached(volume: &str) -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": format!("csi-{volume}")},
        "spec": {"attacher": "nfs", "nodeName": "n1", "source": {"persistentVolumeName": volume}},
        "status": {"attached": true},
    })
}

fn kept(world: &World) -> Facts {
    let mut facts = Facts::default();
    world.0.iter().for_each(|object| facts.insert(keep(object)));
    world.1.iter().for_each(|unread| facts.unread(unread.clone()));
    facts
}

/// What is told of `n1`. Only what is kept of the objects counts.
fn look(world: &World) -> Rescue {
    let all = rescue(&world.facts(), "n1", NOW).unwrap();
    assert_eq!(rescue(&kept(world), "n1", NOW), Some(all.clone()), "fields are looked at that are not kept");
    all
}

fn machine(world: &World) -> Machine {
    let mut all = look(world).machines;
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}
