//! A node that goes away.

use anyhow::Result;
use cluster::{Cluster, Reference, nodes};
use serde_json::{Value, json};

use crate::world::{LONG, apply_machine, condition, machine, render, until_gone, until_state, vm, vmi};

/// The real controllers notice a silent kubelet, taint its node, and take it back; a guest there cannot be stopped.
pub async fn a_lost_node_is_noticed(cluster: &Cluster) -> Result<()> {
    let node = Reference::new("v1", "Node", "", "worker-lost");
    cluster.add_node("worker-lost").await?;
    let ready = |status: &'static str| {
        move |node: Option<&Value>| node.is_some_and(|node| condition(node, "Ready")["status"] == status)
    };
    cluster.objects.wait(&node, LONG, ready("True")).await?;
    let there = json!({
        "nodeSelector": {"kubernetes.io/hostname": "worker-lost"},
        "tolerations": [{"key": nodes::OWN, "operator": "Equal", "value": "worker-lost"}],
    });
    cluster.namespace("node-lost").await?;
    for mut object in
        render(&machine("  disks: [{name: system, size: 5Gi, storageClassName: longhorn}]\n"), "node-lost")?
    {
        if object["kind"] == "VirtualMachine" {
            for (key, value) in there.as_object().into_iter().flatten() {
                object["spec"]["template"]["spec"][key] = value.clone();
            }
        }
        cluster.objects.apply(&object).await?;
    }
    until_state(cluster, "node-lost", "Running").await?;

    cluster.lose_node("worker-lost").await?;
    cluster.objects.wait(&node, LONG, ready("Unknown")).await?;
    let tainted = |node: Option<&Value>| {
        let taints = node.and_then(|node| node["spec"]["taints"].as_array());
        taints.into_iter().flatten().any(|taint| taint["key"] == "node.kubernetes.io/unreachable")
    };
    cluster.objects.wait(&node, LONG, tainted).await?;
    // Nobody there stops the guest. A machine elsewhere is stopped meanwhile, so there was time to.
    cluster.objects.delete(&vmi("node-lost")).await?;
    apply_machine(cluster, "node-other", "  disks: [{name: system, size: 5Gi}]\n").await?;
    until_state(cluster, "node-other", "Running").await?;
    cluster.objects.delete(&vm("node-other")).await?;
    until_gone(cluster, &vmi("node-other")).await?;
    let there = cluster.objects.get(&vmi("node-lost")).await?.unwrap_or_default();
    assert_eq!(
        (&there["status"]["phase"], there["metadata"]["deletionTimestamp"].is_string()),
        (&json!("Running"), true)
    );

    cluster.find_node("worker-lost").await?;
    cluster.objects.wait(&node, LONG, ready("True")).await?;
    cluster.objects.delete(&vm("node-lost")).await?;
    until_gone(cluster, &vmi("node-lost")).await?;
    cluster.objects.delete(&node).await?;
    Ok(())
}
