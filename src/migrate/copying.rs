//! How far KubeVirt is with the copy of a running machine's disks.

use serde_json::Value;

use super::scene::Scene;
use super::swap::{Stand, stand};
use crate::facts::{Journey, holds, is_going, path, text};

/// How far KubeVirt is with the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copying {
    /// It has not begun: the new claims are empty.
    Not,
    /// It goes on.
    UnderWay,
    /// The guest runs on the new claims, or ended there.
    Complete,
    /// The guest ended meanwhile: the new claims are worth nothing, even if another one was started on them.
    Broken,
    /// Nothing tells whether it has ended.
    Unclear,
}

/// How far the copy is, for a machine whose spec names the new claims.
///
/// A guest that ends meanwhile is started again on the new claims, which are empty. KubeVirt tells that only for a moment
/// (ManualRecoveryRequired), so that it is the instance, and the migrations of it, that are looked at.
pub(super) fn copying(journey: &Journey, scene: &Scene<'_>) -> Copying {
    match seen(journey, scene) {
        _ if journey.started => Copying::Complete,
        Copying::Unclear if journey.forced && journey.back => Copying::Broken,
        Copying::Unclear if journey.forced => Copying::Complete,
        seen => seen,
    }
}

/// The same without what a person said.
fn seen(journey: &Journey, scene: &Scene<'_>) -> Copying {
    let tries: Vec<_> = tries(journey, scene).collect();
    let succeeded = tries.iter().any(|found| text(found, "/status/phase") == Some("Succeeded"));
    let is_other = |found: &&Value| is_new(journey, found) && !is_of_volumes(found);
    let by_other = scene.migrations().filter(is_other).any(|found| text(found, "/status/phase") == Some("Succeeded"));
    let begun =
        scene.vm.pointer("/status/volumeUpdateState/volumeMigrationState/migratedVolumes").and_then(Value::as_array);
    let begun = begun.is_some_and(|all| {
        all.iter().any(|volume| {
            let claim = text(volume, "/destinationPVCInfo/claimName");
            journey.disks.iter().any(|disk| claim == Some(disk.to.as_str()))
        })
    });
    let same = |instance: &&&Value| text(instance, "/metadata/uid") == journey.instance.as_deref();
    if let Some(instance) = scene.instance.as_ref().filter(same).filter(|instance| !is_going(instance)) {
        let changing = holds(instance, "VolumesChange");
        return match stand(instance, journey) {
            Stand::Target if succeeded && !changing => Copying::Complete,
            // A migration for another reason copied, if it began late enough: nobody can tell.
            Stand::Target if by_other && !changing => Copying::Unclear,
            Stand::Target => Copying::UnderWay,
            Stand::Source | Stand::Other if begun || changing => Copying::UnderWay,
            Stand::Source | Stand::Other => Copying::Not,
        };
    }
    let by_hand = holds(scene.vm, "ManualRecoveryRequired");
    match (succeeded, tries.is_empty()) {
        (true, _) => Copying::Complete,
        _ if by_other => Copying::Unclear,
        _ if by_hand => Copying::Broken,
        (false, false) => Copying::Broken,
        (false, true) if begun || scene.instance.is_some() => Copying::Unclear,
        (false, true) => Copying::Not,
    }
}

/// The migrations by which the disks were copied, or were to be.
pub(super) fn tries<'a>(journey: &'a Journey, scene: &Scene<'a>) -> impl Iterator<Item = &'a Value> {
    scene.migrations().filter(move |found| is_of_volumes(found) && is_new(journey, found))
}

fn is_of_volumes(migration: &Value) -> bool {
    path(migration, &["metadata", "labels", VOLUMES]).is_some()
}

fn is_new(journey: &Journey, migration: &Value) -> bool {
    let name = text(migration, "/metadata/name").unwrap_or_default();
    journey.earlier.iter().all(|earlier| earlier != name)
}

/// The label of a migration for the sake of disks. Source: KubeVirt, pkg/virt-controller/watch/workload-updater.
const VOLUMES: &str = "kubevirt.io/volume-update-migration";

/// Whether the guest runs elsewhere: the source node is never the target.
pub(super) fn has_moved(journey: &Journey, scene: &Scene<'_>) -> bool {
    scene.node().is_some() && scene.node() != journey.source_node.as_deref()
}
