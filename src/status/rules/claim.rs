//! Claims that are not bound, or not the machine's alone.

use serde_json::Value;

use crate::facts::{condition, is_going, kind, text};
use crate::status::cause::Causes;
use crate::status::look::{Held, Look};
use crate::storage::{DEFAULT, VIRT_DEFAULT, is_marked};
use crate::text::redact;

pub(super) fn rule(look: &Look<'_>, causes: &mut Causes) {
    for disk in &look.disks {
        shared(look, disk, causes);
        match disk.claim {
            None => missing(look, disk, causes),
            Some(claim) => match text(claim, "/status/phase") {
                Some("Bound") => bound(look, disk, claim, causes),
                Some("Lost") => lost(disk, claim, causes),
                _ => pending(look, disk, claim, causes),
            },
        }
    }
}

/// Lost: the volume is gone, or belongs to another claim.
fn lost(disk: &Held<'_>, claim: &Value, causes: &mut Causes) {
    let volume = text(claim, "/spec/volumeName").unwrap_or("its volume");
    let (text, next) = match disk.volume {
        Some(found) => (
            format!("claim {} is Lost: volume {volume} belongs to claim {}", disk.claim_name, owner(found)),
            "delete neither; find out which of the two claims the data belongs to".to_owned(),
        ),
        None => (
            format!("claim {} is Lost: volume {volume} is gone from the cluster", disk.claim_name),
            "make the volume again under its old name (the storage may still have the data), or restore a backup"
                .to_owned(),
        ),
    };
    causes.broken("claim-lost", &disk.about(), text, next);
}

/// The claim that a volume belongs to.
fn owner(volume: &Value) -> String {
    let part = |pointer| text(volume, pointer).unwrap_or("?");
    format!("{}/{}", part("/spec/claimRef/namespace"), part("/spec/claimRef/name"))
}

/// Another one that writes to the claim.
fn shared(look: &Look<'_>, disk: &Held<'_>, causes: &mut Causes) {
    let users = look.index.users(look.namespace, disk.claim_name);
    let own = |name: &str| name == look.name;
    let writes = users.iter().any(|user| own(user.name) && user.writes);
    let other = users.iter().find(|user| !own(user.name) && (user.writes || writes));
    if let Some(other) = other {
        let (kind, name) = (other.kind, other.name);
        let text =
            format!("claim {} is also used by {kind} {name}; two writers destroy a file system", disk.claim_name);
        causes.broken("claim-shared", &disk.about(), text, "stop one of them and take the disk from it".to_owned());
    }
}

fn missing(look: &Look<'_>, disk: &Held<'_>, causes: &mut Causes) {
    let (about, name) = (disk.about(), disk.claim_name);
    if look.facts.unknown(kind::CLAIM, look.namespace).is_some() {
        return;
    }
    let Some(volume) = disk.data_volume else {
        let text = format!("claim {name} does not exist");
        let next = match look.record {
            Some(_) => "apply the Wukong file to make it, empty; if it held data, restore that first".to_owned(),
            None => format!("make claim {name}, or take the volume from the machine"),
        };
        causes.broken("claim-missing", &about, text, next);
        return;
    };
    let bound = condition(volume, "Bound").map_or(("", ""), |(_, reason, message)| (reason, message));
    let warned = |reason: &'static str| look.warning(name, move |found, _| found == reason);
    if class_missing(look, disk, causes) {
    } else if let Some(message) =
        Some(bound.1).filter(|_| bound.0 == "ErrExceededQuota").or_else(|| warned("ErrExceededQuota"))
    {
        causes.quota(&about, message);
    } else if let Some(message) =
        Some(bound.1).filter(|_| bound.0 == "ErrClaimNotValid").or_else(|| warned("ErrClaimNotValid"))
    {
        let class = disk.class_name.unwrap_or("of the cluster");
        if message.to_lowercase().contains("no default storage class")
            || (disk.class_name.is_none() && !has_default(look))
        {
            no_default(&about, causes);
        } else {
            let text =
                format!("CDI makes no claim, because it does not know what class {class} can do: {}", redact(message));
            let next = "set `accessMode` (and `volumeMode`) of the disk, or claimPropertySets in the StorageProfile"
                .to_owned();
            causes.broken("claim-not-inferred", &about, text, next);
        }
    }
}

fn bound(look: &Look<'_>, disk: &Held<'_>, claim: &Value, causes: &mut Causes) {
    if is_going(claim) {
        let text = format!("claim {} is being deleted, and goes as soon as the machine stops", disk.claim_name);
        let next = "do not stop the machine before its data is copied: a deletion cannot be taken back".to_owned();
        causes.broken("claim-going", &disk.about(), text, next);
    }
    let phase = disk.volume.and_then(|volume| text(volume, "/status/phase"));
    if let Some(phase @ ("Released" | "Failed")) = phase {
        released(look, disk, text(claim, "/spec/volumeName").unwrap_or_default(), phase, causes);
    }
}

