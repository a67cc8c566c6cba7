//! A driver that is not known here: what it says of itself is shown, and nothing is concluded from it.

use serde_json::Value;

use super::{Backend, Erased, Growing, Holder, Place, Traced, directory, fibre_channel, iscsi, nfs};
use crate::facts::path;
use crate::text::{MASK, redact};

/// Attributes that say where something is.
const TOLD: [&str; 18] = [
    "server",
    "share",
    "path",
    "subdir",
    "export",
    "pool",
    "poolName",
    "volume",
    "volumeName",
    "image",
    "imageName",
    "dataset",
    "zone",
    "region",
    "node",
    "size",
    "fsType",
    "protocol",
];

pub(super) static BACKEND: Backend =
    Backend { name: "a driver that is not known here", drivers: &[], grows: Growing::Unknown, kinds: &[], locate };

fn locate(traced: &Traced<'_>) -> Place {
    // Some drivers make volumes of a kind that Kubernetes itself can tell.
    let has = |source: &str| path(traced.volume, &["spec", source]).is_some();
    let mut place = if has("local") || has("hostPath") {
        directory::place(traced)
    } else if has("nfs") {
        nfs::stated(traced)
    } else if has("iscsi") {
        (iscsi::BACKEND.locate)(traced)
    } else if has("fc") {
        (fibre_channel::BACKEND.locate)(traced)
    } else {
        Place { at: traced.identifier(), ..Place::new(Holder::Unknown) }
    };
    let attributes = traced.volume.pointer("/spec/csi/volumeAttributes").and_then(Value::as_object);
    for (name, value) in attributes.into_iter().flatten() {
        if let Some(value) = value.as_str() {
            // Whatever else a driver writes there may be a secret.
            let told = TOLD.iter().any(|known| name.eq_ignore_ascii_case(known)) && !value.contains('@');
            let value = if told { redact(value) } else { MASK.to_owned() };
            place.details.push(("attribute", format!("{name}={value}")));
        }
    }
    place.erased = Erased::Unknown;
    if place.holder == Holder::Unknown {
        place.notes.push("the driver's documentation says where its bytes lie".to_owned());
    }
    place
}
