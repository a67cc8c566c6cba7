//! A machine lets go of its disks before it is deleted. The garbage collector of Kubernetes orphans only what it has seen,
//! and for a while after a kind or an object has come, it has not: what a machine still owns then would go with it.
//! Source: Kubernetes, pkg/controller/garbagecollector, orphanDependents: the dependents are those of its own graph.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::runtime::pause;
use super::{Door, Reason, Refused, Resource, Write};
use crate::facts::{is_going, text};

/// How long KubeVirt may take to see that the templates are gone.
const SEEN: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);
/// How often an object is looked at again that somebody else writes at the same time.
const TRIES: usize = 20;

/// Takes a machine that is stopped, or goes already, out of the owners of what goes by the names of these claims, and of
/// its templates. What may not be read is left to the collector.
///
/// # Errors
/// The server refused; nothing is deleted yet.
pub(super) async fn release(
    door: &Door,
    namespace: &str,
    machine: &Value,
    mut claims: BTreeSet<&str>,
    write: &Write<'_>,
) -> Result<(), Refused> {
    let name = text(machine, "/metadata/name").unwrap_or_default();
    let uid = &machine["metadata"]["uid"];
    let templates =
        machine.pointer("/spec/dataVolumeTemplates").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    claims.extend(templates.iter().filter_map(|template| text(template, "/metadata/name")));
    if !templates.is_empty() && !is_going(machine) {
        // Or KubeVirt takes the DataVolumes of its templates for its own again.
        let patch = json!({"metadata": {"uid": uid}, "spec": {"dataVolumeTemplates": null}});
        let changed = door.merge(Resource::VirtualMachine, Some(namespace), name, &patch, write).await?;
        seen(door, namespace, name, &changed["metadata"]["generation"]).await?;
    }
    for claim in claims {
        for kind in [Resource::DataVolume, Resource::PersistentVolumeClaim] {
            let_go(door, kind, namespace, claim, uid, write).await?;
        }
    }
    Ok(())
}

/// Waits until KubeVirt has seen a generation of a machine, for a while: it may be an old one that does not say so.
async fn seen(door: &Door, namespace: &str, name: &str, generation: &Value) -> Result<(), Refused> {
    let end = Instant::now() + SEEN;
    while Instant::now() < end {
        let Some(machine) = door.get(Resource::VirtualMachine, Some(namespace), name).await? else { return Ok(()) };
        let observed = machine.pointer("/status/observedGeneration").and_then(Value::as_i64);
        if observed.zip(generation.as_i64()).is_none_or(|(observed, wanted)| observed >= wanted) {
            return Ok(());
        }
        pause(PAUSE).await;
    }
    Ok(())
}

/// Removes an owner from an object, if it is one; others stay.
async fn let_go(
    door: &Door,
    kind: Resource,
    namespace: &str,
    name: &str,
    uid: &Value,
    write: &Write<'_>,
) -> Result<(), Refused> {
    let mut tries = 0;
    loop {
        let found = match door.get(kind, Some(namespace), name).await {
            Err(refused) if refused.reason == Reason::Forbidden => return Ok(()),
            answer => answer?,
        };
        let Some(found) = found else { return Ok(()) };
        let owners = &found["metadata"]["ownerReferences"];
        let rest: Vec<_> = owners.as_array().into_iter().flatten().filter(|owner| owner["uid"] != *uid).collect();
        if owners.as_array().is_none_or(|owners| owners.len() == rest.len()) {
            return Ok(());
        }
        let patch = json!([
            {"op": "test", "path": "/metadata/uid", "value": found["metadata"]["uid"]},
            {"op": "test", "path": "/metadata/ownerReferences", "value": owners},
            {"op": "replace", "path": "/metadata/ownerReferences", "value": rest},
        ]);
        match door.json_patch(kind, Some(namespace), name, &patch, write).await {
            Ok(_) => return Ok(()),
            // A failed test is an invalid patch to the server.
            Err(refused) if tries < TRIES && matches!(refused.reason, Reason::Invalid | Reason::Conflict) => {
                tries += 1;
                pause(PAUSE).await;
            }
            Err(refused) => return Err(refused),
        }
    }
}
