//! Going back to a snapshot: the machine gets new claims, and the old ones stay.
//!
//! KubeVirt deletes in one case: the DataVolumes of `dataVolumeTemplates` that the machine has then no more, with their
//! claims; and the claim with the state of its TPM and firmware. Source: KubeVirt, pkg/storage/snapshot/restore.go,
//! deleteObsoleteVolumes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::names::names;
use super::obstacle::{refusals, runs};
use super::view::{View, restored};
use crate::facts::{Facts, MANAGER, Record, claim_of, is_going, kind, path, text, volumes};
use crate::plan::Refusal;
use crate::status::Subject;

/// The annotation of a machine that was stopped for a restore: the run strategy that it had.
pub const RUNS: &str = "vm.novasphere.dev/runs-after-restore";
/// The annotation of a restore that came to its end: the claims and the record agree.
pub const SETTLED: &str = "vm.novasphere.dev/settled";
/// The annotation by which CDI takes a claim for that of a DataVolume of this name, without filling it again.
pub const POPULATED: &str = "cdi.kubevirt.io/storage.populatedFor";
/// The label of what this tool made.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// What the command line asks for.
#[derive(Debug, Clone, Copy)]
pub struct RestoreWish<'w> {
    /// Whether a machine that runs is stopped, and started again.
    pub stop: bool,
    /// Claims whose data may be deleted.
    pub delete_data: &'w [String],
    /// The fields that the server knows in the spec of a VirtualMachineRestore.
    pub fields: &'w BTreeSet<String>,
}

/// A disk that goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// Its name in the machine.
    pub disk: String,
    /// The claim that it had when the snapshot was taken.
    pub source: String,
    /// The claim that it has now; none if the machine has no such disk now.
    pub old: Option<String>,
    /// The claim that it will have; none if KubeVirt chooses the name.
    pub new: Option<String>,
    /// Whether the file makes it from an image: it may be wanted as a DataVolume.
    pub image: bool,
    /// Whether the record of the Wukong knows it.
    pub recorded: bool,
}

/// A way back that is about to be gone.
#[derive(Debug, Clone)]
pub struct Restoration {
    /// The VirtualMachineRestore.
    pub name: String,
    /// The snapshot.
    pub snapshot: String,
    /// Whether it was begun by a run that did not come to its end.
    pub resumed: bool,
    /// The Wukong whose record is to agree, if there is one.
    pub wukong: Option<String>,
    /// What is asked for; `null` for what is asked for already.
    pub body: Value,
    /// The disks that go back.
    pub disks: Vec<Back>,
    /// Claims that are kept and unused then.
    pub kept: Vec<String>,
    /// Whether the machine's templates are taken out first, so that KubeVirt deletes no DataVolume.
    pub release: bool,
    /// Whether the machine is to be stopped.
    pub stop: bool,
    /// What is not as it might be thought: sentences.
    pub notes: Vec<String>,
    /// Why it is not done.
    pub refusals: Vec<Refusal>,
}

