//! What becomes of each kind of machine.

use serde_json::{Value, json};
use wukong::facts::Unread;
use wukong::rescue::{StepState, Way, rescue, steps};

use super::{look, machine, silent};
use crate::status::world::{NOW, World};

/// What becomes of `web`, why, and what to do, after a change: `word: why | command`.
fn way(change: impl FnOnce(&mut World)) -> String {
    let mut world = silent();
    change(&mut world);
    let machine = machine(&world);
    let next: String = machine.next.iter().map(|command| format!(" | {command}")).collect();
    format!("{}: {}{next}", machine.way.word(), machine.why)
}

fn spec(world: &mut World, pointer: &str, value: Value) {
    world.edit("VirtualMachine", "web-vm", &format!("/spec/{pointer}"), value);
}

fn edit(kind: &'static str, name: &'static str, pointer: &'static str, value: Value) -> impl FnOnce(&mut World) {
    move |world| {
        world.edit(kind, name, pointer, value);
    }
}

#[test]
fn by_the_run_strategy() {
    let strategy = |strategy: &'static str| way(move |w| spec(w, "runStrategy", json!(strategy)));
    assert_eq!(strategy("Always"), "starts elsewhere: KubeVirt starts it on n2 once its pod is gone");
    assert_eq!(strategy("RerunOnFailure"), strategy("Always"));
    assert_eq!(
        strategy("Manual"),
        "to be started: run strategy Manual: only a person starts it | kubectl wukong start web -n prod"
    );
    assert_eq!(
        strategy("Once"),
        "to be started: it runs once, and that was it | kubectl wukong stop web -n prod | kubectl wukong start web -n prod"
    );
    assert_eq!(strategy("Halted"), "ends: it was told to stop, and stays stopped");
    let old = way(|w| {
        spec(w, "runStrategy", Value::Null);
        spec(w, "running", json!(true));
    });
    assert_eq!(old, strategy("Always"));
}

#[test]
fn by_the_nodes_that_fit() {
    let tied = "waits for the node: its nodeSelector or affinity allows no other node that is ready | change \
                `highAvailability` in its file, then: kubectl wukong apply -f FILE -n prod";
    assert_eq!(way(|w| spec(w, "template/spec/nodeSelector", json!({"kubernetes.io/hostname": "n1"}))), tied);
    let affinity = |operator: &str, values: &[&str]| {
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": operator, "values": values}]},
        ]}}})
    };
    for (operator, values, fits) in [
        ("In", &["n1"][..], false),
        ("In", &["n1", "n2"], true),
        ("NotIn", &["n2"], false),
        ("Exists", &[], true),
        ("DoesNotExist", &[], false),
        ("Gt", &["3"], false),
    ] {
        let told = way(|w| spec(w, "template/spec/affinity", affinity(operator, values)));
        assert_eq!(told == tied, !fits, "{operator} {values:?}: {told}");
    }
    let taints = json!([{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]);
    let tainted = |w: &mut World| {
        w.edit("Node", "n2", "/spec/taints", taints.clone());
    };
    assert!(way(tainted).starts_with("waits for the node: the other nodes have taints"));
    for (toleration, fits) in [
        (json!({"key": "gpu", "operator": "Exists"}), true),
        (json!({"operator": "Exists"}), true),
        (json!({"key": "gpu", "value": "yes", "effect": "NoSchedule"}), true),
        (json!({"key": "gpu", "value": "no"}), false),
        (json!({"key": "gpu", "operator": "Exists", "effect": "NoExecute"}), false),
    ] {
        let told = way(|w| {
            tainted(w);
            spec(w, "template/spec/tolerations", json!([toleration]));
        });
        assert_eq!(told.starts_with("starts elsewhere"), fits, "{toleration}: {told}");
    }
    let none = "waits for the node: no other node is ready to take machines | kubectl get nodes";
    assert_eq!(way(edit("Node", "n2", "/spec/unschedulable", json!(true))), none);
    assert_eq!(way(edit("Node", "n2", "/metadata/labels/kubevirt.io~1schedulable", json!("false"))), none);
    let zone = json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [
        {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["a"]},
    ]}]}});
    assert_eq!(
        way(edit("PersistentVolume", "pv-web-data", "/spec/nodeAffinity", zone)),
        "waits for the node: its volumes can be used on no other node that is ready | kubectl wukong where-is-my-data \
         web -n prod"
    );
}

