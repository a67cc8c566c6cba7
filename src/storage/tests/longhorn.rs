//! Longhorn's volumes, as its objects show them.

use super::*;

const ALL: &str = "anywhere: kubectl -n longhorn-system get volumes.longhorn.io pvc-1";

fn volume(state: &str, robustness: &str, copies: u64) -> Value {
    json!({"apiVersion": "longhorn.io/v1beta2", "kind": "Volume",
        "metadata": {"name": "pvc-1", "namespace": "longhorn-system"},
        "spec": {"numberOfReplicas": copies, "dataLocality": "disabled"},
        "status": {"state": state, "robustness": robustness, "lastBackupAt": ""}})
}

fn replica(number: u64, node: &str, more: &Value) -> Value {
    let mut spec = json!({"volumeName": "pvc-1", "nodeID": node, "diskPath": "/var/lib/longhorn/",
        "dataDirectoryName": format!("pvc-1-{number}"), "dataEngine": "v1", "active": true,
        "healthyAt": "2026-11-20T10:00:00Z", "failedAt": ""});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    json!({"kind": "Replica", "metadata": {"name": format!("r-{number}"), "namespace": "longhorn-system"}, "spec": spec})
}

fn engine(modes: &Value) -> Value {
    json!({"kind": "Engine", "metadata": {"name": "e-0", "namespace": "longhorn-system"},
        "spec": {"volumeName": "pvc-1"}, "status": {"replicaModeMap": modes}})
}

fn claim() -> Value {
    block(csi("driver.longhorn.io", "pvc-1", &json!({"numberOfReplicas": "3", "dataLocality": "disabled"})))
}

fn states(place: &Place) -> Vec<(&str, CopyState)> {
    place.copies.iter().map(|copy| (copy.node.as_deref().unwrap_or_default(), copy.state)).collect()
}

#[test]
fn without_its_objects() {
    check(&[(
        claim(),
        "Longhorn",
        Holder::Copies,
        "pvc-1",
        "anywhere: kubectl get volumes.longhorn.io -A --field-selector metadata.name=pvc-1",
        Erased::Yes,
    )]);
    let one = csi("driver.longhorn.io", "pvc-1", &json!({"numberOfReplicas": "1"}));
    assert_eq!(ask(&[], None, &one).1.holder, Holder::Node(None));
    let strict = csi("driver.longhorn.io", "pvc-1", &json!({"numberOfReplicas": "1", "dataLocality": "strict-local"}));
    assert_eq!(ask(&[], None, &strict).1.holder, Holder::Node(None));
}

#[test]
fn while_it_is_attached_its_engine_tells() {
    let objects = [
        volume("attached", "degraded", 3),
        replica(1, "worker-1", &json!({})),
        replica(2, "worker-2", &json!({"healthyAt": ""})),
        replica(3, "worker-2", &json!({})),
        engine(&json!({"r-1": "RW", "r-2": "WO", "r-3": "ERR"})),
    ];
    let (_, place) = ask(&objects, None, &claim());
    let expected =
        [("worker-1", CopyState::Healthy), ("worker-2", CopyState::Rebuilding), ("worker-2", CopyState::Failed)];
    assert_eq!(states(&place), expected);
    assert_eq!(place.holder, node("worker-1"));
    assert_eq!(place.at.as_deref(), Some("/var/lib/longhorn/replicas/pvc-1-1"));
    assert_eq!(place.look.first().map(String::as_str), Some(ALL));
    assert_eq!(place.look[2], "on worker-1: ls -lsh /var/lib/longhorn/replicas/pvc-1-1");
    assert_eq!(place.notes, ["1 of 3 copies are healthy"]);
    assert_eq!(detail(&place, "last backup"), Some("none"));
}

#[test]
fn while_it_is_detached_its_replicas_tell() {
    let objects = [
        volume("detached", "unknown", 2),
        replica(1, "worker-1", &json!({})),
        replica(2, "worker-2", &json!({})),
        engine(&json!({})),
    ];
    let (_, place) = ask(&objects, None, &claim());
    assert_eq!(place.holder, Holder::Copies);
    assert_eq!(place.notes, [""; 0]);
    let failed = replica(2, "worker-2", &json!({"failedAt": "2026-11-20T11:00:00Z"}));
    let (_, place) = ask(&[objects[0].clone(), objects[1].clone(), failed], None, &claim());
    assert_eq!(place.holder, node("worker-1"));
}

#[test]
fn what_an_engine_wrote_down_of_a_node_that_is_away_is_old() {
    // Of these nodes the third is not ready, and the fourth is gone.
    let objects = [
        volume("attached", "healthy", 3),
        replica(1, "worker-1", &json!({})),
        replica(2, "worker-3", &json!({})),
        replica(3, "worker-4", &json!({})),
        engine(&json!({"r-1": "RW", "r-2": "RW", "r-3": "RW"})),
    ];
    let (_, place) = ask(&objects, None, &claim());
    let expected =
        [("worker-1", CopyState::Healthy), ("worker-3", CopyState::Unknown), ("worker-4", CopyState::Failed)];
    assert_eq!(states(&place), expected);
    assert_eq!(place.holder, node("worker-1"));
}

#[test]
fn two_copies_on_one_node_are_lost_with_it() {
    let objects = [
        volume("attached", "healthy", 2),
        replica(1, "worker-2", &json!({})),
        replica(2, "worker-2", &json!({"diskPath": "/mnt/second"})),
    ];
    let (_, place) = ask(&objects, None, &claim());
    assert_eq!(place.holder, node("worker-2"));
    assert_eq!(place.copies[1].at.as_deref(), Some("/mnt/second/replicas/pvc-1-2"));
}

#[test]
fn replicas_that_are_none_are_left_out() {
    let objects = [
        volume("attached", "degraded", 3),
        replica(1, "worker-1", &json!({})),
        replica(2, "", &json!({"healthyAt": ""})),
        replica(3, "worker-2", &json!({"active": false})),
    ];
    assert_eq!(states(&ask(&objects, None, &claim()).1), [("worker-1", CopyState::Healthy)]);
}

#[test]
fn the_second_engine_has_no_directory() {
    let objects = [
        volume("attached", "healthy", 1),
        replica(1, "worker-1", &json!({"dataEngine": "v2", "diskPath": "/dev/nvme1n1"})),
    ];
    let (_, place) = ask(&objects, None, &claim());
    assert_eq!(place.at.as_deref(), Some("r-1 on /dev/nvme1n1"));
    assert_eq!(place.look.len(), 2);
}

#[test]
fn warnings() {
    let mut stuck = volume("detached", "faulted", 3);
    stuck["status"]["conditions"] = json!([{"type": "Scheduled", "status": "False"}]);
    let mut shared = csi("driver.longhorn.io", "pvc-1", &json!({"numberOfReplicas": "3"}));
    shared["spec"]["accessModes"] = json!(["ReadWriteMany"]);
    let (_, place) = ask(&[stuck], None, &shared);
    assert_eq!(place.notes.len(), 4, "{:?}", place.notes);
    assert_eq!(place.holder, Holder::Copies);
}
