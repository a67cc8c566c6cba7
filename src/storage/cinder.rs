//! OpenStack Cinder: a disk of the cloud, on whatever keeps its disks.

use super::{Backend, Driver, Full, Growing, Place, Traced, command};

pub(super) static BACKEND: Backend = Backend {
    name: "OpenStack Cinder",
    drivers: &[
        Driver::Named("cinder.csi.openstack.org"),
        Driver::Named("kubernetes.io/cinder"),
        Driver::Named("cinder"),
    ],
    grows: Growing::Grows,
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let id = traced.identifier().or_else(|| traced.shown("/spec/cinder/volumeID"));
    Place {
        look: id.iter().map(|id| command("anywhere", "openstack volume show", &[id])).collect(),
        at: id,
        full: Full::Reserved,
        // Cinder refuses to delete a disk that has snapshots.
        snapshots_survive: true,
        notes: vec!["only OpenStack knows whether its disks have more than one copy".to_owned()],
        ..Place::new(traced.zonal())
    }
}
