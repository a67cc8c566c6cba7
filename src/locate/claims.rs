//! The way of a disk with a claim: DataVolume, claim, volume, and where that lies.

use serde_json::Value;

use super::Atlas;
use super::owner::{Dies, dies_with};
use super::trail::{Content, Hop, Placed, Trail};
use super::verdict::{Bytes, of_host, verdicts};
use crate::facts::{Facts, is_going, kind, path, text};
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
    let strange = volume.zip(claim).and_then(|(volume, claim)| belongs_elsewhere(volume, claim));
    let volume = volume.filter(|_| strange.is_none());
    // A claim that is gone, or was made again, may have left volumes behind.
    let left = left_behind(atlas, namespace, claim_name, claim);
    let alone = left.first().copied().filter(|_| claim.is_none() && facts.unknown(kind::CLAIM, namespace).is_none());
    let found = volume.or(alone);
    let class_name = claim.or(found).and_then(|found| text(found, "/spec/storageClassName"));
    let class = class_name.and_then(|name| facts.get(kind::CLASS, "", name));
    let mut hops = Vec::new();
    if let Some(data_volume) = data_volume {
        let phase = text(data_volume, "/status/phase").filter(|phase| !phase.is_empty()).unwrap_or("Pending");
        hops.push(hop(kind::DATA_VOLUME, claim_name, going(data_volume, phase), false));
    } else if let Some(unread) = facts.unknown(kind::DATA_VOLUME, namespace) {
        hops.push(hop(kind::DATA_VOLUME, claim_name, unread.reason.clone(), true));
    }
    hops.push(claim_hop(facts, namespace, claim_name, claim, class, class_name));
    if let Some(found) = found {
        hops.push(volume_hop(found));
    } else if let Some(name) = bound {
        let unread = facts.unknown(kind::VOLUME, "").map(|unread| unread.reason.clone());
        let why = strange.clone().or(unread);
        let why = why.unwrap_or_else(|| "it does not exist: its bytes cannot be reached".to_owned());
        hops.push(hop(kind::VOLUME, name, why, true));
    }
    let place = found.map(|volume| placed(atlas, volume, claim, class));
    let size = claim.and_then(|claim| {
        text(claim, "/status/capacity/storage").or_else(|| text(claim, "/spec/resources/requests/storage"))
    });
    let size = size.or_else(|| text(found?, "/spec/capacity/storage"));
    let dies = dies_with_vm(facts, namespace, claim_name, vm, claim, data_volume, &subject.vm);
    let name_of = |volume: &Value| text(volume, "/metadata/name").unwrap_or_default().to_owned();
    let others = atlas.users.get(&(namespace, claim_name)).map_or(&[][..], Vec::as_slice);
    let mut trail = Trail {
        name: name.to_owned(),
        content,
        hops,
        claim: Some(claim_name.to_owned()),
        volume: found.map(name_of).or_else(|| bound.filter(|_| strange.is_none()).map(str::to_owned)),
        size: size.map(str::to_owned),
        class: class_name.filter(|class| !class.is_empty()).map(str::to_owned),
        place,
        dies_with_vm: dies == Dies::Yes,
        going: [claim, data_volume].into_iter().flatten().any(is_going),
        shared_with: others.iter().filter(|other| **other != subject.vm).map(|other| (*other).to_owned()).collect(),
        left: left.iter().filter(|left| found != Some(**left)).map(|left| name_of(left)).collect(),
        verdicts: Vec::new(),
    };
    let bytes = Bytes {
        atlas,
        subject,
        vm,
        claim,
        data_volume,
        volume: found,
        left: alone.is_some(),
        class,
        dies,
        trail: &trail,
    };
    trail.verdicts = verdicts(&bytes);
    trail
}

/// Whether the disk goes with its VirtualMachine, by its owners, or by a template where owners cannot be seen.
fn dies_with_vm(
    facts: &Facts,
    namespace: &str,
    claim_name: &str,
    vm: Option<&Value>,
    claim: Option<&Value>,
    data_volume: Option<&Value>,
    name: &str,
) -> Dies {
    let dies = dies_with(facts, [claim, data_volume], kind::MACHINE, name);
    let templates = vm.and_then(|vm| vm.pointer("/spec/dataVolumeTemplates")).and_then(Value::as_array);
    let is_one = templates.into_iter().flatten().any(|template| template["metadata"]["name"] == claim_name);
    let unseen = facts.unknown(kind::DATA_VOLUME, namespace).is_some() || claim.is_none();
    if is_one && unseen { Dies::Yes } else { dies }
}

