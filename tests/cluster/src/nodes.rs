//! Simulated nodes: `kubelet` plays their kubelets, `handler` their virt-handlers.

use anyhow::Result;
use serde_json::{Value, json};

use crate::handler::now;
use crate::objects::{Objects, Reference};
use crate::watched::Watched;

/// The label of nodes whose kubelet lives.
const ALIVE: (&str, &str) = ("wukong.test/kubelet", "alive");

/// The taint of nodes that belong to one test: only pods that tolerate it go there.
pub const OWN: &str = "wukong.test/own";

/// The nodes that every cluster has.
pub const NODES: [&str; 2] = ["worker-1", "worker-2"];

/// Adds a node on which KubeVirt can run machines; `own` keeps the pods of others away.
pub(crate) async fn add(objects: &Objects, name: &str, own: bool) -> Result<()> {
    let (key, value) = ALIVE;
    let labels = json!({
        key: value, "kubernetes.io/hostname": name, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
        "kubevirt.io/schedulable": "true", "machine-type.node.kubevirt.io/q35": "true",
        "node-role.kubernetes.io/worker": "",
        // What virt-handler tells about the processor; KubeVirt 1.5 moves no guest away from a node without it.
        "host-model-cpu.node.kubevirt.io/Skylake-Server": "true",
        "cpu-model.node.kubevirt.io/Skylake-Server": "true",
        "cpu-model-migration.node.kubevirt.io/Skylake-Server": "true",
        "cpu-vendor.node.kubevirt.io/Intel": "true",
    });
    let taints = if own { json!([{"key": OWN, "value": name, "effect": "NoSchedule"}]) } else { json!([]) };
    let metadata = json!({"name": name, "labels": labels, "annotations": {"kubevirt.io/heartbeat": now()}});
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {"taints": taints}});
    objects.apply(&node).await?;
    // virt-api asks the virt-handler of a node what its guests say.
    let handler = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("virt-handler-{name}"), "namespace": "kubevirt", "labels": {"kubevirt.io": "virt-handler"}},
        "spec": {
            "nodeName": name, "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "virt-handler", "image": "virt-handler.test"}],
        },
    });
    objects.apply(&handler).await?;
    Ok(())
}

/// The names of the nodes whose kubelet lives.
pub(crate) async fn alive(world: &Watched) -> Result<Vec<String>> {
    let (key, value) = ALIVE;
    let nodes = world.all("v1", "Node").await?;
    let alive = nodes.iter().filter(|node| node["metadata"]["labels"][key] == value);
    Ok(alive.filter_map(|node| node["metadata"]["name"].as_str().map(str::to_owned)).collect())
}

/// What virt-handler does once a minute; after five minutes of silence KubeVirt gives a node up.
pub(crate) async fn heartbeat(world: &Watched, objects: &Objects) -> Result<()> {
    for name in alive(world).await? {
        let beat = json!({"metadata": {"annotations": {"kubevirt.io/heartbeat": now()}}});
        objects.merge(&Reference::new("v1", "Node", "", &name), "", &beat).await?;
    }
    Ok(())
}

/// The node goes away: its kubelet and its virt-handler are silent from now on. What follows (not ready, taints,
/// eviction) is done by the real controllers, after the grace period.
pub(crate) async fn lose(objects: &Objects, name: &str) -> Result<()> {
    set_kubelet(objects, name, &Value::Null).await
}

/// The node comes back.
pub(crate) async fn find(objects: &Objects, name: &str) -> Result<()> {
    set_kubelet(objects, name, &json!(ALIVE.1)).await
}

async fn set_kubelet(objects: &Objects, name: &str, value: &Value) -> Result<()> {
    let (key, _) = ALIVE;
    let node = Reference::new("v1", "Node", "", name);
    objects.merge(&node, "", &json!({"metadata": {"labels": {key: value}}})).await?;
    Ok(())
}
