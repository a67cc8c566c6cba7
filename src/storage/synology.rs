//! Synology: a disk or a share of a DiskStation.

use super::{Backend, Driver, Growing, Holder, Place, Traced, command};

pub(super) static BACKEND: Backend = Backend {
    name: "Synology",
    drivers: &[Driver::Named("csi.san.synology.com")],
    grows: Growing::Grows,
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let station = traced.attribute("dsm");
    let protocol = traced.attribute("protocol");
    // `//STATION/SHARE`; for NFS the directory on the station stands in `baseDir`.
    let share = traced.attribute("baseDir").or(traced.attribute("source"));
    let shown = share.map(|share| {
        let whole = traced.disk(share);
        if share.starts_with("//") { whole } else { format!("{}:{whole}", station.unwrap_or("the station")) }
    });
    let mut place = Place::new(Holder::Server(station.unwrap_or("a Synology station").to_owned()));
    place.look = match (traced.attribute("baseDir"), protocol) {
        (Some(directory), _) => vec![command("on the Synology station", "ls -lsh", &[&traced.disk(directory)])],
        (None, None | Some("iscsi")) => {
            vec!["on the node that runs the machine: iscsiadm -m session -P 3".to_owned()]
        }
        (None, Some(_)) => Vec::new(),
    };
    place.details.extend(protocol.map(|protocol| ("protocol", protocol.to_owned())));
    place.details.extend(traced.identifier().map(|id| ("identifier", id)));
    place.at = shown.or_else(|| traced.identifier());
    place.notes.push("SAN Manager or Control Panel on the station shows it under its identifier".to_owned());
    place
}
