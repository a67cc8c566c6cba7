//! What else is lost with a claim: copies that still read it, a restore that is under way, snapshots that its storage keeps
//! in the volume.

use serde_json::Value;

use crate::facts::{Facts, condition, has_ended, is_going, kind, text, volume_of};
use crate::storage::{Related, Traced, backend, driver};
use crate::text::{command_line, word};

/// A claim that may go.
#[derive(Clone, Copy)]
pub(crate) struct Doomed<'a> {
    /// Its name.
    pub name: &'a str,
    /// The claim itself; none if there is none yet.
    pub claim: Option<&'a Value>,
    /// Its namespace.
    pub namespace: &'a str,
    /// The VirtualMachine whose disk it is or was.
    pub vm: &'a str,
    /// The reclaim policy that its volume will have when it goes, if not the one that it has.
    pub policy: Option<&'a str>,
    /// What is known.
    pub facts: &'a Facts,
}

impl<'a> Doomed<'a> {
    /// What becomes of the snapshots of the claim, as sentences.
    ///
    /// # Errors
    /// Why it must stay, and what helps.
    pub(crate) fn check(self) -> Result<Vec<String>, (String, String)> {
        let Self { facts, namespace, .. } = self;
        if let Some(reader) = self.reader() {
            return Err((format!("{reader} still copies from it"), "wait until that has ended, or delete it".into()));
        }
        let is_taken = |one: &&Value| {
            let is_there = one.pointer("/status/readyToUse") == Some(&Value::Bool(true));
            text(one, "/spec/source/name") == Some(self.vm) && !is_there && !has_ended(one) && !is_going(one)
        };
        if let Some(taken) = facts.all(kind::SNAPSHOT, namespace).find(is_taken) {
            let name = text(taken, "/metadata/name").unwrap_or_default();
            return Err((format!("the snapshot {name} is being taken"), "wait until it is there, or delete it".into()));
        }
        let snapshots: Vec<_> = facts
            .all(kind::VOLUME_SNAPSHOT, namespace)
            .filter(|snapshot| text(snapshot, "/spec/source/persistentVolumeClaimName") == Some(self.name))
            .collect();
        if let Some(restore) = facts.all(kind::RESTORE, namespace).find(|restore| self.concerns(restore, &snapshots)) {
            let name = text(restore, "/metadata/name").unwrap_or_default();
            return Err((format!("the restore {name} is under way"), "wait until it has ended, or delete it".into()));
        }
        let blind =
            [kind::MACHINE, kind::INSTANCE, kind::POD, kind::DATA_VOLUME, kind::CLAIM, kind::SNAPSHOT, kind::RESTORE];
        if let Some(unread) = blind.into_iter().find_map(|kind| facts.unknown(kind, namespace)) {
            let help = format!("ask for the right to list each {}", unread.kind);
            return Err((format!("whether it is used is not known: {}", unread.reason), help));
        }
        let names: Vec<_> = snapshots.iter().map(|snapshot| self.shown(snapshot)).collect();
        let names = names.join(", ");
        if let Some(claim) = self.claim.filter(|claim| !self.outlived(claim)) {
            if !snapshots.is_empty() {
                let volume = text(claim, "/spec/volumeName").unwrap_or("its volume");
                return Err((
                    format!("its snapshots would be lost with {volume}, or are not known to outlive it: {names}"),
                    self.way_out(&snapshots),
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
            return Err((
                format!("snapshots of it are not ready yet: {names}"),
                "wait for them, or delete them".into(),
            ));
        }
        Ok(if names.is_empty() { Vec::new() } else { vec![format!("its snapshots stay: {names}")] })
    }

    /// A DataVolume or a claim that is filled from this one.
    fn reader(self) -> Option<String> {
        let Self { facts, namespace, .. } = self;
        let named = |object: &Value| text(object, "/metadata/name").unwrap_or_default().to_owned();
        let copies = |copy: &&Value| {
            let of = text(copy, "/spec/source/pvc/namespace").is_none_or(|of| of.is_empty() || of == namespace);
            let ended = text(copy, "/status/phase") == Some("Succeeded");
            of && text(copy, "/spec/source/pvc/name") == Some(self.name) && !ended
        };
        if let Some(copy) = facts.all(kind::DATA_VOLUME, namespace).find(copies) {
            return Some(format!("the DataVolume {}", named(copy)));
        }
        let cloned = |other: &&Value| {
            let from = ["dataSource", "dataSourceRef"].into_iter().any(|field| {
                let source = &other["spec"][field];
                source["kind"] == kind::CLAIM && source["name"] == self.name
            });
            from && text(other, "/status/phase") != Some("Bound")
        };
        facts.all(kind::CLAIM, namespace).find(cloned).map(|other| format!("the claim {}", named(other)))
    }

    /// Whether a restore that has not ended is about the machine, about a snapshot of it, or about the claim.
    fn concerns(self, restore: &Value, snapshots: &[&Value]) -> bool {
        let failed = condition(restore, "Failure").is_some_and(|(holds, _, _)| holds);
        if restore.pointer("/status/complete") == Some(&Value::Bool(true)) || failed && !is_going(restore) {
            return false;
        }
        let source = text(restore, "/spec/virtualMachineSnapshotName")
            .and_then(|name| self.facts.get(kind::SNAPSHOT, self.namespace, name))
            .and_then(|snapshot| text(snapshot, "/spec/source/name"));
        let vm = Some(self.vm);
        let restores = restore.pointer("/status/restores").and_then(Value::as_array);
        let named = restores.into_iter().flatten().any(|one| {
            let of = text(one, "/volumeSnapshotName");
            text(one, "/persistentVolumeClaim") == Some(self.name)
                || of.is_some() && snapshots.iter().any(|snapshot| text(snapshot, "/metadata/name") == of)
        });
        text(restore, "/spec/target/name") == vm || source == vm || named
    }

    /// Whether nothing that was taken of a claim is lost with it: its volume stays, or its storage keeps snapshots for
    /// themselves. What is not known is not.
    fn outlived(self, claim: &Value) -> bool {
        if text(claim, "/spec/volumeName").is_none_or(str::is_empty) {
            return true;
        }
        let facts = self.facts;
        let Some(volume) = volume_of(claim, facts) else { return false };
        if self.policy.or_else(|| text(volume, "/spec/persistentVolumeReclaimPolicy")) == Some("Retain") {
            return true;
        }
        let class = text(volume, "/spec/storageClassName").and_then(|class| facts.get(kind::CLASS, "", class));
        let related = Related::of(facts);
        let traced = Traced { related: &related, volume, claim: Some(claim), class };
        backend(driver(volume, Some(claim), class).unwrap_or_default()).place(&traced).snapshots_survive
    }

    /// The snapshot of a machine to which a snapshot of a volume belongs.
    fn whole(self, snapshot: &Value) -> Option<&'a Value> {
        let owners = snapshot.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        let contents: Vec<_> = owners
            .into_iter()
            .flatten()
            .filter(|owner| owner["kind"] == kind::SNAPSHOT_CONTENT)
            .filter_map(|owner| text(owner, "/name"))
            .collect();
        self.facts.all(kind::SNAPSHOT, self.namespace).find(|machine| {
            text(machine, "/status/virtualMachineSnapshotContentName")
                .is_some_and(|content| contents.contains(&content))
        })
    }

    /// A snapshot of a volume, with the snapshot of the machine that it belongs to.
    fn shown(self, snapshot: &Value) -> String {
        let name = text(snapshot, "/metadata/name").unwrap_or_default();
        match self.whole(snapshot).and_then(|whole| text(whole, "/metadata/name")) {
            Some(whole) => format!("{name} (of the VirtualMachineSnapshot {whole})"),
            None => name.to_owned(),
        }
    }

    /// How a person gets rid of snapshots that nobody needs, or learns that they are safe.
    fn way_out(self, snapshots: &[&Value]) -> String {
        let namespace = self.namespace;
        let mut commands: Vec<_> = snapshots
            .iter()
            .map(|snapshot| match self.whole(snapshot) {
                Some(whole) => {
                    let part = |pointer: &str| text(whole, pointer).unwrap_or_default();
                    let vm = format!("vm/{}", part("/spec/source/name"));
                    command_line("snapshot delete", &[&vm, part("/metadata/name")], namespace, "")
                }
                None => {
                    let name = word(text(snapshot, "/metadata/name").unwrap_or_default());
                    format!("kubectl delete volumesnapshot {name} -n {namespace}")
                }
            })
            .collect();
        commands.dedup();
        let right = match self.facts.unknown(kind::VOLUME, "") {
            Some(_) => "ask for the right to list persistentvolumes, which tell; or ",
            None => "",
        };
        format!("{right}delete them first, if nobody needs them: {}", commands.join("; "))
    }
}
