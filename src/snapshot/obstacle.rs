//! What is in the way of going back to a snapshot.

use serde_json::{Value, json};

use super::restore::RestoreWish;
use super::view::{Phase, Restored, View, restored};
use super::volume::state;
use crate::facts::{Facts, has_ended, is_going, kind, text};
use crate::plan::Refusal;
use crate::status::Subject;
use crate::text::command_line;

/// Whether a machine has an instance, or will have one soon.
pub(super) fn runs(facts: &Facts, subject: &Subject, vm: &Value) -> bool {
    let instance = facts.get(kind::INSTANCE, &subject.namespace, &subject.vm);
    let meant = matches!(text(vm, "/spec/runStrategy"), Some("Always" | "RerunOnFailure"));
    instance.is_some_and(|instance| !has_ended(instance)) || meant || vm.pointer("/spec/running") == Some(&json!(true))
}

/// All that is in the way of going back.
pub(super) fn refusals(
    facts: &Facts,
    subject: &Subject,
    vm: &Value,
    snapshot: &View,
    begun: Option<&Value>,
    wish: &RestoreWish<'_>,
) -> Vec<Refusal> {
    let namespace = subject.namespace.as_str();
    let mut all = Vec::new();
    let mut refuse = |object: String, reason: String, help: String| all.push(Refusal { object, reason, help });
    let object = || format!("VirtualMachine/{}", subject.vm);
    let of_snapshot = || format!("VirtualMachineSnapshot/{}", snapshot.name);
    for kind in [kind::CLAIM, kind::DATA_VOLUME, kind::INSTANCE, kind::RESTORE, kind::CONFIG_MAP] {
        if let Some(unread) = facts.unknown(kind, namespace) {
            refuse(
                object(),
                unread.reason.clone(),
                "what cannot be seen cannot be kept safe: ask for the right to list it".into(),
            );
        }
    }
    if snapshot.vm != subject.vm {
        let names = [&format!("vm/{}", snapshot.vm), snapshot.name.as_str()];
        let help = format!("name it: {}", command_line("snapshot restore", &names, namespace, ""));
        refuse(of_snapshot(), format!("it is a snapshot of {}, not of {}", snapshot.vm, subject.vm), help);
    }
    if snapshot.phase != Phase::Ready {
        let why = snapshot.detail.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        refuse(
            of_snapshot(),
            format!("no machine can go back to it{why}"),
            format!("`{}` shows which are ready", subject.command("snapshot list", "")),
        );
    }
    if is_going(vm) {
        refuse(object(), "it is being deleted".into(), "wait until it is gone".into());
    }
    let source =
        facts.get(kind::SNAPSHOT, namespace, &snapshot.name).and_then(|found| text(found, "/status/sourceUID"));
    if source.is_some() && source != text(vm, "/metadata/uid") {
        let help = format!(
            "make disks of its volume snapshots instead: `kubectl get volumesnapshot -n {namespace}` lists them, and `image: snapshot:{namespace}/NAME` in a file copies one"
        );
        refuse(
            object(),
            "it is another machine of that name than the one the snapshot was taken of; KubeVirt refuses that".into(),
            help,
        );
    }
    if let Some(other) = text(vm, "/status/snapshotInProgress") {
        refuse(
            object(),
            format!("the snapshot {other} is in progress"),
            format!("wait for it: kubectl get vmsnapshot {other} -n {namespace} -w"),
        );
    }
    let mine = begun.and_then(|restore| text(restore, "/metadata/name"));
    for restore in facts.all(kind::RESTORE, namespace).map(restored).filter(|restore| restore.vm == subject.vm) {
        if !restore.done && Some(restore.name.as_str()) != mine {
            let (reason, help) = in_the_way(&restore, namespace);
            refuse(object(), reason, help);
        }
    }
    let done = begun.is_some_and(|restore| restored(restore).done);
    if runs(facts, subject, vm) && !wish.stop && !done {
        let help = format!(
            "--stop shuts the guest down and starts it again afterwards; or first: {}",
            subject.command("stop", "--wait")
        );
        refuse(object(), "it runs, and its disks would be taken from under it".into(), help);
    }
    let kept = state(facts, namespace, &subject.vm).and_then(|claim| text(claim, "/metadata/name"));
    if let Some(claim) = kept.filter(|claim| !done && !wish.delete_data.iter().any(|named| named == claim)) {
        let help = format!(
            "a snapshot of the machine as it is keeps it: {}; then --delete-data {claim} lets it go",
            subject.command("snapshot create", "")
        );
        let reason = "KubeVirt deletes it when a machine goes back: the state of its TPM and firmware as it is now";
        refuse(format!("claim {claim}"), reason.to_owned(), help);
    }
    for named in wish.delete_data.iter().filter(|named| kept != Some(named.as_str())) {
        refuse(
            format!("claim {named}"),
            "a restore deletes no such data".into(),
            "leave it out of --delete-data".into(),
        );
    }
    all
}

/// A restore that is not done keeps every other one out, also one that failed. Source: KubeVirt,
/// pkg/storage/admitters/vmrestore.go.
fn in_the_way(restore: &Restored, namespace: &str) -> (String, String) {
    let name = &restore.name;
    if restore.failed {
        let made: Vec<_> = restore.claims.iter().map(|(_, claim)| claim.as_str()).collect();
        let stay =
            if made.is_empty() { String::new() } else { format!("; claims that it made stay: {}", made.join(", ")) };
        return (
            format!(
                "the restore {name} failed ({}), and KubeVirt begins no other one while it is there",
                restore.detail
            ),
            format!("kubectl delete vmrestore {name} -n {namespace}{stay}"),
        );
    }
    (
        format!("the restore {name} is in progress: {}", restore.detail),
        format!(
            "wait for it: kubectl get vmrestore {name} -n {namespace} -w; or give it up: kubectl delete vmrestore {name} -n {namespace}"
        ),
    )
}
