//! Longhorn: several nodes, each with a whole copy.

use serde_json::Value;

use super::backend::COPIES;
use super::{Backend, Copy, CopyState, Driver, Full, Growing, Holder, Place, Traced, command, on, word};
use crate::facts::{condition, kind, path, strings, text};

pub(super) static BACKEND: Backend = Backend {
    name: "Longhorn",
    drivers: &[Driver::Named("driver.longhorn.io")],
    grows: Growing::Grows,
    kinds: &[kind::LONGHORN_VOLUME, kind::LONGHORN_REPLICA, kind::LONGHORN_ENGINE],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let name = traced.handle();
    let volume = traced.objects(kind::LONGHORN_VOLUME, name).first().copied();
    let of = |pointer| volume.and_then(|volume| text(volume, pointer)).filter(|text| !text.is_empty());
    let copies: Vec<_> =
        traced.objects(kind::LONGHORN_REPLICA, name).iter().filter_map(|replica| copy(traced, replica)).collect();
    let wanted = volume.and_then(|volume| volume.pointer("/spec/numberOfReplicas").and_then(Value::as_u64));
    let wanted = wanted.or_else(|| traced.attribute("numberOfReplicas")?.parse().ok());
    let is_strict = of("/spec/dataLocality").or(traced.attribute("dataLocality")) == Some("strict-local");
    let mut place = Place::new(holder(&copies, wanted, is_strict));
    place.full = Full::Pauses;
    place.details.push(("volume", name.to_owned()));
    place.details.extend(wanted.map(|count| (COPIES, count.to_string())));
    place.details.extend(of("/status/state").map(|state| ("state", state.to_owned())));
    place.details.extend(of("/status/robustness").map(|state| ("robustness", state.to_owned())));
    if volume.is_some() {
        place.details.push(("last backup", of("/status/lastBackupAt").unwrap_or("none").to_owned()));
    }
    notes(traced, volume, &copies, wanted, &mut place.notes);
    look(name, of("/metadata/namespace"), &copies, &mut place.look);
    place.at = copies.iter().find(|copy| copy.state == CopyState::Healthy).and_then(|copy| copy.at.clone());
    place.at = place.at.or_else(|| traced.identifier());
    place.copies = copies;
    place
}

/// What the cluster shows counts more than what was asked for: copies on one node, or one that is left, are lost with
/// that node.
fn holder(copies: &[Copy], wanted: Option<u64>, is_strict: bool) -> Holder {
    let healthy = copies.iter().filter(|copy| copy.state == CopyState::Healthy);
    let mut nodes: Vec<_> = healthy.map(|copy| copy.node.as_deref()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    match nodes.as_slice() {
        [node] => Holder::Node(node.map(str::to_owned)),
        [] if wanted == Some(1) || is_strict => Holder::Node(copies.first().and_then(|copy| copy.node.clone())),
        _ => Holder::Copies,
    }
}

fn notes(traced: &Traced<'_>, volume: Option<&Value>, copies: &[Copy], wanted: Option<u64>, notes: &mut Vec<String>) {
    let healthy = copies.iter().filter(|copy| copy.state == CopyState::Healthy).count();
    let is_read = volume.is_some() && traced.related.is_known(kind::LONGHORN_REPLICA);
    let wanted = wanted.filter(|wanted| is_read && u64::try_from(healthy).is_ok_and(|healthy| healthy < *wanted));
    notes.extend(wanted.map(|wanted| format!("{healthy} of {wanted} copies are healthy")));
    if volume.is_some_and(|volume| matches!(condition(volume, "Scheduled"), Some((false, _, _)))) {
        notes.push("Longhorn finds no place for a copy".to_owned());
    }
    if volume.and_then(|volume| text(volume, "/status/robustness")) == Some("faulted") {
        notes.push("no copy is fit for use: Longhorn can salvage one that failed".to_owned());
    }
    let is_shared = strings(traced.volume, "/spec/accessModes").contains(&"ReadWriteMany");
    if is_shared && !traced.is_block() {
        notes.push("Longhorn's share manager serves it over NFS, which is no way to move a running machine".to_owned());
    }
}

fn look(name: &str, namespace: Option<&str>, copies: &[Copy], look: &mut Vec<String>) {
    if name.is_empty() {
        return;
    }
    // Without its object nothing tells the namespace that Longhorn is in.
    match namespace.map(word) {
        Some(namespace) => {
            look.push(command("anywhere", &format!("kubectl -n {namespace} get volumes.longhorn.io"), &[name]));
        }
        None => {
            let field = word(&format!("metadata.name={name}"));
            look.push(format!("anywhere: kubectl get volumes.longhorn.io -A --field-selector {field}"));
        }
    }
    let place = namespace.map_or_else(|| "-A".to_owned(), |namespace| format!("-n {}", word(namespace)));
    let label = word(&format!("longhornvolume={name}"));
    look.push(format!("anywhere: kubectl get replicas.longhorn.io {place} -o wide -l {label}"));
    for copy in copies {
        if let Some(directory) = copy.at.as_deref().filter(|at| at.starts_with('/')) {
            look.push(command(&on(copy.node.as_deref()), "ls -lsh", &[directory]));
        }
    }
}

/// One replica, if there is one: none that was not placed yet, and none that only stands in for another while Longhorn
/// moves the volume or replaces its engine.
fn copy(traced: &Traced<'_>, replica: &Value) -> Option<Copy> {
    let of = |pointer| text(replica, pointer).filter(|text| !text.is_empty());
    let node = of("/spec/nodeID")?;
    if replica.pointer("/spec/active") == Some(&Value::Bool(false)) {
        return None;
    }
    let disk = of("/spec/diskPath").map(|disk| disk.trim_end_matches('/'));
    let at = if of("/spec/dataEngine") == Some("v2") {
        // The second engine has no directory: its copy is a logical volume on a raw disk.
        disk.zip(of("/metadata/name")).map(|(disk, name)| format!("{name} on {disk}"))
    } else {
        disk.zip(of("/spec/dataDirectoryName")).map(|(disk, name)| format!("{disk}/replicas/{name}"))
    };
    Some(Copy { node: Some(node.to_owned()), at, state: state(traced, replica, node) })
}

/// While the volume is attached, its engine knows best how a copy is; but what it wrote down may be older than the end
/// of a node.
fn state(traced: &Traced<'_>, replica: &Value, node: &str) -> CopyState {
    let of = |pointer| text(replica, pointer).filter(|text| !text.is_empty());
    let name = of("/metadata/name").unwrap_or_default();
    let engines = traced.objects(kind::LONGHORN_ENGINE, traced.handle());
    let mode = engines.iter().find_map(|engine| path(engine, &["status", "replicaModeMap", name])?.as_str());
    if traced.is_gone(node) {
        return CopyState::Failed;
    }
    match (mode, of("/spec/failedAt"), of("/spec/healthyAt")) {
        (Some("WO"), ..) => CopyState::Rebuilding,
        (Some("RW"), ..) | (None, None, Some(_)) => match traced.is_ready(node) {
            Some(false) => CopyState::Unknown,
            Some(true) | None => CopyState::Healthy,
        },
        (Some(_), ..) | (None, Some(_), _) => CopyState::Failed,
        (None, None, None) => CopyState::Rebuilding,
    }
}
