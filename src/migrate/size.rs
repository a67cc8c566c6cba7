//! How large the claim must be that a disk moves to.

use serde_json::Value;

use super::scene::Disk;
use crate::facts::{Facts, path, text};
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
    let capacity = bytes(claim, "/status/capacity/storage");
    let request = bytes(claim, "/spec/resources/requests/storage");
    if disk.is_block() {
        return capacity.or(request);
    }
    let noted = path(claim, &["metadata", "annotations", GUEST_SIZE]).and_then(Value::as_str);
    let noted = noted.and_then(|text| text.parse::<u64>().ok());
    let filled = disk.data_volume.and_then(|volume| bytes(volume, "/spec/storage/resources/requests/storage"));
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

/// Bytes as a quantity that people can read.
pub fn shown(bytes: u64) -> String {
    readable(bytes)
}

fn bytes(object: &Value, pointer: &str) -> Option<u64> {
    Quantity::parse(text(object, pointer)?).ok()?.units()
}

/// The larger of a quantity and of what a claim asks for or has.
pub(super) fn at_least(size: &str, claim: &Value) -> String {
    let of = |text: &str| Quantity::parse(text).ok().and_then(|quantity| quantity.units()).unwrap_or_default();
    let request = bytes(claim, "/spec/resources/requests/storage").unwrap_or_default();
    readable(of(size).max(request))
}
