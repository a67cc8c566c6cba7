//! The kinds that others bring into a cluster.

use super::{Checks, Server};
use crate::facts::{Facts, kind};

/// A kind, whose it is, what does not work without it, and whether no machine can do without it.
const WANTED: [(&str, &str, &str, bool); 4] = [
    (kind::MACHINE, "KubeVirt", "there are no virtual machines at all", true),
    (kind::DATA_VOLUME, "CDI", "disks with an `image` cannot be made; empty and existing disks can", true),
    (kind::NETWORK, "Multus", "machines with `networks` other than the pod network cannot be made", false),
    (
        kind::VOLUME_SNAPSHOT,
        "the snapshot controller of CSI (external-snapshotter)",
        "no disk can be snapshotted, and images from `snapshot:` addresses cannot be used",
        false,
    ),
];

pub(super) fn look(_: &Facts, server: &Server, checks: &mut Checks) {
    for (kind, owner, breaks, vital) in WANTED {
        match server.kinds.get(kind) {
            Some(Ok(true)) => checks.ok(format!("{kind} is there")),
            Some(Ok(false)) => {
                let message = format!("{kind} is missing: {owner} is not installed");
                let mend = format!("install {owner}");
                if vital { checks.broken(message, breaks, mend) } else { checks.warning(message, breaks, mend) }
            }
            Some(Err(reason)) => checks.unknown(&format!("whether {kind} is there"), reason),
            None => checks.unknown(&format!("whether {kind} is there"), "it was not asked"),
        }
    }
}
