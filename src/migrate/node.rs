//! A machine moves to another node: while it runs, or off and on again.

use serde_json::{Value, json};

use super::offline;
use super::scene::Scene;
use super::step::{Act, Next, abort_command, command, halt, is_halted, patch_machine};
use crate::facts::{End, Journey, condition, has_ended, is_going, kind, text};

/// The label by which a node is named.
pub(super) const HOSTNAME: &str = "kubernetes.io/hostname";

/// Live, through a VirtualMachineInstanceMigration.
pub(super) fn live(journey: &Journey, scene: &Scene<'_>) -> Next {
    let name = journey.migration.clone().unwrap_or_default();
    let found = scene.facts.get(kind::MIGRATION, scene.namespace, &name);
    let phase = found.and_then(|found| text(found, "/status/phase"));
    let ended = found.is_some_and(has_ended);
    if journey.back {
        return match found {
            Some(found) if !ended && !is_going(found) => {
                let uid = text(found, "/metadata/uid").unwrap_or_default().to_owned();
                Next::step(journey, "end the migration", Act::Delete { kind: kind::MIGRATION, name, uid })
            }
            Some(_) if !ended => Next::wait("KubeVirt ends the migration"),
            _ if phase == Some("Succeeded") => Next::end(End::Done, Journey { back: false, ..journey.clone() }),
            _ => Next::end(End::Aborted, journey.clone()),
        };
    }
    // Who asked for no node is content with any other one.
    let there = match &journey.node {
        Some(node) => scene.node() == Some(node),
        None => scene.node().is_some() && scene.node() != journey.source_node.as_deref(),
    };
    let moving = scene.instance.is_some_and(|instance| {
        instance.pointer("/status/migrationState").is_some_and(|state| state["completed"] != true && state.is_object())
    });
    match (found, phase) {
        _ if there && !moving && (ended || found.is_none()) => Next::end(End::Done, journey.clone()),
        (None, _) if journey.stage != RUNS => {
            let mut spec = json!({"vmiName": journey.vm});
            if let Some(node) = &journey.node {
                spec["addedNodeSelector"] = json!({HOSTNAME: node});
            }
            let body = json!({
                "apiVersion": "kubevirt.io/v1", "kind": kind::MIGRATION,
                "metadata": {"name": name, "namespace": scene.namespace}, "spec": spec,
            });
            Next::step(journey, CREATE, Act::Create(body))
        }
        // A person deleted it, which ends the migration.
        (None, _) => Next::end(End::Aborted, journey.clone()),
        (Some(found), Some("Failed")) => {
            let reason = text(found, "/status/migrationState/failureReason").or_else(|| told(found));
            Next::stuck(
                journey,
                format!("the migration failed: {}", reason.unwrap_or("KubeVirt gives no reason")),
                format!(
                    "it runs where it was; {} clears this, and `{}` tells what is in the way",
                    abort_command(journey, scene.namespace),
                    command(journey, scene.namespace, "")
                ),
            )
        }
        (Some(_), Some("Succeeded")) if !there => Next::wait("the machine arrives"),
        (Some(_), _) if journey.stage != RUNS => Next::step(journey, RUNS, Act::Note),
        (Some(found), _) => Next::wait(words(found)),
    }
}

const CREATE: &str = "ask KubeVirt for the migration";
const RUNS: &str = "KubeVirt has the migration";

/// Whether the migration is over, and went well.
pub(super) fn has_succeeded(journey: &Journey, scene: &Scene<'_>) -> bool {
    let name = journey.migration.as_deref().unwrap_or_default();
    let found = scene.facts.get(kind::MIGRATION, scene.namespace, name);
    found.is_some_and(|found| text(found, "/status/phase") == Some("Succeeded"))
}

/// A message of a condition that holds: a quota, a backup.
fn told(migration: &Value) -> Option<&str> {
    let all = migration.pointer("/status/conditions").and_then(Value::as_array)?;
    all.iter()
        .filter(|found| found["status"] == "True")
        .find_map(|found| text(found, "/message").filter(|text| !text.is_empty()))
}

fn words(migration: &Value) -> String {
    let part = |pointer: &str| text(migration, pointer).filter(|text| !text.is_empty());
    let node = part("/status/migrationState/targetNode").map(|node| format!(" to {node}")).unwrap_or_default();
    let mode = part("/status/migrationState/mode").map(|mode| format!(", {mode}")).unwrap_or_default();
    let why = told(migration).map(|why| format!(": {why}")).unwrap_or_default();
    format!("{}{node}{mode}{why}", part("/status/phase").unwrap_or("Pending"))
}

/// Stopped here and started there, on the same disks.
pub(super) fn offline(journey: &Journey, scene: &Scene<'_>) -> Next {
    let pinned =
        scene.vm.pointer("/spec/template/spec/nodeSelector").and_then(|all| all.get(HOSTNAME)).and_then(Value::as_str);
    if journey.back {
        // One that waits for room on that node waits on with the node in its selector.
        let waits = scene.instance.is_some_and(|instance| {
            let wanted =
                instance.pointer("/spec/nodeSelector").and_then(|all| all.get(HOSTNAME)).and_then(Value::as_str);
            !scene.runs() && wanted.is_some() && wanted == journey.node.as_deref() && journey.node != journey.selector
        });
        if waits {
            if is_halted(scene.vm) {
                return Next::wait("it lets go of that node");
            }
            return Next::step(journey, "stop it where it cannot start", halt(scene.vm));
        }
        if pinned != journey.selector.as_deref() {
            return Next::step(
                journey,
                "take the node back out of its selector",
                pin(scene.vm, journey.selector.as_deref()),
            );
        }
        return offline::start(journey, scene).unwrap_or_else(|| Next::end(End::Aborted, journey.clone()));
    }
    let node = journey.node.as_deref();
    let arrived = scene.runs() && scene.node() == node;
    if !journey.started {
        if let Some(next) = offline::stop(journey, scene) {
            return next;
        }
        if pinned != node {
            return Next::step(journey, "name the node in its selector, for this start", pin(scene.vm, node));
        }
    }
    if let Some(next) = offline::start(journey, scene) {
        if let Some((true, _, message)) =
            scene.instance.and_then(|instance| condition(instance, "PodScheduled")).map(|(ok, a, b)| (!ok, a, b))
        {
            return Next::wait(format!("it does not start there yet: {message}"));
        }
        return next;
    }
    if journey.ran && !arrived {
        return Next::wait("the machine starts there");
    }
    if pinned != journey.selector.as_deref() && journey.ran {
        return Next::step(
            journey,
            "take the node back out of its selector",
            pin(scene.vm, journey.selector.as_deref()),
        );
    }
    Next::end(End::Done, journey.clone())
}

fn pin(vm: &Value, node: Option<&str>) -> Act {
    patch_machine(vm, json!({"spec": {"template": {"spec": {"nodeSelector": {HOSTNAME: node}}}}}))
}
