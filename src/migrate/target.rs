//! The claims that disks move to.

use serde_json::{Map, Value, json};

use super::scene::Disk;
use super::size::GUEST_SIZE;
use crate::autoexpand::GROWN;
use crate::facts::{Facts, Journey, Moved, kind, path, text};
use crate::machine::MANAGED_LABEL;
use crate::render::is_keep;

/// Of which journey a claim is: the name of the claim that the disk leaves.
pub(super) const MOVED_FROM: &str = "vm.novasphere.dev/moved-from";
/// A claim with content of its own: CDI takes a DataVolume of this name for done, and imports nothing over it.
/// Source: CDI, pkg/controller/common/util.go, AnnPopulatedFor.
pub(super) const POPULATED: &str = "cdi.kubevirt.io/storage.populatedFor";
/// CDI binds and fills a claim without waiting for a pod that wants it.
const IMMEDIATE: &str = "cdi.kubevirt.io/storage.bind.immediate.requested";

/// What the target of a disk has of the claim that it leaves: the marks that keep other tools away from a disk, and whose
/// it is.
fn metadata(moved: &Moved, disk: &Disk<'_>, journey: &Journey, namespace: &str, facts: &Facts) -> Value {
    let mut annotations = Map::new();
    for object in [disk.data_volume, disk.claim].into_iter().flatten() {
        let all = object.pointer("/metadata/annotations").and_then(Value::as_object);
        for (key, value) in all.into_iter().flatten().filter(|(key, _)| is_keep(key)) {
            annotations.insert(key.clone(), value.clone());
        }
    }
    // What was done to the disk by itself is a word about the guest's file system too, which moves along: a growth that
    // the guest has not taken into use is still none.
    if let Some(grown) = disk.claim.and_then(|claim| path(claim, &["metadata", "annotations", GROWN])) {
        annotations.insert(GROWN.into(), grown.clone());
    }
    annotations.insert(MOVED_FROM.into(), json!(moved.from));
    if let Some(bytes) = super::size::guest_bytes(disk, facts) {
        annotations.insert(GUEST_SIZE.into(), json!(bytes.to_string()));
    }
    let mut labels = Map::new();
    if let Some(wukong) = &journey.wukong {
        labels.insert(MANAGED_LABEL.into(), json!(wukong));
    }
    json!({"name": moved.to, "namespace": namespace, "labels": labels, "annotations": annotations})
}

fn storage(moved: &Moved) -> Value {
    json!({
        "storageClassName": moved.class,
        "accessModes": [moved.access_mode],
        "volumeMode": moved.volume_mode,
        "resources": {"requests": {"storage": moved.size}},
    })
}

/// An empty claim that a running guest is copied to.
pub(super) fn blank(moved: &Moved, disk: &Disk<'_>, journey: &Journey, namespace: &str, facts: &Facts) -> Value {
    let mut metadata = metadata(moved, disk, journey, namespace, facts);
    metadata["annotations"][POPULATED] = json!(moved.to);
    json!({"apiVersion": "v1", "kind": kind::CLAIM, "metadata": metadata, "spec": storage(moved)})
}

/// A DataVolume that CDI fills with a copy.
pub(super) fn copy(moved: &Moved, disk: &Disk<'_>, journey: &Journey, namespace: &str, facts: &Facts) -> Value {
    let mut metadata = metadata(moved, disk, journey, namespace, facts);
    metadata["annotations"][IMMEDIATE] = json!("true");
    metadata["annotations"]["cdi.kubevirt.io/storage.deleteAfterCompletion"] = json!("false");
    let mut storage = storage(moved);
    // The size of the claim was computed; CDI would add its overhead to that of `storage` once more.
    storage["resources"] = json!({"requests": {"storage": moved.size}});
    json!({
        "apiVersion": "cdi.kubevirt.io/v1beta1", "kind": kind::DATA_VOLUME, "metadata": metadata,
        "spec": {"source": {"pvc": {"namespace": namespace, "name": moved.from}}, "pvc": storage},
    })
}

/// Whether a claim or a DataVolume of the target's name was made for this disk.
pub(super) fn is_of(object: &Value, moved: &Moved) -> bool {
    let annotations = object.pointer("/metadata/annotations");
    annotations.is_some_and(|all| all.get(MOVED_FROM).is_some_and(|from| *from == moved.from))
}

/// What CDI says of a copy: how far it is.
pub(super) fn progress(volume: &Value) -> String {
    let phase = text(volume, "/status/phase").unwrap_or("new");
    match text(volume, "/status/progress").filter(|progress| *progress != "N/A") {
        Some(progress) => format!("{phase} {progress}"),
        None => phase.to_owned(),
    }
}

/// A name for the claim that a disk moves to: that of the claim that it leaves, counted on.
pub(super) fn name(from: &str, taken: &[String], facts: &Facts, namespace: &str) -> String {
    let (stem, count) = match from.rsplit_once("-m") {
        Some((stem, digits))
            if !stem.is_empty() && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) =>
        {
            (stem, digits.parse::<u32>().unwrap_or(1))
        }
        _ => (from, 1),
    };
    let is_free = |name: &str| {
        !taken.iter().any(|taken| taken == name)
            && facts.get(kind::CLAIM, namespace, name).is_none()
            && facts.get(kind::DATA_VOLUME, namespace, name).is_none()
    };
    let mut count = count;
    loop {
        count = count.saturating_add(1);
        let end = format!("-m{count}");
        // Pods of CDI carry the name in a label.
        let stem: String = stem.chars().take(63 - end.len()).collect();
        let name = format!("{}{end}", stem.trim_end_matches(['-', '.']));
        if is_free(&name) {
            return name;
        }
    }
}
