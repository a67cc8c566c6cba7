//! Each cause, as the lines that a person reads.

use serde_json::{Value, json};
use wukong::facts::Unread;

use super::world::{World, told};

/// A change of a world.
type Break = fn(&mut World);

/// Checks the lines for a broken world.
fn case(mut world: World, change: Break, expected: &str) {
    change(&mut world);
    let status = world.status();
    assert_eq!(told(&status), expected, "{:#?}", status.causes);
}

fn importing(phase: &str, restarts: u64, reason: &str, message: &str) -> Value {
    json!({
        "phase": phase, "progress": "N/A", "restartCount": restarts,
        "conditions": [
            {"type": "Bound", "status": "True", "reason": "Bound"},
            {"type": "Running", "status": "False", "reason": reason, "message": message},
        ],
    })
}

#[test]
fn imports() {
    case(
        World::starting(),
        |w| {
            w.filling(importing("ImportInProgress", 0, "ImagePullFailed", "failed to pull image: manifest unknown"));
        },
        "  ✗ disk system: its image cannot be pulled: failed to pull image: manifest unknown
    → check the image's name and that the cluster may pull it (`imageSecret`)
",
    );
    case(
        World::starting(),
        |w| {
            w.filling(importing("ImportInProgress", 2, "Error", "connection reset by peer"));
        },
        "  … disk system: the import failed 2 times and is tried again: connection reset by peer
    → kubectl logs -n prod -l cdi.kubevirt.io=importer
",
    );
    case(World::starting(), |w| {
        w.filling(importing("ImportInProgress", 5, "Error", "expected status code 200, got 404. Status: 404 Not Found"));
    }, "  ✗ disk system: the import failed 5 times and is tried again: expected status code 200, got 404. Status: 404 Not Found
    → check the image's address; correct the file, then make the disk anew, which is empty so far: kubectl wukong delete web --delete-data system, then apply
");
    case(World::starting(), |w| {
        w.filling(importing("Failed", 1, "Error", "checksum mismatch: expected sha256:1, got sha256:2"));
    }, "  ✗ disk system: the image is not the one of the checksum: checksum mismatch: expected sha256:1, got sha256:2
    → correct the file, then make the disk anew, which is empty so far: kubectl wukong delete web --delete-data system, then apply
");
    case(World::starting(), |w| {
        w.filling(importing("ImportInProgress", 3, "Error", "Virtual image size 42949672960 is larger than the reported available storage 21474836480"));
    }, "  ✗ disk system: the image is larger than the disk: Virtual image size 42949672960 is larger than the reported available storage 21474836480
    → raise its `size`; correct the file, then make the disk anew, which is empty so far: kubectl wukong delete web --delete-data system, then apply
");
    case(World::starting(), |w| {
        w.filling(importing("Failed", 0, "Error", "unsupported format"));
    }, "  ✗ disk system: it could not be filled: unsupported format
    → correct the file, then make the disk anew, which is empty so far: kubectl wukong delete web --delete-data system, then apply
");
    case(
        World::starting(),
        |w| {
            w.filling(json!({"phase": "ImportInProgress", "progress": "42.1%", "restartCount": 0}));
        },
        "  … disk system: it is being filled (ImportInProgress, 42.1%)
",
    );
}

#[test]
fn an_import_that_stands() {
    let at = |time: &str| {
        let mut world = World::starting();
        world.filling(json!({
            "phase": "ImportInProgress", "progress": "37.0%", "restartCount": 0,
            "conditions": [{"type": "Running", "status": "True", "reason": "TransferRunning", "lastHeartbeatTime": time}],
        }));
        world.edit(
            "PersistentVolumeClaim",
            "web-system",
            "/metadata/annotations",
            json!({
                "cdi.kubevirt.io/storage.import.importPodName": "importer-prime-1",
            }),
        );
        told(&world.status())
    };
    assert_eq!(
        at("2026-01-01T11:48:00Z"),
        "  ✗ disk system: the import stands at 37.0% since 12m
    → kubectl logs -n prod importer-prime-1
"
    );
    assert_eq!(at("2026-01-01T11:59:00Z"), "  … disk system: it is being filled (ImportInProgress, 37.0%)\n");
}

#[test]
fn scratch_space() {
    case(World::starting(), |w| {
        w.filling(json!({"phase": "ImportScheduled", "progress": "N/A", "restartCount": 0}));
        w.add(json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"},
            "metadata": {"name": "prime-uid-web-system-scratch", "namespace": "prod"}, "spec": {},
        }));
        w.warn("prime-uid-web-system-scratch", "ProvisioningFailed", "storageclass.storage.k8s.io \"gone\" not found");
    }, "  ✗ disk system: the importer has no scratch space: claim prime-uid-web-system-scratch: storageclass.storage.k8s.io \"gone\" not found
    → set `scratchSpaceStorageClass` in the CDI object to a class that makes file systems
");
}

#[test]
fn classes() {
    case(
        World::starting(),
        |w| {
            w.unbound("web-data").edit("PersistentVolumeClaim", "web-data", "/spec/storageClassName", json!("fats"));
        },
        "  ✗ disk data: class fats does not exist
    → set `storageClassName` to one of: fast
",
    );
    case(World::starting(), |w| {
        w.unbound("web-data").edit("PersistentVolumeClaim", "web-data", "/spec/storageClassName", Value::Null);
        w.edit("StorageClass", "fast", "/metadata/annotations", json!({}));
    }, "  ✗ disk data: the file names no class, and the cluster has no default one
    → set `storageClassName` of the disk, or make a class the default: kubectl annotate storageclass NAME storageclass.kubernetes.io/is-default-class=true
");
    // Who may not list classes cannot say that one is missing.
    case(
        World::starting(),
        |w| {
            w.unbound("web-data").edit("PersistentVolumeClaim", "web-data", "/spec/storageClassName", json!("fats"));
            w.remove("StorageClass", "fast");
            w.1.push(Unread { kind: "StorageClass".into(), namespace: None, reason: "forbidden".into() });
        },
        "  … disk data: claim web-data waits for a volume
",
    );
    case(World::starting(), |w| {
        w.remove("PersistentVolumeClaim", "web-system").filling(json!({"phase": "Pending", "conditions": [
            {"type": "Bound", "status": "False", "reason": "ErrClaimNotValid", "message": "PVC spec is missing accessMode and no storageClass to choose profile"},
        ]}));
    }, "  ✗ disk system: CDI makes no claim, because it does not know what class fast can do: PVC spec is missing accessMode and no storageClass to choose profile
    → set `accessMode` (and `volumeMode`) of the disk, or claimPropertySets in the StorageProfile
");
}

#[test]
fn claims() {
    case(
        World::starting(),
        |w| {
            w.remove("PersistentVolumeClaim", "web-data");
        },
        "  ✗ disk data: claim web-data does not exist
    → apply the Wukong file to make it, empty; if it held data, restore that first
",
    );
    case(
        World::starting(),
        |w| {
            w.edit("PersistentVolumeClaim", "web-data", "/status/phase", json!("Lost"));
        },
        "  ✗ disk data: claim web-data is Lost: volume pv-web-data is gone, and the data with it
    → restore the volume under its old name, or the disk from a backup
",
    );
    case(World::starting(), |w| {
        w.edit("PersistentVolumeClaim", "web-data", "/status", json!({"phase": "Pending"}));
        w.edit("PersistentVolume", "pv-web-data", "/status/phase", json!("Released"));
        w.edit("PersistentVolume", "pv-web-data", "/spec/claimRef/uid", json!("old"));
    }, "  ✗ disk data: volume pv-web-data is Released: it still belongs to a claim that was deleted, so that claim web-data does not get it
    → if it is the right one: kubectl patch pv pv-web-data --type merge -p '{\"spec\":{\"claimRef\":{\"namespace\":\"prod\",\"name\":\"web-data\",\"uid\":null,\"resourceVersion\":null}}}'
");
    case(
        World::starting(),
        |w| {
            w.unbound("web-data").warn("web-data", "ProvisioningFailed", "rpc error: no space on any node");
        },
        "  ✗ disk data: class fast could not make the volume: rpc error: no space on any node
    → kubectl describe pvc -n prod web-data
",
    );
    case(
        World::running(),
        |w| {
            w.add(json!({
            "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": "other", "namespace": "prod"},
            "spec": {"template": {"spec": {"volumes": [{"name": "x", "persistentVolumeClaim": {"claimName": "web-data"}}]}}},
        }));
        },
        "  ✗ disk data: claim web-data is also used by VirtualMachine other; two writers destroy a file system
    → stop one of them and take the disk from it
",
    );
    case(
        World::running(),
        |w| {
            w.edit("PersistentVolumeClaim", "web-data", "/metadata/deletionTimestamp", json!("2026-01-01T11:00:00Z"));
        },
        "  ✗ disk data: claim web-data is being deleted, and goes as soon as the machine stops
    → do not stop the machine before its data is copied: a deletion cannot be taken back
",
    );
}

#[test]
fn quotas() {
    case(World::starting(), |w| {
        w.remove("PersistentVolumeClaim", "web-system").filling(json!({"phase": "Pending", "conditions": [
            {"type": "Bound", "status": "False", "reason": "ErrExceededQuota", "message": "exceeded quota: small, requested: requests.storage=20Gi"},
        ]}));
    }, "  ✗ disk system: the quota of the namespace is used up: exceeded quota: small, requested: requests.storage=20Gi
    → raise the ResourceQuota, or free some of it
");
    case(
        World::starting(),
        |w| {
            w.edit("VirtualMachine", "web-vm", "/status/conditions", json!([
            {"type": "Failure", "status": "True", "reason": "FailedCreate", "message": "pods \"x\" is forbidden: exceeded quota: small"},
        ]));
        },
        "  ✗ the quota of the namespace is used up: pods \"x\" is forbidden: exceeded quota: small
    → raise the ResourceQuota, or free some of it
",
    );
}

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
    ] {
        let mut world = World::scheduling();
        world.edit(
            "Pod",
            "virt-launcher-web-vm-x",
            "/status/conditions",
            json!([{
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message": format!("0/1 nodes are available: {message}. preemption: 0/1 nodes are available"),
            }]),
        );
        let expected = format!("  ✗ no node fits: 0/1 nodes are available: {message}\n    → {help}\n");
        assert_eq!(told(&world.status()), expected);
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

#[test]
fn pauses_and_crashes() {
    case(World::running(), |w| {
        w.edit("VirtualMachineInstance", "web-vm", "/status/conditions/0", json!(
            {"type": "Paused", "status": "True", "reason": "PausedIOError", "message": "VMI was paused, low-level IO error detected"}
        ));
    }, "  ✗ it is paused, because a disk could not be written: its storage is full or gone
    → free space on the storage or expand the disk (where-is-my-data tells where it lies), then: virtctl unpause vm web-vm -n prod
");
    case(
        World::running(),
        |w| {
            w.edit(
                "VirtualMachineInstance",
                "web-vm",
                "/status/conditions/0",
                json!(
                    {"type": "Paused", "status": "True", "reason": "PausedByUser", "message": "VMI was paused by user"}
                ),
            );
        },
        "  … a person paused it
    → virtctl unpause vm web-vm -n prod
",
    );
    case(
        World::starting(),
        |w| {
            w.edit(
                "VirtualMachine",
                "web-vm",
                "/status",
                json!({
                    "printableStatus": "CrashLoopBackOff",
                    "startFailure": {"consecutiveFailCount": 4, "retryAfterTimestamp": "2026-01-01T12:01:20Z"},
                }),
            );
        },
        "  ✗ it failed to start 4 times in a row; the next try is in 80s
    → look at what it says: kubectl logs -n prod -l vm.kubevirt.io/name=web-vm -c compute --previous
",
    );
    case(
        World::running(),
        |w| {
            w.edit("VirtualMachineInstance", "web-vm", "/metadata/deletionTimestamp", json!("2026-01-01T11:50:00Z"));
        },
        "  ✗ it is stopping since 10m
    → virtctl stop web-vm -n prod --force --grace-period 0 cuts its power
",
    );
    case(
        World::stopped(),
        |w| {
            w.record(|record| record.run_strategy = Some("Always".into()));
        },
        "  · a person stopped it; the file says Always
    → kubectl wukong start web
",
    );
}

#[test]
fn a_guest_that_crashed() {
    for (strategy, text, next) in [
        (
            "Always",
            "the guest crashed; KubeVirt starts it again",
            "look at what it says: virtctl console web-vm -n prod",
        ),
        ("Manual", "the guest crashed", "kubectl wukong start web"),
    ] {
        let mut world = World::running();
        world.edit("VirtualMachine", "web-vm", "/spec/runStrategy", json!(strategy));
        world.edit("VirtualMachineInstance", "web-vm", "/status/phase", json!("Failed"));
        assert_eq!(told(&world.status()), format!("  ✗ {text}\n    → {next}\n"));
    }
}

#[test]
fn what_the_guest_does_not_have_yet() {
    case(
        World::running(),
        |w| {
            w.edit("VirtualMachine", "web-vm", "/status/conditions", json!([
            {"type": "RestartRequired", "status": "True", "message": "a non-live-updatable field was changed in the template spec"},
        ]));
        },
        "  … a change waits for the next restart: a non-live-updatable field was changed in the template spec
    → kubectl wukong restart web
",
    );
    case(
        World::running(),
        |w| {
            w.edit("VirtualMachine", "web-vm", "/status/desiredGeneration", json!(5));
        },
        "  · the guest was started with generation 2 of its specification, which is now at 5
    → what is not live takes effect with: kubectl wukong restart web
",
    );
    case(
        World::running(),
        |w| {
            w.edit("VirtualMachineInstance", "web-vm", "/status/conditions/1/status", json!("False"));
        },
        "  · no guest agent answers: addresses and file systems of the guest are not known
    → install and start qemu-guest-agent in the guest
",
    );
    case(
        World::running(),
        |w| {
            w.edit(
                "VirtualMachine",
                "web-vm",
                "/status/conditions",
                json!([
                    {"type": "ManualRecoveryRequired", "status": "True", "message": "the volume migration failed"},
                ]),
            );
        },
        "  ✗ moving its disks ended half-way: the volume migration failed
    → do not start it by hand: kubectl wukong migrate web --abort
",
    );
}

#[test]
fn disks_that_are_not_attached() {
    case(
        World::running(),
        |w| {
            w.record(|record| _ = record.claims.insert("old".into(), "web-old".into()));
        },
        "  ✗ disk old: it was taken from the machine; claim web-old is kept
    → apply the Wukong file to attach it again, or take it out of the file
",
    );
    case(
        World::running(),
        |w| {
            let volumes = &mut w.object("VirtualMachineInstance", "web-vm")["spec"]["volumes"];
            volumes.as_array_mut().unwrap().remove(1);
        },
        "  ✗ disk data: the running machine does not have it
    → kubectl wukong restart web
",
    );
    case(
        World::running(),
        |w| {
            w.edit("VirtualMachineInstance", "web-vm", "/status/volumeStatus/1", json!(
            {"name": "data", "hotplugVolume": {}, "phase": "AttachedToNode", "message": "Created hotplug attachment pod"}
        ));
        },
        "  … disk data: it is being attached (AttachedToNode): Created hotplug attachment pod
",
    );
}

#[test]
fn owners() {
    case(
        World::running(),
        |w| {
            w.edit(
                "DataVolume",
                "web-system",
                "/metadata/ownerReferences",
                json!([
                    {"kind": "VirtualMachine", "name": "web-vm", "uid": "uid-vm", "controller": true},
                ]),
            );
        },
        "  · disk system: it dies with the machine: the VirtualMachine owns claim web-system
    → never `kubectl delete vm web-vm`; kubectl wukong delete keeps the disks
",
    );
    case(
        World::running(),
        |w| {
            w.edit(
                "VirtualMachine",
                "web-vm",
                "/metadata/ownerReferences",
                json!([
                    {"kind": "VirtualMachinePool", "name": "pool", "uid": "1", "controller": true},
                ]),
            );
        },
        "  · VirtualMachinePool pool controls it, and undoes changes to it
    → change that object instead
",
    );
    case(
        World::running(),
        |w| {
            w.edit(
                "VirtualMachine",
                "web-vm",
                "/metadata/annotations",
                json!({"argocd.argoproj.io/tracking-id": "shop:kubevirt.io/VirtualMachine:prod/web-vm"}),
            );
        },
        "  · Argo CD (application shop) manages it, and puts back what a person changes in the cluster
    → change it in git, or pause the reconciliation first
",
    );
    case(
        World::running(),
        |w| {
            w.edit("VirtualMachine", "web-vm", "/metadata/labels/kustomize.toolkit.fluxcd.io~1name", json!("apps"));
        },
        "  · Flux (Kustomization apps) manages it, and puts back what a person changes in the cluster
    → change it in git, or pause the reconciliation first
",
    );
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
    → kubectl wukong migrate web tells what is possible
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
    → stop it, so that it starts elsewhere: kubectl wukong restart web
",
    );
}

#[test]
fn snapshots() {
    case(
        World::running(),
        |w| {
            w.edit("VirtualMachine", "web-vm", "/status/snapshotInProgress", json!("s1"));
            w.add(json!({
                "apiVersion": "snapshot.kubevirt.io/v1beta1", "kind": "VirtualMachineSnapshot",
                "metadata": {"name": "s1", "namespace": "prod", "creationTimestamp": "2026-01-01T11:59:00Z"},
            }));
        },
        "  … snapshot s1 is in progress since 60s: its disks and run strategy cannot be changed meanwhile
",
    );
    case(
        World::stopped(),
        |w| {
            w.edit("VirtualMachine", "web-vm", "/status/restoreInProgress", json!("r1"));
        },
        "  … restore r1 is in progress: it cannot be started meanwhile
",
    );
}

#[test]
fn growth() {
    fn ask(world: &mut World) -> &mut World {
        world.edit("PersistentVolumeClaim", "web-data", "/spec/resources/requests/storage", json!("60Gi"))
    }
    case(
        World::running(),
        |w| {
            ask(w);
        },
        "  … disk data: grows from 50Gi to 60Gi: waits for the storage's controller
",
    );
    case(
        World::running(),
        |w| {
            ask(w).edit(
                "PersistentVolumeClaim",
                "web-data",
                "/status/conditions",
                json!([{"type": "FileSystemResizePending", "status": "True"}]),
            );
        },
        "  … disk data: grows from 50Gi to 60Gi: waits for the node
",
    );
    case(
        World::stopped(),
        |w| {
            ask(w).edit(
                "PersistentVolumeClaim",
                "web-data",
                "/status/conditions",
                json!([{"type": "FileSystemResizePending", "status": "True"}]),
            );
        },
        "  · disk data: 50Gi; grows to 60Gi at the next start
    → kubectl wukong start web
",
    );
    case(
        World::running(),
        |w| {
            ask(w).edit("PersistentVolumeClaim", "web-data", "/status/capacity/storage", json!("60Gi"));
            w.edit(
                "VirtualMachineInstance",
                "web-vm",
                "/status/volumeStatus/1/persistentVolumeClaimInfo",
                json!(
                    {"claimName": "web-data", "capacity": {"storage": "50Gi"}}
                ),
            );
        },
        "  … disk data: 60Gi; the machine still knows 50Gi
    → if it stays so: kubectl wukong restart web
",
    );
    case(
        World::running(),
        |w| {
            ask(w).edit("StorageClass", "fast", "/provisioner", json!("rancher.io/local-path"));
        },
        "  ✗ disk data: it cannot grow: rancher.io/local-path: it has no resizer: a directory of the node has no size
    → move it to a class that grows: kubectl wukong migrate
",
    );
    case(
        World::running(),
        |w| {
            ask(w).edit(
                "PersistentVolumeClaim",
                "web-data",
                "/status/conditions",
                json!([
                    {"type": "ControllerResizeError", "status": "True", "message": "the pool is full"},
                ]),
            );
        },
        "  ✗ disk data: it cannot grow: the pool is full
    → kubectl describe pvc -n prod web-data
",
    );
}

#[test]
fn any_machine_is_explained() {
    let mut world = World::starting();
    world.remove("ConfigMap", "wukong-web").edit("PersistentVolumeClaim", "web-data", "/status/phase", json!("Lost"));
    let status = world.status_of("vm/web-vm");
    assert_eq!(status.subject.shown(), "vm/web-vm");
    assert_eq!(status.causes[0].code, "claim-lost");
}
