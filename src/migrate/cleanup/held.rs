//! Who still needs a claim that a move left: who has it mounted, who copies from it, and what was taken of it.

use serde_json::Value;

use super::is_owner;
use crate::facts::{Facts, Journey, Kept, claim_of, condition, has_ended, is_going, kind, text, volumes};
use crate::migrate::scene::volume_of;
use crate::plan::claim_user;
use crate::storage::{Related, Traced, backend, driver};

/// What becomes of the snapshots of a claim that may go, as sentences.
///
/// # Errors
/// Why it must stay, and what helps.
pub(super) fn held(
    journey: &Journey,
    kept: &Kept,
    claim: Option<&Value>,
    facts: &Facts,
    namespace: &str,
) -> Result<Vec<String>, (String, String)> {
    if let Some(user) = user(kept, claim, facts, namespace) {
        return Err((format!("{user} uses it"), "it stays".into()));
    }
    if let Some(reader) = reader(&kept.claim, facts, namespace) {
        return Err((format!("{reader} still copies from it"), "wait until that has ended, or delete it".into()));
    }
    let snapshots: Vec<_> = facts
        .all(kind::VOLUME_SNAPSHOT, namespace)
        .filter(|snapshot| text(snapshot, "/spec/source/persistentVolumeClaimName") == Some(&kept.claim))
        .collect();
    if let Some(restore) = facts
        .all(kind::RESTORE, namespace)
        .find(|restore| concerns(restore, journey, kept, &snapshots, facts, namespace))
    {
        let name = text(restore, "/metadata/name").unwrap_or_default();
        return Err((format!("the restore {name} is under way"), "wait until it has ended, or delete it".into()));
    }
    let blind = [kind::MACHINE, kind::INSTANCE, kind::POD, kind::DATA_VOLUME, kind::CLAIM, kind::RESTORE];
    if let Some(unread) = blind.into_iter().find_map(|kind| facts.unknown(kind, namespace)) {
        let help = format!("ask for the right to list each {}", unread.kind);
        return Err((format!("whether it is used is not known: {}", unread.reason), help));
    }
    let names: Vec<_> = snapshots.iter().map(|snapshot| shown(snapshot, facts, namespace)).collect();
    let names = names.join(", ");
    if let Some(claim) = claim.filter(|claim| !outlived(claim, kept, facts)) {
        if !snapshots.is_empty() {
            let volume = text(claim, "/spec/volumeName").unwrap_or("its volume");
            return Err((
                format!("its snapshots would be lost with {volume}, or are not known to outlive it: {names}"),
                "delete them first, if nobody needs them".into(),
            ));
        }
        if let Some(unread) = facts.unknown(kind::VOLUME_SNAPSHOT, namespace) {
            return Err((
                format!("whether there are snapshots of it is not known: {}", unread.reason),
                "ask for the right to list volumesnapshots".into(),
            ));
        }
    }
    if snapshots.iter().any(|snapshot| snapshot.pointer("/status/readyToUse") != Some(&Value::Bool(true))) {
        return Err((format!("snapshots of it are not ready yet: {names}"), "wait for them, or delete them".into()));
    }
    Ok(if names.is_empty() { Vec::new() } else { vec![format!("its snapshots stay: {names}")] })
}

/// A machine, an instance or a pod that has the claim: not even its own machine may, because an abort, or a hand, may have
/// put it back; and pods of KubeVirt and of CDI read from it, too. One that fills the claim belongs to it, and goes with
/// it.
fn user(kept: &Kept, claim: Option<&Value>, facts: &Facts, namespace: &str) -> Option<String> {
    claim_user(&kept.claim, namespace, "", facts).or_else(|| {
        let uid = claim.and_then(|claim| text(claim, "/metadata/uid")).unwrap_or_default();
        let holds = |pod: &&Value| {
            let mounts = volumes(pod).iter().any(|volume| claim_of(volume) == Some(&kept.claim));
            mounts && !has_ended(pod) && !is_owner(pod, uid)
        };
        let pod = facts.all(kind::POD, namespace).find(holds)?;
        Some(format!("the pod {}", text(pod, "/metadata/name").unwrap_or_default()))
    })
}

