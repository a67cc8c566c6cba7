//! Disks move while the guest runs: blank claims, one edit of the machine, and KubeVirt copies what it migrates.

use serde_json::{Value, json};

use super::finish;
use super::scene::Scene;
use super::step::{Act, Next, abort_command, patch_machine};
use super::swap::{Stand, stand, swap};
use super::target;
use crate::facts::{End, Journey, condition, is_going, kind, text};

/// The value of `updateVolumesStrategy` under which claims are copied and not just exchanged.
const MIGRATION: &str = "Migration";
/// How many failed tries are waited for: KubeVirt tries again as long as the machine asks for it.
const TRIES: usize = 3;

/// How far KubeVirt is with the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copying {
    /// It has not begun: the new claims are empty.
    Not,
    /// It goes on.
    UnderWay,
    /// The guest runs on the new claims, or ended there.
    Complete,
    /// The guest ended meanwhile: the new claims are worth nothing.
    Broken,
}

/// How far the copy is, for a machine whose spec names the new claims.
pub(super) fn copying(journey: &Journey, scene: &Scene<'_>) -> Copying {
    let begun =
        scene.vm.pointer("/status/volumeUpdateState/volumeMigrationState/migratedVolumes").and_then(Value::as_array);
    let begun = begun.is_some_and(|all| {
        all.iter().any(|volume| {
            let claim = text(volume, "/destinationPVCInfo/claimName");
            journey.disks.iter().any(|disk| claim == Some(disk.to.as_str()))
        })
    });
    let Some(instance) = scene.instance.filter(|instance| !is_going(instance)) else {
        let by_hand = condition(scene.vm, "ManualRecoveryRequired").is_some_and(|(holds, ..)| holds);
        return match (by_hand, begun) {
            (true, _) => Copying::Broken,
            (false, true) => Copying::Complete,
            (false, false) => Copying::Not,
        };
    };
    let changing = condition(instance, "VolumesChange").is_some_and(|(holds, ..)| holds);
    match stand(instance, journey) {
        Stand::Target if has_moved(journey, scene) && !changing => Copying::Complete,
        Stand::Target => Copying::UnderWay,
        Stand::Source | Stand::Other if begun || changing => Copying::UnderWay,
        Stand::Source | Stand::Other => Copying::Not,
    }
}

/// Whether the guest runs elsewhere: the source node is never the target.
pub(super) fn has_moved(journey: &Journey, scene: &Scene<'_>) -> bool {
    scene.node().is_some() && scene.node() != journey.source_node.as_deref()
}

