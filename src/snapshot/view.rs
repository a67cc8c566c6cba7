//! A snapshot as it is: how far, how consistent, what it holds, what became of it.

use serde_json::Value;

use crate::facts::{Facts, claim_of, condition, is_going, kind, strings, text, volumes};
use crate::status::Subject;
use crate::status::time::since;

/// How far a snapshot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It is being taken, or its driver is not done yet.
    Waiting,
    /// A machine can go back to it.
    Ready,
    /// It will never be.
    Failed,
    /// It is being deleted.
    Going,
}

/// A snapshot of a machine.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: Option<String>,
    /// The VirtualMachine that it is of.
    pub vm: String,
    /// The machine as a person would type it.
    pub shown: String,
    /// When it was taken, as the API writes times.
    pub time: Option<String>,
    /// The same as seconds ago.
    pub age: Option<i64>,
    /// How far it is.
    pub phase: Phase,
    /// What it waits for, or why it failed.
    pub detail: Option<String>,
    /// What KubeVirt says of the machine at that time: `Online`, `GuestAgent`.
    pub indications: Vec<String>,
    /// The volumes that are in it.
    pub included: Vec<String>,
    /// The disks that are not.
    pub missing: Vec<String>,
    /// What becomes of the bytes when it is deleted: `Delete` or `Retain`.
    pub policy: String,
    /// The object that holds what was taken.
    pub content: Option<String>,
    /// Machines that went back to it, or try to.
    pub restores: Vec<Restored>,
}

/// A machine that goes back to a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The VirtualMachineRestore.
    pub name: String,
    /// The machine.
    pub vm: String,
    /// The VirtualMachineSnapshot.
    pub snapshot: String,
    /// Whether it is done.
    pub done: bool,
    /// Whether it failed for ever.
    pub failed: bool,
    /// What KubeVirt says about it.
    pub detail: String,
    /// The new claim of each volume.
    pub claims: Vec<(String, String)>,
}

/// The snapshots of a machine, or all that are known; the last one first.
pub fn views(facts: &Facts, subject: Option<&Subject>, subjects: &[Subject], now: i64) -> Vec<View> {
    let mut all: Vec<_> = facts
        .all_of(kind::SNAPSHOT)
        .filter(|snapshot| {
            subject.is_none_or(|subject| {
                text(snapshot, "/metadata/namespace") == Some(&subject.namespace)
                    && text(snapshot, "/spec/source/name") == Some(&subject.vm)
            })
        })
        .map(|snapshot| view(facts, snapshot, subjects, now))
        .collect();
    all.sort_by(|a, b| (&a.namespace, &a.vm, &b.time, &a.name).cmp(&(&b.namespace, &b.vm, &a.time, &b.name)));
    all
}

