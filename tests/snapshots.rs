//! Snapshots, against a small server.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::access::{Seen, Server, ok};
use crate::support::{text, wukong};

/// The snapshot `one` of `web-vm`; a restore to it is there from the list number `after` of them on.
fn server(after: usize) -> Server {
    let lists = AtomicUsize::new(0);
    Server::start(move |_, seen: &Seen| {
        let list = |kind: &str, items: &[Value]| ok(&json!({"kind": kind, "metadata": {}, "items": items}));
        let metadata = |name: &str| json!({"namespace": "prod", "name": name, "uid": name});
        match seen.line.split([' ', '?']).nth(1).and_then(|path| path.rsplit('/').next()) {
            Some("virtualmachinesnapshots") => {
                let spec = json!({"source": {"kind": "VirtualMachine", "name": "web-vm"}});
                list("VirtualMachineSnapshotList", &[json!({"metadata": metadata("one"), "spec": spec})])
            }
            Some("virtualmachinerestores") => {
                let spec = json!({"target": {"name": "web-vm"}, "virtualMachineSnapshotName": "one"});
                let all = [json!({"metadata": metadata("web-vm-r1"), "spec": spec})];
                let is_there = lists.fetch_add(1, Ordering::SeqCst) >= after;
                list("VirtualMachineRestoreList", if is_there { &all } else { &[] })
            }
            Some("virtualmachines") => list("VirtualMachineList", &[]),
            Some("configmaps") => list("ConfigMapList", &[]),
            _ => ok(&json!({"kind": "Status", "status": "Success"})),
        }
    })
}

/// Deletes the snapshot; its exit code, what it says, and how many requests were to delete.
fn delete(after: usize) -> (Option<i32>, String, usize) {
    let server = server(after);
    let (folder, access) = server.kubeconfig("", "");
    let args = ["snapshot", "delete", "vm/web-vm", "one", "-n", "prod", "--yes"];
    let out = wukong(folder.path(), args).env("KUBECONFIG", access.kubeconfig.unwrap()).output().unwrap();
    let deleted = server.seen().iter().filter(|seen| seen.line.starts_with("DELETE")).count();
    (out.status.code(), text(&out.stdout) + &text(&out.stderr), deleted)
}

#[test]
fn a_restore_that_begins_before_the_deletion_keeps_its_snapshot() {
    let (code, said, deleted) = delete(9);
    assert!(code == Some(0) && deleted == 1, "{code:?} {said}");
    for after in [0, 1] {
        let (code, said, deleted) = delete(after);
        assert!(
            code == Some(5) && deleted == 0 && said.contains("in the restore web-vm-r1"),
            "{after}: {code:?} {said}"
        );
    }
}