/// A file of the node on which the machine runs.
pub(super) fn host_disk(name: &str, path: &str, instance: Option<&Value>) -> Trail {
    let node = instance.and_then(|instance| text(instance, "/status/nodeName")).map(str::to_owned);
    let place = Place {
        at: Some(path.to_owned()),
        look: vec![storage::command(&storage::on(node.as_deref()), "ls -lsh", &[path])],
        full: storage::Full::Pauses,
        notes: vec!["another node has no such file, or another one".to_owned()],
        ..Place::new(Holder::Node(node))
    };
    let placed = Placed { backend: "a file of the node", driver: "hostDisk".to_owned(), policy: String::new(), place };
    Trail { verdicts: of_host(&placed), place: Some(placed), ..Trail::new(name, Content::HostDisk) }
}

/// Where a volume lies, with what is known of the node that has it.
fn placed(atlas: &Atlas<'_>, volume: &Value, claim: Option<&Value>, class: Option<&Value>) -> Placed {
    let driver = storage::driver(volume, claim, class).unwrap_or("?");
    let backend = storage::backend(driver);
    let traced = Traced { related: &atlas.related, volume, claim, class };
    let mut place = backend.place(&traced);
    if let Holder::Node(Some(node)) = &place.holder {
        if traced.is_gone(node) {
            place.notes.push(format!("there is no node {node} any more: only its disk still has the bytes"));
        } else if traced.is_ready(node) == Some(false) {
            place.notes.push(format!("node {node} is not ready now"));
        }
    }
    Placed {
        backend: backend.name,
        driver: driver.to_owned(),
        policy: text(volume, "/spec/persistentVolumeReclaimPolicy").unwrap_or("Retain").to_owned(),
        place,
    }
}

/// Whose volume it is, if not this claim's: whoever writes a volume's name into a claim does not get it by that.
fn belongs_elsewhere(volume: &Value, claim: &Value) -> Option<String> {
    let Some(owner) = volume.pointer("/spec/claimRef") else {
        return Some("it is not bound to this claim yet".to_owned());
    };
    let part = |at: &str| text(owner, at).unwrap_or_default();
    let own = |at: &str| text(claim, at).unwrap_or_default();
    let named = part("/name") == own("/metadata/name") && part("/namespace") == own("/metadata/namespace");
    let same = part("/uid").is_empty() || own("/metadata/uid").is_empty() || part("/uid") == own("/metadata/uid");
    match (named, same) {
        (true, true) => None,
        (true, false) => Some("it belongs to an older claim of this name".to_owned()),
        (false, _) => Some(format!("it belongs to claim {}/{}", part("/namespace"), part("/name"))),
    }
}

/// The volumes that older claims of this name left behind: those with bytes first, and of these the last one made.
fn left_behind<'a>(atlas: &Atlas<'a>, namespace: &str, name: &str, claim: Option<&Value>) -> Vec<&'a Value> {
    let own = claim.and_then(|claim| text(claim, "/metadata/uid"));
    let is_own = |volume: &Value| own.is_some() && text(volume, "/spec/claimRef/uid") == own;
    let all = atlas.volumes.get(&(namespace, name)).into_iter().flatten().copied();
    let mut left: Vec<_> = all
        .filter(|volume| matches!(text(volume, "/status/phase"), Some("Released" | "Failed")) && !is_own(volume))
        .collect();
    left.sort_by_key(|volume| std::cmp::Reverse(text(volume, "/metadata/creationTimestamp")));
    left
}

fn volume_hop(volume: &Value) -> Hop {
    let phase = text(volume, "/status/phase").unwrap_or("Pending");
    let policy = text(volume, "/spec/persistentVolumeReclaimPolicy").unwrap_or_default();
    let name = text(volume, "/metadata/name").unwrap_or_default();
    hop(kind::VOLUME, name, going(volume, &format!("{phase}, policy {policy}")), false)
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
    if matches!(phase, "Bound" | "Lost") {
        return hop(kind::CLAIM, name, going(claim, phase), phase == "Lost");
    }
    let mode = class.and_then(|class| text(class, "/volumeBindingMode"));
    let chosen = path(claim, &["metadata", "annotations", "volume.kubernetes.io/selected-node"]).is_some();
    let why = match (class_name, class) {
        _ if mode == Some("WaitForFirstConsumer") && !chosen => "not bound yet: waits for first consumer".to_owned(),
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
