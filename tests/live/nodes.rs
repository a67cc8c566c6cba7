//! A node that goes away.

use anyhow::Result;
use cluster::{Cluster, Reference};
use serde_json::Value;

use crate::world::{LONG, condition};

/// The real controllers notice a silent kubelet, taint its node, and take it back.
pub async fn a_lost_node_is_noticed(cluster: &Cluster) -> Result<()> {
    let node = Reference::new("v1", "Node", "", "worker-lost");
    cluster.add_node("worker-lost", &[]).await?;
    let ready = |status: &'static str| {
        move |node: Option<&Value>| node.is_some_and(|node| condition(node, "Ready")["status"] == status)
    };
    cluster.objects.wait(&node, LONG, ready("True")).await?;
    cluster.lose_node("worker-lost").await?;
    cluster.objects.wait(&node, LONG, ready("Unknown")).await?;
    let tainted = |node: Option<&Value>| {
        let taints = node.and_then(|node| node["spec"]["taints"].as_array());
        taints.into_iter().flatten().any(|taint| taint["key"] == "node.kubernetes.io/unreachable")
    };
    cluster.objects.wait(&node, LONG, tainted).await?;
    cluster.find_node("worker-lost").await?;
    cluster.objects.wait(&node, LONG, ready("True")).await?;
    cluster.objects.delete(&node).await?;
    Ok(())
}
