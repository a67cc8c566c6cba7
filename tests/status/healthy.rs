//! Machines that are as they should be.

use serde_json::json;
use wukong::output::{Detail, status_json, statuses};
use wukong::status::{Index, Phase, subjects};
use wukong::text::{Styles, Width};

use super::world::{World, told};

#[test]
fn a_running_machine() {
    let status = World::running().status();
    assert_eq!((told(&status).as_str(), status.phase, status.is_healthy()), ("", Phase::Running, true));
    let shown = statuses(std::slice::from_ref(&status), Detail::Full, false, &Styles::default(), Width::Terminal(100));
    let expected = "\
MACHINE  STATE    HEALTH  NODE  ADDRESSES
web      Running  ok      n1    10.0.0.5

web
DISK    CLAIM       CLASS  SIZE  STATE  USED  TARGET
system  web-system  fast   20Gi  Bound  -     vda
data    web-data    fast   50Gi  Bound  -     vdb
";
    assert_eq!(shown, expected);
    let json = status_json(&status);
    assert_eq!(json["kind"], "Wukong");
    assert_eq!(json["status"]["volumes"][1]["pvcName"], "web-data");
    assert_eq!(json["status"]["volumes"][1]["bound"], true);
    assert_eq!(
        json["status"]["conditions"][0],
        json!({"type": "Ready", "status": "True", "reason": "AsWanted", "message": ""})
    );
}

#[test]
fn a_stopped_machine() {
    let status = World::stopped().status();
    assert_eq!((told(&status).as_str(), status.phase, status.is_healthy()), ("", Phase::Stopped, true));
}

#[test]
fn a_machine_whose_guest_shut_itself_down() {
    for strategy in ["Once", "RerunOnFailure"] {
        let mut world = World::running();
        world.edit("VirtualMachine", "web-vm", "/spec/runStrategy", json!(strategy));
        world.edit("VirtualMachine", "web-vm", "/status", json!({"printableStatus": "Stopped"}));
        world.edit("VirtualMachineInstance", "web-vm", "/status", json!({"phase": "Succeeded"}));
        let status = world.status();
        assert_eq!((told(&status).as_str(), status.phase, status.is_healthy()), ("", Phase::Stopped, true));
    }
}

#[test]
fn a_stopped_machine_whose_disks_wait_for_its_first_start() {
    let mut world = World::stopped();
    world.edit("StorageClass", "fast", "/volumeBindingMode", json!("WaitForFirstConsumer"));
    world
        .unbound("web-data")
        .unbound("web-system")
        .filling(json!({"phase": "WaitForFirstConsumer", "progress": "N/A"}));
    let status = world.status();
    assert_eq!((told(&status).as_str(), status.is_healthy()), ("", true));
}

#[test]
fn what_the_guest_uses_is_of_the_disk_with_its_serial() {
    let mut world = World::running();
    world.add(json!({
        "kind": "VirtualMachineInstanceFileSystemList", "metadata": {"name": "web-vm", "namespace": "prod"},
        "items": [
            {"mountPoint": "/", "usedBytes": 5_u64 << 30, "totalBytes": 18_u64 << 30, "disk": [{"serial": "system"}]},
            {"mountPoint": "/boot", "usedBytes": 1_u64 << 30, "totalBytes": 1_u64 << 30, "disk": [{"serial": "system"}]},
            {"mountPoint": "/mnt", "usedBytes": 1, "totalBytes": 2, "disk": [{"serial": "other"}]},
        ],
    }));
    let status = world.status();
    assert_eq!(status.disks[0].used, Some((6 << 30, 19 << 30)));
    assert_eq!(status.disks[1].used, None);
}

#[test]
fn machines_are_found_by_records_and_labels() {
    let mut world = World::running();
    world.add(json!({
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": "old", "namespace": "prod"},
        "spec": {"runStrategy": "Halted"}, "status": {"printableStatus": "Stopped"},
    }));
    let facts = world.facts();
    let names = |any| subjects(&facts, any).iter().map(wukong::status::Subject::shown).collect::<Vec<_>>();
    assert_eq!(names(false), ["web"]);
    assert_eq!(names(true), ["vm/old", "web"]);
    // Without the right to read records.
    let mut world = World::running();
    world.remove("ConfigMap", "wukong-web");
    assert_eq!(subjects(&world.facts(), false).len(), 1);
    // A machine that is gone, with a record that knows it.
    let mut world = World::running();
    world.remove("VirtualMachine", "web-vm");
    let facts = world.facts();
    let all = subjects(&facts, false);
    let status = wukong::status::status(&Index::of(&facts), &all[0], 0);
    assert_eq!(
        told(&status),
        "  ✗ there is no VirtualMachine web-vm in prod\n    → apply the Wukong file to make it again; its disks are kept\n"
    );
}
