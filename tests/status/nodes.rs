//! Why a machine finds no place, cannot start there, or moves, in the lines that a person reads.

use serde_json::{Value, json};

use super::world::{World, case, told};

#[test]
fn nodes() {
    case(
        World::running(),
        |w| {
            w.remove("Node", "n1");
        },
        "  ✗ its node n1 is not part of the cluster any more
    → kubectl wukong recover-node n1 tells what it held and what comes back
",
    );
    case(
        World::running(),
        |w| {
            w.edit(
                "Node",
                "n1",
                "/status/conditions",
                json!([
                    {"type": "Ready", "status": "Unknown", "lastTransitionTime": "2026-01-01T11:30:00Z"},
                ]),
            );
        },
        "  ✗ its node n1 does not answer since 30m
    → kubectl wukong recover-node n1 tells what it held and what comes back
",
    );
    case(
        World::running(),
        |w| {
            w.edit("Node", "n1", "/spec/unschedulable", json!(true));
        },
        "  · its node n1 is cordoned: it runs on, but does not start there again
    → kubectl uncordon n1, once the work on it is done
",
    );
}

#[test]
fn no_node_fits() {
    for (message, help) in [
        ("1 Insufficient cpu", "give the machine fewer cpus, or the cluster more"),
        ("1 Insufficient memory", "give the machine less memory, or the cluster more"),
        ("1 node(s) had untolerated taint {gpu: }", "add `highAvailability.tolerations`, or take the taint away"),
        (
            "1 node(s) didn't match Pod's node affinity/selector",
            "correct `highAvailability.nodeSelector`, or label a node",
        ),
        (
            "1 Insufficient devices.kubevirt.io/kvm",
            "no node offers KVM: virtualisation is off in their firmware, or virt-handler does not run there",
        ),
        ("1 node(s) were unschedulable", "uncordon a node: kubectl get nodes"),
        (
            "1 node(s) had volume node affinity conflict",
            "its volumes lie on other nodes than those that are left; where-is-my-data tells which",
        ),
        (
            "1 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
            "a volume of it is gone; where-is-my-data tells which",
        ),
        (
            "2 node(s) didn't match PersistentVolume's node affinity",
            "its volumes lie on other nodes than those that are left; where-is-my-data tells which",
        ),
    ] {
        // Newer schedulers speak of claims of devices, too.
        for rest in ["", "no new claims to deallocate, "] {
            let mut world = World::scheduling();
            world.edit(
                "Pod",
                "virt-launcher-web-vm-x",
                "/status/conditions",
                json!([{
                    "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                    "message": format!("0/1 nodes are available: {message}. {rest}preemption: 0/1 nodes are available"),
                }]),
            );
            let expected = format!("  ✗ no node fits: 0/1 nodes are available: {message}\n    → {help}\n");
            assert_eq!(told(&world.status()), expected);
        }
    }
}

#[test]
fn disks_that_wait_for_a_pod_that_finds_no_node() {
    case(
        World::scheduling(),
        |w| {
            w.edit("StorageClass", "fast", "/volumeBindingMode", json!("WaitForFirstConsumer"));
            w.unbound("web-data");
            w.edit(
                "Pod",
                "virt-launcher-web-vm-x",
                "/status/conditions",
                json!([{
                    "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                    "message": "0/1 nodes are available: 1 Insufficient cpu.",
                }]),
            );
        },
        "  ✗ no node fits: 0/1 nodes are available: 1 Insufficient cpu
    → give the machine fewer cpus, or the cluster more
  … disk data: claim web-data waits for the machine's pod to be placed
",
    );
}

