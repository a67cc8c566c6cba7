//! What guests write on their disks.

use serde_json::Value;

use super::list;
use crate::content::{self, Disks};
use crate::objects::Objects;

/// The guest of a running machine writes on its empty disks.
pub(super) async fn first_writes(objects: &Objects, disks: &Disks, machine: &Value) -> kube::Result<()> {
    let word = format!("written-by-{}", machine["metadata"]["uid"].as_str().unwrap_or_default());
    for claim in claims(machine) {
        let claim = disks.claim(&machine["metadata"]["namespace"], claim);
        if let Some(volume) = claim.and_then(|claim| disks.volume(claim)) {
            content::first_write(objects, volume, &word).await?;
        }
    }
    Ok(())
}

/// The claims on which the guest of a machine writes. While it changes its volumes, they are still the old ones, though
/// its specification already names the new ones.
fn claims(machine: &Value) -> impl Iterator<Item = &Value> {
    let (spec, status) = (&machine["spec"], &machine["status"]);
    let runs = status["phase"] == "Running";
    list(&spec["volumes"]).iter().filter(move |_| runs).filter_map(move |volume| {
        let name = &volume["name"];
        let state = list(&status["volumeStatus"]).iter().find(|state| state["name"] == *name).unwrap_or(&Value::Null);
        // A disk that is plugged in while the guest runs appears when it is ready.
        let absent = state["hotplugVolume"].is_object() && state["phase"] != "Ready";
        let change = list(&status["migratedVolumes"]).iter().find(|one| one["volumeName"] == *name);
        let own = &volume["persistentVolumeClaim"];
        let claim = match change {
            Some(change) => &change["sourcePVCInfo"]["claimName"],
            None if own.is_object() => &own["claimName"],
            None => &volume["dataVolume"]["name"],
        };
        (!absent && own["readOnly"] != true && claim.is_string()).then_some(claim)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_guest_writes_on_what_it_has_booted_with() {
        let mut machine = json!({
            "spec": {"volumes": [
                {"name": "a", "persistentVolumeClaim": {"claimName": "old"}}, {"name": "b", "dataVolume": {"name": "b"}},
                {"name": "c", "persistentVolumeClaim": {"claimName": "c", "readOnly": true}}, {"name": "d", "emptyDisk": {}},
                {"name": "e", "dataVolume": {"name": "e"}},
            ]},
            "status": {"phase": "Running", "volumeStatus": [{"name": "e", "hotplugVolume": {}, "phase": "Bound"}]},
        });
        assert_eq!(claims(&machine).collect::<Vec<_>>(), ["old", "b"]);
        machine["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] = json!("new");
        machine["status"]["migratedVolumes"] = json!([{"volumeName": "a", "sourcePVCInfo": {"claimName": "old"}}]);
        machine["status"]["volumeStatus"][0]["phase"] = json!("Ready");
        assert_eq!(claims(&machine).collect::<Vec<_>>(), ["old", "b", "e"]);
        machine["status"]["phase"] = json!("Scheduled");
        assert_eq!(claims(&machine).count(), 0);
    }
}
