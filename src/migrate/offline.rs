//! Stopping a machine for a move, and starting it again as it was.

use serde_json::json;

use super::scene::Scene;
use super::step::{Act, Next, abort_command, halt, is_halted, patch_machine, run_of};
use crate::facts::{Journey, kind};
use crate::plan::claim_user;

/// What is left to do until the machine is off and nobody holds its disks.
pub(super) fn stop(journey: &Journey, scene: &Scene<'_>) -> Option<Next> {
    if !is_halted(scene.vm) {
        return Some(Next::step(journey, "stop the machine", halt(scene.vm)));
    }
    // An instance that has ended is there until its pod is gone.
    if scene.facts.get(kind::INSTANCE, scene.namespace, &journey.vm).is_some() {
        return Some(Next::wait("the guest shuts down"));
    }
    let own = |pod: &&str| pod.starts_with("virt-launcher-");
    let holders: Vec<_> = scene.disks.iter().flat_map(|disk| scene.holders(disk.claim_name)).filter(own).collect();
    (!holders.is_empty()).then(|| Next::wait(format!("the pod {} lets go of the disks", holders.join(", "))))
}

/// Somebody who came to use a disk that moves: what that writes would stay behind.
pub(super) fn others(journey: &Journey, scene: &Scene<'_>) -> Option<Next> {
    journey.disks.iter().find_map(|moved| {
        let user = claim_user(&moved.from, scene.namespace, &journey.vm, scene.facts)?;
        Some(Next::stuck(
            journey,
            format!("{user} uses disk {}", moved.disk),
            format!("stop that and go on, or {}", abort_command(journey, scene.namespace)),
        ))
    })
}

/// What is left to do until the machine runs again, if it ran before.
pub(super) fn start(journey: &Journey, scene: &Scene<'_>) -> Option<Next> {
    let started = Journey { started: true, ..journey.clone() };
    if run_of(scene.vm) != journey.run && (!journey.back || is_halted(scene.vm)) {
        let act = patch_machine(scene.vm, json!({"spec": journey.run}));
        return Some(Next::step(
            &started,
            if journey.ran { "start the machine" } else { "set its run strategy back" },
            act,
        ));
    }
    if !journey.ran || scene.runs() {
        return None;
    }
    // This one starts only when it is asked to.
    if journey.run["runStrategy"] == "Manual"
        && scene.instance.is_none()
        && scene.vm.pointer("/status/stateChangeRequests/0").is_none()
    {
        return Some(Next::step(&started, "start the machine", Act::Start));
    }
    Some(Next::wait("the machine starts"))
}
