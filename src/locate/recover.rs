//! The way back for a volume whose claim is gone: it is reserved for a claim of the same name, which then finds it.

use serde_json::{Value, json};

use super::Atlas;
use crate::facts::{kind, text};
use crate::storage::word;

/// How one volume is made usable again.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovery {
    /// The PersistentVolume.
    pub volume: String,
    /// The namespace of the claim.
    pub namespace: String,
    /// The claim.
    pub claim: String,
    /// The claim as an object that can be applied.
    pub manifest: Value,
    /// What is done, in order.
    pub steps: Vec<String>,
    /// Why it must not be done, if so: a clause.
    pub obstacle: Option<String>,
}

/// How to recover the volumes of these claims, by namespace and name; or, with `pv/NAME`, that volume.
pub fn recovery(atlas: &Atlas<'_>, volume: &Value) -> Option<Recovery> {
    let part = |at: &str| text(volume, at).filter(|text| !text.is_empty());
    let (namespace, claim, name) =
        (part("/spec/claimRef/namespace")?, part("/spec/claimRef/name")?, part("/metadata/name")?);
    let phase = part("/status/phase").unwrap_or_default();
    let other = atlas.facts.get(kind::CLAIM, namespace, claim);
    let obstacle = if phase == "Bound" {
        Some(format!("it is bound to claim {namespace}/{claim}"))
    } else if other.is_some() {
        Some(format!("there is another claim {namespace}/{claim} now: delete or rename that one first"))
    } else if atlas.facts.unknown(kind::CLAIM, namespace).is_some() {
        Some("claims may not be listed: whether there is another one of that name is not known".to_owned())
    } else {
        None
    };
    Some(Recovery {
        volume: name.to_owned(),
        namespace: namespace.to_owned(),
        claim: claim.to_owned(),
        manifest: manifest(volume, namespace, claim),
        steps: steps(volume, namespace, claim),
        obstacle,
    })
}

/// What is done, in order. Only the identity of the old claim is taken out, so that no other claim can take the volume.
pub(super) fn steps(volume: &Value, namespace: &str, claim: &str) -> Vec<String> {
    let name = word(text(volume, "/metadata/name").unwrap_or_default());
    let mut steps = Vec::new();
    if text(volume, "/spec/persistentVolumeReclaimPolicy") != Some("Retain") {
        steps.push(format!(r#"kubectl patch pv {name} -p '{{"spec":{{"persistentVolumeReclaimPolicy":"Retain"}}}}'"#));
    }
    steps.push(format!(
        r#"kubectl patch pv {name} --type=merge -p '{{"spec":{{"claimRef":{{"uid":null,"resourceVersion":null}}}}}}'"#
    ));
    steps.push(format!(
        "kubectl wukong where-is-my-data pv/{name} --recover-plan | kubectl apply -f -   # claim {} in {}",
        word(claim),
        word(namespace)
    ));
    steps
}

/// A claim that fits the volume and no other.
fn manifest(volume: &Value, namespace: &str, claim: &str) -> Value {
    let spec = |at: &str| volume.pointer(&format!("/spec/{at}")).cloned();
    json!({
        "apiVersion": "v1",
        "kind": kind::CLAIM,
        "metadata": {"name": claim, "namespace": namespace},
        "spec": {
            // Without a class one says so, or the default class would be taken.
            "storageClassName": spec("storageClassName").unwrap_or_else(|| json!("")),
            "volumeName": volume.pointer("/metadata/name"),
            "volumeMode": spec("volumeMode").unwrap_or_else(|| json!("Filesystem")),
            "accessModes": spec("accessModes"),
            "resources": {"requests": {"storage": spec("capacity/storage")}},
        },
    })
}
