//! Ways back: what is refused, and what is asked for.

use super::super::view::view;
use super::*;

fn vm(extra: &Value) -> Value {
    let mut vm = json!({
        "kind": "VirtualMachine", "metadata": {"namespace": "n", "name": "web-vm", "uid": "vm"},
        "spec": {"runStrategy": "Halted", "template": {"spec": {"domain": {"memory": {"guest": "2Gi"}}, "volumes": [
            {"name": "system", "dataVolume": {"name": "web-system"}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}},
            {"name": "later", "persistentVolumeClaim": {"claimName": "web-later"}},
        ]}}},
    });
    for (key, value) in extra.as_object().unwrap() {
        vm["spec"][key] = value.clone();
    }
    vm
}

fn content() -> Value {
    let backup = |disk: &str| json!({"volumeName": disk, "persistentVolumeClaim": {"metadata": {"name": format!("web-{disk}")}}});
    let was = json!({"spec": {"template": {"spec": {"domain": {"memory": {"guest": "1Gi"}}, "volumes": [
        {"name": "system", "dataVolume": {"name": "web-system"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}},
        {"name": "dump", "memoryDump": {"claimName": "web-dump"}},
    ]}}}});
    json!({"spec": {"source": {"virtualMachine": was}, "volumeBackups": [backup("system"), backup("data"), backup("dump")]}})
}

fn facts() -> Facts {
    let mut facts = Facts::default();
    facts.insert(json!({
        "kind": "VirtualMachineSnapshot", "metadata": {"namespace": "n", "name": "s"},
        "spec": {"source": {"name": "web-vm"}}, "status": {"phase": "Succeeded", "readyToUse": true, "sourceUID": "vm"},
    }));
    let mut record = Record::default();
    record.note("kubevirt.io/v1", "VirtualMachine", "web-vm", Some("vm"));
    record.claims.insert("system".into(), "web-system".into());
    facts.insert(record.config_map("web", "n"));
    facts
}

fn planned(facts: &mut Facts, vm: &Value, stop: bool, fields: &[&str], delete_data: &[String]) -> Restoration {
    facts.insert(vm.clone());
    let subject = Subject { namespace: "n".into(), vm: "web-vm".into(), wukong: None, record: None };
    let fields: BTreeSet<_> = fields.iter().map(|field| (*field).to_owned()).collect();
    let seen = view(facts, facts.get(kind::SNAPSHOT, "n", "s").unwrap(), &[], 0);
    restoration(facts, &subject, vm, &seen, &content(), &RestoreWish { stop, delete_data, fields: &fields })
}

const FIELDS: [&str; 2] = ["volumeOwnershipPolicy", "volumeRestoreOverrides"];

#[test]
fn disks_get_new_claims_that_nobody_owns() {
    let plan = planned(&mut facts(), &vm(&json!({})), false, &FIELDS, &[]);
    assert_eq!(plan.refusals, []);
    assert_eq!((plan.name.as_str(), plan.wukong.as_deref()), ("web-vm-r1", Some("web")));
    assert_eq!(plan.kept, ["web-system", "web-data"]);
    assert_eq!(
        plan.body["spec"],
        json!({
            "target": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "web-vm"},
            "virtualMachineSnapshotName": "s", "volumeOwnershipPolicy": "None",
            "volumeRestoreOverrides": [
                {"volumeName": "system", "restoreName": "web-system-r1", "annotations": {POPULATED: "web-system-r1"}},
                {"volumeName": "data", "restoreName": "web-data-r1"},
            ],
        })
    );
    assert_eq!(
        plan.notes,
        ["later came after the snapshot: detached, and kept", "the machine itself goes back too: memory"]
    );
}

#[test]
fn only_what_the_server_knows_is_asked_for() {
    let plan = planned(&mut facts(), &vm(&json!({})), false, &[], &[]);
    assert!(plan.disks.iter().all(|disk| disk.new.is_none()));
    assert_eq!(plan.body["spec"].as_object().unwrap().len(), 2);
}

#[test]
fn a_machine_that_runs_is_stopped_or_left_alone() {
    let running = vm(&json!({"runStrategy": "Always"}));
    let refused = planned(&mut facts(), &running, false, &FIELDS, &[]).refusals;
    assert!(refused[0].help.contains("--stop"), "{refused:?}");
    let plan = planned(&mut facts(), &running, true, &FIELDS, &[]);
    assert!(plan.refusals.is_empty() && plan.stop);
}

#[test]
fn nothing_is_deleted_that_was_not_named() {
    let templates = vm(&json!({"dataVolumeTemplates": [{"metadata": {"name": "web-system"}}]}));
    assert!(planned(&mut facts(), &templates, false, &FIELDS, &[]).release);
    let mut with_state = facts();
    with_state.insert(json!({
        "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": "n", "name": "state-x", "labels": {"persistent-state-for": "web-vm"}},
    }));
    let refused = planned(&mut with_state, &vm(&json!({})), false, &FIELDS, &[]).refusals;
    assert!(refused[0].object == "claim state-x" && refused[0].help.contains("--delete-data state-x"), "{refused:?}");
    assert_eq!(planned(&mut with_state, &vm(&json!({})), false, &FIELDS, &["state-x".into()]).refusals, []);
    let refused = planned(&mut facts(), &vm(&json!({})), false, &FIELDS, &["web-data".into()]).refusals;
    assert!(refused[0].reason.contains("deletes no such data"), "{refused:?}");
}

#[test]
fn a_run_that_was_killed_is_finished_and_the_restore_of_another_is_waited_for() {
    let mut facts = facts();
    let mut restore = json!({
        "kind": "VirtualMachineRestore", "metadata": {"namespace": "n", "name": "web-vm-r1", "labels": {MANAGED_BY: MANAGER}},
        "spec": {"target": {"name": "web-vm"}, "virtualMachineSnapshotName": "s"},
        "status": {"complete": true, "restores": [{"volumeName": "system", "persistentVolumeClaim": "web-system-r1"}]},
    });
    facts.insert(restore.clone());
    let mut back = vm(&json!({}));
    back["spec"]["template"]["spec"]["volumes"][0] =
        json!({"name": "system", "persistentVolumeClaim": {"claimName": "web-system-r1"}});
    let plan = planned(&mut facts, &back, false, &FIELDS, &[]);
    assert!(plan.resumed && plan.body.is_null() && plan.refusals.is_empty(), "{plan:?}");
    assert_eq!(plan.disks[0].old.as_deref(), Some("web-system"));
    restore["metadata"]["annotations"] = json!({SETTLED: "true"});
    facts.insert(restore.clone());
    assert_eq!(planned(&mut facts, &back, false, &FIELDS, &[]).name, "web-vm-r2");
    restore["metadata"] = json!({"namespace": "n", "name": "theirs"});
    restore["status"] = json!({"conditions": [{"type": "Failure", "status": "True", "reason": "no"}]});
    facts.insert(restore);
    let refused = planned(&mut facts, &back, false, &FIELDS, &[]).refusals;
    assert!(refused[0].help.starts_with("kubectl delete vmrestore theirs -n n"), "{refused:?}");
}

#[test]
fn a_snapshot_of_another_machine_is_refused() {
    let mut other = vm(&json!({}));
    other["metadata"]["uid"] = json!("other");
    let refused = planned(&mut facts(), &other, false, &FIELDS, &[]).refusals;
    assert!(refused[0].reason.contains("another machine of that name"), "{refused:?}");
}
