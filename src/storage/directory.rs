//! A directory or a device of a node, as hostPath and local volumes state it.

use super::{Full, Holder, Place, Traced, command, on};

/// What is true of all directories of nodes.
pub(super) const UNENFORCED: &str = "its size is not enforced: one disk can fill the node";

/// Where a volume lies that states a directory or a device of a node.
pub(super) fn place(traced: &Traced<'_>) -> Place {
    let path = traced.text("/spec/local/path").or_else(|| traced.text("/spec/hostPath/path"));
    let node = traced.node();
    at(traced, path, &on(node.as_deref()), Holder::Node(node.clone()))
}

/// The same for a directory that its provisioner deletes, with what else to know of it.
pub(super) fn provisioned(traced: &Traced<'_>, note: &str) -> Place {
    let mut place = place(traced);
    place.erased = traced.erased();
    place.notes.push(note.to_owned());
    place
}

/// The same for a path that another object states.
pub(super) fn at(traced: &Traced<'_>, path: Option<&str>, on: &str, holder: Holder) -> Place {
    // The device of a local volume may be formatted by the kubelet: the disk is a file on it.
    let device = path.filter(|path| traced.is_block() || path.starts_with("/dev/"));
    let at = path.map(|path| if device.is_some() { path.to_owned() } else { traced.disk(path) });
    let look = if device.is_some() { "lsblk -o NAME,SIZE,FSTYPE,MODEL,SERIAL" } else { "ls -lsh" };
    Place {
        look: at.iter().map(|at| command(on, look, &[at])).collect(),
        at,
        full: if device.is_some() { Full::Reserved } else { Full::Pauses },
        notes: if device.is_some() { Vec::new() } else { vec![UNENFORCED.to_owned()] },
        ..Place::new(holder)
    }
}
