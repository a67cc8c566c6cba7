//! Portworx: copies on several nodes, or a disk of a storage array.

use super::backend::COPIES;
use super::{Backend, Driver, Growing, Holder, Place, Traced, command};

pub(super) static BACKEND: Backend = Backend {
    name: "Portworx",
    drivers: &[
        Driver::Named("pxd.portworx.com"),
        Driver::Named("kubernetes.io/portworx-volume"),
        Driver::Named("portworxVolume"),
    ],
    grows: Growing::Grows,
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let id = traced.identifier().or_else(|| traced.shown("/spec/portworxVolume/volumeID"));
    let value = |key: &str| traced.attribute(key).or(traced.parameter(key));
    let mut place = Place::new(Holder::Copies);
    if let Some(array) = value("backend").filter(|backend| backend.starts_with("pure_")) {
        place.holder = Holder::Server("a storage array".to_owned());
        place.details.push(("backend", array.to_owned()));
    } else if let Some(count) = value("repl") {
        place.details.push((COPIES, count.to_owned()));
        if count == "1" {
            place.holder = Holder::Node(None);
            place.notes.push("it has one copy, and only Portworx knows on which node".to_owned());
        }
    }
    place.look = id.iter().map(|id| command("on a Portworx node", "pxctl volume inspect", &[id])).collect();
    place.at = id;
    place
}
