//! The CSI driver for tests: a directory or a loop file of one node.

use super::{Backend, Driver, Full, Growing, Holder, Place, Traced, command, directory, on};

pub(super) static BACKEND: Backend = Backend {
    name: "CSI hostpath",
    drivers: &[Driver::Named("hostpath.csi.k8s.io")],
    grows: Growing::Grows,
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let node = traced.node();
    Place {
        at: traced.identifier(),
        look: vec![mounted(&on(node.as_deref()), traced.handle())],
        full: Full::Pauses,
        notes: vec![
            "the volume does not name its directory: the driver's pod mounts it as csi-data-dir".to_owned(),
            "it is a driver for tests".to_owned(),
            directory::UNENFORCED.to_owned(),
        ],
        ..Place::new(Holder::Node(node))
    }
}

/// While a volume is in use, the mount tells the directory that it comes from.
pub(super) fn mounted(on: &str, handle: &str) -> String {
    command(on, "findmnt -n -o SOURCE,TARGET | grep -F", &[handle])
}
