//! OpenEBS with directories: one directory of one node.

use super::{Backend, Driver, Growing, Place, Traced, directory};

pub(super) static BACKEND: Backend = Backend {
    name: "OpenEBS hostpath",
    drivers: &[Driver::Named("openebs.io/local")],
    grows: Growing::Pretends("it has no resizer: a directory of the node has no size"),
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    directory::provisioned(traced, "OpenEBS keeps no second copy of it")
}
