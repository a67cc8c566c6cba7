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

/// Whether and how the guest could move (kubevirt 1.7, virt-handler, `calculateLiveMigrationCondition`).
pub(super) fn migratable(status: &mut Value, spec: &Value, now: &str) {
    let network = moves_with_network(spec);
    let disks = moves_with_disks(status, spec);
    let method = if disks == Ok(false) { "LiveMigration" } else { "BlockMigration" };
    status["migrationMethod"] = json!(method);
    set(status, "StorageLiveMigratable", network.clone(), now);
    set(status, "LiveMigratable", network.and(disks.map(|_| ())), now);
}

type Refusal = (&'static str, String);

/// Some binding must let the pod network move; a machine with bridges alone stays.
fn moves_with_network(spec: &Value) -> Result<(), Refusal> {
    let interfaces = list(&spec["domain"]["devices"]["interfaces"]);
    if interfaces.is_empty() || interfaces.iter().any(|interface| interface["masquerade"].is_object()) {
        return Ok(());
    }
    let message = "cannot migrate VMI which does not use masquerade, bridge with \
                   kubevirt.io/allow-pod-bridge-network-live-migration VM annotation or a migratable plugin to \
                   connect to the pod network";
    Err(("InterfaceNotLiveMigratable", message.to_owned()))
}

/// `Ok(true)`: some disk must be copied to the other node, because it is in the pod.
fn moves_with_disks(status: &Value, spec: &Value) -> Result<bool, Refusal> {
    let mut copied = false;
    for volume in list(&spec["volumes"]) {
        let claim = [&volume["persistentVolumeClaim"]["claimName"], &volume["dataVolume"]["name"]];
        let Some(claim) = claim.iter().find_map(|claim| claim.as_str()) else {
            copied = true;
            continue;
        };
        let known = list(&status["volumeStatus"]).iter().find(|known| known["name"] == volume["name"]);
        let modes = known.map_or(&Value::Null, |known| &known["persistentVolumeClaimInfo"]["accessModes"]);
        if !list(modes).contains(&json!("ReadWriteMany")) {
            let why = if modes.is_null() { "Unable to determine if PVC is shared" } else { "PVC is not shared" };
            let why = why.replacen("PVC", &format!("PVC {claim}"), 1);
            let must = "live migration requires that all PVCs must be shared (using ReadWriteMany access mode)";
            return Err(("DisksNotLiveMigratable", format!("cannot migrate VMI: {why}, {must}")));
        }
    }
    Ok(copied)
}
