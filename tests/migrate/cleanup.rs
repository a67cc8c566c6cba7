//! A cleanup deletes what was shown as going, and nothing else.

use serde_json::{Value, json};
use wukong::facts::kind;
use wukong::migrate::{Act, Left, Next, left};

use super::sim::{NAMESPACE, Sim};
use super::{always, started, to_the_end, wish};

/// A machine whose disks have moved, off: `web-system` and `web-data` are kept, each with a volume of the class `local`.
fn moved() -> Sim {
    let mut sim = started(Sim::new(&always()), &wish(Some("fast"), None, true));
    to_the_end(&mut sim, 1);
    sim.settle();
    for claim in ["web-system", "web-data"] {
        let mut volume = sim.get(kind::VOLUME, &format!("pv-{claim}")).unwrap().clone();
        volume["spec"]["claimRef"] = json!({"name": claim, "uid": uid(&sim, kind::CLAIM, claim)});
        sim.put(volume);
    }
    sim
}

fn uid(sim: &Sim, kind: &str, name: &str) -> String {
    sim.get(kind, name).unwrap()["metadata"]["uid"].as_str().unwrap().to_owned()
}

fn lefts(sim: &Sim) -> Vec<Left> {
    left(&sim.journey().unwrap(), &sim.facts(), NAMESPACE)
}

/// What is shown of a claim: whether it goes, and why not.
fn shown(sim: &Sim, claim: &str) -> (bool, String) {
    let left = lefts(sim).into_iter().find(|left| left.kept.claim == claim).unwrap();
    (left.goes(), left.refusal.map(|refusal| refusal.reason).unwrap_or_default())
}

fn confirmed(sim: &Sim) -> Vec<(String, String)> {
    let going = lefts(sim).into_iter().filter(Left::goes);
    going.map(|left| (left.kept.claim, left.kept.uid)).collect()
}

