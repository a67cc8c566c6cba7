//! Disks move while the machine is off: stop, keep the old volumes, copy, exchange the claims, start.

use serde_json::{Value, json};

use super::finish;
use super::offline;
use super::policy::{set_back, set_policy};
use super::room;
use super::scene::{Disk, Scene};
use super::step::{Act, Next, abort_command, command};
use super::swap::{Stand, astray, stand, swap};
use super::target;
use crate::facts::{End, Journey, Moved, condition, is_going, kind, path, text, volume_of};

pub(super) fn next(journey: &Journey, scene: &Scene<'_>) -> Next {
    if journey.back {
        return back(journey, scene);
    }
    match stand(scene.vm, journey) {
        Stand::Source => before(journey, scene),
        Stand::Target => after(journey, scene),
        Stand::Other => astray(journey, "put the old claims back into spec.template.spec.volumes, then --abort"),
    }
}

fn before(journey: &Journey, scene: &Scene<'_>) -> Next {
    // Copies that were begun while it was off are torn if it was started since.
    let generation = scene.vm.pointer("/metadata/generation").and_then(Value::as_i64);
    if journey.generation.is_some() && journey.generation != generation {
        return Next::stuck(
            journey,
            "the machine was changed or started while its disks were copied, so the copies may be torn",
            format!("{}, then migrate again", abort_command(journey, scene.namespace)),
        );
    }
    if let Some(next) = offline::stop(journey, scene) {
        return next;
    }
    if let Some(next) = offline::others(journey, scene) {
        return next;
    }
    for moved in &journey.disks {
        if let Some(next) = retain(journey, moved, scene) {
            return next;
        }
    }
    let journey = &Journey { generation, ..journey.clone() };
    for moved in &journey.disks {
        let Some(disk) = scene.disks.iter().find(|disk| disk.name == moved.disk) else { continue };
        let Some(volume) = scene.facts.get(kind::DATA_VOLUME, scene.namespace, &moved.to) else {
            if scene.facts.get(kind::CLAIM, scene.namespace, &moved.to).is_some() {
                return Next::stuck(
                    journey,
                    format!("the claim {} exists without its copy", moved.to),
                    abort_command(journey, scene.namespace),
                );
            }
            let mut body = target::copy(moved, disk, journey, scene.namespace, scene.facts);
            if let Some(node) = place(journey, moved, scene) {
                body["metadata"]["annotations"][SELECTED] = json!(node);
            }
            return Next::step(
                journey,
                format!("copy {} to {} of {}", moved.from, moved.to, moved.class),
                Act::Create(body),
            );
        };
        if !target::is_of(volume, moved) || is_going(volume) {
            return Next::stuck(
                journey,
                format!("the DataVolume {} was not made for this move, or is being deleted", moved.to),
                abort_command(journey, scene.namespace),
            );
        }
    }
    let copies: Vec<_> = journey
        .disks
        .iter()
        .filter_map(|moved| scene.facts.get(kind::DATA_VOLUME, scene.namespace, &moved.to).map(|copy| (moved, copy)))
        .collect();
    if let Some((moved, _)) = copies.iter().find(|(_, copy)| text(copy, "/status/phase") == Some("Failed")) {
        return Next::stuck(
            journey,
            format!("CDI could not copy {} to {}", moved.from, moved.to),
            format!(
                "`kubectl describe dv {} -n {}` says why; then {}",
                moved.to,
                scene.namespace,
                abort_command(journey, scene.namespace)
            ),
        );
    }
    let open: Vec<_> = copies.iter().filter(|(_, copy)| text(copy, "/status/phase") != Some("Succeeded")).collect();
    if !open.is_empty() {
        let words: Vec<_> =
            open.iter().map(|(moved, copy)| format!("{}: {}{}", moved.to, target::progress(copy), why(copy))).collect();
        return Next::wait(format!("copying {}", words.join(", ")));
    }
    if let Some(next) = offline::others(journey, scene).or_else(|| apart(journey, scene)) {
        return next;
    }
    Next::step(journey, "let the machine stand on the copies", swap(scene.vm, journey, false, &Value::Null))
}

/// For which node the volume of a claim is made that would else wait for its first pod.
/// Source: Kubernetes, pkg/controller/volume/persistentvolume, AnnSelectedNode.
const SELECTED: &str = "volume.kubernetes.io/selected-node";

/// The node on which the copies are made, all of them on one: where the machine was, if that can have it again.
fn place(journey: &Journey, moved: &Moved, scene: &Scene<'_>) -> Option<String> {
    let class = scene.facts.get(kind::CLASS, "", &moved.class)?;
    if text(class, "/volumeBindingMode") != Some("WaitForFirstConsumer") {
        return None;
    }
    let is_moving = |disk: &&Disk<'_>| journey.disks.iter().any(|moved| moved.disk == disk.name);
    let staying: Vec<_> = scene.disks.iter().filter(|disk| !is_moving(disk)).collect();
    let fits = |node: &&Value| room::against(node, scene, &staying).is_none();
    let names: Vec<_> =
        scene.facts.all_of(kind::NODE).filter(fits).filter_map(|node| text(node, "/metadata/name")).collect();
    let before = journey.source_node.as_deref().filter(|before| names.contains(before));
    before.or_else(|| names.first().copied()).map(str::to_owned)
}

