//! Disks that are not where the file or the machine wants them.

use serde_json::Value;

use crate::facts::{claim_of, kind, text, volumes};
use crate::status::cause::Causes;
use crate::status::look::Look;

pub(super) fn rule(look: &Look<'_>, causes: &mut Causes) {
    // What was applied, and is in the machine no more.
    for (disk, claim) in look.record.into_iter().flat_map(|record| &record.claims) {
        let held = volumes(look.vm).iter().any(|volume| claim_of(volume) == Some(claim));
        let other = volumes(look.vm).iter().find(|volume| text(volume, "/name") == Some(disk)).and_then(claim_of);
        if let Some(other) = other.filter(|_| !held) {
            // A snapshot that was restored, or disks that were moved by another tool.
            let text = format!("it lies on claim {other} now, the file knows claim {claim}");
            let next = format!(
                "set `claimName: {other}` in the file before it is applied again, or it goes back to the old one"
            );
            causes.broken("disk-replaced", &format!("disk {disk}"), text, next);
        } else if !held && is_given_up(look, disk) {
            if look.facts.get(kind::CLAIM, look.namespace, claim).is_some() {
                let text = format!("its file has it no more; claim {claim} is kept, with its data");
                let next = format!("kubectl delete pvc {claim} -n {} deletes it for ever", look.namespace);
                causes.note("disk-kept", &format!("disk {disk}"), text, next);
            }
        } else if !held {
            let text = format!("it was taken from the machine; claim {claim} is kept");
            let next = "apply the Wukong file to attach it again, or take it out of the file".to_owned();
            causes.broken("disk-detached", &format!("disk {disk}"), text, next);
        }
    }
    let Some(instance) = look.instance.filter(|_| look.runs()) else { return };
    let attached = instance.pointer("/status/volumeStatus").and_then(Value::as_array);
    for volume in volumes(look.vm) {
        let name = text(volume, "/name").unwrap_or_default();
        if claim_of(volume).is_none() {
            continue;
        }
        let status = attached.into_iter().flatten().find(|status| status["name"] == name);
        let hot = status.is_some_and(|status| !status["hotplugVolume"].is_null());
        let phase = status.and_then(|status| text(status, "/phase")).unwrap_or_default();
        let about = format!("disk {name}");
        if !volumes(instance).iter().any(|running| running["name"] == name) {
            let text = "the running machine does not have it".to_owned();
            let next = look.command("restart", "");
            causes.broken("disk-detached", &about, text, next);
        } else if hot && phase != "Ready" {
            let why = status.and_then(|status| text(status, "/message")).unwrap_or("no reason yet");
            let text = format!("it is being attached ({phase}): {why}");
            causes.waiting("disk-attaching", &about, text, String::new());
        }
    }
}

/// Whether the file that was applied last had a disk no more: then nobody misses it.
fn is_given_up(look: &Look<'_>, disk: &str) -> bool {
    look.record.and_then(|record| record.lists.get("volumes")).is_some_and(|applied| !applied.contains_key(disk))
}
