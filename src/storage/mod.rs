//! What storage drivers do and where they keep bytes, by the driver and never by the name of a class.
//!
//! One file is one kind of storage; [`BACKENDS`] lists them. What a file states about a driver was read in the driver's
//! documentation and code.

mod alibaba_disk;
mod aws_ebs;
mod aws_efs;
mod azure_disk;
mod azure_file;
mod backend;
mod ceph;
mod ceph_fs;
mod ceph_rbd;
mod cinder;
mod class;
mod csi_hostpath;
mod csi_nfs;
mod default;
mod democratic_csi;
mod directory;
mod docker_desktop;
mod fibre_channel;
mod glusterfs;
mod google_disk;
mod growth;
mod hostpath_provisioner;
mod iscsi;
mod linstor;
mod local_path;
mod longhorn;
mod look;
mod mayastor;
mod microk8s;
mod minikube;
mod nfs;
mod nfs_subdir;
mod openebs_hostpath;
mod openebs_lvm;
mod openebs_zfs;
mod portworx;
mod static_volume;
mod synology;
mod topolvm;
mod traced;
mod unknown;
mod vsphere;

#[cfg(test)]
mod tests;

pub use backend::{Backend, Copy, CopyState, Driver, Erased, Full, Holder, Place};
pub use class::of_class;
pub(crate) use default::{DEFAULT, VIRT_DEFAULT, is_marked};
pub use growth::{Growing, cool_down, growing};
pub(crate) use look::{command, on};
pub use traced::{Related, Traced};

use std::collections::BTreeSet;

use serde_json::Value;

use crate::facts::{Facts, kind, path, text};
use crate::text::word;

/// All kinds of storage that are known here.
pub static BACKENDS: [&Backend; 33] = [
    &local_path::BACKEND,
    &docker_desktop::BACKEND,
    &minikube::BACKEND,
    &csi_hostpath::BACKEND,
    &hostpath_provisioner::BACKEND,
    &static_volume::BACKEND,
    &microk8s::BACKEND,
    &longhorn::BACKEND,
    &ceph_rbd::BACKEND,
    &ceph_fs::BACKEND,
    &csi_nfs::BACKEND,
    &nfs_subdir::BACKEND,
    &nfs::BACKEND,
    &iscsi::BACKEND,
    &fibre_channel::BACKEND,
    &aws_ebs::BACKEND,
    &aws_efs::BACKEND,
    &azure_disk::BACKEND,
    &azure_file::BACKEND,
    &google_disk::BACKEND,
    &cinder::BACKEND,
    &vsphere::BACKEND,
    &topolvm::BACKEND,
    &linstor::BACKEND,
    &openebs_hostpath::BACKEND,
    &openebs_lvm::BACKEND,
    &openebs_zfs::BACKEND,
    &mayastor::BACKEND,
    &portworx::BACKEND,
    &democratic_csi::BACKEND,
    &synology::BACKEND,
    &alibaba_disk::BACKEND,
    &glusterfs::BACKEND,
];

/// The kind of storage of a driver; the unknown one if it is not known here.
pub fn backend(driver: &str) -> &'static Backend {
    BACKENDS
        .into_iter()
        .find(|backend| backend.drivers.iter().any(|known| known.is(driver)))
        .unwrap_or(&unknown::BACKEND)
}

/// The kinds in which the storage systems behind the volumes tell where their bytes are.
pub fn kinds(facts: &Facts) -> BTreeSet<&'static str> {
    let drivers = facts.all_of(kind::VOLUME).filter_map(|volume| {
        let class = text(volume, "/spec/storageClassName").and_then(|class| facts.get(kind::CLASS, "", class));
        driver(volume, None, class)
    });
    drivers.flat_map(|driver| backend(driver).kinds).copied().collect()
}

/// In-tree sources of volumes, by their field; as names of drivers they stand for themselves.
const SOURCES: [&str; 15] = [
    "hostPath",
    "local",
    "nfs",
    "iscsi",
    "fc",
    "awsElasticBlockStore",
    "gcePersistentDisk",
    "azureDisk",
    "azureFile",
    "cinder",
    "vsphereVolume",
    "portworxVolume",
    "glusterfs",
    "rbd",
    "cephfs",
];

/// What becomes of a volume that no provisioner made. Source: Kubernetes, pkg/controller/volume/persistentvolume.
const FAILED: &str = "nothing deletes it: Kubernetes marks the volume Failed, and its bytes stay";

/// The driver of a volume: what serves it, else what made it, else the kind of its source, else what its claim and its
/// class name. The class comes last because an administrator may put a volume into any class.
pub fn driver<'a>(volume: &'a Value, claim: Option<&'a Value>, class: Option<&'a Value>) -> Option<&'a str> {
    let noted = |object: Option<&'a Value>, key: &str| {
        path(object?, &["metadata", "annotations", key])?.as_str().filter(|name| !name.is_empty())
    };
    text(volume, "/spec/csi/driver")
        .or_else(|| noted(Some(volume), "pv.kubernetes.io/provisioned-by"))
        .or_else(|| noted(Some(volume), "pv.kubernetes.io/migrated-to"))
        .or_else(|| SOURCES.into_iter().find(|source| path(volume, &["spec", source]).is_some_and(Value::is_object)))
        .or_else(|| noted(claim, "volume.kubernetes.io/storage-provisioner"))
        .or_else(|| noted(claim, "volume.beta.kubernetes.io/storage-provisioner"))
        .or_else(|| class.and_then(|class| text(class, "/provisioner")))
}