#[test]
fn what_is_only_there_is_lost_and_what_may_bring_it_back_is_told() {
    let mut world = silent();
    crate::locate::local_volume(&mut world, "pv-web-system", "/storage/web-system", "n1");
    world.edit("Node", "n1", "/metadata/labels", super::labels("n1"));
    world.edit("StorageClass", "fast", "/provisioner", json!("rancher.io/local-path"));
    let image = json!({"registry": {"url": "docker://user:secret@quay.io/fedora:42"}});
    world.edit("DataVolume", "web-system", "/spec/source", image);
    world.add(json!({
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
        "metadata": {"name": "before", "namespace": "prod", "creationTimestamp": "2025-12-31T00:00:00Z"},
        "spec": {"source": {"persistentVolumeClaimName": "web-system"}}, "status": {"readyToUse": true},
    }));
    let web = machine(&world);
    assert_eq!((web.way, web.why.as_str()), (Way::Loses, "down until n1 returns; for good if its disk is gone"));
    assert_eq!(web.disks.len(), 1);
    assert_eq!(web.disks[0].why, "only n1 has it: the machine is down until the node returns");
    assert_eq!(
        web.disks[0].steps,
        [
            "if n1 does not return: its disk in another machine, or a backup",
            "VolumeSnapshot before of 2025-12-31T00:00:00Z; it lies beside the volume unless its driver copies it away",
            "it was filled from docker://••••••/fedora:42: that again is the disk without what the \
             guest wrote",
            "to go on without its data: give disk system another `claimName` in the file, apply and restart; web-system \
             stays",
        ]
    );
    // A machine that is stopped loses it as well.
    world.remove("VirtualMachineInstance", "web-vm").remove("Pod", "virt-launcher-web-vm-x");
    let web = machine(&world);
    assert_eq!((web.way, web.ran), (Way::Loses, false));
    assert!(!look(&world).frees(), "nothing to free");
}

#[test]
fn a_file_of_the_node_must_not_become_an_empty_one() {
    let told = way(|w| {
        let disk = json!({"name": "data", "hostDisk": {"path": "/disks/data.img", "type": "DiskOrCreate"}});
        spec(w, "template/spec/volumes", json!([disk]));
    });
    assert_eq!(
        told,
        "loses data: its disk is a file of the node: elsewhere it would start with another file, or an empty one | kubectl \
         wukong stop web -n prod"
    );
}

#[test]
fn machines_that_are_not_there_any_more() {
    let elsewhere = way(edit("VirtualMachineInstance", "web-vm", "/status/nodeName", json!("n2")));
    assert_eq!(elsewhere, "runs elsewhere: it runs on n2", "its move to the node came to nothing");
    let going = way(|w| {
        w.edit("VirtualMachine", "web-vm", "/metadata/deletionTimestamp", json!("2026-01-01T11:00:00Z"));
    });
    assert_eq!(going, "ends: it is being deleted");
    let alone = |owners: Value| {
        way(|w| {
            w.remove("VirtualMachine", "web-vm").remove("ConfigMap", "wukong-web");
            w.edit("VirtualMachineInstance", "web-vm", "/metadata/ownerReferences", owners);
        })
    };
    assert_eq!(alone(json!([])), "ends: it has no VirtualMachine: nothing starts it again");
    let set = json!([{"kind": "VirtualMachineInstanceReplicaSet", "name": "farm", "controller": true}]);
    assert_eq!(
        alone(set),
        "ends: it has no VirtualMachine; VirtualMachineInstanceReplicaSet farm decides what follows"
    );
}

#[test]
fn what_cannot_be_read_is_not_taken_for_nothing() {
    let mut world = silent();
    let forbid = |world: &mut World, kind: &str| {
        world.0.retain(|object| object["kind"] != kind);
        world.1.push(Unread { kind: kind.into(), namespace: None, reason: format!("cannot list {kind}") });
    };
    forbid(&mut world, "Pod");
    forbid(&mut world, "PersistentVolume");
    let found = look(&world);
    assert!(!found.held.pods_known && found.held.attached_known && found.blind.is_none());
    assert_eq!(found.machines[0].way, Way::Unknown);
    assert_eq!(found.unknown, ["cannot list PersistentVolume", "cannot list Pod"]);
    forbid(&mut world, "VirtualMachineInstance");
    let found = look(&world);
    assert_eq!(found.blind.as_deref(), Some("cannot list VirtualMachineInstance"));
    // Nothing that is seen to be missing is not nothing that is missing.
    let step = steps(&found).into_iter().find(|step| step.name == "machines").unwrap();
    assert_eq!((step.state, step.detail.as_str()), (StepState::Follows, "which ones is not known"));
    forbid(&mut world, "Node");
    assert_eq!(look(&world).blind.as_deref(), Some("cannot list Node"));
}

#[test]
fn a_name_that_nothing_has() {
    assert_eq!(rescue(&silent().facts(), "n3", NOW), None);
    // One that was removed is known by what it left.
    let mut world = silent();
    world.remove("Node", "n1");
    assert_eq!(look(&world).node.presence.word(), "gone");
    assert_eq!(machine(&world).way, Way::Returns);
}
