//! Classes, volumes and claims of storage backends that cannot run here.
//!
//! A volume names its claim, so the real controller-manager binds the pair and nobody provisions anything.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::objects::{Objects, Reference, documents};

/// The namespace of the claims.
pub const NAMESPACE: &str = "backends";

/// Loads all rows of `manifests/backends.yaml`; gives the claims' names.
pub(crate) async fn load(objects: &Objects) -> Result<Vec<String>> {
    let rows = documents(include_str!("../manifests/backends.yaml"))?;
    let mut claims = Vec::new();
    for (index, row) in rows.iter().filter_map(Value::as_array).flatten().enumerate() {
        for object in row_objects(row, index + 1) {
            objects.apply(&object).await.with_context(|| Reference::of(&object).to_string())?;
        }
        claims.push(row["claim"].as_str().unwrap_or_default().to_owned());
    }
    Ok(claims)
}

fn row_objects(row: &Value, number: usize) -> Vec<Value> {
    let or = |value: &Value, default: &str| if value.is_null() { json!(default) } else { value.clone() };
    let class = &row["class"];
    let volume_name = format!("pvc-11111111-0000-4000-8000-{number:012}");
    let (modes, mode) = (json!([or(&row["access"], "ReadWriteOnce")]), or(&row["mode"], "Filesystem"));
    let reclaim = or(&class["reclaim"], "Delete");
    let mut annotations = row["annotations"].clone();
    if class["provisioner"].is_string() {
        annotations["pv.kubernetes.io/provisioned-by"] = class["provisioner"].clone();
    }
    let mut spec = json!({
        "capacity": {"storage": row["size"]}, "accessModes": modes, "volumeMode": mode,
        "persistentVolumeReclaimPolicy": reclaim, "storageClassName": class["name"],
        "claimRef": {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": NAMESPACE, "name": row["claim"],
        },
    });
    for (key, value) in row["source"].as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    if let Some((key, values)) = row["topology"].as_object().and_then(|topology| topology.iter().next()) {
        let here = json!({"key": key, "operator": "In", "values": values});
        spec["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}});
    }
    let metadata = json!({"name": volume_name, "annotations": annotations});
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec});
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"namespace": NAMESPACE, "name": row["claim"]},
        "spec": {
            "accessModes": modes, "volumeMode": mode, "storageClassName": class["name"], "volumeName": volume_name,
            "resources": {"requests": {"storage": row["size"]}},
        },
    });
    let mut all = vec![volume, claim];
    if class["provisioner"].is_string() {
        all.push(json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": class["name"]},
            "provisioner": class["provisioner"], "allowVolumeExpansion": class["expands"] == true,
            "volumeBindingMode": or(&class["binding"], "Immediate"), "reclaimPolicy": reclaim,
            "parameters": class["parameters"],
        }));
    }
    all
}
