//! Carries out the deletion of a Wukong: halt, wait, delete without what it owns, look that every disk is still there.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::arrival::end;
use super::runtime::pause;
use super::{Delete, Door, Purpose, Reason, Refused, Resource, Wanted, Write, fetch};
use crate::facts::{Record, is_going, text};
use crate::plan::{FIRMWARE, Refusal, Removal};

/// Why a deletion did not come to its end. What is left can be deleted by the same command again.
#[derive(Debug)]
pub enum Unfinished {
    /// The server refused.
    Refused(Box<Refused>),
    /// The guest did not stop, or an object did not go, in time.
    TimedOut(String),
    /// A disk that had to stay is not there. Nothing further is deleted.
    Missing(String),
    /// Data that was named is needed by now. Nothing further is deleted.
    Needed(Vec<Refusal>),
}

impl From<Refused> for Unfinished {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

const PAUSE: Duration = Duration::from_millis(500);

/// Deletes what a removal says. `tell` hears of each step.
///
/// # Errors
/// Why it stopped.
pub async fn remove(
    door: &Door,
    removal: &Removal,
    timeout: Duration,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<(), Unfinished> {
    let namespace = Some(removal.namespace.as_str());
    let manager = Record::manager(&removal.name);
    let write = Write { manager: &manager, force: false, dry_run: false };
    let end = end(timeout);
    if let Some(machine) = &removal.machine {
        let name = text(machine, "/metadata/name").unwrap_or_default();
        let uid = text(machine, "/metadata/uid");
        if is_going(machine) {
            release(door, removal, machine, &write).await?;
        } else {
            halt(door, removal, machine, name, &write).await?;
            tell("stopping");
            let stopped = gone(door, Resource::VirtualMachineInstance, namespace, name, None, end).await?;
            if !stopped {
                return Err(Unfinished::TimedOut(format!(
                    "the guest of {name} did not stop in time; it is told to, and nothing is deleted yet"
                )));
            }
            remember(door, removal, &write).await?;
            release(door, removal, machine, &write).await?;
            let delete = Delete { uid, orphan: true, ..Delete::default() };
            door.delete(Resource::VirtualMachine, namespace, name, &delete).await?;
        }
        if !gone(door, Resource::VirtualMachine, namespace, name, uid, end).await? {
            return Err(Unfinished::TimedOut(format!("the VirtualMachine {name} is not gone yet; its disks stay")));
        }
        tell(&format!("deleted VirtualMachine {name}"));
    }
    for (disk, claim) in &removal.kept {
        let unseen = removal.unseen.contains(claim);
        let found = match door.get(Resource::PersistentVolumeClaim, namespace, claim).await {
            Err(refused) if unseen && refused.reason == Reason::Forbidden => continue,
            answer => answer?,
        };
        let going = found.as_ref().is_some_and(is_going);
        // A DataVolume may not have its claim yet; it is then what stays.
        let is_there = unseen || found.is_some() || door.get(Resource::DataVolume, namespace, claim).await?.is_some();
        if going || !is_there {
            return Err(Unfinished::Missing(format!("the claim {claim} of disk {disk} had to stay, and is not there")));
        }
    }
    if !removal.data.is_empty() {
        let namespaces = [removal.namespace.clone()].into();
        let facts = fetch(door, &Wanted { namespaces, purpose: Purpose::Data, ..Wanted::default() }).await?;
        let objections = removal.objections(&facts);
        if !objections.is_empty() {
            return Err(Unfinished::Needed(objections));
        }
    }
    for thing in removal.things.iter().chain(&removal.data) {
        let Some(kind) = Resource::of(thing) else { continue };
        let name = text(thing, "/metadata/name").unwrap_or_default();
        let delete = Delete { uid: text(thing, "/metadata/uid"), ..Delete::default() };
        if door.delete(kind, namespace, name, &delete).await? {
            tell(&format!("deleted {} {name}", kind.kind()));
        }
    }
    if let Some(record) = &removal.record {
        let delete = Delete { uid: text(record, "/metadata/uid"), ..Delete::default() };
        door.delete(Resource::ConfigMap, namespace, &Record::name(&removal.name), &delete).await?;
    }
    Ok(())
}

/// Notes the firmware's UUID on the claims that stay, for the machine that is made again on them.
async fn remember(door: &Door, removal: &Removal, write: &Write<'_>) -> Result<(), Refused> {
    let Some(uuid) = &removal.identity else { return Ok(()) };
    let patch = json!({"metadata": {"annotations": {FIRMWARE: uuid}}});
    for claim in &removal.noted {
        door.merge(Resource::PersistentVolumeClaim, Some(&removal.namespace), claim, &patch, write).await?;
    }
    Ok(())
}

/// Lets the machine go without the disks that stay. Those that could not be listed may be owned, too.
async fn release(door: &Door, removal: &Removal, machine: &Value, write: &Write<'_>) -> Result<(), Refused> {
    let claims = removal.owned.iter().chain(&removal.unseen).map(String::as_str).collect();
    super::release::release(door, &removal.namespace, machine, claims, write).await
}

/// Tells the machine to stop and not to start again.
async fn halt(door: &Door, removal: &Removal, machine: &Value, name: &str, write: &Write<'_>) -> Result<(), Refused> {
    let old = machine.pointer("/spec/running").is_some_and(Value::is_boolean);
    let spec = if old { json!({"running": false}) } else { json!({"runStrategy": "Halted"}) };
    let patch = json!({"metadata": {"uid": machine["metadata"]["uid"]}, "spec": spec});
    door.merge(Resource::VirtualMachine, Some(&removal.namespace), name, &patch, write).await.map(|_| ())
}

/// Waits until an object, or the one with this UID, is gone.
pub(super) async fn gone(
    door: &Door,
    kind: Resource,
    namespace: Option<&str>,
    name: &str,
    uid: Option<&str>,
    end: Option<Instant>,
) -> Result<bool, Refused> {
    loop {
        match door.get(kind, namespace, name).await? {
            None => return Ok(true),
            Some(found) if uid.is_some() && text(&found, "/metadata/uid") != uid => return Ok(true),
            Some(_) if end.is_some_and(|end| Instant::now() >= end) => return Ok(false),
            Some(_) => pause(PAUSE).await,
        }
    }
}
