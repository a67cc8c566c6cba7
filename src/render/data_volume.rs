//! A DataVolume for a disk that is filled. It stands alone: one inside the VirtualMachine would die with it.

use serde_json::{Value, json};

use super::claim::storage;
use super::{Kind, Manifest, keep};
use crate::machine::{Disk, Machine, Options, Source};

/// What a source may need besides its address.
pub(super) struct Extras<'a> {
    pub secret: Option<&'a str>,
    pub certificates: Option<&'a str>,
}

fn source_field(source: &Source, extras: &Extras<'_>) -> Value {
    let mut body = match source {
        Source::Registry(url) | Source::Gcs(url) | Source::S3(url) => json!({"url": url}),
        Source::Http(url, None) => json!({"url": url}),
        Source::Http(url, Some(checksum)) => json!({"url": url, "checksum": checksum}),
        Source::Claim(namespace, name) | Source::Snapshot(namespace, name) => {
            json!({"namespace": namespace, "name": name})
        }
    };
    if let Some(secret) = extras.secret {
        body["secretRef"] = json!(secret);
    }
    if let Some(map) = extras.certificates {
        body["certConfigMap"] = json!(map);
    }
    json!({ field(source): body })
}

const fn field(source: &Source) -> &'static str {
    match source {
        Source::Registry(_) => "registry",
        Source::Http(..) => "http",
        Source::Gcs(_) => "gcs",
        Source::S3(_) => "s3",
        Source::Claim(..) => "pvc",
        Source::Snapshot(..) => "snapshot",
    }
}

pub(super) fn manifest(
    machine: &Machine,
    disk: &Disk,
    source: &Source,
    extras: &Extras<'_>,
    options: &Options,
) -> Manifest {
    let verb = match source {
        Source::Claim(..) => "copied from a claim",
        Source::Snapshot(..) => "made from a snapshot",
        Source::Registry(_) | Source::Http(..) | Source::Gcs(_) | Source::S3(_) => "imported",
    };
    let purpose = format!("disk {} of {}: {verb}", disk.name, machine.name);
    let fields = json!({"spec": {"source": source_field(source, extras), "storage": storage(disk)}});
    super::manifest(machine, Kind::DataVolume, &disk.claim, purpose, keep::data_volume(disk, options), fields)
}