/// A DataVolume or a claim that is filled from this one.
fn reader(claim: &str, facts: &Facts, namespace: &str) -> Option<String> {
    let named = |object: &Value| text(object, "/metadata/name").unwrap_or_default().to_owned();
    let copies = |copy: &&Value| {
        let of = text(copy, "/spec/source/pvc/namespace").is_none_or(|of| of.is_empty() || of == namespace);
        of && text(copy, "/spec/source/pvc/name") == Some(claim) && text(copy, "/status/phase") != Some("Succeeded")
    };
    if let Some(copy) = facts.all(kind::DATA_VOLUME, namespace).find(copies) {
        return Some(format!("the DataVolume {}", named(copy)));
    }
    let cloned = |other: &&Value| {
        let from = ["dataSource", "dataSourceRef"].into_iter().any(|field| {
            let source = &other["spec"][field];
            source["kind"] == kind::CLAIM && source["name"] == claim
        });
        from && text(other, "/status/phase") != Some("Bound")
    };
    facts.all(kind::CLAIM, namespace).find(cloned).map(|other| format!("the claim {}", named(other)))
}

/// Whether a restore that has not ended is about the machine, about a snapshot of it, or about the claim.
fn concerns(
    restore: &Value,
    journey: &Journey,
    kept: &Kept,
    snapshots: &[&Value],
    facts: &Facts,
    namespace: &str,
) -> bool {
    let failed = condition(restore, "Failure").is_some_and(|(holds, _, _)| holds);
    if restore.pointer("/status/complete") == Some(&Value::Bool(true)) || failed && !is_going(restore) {
        return false;
    }
    let source = text(restore, "/spec/virtualMachineSnapshotName")
        .and_then(|name| facts.get(kind::SNAPSHOT, namespace, name))
        .and_then(|snapshot| text(snapshot, "/spec/source/name"));
    let vm = Some(journey.vm.as_str());
    let restores = restore.pointer("/status/restores").and_then(Value::as_array);
    let named = restores.into_iter().flatten().any(|one| {
        let of = text(one, "/volumeSnapshotName");
        text(one, "/persistentVolumeClaim") == Some(&kept.claim)
            || of.is_some() && snapshots.iter().any(|snapshot| text(snapshot, "/metadata/name") == of)
    });
    text(restore, "/spec/target/name") == vm || source == vm || named
}

/// Whether nothing that was taken of a claim is lost with it: its volume stays, or its storage keeps snapshots for
/// themselves. What is not known is not.
fn outlived(claim: &Value, kept: &Kept, facts: &Facts) -> bool {
    if text(claim, "/spec/volumeName").is_none_or(str::is_empty) {
        return true;
    }
    let Some(volume) = volume_of(claim, facts) else { return false };
    let policy = kept.policy.as_deref().or_else(|| text(volume, "/spec/persistentVolumeReclaimPolicy"));
    if policy == Some("Retain") {
        return true;
    }
    let class = text(volume, "/spec/storageClassName").and_then(|class| facts.get(kind::CLASS, "", class));
    let related = Related::of(facts);
    let traced = Traced { related: &related, volume, claim: Some(claim), class };
    backend(driver(volume, Some(claim), class).unwrap_or_default()).place(&traced).snapshots_survive
}

/// A snapshot of a volume, with the snapshot of the machine that it belongs to.
fn shown(snapshot: &Value, facts: &Facts, namespace: &str) -> String {
    let name = text(snapshot, "/metadata/name").unwrap_or_default();
    let owners = snapshot.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let contents: Vec<_> = owners
        .into_iter()
        .flatten()
        .filter(|owner| owner["kind"] == kind::SNAPSHOT_CONTENT)
        .filter_map(|owner| text(owner, "/name"))
        .collect();
    let of = facts.all(kind::SNAPSHOT, namespace).find(|machine| {
        text(machine, "/status/virtualMachineSnapshotContentName").is_some_and(|content| contents.contains(&content))
    });
    match of.and_then(|machine| text(machine, "/metadata/name")) {
        Some(machine) => format!("{name} (of the VirtualMachineSnapshot {machine})"),
        None => name.to_owned(),
    }
}
