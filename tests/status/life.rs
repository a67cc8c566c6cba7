//! What happens to a machine that runs, and who has a hand in it, in the lines that a person reads.

use serde_json::json;

use super::world::{World, case, told};

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
    → look at what it says: kubectl logs -n prod -l vmi.kubevirt.io/id=web-vm -c compute --tail=100
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
    → kubectl wukong start web -n prod
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
        ("Manual", "the guest crashed", "kubectl wukong start web -n prod"),
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
    → kubectl wukong restart web -n prod
",
    );
    case(
        World::running(),
        |w| {
            w.edit("VirtualMachine", "web-vm", "/status/desiredGeneration", json!(5));
        },
        "  · the guest was started with generation 2 of its specification, which is now at 5
    → what is not live takes effect with: kubectl wukong restart web -n prod
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
    → do not start it by hand: kubectl wukong migrate web -n prod --abort
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
    → never `kubectl delete vm web-vm`; kubectl wukong delete web -n prod keeps the disks
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
fn any_machine_is_explained() {
    let mut world = World::starting();
    world.remove("ConfigMap", "wukong-web").edit("PersistentVolumeClaim", "web-data", "/status/phase", json!("Lost"));
    let status = world.status_of("vm/web-vm");
    assert_eq!(status.subject.shown(), "vm/web-vm");
    assert_eq!(status.causes[0].code, "claim-lost");
}
