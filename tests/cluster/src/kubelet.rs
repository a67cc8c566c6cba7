//! What kubelets would report about their nodes and pods.
//!
//! The image decides how an import or a start goes, so that a test says it in the file that it applies:
//! `*.fails.test` is an image that an importer cannot read, so that it starts again and again; with `*.hangs.test` it
//! stays at 37 %; `*.missing.test` is an image that cannot be pulled.

use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::handler::now;
use crate::nodes;
use crate::objects::{Objects, Reference};
use crate::watched::Watched;

/// What an importer says before it ends.
const UNREADABLE: &str = "Unable to process data: expected status code 200, got 404. Status: 404 Not Found";

/// Looks at all pods on nodes that live and moves each by one step.
pub(crate) async fn step(world: &Watched, objects: &Objects) -> Result<()> {
    let alive = nodes::alive(world).await?;
    let mut result = Ok(());
    for pod in world.all("v1", "Pod").await? {
        if !alive.iter().any(|node| pod["spec"]["nodeName"] == node.as_str()) {
            continue;
        }
        let reference = Reference::of(&pod);
        let done = if pod["metadata"]["deletionTimestamp"].is_string() {
            objects.delete_now(&reference).await
        } else if let Some(status) = next(&pod, Timestamp::now()) {
            objects.merge(&reference, "status", &json!({"status": status})).await.map(|_| ())
        } else {
            Ok(())
        };
        match done {
            // It went meanwhile.
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            other => result = result.and(other.map_err(Into::into)),
        }
    }
    result
}

/// The next status of a pod on its node, if it changes.
fn next(pod: &Value, at: Timestamp) -> Option<Value> {
    let status = &pod["status"];
    let container = &status["containerStatuses"][0];
    match status["phase"].as_str() {
        Some("Pending") if images(pod).any(|image| image.contains(".missing.test")) => {
            container.is_null().then(|| cannot_pull(pod))
        }
        Some("Pending") if completes(pod) => Some(json!({
            "phase": "Succeeded", "containerStatuses": containers(pod, &terminated(0, "Completed", "")),
        })),
        Some("Pending") => Some(running(pod)),
        Some("Running") if is_worker(pod) => work(pod, container, at),
        _ => None,
    }
}

fn images(pod: &Value) -> impl Iterator<Item = &str> {
    let all = ["containers", "initContainers"].into_iter().filter_map(|kind| pod["spec"][kind].as_array());
    all.flatten().filter_map(|container| container["image"].as_str())
}

fn variable<'a>(pod: &'a Value, name: &str) -> Option<&'a str> {
    let environment = pod["spec"]["containers"][0]["env"].as_array()?;
    environment.iter().find(|variable| variable["name"] == name)?["value"].as_str()
}

/// Helpers of local-path, pods that only bind a volume, jobs: they end as soon as they run.
fn completes(pod: &Value) -> bool {
    let launcher = pod["metadata"]["labels"]["kubevirt.io"].is_string()
        && pod["metadata"]["annotations"]["kubevirt.io/ephemeral-provisioning"].is_null();
    pod["spec"]["restartPolicy"] != "Always" && !is_worker(pod) && !launcher
}

/// Importers, cloners and upload servers of CDI.
fn is_worker(pod: &Value) -> bool {
    pod["metadata"]["labels"]["cdi.kubevirt.io"].is_string()
}