fn pending<'a>(look: &Look<'a>, disk: &Held<'a>, claim: &Value, causes: &mut Causes) {
    let about = disk.about();
    if let Some(name) = text(claim, "/spec/volumeName")
        && let Some(volume) = look.facts.get(kind::VOLUME, "", name)
    {
        let own = owner(volume) == format!("{}/{}", look.namespace, disk.claim_name);
        if text(volume, "/status/phase") == Some("Released") && own {
            return released(look, disk, name, "Released", causes);
        }
        if text(volume, "/spec/claimRef/name").is_some() && !own {
            let text =
                format!("volume {name}, which claim {} wants, belongs to claim {}", disk.claim_name, owner(volume));
            let next = "let the claim name another volume; one volume is one claim's".to_owned();
            return causes.broken("volume-taken", &about, text, next);
        }
    }
    if class_missing(look, disk, causes) {
        return;
    }
    if disk.class_name.is_none_or(str::is_empty) && text(claim, "/spec/volumeName").is_none() && !has_default(look) {
        return no_default(&about, causes);
    }
    if let Some(message) = look.claim_warning(disk, |_, message| message.contains("exceeded quota")) {
        return causes.quota(&about, message);
    }
    if let Some(message) = look.claim_warning(disk, |reason, _| reason == "ProvisioningFailed") {
        let class = disk.class_name.unwrap_or_default();
        let text = format!("class {class} could not make the volume: {}", redact(message));
        let next = format!("kubectl describe pvc -n {} {}", look.namespace, disk.claim_name);
        return causes.broken("claim-provisioning", &about, text, next);
    }
    // A claim that waits for its first pod is fine while there shall be none.
    let may_wait = disk.waits_for_pod() || look.facts.unknown(kind::CLASS, "").is_some();
    if may_wait && look.stays_off() {
        return;
    }
    // The import says more, and the launcher says why it cannot be placed.
    if disk.filling().is_some() && causes.explains(&about) {
        return;
    }
    let text = if disk.waits_for_pod() {
        format!("claim {} waits for the machine's pod to be placed", disk.claim_name)
    } else {
        format!("claim {} waits for a volume", disk.claim_name)
    };
    causes.waiting("claim-pending", &about, text, String::new());
}

fn released(look: &Look<'_>, disk: &Held<'_>, volume: &str, phase: &str, causes: &mut Causes) {
    let claim = disk.claim_name;
    let text = format!(
        "volume {volume} is {phase}: it still belongs to a claim that was deleted, so that claim {claim} does not get it"
    );
    let next = format!(
        "if it is the right one: kubectl patch pv {volume} --type merge -p '{{\"spec\":{{\"claimRef\":{{\"namespace\":\"{}\",\"name\":\"{claim}\",\"uid\":null,\"resourceVersion\":null}}}}}}'",
        look.namespace
    );
    causes.broken("volume-released", &disk.about(), text, next);
}

/// Whether the class that is asked for does not exist.
fn class_missing(look: &Look<'_>, disk: &Held<'_>, causes: &mut Causes) -> bool {
    let Some(name) = disk.class_name.filter(|name| !name.is_empty()) else { return false };
    if disk.class.is_some() || look.facts.unknown(kind::CLASS, "").is_some() {
        return false;
    }
    let mut known: Vec<_> = look.facts.all_of(kind::CLASS).filter_map(|class| text(class, "/metadata/name")).collect();
    known.truncate(8);
    let text = format!("class {name} does not exist");
    let next = if known.is_empty() {
        "make a StorageClass".to_owned()
    } else {
        format!("set `storageClassName` to one of: {}", known.join(", "))
    };
    causes.broken("class-missing", &disk.about(), text, next);
    true
}

pub(super) fn has_default(look: &Look<'_>) -> bool {
    let mut classes = look.facts.all_of(kind::CLASS);
    look.facts.unknown(kind::CLASS, "").is_some()
        || classes.any(|class| is_marked(class, DEFAULT) || is_marked(class, VIRT_DEFAULT))
}

fn no_default(about: &str, causes: &mut Causes) {
    let text = "the file names no class, and the cluster has no default one".to_owned();
    let next = "set `storageClassName` of the disk, or make a class the default: kubectl annotate storageclass NAME storageclass.kubernetes.io/is-default-class=true".to_owned();
    causes.broken("no-default-class", about, text, next);
}
