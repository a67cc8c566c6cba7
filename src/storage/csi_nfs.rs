//! csi-driver-nfs: one directory of an export for each volume.

use super::{Backend, Driver, Erased, Growing, Place, Traced, nfs};

pub(super) static BACKEND: Backend = Backend {
    name: "NFS (CSI)",
    drivers: &[Driver::Named("nfs.csi.k8s.io")],
    grows: Growing::Pretends("it changes the number and nothing else: the export has no quota"),
    kinds: &[],
    locate,
};

/// What a handle tells.
struct Handle<'a> {
    server: &'a str,
    share: &'a str,
    directory: &'a str,
    on_delete: &'a str,
}

fn locate(traced: &Traced<'_>) -> Place {
    let handle = decode(traced.handle());
    let server = traced.attribute("server").or(handle.as_ref().map(|handle| handle.server));
    let share = traced.attribute("share").or(handle.as_ref().map(|handle| handle.share));
    // A directory whose name was to be filled in stands filled in only in the handle.
    let directory = traced
        .attribute("subdir")
        .filter(|directory| !directory.contains("${"))
        .or(handle.as_ref().map(|handle| handle.directory))
        .unwrap_or_default();
    let path = share.map(|share| {
        let share = share.trim_matches('/');
        [share, directory.trim_matches('/')]
            .iter()
            .filter(|part| !part.is_empty())
            .fold(String::new(), |path, part| format!("{path}/{part}"))
    });
    let mut place = nfs::export(traced, server, path.as_deref());
    place.erased = erased(handle.as_ref());
    // A snapshot is an archive of its own in the export.
    place.snapshots_survive = true;
    place.notes.push("its size is not enforced: the export has no quota".to_owned());
    place
}

/// `server#share#directory#uuid#onDelete`; the driver's first form was `server/share/directory`.
fn decode(handle: &str) -> Option<Handle<'_>> {
    let parts: Vec<_> = handle.split('#').collect();
    if let [server, share, directory, rest @ ..] = parts.as_slice() {
        return Some(Handle { server, share, directory, on_delete: rest.get(1).copied().unwrap_or_default() });
    }
    let (server, rest) = handle.split_once('/')?;
    let (share, directory) = rest.rsplit_once('/')?;
    let whole = !server.is_empty() && !directory.is_empty() && !handle.contains('#');
    whole.then_some(Handle { server, share, directory, on_delete: "" })
}

/// What it does is written in the handle; what the attributes say does not count. Source: its
/// pkg/nfs/controllerserver.go.
fn erased(handle: Option<&Handle<'_>>) -> Erased {
    let Some(handle) = handle else {
        return Erased::No("the driver cannot read its handle, and deletes nothing".to_owned());
    };
    match handle.on_delete.to_ascii_lowercase().as_str() {
        "retain" => Erased::No("the driver is told to keep the directory as it is".to_owned()),
        "archive" => {
            let name = handle.directory.trim_matches('/');
            Erased::No(format!("the driver keeps the directory as archived-{name} in the export"))
        }
        _ => Erased::Yes,
    }
}
