//! What is left to do when a machine is back: claims that nobody owns, and a record that knows them.

use serde_json::{Value, json};

use super::restore::POPULATED;
use crate::facts::{Record, kind, path, text};

/// The patch that makes a new claim outlive its machine, and lets a DataVolume of its name take it without filling it;
/// nothing if it is so already. KubeVirt before `volumeOwnershipPolicy` makes the machine its owner.
pub fn corrected(claim: &Value, image: bool) -> Option<Value> {
    let name = text(claim, "/metadata/name").unwrap_or_default();
    let mut metadata = json!({});
    if image && path(claim, &["metadata", "annotations", POPULATED]).is_none() {
        metadata["annotations"] = json!({POPULATED: name});
    }
    let owners = claim.pointer("/metadata/ownerReferences").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let others: Vec<_> = owners.iter().filter(|owner| owner["kind"] != kind::MACHINE).collect();
    if others.len() < owners.len() {
        metadata["ownerReferences"] = json!(others);
    }
    if metadata.as_object().is_some_and(serde_json::Map::is_empty) {
        return None;
    }
    metadata["uid"] = claim["metadata"]["uid"].clone();
    metadata["resourceVersion"] = claim["metadata"]["resourceVersion"].clone();
    Some(json!({"metadata": metadata}))
}

/// The record of a Wukong whose disks have new claims: by disk, with the claim and the DataVolume of its name if there is
/// one. What was made before stays known.
pub fn agreed(record: &Record, disks: &[(&str, &Value, Option<&Value>)]) -> Record {
    let mut after = record.clone();
    for (disk, claim, volume) in disks {
        // An existing claim that the file only uses is in no record.
        let Some(known) = after.claims.get_mut(*disk) else { continue };
        let name = text(claim, "/metadata/name").unwrap_or_default();
        name.clone_into(known);
        after.note("v1", kind::CLAIM, name, text(claim, "/metadata/uid"));
        if let Some(volume) = volume {
            let version = text(volume, "/apiVersion").unwrap_or_default();
            after.note(version, kind::DATA_VOLUME, name, text(volume, "/metadata/uid"));
        }
        if let Some(entry) = after.lists.get_mut("volumes").and_then(|list| list.get_mut(*disk)) {
            for at in ["/persistentVolumeClaim/claimName", "/dataVolume/name"] {
                if let Some(place) = entry.pointer_mut(at) {
                    *place = json!(name);
                }
            }
        }
    }
    after.made.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_released_and_marked_once() {
        let claim = json!({"metadata": {"name": "c", "uid": "1", "resourceVersion": "7",
            "ownerReferences": [{"kind": "VirtualMachine", "name": "web-vm"}, {"kind": "DataVolume", "name": "c"}]}});
        let patch = corrected(&claim, true).unwrap();
        assert_eq!(patch["metadata"]["ownerReferences"], json!([{"kind": "DataVolume", "name": "c"}]));
        assert_eq!(patch["metadata"]["annotations"][POPULATED], "c");
        assert_eq!(patch["metadata"]["resourceVersion"], "7");
        let good = json!({"metadata": {"name": "c", "annotations": {POPULATED: "c"}}});
        assert_eq!(corrected(&good, true), None);
    }

    #[test]
    fn the_record_knows_the_new_claims_and_forgets_none() {
        let mut record = Record::default();
        record.note("v1", kind::CLAIM, "web-data", Some("1"));
        record.claims.insert("data".into(), "web-data".into());
        record
            .lists
            .entry("volumes".into())
            .or_default()
            .insert("data".into(), json!({"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}}));
        let claim = json!({"metadata": {"name": "web-data-r1", "uid": "2"}});
        let after = agreed(&record, &[("data", &claim, None), ("existing", &claim, None)]);
        assert_eq!(after.claims["data"], "web-data-r1");
        assert!(!after.claims.contains_key("existing"));
        assert_eq!(after.made(kind::CLAIM, "web-data").unwrap().uid.as_deref(), Some("1"));
        assert_eq!(after.made(kind::CLAIM, "web-data-r1").unwrap().uid.as_deref(), Some("2"));
        assert_eq!(after.lists["volumes"]["data"]["persistentVolumeClaim"]["claimName"], "web-data-r1");
    }
}
