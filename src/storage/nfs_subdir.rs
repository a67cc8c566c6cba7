//! nfs-subdir-external-provisioner: one directory of an export for each volume.

use super::{Backend, Driver, Erased, Growing, Place, Traced, nfs};
use crate::facts::kind;

pub(super) static BACKEND: Backend = Backend {
    name: "NFS subdirectories",
    drivers: &[
        Driver::Named("k8s-sigs.io/nfs-subdir-external-provisioner"),
        Driver::Release("nfs-subdir"),
        // Its name before it moved.
        Driver::Release("nfs-client-provisioner"),
        Driver::Named("fuseim.pri/ifs"),
    ],
    grows: Growing::Pretends("it has no resizer, although its chart says that classes may grow"),
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    Place { erased: erased(traced), ..nfs::stated(traced) }
}

/// It asks the class what to do, at the time at which the volume goes. Source: its
/// cmd/nfs-subdir-external-provisioner/provisioner.go.
fn erased(traced: &Traced<'_>) -> Erased {
    if !traced.is_provisioned() {
        return Erased::No(super::FAILED.to_owned());
    }
    if traced.class.is_none() {
        let facts_are_whole = traced.related.is_known(kind::CLASS);
        return if facts_are_whole {
            Erased::No("its class is gone, and without it the provisioner deletes nothing".to_owned())
        } else {
            Erased::Unknown
        };
    }
    match (traced.parameter("onDelete"), traced.parameter("archiveOnDelete")) {
        (Some("delete"), _) => Erased::Yes,
        (Some("retain"), _) => Erased::No("the class says that the directory is kept as it is".to_owned()),
        (_, Some(no)) if ["false", "False", "FALSE", "f", "F", "0"].contains(&no) => Erased::Yes,
        _ => Erased::No(archived(traced.text("/spec/nfs/path"))),
    }
}

/// Where the directory is kept that was at a path.
fn archived(path: Option<&str>) -> String {
    let name = path.and_then(|path| path.trim_end_matches('/').rsplit('/').next()).unwrap_or_default();
    format!("the directory is kept as archived-{name} in the export")
}
