//! Ceph's block devices: an image, cut into objects that lie on all disks of a pool.

use super::{Backend, Driver, Erased, Full, Growing, Holder, Place, Traced, ceph, command, word};
use crate::facts::kind;

const NAME: &str = "rbd.csi.ceph.com";

pub(super) static BACKEND: Backend = Backend {
    name: "Ceph RBD",
    drivers: &[
        Driver::Suffix(NAME),
        Driver::Named("rbd"),
        Driver::Named("kubernetes.io/rbd"),
        Driver::Named("ceph.com/rbd"),
    ],
    grows: Growing::Grows,
    kinds: &[kind::CEPH_POOL],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let mut place = Place { full: Full::Hangs, snapshots_survive: true, ..Place::new(Holder::Copies) };
    let handle = ceph::decode(traced.handle());
    let pool = traced.attribute("pool").or(traced.text("/spec/rbd/pool"));
    let image = traced.attribute("imageName").or(traced.text("/spec/rbd/image")).map(str::to_owned);
    let image = image.or_else(|| {
        let prefix = traced.attribute("volumeNamePrefix").unwrap_or("csi-vol-");
        handle.as_ref().map(|handle| format!("{prefix}{}", handle.id))
    });
    // An administrator's own image is its own handle.
    let image = image.or_else(|| traced.identifier());
    let tools = ceph::tools(traced, NAME);
    match (pool, &image) {
        (Some(pool), Some(image)) => {
            let namespace = traced.attribute("radosNamespace").map(|name| format!("{name}/")).unwrap_or_default();
            let whole = format!("{pool}/{namespace}{image}");
            place.look = vec![command(tools, "rbd info", &[&whole]), command(tools, "rbd status", &[&whole])];
            place.at = Some(whole);
        }
        (None, Some(image)) => {
            place.look = handle.iter().map(|_| command(tools, "ceph osd pool ls detail", &[])).collect();
            place.at = Some(image.clone());
        }
        (_, None) => {}
    }
    if let Some(cluster) = traced.attribute("clusterID").or(handle.as_ref().map(|handle| handle.cluster)) {
        place.details.push(("cluster", cluster.to_owned()));
    }
    if let (None, Some(handle)) = (pool, &handle) {
        place.details.push(("number of the pool", handle.pool.to_string()));
    }
    // With erasure coding the bytes lie in a pool of their own, and `pool` has only the names.
    let data = traced.attribute("dataPool").or(pool);
    place.details.extend(traced.attribute("dataPool").map(|pool| ("data pool", pool.to_owned())));
    if let Some(object) = data.and_then(|pool| ceph::object(traced, kind::CEPH_POOL, pool)) {
        if let Some(spec) = object.get("spec") {
            ceph::describe(&mut place, spec);
        }
        if let Some(namespace) = crate::facts::text(object, "/metadata/namespace") {
            let kubectl = format!("kubectl -n {} get cephblockpools.ceph.rook.io", word(namespace));
            place.look.push(command("anywhere", &kubectl, &data.into_iter().collect::<Vec<_>>()));
        }
    }
    if traced.attribute("staticVolume") == Some("true") {
        place.erased = Erased::No("the driver does not delete an image that it did not make".to_owned());
    } else if traced.text("/spec/csi/driver").is_none() && !traced.is_provisioned() {
        place.erased = Erased::No(super::FAILED.to_owned());
    }
    place
}
