//! A disk of a storage system, reached over iSCSI and made known by an administrator.

use super::{Backend, Driver, Erased, Growing, Holder, Place, Traced, command};
use crate::facts::strings;

pub(super) static BACKEND: Backend = Backend {
    name: "iSCSI",
    drivers: &[Driver::Named("iscsi"), Driver::Named("kubernetes.io/iscsi")],
    grows: Growing::Pretends("an administrator made the volume, and nothing resizes it"),
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let portal = traced.text("/spec/iscsi/targetPortal");
    let mut place = target(portal, traced.text("/spec/iscsi/iqn"), traced.shown("/spec/iscsi/lun").as_deref());
    let portals = strings(traced.volume, "/spec/iscsi/portals");
    if !portals.is_empty() {
        place.details.push(("other portals", portals.join(", ")));
    }
    place.erased = Erased::No(super::FAILED.to_owned());
    place
}

/// A disk behind a portal.
pub(super) fn target(portal: Option<&str>, name: Option<&str>, lun: Option<&str>) -> Place {
    let holder = Holder::Server(portal.unwrap_or("an iSCSI server").to_owned());
    let (Some(portal), Some(name)) = (portal, name) else { return Place::new(holder) };
    let lun = lun.unwrap_or("0");
    let with_port = if portal.rsplit(']').next().is_some_and(|end| end.contains(':')) {
        portal.to_owned()
    } else {
        format!("{portal}:3260")
    };
    // The name that the kubelet itself looks for. Source: Kubernetes, pkg/volume/iscsi.
    let device = format!("/dev/disk/by-path/ip-{with_port}-iscsi-{name}-lun-{lun}");
    Place {
        at: Some(format!("{portal} {name} lun {lun}")),
        look: vec![command("on the node that runs the machine", "lsblk -o NAME,SIZE,FSTYPE,SERIAL", &[&device])],
        ..Place::new(holder)
    }
}