/// Plans the way back to a snapshot. `content` is its VirtualMachineSnapshotContent.
pub fn restoration(
    facts: &Facts,
    subject: &Subject,
    vm: &Value,
    snapshot: &View,
    content: &Value,
    wish: &RestoreWish<'_>,
) -> Restoration {
    let namespace = subject.namespace.as_str();
    let owner = record(facts, subject);
    let begun = facts.all(kind::RESTORE, namespace).find(|restore| is_begun(restore, subject, snapshot));
    let mut plan = Restoration {
        name: String::new(),
        snapshot: snapshot.name.clone(),
        resumed: begun.is_some(),
        wukong: owner.as_ref().map(|(name, _)| name.clone()),
        body: Value::Null,
        disks: Vec::new(),
        kept: Vec::new(),
        release: vm.pointer("/spec/dataVolumeTemplates").and_then(Value::as_array).is_some_and(|all| !all.is_empty()),
        stop: wish.stop && runs(facts, subject, vm) && begun.is_none_or(|restore| !restored(restore).done),
        notes: Vec::new(),
        refusals: refusals(facts, subject, vm, snapshot, begun, wish),
    };
    let backups: Vec<_> = backups(content).collect();
    let was = content.pointer("/spec/source/virtualMachine").unwrap_or(&Value::Null);
    let taken: Vec<_> =
        backups.iter().filter_map(|backup| text(backup, "/persistentVolumeClaim/metadata/name")).collect();
    let (name, new) = names(facts, namespace, &subject.vm, &taken);
    plan.name = begun.and_then(|restore| text(restore, "/metadata/name")).map_or(name, str::to_owned);
    let named = wish.fields.contains("volumeRestoreOverrides");
    for (backup, new) in backups.iter().zip(new) {
        let disk = text(backup, "/volumeName").unwrap_or_default();
        let of = |vm: &Value| volumes(vm).iter().find(|volume| text(volume, "/name") == Some(disk)).cloned();
        let source = text(backup, "/persistentVolumeClaim/metadata/name").unwrap_or_default();
        let now = of(vm).and_then(|volume| claim_of(&volume).map(str::to_owned));
        // KubeVirt may have given the machine its new claims already: what it had is then in the record.
        let before = || owner.as_ref().and_then(|(_, record)| record.claims.get(disk).cloned());
        let old = match now.as_ref().filter(|now| begun.is_some_and(|restore| made(restore, now))) {
            Some(now) => Some(before().filter(|before| before != now).unwrap_or_else(|| source.to_owned())),
            None => now,
        };
        let recorded = owner.as_ref().is_some_and(|(_, record)| record.claims.contains_key(disk));
        let filled = path(backup, &["persistentVolumeClaim", "metadata", "annotations"]).and_then(Value::as_object);
        let image = of(was).is_some_and(|volume| volume.get("dataVolume").is_some())
            || filled.is_some_and(|all| all.keys().any(|key| key.starts_with("cdi.kubevirt.io/")))
            || owner.as_ref().is_some_and(|(_, record)| record.made(kind::DATA_VOLUME, source).is_some());
        // The state of the TPM is found by its label, under any name.
        let is_state = of(vm).is_none() && of(was).is_none();
        let new = Some(new).filter(|_| named && !is_state);
        plan.disks.push(Back {
            disk: disk.to_owned(),
            source: source.to_owned(),
            old,
            new,
            image: image && !is_state,
            recorded,
        });
    }
    plan.kept = plan.disks.iter().filter_map(|disk| disk.old.clone()).collect();
    plan.body = if begun.is_some() { Value::Null } else { body(&plan, subject, snapshot, wish) };
    plan.notes = notes(vm, was, &plan);
    plan
}

/// What was taken of each claim. The dump of a machine's memory is not given back.
fn backups(content: &Value) -> impl Iterator<Item = &Value> {
    let all = content.pointer("/spec/volumeBackups").and_then(Value::as_array);
    let was = content.pointer("/spec/source/virtualMachine").map(volumes).unwrap_or_default();
    let is_dump = |name: &Value| was.iter().any(|volume| volume["name"] == *name && volume.get("memoryDump").is_some());
    all.into_iter().flatten().filter(move |backup| !is_dump(&backup["volumeName"]))
}

/// The Wukong of a machine, and its record, also where the machine was named as a VirtualMachine.
fn record(facts: &Facts, subject: &Subject) -> Option<(String, Record)> {
    if let (Some(wukong), Some(record)) = (&subject.wukong, &subject.record) {
        return Some((wukong.clone(), record.clone()));
    }
    let vm = facts.get(kind::MACHINE, &subject.namespace, &subject.vm).and_then(|vm| text(vm, "/metadata/uid"))?;
    facts.all(kind::CONFIG_MAP, &subject.namespace).find_map(|map| {
        let wukong = text(map, "/metadata/name")?.strip_prefix("wukong-")?;
        let record = Record::read(map).ok()?;
        let made = record.made(kind::MACHINE, &subject.vm)?.uid.as_deref() == Some(vm);
        made.then(|| (wukong.to_owned(), record))
    })
}

/// Whether a restore is one that this tool began, to this snapshot, and did not end.
fn is_begun(restore: &Value, subject: &Subject, snapshot: &View) -> bool {
    let ours = path(restore, &["metadata", "labels", MANAGED_BY]).is_some_and(|by| by == MANAGER);
    let settled = path(restore, &["metadata", "annotations", SETTLED]).is_some();
    let seen = restored(restore);
    ours && !settled && !seen.failed && !is_going(restore) && seen.vm == subject.vm && seen.snapshot == snapshot.name
}

/// Whether a claim came out of a restore.
fn made(restore: &Value, claim: &str) -> bool {
    restored(restore).claims.iter().any(|(_, made)| made == claim)
}