pub(super) fn next(journey: &Journey, scene: &Scene<'_>) -> Next {
    if journey.back {
        return back(journey, scene);
    }
    match stand(scene.vm, journey) {
        Stand::Source => before(journey, scene),
        Stand::Target => after(journey, scene),
        Stand::Other => Next::stuck(
            journey,
            "its disks stand neither on the old claims nor on the new ones: somebody changed them meanwhile",
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
            let body = target::blank(moved, disk, journey, scene.namespace);
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
    }
    if !scene.runs() {
        return Next::stuck(
            journey,
            "it does not run any more, and disks move live only while it runs",
            format!("{}, then start it, or migrate with --offline", abort_command(journey, scene.namespace)),
        );
    }
    let journey = Journey { source_node: scene.node().map(str::to_owned), ..journey.clone() };
    let act = swap(scene.vm, &journey, false, Some(MIGRATION));
    Next::step(&journey, "tell the machine to move to the new claims", act)
}

fn binds_at_once(claim: &Value, scene: &Scene<'_>) -> bool {
    let class = text(claim, "/spec/storageClassName").and_then(|class| scene.facts.get(kind::CLASS, "", class));
    class.is_some_and(|class| text(class, "/volumeBindingMode") != Some("WaitForFirstConsumer"))
}

/// KubeVirt copies; then what belongs to the move is put in order.
fn after(journey: &Journey, scene: &Scene<'_>) -> Next {
    match copying(journey, scene) {
        Copying::Complete => finish::next(journey, scene, || settled(journey, scene)),
        Copying::Broken => Next::stuck(
            journey,
            "its guest ended while its disks were copied; the copies are not complete, and the old disks are whole",
            format!("{} puts the old disks back and starts it", abort_command(journey, scene.namespace)),
        ),
        Copying::Not | Copying::UnderWay => {
            if let Some((true, _, message)) = condition(scene.vm, "RestartRequired") {
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

/// How many tries have failed, and why the last one did.
fn failures(journey: &Journey, scene: &Scene<'_>) -> (usize, String) {
    let tries =
        scene.migrations().filter(|found| text(found, "/metadata/creationTimestamp") >= Some(journey.begun.as_str()));
    let failed: Vec<_> = tries.filter(|found| text(found, "/status/phase") == Some("Failed")).collect();
    let reason = failed.iter().rev().find_map(|found| text(found, "/status/migrationState/failureReason"));
    (failed.len(), reason.unwrap_or("no reason is given").to_owned())
}

fn words(scene: &Scene<'_>, failed: usize, reason: &str) -> String {
    let going = scene.migrations().find(|found| !matches!(text(found, "/status/phase"), Some("Failed" | "Succeeded")));
    let tries = if failed > 0 { format!(", after {failed} failed: {reason}") } else { String::new() };
    match going {
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
    if ours && fresh { taken_back(journey, scene) } else { None }
}

/// All disks go back to the claims that they came from, in one edit.
fn back(journey: &Journey, scene: &Scene<'_>) -> Next {
    match stand(scene.vm, journey) {
        Stand::Target => match copying(journey, scene) {
            // The copy ended between the question and the edit; KubeVirt then copies back, and nothing is lost either.
            Copying::Complete if scene.instance.is_none() => Next::stuck(
                journey,
                "its guest ran on the new disks before it ended: the old ones lack what it wrote",
                format!("start it; then kubectl wukong migrate {} goes on", journey.shown()),
            ),
            // The guest is there, and KubeVirt has not noted it: its cancelling would give the guest the old disks.
            Copying::UnderWay if has_moved(journey, scene) => Next::wait("KubeVirt notes that the copy has ended"),
            Copying::Complete | Copying::Not | Copying::UnderWay | Copying::Broken => {
                Next::step(journey, "put all disks back on the old claims", swap(scene.vm, journey, true, None))
            }
        },
        Stand::Source => {
            if let Some(instance) = scene.instance {
                let changing = condition(instance, "VolumesChange").is_some_and(|(holds, ..)| holds);
                let going = scene.migrations().any(|found| {
                    let volumes = found
                        .pointer("/metadata/labels")
                        .is_some_and(|all| all.get("kubevirt.io/volume-update-migration").is_some());
                    volumes && !matches!(text(found, "/status/phase"), Some("Failed" | "Succeeded"))
                });
                if stand(instance, journey) != Stand::Source || changing || going {
                    return Next::wait("KubeVirt ends the migration");
                }
            }
            if let Some(next) = taken_back(journey, scene) {
                return next;
            }
            Next::end(End::Aborted, finish::given_up(journey, scene))
        }
        Stand::Other => Next::stuck(
            journey,
            "its disks stand neither on the old claims nor on the new ones: somebody changed them meanwhile",
            "put the old claims back into spec.template.spec.volumes by hand, then --abort again",
        ),
    }
}

/// On the claims of its start the machine needs no strategy.
fn taken_back(journey: &Journey, scene: &Scene<'_>) -> Option<Next> {
    if text(scene.vm, "/spec/updateVolumesStrategy") == journey.volumes_strategy.as_deref() {
        return None;
    }
    let act = patch_machine(scene.vm, json!({"spec": {"updateVolumesStrategy": journey.volumes_strategy}}));
    Some(Next::step(journey, "set updateVolumesStrategy back", act))
}