/// A worker takes a moment, so that its progress can be seen.
fn work(pod: &Value, container: &Value, at: Timestamp) -> Option<Value> {
    let endpoint = variable(pod, "IMPORTER_ENDPOINT").unwrap_or_default();
    // A server that waits for a person's upload goes on waiting; those of clones have a client of another name.
    let waits = variable(pod, "CLIENT_NAME") == Some("client.upload-server.cdi.kubevirt.io");
    let state = &container["state"];
    let since = |time: &Value| {
        let time = time.as_str().and_then(|time| time.parse::<Timestamp>().ok())?;
        Some(at.as_second() - time.as_second())
    };
    let fails = endpoint.contains(".fails.test");
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
        return match (fails, waits || endpoint.contains(".hangs.test")) {
            (true, _) => Some(change(false, restarts, terminated(1, "Error", UNREADABLE), Value::Null)),
            (false, true) => None,
            (false, false) => {
                let said = terminated(0, "Completed", "{\"preallocationApplied\":false}");
                Some(
                    json!({"phase": "Succeeded", "conditions": not_ready, "containerStatuses": containers(pod, &said)}),
                )
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

fn terminated(code: u8, reason: &str, message: &str) -> Value {
    let mut end = json!({"exitCode": code, "reason": reason, "startedAt": now(), "finishedAt": now()});
    if !message.is_empty() {
        end["message"] = json!(message);
    }
    json!({"terminated": end})
}

/// The containers of a pod in one state.
fn containers(pod: &Value, state: &Value) -> Value {
    let runs = state["running"].is_object();
    let one = |container: &Value| {
        json!({
            "name": container["name"], "image": container["image"], "imageID": "", "ready": runs, "started": runs,
            "restartCount": 0, "state": state,
        })
    };
    pod["spec"]["containers"].as_array().into_iter().flatten().map(one).collect()
}

fn running(pod: &Value) -> Value {
    let runs = json!({"running": {"startedAt": now()}});
    let ended = terminated(0, "Completed", "");
    // An init container that is to be restarted goes on beside the others.
    let init = |container: &Value| {
        let state = if container["restartPolicy"] == "Always" { &runs } else { &ended };
        json!({
            "name": container["name"], "image": container["image"], "imageID": "", "ready": true, "restartCount": 0,
            "started": container["restartPolicy"] == "Always", "state": state,
        })
    };
    let holds = |kind: &str| json!({"type": kind, "status": "True", "lastTransitionTime": now()});
    let address = address(pod);
    json!({
        "phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "startTime": now(),
        "conditions": [holds("Initialized"), holds("Ready"), holds("ContainersReady")],
        "containerStatuses": containers(pod, &runs),
        "initContainerStatuses": pod["spec"]["initContainers"].as_array().into_iter().flatten().map(init).collect::<Value>(),
    })
}

fn cannot_pull(pod: &Value) -> Value {
    let image = images(pod).find(|image| image.contains(".missing.test")).unwrap_or_default();
    let waiting =
        json!({"reason": "ImagePullBackOff", "message": format!("Back-off pulling image \"{image}\": not found")});
    let holds_not = |kind: &str| json!({"type": kind, "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": now()});
    json!({
        "phase": "Pending", "podIP": address(pod), "containerStatuses": containers(pod, &json!({"waiting": waiting})),
        "conditions": [holds_not("Ready"), holds_not("ContainersReady")],
    })
}

/// An address apart from those of services, that follows from the pod's identity.
fn address(pod: &Value) -> String {
    let digits: String =
        pod["metadata"]["uid"].as_str().unwrap_or_default().chars().filter(char::is_ascii_hexdigit).collect();
    let byte = |at: usize| digits.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(1);
    format!("10.{}.{}.{}", 128 + byte(0) % 64, byte(2), 1 + byte(4) % 254)
}

/// What a kubelet does for its node: it is ready, and its lease is renewed.
pub(crate) async fn renew(world: &Watched, objects: &Objects) -> Result<()> {
    for name in nodes::alive(world).await? {
        let node = Reference::new("v1", "Node", "", &name);
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"namespace": "kube-node-lease", "name": name},
            "spec": {
                "holderIdentity": name, "leaseDurationSeconds": 40,
                "renewTime": Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string(),
            },
        });
        objects.apply(&lease).await?;
        let seen = objects.get(&node).await?.unwrap_or_default();
        let conditions = seen["status"]["conditions"].as_array();
        let ready = conditions.into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True");
        if !ready {
            let resources = json!({
                "cpu": "64", "memory": "256Gi", "ephemeral-storage": "500Gi", "pods": "200",
                "devices.kubevirt.io/kvm": "1k", "devices.kubevirt.io/tun": "1k", "devices.kubevirt.io/vhost-net": "1k",
            });
            let condition = json!({
                "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "simulated",
                "lastHeartbeatTime": now(), "lastTransitionTime": now(),
            });
            let status = json!({"capacity": resources, "allocatable": resources, "conditions": [condition]});
            objects.merge(&node, "status", &json!({"status": status})).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(labels: &Value, endpoint: &str) -> Value {
        json!({
            "metadata": {"uid": "0a1b2c3d-0000", "labels": labels},
            "spec": {
                "restartPolicy": "Never",
                "containers": [{"name": "c", "image": "i", "env": [{"name": "IMPORTER_ENDPOINT", "value": endpoint}]}],
            },
            "status": {"phase": "Pending"},
        })
    }

    /// Follows a pod for some seconds; gives its phases and states.
    fn follow(mut pod: Value, seconds: i64) -> Vec<String> {
        let mut seen = Vec::new();
        for second in 0..seconds {
            let at = Timestamp::from_second(Timestamp::now().as_second() + second).unwrap();
            if let Some(status) = next(&pod, at) {
                let state = &status["containerStatuses"][0]["state"];
                let state = state.as_object().and_then(|state| state.keys().next().cloned()).unwrap_or_default();
                seen.push(format!("{} {state}", status["phase"].as_str().unwrap()));
                for (key, value) in status.as_object().unwrap() {
                    pod["status"][key] = value.clone();
                }
            }
        }
        seen
    }

    #[test]
    fn pods_run_or_complete_by_what_they_are() {
        assert_eq!(follow(pod(&json!({}), ""), 5), ["Succeeded terminated"]);
        assert_eq!(follow(pod(&json!({"kubevirt.io": "virt-launcher"}), ""), 5), ["Running running"]);
        let importer = json!({"cdi.kubevirt.io": "importer"});
        assert_eq!(follow(pod(&importer, "https://x.test/a"), 5), ["Running running", "Succeeded terminated"]);
        assert_eq!(follow(pod(&importer, "https://x.hangs.test/a"), 60), ["Running running"]);
        let again = follow(pod(&importer, "https://x.fails.test/a"), 14);
        assert_eq!(again[..4], ["Running running", "Running terminated", "Running waiting", "Running running"]);
    }

    #[test]
    fn addresses_are_apart_from_those_of_services() {
        let address = address(&pod(&json!({}), ""));
        assert_eq!(address, "10.138.27.45");
    }
}
