//! Waits until a snapshot of a machine is there.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::arrival::end;
use super::runtime::{interrupted, pause};
use super::{Arrival, Door, Reason, Refused, Resource};
use crate::facts::{Facts, text};
use crate::snapshot::{Phase, view};

const PAUSE: Duration = Duration::from_millis(500);

/// Whether a machine is said to be in the middle of a snapshot. Who may not read it is not told.
async fn is_marked(door: &Door, namespace: &str, vm: &str, name: &str) -> Result<bool, Refused> {
    match door.get(Resource::VirtualMachine, Some(namespace), vm).await {
        Ok(found) => Ok(found.is_some_and(|vm| text(&vm, "/status/snapshotInProgress") == Some(name))),
        Err(refused) if refused.reason == Reason::Forbidden => Ok(false),
        Err(refused) => Err(refused),
    }
}

/// Waits for a snapshot; `show` hears what it waits for. Gives it as it was last seen.
///
/// # Errors
/// The server cannot be asked any more.
pub async fn snapshotting(
    door: &Door,
    namespace: &str,
    name: &str,
    timeout: Duration,
    show: &mut (dyn FnMut(&str) + Send),
) -> Result<(Arrival, Option<Value>), Refused> {
    let mut last = None;
    let look = async {
        let end = end(timeout);
        let mut told = String::new();
        loop {
            let found = door.get(Resource::Snapshot, Some(namespace), name).await?;
            let Some(found) = found else { return Ok(Arrival::Failed) };
            let seen = view(&Facts::default(), &found, &[], 0);
            let mut phase = seen.phase;
            let mut detail = match (phase, text(&found, "/status/phase")) {
                (Phase::Waiting, Some("Succeeded")) => "taken; the storage is not done with it".to_owned(),
                _ => seen.detail.unwrap_or_default(),
            };
            // KubeVirt takes its mark from the machine a moment later, and lets nothing else be done with it before.
            if phase == Phase::Ready && is_marked(door, namespace, &seen.vm, name).await? {
                (phase, detail) = (Phase::Waiting, "taken; KubeVirt is not done with the machine".to_owned());
            }
            last = Some(found);
            if detail != told && !detail.is_empty() {
                show(&detail);
                told = detail;
            }
            match phase {
                Phase::Ready => return Ok(Arrival::There),
                Phase::Failed | Phase::Going => return Ok(Arrival::Failed),
                Phase::Waiting if end.is_some_and(|end| Instant::now() >= end) => return Ok(Arrival::TimedOut),
                Phase::Waiting => pause(PAUSE).await,
            }
        }
    };
    let arrival = tokio::select! {
        outcome = look => outcome,
        () = interrupted() => Ok(Arrival::Interrupted),
    };
    arrival.map(|arrival| (arrival, last))
}
