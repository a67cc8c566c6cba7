//! Exit codes of commands against a server.

use std::process::Command;

use serde_json::json;
use wukong::facts::Facts;

use crate::access::Server;
use crate::migrate::command::answer;
use crate::support::text;

/// Runs a command against a cluster with one machine, which no Wukong made; its exit code and what it prints.
fn run(args: &[&str]) -> (i32, String) {
    let mut facts = Facts::default();
    facts.insert(json!({
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"namespace": "prod", "name": "legacy", "uid": "u"},
        "spec": {"runStrategy": "Halted", "template": {"spec": {"domain": {"devices": {}}}}},
    }));
    // A snapshot of a machine that is gone.
    facts.insert(json!({
        "apiVersion": "snapshot.kubevirt.io/v1beta1", "kind": "VirtualMachineSnapshot",
        "metadata": {"namespace": "prod", "name": "s", "uid": "s"},
        "spec": {"source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "gone-vm"}},
    }));
    let server = Server::start(move |_, seen| answer(&facts, seen));
    let (_folder, access) = server.kubeconfig("", "");
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-wukong"));
    let out = command.args(args).env("KUBECONFIG", access.kubeconfig.unwrap()).output().unwrap();
    (out.status.code().unwrap(), [out.stdout, out.stderr].map(|bytes| text(&bytes)).concat())
}

#[test]
fn what_does_not_exist_is_4() {
    for (args, said) in [
        (&["delete", "nope", "--yes"][..], "there is no such Wukong"),
        (&["snapshot", "list", "nope"], "there is no VirtualMachine nope-vm in prod"),
        (&["snapshot", "list", "nope", "-o", "json"], "there is no VirtualMachine nope-vm in prod"),
        (&["status", "nope"], "nope"),
    ] {
        let (code, told) = run(args);
        assert!(code == 4 && told.contains(said), "{args:?} {code}\n{told}");
    }
    let (code, told) = run(&["delete", "legacy", "--yes"]);
    assert!(code == 4 && told.contains("there is no such Wukong"), "legacy is no Wukong's: {code}\n{told}");
    let (code, told) = run(&["snapshot", "list", "vm/legacy"]);
    assert!(code == 0 && told.contains("kubectl wukong snapshot create vm/legacy -n prod"), "{code}\n{told}");
    let (code, told) = run(&["snapshot", "list", "gone"]);
    assert!(code == 0 && told.contains(" s "), "its snapshots are there: {code}\n{told}");
}

#[test]
fn a_place_that_cannot_be_written_to_is_2() {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("there.yaml");
    std::fs::write(&there, "mine\n").unwrap();
    let (there, away) = (there.to_str().unwrap(), folder.path().join("no/where.yaml"));
    let away = away.to_str().unwrap();
    for args in [
        &["adopt", "vm/legacy", "-w", there][..],
        &["adopt", "vm/legacy", "-w", away],
        &["status", "--save-facts", away],
        &["migrate", "vm/legacy", "--to-storage-class", "fast", "--write", away],
    ] {
        let (code, told) = run(args);
        assert_eq!(code, 2, "{args:?}\n{told}");
    }
    assert_eq!(std::fs::read_to_string(there).unwrap(), "mine\n");
}

#[test]
fn who_is_not_there_in_time_is_named_with_the_next_step() {
    let (code, told) = run(&["start", "vm/legacy", "--wait", "--timeout", "1s"]);
    assert!(code == 6 && told.contains("not there in time: prod/vm/legacy; "), "{code}\n{told}");
    assert!(told.contains("`kubectl wukong status vm/legacy -n prod` says what it waits for"), "{told}");
}