/// A snapshot; `subjects` know what people call its machine, and `now` is the time in seconds since 1970.
pub fn view(facts: &Facts, snapshot: &Value, subjects: &[Subject], now: i64) -> View {
    let part = |at: &str| text(snapshot, at).map(str::to_owned);
    let (namespace, name) =
        (part("/metadata/namespace").unwrap_or_default(), part("/metadata/name").unwrap_or_default());
    let vm = part("/spec/source/name").unwrap_or_default();
    let known = subjects.iter().find(|subject| subject.namespace == namespace && subject.vm == vm);
    let error = part("/status/error/message");
    let progress = condition(snapshot, "Progressing").map(|(_, reason, _)| reason.to_owned());
    let failure = condition(snapshot, "Failure").filter(|(holds, _, _)| *holds).map(|(_, reason, _)| reason.to_owned());
    let phase = match part("/status/phase").as_deref() {
        _ if is_going(snapshot) => Phase::Going,
        Some("Failed") => Phase::Failed,
        _ if snapshot.pointer("/status/readyToUse") == Some(&Value::Bool(true)) => Phase::Ready,
        _ => Phase::Waiting,
    };
    let detail = match phase {
        Phase::Ready | Phase::Going => None,
        Phase::Failed => Some([failure, error].into_iter().flatten().collect::<Vec<_>>().join("; ")),
        Phase::Waiting => error.or(progress),
    };
    let machine = facts.get(kind::MACHINE, &namespace, &vm);
    // Cloud-init and the like are always left out, and missed by nobody.
    let is_disk = |name: &str| {
        let volume = machine.and_then(|vm| volumes(vm).iter().find(|volume| text(volume, "/name") == Some(name)));
        volume.is_none_or(|volume| claim_of(volume).is_some() || volume.get("hostDisk").is_some())
    };
    let list = |at: &str| strings(snapshot, at).into_iter().map(str::to_owned).collect::<Vec<_>>();
    View {
        shown: known.map_or_else(|| format!("vm/{vm}"), Subject::shown),
        uid: part("/metadata/uid"),
        time: part("/status/creationTime").or_else(|| part("/metadata/creationTimestamp")),
        age: since(snapshot, "/status/creationTime", now)
            .or_else(|| since(snapshot, "/metadata/creationTimestamp", now)),
        phase,
        detail: detail.filter(|detail| !detail.is_empty()),
        indications: indications(snapshot),
        included: list("/status/snapshotVolumes/includedVolumes"),
        missing: list("/status/snapshotVolumes/excludedVolumes").into_iter().filter(|name| is_disk(name)).collect(),
        policy: part("/spec/deletionPolicy").unwrap_or_else(|| "Delete".to_owned()),
        content: part("/status/virtualMachineSnapshotContentName"),
        restores: restores(facts, &namespace, &name),
        namespace,
        name,
        vm,
    }
}

/// What KubeVirt says of the machine: in the newer list, or in the older one.
fn indications(snapshot: &Value) -> Vec<String> {
    let newer = snapshot.pointer("/status/sourceIndications").and_then(Value::as_array);
    let newer: Vec<_> = newer.into_iter().flatten().filter_map(|one| text(one, "/indication")).collect();
    let all = if newer.is_empty() { strings(snapshot, "/status/indications") } else { newer };
    all.into_iter().map(str::to_owned).collect()
}

fn restores(facts: &Facts, namespace: &str, snapshot: &str) -> Vec<Restored> {
    facts.all(kind::RESTORE, namespace).map(restored).filter(|restore| restore.snapshot == snapshot).collect()
}

/// How far a restore is.
pub fn restored(restore: &Value) -> Restored {
    let part = |at: &str| text(restore, at).unwrap_or_default().to_owned();
    let failure = condition(restore, "Failure").filter(|(holds, _, _)| *holds);
    let detail = failure.or_else(|| condition(restore, "Progressing")).map(|(_, reason, _)| reason.to_owned());
    let claims = restore.pointer("/status/restores").and_then(Value::as_array).into_iter().flatten();
    let claims = claims.filter_map(|claim| {
        Some((text(claim, "/volumeName")?.to_owned(), text(claim, "/persistentVolumeClaim")?.to_owned()))
    });
    Restored {
        name: part("/metadata/name"),
        vm: part("/spec/target/name"),
        snapshot: part("/spec/virtualMachineSnapshotName"),
        done: restore.pointer("/status/complete") == Some(&Value::Bool(true)),
        failed: failure.is_some(),
        detail: detail.unwrap_or_else(|| "not begun yet".to_owned()),
        claims: claims.collect(),
    }
}

/// What an indication says, in words. Source: KubeVirt, pkg/storage/snapshot/snapshot.go, snapshotIndicationMessages.
pub fn indication(name: &str) -> Option<&'static str> {
    Some(match name {
        "Online" => "taken while the machine ran",
        "GuestAgent" => "the guest agent held the file systems still",
        "NoGuestAgent" => "no guest agent answered",
        "Paused" => "the machine was paused",
        "QuiesceFailed" | "QuiesceTimeout" => "the guest agent could not hold the file systems still",
        "PartialSnapshot" => "not all disks are in it",
        _ => return None,
    })
}

