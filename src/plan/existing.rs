//! Claims that a machine uses and did not make: KubeVirt lets two machines write to one, so this is the only guard.

use serde_json::Value;

use super::lists::{LISTS, claim_of, list};
use super::{Note, Refusal};
use crate::facts::{Facts, kind, strings, text};
use crate::machine::Disk;

/// Checks the claim of a disk that exists already. `machine` is the VirtualMachine's name.
pub(super) fn check(disk: &Disk, namespace: &str, machine: &str, facts: &Facts) -> Result<Vec<Note>, Refusal> {
    let refuse =
        |reason: String, help: &str| Refusal { object: format!("disk {}", disk.name), reason, help: help.to_owned() };
    let name = &disk.claim;
    let Some(claim) = facts.get(kind::CLAIM, namespace, name) else {
        if let Some(unread) = facts.unknown(kind::CLAIM, namespace) {
            let text = format!("whether its claim {name} exists is not known: {}", unread.reason);
            return Ok(vec![Note { object: format!("disk {}", disk.name), text }]);
        }
        let help = format!("`kubectl get pvc -n {namespace}` lists what is there");
        return Err(refuse(format!("its claim {name} does not exist in {namespace}"), &help));
    };
    if claim.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null()) {
        return Err(refuse(format!("its claim {name} is being deleted"), "use another claim, or wait and restore it"));
    }
    match text(claim, "/status/phase") {
        Some("Lost") => {
            return Err(refuse(
                format!("its claim {name} is Lost: the volume is gone"),
                "`kubectl describe pvc` says which volume",
            ));
        }
        Some("Pending") if !waits_for_consumer(claim, facts) => {
            return Err(refuse(
                format!("its claim {name} is Pending"),
                "`kubectl describe pvc` says what it waits for",
            ));
        }
        _ => {}
    }
    let modes = strings(claim, "/spec/accessModes");
    if !disk.read_only && !modes.is_empty() && modes.iter().all(|mode| *mode == "ReadOnlyMany") {
        return Err(refuse(
            format!("its claim {name} can only be read (ReadOnlyMany)"),
            "add `readOnly: true` to the disk",
        ));
    }
    writer(disk, namespace, machine, facts)
}

/// Whether a claim waits for its first pod, which a new machine will be.
fn waits_for_consumer(claim: &Value, facts: &Facts) -> bool {
    let class = text(claim, "/spec/storageClassName").and_then(|class| facts.get(kind::CLASS, "", class));
    class.is_none_or(|class| text(class, "/volumeBindingMode") == Some("WaitForFirstConsumer"))
}

/// Another machine or pod that uses a claim, unless all only read.
pub(super) fn writer(disk: &Disk, namespace: &str, machine: &str, facts: &Facts) -> Result<Vec<Note>, Refusal> {
    let name = disk.claim.as_str();
    let refuse = |user: String| {
        Refusal {
        object: format!("disk {}", disk.name),
        reason: format!("its claim {name} is in use by {user}; two writers destroy a file system"),
        help: "take the disk from the other first, clone the claim (`image: pvc:NAMESPACE/NAME`), or let both only read (`readOnly: true`)".to_owned(),
    }
    };
    for other in facts.all(kind::MACHINE, namespace) {
        let other_name = text(other, "/metadata/name").unwrap_or_default();
        if other_name == machine {
            continue;
        }
        let uses = list(other, &LISTS[1]).iter().find(|volume| claim_of(volume) == Some(name));
        if uses.is_some_and(|volume| !(disk.read_only && reads_only(volume))) {
            return Err(refuse(format!("the VirtualMachine {other_name}")));
        }
    }
    for pod in facts.all(kind::POD, namespace).filter(|pod| counts(pod)) {
        let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
        let uses = volumes.into_iter().flatten().find(|volume| claim_of(volume) == Some(name));
        if uses.is_some_and(|volume| !(disk.read_only && reads_only(volume))) {
            return Err(refuse(format!("the pod {}", text(pod, "/metadata/name").unwrap_or_default())));
        }
    }
    let mut notes = Vec::new();
    for kind in [kind::MACHINE, kind::POD] {
        if let Some(unread) = facts.unknown(kind, namespace) {
            let text = format!("whether another {kind} uses {name} is not known: {}", unread.reason);
            notes.push(Note { object: format!("disk {}", disk.name), text });
        }
    }
    Ok(notes)
}

fn reads_only(volume: &Value) -> bool {
    volume.pointer("/persistentVolumeClaim/readOnly") == Some(&Value::Bool(true))
}

/// A pod of a person that uses a claim, by its name.
pub(super) fn pod<'f>(claim: &str, namespace: &'f str, facts: &'f Facts) -> Option<&'f str> {
    let mut pods = facts.all(kind::POD, namespace).filter(|pod| counts(pod));
    let user = pods.find(|pod| {
        let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
        volumes.into_iter().flatten().any(|volume| claim_of(volume) == Some(claim))
    });
    user.and_then(|pod| text(pod, "/metadata/name"))
}

/// Whether a pod uses its volumes, and is not a machine's.
fn counts(pod: &Value) -> bool {
    !matches!(text(pod, "/status/phase"), Some("Succeeded" | "Failed")) && !belongs_to_a_machine(pod)
}

/// Launchers, and the pods that CDI and KubeVirt run for a machine, are the machine's.
fn belongs_to_a_machine(pod: &Value) -> bool {
    let labels = pod.pointer("/metadata/labels");
    labels.is_some_and(|labels| {
        labels.get("kubevirt.io").is_some()
            || labels.get("cdi.kubevirt.io").is_some()
            || labels.get("app").is_some_and(|app| app == "containerized-data-importer")
    })
}
