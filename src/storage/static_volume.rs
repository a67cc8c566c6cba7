//! Disks and directories of nodes that an administrator made known: `local` and `hostPath` volumes.

use super::{Backend, Driver, Erased, Growing, Place, Traced, directory};

/// How the static provisioner calls itself, with the name of the node after it.
const STATIC_PROVISIONER: &str = "local-volume-provisioner";

pub(super) static BACKEND: Backend = Backend {
    name: "static volume",
    drivers: &[
        Driver::Named("kubernetes.io/no-provisioner"),
        Driver::Named("local"),
        Driver::Named("hostPath"),
        Driver::Named("kubernetes.io/host-path"),
        Driver::Prefix(STATIC_PROVISIONER),
    ],
    grows: Growing::Pretends("an administrator made the volume, and nothing resizes it"),
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let mut place = directory::place(traced);
    let provisioner = traced.annotation("pv.kubernetes.io/provisioned-by").unwrap_or_default();
    // Kubernetes' deleter asks no more of a hostPath than that this stands in it. Source: Kubernetes,
    // pkg/volume/hostpath/host_path.go.
    let below_tmp = traced.text("/spec/hostPath/path").is_some_and(|path| {
        path.split_once("/tmp/").is_some_and(|(_, rest)| rest.chars().next().is_some_and(|first| first != '\n'))
    });
    place.erased = if below_tmp {
        place.notes.push("the controller manager deletes it on the machine that itself runs on".to_owned());
        Erased::Yes
    } else if provisioner.starts_with(STATIC_PROVISIONER) {
        place.notes.push("the static provisioner wipes it and offers it again".to_owned());
        Erased::Yes
    } else {
        Erased::No(super::FAILED.to_owned())
    };
    place
}
