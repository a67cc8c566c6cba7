//! How large the claim must be that a disk moves to.

use serde_json::Value;

use super::scene::Disk;
use crate::facts::{Facts, bytes_at, path};
use crate::plan::{claim_size, readable};
use crate::quantity::Quantity;

/// What a claim notes of the size that its guest sees, in bytes.
pub(super) const GUEST_SIZE: &str = "vm.novasphere.dev/guest-size";

/// The bytes that a disk's guest can see at most; none if they cannot be known.
///
/// A block device is all of what was really provisioned. A file on a file system is at most what was asked for: where a
/// DataVolume or an earlier move says what the guest sees, that; else the whole claim, because KubeVirt makes the file of
/// an empty claim as large as it can.
pub(super) fn guest_bytes(disk: &Disk<'_>, facts: &Facts) -> Option<u64> {
    let claim = disk.claim?;
    let capacity = bytes_at(claim, "/status/capacity/storage");
    let request = bytes_at(claim, "/spec/resources/requests/storage");
    if disk.is_block() {
        return capacity.or(request);
    }
    let noted = path(claim, &["metadata", "annotations", GUEST_SIZE]).and_then(Value::as_str);
    let noted = noted.and_then(|text| text.parse::<u64>().ok());
    let filled = disk.data_volume.and_then(|volume| bytes_at(volume, "/spec/storage/resources/requests/storage"));
    let request = request?;
    // A claim that was grown since holds more than what it was made for.
    let class = disk.class().unwrap_or_default();
    let known =
        noted.or(filled).filter(|known| *known <= request && claim_size(*known, false, class, facts) >= request);
    Some(known.unwrap_or(request))
}

/// What the claim of the new class asks for, so that the guest sees as much.
pub(super) fn request(guest: u64, volume_mode: &str, class: &str, facts: &Facts) -> String {
    readable(claim_size(guest, volume_mode == "Block", class, facts))
}

/// A quantity in bytes; none if it is none.
pub(super) fn bytes(quantity: &str) -> Option<u64> {
    Quantity::parse(quantity).ok()?.units()
}

/// The larger of a quantity and of what a claim asks for.
pub(super) fn at_least(size: &str, claim: &Value) -> String {
    let request = bytes_at(claim, "/spec/resources/requests/storage").unwrap_or_default();
    readable(bytes(size).unwrap_or_default().max(request))
}
