//! Claims that a machine uses and did not make: KubeVirt lets two machines write to one, so this is the only guard.

use serde_json::Value;

use super::{Note, Refusal};
use crate::facts::{Facts, claim_of, has_ended, is_going, is_helper, kind, strings, text, volumes};
use crate::machine::Disk;

/// Checks the claim of a disk that exists already. `machine` is the VirtualMachine's name.
pub(super) fn check(disk: &Disk, namespace: &str, machine: &str, facts: &Facts) -> Result<Vec<Note>, Refusal> {
    let refuse =
        |reason: String, help: &str| Refusal { object: format!("disk {}", disk.name), reason, help: help.to_owned() };
    let name = &disk.claim;
    let Some(claim) = facts.get(kind::CLAIM, namespace, name) else {
        if let Some(unread) = facts.unknown(kind::CLAIM, namespace) {
            let text = format!("whether its claim {name} exists is not known: {}", unread.reason);
            let mut notes = writer(disk, namespace, machine, facts)?;
            notes.push(Note { object: format!("disk {}", disk.name), text });
            return Ok(notes);
        }
        let help = format!("`kubectl get pvc -n {namespace}` lists what is there");
        return Err(refuse(format!("its claim {name} does not exist in {namespace}"), &help));
    };
    if is_going(claim) {
        return Err(refuse(format!("its claim {name} is being deleted"), "use another claim, or wait and restore it"));
    }
    if let Some(to) = super::moving::moved_to(claim) {
        let help = super::moving::left_help(to, machine.trim_end_matches("-vm"), namespace, name);
        return Err(refuse(format!("the disk on its claim {name} has moved to {to}, and this is what it left"), &help));
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
    if let Some(user) = user(name, namespace, machine, disk.read_only, facts) {
        return Err(refuse(user));
    }
    let mut notes = Vec::new();
    for kind in [kind::MACHINE, kind::INSTANCE, kind::POD] {
        if let Some(unread) = facts.unknown(kind, namespace) {
            let text = format!("whether another {kind} uses {name} is not known: {}", unread.reason);
            notes.push(Note { object: format!("disk {}", disk.name), text });
        }
    }
    Ok(notes)
}

/// Another machine, instance or pod that uses a claim.
pub(crate) fn claim_user(claim: &str, namespace: &str, machine: &str, facts: &Facts) -> Option<String> {
    user(claim, namespace, machine, false, facts)
}

/// Another machine, instance or pod that uses a claim; if `only_read`, one that writes to it.
pub(super) fn user(claim: &str, namespace: &str, machine: &str, only_read: bool, facts: &Facts) -> Option<String> {
    let shared = |volume: &Value| only_read && reads_only(volume);
    let holds = |volumes: &[Value]| volumes.iter().any(|volume| uses(volume, claim) && !shared(volume));
    // An instance may stand alone, and holds what was plugged in without its machine.
    for kind in [kind::MACHINE, kind::INSTANCE] {
        for other in facts.all(kind, namespace) {
            let name = text(other, "/metadata/name").unwrap_or_default();
            if name != machine && !has_ended(other) && holds(volumes(other)) {
                return Some(format!("the {kind} {name}"));
            }
        }
    }
    let mut pods = facts.all(kind::POD, namespace);
    let pod = pods.find(|pod| !has_ended(pod) && !is_helper(pod) && holds(volumes(pod)))?;
    Some(format!("the pod {}", text(pod, "/metadata/name").unwrap_or_default()))
}

/// Whether a volume stands for a claim, in any of the ways that a machine or a pod can name one.
fn uses(volume: &Value, claim: &str) -> bool {
    let others = ["/memoryDump/claimName", "/ephemeral/persistentVolumeClaim/claimName"];
    claim_of(volume) == Some(claim) || others.iter().any(|pointer| text(volume, pointer) == Some(claim))
}

fn reads_only(volume: &Value) -> bool {
    volume.pointer("/persistentVolumeClaim/readOnly") == Some(&Value::Bool(true))
}
