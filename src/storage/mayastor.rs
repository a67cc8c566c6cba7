//! OpenEBS Mayastor: copies in pools of disks. Which pools has a volume, it keeps to itself.

use super::backend::COPIES;
use super::{Backend, Driver, Growing, Holder, Place, Traced, command};
use crate::facts::{kind, text};

pub(super) static BACKEND: Backend = Backend {
    name: "OpenEBS Mayastor",
    drivers: &[Driver::Named("io.openebs.csi-mayastor")],
    grows: Growing::Grows,
    kinds: &[kind::DISK_POOL],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let wanted = traced.attribute("repl").or(traced.parameter("repl"));
    let mut nodes: Vec<_> = traced.all(kind::DISK_POOL).filter_map(|pool| text(pool, "/spec/node")).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let mut place = Place::new(Holder::Copies);
    match (wanted, nodes.as_slice()) {
        // Where all pools are on one node, so are all copies.
        (_, [node]) => place.holder = Holder::Node(Some((*node).to_owned())),
        (Some("1"), _) => {
            place.holder = Holder::Node(None);
            place.notes.push("it has one copy, and only Mayastor knows on which node".to_owned());
        }
        _ => {}
    }
    place.at = traced.identifier();
    place.details.extend(wanted.map(|count| (COPIES, count.to_owned())));
    if !nodes.is_empty() {
        place.details.push(("nodes with pools", nodes.join(", ")));
    }
    let topology = "kubectl mayastor get volume-replica-topology";
    place.look = place.at.iter().map(|id| command("anywhere", topology, &[id])).collect();
    place
}
