//! Snapshots, for people and for programs.

use owo_colors::Style;
use serde_json::{Value, json};

use super::table::table;
use crate::snapshot::{Phase, Restored, View, consistency};
use crate::status::time::duration;
use crate::text::{Styles, Width};

/// Some snapshots as a table.
pub fn snapshots(all: &[View], wide: bool, many: bool, styles: &Styles, width: Width) -> String {
    let mut head = if many { vec!["NAMESPACE"] } else { Vec::new() };
    head.extend(["MACHINE", "SNAPSHOT", "AGE", "READY", "TAKEN", "DISKS", "RESTORES"]);
    if wide {
        head.extend(["IN IT", "NOT IN IT", "POLICY"]);
    }
    let rows: Vec<_> = all.iter().map(|view| row(view, wide, many, styles)).collect();
    table(&head, &rows, styles, width)
}

fn row(view: &View, wide: bool, many: bool, styles: &Styles) -> Vec<(String, Style)> {
    let plain = Style::new();
    let (ready, style) = match (view.phase, &view.detail) {
        (Phase::Ready, _) => ("yes".to_owned(), styles.help),
        (Phase::Waiting, detail) => (with("not yet", detail.as_deref()), styles.warning),
        (Phase::Failed, detail) => (with("failed", detail.as_deref()), styles.error),
        (Phase::Going, _) => ("being deleted".to_owned(), styles.warning),
    };
    let missing = if view.missing.is_empty() { plain } else { styles.warning };
    let disks = match view.included.len() + view.missing.len() {
        0 => "-".to_owned(),
        all => format!("{} of {all}", view.included.len()),
    };
    let mut row = if many { vec![(view.namespace.clone(), plain)] } else { Vec::new() };
    row.extend([
        (view.shown.clone(), plain),
        (view.name.clone(), styles.strong),
        (view.age.map_or_else(|| "?".to_owned(), duration), plain),
        (ready, style),
        (taken(view), plain),
        (disks, missing),
        (list(view.restores.iter().map(restore)), plain),
    ]);
    if wide {
        row.extend([
            (list(view.included.iter().cloned()), plain),
            (list(view.missing.iter().cloned()), missing),
            (view.policy.clone(), plain),
        ]);
    }
    row
}

fn with(word: &str, detail: Option<&str>) -> String {
    detail.map_or_else(|| word.to_owned(), |detail| format!("{word}: {detail}"))
}

fn list(words: impl Iterator<Item = String>) -> String {
    let all: Vec<_> = words.collect();
    if all.is_empty() { "-".to_owned() } else { all.join(", ") }
}

/// The state of the machine in a word or two.
fn taken(view: &View) -> String {
    if view.phase != Phase::Ready {
        return "-".to_owned();
    }
    if view.indications.is_empty() { "offline".to_owned() } else { view.indications.join(",") }
}

fn restore(restore: &Restored) -> String {
    let state = match (restore.done, restore.failed) {
        (true, _) => "done",
        (false, true) => "failed",
        (false, false) => "in progress",
    };
    format!("{} ({state})", restore.name)
}

/// Some snapshots as a List.
pub fn snapshots_json(all: &[View]) -> Value {
    let items: Vec<_> = all.iter().map(one).collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

fn one(view: &View) -> Value {
    let restores: Vec<_> = view
        .restores
        .iter()
        .map(|restore| {
            let claims: serde_json::Map<_, _> =
                restore.claims.iter().map(|(volume, claim)| (volume.clone(), json!(claim))).collect();
            json!({"name": restore.name, "machine": restore.vm, "complete": restore.done, "failed": restore.failed, "claims": claims})
        })
        .collect();
    json!({
        "kind": "MachineSnapshot",
        "metadata": {"namespace": view.namespace, "name": view.name, "uid": view.uid},
        "machine": view.shown,
        "virtualMachine": view.vm,
        "time": view.time,
        "ready": view.phase == Phase::Ready,
        "failed": view.phase == Phase::Failed,
        "detail": view.detail,
        "indications": view.indications,
        "consistency": (view.phase == Phase::Ready).then(|| consistency(&view.indications)),
        "included": view.included,
        "missing": view.missing,
        "deletionPolicy": view.policy,
        "restores": restores,
    })
}