fn body(plan: &Restoration, subject: &Subject, snapshot: &View, wish: &RestoreWish<'_>) -> Value {
    let mut spec = json!({
        "target": {"apiGroup": "kubevirt.io", "kind": kind::MACHINE, "name": subject.vm},
        "virtualMachineSnapshotName": snapshot.name,
    });
    // Never `InPlace`, which deletes the claims that are there.
    if wish.fields.contains("volumeOwnershipPolicy") {
        spec["volumeOwnershipPolicy"] = json!("None");
    }
    let overrides: Vec<_> = plan
        .disks
        .iter()
        .filter_map(|disk| {
            let new = disk.new.as_ref()?;
            let mut one = json!({"volumeName": disk.disk, "restoreName": new});
            if disk.image {
                one["annotations"] = json!({POPULATED: new});
            }
            Some(one)
        })
        .collect();
    if !overrides.is_empty() {
        spec["volumeRestoreOverrides"] = json!(overrides);
    }
    json!({
        "apiVersion": "snapshot.kubevirt.io/v1beta1",
        "kind": kind::RESTORE,
        "metadata": {"name": plan.name, "namespace": subject.namespace, "labels": {MANAGED_BY: MANAGER}},
        "spec": spec,
    })
}

fn notes(vm: &Value, was: &Value, plan: &Restoration) -> Vec<String> {
    let mut notes = Vec::new();
    let names = |vm: &Value| -> BTreeSet<String> {
        let with = volumes(vm).iter().filter(|volume| claim_of(volume).is_some());
        with.filter_map(|volume| text(volume, "/name").map(str::to_owned)).collect()
    };
    let back: BTreeSet<_> = plan.disks.iter().map(|disk| disk.disk.clone()).collect();
    let (now, then) = (names(vm), names(was));
    let listed = |set: Vec<&String>| set.into_iter().cloned().collect::<Vec<_>>().join(", ");
    let attached: Vec<_> = now.difference(&then).collect();
    if !attached.is_empty() {
        notes.push(format!("{} came after the snapshot: detached, and kept", listed(attached)));
    }
    let still: Vec<_> = then.intersection(&now).filter(|name| !back.contains(*name)).collect();
    if !still.is_empty() {
        notes.push(format!("{} is not in the snapshot, and keeps what it holds now", listed(still)));
    }
    let changed = changed(vm, was);
    if !changed.is_empty() {
        notes.push(format!("the machine itself goes back too: {}", changed.join(", ")));
    }
    if plan.release {
        notes.push(
            "its dataVolumeTemplates are taken out first: KubeVirt would delete their DataVolumes, with the disks"
                .to_owned(),
        );
    }
    let metadata = |key: &str| path(vm, &["metadata", key]).and_then(Value::as_object);
    let managed = ["labels", "annotations"].into_iter().filter_map(metadata).flat_map(|all| all.keys());
    let tool = managed.into_iter().find_map(|key| {
        let known = [
            ("argocd.argoproj.io/", "Argo CD"),
            ("kustomize.toolkit.fluxcd.io/", "Flux"),
            ("helm.toolkit.fluxcd.io/", "Flux"),
        ];
        known
            .into_iter()
            .find(|(start, _)| key.starts_with(start) && !key.ends_with("-options") && !key.ends_with("/prune"))
            .map(|(_, tool)| tool)
    });
    if let Some(tool) = tool {
        notes.push(format!(
            "{tool} manages the machine, and puts the old claims back unless its files name the new ones"
        ));
    }
    notes
}

/// The parts of a machine that are not as they were, besides its volumes.
fn changed(vm: &Value, was: &Value) -> Vec<&'static str> {
    const PARTS: [(&str, &str); 6] = [
        ("/spec/template/spec/domain/cpu", "CPU"),
        ("/spec/template/spec/domain/memory", "memory"),
        ("/spec/template/spec/domain/devices/interfaces", "network cards"),
        ("/spec/template/spec/networks", "networks"),
        ("/spec/template/spec/nodeSelector", "node selector"),
        ("/spec/template/spec/domain/devices/disks", "list of disks"),
    ];
    // Facts from a file hold too little of a machine to compare it.
    if was.pointer("/spec/template/spec/domain").is_none() {
        return Vec::new();
    }
    PARTS.into_iter().filter(|(at, _)| vm.pointer(at) != was.pointer(at)).map(|(_, name)| name).collect()
}

#[cfg(test)]
#[path = "restore_tests.rs"]
mod tests;
