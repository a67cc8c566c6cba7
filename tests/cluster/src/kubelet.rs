//! What kubelets would report about their nodes and pods.
//!
//! The image decides how a start goes, so that a test says it in the file that it applies: `*.missing.test` is an image
//! that cannot be pulled. What CDI's pods do is in `workers`.

use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::content::Disks;
use crate::handler::now;
use crate::nodes;
use crate::objects::{Objects, Reference};
use crate::watched::Watched;
use crate::workers::{self, Surroundings};

/// Looks at all pods on nodes that live and moves each by one step.
pub(crate) async fn step(world: &Watched, objects: &Objects) -> Result<()> {
    let alive = nodes::alive(world).await?;
    let (pods, disks) = (world.all("v1", "Pod").await?, Disks::see(world).await?);
    let around = Surroundings { pods: &pods, disks: &disks };
    let mut result = Ok(());
    for pod in &pods {
        if !alive.iter().any(|node| pod["spec"]["nodeName"] == node.as_str()) {
            continue;
        }
        let reference = Reference::of(pod);
        let done = if pod["metadata"]["deletionTimestamp"].is_string() {
            objects.delete_now(&reference).await
        } else if let Some(status) = next(pod, &around, Timestamp::now()) {
            report(&around, objects, pod, &status).await
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

/// Writes the next status of a pod; the disk first: who sees that a worker has ended looks at what it has left.
async fn report(around: &Surroundings<'_>, objects: &Objects, pod: &Value, status: &Value) -> kube::Result<()> {
    if status["phase"] == "Succeeded" && workers::is_one(pod) {
        around.fill(objects, pod).await?;
    }
    objects.merge(&Reference::of(pod), "status", &json!({"status": status})).await.map(|_| ())
}

/// The next status of a pod on its node, if it changes.
fn next(pod: &Value, around: &Surroundings<'_>, at: Timestamp) -> Option<Value> {
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
        Some("Running") if workers::is_one(pod) => around.next(pod, at),
        _ => None,
    }
}

fn images(pod: &Value) -> impl Iterator<Item = &str> {
    let all = ["containers", "initContainers"].into_iter().filter_map(|kind| pod["spec"][kind].as_array());
    all.flatten().filter_map(|container| container["image"].as_str())
}

/// Helpers of local-path, pods that only bind a volume, jobs: they end as soon as they run.
fn completes(pod: &Value) -> bool {
    let launcher = pod["metadata"]["labels"]["kubevirt.io"].is_string()
        && pod["metadata"]["annotations"]["kubevirt.io/ephemeral-provisioning"].is_null();
    pod["spec"]["restartPolicy"] != "Always" && !workers::is_one(pod) && !launcher
}

/// The state of a container that has ended.
pub(crate) fn terminated(code: u8, reason: &str, message: &str) -> Value {
    let mut end = json!({"exitCode": code, "reason": reason, "startedAt": now(), "finishedAt": now()});
    if !message.is_empty() {
        end["message"] = json!(message);
    }
    json!({"terminated": end})
}

/// The containers of a pod in one state.
pub(crate) fn containers(pod: &Value, state: &Value) -> Value {
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
    if pod["metadata"]["labels"]["kubevirt.io"] == "virt-handler" {
        // What it answers is answered on this machine.
        return "127.0.0.1".to_owned();
    }
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
        let disks = Disks { claims: Vec::new(), volumes: Vec::new() };
        for second in 0..seconds {
            let at = Timestamp::from_second(Timestamp::now().as_second() + second).unwrap();
            if let Some(status) = next(&pod, &Surroundings { pods: &[], disks: &disks }, at) {
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
