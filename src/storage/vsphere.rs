//! VMware vSphere: a virtual disk in a datastore, or a share of vSAN.

use super::{Backend, Driver, Growing, Holder, Place, Traced, command};

pub(super) static BACKEND: Backend = Backend {
    name: "VMware vSphere",
    drivers: &[
        Driver::Named("csi.vsphere.vmware.com"),
        Driver::Named("kubernetes.io/vsphere-volume"),
        Driver::Named("vsphereVolume"),
    ],
    grows: Growing::Grows,
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let handle = traced.identifier();
    // `[datastore] directory/disk.vmdk`
    let path = traced.text("/spec/vsphereVolume/volumePath");
    let datastore = path.and_then(|path| path.strip_prefix('[')?.split_once(']')).map(|(name, _)| name);
    let holder = datastore.map_or_else(|| "a datastore of vSphere".to_owned(), |name| format!("datastore {name}"));
    let mut place = Place::new(Holder::Server(holder));
    place.look = handle.iter().map(|id| command("anywhere", "govc volume.ls -l -L", &[id])).collect();
    place.at = handle.or_else(|| path.map(str::to_owned));
    let zones = traced.zones();
    if !zones.is_empty() {
        place.details.push(("zones", zones.join(", ")));
    }
    if traced.handle().starts_with("file:") {
        place.notes.push("it is a file share of vSAN".to_owned());
    } else {
        // vSphere refuses to delete a disk that has snapshots.
        place.snapshots_survive = true;
        place.notes.push("the disk lies in one datastore; only vSphere knows whether that has copies".to_owned());
    }
    place
}
