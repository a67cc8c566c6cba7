//! OpenEBS with ZFS: a dataset or a zvol of one node.

use super::{Backend, Driver, Full, Growing, Holder, Place, Traced, command, on};
use crate::facts::{kind, text};

pub(super) static BACKEND: Backend = Backend {
    name: "OpenEBS ZFS",
    drivers: &[Driver::Named("zfs.csi.openebs.io")],
    grows: Growing::Grows,
    kinds: &[kind::ZFS_VOLUME],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let object = traced.objects(kind::ZFS_VOLUME, traced.handle()).first().copied();
    let of = |pointer| object.and_then(|object| text(object, pointer)).filter(|text| !text.is_empty());
    let node = traced.node().or_else(|| of("/spec/ownerNodeID").map(|owner| traced.node_called(owner)));
    let pool = of("/spec/poolName").or(traced.attribute("openebs.io/poolname"));
    let is_device = traced.is_block() || of("/spec/volumeType") == Some("ZVOL");
    let thin = of("/spec/thinProvision").or(traced.parameter("thinprovision"));
    let dataset = match (pool, traced.identifier()) {
        (Some(pool), Some(name)) => Some(format!("{pool}/{name}")),
        (None, name) => name,
        (_, None) => None,
    };
    let list = "zfs list -o name,used,refer,volsize,mountpoint";
    Place {
        look: dataset.iter().map(|name| command(&on(node.as_deref()), list, &[name])).collect(),
        at: dataset.map(|name| if is_device && pool.is_some() { format!("/dev/zvol/{name}") } else { name }),
        full: if thin == Some("yes") { Full::Pauses } else { Full::Reserved },
        ..Place::new(Holder::Node(node))
    }
}
