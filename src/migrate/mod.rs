//! How a machine or its disks move, and come back: what is possible, what is decided, and what happens next. Pure
//! functions of facts; who carries a step out asks again what the next one is.
//!
//! A journey is recorded in the cluster before its first write, and each step before it is done. The next step is found
//! from the record and from what the cluster shows, so that a run that was killed is continued by any other, or taken
//! back. No step deletes a claim with the bytes of a disk in it: what is left is listed, and deleted on request.

mod after;
mod begin;
mod check;
mod checklist;
mod cleanup;
mod copying;
mod finish;
mod node;
mod offline;
mod policy;
mod rights;
mod room;
mod scene;
mod size;
mod step;
mod storage_live;
mod storage_offline;
mod swap;
mod target;
mod unreadable;
mod ways;

pub use after::verify;
pub use begin::{Draft, Wish, begin, is_same};
pub use check::{Check, Found};
pub use cleanup::{Left, left};
pub use finish::repointed;
pub use rights::{Need, allowed, may_retain, needs};
pub use step::{Act, Next, Step};
pub use unreadable::Unreadable;
pub use ways::{Ways, ways};

use scene::Scene;

use crate::facts::{Facts, Journey, Way, text};
use crate::plan::Refusal;
use crate::status::Subject;

/// What happens next on a journey.
pub fn next(journey: &Journey, facts: &Facts, subject: &Subject) -> Next {
    if let Some(end) = journey.end {
        return Next::End(end, Box::new(journey.clone()));
    }
    let scene = match Scene::of(facts, subject) {
        Some(scene) if text(scene.vm, "/metadata/uid") == Some(&journey.uid) => scene,
        _ => {
            return Next::Stuck(Refusal {
                object: journey.shown(),
                reason: "the machine was deleted while it moved".into(),
                help: format!(
                    "its claims are {}; `kubectl delete configmap {} -n {}` forgets the move",
                    journey
                        .disks
                        .iter()
                        .flat_map(|disk| [disk.from.as_str(), disk.to.as_str()])
                        .collect::<Vec<_>>()
                        .join(", "),
                    Journey::name(&journey.vm),
                    subject.namespace,
                ),
            });
        }
    };
    match journey.way {
        Way::NodeLive => node::live(journey, &scene),
        Way::NodeOffline => node::offline(journey, &scene),
        Way::StorageLive => storage_live::next(journey, &scene),
        Way::StorageOffline => storage_offline::next(journey, &scene),
    }
}

/// Whether a journey can still be taken back; `forced` if a person says that the old disks are whole.
///
/// # Errors
/// Why not, and what to do instead.
pub fn abort(journey: &Journey, facts: &Facts, subject: &Subject, forced: bool) -> Result<Journey, Refusal> {
    let refuse = |reason: &str| {
        let help = "to go back, move it again: --to-storage-class with the old class, or --to-node with the old node";
        Refusal { object: journey.shown(), reason: reason.into(), help: help.into() }
    };
    if !journey.is_open() {
        return Err(refuse("no move is under way"));
    }
    let back = Journey { back: true, forced, stage: "take it back".into(), ..journey.clone() };
    if journey.back {
        return Ok(back);
    }
    let Some(scene) = Scene::of(facts, subject) else { return Ok(back) };
    let arrived = journey.way == Way::StorageLive
        && swap::stand(scene.vm, journey) == swap::Stand::Target
        && match copying::copying(&back, &scene) {
            copying::Copying::Complete => true,
            copying::Copying::UnderWay => copying::has_moved(journey, &scene),
            _ => false,
        };
    if arrived {
        return Err(refuse("its guest runs on the new disks, or ran there: the old ones lack what it wrote since"));
    }
    if journey.way == Way::NodeLive && node::has_succeeded(journey, &scene) {
        return Err(refuse("it has arrived"));
    }
    match next(&back, facts, subject) {
        Next::Stuck(refusal) => Err(refusal),
        _ => Ok(back),
    }
}
