//! Disks move while the guest runs: blank claims, one edit of the machine, and KubeVirt copies what it migrates.

use serde_json::{Value, json};

use super::copying::{Copying, copying, has_moved, tries};
use super::finish;
use super::offline;
use super::scene::Scene;
use super::size::bytes;
use super::step::{Act, Next, abort_command, command, halted, patch_machine};
use super::swap::{Stand, astray, stand, swap};
use super::target;
use crate::facts::{End, Journey, Moved, condition, has_ended, holds, is_going, kind, text};

/// The value of `updateVolumesStrategy` under which claims are copied and not just exchanged.
const MIGRATION: &str = "Migration";
/// How many failed tries are waited for: KubeVirt tries again as long as the machine asks for it.
const TRIES: usize = 3;

pub(super) fn next(journey: &Journey, scene: &Scene<'_>) -> Next {
    if journey.back {
        return back(journey, scene);
    }
    match stand(scene.vm, journey) {
        Stand::Source => before(journey, scene),
        Stand::Target => after(journey, scene),
        Stand::Other => astray(
            journey,
            format!(
                "`kubectl get vm {} -n {} -o yaml` shows spec.template.spec.volumes; put the old claims back, then --abort",
                journey.vm, scene.namespace
            ),
        ),
    }
}

/// The new claims are made, then the machine is told to move to them.
fn before(journey: &Journey, scene: &Scene<'_>) -> Next {
    for moved in &journey.disks {
        let Some(disk) = scene.disks.iter().find(|disk| disk.name == moved.disk) else { continue };
        let Some(claim) = scene.facts.get(kind::CLAIM, scene.namespace, &moved.to) else {
            let body = target::blank(moved, disk, journey, scene.namespace, scene.facts);
            return Next::step(
                journey,
                format!("make the empty claim {} of {}", moved.to, moved.class),
                Act::Create(body),
            );
        };
        if !target::is_of(claim, moved) || is_going(claim) {
            return Next::stuck(
                journey,
                format!("the claim {} exists and was not made for this move, or is being deleted", moved.to),
                abort_command(journey, scene.namespace),
            );
        }
        // A class that binds at once shows here whether it can; the other kind binds when the guest comes.
        let waits = text(claim, "/status/phase") != Some("Bound") && binds_at_once(claim, scene);
        if waits {
            return Next::wait(format!("the claim {} is not bound yet", moved.to));
        }
        if let Some(capacity) = too_small(claim, moved) {
            return Next::stuck(
                journey,
                format!(
                    "{} gave {} a volume of {capacity}, less than the {} that were asked for",
                    moved.class, moved.to, moved.size
                ),
                format!("{}, then choose another class", abort_command(journey, scene.namespace)),
            );
        }
    }
    if !scene.runs() {
        return Next::stuck(
            journey,
            "it does not run any more, and disks move live only while it runs",
            format!("{}, then start it, or migrate with --offline", abort_command(journey, scene.namespace)),
        );
    }
    // One that is under way copies nothing, and would pass for the one that does.
    if let Some(other) = scene.migrating() {
        return Next::wait(format!("another migration, {}, ends", text(other, "/metadata/name").unwrap_or("?")));
    }
    if let Some(next) = offline::others(journey, scene) {
        return next;
    }
    let name = |found: &Value| text(found, "/metadata/name").map(str::to_owned);
    let journey = Journey {
        source_node: scene.node().map(str::to_owned),
        instance: scene.instance.and_then(|instance| text(instance, "/metadata/uid")).map(str::to_owned),
        earlier: scene.migrations().filter_map(name).collect(),
        ..journey.clone()
    };
    let act = swap(scene.vm, &journey, false, &json!({"updateVolumesStrategy": MIGRATION}));
    Next::step(&journey, "tell the machine to move to the new claims", act)
}

/// What a bound claim really has, if that is less than it asked for: the copy would break off.
fn too_small<'c>(claim: &'c Value, moved: &Moved) -> Option<&'c str> {
    let capacity = text(claim, "/status/capacity/storage")?;
    (bytes(capacity)? < bytes(&moved.size)?).then_some(capacity)
}

fn binds_at_once(claim: &Value, scene: &Scene<'_>) -> bool {
    let class = text(claim, "/spec/storageClassName").and_then(|class| scene.facts.get(kind::CLASS, "", class));
    class.is_some_and(|class| text(class, "/volumeBindingMode") != Some("WaitForFirstConsumer"))
}

