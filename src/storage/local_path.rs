//! local-path-provisioner, as it is and as k3s brings it: a directory of one node.

use super::{Backend, Driver, Growing, Holder, Place, Traced, directory};

pub(super) static BACKEND: Backend = Backend {
    name: "local-path",
    // Its chart names it after the release.
    drivers: &[Driver::Named("rancher.io/local-path"), Driver::Release("local-path")],
    grows: Growing::Pretends("it has no resizer: a directory of the node has no size"),
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    // `defaultVolumeType` of the class or `volumeType` of the claim decides whether it is a hostPath or a local volume.
    let path = traced.text("/spec/local/path").or_else(|| traced.text("/spec/hostPath/path"));
    let place = match traced.node() {
        Some(_) => directory::place(traced),
        // Only with `sharedFileSystemPath` is a volume tied to no node.
        None if traced.volume.pointer("/spec/nodeAffinity").is_none() => {
            let holder = Holder::Server("a file system that the nodes share".to_owned());
            directory::at(traced, path, "on any node", holder)
        }
        None => directory::place(traced),
    };
    Place { erased: traced.erased(), ..place }
}
