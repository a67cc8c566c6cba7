//! Conditions that virt-handler writes. `Ready` is not among them: virt-controller takes it from the pod.

use serde_json::{Value, json};

use super::list;

/// Sets a condition, or says with which reason and message it does not hold. One that stays as it is keeps its time.
pub(super) fn set(status: &mut Value, kind: &str, holds: Result<(), (&str, String)>, now: &str) {
    let mut condition = json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": now});
    if let Err((reason, message)) = holds {
        condition["status"] = json!("False");
        condition["reason"] = json!(reason);
        condition["message"] = json!(message);
    }
    let mut all = list(&status["conditions"]).to_vec();
    match all.iter_mut().find(|known| known["type"] == kind) {
        Some(known) => {
            let same = ["status", "reason", "message"].iter().all(|field| known[*field] == condition[*field]);
            if same {
                return;
            }
            *known = condition;
        }
        None => all.push(condition),
    }
    status["conditions"] = Value::Array(all);
}

type Refusal = (&'static str, String);

/// Whether and how the guest could move (virt-handler, `calculateLiveMigrationCondition`): as it is, and with its
/// disks copied to other volumes.
pub(super) fn migratable(status: &mut Value, machine: &Value, now: &str) {
    let without_disks = moves_with_network(machine).and(moves_with_devices(&machine["spec"]));
    let disks = moves_with_disks(status, &machine["spec"]);
    let method = if disks == Ok(false) { "LiveMigration" } else { "BlockMigration" };
    status["migrationMethod"] = json!(method);
    let copied = without_disks.clone().map_err(|(reason, message)| ("NotMigratable", format!("{reason}: {message}")));
    set(status, "StorageLiveMigratable", copied, now);
    set(status, "LiveMigratable", without_disks.and(disks.map(|_| ())), now);
}

/// Some binding must let the pod network move; a machine with bridges alone stays, unless it says that it may lose its
/// address.
fn moves_with_network(machine: &Value) -> Result<(), Refusal> {
    let interfaces = list(&machine["spec"]["domain"]["devices"]["interfaces"]);
    let allowed = &machine["metadata"]["annotations"]["kubevirt.io/allow-pod-bridge-network-live-migration"];
    let moves = |interface: &Value| interface["masquerade"].is_object() || allowed.is_string();
    if interfaces.is_empty() || interfaces.iter().any(moves) {
        return Ok(());
    }
    let message = "cannot migrate VMI which does not use masquerade, bridge with \
                   kubevirt.io/allow-pod-bridge-network-live-migration VM annotation or a migratable plugin to \
                   connect to the pod network";
    Err(("InterfaceNotLiveMigratable", message.to_owned()))
}

/// What is plugged into a node stays there.
fn moves_with_devices(spec: &Value) -> Result<(), Refusal> {
    let devices = &spec["domain"]["devices"];
    if list(&devices["hostDevices"]).is_empty() && list(&devices["gpus"]).is_empty() {
        return Ok(());
    }
    Err(("HostDeviceNotLiveMigratable", "VMI uses a PCI host devices".to_owned()))
}

/// `Ok(true)`: some disk must be copied to the other node, because it is in the pod or changes its volume.
fn moves_with_disks(status: &Value, spec: &Value) -> Result<bool, Refusal> {
    let moved = list(&status["migratedVolumes"]);
    let mut copied = !moved.is_empty();
    for volume in list(&spec["volumes"]) {
        let claim = [&volume["persistentVolumeClaim"]["claimName"], &volume["dataVolume"]["name"]];
        let Some(claim) = claim.iter().find_map(|claim| claim.as_str()) else {
            copied = true;
            continue;
        };
        let known = list(&status["volumeStatus"]).iter().find(|known| known["name"] == volume["name"]);
        let modes = known.map_or(&Value::Null, |known| &known["persistentVolumeClaimInfo"]["accessModes"]);
        let leaves = moved.iter().any(|one| one["volumeName"] == volume["name"]) && !modes.is_null();
        if !list(modes).contains(&json!("ReadWriteMany")) && !leaves {
            let why = if modes.is_null() { "Unable to determine if PVC is shared" } else { "PVC is not shared" };
            let why = why.replacen("PVC", &format!("PVC {claim}"), 1);
            let must = "live migration requires that all PVCs must be shared (using ReadWriteMany access mode)";
            return Err(("DisksNotLiveMigratable", format!("cannot migrate VMI: {why}, {must}")));
        }
    }
    Ok(copied)
}