/// KubeVirt copies; then what belongs to the move is put in order.
fn after(journey: &Journey, scene: &Scene<'_>) -> Next {
    match copying(journey, scene) {
        Copying::Complete if !journey.started => {
            let arrived = Journey { started: true, ..journey.clone() };
            Next::step(&arrived, "the guest has arrived on the new claims", Act::Note)
        }
        Copying::Complete => finish::next(journey, scene, || settled(journey, scene)),
        Copying::Broken => Next::stuck(
            journey,
            "its guest ended while its disks were copied; the copies are not complete, and the old disks are whole",
            format!(
                "{} puts the old disks back and starts it; what runs now, if anything, runs on empty disks",
                abort_command(journey, scene.namespace)
            ),
        ),
        Copying::Unclear => Next::stuck(
            journey,
            "its guest is not the one whose disks were copied, and no migration is left that tells whether the copy was complete",
            format!(
                "look into both: {}; then {} --force takes the old ones, and with --continue in its place the new ones; none is deleted",
                pairs(journey),
                abort_command(journey, scene.namespace)
            ),
        ),
        state @ (Copying::Not | Copying::UnderWay) => {
            if let (Copying::Not, Some((true, _, message))) = (state, condition(scene.vm, "RestartRequired")) {
                return Next::stuck(
                    journey,
                    format!("KubeVirt does not copy its disks while it runs: {message}"),
                    format!(
                        "{} puts the old disks back; do not restart it before",
                        abort_command(journey, scene.namespace)
                    ),
                );
            }
            if scene.instance.is_none() {
                return Next::stuck(
                    journey,
                    "it was stopped before its disks were copied: the new claims are empty",
                    format!(
                        "{} puts the old disks back; do not start it before",
                        abort_command(journey, scene.namespace)
                    ),
                );
            }
            let (failed, reason) = failures(journey, scene);
            if failed >= TRIES {
                return Next::stuck(
                    journey,
                    format!("KubeVirt tried {failed} times and goes on trying: {reason}"),
                    format!("mend the cause and run this again, or {}", abort_command(journey, scene.namespace)),
                );
            }
            Next::wait(words(scene, failed, &reason))
        }
    }
}

/// Each old claim with its new one.
fn pairs(journey: &Journey) -> String {
    let pairs: Vec<_> = journey.disks.iter().map(|disk| format!("{} (old) and {} (new)", disk.from, disk.to)).collect();
    pairs.join(", ")
}

/// How many tries have failed, and why the last one did.
fn failures(journey: &Journey, scene: &Scene<'_>) -> (usize, String) {
    let failed: Vec<_> = tries(journey, scene).filter(|found| text(found, "/status/phase") == Some("Failed")).collect();
    let reason = failed.iter().rev().find_map(|found| text(found, "/status/migrationState/failureReason"));
    (failed.len(), reason.unwrap_or("no reason is given").to_owned())
}

fn words(scene: &Scene<'_>, failed: usize, reason: &str) -> String {
    let tries = if failed > 0 { format!(", after {failed} failed: {reason}") } else { String::new() };
    match scene.migrating() {
        Some(found) => {
            let part = |pointer: &str| text(found, pointer);
            let node = part("/status/migrationState/targetNode").map(|node| format!(" to {node}")).unwrap_or_default();
            let mode = part("/status/migrationState/mode").map(|mode| format!(", {mode}")).unwrap_or_default();
            format!("copying: {}{node}{mode}{tries}", part("/status/phase").unwrap_or("Pending"))
        }
        None => match scene.condition("VolumesChange") {
            Some((false, _, message)) if !message.is_empty() => format!("KubeVirt waits: {message}"),
            _ => format!("KubeVirt has not begun the migration yet{tries}"),
        },
    }
}

/// The strategy that the machine had before, as soon as that does no harm.
///
/// KubeVirt compares a running machine with what it was at its start: without the strategy it takes the new claims for a
/// change that needs a restart, and hands no change to the guest until then.
/// Source: KubeVirt, pkg/virt-controller/watch/vm, validLiveUpdateVolumes.
pub(super) fn settled(journey: &Journey, scene: &Scene<'_>) -> Option<Next> {
    let fresh = scene
        .instance
        .is_none_or(|instance| text(instance, "/metadata/creationTimestamp") > Some(journey.begun.as_str()));
    let ours = text(scene.vm, "/spec/updateVolumesStrategy") == Some(MIGRATION);
    let before = journey.volumes_strategy.as_deref();
    (ours && fresh && before != Some(MIGRATION)).then(|| {
        let act = patch_machine(scene.vm, json!({"spec": {"updateVolumesStrategy": before}}));
        Next::step(journey, "set updateVolumesStrategy back", act)
    })
}

