//! What a deletion takes along: only what was named, and nothing that would be lost with it.

use serde_json::{Value, json};
use wukong::facts::{Unread, kind};
use wukong::plan::{Removal, removal};

use super::world::{CLAIM, VM, VOLUME, WEB, World};

const VOLUME_SNAPSHOT: &str = "VolumeSnapshot";
const SNAPSHOT: &str = "VirtualMachineSnapshot";

/// A machine whose disks are on volumes that go with their claims.
fn applied() -> World {
    let mut world = World::applied(WEB);
    for claim in ["web-system", "web-data"] {
        let uid = world.object(CLAIM, claim)["metadata"]["uid"].clone();
        world.insert(json!({
            "kind": "PersistentVolume", "metadata": {"name": format!("pvc-{claim}")},
            "spec": {
                "claimRef": {"namespace": "prod", "name": claim, "uid": uid}, "storageClassName": "fast",
                "persistentVolumeReclaimPolicy": "Delete", "csi": {"driver": "driver.longhorn.io", "volumeHandle": claim},
            },
        }));
    }
    world
}

fn remove(world: &World, data: &[&str]) -> Removal {
    let data: Vec<_> = data.iter().map(|&disk| disk.to_owned()).collect();
    removal(&world.facts(), "prod", "web", "web-vm", &data)
}

/// What goes: claims and DataVolumes, by name; or why not, and the way out.
fn goes(removal: &Removal) -> Result<Vec<String>, String> {
    if let [refusal] = removal.refusals.as_slice() {
        assert!(removal.data.is_empty(), "{removal:?}");
        return Err(format!("{}: {}; {}", refusal.object, refusal.reason, refusal.help));
    }
    assert!(removal.refusals.is_empty(), "{:?}", removal.refusals);
    let shown = |object: &Value| format!("{} {}", object["kind"], object["metadata"]["name"]).replace('"', "");
    Ok(removal.data.iter().map(shown).collect())
}

/// Why the disk `data` stays. The other one does not mind, and what comes while the guest stops is seen as well.
fn kept(world: &World) -> String {
    let told = goes(&remove(world, &["data"])).unwrap_err();
    assert!(goes(&remove(world, &["system"])).is_ok());
    let mut halted = applied();
    halted.remove(VM, "web-vm");
    let planned = remove(&applied(), &["data"]);
    assert!(planned.objections(&halted.facts()).is_empty());
    let mut later = world.clone();
    later.remove(VM, "web-vm");
    let objections = planned.objections(&later.facts());
    assert!(objections.len() == 1 && told.contains(&objections[0].reason), "{objections:?}");
    told
}

fn volume_snapshot() -> Value {
    json!({
        "kind": VOLUME_SNAPSHOT,
        "metadata": {
            "name": "vmsnapshot-1-data", "namespace": "prod",
            "ownerReferences": [{"kind": "VirtualMachineSnapshotContent", "name": "vmsnapshot-content-1"}],
        },
        "spec": {"source": {"persistentVolumeClaimName": "web-data"}}, "status": {"readyToUse": true},
    })
}

#[test]
fn only_what_is_named_goes() {
    let world = applied();
    assert_eq!(goes(&remove(&world, &[])), Ok(vec![]));
    let removal = remove(&world, &["data"]);
    assert_eq!(goes(&removal), Ok(vec![format!("{CLAIM} web-data")]));
    assert_eq!(removal.kept, [("system".to_owned(), "web-system".to_owned())]);
    assert_eq!(
        goes(&remove(&world, &["system"])),
        Ok(vec![format!("{VOLUME} web-system"), format!("{CLAIM} web-system")])
    );
}

#[test]
fn snapshots_that_go_with_the_volume_keep_the_claim() {
    let mut world = applied();
    world.insert(volume_snapshot());
    assert!(kept(&world).contains("kubectl delete volumesnapshot vmsnapshot-1-data -n prod"));
    world.insert(json!({
        "kind": SNAPSHOT, "metadata": {"name": "before", "namespace": "prod"}, "spec": {"source": {"name": "web-vm"}},
        "status": {
            "virtualMachineSnapshotContentName": "vmsnapshot-content-1", "readyToUse": true, "phase": "Succeeded",
        },
    }));
    let told = kept(&world);
    assert!(told.contains("would be lost with pvc-web-data"), "{told}");
    assert!(told.contains("vmsnapshot-1-data (of the VirtualMachineSnapshot before)"), "{told}");
    assert!(told.contains("kubectl wukong snapshot delete vm/web-vm before -n prod"), "{told}");
    // Nobody loses them where nothing is deleted.
    assert_eq!(goes(&remove(&world, &[])), Ok(vec![]));
    // Ceph keeps them for themselves, and a volume that stays has its own; then they are only named.
    for (pointer, value) in
        [("/spec/csi/driver", "rook-ceph.rbd.csi.ceph.com"), ("/spec/persistentVolumeReclaimPolicy", "Retain")]
    {
        let mut world = world.clone();
        world.edit("PersistentVolume", "pvc-web-data", |volume| *volume.pointer_mut(pointer).unwrap() = json!(value));
        let removal = remove(&world, &["data"]);
        assert!(goes(&removal).is_ok() && removal.notes[0].text.contains("vmsnapshot-1-data"), "{removal:?}");
    }
    // Whose volume cannot be seen is not known to leave them.
    world.forbid("PersistentVolume");
    assert!(kept(&world).contains("ask for the right to list persistentvolumes"));
}

