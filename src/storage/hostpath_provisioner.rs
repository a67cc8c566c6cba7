//! KubeVirt's hostpath-provisioner: a directory of one node, in a pool that the cluster names.

use serde_json::Value;

use super::{Backend, Driver, Full, Growing, Holder, Place, Traced, csi_hostpath, directory, on};
use crate::facts::{kind, text};

pub(super) static BACKEND: Backend = Backend {
    name: "hostpath-provisioner",
    // The second is its form before CSI.
    drivers: &[Driver::Named("kubevirt.io.hostpath-provisioner"), Driver::Named("kubevirt.io/hostpath-provisioner")],
    grows: Growing::Pretends("it has no resizer: a directory of the node has no size"),
    kinds: &[kind::HOST_PATH],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    if traced.handle().is_empty() {
        return Place { erased: traced.erased(), ..directory::place(traced) };
    }
    let node = traced.node();
    let place = on(node.as_deref());
    let holder = Holder::Node(node);
    let wanted = traced.attribute("storagePool");
    let details = wanted.iter().map(|pool| ("pool", (*pool).to_owned())).collect();
    match pool(traced, wanted) {
        Some(base) => {
            let path = format!("{}/csi/{}", base.trim_end_matches('/'), traced.handle());
            Place { details, ..directory::at(traced, Some(&path), &place, holder) }
        }
        None => Place {
            at: traced.identifier(),
            details,
            look: vec![csi_hostpath::mounted(&place, traced.handle())],
            full: Full::Pauses,
            notes: vec![
                "the HostPathProvisioner that names the pool's directory could not be read".to_owned(),
                directory::UNENFORCED.to_owned(),
            ],
            ..Place::new(holder)
        },
    }
}

/// The directory of the pool: by its name, or the only one there is.
fn pool<'a>(traced: &Traced<'a>, name: Option<&str>) -> Option<&'a str> {
    let all = traced.all(kind::HOST_PATH).filter_map(|object| object.pointer("/spec/storagePools")?.as_array());
    let mut pools = all.flatten().filter(|pool: &&Value| name.is_none_or(|name| pool["name"] == name));
    match (pools.next(), pools.next()) {
        (Some(pool), None) => text(pool, "/path").filter(|path| !path.is_empty()),
        _ => None,
    }
}
