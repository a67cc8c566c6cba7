//! LINSTOR, as Piraeus brings it: DRBD keeps copies on several nodes.

use serde_json::Value;

use super::backend::COPIES;
use super::{Backend, Copy, CopyState, Driver, Growing, Holder, Place, Traced, command};
use crate::facts::{kind, text};

pub(super) static BACKEND: Backend = Backend {
    name: "LINSTOR",
    drivers: &[Driver::Named("linstor.csi.linbit.com")],
    grows: Growing::Grows,
    kinds: &[kind::LINSTOR_SATELLITE],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let resource = traced.identifier();
    let pool = parameter(traced, &["storagePool"]);
    let wanted = parameter(traced, &["placementCount", "autoPlace"]);
    // Where use from other nodes is forbidden, the affinity lists the nodes that have a copy.
    let nodes = traced.affinity(|key| key == "linbit.com/hostname");
    let copies: Vec<_> = nodes
        .iter()
        .map(|node| Copy {
            node: Some((*node).to_owned()),
            at: resource.as_deref().zip(pool).and_then(|(resource, pool)| device(traced, node, pool, resource)),
            state: CopyState::Unknown,
        })
        .collect();
    let mut place = Place::new(Holder::Copies);
    if let (Some("1"), [] | [_]) = (wanted, nodes.as_slice()) {
        place.holder = Holder::Node(nodes.first().map(|node| (*node).to_owned()));
        if nodes.is_empty() {
            place.notes.push("it has one copy, and only LINSTOR knows on which node".to_owned());
        }
    }
    place.copies = copies;
    place.details.extend(wanted.map(|count| (COPIES, count.to_owned())));
    place.details.extend(pool.map(|pool| ("storage pool", pool.to_owned())));
    if let Some(resource) = &resource {
        place.look = ["resource", "volume"]
            .map(|what| command("in LINSTOR's controller", &format!("linstor {what} list -r"), &[resource]))
            .into();
    }
    place.at = resource;
    place
}

/// A parameter of the class, which LINSTOR takes with its prefix or without.
fn parameter<'a>(traced: &Traced<'a>, names: &[&str]) -> Option<&'a str> {
    let prefixed = |name: &&str| traced.parameter(&format!("linstor.csi.linbit.com/{name}"));
    names.iter().find_map(|name| prefixed(name).or_else(|| traced.parameter(name)))
}

/// What a copy is on its node. LINSTOR calls it after the resource and the number of the disk in it, of which a claim
/// has one. Source: Piraeus, docs/reference/linstorsatelliteconfiguration.md, also for groups that are not named.
fn device<'a>(traced: &Traced<'a>, node: &'a str, pool: &str, resource: &str) -> Option<String> {
    let satellite = traced.objects(kind::LINSTOR_SATELLITE, node).first()?;
    let pools = satellite.pointer("/spec/storagePools").and_then(Value::as_array)?;
    let found = pools.iter().find(|known| known["name"] == pool)?;
    let of = |pointer| text(found, pointer).filter(|name| !name.is_empty());
    if found.get("lvmPool").is_some() {
        let group = of("/lvmPool/volumeGroup").unwrap_or(pool);
        return Some(format!("/dev/{group}/{resource}_00000"));
    }
    if found.get("lvmThinPool").is_some() {
        let group = of("/lvmThinPool/volumeGroup").map_or_else(|| format!("linstor_{pool}"), str::to_owned);
        return Some(format!("/dev/{group}/{resource}_00000"));
    }
    let pool = of("/zfsPool/zPool").or(of("/zfsThinPool/zPool"))?;
    Some(format!("/dev/zvol/{pool}/{resource}_00000"))
}
