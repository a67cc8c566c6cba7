//! What goes with a snapshot that is deleted.

use super::view::View;
use crate::facts::{Facts, kind};
use crate::plan::Refusal;
use crate::status::Subject;
use crate::text::command_line;

/// What goes and what stays, as lines.
///
/// # Errors
/// Why it is not deleted: it is another machine's, or a machine is going back to it, or whether one does is not known.
pub fn going(facts: &Facts, view: &View, subject: &Subject) -> Result<Vec<String>, Refusal> {
    let refuse = |reason: String, help: String| Refusal {
        object: format!("VirtualMachineSnapshot/{}", view.name),
        reason,
        help,
    };
    if view.vm != subject.vm {
        let names = [&format!("vm/{}", view.vm), view.name.as_str()];
        let help = format!("name it: {}", command_line("snapshot delete", &names, &view.namespace, ""));
        return Err(refuse(format!("it is a snapshot of {}, not of {}", view.vm, subject.vm), help));
    }
    if let Some(unread) = facts.unknown(kind::RESTORE, &view.namespace) {
        let help = "a machine may be going back to it: ask for the right to list virtualmachinerestores".to_owned();
        return Err(refuse(unread.reason.clone(), help));
    }
    if let Some(restore) = view.restores.iter().find(|restore| !restore.done && !restore.failed) {
        let help = format!("wait for it: kubectl get vmrestore {} -n {} -w", restore.name, view.namespace);
        return Err(refuse(format!("{} is going back to it, in the restore {}", restore.vm, restore.name), help));
    }
    let taken = view.included.join(", ");
    let content = view.content.as_deref();
    let mut lines = match (view.policy.as_str(), taken.as_str(), content) {
        (_, "", None) => vec!["it holds nothing".to_owned()],
        ("Retain", _, Some(content)) => vec![format!(
            "its policy is Retain: what was taken of {taken} stays, in VirtualMachineSnapshotContent {content}; no machine can go back to it any more"
        )],
        _ => vec![format!(
            "its policy is {}: what was taken of {} goes, for ever where the VolumeSnapshotClass says Delete",
            view.policy,
            if taken.is_empty() { "the machine" } else { &taken }
        )],
    };
    let made: Vec<_> =
        view.restores.iter().flat_map(|restore| &restore.claims).map(|(_, claim)| claim.as_str()).collect();
    if !made.is_empty() {
        lines.push(format!("the claims that came out of it stay: {}", made.join(", ")));
    }
    lines.push(format!("the machine {} and its disks are not touched", view.shown));
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::facts::Unread;
    use crate::snapshot::view;

    fn seen(policy: &str) -> View {
        let snapshot = json!({"kind": "VirtualMachineSnapshot", "metadata": {"namespace": "n", "name": "s"},
            "spec": {"source": {"name": "web-vm"}, "deletionPolicy": policy},
            "status": {"virtualMachineSnapshotContentName": "c", "snapshotVolumes": {"includedVolumes": ["data"]}}});
        view(&Facts::default(), &snapshot, &[], 0)
    }

    fn subject(vm: &str) -> Subject {
        Subject { namespace: "n".into(), vm: vm.into(), wukong: None, record: None }
    }

    fn gone(policy: &str, vm: &str) -> Result<Vec<String>, Refusal> {
        going(&Facts::default(), &seen(policy), &subject(vm))
    }

    #[test]
    fn what_goes_is_told() {
        assert!(gone("Delete", "web-vm").unwrap()[0].contains("what was taken of data goes"));
        assert!(gone("Retain", "web-vm").unwrap()[0].contains("stays, in VirtualMachineSnapshotContent c"));
        assert!(gone("Delete", "other").unwrap_err().reason.contains("of web-vm, not of other"));
    }

    #[test]
    fn restores_that_cannot_be_seen_may_be_under_way() {
        let mut facts = Facts::default();
        facts.unread(Unread {
            kind: kind::RESTORE.into(),
            namespace: Some("n".into()),
            reason: "cannot list virtualmachinerestores".into(),
        });
        let refusal = going(&facts, &seen("Delete"), &subject("web-vm")).unwrap_err();
        assert!(refusal.reason.contains("cannot list") && refusal.help.contains("ask for the right"), "{refusal:?}");
    }
}
