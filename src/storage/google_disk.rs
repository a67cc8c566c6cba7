//! Google's persistent disks: in one zone, or in two of a region.

use super::{Backend, Driver, Full, Growing, Holder, Place, Traced, command, word};

pub(super) static BACKEND: Backend = Backend {
    name: "Google Persistent Disk",
    drivers: &[
        Driver::Named("pd.csi.storage.gke.io"),
        Driver::Named("kubernetes.io/gce-pd"),
        Driver::Named("gcePersistentDisk"),
    ],
    grows: Growing::Grows,
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let mut place = Place { full: Full::Reserved, snapshots_survive: true, ..Place::new(traced.zonal()) };
    let parts: Vec<_> = traced.handle().split('/').collect();
    let describe =
        |place: &str, name: &str| command("anywhere", &format!("gcloud compute disks describe {place}"), &[name]);
    match parts.as_slice() {
        ["projects", project, level @ ("zones" | "regions"), area, "disks", name] => {
            let (option, own) = if *level == "zones" {
                ("--zone", Holder::Zone(Some((*area).to_owned())))
            } else {
                ("--region", Holder::Region(Some((*area).to_owned())))
            };
            place.look = vec![describe(&format!("--project {} {option} {}", word(project), word(area)), name)];
            place.at = traced.identifier();
            if *level == "regions" && !traced.zones().is_empty() {
                place.details.push(("zones", traced.zones().join(", ")));
            }
            place.holder = own;
        }
        _ => {
            place.at = traced.identifier().or_else(|| traced.shown("/spec/gcePersistentDisk/pdName"));
            let zone = match &place.holder {
                Holder::Zone(Some(zone)) => Some(zone.clone()),
                _ => None,
            };
            if let (Some(name), Some(zone)) = (&place.at, zone) {
                place.look = vec![describe(&format!("--zone {}", word(&zone)), name)];
            }
        }
    }
    place
}
