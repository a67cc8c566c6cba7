//! Ceph's file system: a directory whose files lie on all disks of its pools. Its NFS servers serve the same.

use serde_json::Value;

use super::{Backend, Driver, Erased, Full, Growing, Holder, Place, Traced, ceph, command};
use crate::facts::kind;

const NAME: &str = "cephfs.csi.ceph.com";
const NFS: &str = "nfs.csi.ceph.com";

pub(super) static BACKEND: Backend = Backend {
    name: "CephFS",
    drivers: &[
        Driver::Suffix(NAME),
        Driver::Suffix(NFS),
        Driver::Named("cephfs"),
        Driver::Named("kubernetes.io/cephfs"),
        Driver::Named("ceph.com/cephfs"),
    ],
    grows: Growing::Grows,
    kinds: &[kind::CEPH_FILE_SYSTEM],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let mut place = Place { full: Full::Hangs, snapshots_survive: true, ..Place::new(Holder::Copies) };
    let handle = ceph::decode(traced.handle());
    let system = traced.attribute("fsName");
    let directory = ["subvolumePath", "rootPath"].iter().find_map(|key| traced.attribute(key));
    let directory = directory.or(traced.text("/spec/cephfs/path"));
    let subvolume = traced.attribute("subvolumeName").map(str::to_owned).or_else(|| {
        let prefix = traced.attribute("volumeNamePrefix").unwrap_or("csi-vol-");
        handle.as_ref().map(|handle| format!("{prefix}{}", handle.id))
    });
    place.at = match (system, directory, &subvolume) {
        (Some(system), Some(directory), _) => Some(format!("{system}:{}", traced.disk(directory))),
        (None, Some(directory), _) => Some(traced.disk(directory)),
        (_, None, Some(subvolume)) => Some(subvolume.clone()),
        (_, None, None) => traced.identifier(),
    };
    place.details.extend(subvolume.iter().map(|name| ("subvolume", name.clone())));
    if let Some(cluster) = traced.attribute("clusterID").or(handle.as_ref().map(|handle| handle.cluster)) {
        place.details.push(("cluster", cluster.to_owned()));
    }
    if let Some(server) = traced.attribute("server") {
        // What its NFS servers call it is no path of the file system.
        let share = traced.attribute("share").unwrap_or_default();
        place.details.push(("served at", format!("{server}:{share}")));
    }
    let driver = traced.text("/spec/csi/driver").unwrap_or_default();
    let tools = ceph::tools(traced, if Driver::Suffix(NFS).is(driver) { NFS } else { NAME });
    place.look = match (system, &subvolume) {
        (Some(system), Some(name)) => {
            let group = directory.and_then(|path| path.strip_prefix("/volumes/")?.split('/').next()).unwrap_or("csi");
            vec![command(tools, "ceph fs subvolume info", &[system, name, group])]
        }
        (Some(system), None) => vec![command(tools, "ceph fs status", &[system])],
        (None, _) => vec![command(tools, "ceph fs status", &[])],
    };
    describe(traced, system, &mut place);
    if traced.attribute("staticVolume") == Some("true") {
        place.erased = Erased::No("the driver does not delete a directory that it did not make".to_owned());
    } else if driver.is_empty() && !traced.is_provisioned() {
        place.erased = Erased::No(super::FAILED.to_owned());
    }
    place
}

/// The data pool of the volume: the one that it names, else the first, which is the default one. Source: Rook, the
/// reference of CephFilesystem: a pool is called after the file system and itself.
fn describe(traced: &Traced<'_>, system: Option<&str>, place: &mut Place) {
    let (Some(system), Some(named)) = (system, traced.attribute("fsName")) else { return };
    let Some(object) = ceph::object(traced, kind::CEPH_FILE_SYSTEM, named) else { return };
    let Some(pools) = object.pointer("/spec/dataPools").and_then(Value::as_array) else { return };
    let wanted = traced.attribute("pool").and_then(|pool| pool.strip_prefix(system)?.strip_prefix('-'));
    let pool = pools.iter().find(|pool| wanted.is_some_and(|name| pool["name"] == name)).or_else(|| pools.first());
    if let Some(pool) = pool {
        ceph::describe(place, pool);
    }
}
