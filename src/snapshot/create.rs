//! What has to hold before a snapshot of a machine is taken, and the snapshot to ask for.

use serde_json::{Value, json};

use super::class;
use super::volume::{Fate, Volume, volumes};
use crate::facts::{Facts, condition, has_ended, is_going, kind, text};
use crate::machine::MANAGED_LABEL;
use crate::plan::Refusal;
use crate::status::Subject;
use crate::text::command_line;

/// What the command line asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'w> {
    /// The name of the snapshot.
    pub name: &'w str,
    /// The VolumeSnapshotClass that shall be taken.
    pub class: Option<&'w str>,
    /// Whether disks may be left out.
    pub partial: bool,
    /// After how many seconds KubeVirt gives up; 0 for never.
    pub deadline: u64,
}

/// A snapshot that is about to be taken.
#[derive(Debug, Clone)]
pub struct Creation {
    /// What becomes of each volume of the machine.
    pub volumes: Vec<Volume>,
    /// The VirtualMachineSnapshot.
    pub body: Value,
    /// How consistent it will be, in words.
    pub consistency: &'static str,
    /// Why it is not taken.
    pub refusals: Vec<Refusal>,
}

/// Plans a snapshot of the machine `vm`.
pub fn creation(facts: &Facts, subject: &Subject, vm: &Value, wish: &Wish<'_>) -> Creation {
    let namespace = subject.namespace.as_str();
    let mut refusals = Vec::new();
    let object = format!("VirtualMachine/{}", subject.vm);
    let mut refuse = |object: &str, reason: String, help: String| {
        refusals.push(Refusal { object: object.to_owned(), reason, help });
    };
    if is_going(vm) {
        refuse(
            &object,
            "it is being deleted".to_owned(),
            format!("save its disks first: {}", subject.command("where-is-my-data", "")),
        );
    }
    for (field, what, kind) in
        [("snapshotInProgress", "snapshot", "vmsnapshot"), ("restoreInProgress", "restore", "vmrestore")]
    {
        if let Some(other) = text(vm, &format!("/status/{field}")) {
            let help = format!("wait for it: kubectl get {kind} {other} -n {namespace} -w");
            refuse(&object, format!("the {what} {other} is in progress"), help);
        }
    }
    if facts.get(kind::SNAPSHOT, namespace, wish.name).is_some() {
        let list = command_line("snapshot list", &[], namespace, "");
        let help = format!("--name gives it another name; `{list}` lists them");
        refuse(&format!("VirtualMachineSnapshot/{}", wish.name), "there is one of this name".to_owned(), help);
    }
    let volumes = volumes(facts, vm);
    for volume in &volumes {
        let disk = format!("disk {}", volume.name);
        match &volume.fate {
            Fate::Fails { why, help } => refuse(&disk, why.clone(), help.clone()),
            Fate::LeftOut { why, help } if !wish.partial => refuse(
                &disk,
                format!("it would be left out: {why}"),
                format!("{help}; --partial takes a snapshot without it"),
            ),
            Fate::Included { class: taken, .. } => {
                if let Some(wanted) = wish.class.filter(|wanted| taken.as_deref() != Some(*wanted)) {
                    let class = volume.class.as_deref().unwrap_or_default();
                    let is = taken
                        .as_deref()
                        .map_or("a class that is not known here".to_owned(), |taken| format!("`{taken}`"));
                    let reason = format!(
                        "KubeVirt takes {is} for it, not `{wanted}`, and cannot be told otherwise in a snapshot"
                    );
                    refuse(&disk, reason, class::wish(facts, class, wanted));
                }
            }
            Fate::LeftOut { .. } | Fate::Passing => {}
        }
    }
    Creation { volumes, body: body(subject, wish), consistency: expected(facts, subject), refusals }
}

