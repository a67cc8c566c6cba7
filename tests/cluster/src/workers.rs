//! CDI's pods: importers, upload servers, and the sources of host-assisted clones.
//!
//! The image decides how an import goes, so that a test says it in the file that it applies: `*.fails.test` is an image
//! that an importer cannot read, so that it starts again and again; with `*.hangs.test` it stays at 37 %. How a clone
//! goes is decided by the annotation [`crate::content::COPY`] of its target.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::content::{self, BLANK, Disks};
use crate::handler::now;
use crate::kubelet::{containers, terminated};
use crate::objects::Objects;

/// What an importer says before it ends.
const UNREADABLE: &str = "Unable to process data: expected status code 200, got 404. Status: 404 Not Found";
/// What the source of a clone says before it ends.
const BROKEN: &str = "Error uploading: connection reset by peer";
/// Where the source of a clone names the claim that it fills, in its annotations.
const TARGET: &str = "cdi.kubevirt.io/storage.ownerRef";

/// What one worker can see of the others.
pub(crate) struct Surroundings<'a> {
    pub(crate) pods: &'a [Arc<Value>],
    pub(crate) disks: &'a Disks,
}

/// Whether a pod is one of CDI's.
pub(crate) fn is_one(pod: &Value) -> bool {
    pod["metadata"]["labels"]["cdi.kubevirt.io"].is_string()
}

fn is(pod: &Value, kind: &str) -> bool {
    pod["metadata"]["labels"]["cdi.kubevirt.io"] == kind
}

fn variable<'a>(pod: &'a Value, name: &str) -> Option<&'a str> {
    let environment = pod["spec"]["containers"][0]["env"].as_array()?;
    environment.iter().find(|variable| variable["name"] == name)?["value"].as_str()
}

/// The claim that a worker reads or fills.
fn claim_of(pod: &Value) -> &Value {
    let volumes = pod["spec"]["volumes"].as_array();
    let mut volumes = volumes.into_iter().flatten().filter(|volume| volume["name"] == "cdi-data-vol");
    volumes.next().map_or(&Value::Null, |volume| &volume["persistentVolumeClaim"]["claimName"])
}

/// Whether a worker does what it is there for, now.
enum Work {
    Goes,
    Waits,
    Fails(&'static str),
}

impl Surroundings<'_> {
    fn work(&self, pod: &Value) -> Work {
        let endpoint = variable(pod, "IMPORTER_ENDPOINT").unwrap_or_default();
        if is(pod, "cdi-upload-server") {
            // One that waits for a person's upload goes on waiting; that of a clone ends after what fills it.
            return match self.source(pod) {
                Some(source) if source["status"]["phase"] == "Succeeded" => Work::Goes,
                _ => Work::Waits,
            };
        }
        let trouble = if is(pod, "cdi-clone-source") { self.target(pod).and_then(content::trouble) } else { None };
        match trouble {
            Some("fails") => Work::Fails(BROKEN),
            Some("hangs") => Work::Waits,
            _ if endpoint.contains(".fails.test") => Work::Fails(UNREADABLE),
            _ if endpoint.contains(".hangs.test") => Work::Waits,
            _ => Work::Goes,
        }
    }

    /// The pod that fills the claim of an upload server.
    fn source(&self, server: &Value) -> Option<&Value> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let target = format!("{}/{}", text(&server["metadata"]["namespace"]), text(claim_of(server)));
        let fills = |pod: &&Arc<Value>| {
            is(pod, "cdi-clone-source") && pod["metadata"]["annotations"][TARGET] == target.as_str()
        };
        self.pods.iter().find(fills).map(Arc::as_ref)
    }

    /// The claim that the source of a clone fills.
    fn target(&self, source: &Value) -> Option<&Value> {
        let (namespace, name) = source["metadata"]["annotations"][TARGET].as_str()?.split_once('/')?;
        self.disks.claim(&json!(namespace), &json!(name))
    }

    /// What is on the claim of a worker that has just done its work.
    pub(crate) async fn fill(&self, objects: &Objects, pod: &Value) -> kube::Result<()> {
        let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
        let Some(claim) = claim_of(pod).as_str() else { return Ok(()) };
        if let Some(source) = self.source(pod) {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let from = (text(&source["metadata"]["namespace"]), text(claim_of(source)));
            content::copy(objects, namespace, (&from.0, &from.1), claim).await
        } else {
            // Pods without a source only look at how large a disk is.
            match variable(pod, "IMPORTER_SOURCE") {
                None => Ok(()),
                Some("none") => content::write(objects, namespace, claim, BLANK).await,
                Some(kind) => {
                    let from = variable(pod, "IMPORTER_ENDPOINT").unwrap_or(kind);
                    content::write(objects, namespace, claim, from).await
                }
            }
        }
    }

    /// The next status of a worker that runs. It takes a moment, so that its progress can be seen.
    pub(crate) fn next(&self, pod: &Value, at: Timestamp) -> Option<Value> {
        let container = &pod["status"]["containerStatuses"][0];
        let state = &container["state"];
        let since = |time: &Value| {
            let time = time.as_str().and_then(|time| time.parse::<Timestamp>().ok())?;
            Some(at.as_second() - time.as_second())
        };
        let not_ready = json!([{"type": "Ready", "status": "False", "lastTransitionTime": now()}]);
        let change = |ready: bool, restarts: u64, state: Value, last: Value| {
            let mut all = containers(pod, &state);
            all[0]["restartCount"] = json!(restarts);
            all[0]["ready"] = json!(ready);
            all[0]["started"] = json!(ready);
            all[0]["lastState"] = last;
            json!({"phase": "Running", "containerStatuses": all, "conditions": not_ready})
        };
        let restarts = container["restartCount"].as_u64().unwrap_or(0);
        if since(&state["running"]["startedAt"]).is_some_and(|seconds| seconds >= 2) {
            return match self.work(pod) {
                Work::Fails(said) => Some(change(false, restarts, terminated(1, "Error", said), Value::Null)),
                Work::Waits => None,
                Work::Goes => {
                    let said = terminated(0, "Completed", "{\"preallocationApplied\":false}");
                    let ended = containers(pod, &said);
                    Some(json!({"phase": "Succeeded", "conditions": not_ready, "containerStatuses": ended}))
                }
            };
        }
        if since(&state["terminated"]["finishedAt"]).is_some_and(|seconds| seconds >= 1) {
            let waiting =
                json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off restarting failed container"}});
            return Some(change(false, restarts, waiting, state.clone()));
        }
        if state["waiting"]["reason"] == "CrashLoopBackOff"
            && since(&container["lastState"]["terminated"]["finishedAt"]).is_some_and(|seconds| seconds >= 10)
        {
            let last = container["lastState"].clone();
            return Some(change(true, restarts + 1, json!({"running": {"startedAt": now()}}), last));
        }
        None
    }
}
