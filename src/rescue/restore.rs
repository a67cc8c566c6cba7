//! What in the cluster could bring a disk back whose node is gone, besides the node itself.

use serde_json::Value;

use crate::facts::{Facts, kind, text};
use crate::locate::Trail;
use crate::status::Subject;
use crate::storage::Holder;
use crate::text::redact;

/// What there is, as sentences; the last resort is always there.
pub(super) fn restore(facts: &Facts, subject: &Subject, disk: &Trail) -> Vec<String> {
    let (namespace, claim) = (subject.namespace.as_str(), disk.claim.as_deref().unwrap_or_default());
    let mut found = Vec::new();
    let details = disk.place.iter().flat_map(|placed| &placed.place.details);
    for (_, at) in details.filter(|(name, at)| *name == "last backup" && !at.starts_with("none")) {
        found.push(format!("its storage has a backup of {at}"));
    }
    let on_node = disk.place.as_ref().is_some_and(|placed| matches!(placed.place.holder, Holder::Node(_)));
    let snapshots = facts.all(kind::VOLUME_SNAPSHOT, namespace).filter(|snapshot| {
        text(snapshot, "/spec/source/persistentVolumeClaimName") == Some(claim)
            && snapshot.pointer("/status/readyToUse") == Some(&Value::Bool(true))
    });
    let made = |snapshot: &&Value| text(snapshot, "/metadata/creationTimestamp").unwrap_or_default().to_owned();
    if let Some(last) = snapshots.max_by_key(made) {
        let name = text(last, "/metadata/name").unwrap_or_default();
        // Local storage keeps a snapshot beside the volume.
        let where_it_is = if on_node { "; it lies beside the volume unless its driver copies it away" } else { "" };
        found.push(format!("VolumeSnapshot {name} of {}{where_it_is}", made(&last)));
    }
    if let Some(image) = facts.get(kind::DATA_VOLUME, namespace, claim).and_then(image) {
        found
            .push(format!("it was filled from {}: that again is the disk without what the guest wrote", redact(image)));
    }
    if subject.wukong.is_some() && !claim.is_empty() {
        found.push(format!(
            "to go on without its data: give disk {} another `claimName` in the file, apply and restart; {claim} stays",
            disk.name
        ));
    }
    found
}

/// The address of the image that a DataVolume was filled from.
fn image(data_volume: &Value) -> Option<&str> {
    ["registry", "http", "gcs", "s3"].iter().find_map(|kind| text(data_volume, &format!("/spec/source/{kind}/url")))
}
