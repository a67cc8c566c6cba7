//! MicroK8s: a directory of one node.

use super::{Backend, Driver, Growing, Place, Traced, directory};

pub(super) static BACKEND: Backend = Backend {
    name: "MicroK8s",
    drivers: &[Driver::Named("microk8s.io/hostpath")],
    grows: Growing::Pretends("it has no resizer"),
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    directory::provisioned(traced, "`microk8s disable hostpath-storage:destroy-storage` deletes it")
}
