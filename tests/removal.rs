//! The deletion of a machine that owns its disks, against a small server.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use wukong::cluster::remove;
use wukong::plan::Removal;

use crate::access::{Server, answer, ok};

/// What Kubernetes' garbage collector does not know yet must not be left to it: no disk names the machine when that goes.
#[tokio::test]
async fn a_machine_lets_go_of_its_disks_before_it_is_deleted() {
    let machine = json!({
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
        "metadata": {"namespace": "prod", "name": "web-vm", "uid": "u1", "generation": 3},
        "spec": {"runStrategy": "Always", "dataVolumeTemplates": [{"metadata": {"name": "legacy"}}, {"metadata": {"name": "spare"}}]},
    });
    let owners =
        json!([{"kind": "VirtualMachine", "name": "web-vm", "uid": "u1"}, {"kind": "Other", "name": "o", "uid": "u2"}]);
    let (seen_owners, seen_machine) = (owners.clone(), machine.clone());
    // How often the machine was looked at since it has no templates, and whether it is deleted.
    let state = Mutex::new((0, false));
    let server = Server::start(move |_, seen| {
        let mut words = seen.line.split([' ', '?']);
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let missing = || answer(404, "", &json!({"reason": "NotFound", "details": {"name": "x"}}).to_string());
        let mut state = state.lock().unwrap();
        match (method, path.rsplit('/').nth(1).unwrap()) {
            ("GET", "virtualmachines") if state.1 => missing(),
            ("GET", "virtualmachines") => {
                state.0 += 1;
                // KubeVirt sees the change at the second look.
                let mut machine = seen_machine.clone();
                machine["status"] = json!({"observedGeneration": if state.0 < 2 { 3 } else { 4 }});
                ok(&machine)
            }
            ("PATCH", "virtualmachines") => {
                let mut changed = seen_machine.clone();
                changed["metadata"]["generation"] = json!(4);
                ok(&changed)
            }
            ("DELETE", "virtualmachines") => {
                state.1 = true;
                ok(&json!({"kind": "Status", "status": "Success"}))
            }
            (_, "datavolumes") => {
                ok(&json!({"metadata": {"name": "legacy", "uid": "d", "ownerReferences": seen_owners}}))
            }
            (_, "persistentvolumeclaims") => ok(&json!({"metadata": {"name": "legacy", "uid": "p"}})),
            _ => missing(),
        }
    });
    let (door, _) = server.door().await;
    let removal = Removal {
        name: "web".into(),
        namespace: "prod".into(),
        vm: "web-vm".into(),
        machine: Some(machine),
        owned: vec!["legacy".into()],
        kept: vec![("data".into(), "legacy".into())],
        ..Removal::default()
    };
    remove(&door, &removal, Duration::from_secs(10), &|_| {}).await.unwrap();
    let seen = server.seen();
    let writes: Vec<_> = seen.iter().filter(|seen| !seen.line.starts_with("GET")).collect();
    let told: Vec<_> = writes
        .iter()
        .map(|seen| {
            let path = seen.line.split([' ', '?']).nth(1).unwrap().rsplit('/').nth(1).unwrap();
            format!("{} {path}", seen.line.split(' ').next().unwrap())
        })
        .collect();
    // No volume of the machine names the disk of the second template.
    let wanted = [
        "PATCH virtualmachines",
        "PATCH virtualmachines",
        "PATCH datavolumes",
        "PATCH datavolumes",
        "DELETE virtualmachines",
    ];
    assert_eq!(told, wanted);
    let body = |at: usize| serde_json::from_str::<Value>(&writes[at].body).unwrap();
    assert_eq!(body(1)["spec"], json!({"dataVolumeTemplates": null}));
    assert_eq!(body(2)[1], json!({"op": "test", "path": "/metadata/ownerReferences", "value": owners}));
    assert_eq!(body(2)[2]["value"], json!([owners[1]]), "others stay");
    assert_eq!(body(4)["propagationPolicy"], "Orphan");
    // It was waited for.
    let looks = seen.iter().filter(|seen| seen.line.starts_with("GET") && seen.line.contains("/virtualmachines/"));
    assert!(looks.count() >= 3);
}
