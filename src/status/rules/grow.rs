//! Disks that are to be larger, and where that waits.

use serde_json::Value;

use crate::facts::{condition, text};
use crate::plan::{State, growth};
use crate::status::cause::Causes;
use crate::status::look::{Held, Look};
use crate::storage::{Growing, growing};
use crate::text::redact;

pub(super) fn rule(look: &Look<'_>, causes: &mut Causes) {
    for disk in look.disks.iter().filter(|disk| disk.bound()) {
        if let Some(claim) = disk.claim {
            one(look, disk, claim, causes);
        }
    }
}

fn one(look: &Look<'_>, disk: &Held<'_>, claim: &Value, causes: &mut Causes) {
    let about = disk.about();
    let (state, detail) = growth(claim, look.instance);
    let failed = ["ControllerResizeError", "NodeResizeError"];
    let failed = failed.iter().find_map(|name| condition(claim, name).filter(|(holds, _, _)| *holds));
    let waits_for_node = condition(claim, "FileSystemResizePending").is_some_and(|(holds, _, _)| holds);
    let grows = detail.contains("grows");
    if let Some((_, _, message)) = failed.filter(|_| grows) {
        let text = format!("it cannot grow: {}", redact(message));
        let next = format!("kubectl describe pvc -n {} {}", look.namespace, disk.claim_name);
        causes.broken("grow-impossible", &about, text, next);
    } else if let Some(why) = impossible(disk).filter(|_| grows && !waits_for_node) {
        let next = "move it to a class that grows: kubectl wukong migrate".to_owned();
        causes.broken("grow-impossible", &about, format!("it cannot grow: {why}"), next);
    } else if grows && waits_for_node {
        match state {
            State::Done => causes.note("grow-node", &about, detail, format!("kubectl wukong start {}", look.shown)),
            _ => causes.waiting("grow-node", &about, detail, String::new()),
        }
    } else if grows {
        causes.waiting(
            "grow-controller",
            &about,
            format!("{detail}: waits for the storage's controller"),
            String::new(),
        );
    } else if state == State::Waiting {
        let next = format!("if it stays so: kubectl wukong restart {}", look.shown);
        causes.waiting("grow-guest", &about, detail, next);
    }
}

fn impossible(disk: &Held<'_>) -> Option<String> {
    let class = disk.class?;
    if class.pointer("/allowVolumeExpansion") != Some(&Value::Bool(true)) {
        return Some(format!("class {} does not allow it", disk.class_name.unwrap_or_default()));
    }
    let provisioner = text(class, "/provisioner")?;
    match growing(provisioner) {
        Growing::Pretends(why) => Some(format!("{provisioner}: {why}")),
        Growing::Grows | Growing::Unknown => None,
    }
}
