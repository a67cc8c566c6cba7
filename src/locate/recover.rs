//! The way back for a volume whose claim is gone: it is reserved for a claim of the same name, which then finds it.

use serde_json::{Value, json};

use super::Atlas;
use crate::facts::{is_going, kind, text};
use crate::status::Subject;
use crate::text::{command_line, word};

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

impl Recovery {
    /// What is done before the manifest is applied: all but the last step.
    pub fn before(&self) -> &[String] {
        self.steps.split_last().map_or(&[], |(_, before)| before)
    }
}

/// How a volume is recovered; none if it belonged to no claim.
pub fn recovery(atlas: &Atlas<'_>, volume: &Value) -> Option<Recovery> {
    let part = |at: &str| text(volume, at).filter(|text| !text.is_empty());
    let (namespace, claim, name) =
        (part("/spec/claimRef/namespace")?, part("/spec/claimRef/name")?, part("/metadata/name")?);
    let phase = part("/status/phase").unwrap_or_default();
    let facts = atlas.facts;
    let obstacle = if is_going(volume) {
        Some("it is being deleted: save its spec, and make a new volume with the same source".to_owned())
    } else if phase == "Bound" {
        Some(format!("it is bound to claim {namespace}/{claim}"))
    } else if let Some(data_volume) = facts.get(kind::DATA_VOLUME, namespace, claim) {
        // CDI would fill the volume anew, over the bytes that shall come back.
        let name = word(text(data_volume, "/metadata/name").unwrap_or_default());
        Some(format!(
            "DataVolume {claim} is there and would be filled into it: stop the machine, then kubectl delete dv {name} -n {} \
             --cascade=orphan, then delete the claim of that name if there is one",
            word(namespace)
        ))
    } else if facts.get(kind::CLAIM, namespace, claim).is_some() {
        Some(format!(
            "there is another claim {namespace}/{claim} now: delete that one first, if its data is not needed"
        ))
    } else if facts.unknown(kind::CLAIM, namespace).or(facts.unknown(kind::DATA_VOLUME, namespace)).is_some() {
        Some("claims or DataVolumes may not be listed: whether another one has that name is not known".to_owned())
    } else {
        None
    };
    Some(Recovery {
        volume: name.to_owned(),
        namespace: namespace.to_owned(),
        claim: claim.to_owned(),
        manifest: manifest(volume, namespace, claim),
        steps: steps(volume, namespace, claim, None),
        obstacle,
    })
}

/// What is done, in order. `remade`: the machine for which CDI makes the claim anew meanwhile, which must not get at the
/// volume first. Only the identity of the old claim is taken out, so that no other claim can take the volume.
pub(super) fn steps(volume: &Value, namespace: &str, claim: &str, remade: Option<&Subject>) -> Vec<String> {
    let name = word(text(volume, "/metadata/name").unwrap_or_default());
    let mut steps = Vec::new();
    if let Some(subject) = remade {
        steps.push(command_line("stop", &[&subject.shown()], namespace, ""));
        steps.push(format!("kubectl delete dv {} -n {} --cascade=orphan", word(claim), word(namespace)));
        steps.push(format!(
            "kubectl delete pvc {} -n {}   # the new one, without the bytes",
            word(claim),
            word(namespace)
        ));
    }
    if text(volume, "/spec/persistentVolumeReclaimPolicy") != Some("Retain") {
        steps.push(retain(text(volume, "/metadata/name").unwrap_or_default()));
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

/// The step that makes a deletion harmless.
pub(crate) fn retain(volume: &str) -> String {
    format!(r#"kubectl patch pv {} -p '{{"spec":{{"persistentVolumeReclaimPolicy":"Retain"}}}}'"#, word(volume))
}

/// A claim that fits the volume and no other.
fn manifest(volume: &Value, namespace: &str, claim: &str) -> Value {
    let spec = |at: &str| volume.pointer(&format!("/spec/{at}")).cloned();
    let mut claim = json!({
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
    });
    // Where the volume has one, the claim must name the same, or the two never meet.
    if let Some(class) = spec("volumeAttributesClassName") {
        claim["spec"]["volumeAttributesClassName"] = class;
    }
    claim
}