#[test]
fn what_keeps_a_pod_from_starting() {
    case(
        World::scheduling(),
        |w| {
            w.edit("Pod", "virt-launcher-web-vm-x", "/status/containerStatuses", json!([
            {"name": "volumecd", "image": "quay.io/x/y:1", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}},
        ]));
        },
        "  ✗ image quay.io/x/y:1 cannot be pulled: Back-off pulling image
    → check the name, and that the nodes reach the registry and may pull from it
",
    );
    case(
        World::scheduling(),
        |w| {
            w.remove("NetworkAttachmentDefinition", "web-lan");
        },
        "  ✗ NetworkAttachmentDefinition prod/web-lan does not exist
    → apply the Wukong file to make it, or correct `nadName`
",
    );
    case(
        World::scheduling(),
        |w| {
            w.warn(
                "virt-launcher-web-vm-x",
                "FailedMount",
                "MountVolume.SetUp failed for volume \"cloudinit\" : secret \"web-cloud-init\" not found",
            );
        },
        "  ✗ Secret web-cloud-init does not exist, so that the pod cannot start
    → apply the Wukong file to make cloud-init's Secret again; a `sshKeySecret` or `passwordSecret` is yours to make
",
    );
    case(World::scheduling(), |w| {
        w.warn("virt-launcher-web-vm-x", "FailedAttachVolume", "Multi-Attach error for volume \"pv\" Volume is already exclusively attached to one node");
    }, "  ✗ a volume is still attached elsewhere: Multi-Attach error for volume \"pv\" Volume is already exclusively attached to one node
    → if that node is down: kubectl wukong recover-node NODE; else it comes in some minutes
");
    case(
        World::starting(),
        |w| {
            w.edit("VirtualMachine", "web-vm", "/status/conditions", json!([
            {"type": "Failure", "status": "True", "reason": "FailedCreate", "message": "admission webhook denied the request: spec.domain is wrong"},
        ]));
        },
        "  ✗ the cluster refuses to start it: admission webhook denied the request: spec.domain is wrong
    → correct what the message names, and apply
",
    );
    case(World::starting(), |_| {}, "  … it is Starting\n");
}

fn migration(phase: &str, state: &Value, conditions: &Value) -> Value {
    json!({
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceMigration",
        "metadata": {"name": "m1", "namespace": "prod", "uid": "uid-m1", "creationTimestamp": "2026-01-01T11:55:00Z"},
        "spec": {"vmiName": "web-vm"}, "status": {"phase": phase, "migrationState": state, "conditions": conditions},
    })
}

#[test]
fn migrations() {
    case(
        World::running(),
        |w| {
            w.add(migration("Running", &json!({"targetNode": "n2"}), &json!([])));
        },
        "  … it is moving to n2 (Running since 5m)
",
    );
    case(
        World::running(),
        |w| {
            w.add(migration("Failed", &json!({"targetNode": "n2", "failureReason": "target pod failed", "endTimestamp": "2026-01-01T11:58:00Z"}), &json!([])));
        },
        "  · its last migration to n2 failed 2m ago: target pod failed; it runs on where it was
    → kubectl wukong migrate web -n prod tells what is possible
",
    );
    case(
        World::running(),
        |w| {
            w.add(migration(
                "Pending",
                &json!({}),
                &json!([{"type": "migrationRejectedByResourceQuota", "status": "True"}]),
            ));
        },
        "  ✗ its migration waits: the quota of the namespace is used up
    → kubectl delete vmim -n prod m1 gives it up
",
    );
    case(
        World::running(),
        |w| {
            w.add(migration("Scheduling", &json!({}), &json!([])));
            w.add(json!({
            "apiVersion": "v1", "kind": "Pod", "spec": {},
            "metadata": {"name": "virt-launcher-web-vm-y", "namespace": "prod", "labels": {
                "kubevirt.io": "virt-launcher", "kubevirt.io/created-by": "uid-vmi", "kubevirt.io/migrationJobUID": "uid-m1",
            }},
            "status": {"phase": "Pending", "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes are available"},
            ]},
        }));
        },
        "  ✗ its migration waits: no other node fits: 0/2 nodes are available
    → kubectl delete vmim -n prod m1 gives it up
",
    );
    case(
        World::running(),
        |w| {
            w.edit("VirtualMachineInstance", "web-vm", "/status/evacuationNodeName", json!("n1"));
            w.edit("VirtualMachineInstance", "web-vm", "/status/conditions/2", json!(
            {"type": "LiveMigratable", "status": "False", "reason": "DisksNotLiveMigratable", "message": "cannot migrate VMI: PVC web-data is not shared"}
        ));
        },
        "  ✗ node n1 is being emptied, and it cannot move: cannot migrate VMI: PVC web-data is not shared
    → stop it, so that it starts elsewhere: kubectl wukong restart web -n prod
",
    );
}

#[test]
fn the_scheduler_is_not_believed_while_a_disk_is_filled() {
    for message in [
        "0/1 nodes are available: persistentvolumeclaim \"web-system\" not found.",
        "PVC prod/web-system does not exist, waiting for it to appear",
    ] {
        let mut world = World::scheduling();
        world.filling(json!({"phase": "ImportInProgress", "progress": "12.0%", "restartCount": 0}));
        let condition =
            json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message});
        world.edit("Pod", "virt-launcher-web-vm-x", "/status/conditions", json!([condition]));
        assert_eq!(told(&world.status()), "  … disk system: it is being filled (ImportInProgress, 12.0%)\n");
    }
}
