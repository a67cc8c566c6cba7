//! Docker Desktop: a directory inside of its virtual machine, which no file manager of the computer shows.

use super::{Backend, Driver, Growing, Place, Traced, directory};

pub(super) static BACKEND: Backend = Backend {
    name: "Docker Desktop",
    drivers: &[Driver::Named("docker.io/hostpath")],
    grows: Growing::Pretends("it has no resizer"),
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let note = "it lies inside of Docker Desktop's own virtual machine: a reset or purge of its data deletes it";
    directory::provisioned(traced, note)
}