/// How consistent the bytes of a snapshot are, in words.
pub fn consistency(indications: &[String]) -> String {
    let has = |name: &str| indications.iter().any(|known| known == name);
    let crash = "the disks are as after a power failure: journals of file systems and databases bring them in order";
    let mut words = match () {
        () if !has("Online") => "the machine did not run: its disks were at rest".to_owned(),
        () if has("QuiesceFailed") || has("QuiesceTimeout") => {
            format!("the guest agent could not hold the file systems still, so {crash}")
        }
        () if has("Paused") => format!("the machine was paused, so {crash}"),
        () if has("GuestAgent") => {
            "the guest agent held the file systems still: they are in order; databases as far as its hooks saw to it"
                .to_owned()
        }
        () => format!("the machine ran without a guest agent, so {crash}"),
    };
    for other in indications.iter().filter(|name| indication(name).is_none()) {
        words.push_str(&format!("; KubeVirt also says {other}"));
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snapshot(status: &Value) -> Value {
        json!({"kind": "VirtualMachineSnapshot", "metadata": {"namespace": "n", "name": "s", "creationTimestamp": "1970-01-01T00:00:10Z"},
            "spec": {"source": {"name": "web-vm"}}, "status": status})
    }

    #[test]
    fn a_snapshot_says_what_it_holds() {
        let mut facts = Facts::default();
        facts.insert(json!({"kind": "VirtualMachine", "metadata": {"namespace": "n", "name": "web-vm"}, "spec": {"template": {"spec": {"volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}}, {"name": "local", "dataVolume": {"name": "web-local"}}, {"name": "cloudinit", "cloudInitNoCloud": {}},
        ]}}}}));
        facts.insert(snapshot(&json!({
            "phase": "Succeeded", "readyToUse": true, "indications": ["Online", "NoGuestAgent"],
            "snapshotVolumes": {"includedVolumes": ["data"], "excludedVolumes": ["cloudinit", "local"]},
        })));
        facts.insert(json!({"kind": "VirtualMachineRestore", "metadata": {"namespace": "n", "name": "r"},
            "spec": {"virtualMachineSnapshotName": "s", "target": {"name": "web-vm"}},
            "status": {"complete": true, "restores": [{"volumeName": "data", "persistentVolumeClaim": "web-data-r1"}]}}));
        let subject = Subject { namespace: "n".into(), vm: "web-vm".into(), wukong: Some("web".into()), record: None };
        let all = views(&facts, Some(&subject), std::slice::from_ref(&subject), 70);
        let view = &all[0];
        assert_eq!((view.shown.as_str(), view.age, view.phase), ("web", Some(60), Phase::Ready));
        assert_eq!((view.included.join(","), view.missing.join(",")), ("data".into(), "local".into()));
        assert!(view.restores[0].done && view.restores[0].claims == [("data".into(), "web-data-r1".into())]);
        assert!(consistency(&view.indications).contains("without a guest agent"));
        assert!(views(&facts, Some(&Subject { vm: "x".into(), ..subject }), &[], 0).is_empty());
    }

    #[test]
    fn a_failure_is_told() {
        let status = json!({"phase": "Failed", "readyToUse": false, "error": {"message": "driver says no"},
            "conditions": [{"type": "Failure", "status": "True", "reason": "snapshot deadline exceeded"}]});
        let view = view(&Facts::default(), &snapshot(&status), &[], 0);
        assert_eq!(
            (view.phase, view.detail.as_deref()),
            (Phase::Failed, Some("snapshot deadline exceeded; driver says no"))
        );
        let waits = json!({"phase": "InProgress", "readyToUse": false, "conditions": [{"type": "Progressing", "status": "False", "reason": "Source not locked"}]});
        let view = super::view(&Facts::default(), &snapshot(&waits), &[], 0);
        assert_eq!((view.phase, view.detail.as_deref()), (Phase::Waiting, Some("Source not locked")));
    }

    #[test]
    fn what_is_new_to_us_is_passed_on() {
        let words = consistency(&["Online".to_owned(), "GuestAgent".to_owned(), "Strange".to_owned()]);
        assert!(
            words.contains("held the file systems still") && words.ends_with("KubeVirt also says Strange"),
            "{words}"
        );
    }
}
