//! When a disk was last saved, as far as the cluster shows.
//!
//! A snapshot that outlives its volume, and a backup that the storage itself tells of, save a disk. A snapshot that lies in
//! the volume is lost with it. Velero tells which namespaces it saved, and not which bytes of disks. What other programs keep
//! elsewhere is not seen here.

use std::collections::HashMap;

use serde_json::Value;

use crate::facts::{Facts, is_going, kind, strings, text};
use crate::locate::{Located, Trail};
use crate::status::time::seconds;
use crate::storage::Holder;

/// How a disk is saved, from the worst.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Saved {
    /// Nothing is young enough.
    No,
    /// It could not be read; the reason.
    Unknown(String),
    /// By a snapshot that lies in the volume.
    Inside,
    /// By what outlives the volume.
    Outside,
}

/// All snapshots of the facts, by what they are of.
pub(super) struct Saves<'a> {
    facts: &'a Facts,
    /// Of claims.
    volumes: HashMap<(&'a str, &'a str), Vec<&'a Value>>,
    /// Of machines.
    machines: HashMap<(&'a str, &'a str), Vec<&'a Value>>,
}

impl<'a> Saves<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        let by = |kind: &'a str, of: &str| {
            let mut found: HashMap<_, Vec<_>> = HashMap::new();
            for object in facts.all_of(kind).filter(|object| !is_going(object) && is_ready(object)) {
                if let Some(key) = text(object, "/metadata/namespace").zip(text(object, of)) {
                    found.entry(key).or_default().push(object);
                }
            }
            found
        };
        Self {
            facts,
            volumes: by(kind::VOLUME_SNAPSHOT, "/spec/source/persistentVolumeClaimName"),
            machines: by(kind::SNAPSHOT, "/spec/source/name"),
        }
    }

    /// How a disk is saved by what was made at `since`, in seconds since 1970, or later.
    pub(super) fn of_disk(&self, machine: &Located, disk: &Trail, since: i64) -> Saved {
        let Some(placed) = &disk.place else { return Saved::Unknown("where it lies is not known".to_owned()) };
        let (namespace, claim) = (machine.subject.namespace.as_str(), disk.claim.as_deref().unwrap_or_default());
        let told = placed.place.details.iter().find(|(name, _)| *name == "last backup");
        if told.and_then(|(_, time)| seconds(time)).is_some_and(|time| time >= since) {
            return Saved::Outside;
        }
        // A snapshot of an older claim of this name holds something else.
        let made = self.facts.get(kind::CLAIM, namespace, claim).and_then(|claim| time(claim, "")).unwrap_or(since);
        let since = since.max(made);
        let young = |object: &&&Value| time(object, "/status/creationTime").is_some_and(|time| time >= since);
        let of_claim = self.volumes.get(&(namespace, claim)).into_iter().flatten().filter(young);
        let of_machine = self.machines.get(&(namespace, machine.subject.vm.as_str())).into_iter().flatten();
        let holds =
            |object: &&&Value| strings(object, "/status/snapshotVolumes/includedVolumes").contains(&&*disk.name);
        let outlives = |snapshot: &Value| placed.place.snapshots_survive || self.is_copied(snapshot);
        let all = of_claim.chain(of_machine.filter(young).filter(holds));
        let best = all.map(|one| if outlives(one) { Saved::Outside } else { Saved::Inside }).max();
        if best == Some(Saved::Outside) {
            return Saved::Outside;
        }
        // What lies in the volume may have been copied away: who may not look does not know.
        let own = crate::storage::backend(&placed.driver).kinds.contains(&kind::LONGHORN_VOLUME);
        let unread = self.facts.unknown(kind::VOLUME_SNAPSHOT, namespace);
        let unread = unread.or_else(|| self.facts.unknown(kind::LONGHORN_VOLUME, "").filter(|_| own));
        let unread = unread.or_else(|| self.facts.unknown(kind::SNAPSHOT_CLASS, "").filter(|_| best.is_some()));
        if let Some(unread) = unread {
            return Saved::Unknown(unread.reason.clone());
        }
        if best.is_some() && placed.place.holder == Holder::Unknown {
            return Saved::Unknown(format!("whether snapshots of {} outlive their volumes", placed.driver));
        }
        best.unwrap_or(Saved::No)
    }

    /// The backup of Velero with all objects of a namespace that was begun at `since` or later; of several the youngest.
    ///
    /// # Errors
    /// Why that is not known.
    pub(super) fn of_namespace(&self, namespace: &str, since: i64) -> Result<Option<&'a Value>, String> {
        if let Some(unread) = self.facts.unknown(kind::BACKUP, "") {
            return Err(unread.reason.clone());
        }
        let begun = |backup: &Value| text(backup, "/status/startTimestamp").and_then(seconds);
        let all = self.facts.all_of(kind::BACKUP).filter(|backup| {
            let done = text(backup, "/status/phase") == Some("Completed") && !is_going(backup);
            done && holds_all_of(backup, namespace) && begun(backup).is_some_and(|time| time >= since)
        });
        Ok(all.max_by_key(|backup| begun(backup)))
    }

    /// Whether the class of a snapshot copies it to a place of backups. Source: Longhorn, CSI snapshot support.
    fn is_copied(&self, snapshot: &Value) -> bool {
        let class = text(snapshot, "/spec/volumeSnapshotClassName");
        let class = class.and_then(|class| self.facts.get(kind::SNAPSHOT_CLASS, "", class));
        class.and_then(|class| text(class, "/parameters/type")) == Some("bak")
    }
}

/// Whether a backup of Velero leaves nothing of a namespace out. Source: Velero, pkg/apis/velero/v1/backup_types.go.
fn holds_all_of(backup: &Value, namespace: &str) -> bool {
    let all = |pointer: &str, one: &str| {
        let names = strings(backup, pointer);
        names.is_empty() || names.iter().any(|name| *name == "*" || *name == one)
    };
    let none = |pointer: &str| {
        let value = backup.pointer(pointer);
        value.is_none_or(|value| value.is_null() || value.as_array().is_some_and(Vec::is_empty))
    };
    all("/spec/includedNamespaces", namespace)
        && !strings(backup, "/spec/excludedNamespaces").iter().any(|name| *name == "*" || *name == namespace)
        && ["/spec/includedResources", "/spec/includedNamespaceScopedResources"].iter().all(|list| all(list, "*"))
        && ["Resources", "NamespaceScopedResources", "ClusterScopedResources"]
            .iter()
            .all(|list| none(&format!("/spec/excluded{list}")))
        && ["/spec/labelSelector", "/spec/orLabelSelectors"].iter().all(|selector| none(selector))
}

fn is_ready(snapshot: &Value) -> bool {
    snapshot.pointer("/status/readyToUse") == Some(&Value::Bool(true))
}

/// When something was taken, or else when its object was made.
fn time(object: &Value, pointer: &str) -> Option<i64> {
    let taken = Some(pointer).filter(|pointer| !pointer.is_empty()).and_then(|pointer| text(object, pointer));
    taken.or_else(|| text(object, "/metadata/creationTimestamp")).and_then(seconds)
}
