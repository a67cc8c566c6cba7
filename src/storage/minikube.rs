//! minikube: a directory inside of its virtual machine or container.

use super::{Backend, Driver, Growing, Place, Traced, directory};

pub(super) static BACKEND: Backend = Backend {
    name: "minikube",
    drivers: &[Driver::Named("k8s.io/minikube-hostpath")],
    grows: Growing::Pretends("it has no resizer"),
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    directory::provisioned(traced, "`minikube delete` deletes it")
}