#[test]
fn a_snapshot_that_is_being_taken_keeps_the_claim() {
    let mut world = applied();
    let mut snapshot = json!({
        "kind": SNAPSHOT, "metadata": {"name": "now", "namespace": "prod"}, "spec": {"source": {"name": "web-vm"}},
        "status": {"phase": "InProgress"},
    });
    world.insert(snapshot.clone());
    assert!(goes(&remove(&world, &["data"])).unwrap_err().contains("the snapshot now is being taken"));
    snapshot["status"]["phase"] = json!("Failed");
    world.insert(snapshot);
    assert!(goes(&remove(&world, &["data"])).is_ok());
}

#[test]
fn a_claim_that_is_copied_from_stays() {
    let mut world = applied();
    let mut copy = json!({
        "kind": VOLUME, "metadata": {"name": "twin", "namespace": "prod"},
        "spec": {"source": {"pvc": {"namespace": "prod", "name": "web-data"}}}, "status": {"phase": "Pending"},
    });
    world.insert(copy.clone());
    assert!(kept(&world).contains("the DataVolume twin still copies from it"));
    copy["status"]["phase"] = json!("Succeeded");
    world.insert(copy);
    assert!(goes(&remove(&world, &["data"])).is_ok());
    world.insert(json!({
        "kind": CLAIM, "metadata": {"name": "clone", "namespace": "prod"},
        "spec": {"dataSource": {"kind": CLAIM, "name": "web-data"}}, "status": {"phase": "Pending"},
    }));
    assert!(kept(&world).contains("the claim clone still copies from it"));
}

#[test]
fn a_claim_of_a_machine_that_is_restored_stays() {
    let mut world = applied();
    world.insert(json!({
        "kind": "VirtualMachineRestore", "metadata": {"name": "back", "namespace": "prod"},
        "spec": {"target": {"name": "web-vm"}, "virtualMachineSnapshotName": "before"},
    }));
    assert!(goes(&remove(&world, &["data"])).unwrap_err().contains("the restore back is under way"));
}

#[test]
fn what_is_not_seen_keeps_the_claim() {
    for kind in ["Pod", VOLUME, CLAIM, SNAPSHOT, "VirtualMachineRestore", VOLUME_SNAPSHOT] {
        let mut world = applied();
        world.forbid(kind);
        let told = goes(&remove(&world, &["data"])).unwrap_err();
        assert!(told.contains(&format!("list {kind} is forbidden")) && told.contains("ask for the right"), "{told}");
        // Disks that stay need none of it.
        assert_eq!(goes(&remove(&world, &[])), Ok(vec![]), "{kind}");
    }
}

/// GitOps, or a hand, may make it again as soon as it is gone.
#[test]
fn a_machine_that_came_back_keeps_its_disks() {
    let world = applied();
    let planned = remove(&world, &["data"]);
    let objections = planned.objections(&world.facts());
    assert!(objections.len() == 1 && objections[0].reason.contains("VirtualMachine web-vm uses it"), "{objections:?}");
}

#[test]
fn disks_that_are_not_seen_are_named() {
    let both =
        [("data", "web-data"), ("system", "web-system")].map(|(disk, claim)| (disk.to_owned(), claim.to_owned()));
    let mut world = applied();
    // Only the image's has a DataVolume; what neither has may not be there.
    for forbidden in [CLAIM, VOLUME] {
        world.forbid(forbidden);
        let removal = remove(&world, &[]);
        assert_eq!(goes(&removal), Ok(vec![]));
        assert_eq!((&removal.kept[..], &removal.unseen[..]), (&both[..], &both.clone().map(|(_, claim)| claim)[..]));
        let note = &removal.notes[0];
        assert!(note.object.contains("web-data, web-system") && note.text.contains("is forbidden"), "{note:?}");
    }
    // What is not there is not kept.
    let mut world = applied();
    world.remove(CLAIM, "web-data");
    assert_eq!(remove(&world, &[]).kept, both[1..]);
}

/// What an ordinary deletion takes along is only known of disks that are seen.
#[test]
fn a_machine_that_goes_with_disks_that_are_not_seen_is_refused() {
    for forbidden in [CLAIM, VOLUME] {
        let mut world = applied();
        world.edit(VM, "web-vm", |vm| vm["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z"));
        assert_eq!(goes(&remove(&world, &[])), Ok(vec![]));
        world.forbid(forbidden);
        let told = goes(&remove(&world, &[])).unwrap_err();
        assert!(told.contains("takes the disks along that it owns") && told.contains(forbidden), "{told}");
        world.edit(VM, "web-vm", |vm| vm["metadata"]["finalizers"] = json!(["orphan"]));
        assert_eq!(goes(&remove(&world, &[])), Ok(vec![]));
    }
}

/// Who may not look into other namespaces deletes the machine all the same.
#[test]
fn a_network_stays_that_others_may_use() {
    let networks = |removal: &Removal| removal.things.iter().filter(|thing| thing["kind"] == kind::NETWORK).count();
    assert_eq!(networks(&remove(&applied(), &[])), 1);
    for unread in [VM, "VirtualMachineInstance"] {
        let mut facts = applied().facts();
        let namespace = Some(Unread::ELSEWHERE.to_owned());
        facts.unread(Unread { kind: unread.into(), namespace, reason: "list is forbidden".into() });
        let removal = removal(&facts, "prod", "web", "web-vm", &[]);
        assert!(goes(&removal).is_ok() && networks(&removal) == 0, "{removal:?}");
        let told = &removal.notes[0].text;
        assert!(told.contains("list is forbidden") && told.contains("web-lan -n prod"), "{told}");
    }
}
