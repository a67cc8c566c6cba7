//! Where disks appear in the guest, and disks that come and go while it runs.

use serde_json::{Value, json};

use super::list;

/// Gives every disk that was there at boot its place: `vda`, `vdb`, … on virtio, `sda`, … elsewhere.
pub(super) fn targets(status: &mut Value, spec: &Value) {
    let mut volumes = list(&status["volumeStatus"]).to_vec();
    for disk in list(&spec["domain"]["devices"]["disks"]) {
        let target = free_target(&volumes, disk);
        if let Some(volume) = volumes.iter_mut().find(|volume| volume["name"] == disk["name"])
            && volume["hotplugVolume"].is_null()
        {
            volume["target"] = json!(target);
        }
    }
    status["volumeStatus"] = Value::Array(volumes);
}

/// The first place on the bus of a disk that no volume has.
fn free_target(volumes: &[Value], disk: &Value) -> String {
    let bus = ["disk", "lun", "cdrom"].iter().find_map(|kind| disk[*kind]["bus"].as_str()).unwrap_or("sata");
    let prefix = if bus == "virtio" { "vd" } else { "sd" };
    let mut places = ('a'..='z').map(|letter| format!("{prefix}{letter}"));
    let free = places.find(|place| volumes.iter().all(|volume| volume["target"] != place.as_str()));
    free.unwrap_or_else(|| format!("{prefix}aa"))
}

/// Moves hot-plugged volumes one step on. KubeVirt's controller attaches them to the node before, and takes their entry
/// away after.
pub(super) fn hot_plug(status: &mut Value, spec: &Value) {
    let mut volumes = list(&status["volumeStatus"]).to_vec();
    let disks = list(&spec["domain"]["devices"]["disks"]);
    for index in 0..volumes.len() {
        let volume = &volumes[index];
        if !volume["hotplugVolume"].is_object() {
            continue;
        }
        let wanted = list(&spec["volumes"]).iter().any(|known| known["name"] == volume["name"]);
        let (phase, reason, message) = match (wanted, volume["phase"].as_str().unwrap_or_default()) {
            (true, "AttachedToNode") => {
                ("MountedToPod", "VolumeMountedToPod", "Volume has been mounted in virt-launcher pod")
            }
            (true, "MountedToPod") => {
                let disk = disks.iter().find(|disk| disk["name"] == volume["name"]).unwrap_or(&Value::Null);
                let target = free_target(&volumes, disk);
                volumes[index]["target"] = json!(target);
                ("Ready", "VolumeReady", "Successfully attach hotplugged volume to VM")
            }
            (false, "Ready" | "MountedToPod" | "AttachedToNode" | "Detaching") => {
                volumes[index]["target"] = json!("");
                ("UnMountedFromPod", "VolumeUnMountedFromPod", "Volume has been unmounted from virt-launcher pod")
            }
            _ => continue,
        };
        for (key, value) in [("phase", phase), ("reason", reason), ("message", message)] {
            volumes[index][key] = json!(value);
        }
    }
    if !volumes.is_empty() {
        status["volumeStatus"] = Value::Array(volumes);
    }
}
