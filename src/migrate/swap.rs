//! The edit of a machine that lets its disks stand on other claims, all at once.

use serde_json::{Value, json};

use super::step::{Act, Next, patch_machine};
use crate::facts::{Journey, claim_of, text, volumes};

/// Where the disks of a journey are in a machine's spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// All on the claims that they leave.
    Source,
    /// All on the claims that they move to.
    Target,
    /// Somebody else has a hand in them.
    Other,
}

/// Where the disks of a journey stand in an object with volumes.
pub(super) fn stand(object: &Value, journey: &Journey) -> Stand {
    let all = volumes(object);
    let claim = |disk: &str| all.iter().find(|volume| volume["name"] == disk).and_then(claim_of);
    let on = |target: bool| {
        journey.disks.iter().all(|disk| claim(&disk.disk) == Some(if target { &disk.to } else { &disk.from }))
    };
    match (on(false), on(true)) {
        (true, _) => Stand::Source,
        (_, true) => Stand::Target,
        _ => Stand::Other,
    }
}

/// What is left to say where somebody else had a hand in the disks.
pub(super) fn astray(journey: &Journey, help: impl Into<String>) -> Next {
    let reason = "its disks stand neither on the old claims nor on the new ones: somebody changed them meanwhile";
    Next::stuck(journey, reason, help)
}

/// The edit that puts all disks on the claims that they move to, or back.
///
/// A template of a disk that moves away would make its DataVolume again, and one that no disk uses is refused: it goes, and
/// comes back with the disk. `fields` are set in the same edit. Source: KubeVirt, data-volume-template.go and handleDataVolumes.
pub(super) fn swap(vm: &Value, journey: &Journey, back: bool, fields: &Value) -> Act {
    let changed: Vec<_> = volumes(vm)
        .iter()
        .map(|volume| {
            let Some(disk) = journey.disks.iter().find(|disk| volume["name"] == disk.disk.as_str()) else {
                return volume.clone();
            };
            // As it was, or KubeVirt takes it for a change that needs a restart.
            if back && disk.volume.is_object() {
                return disk.volume.clone();
            }
            let claim = if back { &disk.from } else { &disk.to };
            let mut source = volume["persistentVolumeClaim"].clone();
            if !source.is_object() {
                source = json!({});
                if volume["dataVolume"]["hotpluggable"] == true {
                    source["hotpluggable"] = json!(true);
                }
            }
            source["claimName"] = json!(claim);
            json!({"name": disk.disk, "persistentVolumeClaim": source})
        })
        .collect();
    let mut spec = json!({"template": {"spec": {"volumes": changed}}});
    let templates = vm.pointer("/spec/dataVolumeTemplates").and_then(Value::as_array).cloned().unwrap_or_default();
    if back {
        let mut all = templates;
        for template in &journey.templates {
            if all.iter().all(|known| known["metadata"]["name"] != template["metadata"]["name"]) {
                all.push(template.clone());
            }
        }
        if !journey.templates.is_empty() {
            spec["dataVolumeTemplates"] = json!(all);
        }
    } else if !journey.templates.is_empty() {
        let left: Vec<_> = templates.into_iter().filter(|template| !leaves(template, journey)).collect();
        spec["dataVolumeTemplates"] = if left.is_empty() { Value::Null } else { json!(left) };
    }
    for (key, value) in fields.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    patch_machine(vm, json!({"spec": spec}))
}

/// Whether a template makes a disk that moves.
pub(super) fn leaves(template: &Value, journey: &Journey) -> bool {
    let name = text(template, "/metadata/name");
    journey.disks.iter().any(|disk| name == Some(disk.from.as_str()))
}
