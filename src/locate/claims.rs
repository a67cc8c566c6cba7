//! The way of a disk with a claim: DataVolume, claim, volume, and where that lies.

use serde_json::Value;

use super::Atlas;
use super::owner::dies_with;
use super::trail::{Content, Hop, Placed, Trail};
use super::verdict::{Bytes, of_host, verdicts};
use crate::facts::{Facts, is_going, kind, text};
use crate::status::Subject;
use crate::storage::{self, Holder, Place, Traced};

/// Follows a claim.
pub(super) fn claimed(
    atlas: &Atlas<'_>,
    subject: &Subject,
    vm: Option<&Value>,
    name: &str,
    content: Content,
    claim_name: &str,
) -> Trail {
    let facts = atlas.facts;
    let namespace = subject.namespace.as_str();
    let claim = facts.get(kind::CLAIM, namespace, claim_name);
    let data_volume = facts.get(kind::DATA_VOLUME, namespace, claim_name);
    let bound = claim.and_then(|claim| text(claim, "/spec/volumeName")).filter(|name| !name.is_empty());
    let volume = bound.and_then(|name| facts.get(kind::VOLUME, "", name));
    // A claim that is gone may have left its volume behind.
    let left = if claim.is_none() { left_behind(atlas, namespace, claim_name) } else { None };
    let class_name = claim.or(left).and_then(|found| text(found, "/spec/storageClassName"));
    let class = class_name.and_then(|name| facts.get(kind::CLASS, "", name));
    let mut hops = Vec::new();
    if let Some(data_volume) = data_volume {
        let phase = text(data_volume, "/status/phase").filter(|phase| !phase.is_empty()).unwrap_or("Pending");
        hops.push(hop(kind::DATA_VOLUME, claim_name, going(data_volume, phase), false));
    } else if let Some(unread) = facts.unknown(kind::DATA_VOLUME, namespace) {
        hops.push(hop(kind::DATA_VOLUME, claim_name, unread.reason.clone(), true));
    }
    hops.push(claim_hop(facts, namespace, claim_name, claim, class, class_name));
    if let Some(found) = volume.or(left) {
        let phase = text(found, "/status/phase").unwrap_or("Pending");
        let policy = text(found, "/spec/persistentVolumeReclaimPolicy").unwrap_or_default();
        let name = text(found, "/metadata/name").unwrap_or_default();
        hops.push(hop(kind::VOLUME, name, going(found, &format!("{phase}, policy {policy}")), false));
    } else if let Some(name) = bound {
        let reason = facts
            .unknown(kind::VOLUME, "")
            .map_or("it does not exist: its bytes cannot be reached".to_owned(), |unread| unread.reason.clone());
        hops.push(hop(kind::VOLUME, name, reason, true));
    }
    let found = volume.or(left);
    let place = found.map(|volume| placed(atlas, volume, claim, class));
    let size = claim.and_then(|claim| {
        text(claim, "/status/capacity/storage").or_else(|| text(claim, "/spec/resources/requests/storage"))
    });
    let size = size.or_else(|| text(found?, "/spec/capacity/storage"));
    let dies_with_vm =
        [claim, data_volume].into_iter().flatten().any(|object| dies_with(facts, object, kind::MACHINE, &subject.vm));
    let mut trail = Trail {
        name: name.to_owned(),
        content,
        hops,
        claim: Some(claim_name.to_owned()),
        volume: found.and_then(|volume| text(volume, "/metadata/name")).or(bound).map(str::to_owned),
        size: size.map(str::to_owned),
        class: class_name.filter(|class| !class.is_empty()).map(str::to_owned),
        place,
        dies_with_vm,
        verdicts: Vec::new(),
    };
    let bytes =
        Bytes { atlas, subject, vm, claim, data_volume, volume: found, left: left.is_some(), class, trail: &trail };
    trail.verdicts = verdicts(&bytes);
    trail
}

/// A file of the node on which the machine runs.
pub(super) fn host_disk(name: &str, path: &str, instance: Option<&Value>) -> Trail {
    let node = instance.and_then(|instance| text(instance, "/status/nodeName")).map(str::to_owned);
    let on = node.as_deref().unwrap_or("the node of the machine").to_owned();
    let place = Place {
        at: Some(path.to_owned()),
        look: vec![storage::command(&format!("on {on}"), "ls -lsh", &[path])],
        full: storage::Full::Pauses,
        notes: vec!["another node has no such file, or another one".to_owned()],
        ..Place::new(Holder::Node(node))
    };
    let placed = Placed { backend: "a file of the node", driver: "hostDisk".to_owned(), policy: String::new(), place };
    Trail {
        name: name.to_owned(),
        content: Content::HostDisk,
        hops: Vec::new(),
        claim: None,
        volume: None,
        size: None,
        class: None,
        verdicts: of_host(&placed),
        place: Some(placed),
        dies_with_vm: false,
    }
}

/// Where a volume lies.
pub(super) fn placed(atlas: &Atlas<'_>, volume: &Value, claim: Option<&Value>, class: Option<&Value>) -> Placed {
    let driver = storage::driver(volume, claim, class).unwrap_or("?");
    let backend = storage::backend(driver);
    let traced = Traced { related: &atlas.related, volume, claim, class };
    Placed {
        backend: backend.name,
        driver: driver.to_owned(),
        policy: text(volume, "/spec/persistentVolumeReclaimPolicy").unwrap_or("Retain").to_owned(),
        place: backend.place(&traced),
    }
}

/// The volume that a claim of this name left behind, the last one made. What is bound to another claim is not it.
fn left_behind<'a>(atlas: &Atlas<'a>, namespace: &str, claim: &str) -> Option<&'a Value> {
    let all = atlas.volumes.get(&(namespace, claim))?;
    let free = all.iter().filter(|volume| text(volume, "/status/phase") != Some("Bound"));
    free.max_by_key(|volume| text(volume, "/metadata/creationTimestamp")).copied()
}

fn claim_hop(
    facts: &Facts,
    namespace: &str,
    name: &str,
    claim: Option<&Value>,
    class: Option<&Value>,
    class_name: Option<&str>,
) -> Hop {
    let Some(claim) = claim else {
        let unread = facts.unknown(kind::CLAIM, namespace);
        let why = unread.map_or("it does not exist".to_owned(), |unread| unread.reason.clone());
        return hop(kind::CLAIM, name, why, true);
    };
    let phase = text(claim, "/status/phase").unwrap_or("Pending");
    if phase == "Bound" || text(claim, "/spec/volumeName").is_some_and(|name| !name.is_empty()) {
        return hop(kind::CLAIM, name, going(claim, phase), false);
    }
    let waits = class.and_then(|class| text(class, "/volumeBindingMode")) == Some("WaitForFirstConsumer");
    let why = match (class_name, class) {
        _ if waits => "not bound yet: waits for first consumer".to_owned(),
        (Some(name), None) if facts.unknown(kind::CLASS, "").is_none() => {
            format!("not bound yet: class {name} does not exist")
        }
        _ => "not bound yet".to_owned(),
    };
    hop(kind::CLAIM, name, going(claim, &why), true)
}

fn hop(kind: &'static str, name: &str, state: String, gap: bool) -> Hop {
    Hop { kind, name: name.to_owned(), state, gap }
}

/// A state, with a word if the object is being deleted.
fn going(object: &Value, state: &str) -> String {
    if is_going(object) { format!("{state}, is being deleted") } else { state.to_owned() }
}