/// Copies on the disks of several nodes are of no use to a machine: CDI binds each where it likes.
fn apart(journey: &Journey, scene: &Scene<'_>) -> Option<Next> {
    let disks: Vec<_> = scene
        .disks
        .iter()
        .map(|disk| {
            let to = journey.disks.iter().find(|moved| moved.disk == disk.name).map(|moved| moved.to.as_str());
            let claim = to.and_then(|to| scene.facts.get(kind::CLAIM, scene.namespace, to)).or(disk.claim);
            Disk { claim, volume: claim.and_then(|claim| volume_of(claim, scene.facts)), ..*disk }
        })
        .collect();
    let disks: Vec<_> = disks.iter().collect();
    let known = scene.facts.unknown(kind::NODE, "").is_none();
    let fits = scene.facts.all_of(kind::NODE).any(|node| room::against(node, scene, &disks).is_none());
    (known && !fits).then(|| {
        Next::stuck(
            journey,
            "no node can reach all its disks with the copies: they lie on several nodes, or where it may not run",
            format!(
                "{}; then move the disks one by one, or to a class that every node can reach",
                abort_command(journey, scene.namespace)
            ),
        )
    })
}

/// What CDI says of a copy that does not run.
fn why(copy: &Value) -> String {
    let running = condition(copy, "Running").filter(|(runs, ..)| !runs);
    running
        .map(|(_, _, message)| message)
        .filter(|message| !message.is_empty())
        .map(|message| format!(" ({message})"))
        .unwrap_or_default()
}

/// The volume of a claim that is left is kept, whatever becomes of the claim.
fn retain(journey: &Journey, moved: &Moved, scene: &Scene<'_>) -> Option<Next> {
    // Without a policy in the record it may not be changed.
    moved.policy.as_ref()?;
    set_policy(journey, volume_left(moved, scene), "Retain", |name| {
        format!("keep the volume {name} whatever happens to its claim (Retain)")
    })
}

fn after(journey: &Journey, scene: &Scene<'_>) -> Next {
    for moved in &journey.disks {
        let Some(claim) = scene.facts.get(kind::CLAIM, scene.namespace, &moved.to) else {
            return Next::stuck(
                journey,
                format!("the claim {} is gone", moved.to),
                format!("{} puts the old disks back", abort_command(journey, scene.namespace)),
            );
        };
        if path(claim, &["metadata", "annotations", target::POPULATED]).is_none() {
            let patch = json!({"metadata": {"uid": claim["metadata"]["uid"], "annotations": {target::POPULATED: moved.to, target::MOVED_FROM: moved.from}}});
            let act = Act::Merge { kind: kind::CLAIM, name: moved.to.clone(), patch };
            return Next::step(journey, format!("mark {} as filled", moved.to), act);
        }
        if let Some(copy) =
            scene.facts.get(kind::DATA_VOLUME, scene.namespace, &moved.to).filter(|copy| target::is_of(copy, moved))
        {
            if is_going(copy) {
                return Next::wait(format!("the finished copy order {} goes", moved.to));
            }
            let uid = text(copy, "/metadata/uid").unwrap_or_default().to_owned();
            let act = Act::Release { kind: kind::DATA_VOLUME, name: moved.to.clone(), uid };
            return Next::step(journey, format!("release {} from its finished copy order", moved.to), act);
        }
    }
    finish::next(journey, scene, || offline::start(journey, scene))
}

/// Whether the machine may have run on its new disks: our own edit is one generation, and a start is another.
fn was_touched(journey: &Journey, scene: &Scene<'_>) -> bool {
    let generation = scene.vm.pointer("/metadata/generation").and_then(Value::as_i64);
    scene.instance.is_some() || journey.generation.map(|before| before + 1) != generation
}

fn back(journey: &Journey, scene: &Scene<'_>) -> Next {
    match stand(scene.vm, journey) {
        Stand::Target if journey.started || was_touched(journey, scene) => Next::stuck(
            journey,
            "it was started on the new disks: the old ones lack what its guest wrote since",
            format!(
                "{} goes on; then migrate it back with --to-storage-class",
                command(journey, scene.namespace, "--continue")
            ),
        ),
        Stand::Target => {
            Next::step(journey, "put all disks back on the old claims", swap(scene.vm, journey, true, &Value::Null))
        }
        Stand::Source => {
            for moved in &journey.disks {
                let Some(copy) = scene.facts.get(kind::DATA_VOLUME, scene.namespace, &moved.to) else { continue };
                // A copy that still reads would read what the guest writes.
                if target::is_of(copy, moved) && text(copy, "/status/phase") != Some("Succeeded") {
                    if is_going(copy) {
                        return Next::wait(format!("the unfinished copy {} goes", moved.to));
                    }
                    let uid = text(copy, "/metadata/uid").unwrap_or_default().to_owned();
                    let act = Act::Delete { kind: kind::DATA_VOLUME, name: moved.to.clone(), uid };
                    return Next::step(journey, format!("end the unfinished copy {}", moved.to), act);
                }
            }
            if let Some(next) = unretain(journey, scene).or_else(|| offline::start(journey, scene)) {
                return next;
            }
            Next::end(End::Aborted, finish::given_up(journey, scene))
        }
        Stand::Other => {
            astray(journey, "put the old claims back into spec.template.spec.volumes by hand, then --abort again")
        }
    }
}

/// The reclaim policies are what they were.
fn unretain(journey: &Journey, scene: &Scene<'_>) -> Option<Next> {
    journey.disks.iter().find_map(|moved| set_back(journey, volume_left(moved, scene), moved.policy.as_deref()))
}

/// The volume of the claim that a disk leaves.
fn volume_left<'a>(moved: &Moved, scene: &Scene<'a>) -> Option<&'a Value> {
    scene.disks.iter().find(|disk| disk.claim_name == moved.from)?.volume
}