/// All disks go back to the claims that they came from, in one edit, and the strategy with them: under Migration another
/// guest that was started on the empty claims would be copied over the old disks.
fn back(journey: &Journey, scene: &Scene<'_>) -> Next {
    match stand(scene.vm, journey) {
        Stand::Target => match copying(journey, scene) {
            Copying::Complete => Next::stuck(
                journey,
                "its guest runs on the new disks, or ran there: the old ones lack what it wrote",
                format!(
                    "{} goes on; then move it back with --to-storage-class",
                    command(journey, scene.namespace, "--continue")
                ),
            ),
            Copying::Unclear => after(&Journey { back: false, ..journey.clone() }, scene),
            // The guest is there, and KubeVirt has not noted it: its cancelling would give the guest the old disks.
            Copying::UnderWay if has_moved(journey, scene) => Next::wait("KubeVirt notes that the copy has ended"),
            // KubeVirt hands nothing to a machine for which a restart is due, the cancelling of a copy neither.
            Copying::UnderWay if holds(scene.vm, "RestartRequired") => Next::stuck(
                journey,
                "its disks are being copied, and another change of the machine waits for a restart: KubeVirt would not end the copy",
                "wait until the copy has ended, or take that change back first; do not restart it before",
            ),
            Copying::UnderWay | Copying::Not => {
                let strategy = json!({"updateVolumesStrategy": journey.volumes_strategy});
                Next::step(journey, "put all disks back on the old claims", swap(scene.vm, journey, true, &strategy))
            }
            Copying::Broken => {
                let mut fields = halted(scene.vm);
                fields["updateVolumesStrategy"] = json!(journey.volumes_strategy);
                Next::step(
                    journey,
                    "stop it, and put all disks back on the old claims",
                    swap(scene.vm, journey, true, &fields),
                )
            }
        },
        Stand::Source if slipped(journey, scene) => {
            let forward = Journey { back: false, started: true, ..journey.clone() };
            let strategy = json!({"updateVolumesStrategy": MIGRATION});
            Next::step(
                &forward,
                "its guest had arrived: name the new claims again",
                swap(scene.vm, &forward, false, &strategy),
            )
        }
        Stand::Source => {
            if let Some(next) = cancelled(journey, scene) {
                return next;
            }
            if let Some(next) = offline::start(journey, scene) {
                return next;
            }
            Next::end(End::Aborted, finish::given_up(journey, scene))
        }
        Stand::Other => {
            astray(journey, "put the old claims back into spec.template.spec.volumes by hand, then --abort again")
        }
    }
}

/// The copy ended in the moment in which it was taken back: the guest runs on the new claims, and KubeVirt leaves it there.
fn slipped(journey: &Journey, scene: &Scene<'_>) -> bool {
    let succeeded = tries(journey, scene).any(|found| text(found, "/status/phase") == Some("Succeeded"));
    succeeded
        && scene.instance.is_some_and(|instance| {
            let same = text(instance, "/metadata/uid") == journey.instance.as_deref();
            let changing = holds(instance, "VolumesChange");
            same && stand(instance, journey) == Stand::Target && !changing
        })
}

/// What is left until the guest runs on the old claims, and nothing migrates it.
fn cancelled(journey: &Journey, scene: &Scene<'_>) -> Option<Next> {
    let going = tries(journey, scene).find(|found| !has_ended(found));
    // KubeVirt ends it only when something else happens to the machine.
    if let Some(found) = going {
        if is_going(found) {
            return Some(Next::wait("KubeVirt ends the migration"));
        }
        let part = |pointer: &str| text(found, pointer).unwrap_or_default().to_owned();
        let act = Act::Delete { kind: kind::MIGRATION, name: part("/metadata/name"), uid: part("/metadata/uid") };
        return Some(Next::step(journey, "end the migration", act));
    }
    let instance = scene.instance?;
    let changing = holds(instance, "VolumesChange");
    let there = stand(instance, journey) == Stand::Source && !changing;
    (!there).then(|| Next::wait("the guest is back on the old claims"))
}
