//! An export that an administrator made known, and what all exports have in common.

use super::{Backend, Driver, Erased, Full, Growing, Holder, Place, Traced, command};

pub(super) static BACKEND: Backend = Backend {
    name: "NFS",
    drivers: &[Driver::Named("nfs"), Driver::Named("kubernetes.io/nfs")],
    grows: Growing::Pretends("an administrator made the volume, and nothing resizes it"),
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    Place { erased: Erased::No(super::FAILED.to_owned()), ..stated(traced) }
}

/// The export that the volume itself states.
pub(super) fn stated(traced: &Traced<'_>) -> Place {
    export(traced, traced.text("/spec/nfs/server"), traced.text("/spec/nfs/path"))
}

/// A directory of a server.
pub(super) fn export(traced: &Traced<'_>, server: Option<&str>, directory: Option<&str>) -> Place {
    let path = directory.map(|directory| traced.disk(directory));
    let at = path.as_ref().map(|path| match server {
        Some(address) if address.contains(':') && !address.starts_with('[') => format!("[{address}]:{path}"),
        Some(server) => format!("{server}:{path}"),
        None => path.clone(),
    });
    Place {
        at,
        look: path.iter().map(|path| command("on the NFS server", "ls -lsh", &[path])).collect(),
        full: Full::Pauses,
        ..Place::new(Holder::Server(server.unwrap_or("an NFS server").to_owned()))
    }
}
