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
    let wanted = wanted(traced);
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
    if let (Some(1), [] | [_]) = (wanted, nodes.as_slice()) {
        place.holder = Holder::Node(nodes.first().map(|node| (*node).to_owned()));
        if nodes.is_empty() {
            place.notes.push("it has one copy, and only LINSTOR knows on which node".to_owned());
        }
    }
    place.copies = copies;
    place.details.extend(wanted.map(|count| (COPIES, count.to_string())));
    place.details.extend(pool.map(|pool| ("storage pool", pool.to_owned())));
    if let Some(resource) = &resource {
        place.look = ["resource", "volume"]
            .map(|what| command("in LINSTOR's controller", &format!("linstor {what} list -r"), &[resource]))
            .into();
    }
    place.at = resource;
    place
}

/// How many copies the class asks for: one, where it does not say. Nothing if the class is gone.
/// Source: linstor-csi, pkg/volume/parameter.go.
fn wanted(traced: &Traced<'_>) -> Option<usize> {
    traced.class?;
    if let Some(nodes) = parameter(traced, &["nodeList"]) {
        return Some(nodes.split_whitespace().count());
    }
    parameter(traced, &["placementCount", "autoPlace"]).map_or(Some(1), |count| count.parse().ok())
}

/// A parameter of the class, which LINSTOR takes with its prefix or without, in letters of either case.
fn parameter<'a>(traced: &Traced<'a>, names: &[&str]) -> Option<&'a str> {
    let all = traced.class?.get("parameters")?.as_object()?;
    let is =
        |key: &str, name: &str| key.strip_prefix("linstor.csi.linbit.com/").unwrap_or(key).eq_ignore_ascii_case(name);
    let found = names.iter().find_map(|name| all.iter().find(|(key, _)| is(key, name)))?;
    found.1.as_str().filter(|value| !value.is_empty())
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