/// Cleans up; gives what was written.
fn clean(sim: &mut Sim, confirmed: &[(String, String)]) -> Vec<String> {
    let mut acts = Vec::new();
    for _ in 0..50 {
        match Left::next(&sim.journey().unwrap(), &sim.facts(), &sim.subject(), confirmed) {
            Next::Step(step) => {
                acts.push(match &step.act {
                    Act::Delete { kind, name, .. } => format!("delete {kind} {name}"),
                    Act::Merge { kind, name, .. } => format!("change {kind} {name}"),
                    other => panic!("{other:?}"),
                });
                sim.record(&step.journey);
                sim.act(&step.act);
            }
            Next::End(_, journey) => {
                sim.record(&journey);
                return acts;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("no end: {acts:?}");
}

fn pod(name: &str, claim: &str, labels: &Value, phase: &str) -> Value {
    json!({
        "kind": kind::POD, "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {"volumes": [{"name": "x", "persistentVolumeClaim": {"claimName": claim}}]}, "status": {"phase": phase},
    })
}

#[test]
fn what_was_kept_when_it_was_shown_stays_when_its_user_goes() {
    let mut sim = moved();
    sim.put(pod("reader", "web-data", &json!({}), "Running"));
    assert_eq!(shown(&sim, "web-data"), (false, "the pod reader uses it".into()));
    let confirmed = confirmed(&sim);
    sim.put(pod("reader", "web-data", &json!({}), "Succeeded"));
    assert!(shown(&sim, "web-data").0);
    let acts = clean(&mut sim, &confirmed);
    assert!(acts.iter().all(|act| act.contains("web-system")) && !acts.is_empty(), "{acts:?}");
    assert_eq!(sim.content("web-data").unwrap(), "the data");
    // It can still be had later.
    let kept: Vec<_> = sim.journey().unwrap().kept.into_iter().map(|kept| kept.claim).collect();
    assert_eq!(kept, ["web-data"]);
}

#[test]
fn nothing_goes_without_a_word() {
    let mut sim = moved();
    assert!(confirmed(&sim).len() == 2 && clean(&mut sim, &[]).is_empty());
    assert_eq!(sim.journey().unwrap().kept.len(), 2);
    let another: Vec<_> = confirmed(&sim).into_iter().map(|(claim, _)| (claim, "another".to_owned())).collect();
    assert!(clean(&mut sim, &another).is_empty());
}

#[test]
fn a_cleanup_ends_where_another_move_begins() {
    let mut sim = moved();
    let confirmed = confirmed(&sim);
    let mut journey = sim.journey().unwrap();
    journey.end = None;
    sim.record(&journey);
    let next = Left::next(&journey, &sim.facts(), &sim.subject(), &confirmed);
    assert!(matches!(&next, Next::Stuck(refusal) if refusal.reason.contains("another move")), "{next:?}");
}

/// The name is not enough: somebody may have made one anew, with a claim or before it has one.
#[test]
fn a_data_volume_that_was_made_anew_is_not_deleted() {
    let mut sim = moved();
    let confirmed = confirmed(&sim);
    // That of the simulation does not own the claim.
    let acts = clean(&mut sim.clone(), &confirmed);
    assert!(acts.contains(&"delete PersistentVolumeClaim web-system".to_owned()), "{acts:?}");
    assert!(!acts.contains(&"delete DataVolume web-system".to_owned()), "{acts:?}");
    let kept = uid(&sim, kind::CLAIM, "web-system");
    sim.act(&Act::Delete { kind: kind::CLAIM, name: "web-system".into(), uid: kept });
    assert_eq!(shown(&sim, "web-system"), (false, String::new()));
    let acts = clean(&mut sim, &confirmed);
    assert!(!acts.iter().any(|act| act.contains("web-system")), "{acts:?}");
    assert!(sim.get(kind::DATA_VOLUME, "web-system").is_some());
}

#[test]
fn the_data_volume_that_owns_a_claim_goes_with_it() {
    let mut sim = moved();
    let mut claim = sim.get(kind::CLAIM, "web-system").unwrap().clone();
    claim["metadata"]["ownerReferences"] = json!([{"kind": kind::DATA_VOLUME, "name": "web-system", "uid": "dv"}]);
    sim.put(claim);
    let confirmed = confirmed(&sim);
    let acts = clean(&mut sim, &confirmed);
    assert!(acts.contains(&"delete DataVolume web-system".to_owned()), "{acts:?}");
    assert!(sim.get(kind::CLAIM, "web-system").is_none() && sim.get(kind::DATA_VOLUME, "web-system").is_none());
}

/// The record says which policy a volume had; whose volume it is, the volume says.
#[test]
fn the_policy_of_a_foreign_volume_is_not_changed() {
    let mut sim = moved();
    let mut journey = sim.journey().unwrap();
    journey.kept.iter_mut().for_each(|kept| kept.policy = Some("Delete".into()));
    sim.record(&journey);
    for claim in ["web-system", "web-data"] {
        let mut volume = sim.get(kind::VOLUME, &format!("pv-{claim}")).unwrap().clone();
        volume["spec"]["persistentVolumeReclaimPolicy"] = json!("Retain");
        if claim == "web-data" {
            volume["spec"]["claimRef"]["uid"] = json!("another");
        }
        sim.put(volume);
    }
    let confirmed = confirmed(&sim);
    let acts = clean(&mut sim, &confirmed);
    assert!(acts.contains(&"change PersistentVolume pv-web-system".to_owned()), "{acts:?}");
    assert!(!acts.contains(&"change PersistentVolume pv-web-data".to_owned()), "{acts:?}");
}

#[test]
fn pods_that_only_help_hold_a_claim_too() {
    for (name, labels) in [
        ("virt-launcher-other", json!({"kubevirt.io": "virt-launcher"})),
        ("virt-export-x", json!({"kubevirt.io.virt-export-service": "x"})),
        ("1-source-pod", json!({"cdi.kubevirt.io": "cdi-clone-source"})),
    ] {
        let mut sim = moved();
        sim.put(pod(name, "web-data", &labels, "Running"));
        assert_eq!(shown(&sim, "web-data"), (false, format!("the pod {name} uses it")));
        sim.put(pod(name, "web-data", &labels, "Succeeded"));
        assert!(shown(&sim, "web-data").0);
        // What fills the claim itself goes with it.
        let mut filling = pod(name, "web-data", &labels, "Running");
        filling["metadata"]["ownerReferences"] = json!([{"uid": uid(&sim, kind::CLAIM, "web-data")}]);
        sim.put(filling);
        assert!(shown(&sim, "web-data").0);
    }
}

#[test]
fn a_claim_that_is_copied_from_stays() {
    let mut sim = moved();
    let mut copy = json!({
        "kind": kind::DATA_VOLUME, "metadata": {"name": "twin", "namespace": NAMESPACE},
        "spec": {"source": {"pvc": {"namespace": NAMESPACE, "name": "web-data"}}}, "status": {"phase": "CloneInProgress"},
    });
    sim.put(copy.clone());
    assert_eq!(shown(&sim, "web-data"), (false, "the DataVolume twin still copies from it".into()));
    copy["status"]["phase"] = json!("Succeeded");
    sim.put(copy);
    assert!(shown(&sim, "web-data").0);
    let mut claim = json!({
        "kind": kind::CLAIM, "metadata": {"name": "clone", "namespace": NAMESPACE},
        "spec": {"dataSource": {"kind": kind::CLAIM, "name": "web-data"}}, "status": {"phase": "Pending"},
    });
    sim.put(claim.clone());
    assert_eq!(shown(&sim, "web-data"), (false, "the claim clone still copies from it".into()));
    claim["status"]["phase"] = json!("Bound");
    sim.put(claim);
    assert!(shown(&sim, "web-data").0);
}

#[test]
fn a_claim_stays_while_its_machine_is_restored() {
    let mut sim = moved();
    let mut restore = json!({
        "kind": kind::RESTORE, "metadata": {"name": "back", "namespace": NAMESPACE},
        "spec": {"target": {"name": "web-vm"}, "virtualMachineSnapshotName": "before"},
    });
    sim.put(restore.clone());
    assert_eq!(shown(&sim, "web-data"), (false, "the restore back is under way".into()));
    restore["spec"]["target"]["name"] = json!("other");
    sim.put(restore.clone());
    assert!(shown(&sim, "web-data").0);
    restore["spec"]["target"]["name"] = json!("web-vm");
    restore["status"] = json!({"complete": true});
    sim.put(restore);
    assert!(shown(&sim, "web-data").0);
}

#[test]
fn snapshots_that_go_with_the_volume_keep_the_claim() {
    let mut sim = moved();
    sim.put(json!({
        "kind": kind::VOLUME_SNAPSHOT,
        "metadata": {
            "name": "vmsnapshot-1-data", "namespace": NAMESPACE,
            "ownerReferences": [{"kind": kind::SNAPSHOT_CONTENT, "name": "vmsnapshot-content-1"}],
        },
        "spec": {"source": {"persistentVolumeClaimName": "web-data"}}, "status": {"readyToUse": true},
    }));
    sim.put(json!({
        "kind": kind::SNAPSHOT, "metadata": {"name": "before", "namespace": NAMESPACE},
        "spec": {"source": {"name": "web-vm"}},
        "status": {"virtualMachineSnapshotContentName": "vmsnapshot-content-1", "readyToUse": true},
    }));
    let (goes, why) = shown(&sim, "web-data");
    assert!(!goes && why.contains("vmsnapshot-1-data (of the VirtualMachineSnapshot before)"), "{why}");
    assert!(shown(&sim, "web-system").0);
    // Ceph keeps them for themselves; then they are only named.
    let mut volume = sim.get(kind::VOLUME, "pv-web-data").unwrap().clone();
    volume["spec"]["csi"] = json!({"driver": "rook-ceph.rbd.csi.ceph.com", "volumeHandle": "x"});
    sim.put(volume.clone());
    let left = lefts(&sim).into_iter().find(|left| left.kept.claim == "web-data").unwrap();
    assert!(left.goes() && left.notes[0].contains("vmsnapshot-1-data"), "{left:?}");
    // A volume that stays has its snapshots.
    let mut journey = sim.journey().unwrap();
    journey.kept.iter_mut().for_each(|kept| kept.policy = Some("Retain".into()));
    sim.record(&journey);
    volume["spec"]["csi"] = Value::Null;
    sim.put(volume);
    assert!(shown(&sim, "web-data").0);
}

#[test]
fn snapshots_that_are_not_seen_keep_the_claim() {
    let sim = moved();
    for (kind, what) in [(kind::VOLUME_SNAPSHOT, "snapshots"), (kind::RESTORE, "used")] {
        let mut facts = sim.facts();
        facts.unread(wukong::facts::Unread { kind: kind.into(), namespace: None, reason: "forbidden".into() });
        let lefts = left(&sim.journey().unwrap(), &facts, NAMESPACE);
        assert!(lefts.iter().all(|left| left.refusal.as_ref().is_some_and(|refusal| refusal.reason.contains(what))));
    }
}

/// A way back into use is to take the mark of the move away; whoever uses it then may be stopped, or deleted.
#[test]
fn a_claim_that_was_taken_into_use_again_stays() {
    let mut sim = moved();
    let going = confirmed(&sim);
    let mut claim = sim.get(kind::CLAIM, "web-data").unwrap().clone();
    claim["metadata"]["annotations"].as_object_mut().unwrap().remove(wukong::plan::MOVED_TO);
    sim.put(claim);
    let (goes, why) = shown(&sim, "web-data");
    assert!(!goes && why.contains("taken into use again"), "{why}");
    assert!(shown(&sim, "web-system").0);
    clean(&mut sim, &going);
    assert_eq!(sim.content("web-data").unwrap(), "the data");
}

#[test]
fn the_last_copy_of_a_disk_stays() {
    let stays = |change: &dyn Fn(&mut Sim), why: &str| {
        let mut sim = moved();
        let going = confirmed(&sim);
        change(&mut sim);
        let (goes, reason) = shown(&sim, "web-data");
        assert!(!goes && reason.contains("the last copy of disk data") && reason.contains(why), "{why}: {reason}");
        clean(&mut sim, &going);
        assert_eq!(sim.content("web-data").unwrap(), "the data");
    };
    let to = |sim: &Sim| sim.get(kind::CLAIM, "web-data-m2").unwrap().clone();
    let edit = |sim: &mut Sim, pointer: &str, value: Value| {
        let mut claim = to(sim);
        *claim.pointer_mut(pointer).unwrap() = value;
        sim.put(claim);
    };
    stays(&|sim| edit(sim, "/status/phase", json!("Lost")), "on web-data-m2, which is Lost");
    stays(
        &|sim| {
            let mut claim = to(sim);
            claim["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            sim.put(claim);
        },
        "being deleted",
    );
    stays(
        &|sim| {
            let uid = uid(sim, kind::CLAIM, "web-data-m2");
            sim.act(&Act::Delete { kind: kind::CLAIM, name: "web-data-m2".into(), uid });
        },
        "which is gone",
    );
    let machine = |sim: &Sim| sim.get(kind::MACHINE, "web-vm").unwrap().clone();
    stays(
        &|sim| {
            let mut machine = machine(sim);
            let volumes = machine["spec"]["template"]["spec"]["volumes"].as_array_mut().unwrap();
            volumes.retain(|volume| volume["name"] != "data");
            sim.put(machine);
        },
        "on no claim now",
    );
    stays(
        &|sim| {
            let uid = uid(sim, kind::MACHINE, "web-vm");
            sim.act(&Act::Delete { kind: kind::MACHINE, name: "web-vm".into(), uid });
        },
        "there is no VirtualMachine web-vm",
    );
}

/// Only a move that changed a policy sets it back: an owner who wants the bytes to stay has said so.
#[test]
fn a_policy_that_no_move_changed_is_not_set_back() {
    let journey = started(Sim::new(&always()), &wish(Some("fast"), None, false)).journey().unwrap();
    assert!(journey.disks.iter().all(|disk| disk.policy.is_none()), "{journey:?}");
    let journey = started(Sim::new(&always()), &wish(Some("fast"), None, true)).journey().unwrap();
    assert!(journey.disks.iter().all(|disk| disk.policy.as_deref() == Some("Delete")), "{journey:?}");
    // What is shown is what the volume says.
    let mut sim = moved();
    let mut record = sim.journey().unwrap();
    record.kept.iter_mut().for_each(|kept| kept.policy = None);
    sim.record(&record);
    let mut volume = sim.get(kind::VOLUME, "pv-web-data").unwrap().clone();
    volume["spec"]["persistentVolumeReclaimPolicy"] = json!("Retain");
    sim.put(volume);
    let left = lefts(&sim).into_iter().find(|left| left.kept.claim == "web-data").unwrap();
    assert!(left.goes() && left.policy.as_deref() == Some("Retain"), "{left:?}");
    let going = confirmed(&sim);
    let acts = clean(&mut sim, &going);
    assert!(!acts.iter().any(|act| act.starts_with("change")), "{acts:?}");
}
