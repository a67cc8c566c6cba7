//! Disks that are to be larger, and where that waits.

use serde_json::Value;

use crate::facts::text;
use crate::plan::{Growth, growth, to_class};
use crate::status::cause::Causes;
use crate::status::look::{Held, Look};
use crate::storage::{Growing, growing};

pub(super) fn rule(look: &Look<'_>, causes: &mut Causes) {
    for disk in look.disks.iter().filter(|disk| disk.bound()) {
        if let Some(claim) = disk.claim {
            one(look, disk, claim, causes);
        }
    }
}

fn one(look: &Look<'_>, disk: &Held<'_>, claim: &Value, causes: &mut Causes) {
    let about = disk.about();
    match growth(claim, look.instance) {
        Growth::There(_) => {}
        Growth::Failed(_, why) => {
            let next = format!("kubectl describe pvc -n {} {}", look.namespace, disk.claim_name);
            causes.broken("grow-impossible", &about, format!("it cannot grow: {why}"), next);
        }
        Growth::NextStart(words) => {
            causes.note("grow-node", &about, words, look.command("start", ""));
        }
        Growth::Node(words) => causes.waiting("grow-node", &about, words, String::new()),
        Growth::Guest(words) => {
            let next = format!("if it stays so: {}", look.command("restart", ""));
            causes.waiting("grow-guest", &about, words, next);
        }
        Growth::Controller(words) => match impossible(disk) {
            Some(why) => {
                let migrate = to_class(look.shown, disk.name, look.namespace, "CLASS");
                let next = format!("move it to a class that grows: {migrate}");
                causes.broken("grow-impossible", &about, format!("it cannot grow: {why}"), next);
            }
            None => {
                let text = format!("{words}: waits for the storage's controller");
                causes.waiting("grow-controller", &about, text, String::new());
            }
        },
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