fn body(subject: &Subject, wish: &Wish<'_>) -> Value {
    let mut metadata = json!({"name": wish.name, "namespace": subject.namespace});
    if let Some(wukong) = &subject.wukong {
        metadata["labels"] = json!({MANAGED_LABEL: wukong});
    }
    json!({
        "apiVersion": "snapshot.kubevirt.io/v1beta1",
        "kind": kind::SNAPSHOT,
        "metadata": metadata,
        "spec": {
            "source": {"apiGroup": "kubevirt.io", "kind": kind::MACHINE, "name": subject.vm},
            "failureDeadline": format!("{}s", wish.deadline),
        },
    })
}

/// How consistent the bytes will be, as far as it can be known before.
fn expected(facts: &Facts, subject: &Subject) -> &'static str {
    let instance = facts.get(kind::INSTANCE, &subject.namespace, &subject.vm).filter(|instance| !has_ended(instance));
    let holds = |name: &str| instance.and_then(|instance| condition(instance, name)).is_some_and(|(holds, _, _)| holds);
    match instance {
        None => "the machine does not run: its disks are at rest",
        Some(_) if holds("Paused") => "the machine is paused: the disks will be as after a power failure",
        Some(_) if holds("AgentConnected") => "the machine runs: its guest agent will hold its file systems still",
        Some(_) => "the machine runs without a guest agent: the disks will be as after a power failure",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let mut facts = Facts::default();
        facts.insert(json!({"kind": "StorageClass", "metadata": {"name": "fast"}, "provisioner": "d"}));
        for name in ["a", "b"] {
            facts.insert(json!({"kind": "VolumeSnapshotClass", "metadata": {"name": name}, "driver": "d"}));
        }
        facts.insert(json!({"kind": "StorageProfile", "metadata": {"name": "fast"}, "status": {"snapshotClass": "a"}}));
        facts.insert(json!({
            "kind": "PersistentVolumeClaim", "metadata": {"namespace": "n", "name": "web-data"},
            "spec": {"storageClassName": "fast"}, "status": {"phase": "Bound"},
        }));
        facts
    }

    fn vm() -> Value {
        json!({"kind": "VirtualMachine", "metadata": {"namespace": "n", "name": "web-vm"}, "spec": {"template": {"spec": {"volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}}, {"name": "host", "hostDisk": {"path": "/x"}},
        ]}}}})
    }

    fn subject() -> Subject {
        Subject { namespace: "n".into(), vm: "web-vm".into(), wukong: Some("web".into()), record: None }
    }

    const WISH: Wish<'_> = Wish { name: "s", class: None, partial: false, deadline: 300 };

    #[test]
    fn a_disk_is_left_out_only_if_that_is_wanted() {
        let refused = creation(&facts(), &subject(), &vm(), &WISH).refusals;
        assert_eq!(refused.len(), 1);
        assert!(refused[0].object == "disk host" && refused[0].help.contains("--partial"), "{refused:?}");
        let partial = creation(&facts(), &subject(), &vm(), &Wish { partial: true, ..WISH });
        assert_eq!(partial.refusals, []);
        assert_eq!(partial.body["spec"]["failureDeadline"], "300s");
        assert_eq!(partial.consistency, "the machine does not run: its disks are at rest");
    }

    #[test]
    fn a_class_is_had_or_refused() {
        let wish = Wish { partial: true, ..WISH };
        assert_eq!(creation(&facts(), &subject(), &vm(), &Wish { class: Some("a"), ..wish }).refusals, []);
        let refused = creation(&facts(), &subject(), &vm(), &Wish { class: Some("b"), ..wish }).refusals;
        assert!(refused[0].reason.contains("KubeVirt takes `a` for it, not `b`"), "{refused:?}");
        assert!(refused[0].help.contains("kubectl patch storageprofile fast"), "{refused:?}");
    }

    #[test]
    fn one_after_the_other() {
        let mut facts = facts();
        let mut vm = vm();
        vm["status"] = json!({"snapshotInProgress": "other"});
        facts.insert(json!({"kind": "VirtualMachineSnapshot", "metadata": {"namespace": "n", "name": "s"}}));
        let refused = creation(&facts, &subject(), &vm, &Wish { partial: true, ..WISH }).refusals;
        assert!(refused[0].reason.contains("the snapshot other is in progress"));
        assert!(refused[1].reason.contains("one of this name"));
    }
}
