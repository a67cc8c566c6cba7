//! Live migration through KubeVirt's own controller.

use anyhow::{Context as _, Result};
use cluster::handler::guest;
use cluster::{Cluster, Reference};
use serde_json::{Value, json};

use crate::world::{LONG, apply_machine, condition, until, until_state, vmi};

const SHARED: &str = "  disks: [{name: system, size: 5Gi, storageClassName: longhorn-migratable, accessMode: ReadWriteMany, volumeMode: Block}]\n";

async fn migrate(cluster: &Cluster, namespace: &str, name: &str) -> Result<Reference> {
    let migration = json!({
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstanceMigration",
        "metadata": {"namespace": namespace, "name": name}, "spec": {"vmiName": "web-vm"},
    });
    cluster.objects.apply(&migration).await?;
    Ok(Reference::of(&migration))
}

async fn node(cluster: &Cluster, namespace: &str) -> Result<Value> {
    Ok(cluster.objects.get(&vmi(namespace)).await?.context("no instance")?["status"]["nodeName"].clone())
}

/// The guest runs on the other node afterwards, and the pod that it left has ended.
pub async fn to_the_other_node(cluster: &Cluster) -> Result<()> {
    let namespace = "migration";
    apply_machine(cluster, namespace, SHARED).await?;
    until_state(cluster, namespace, "Running").await?;
    let source = node(cluster, namespace).await?;
    let migration = migrate(cluster, namespace, "away").await?;
    until(cluster, &migration, "/status/phase", &json!("Succeeded")).await?;
    let target = node(cluster, namespace).await?;
    assert_ne!(source, target);
    let left = |pod: &&Value| pod["spec"]["nodeName"] == source;
    let pods = cluster.objects.list("v1", "Pod", namespace, "kubevirt.io=virt-launcher").await?;
    let pod = Reference::of(pods.iter().find(left).context("the source pod is gone")?);
    until(cluster, &pod, "/status/phase", &json!("Succeeded")).await?;
    until_state(cluster, namespace, "Running").await?;
    let pods = cluster.objects.list("v1", "Pod", namespace, "kubevirt.io=virt-launcher").await?;
    let pod = pods.iter().find(|pod| pod["spec"]["nodeName"] == target).context("no target pod")?;
    let instance = cluster.objects.get(&vmi(namespace)).await?.context("no instance")?;
    assert_eq!(instance["status"]["interfaces"][0]["ipAddress"], pod["status"]["podIP"]);

    // And back again.
    let back = migrate(cluster, namespace, "back").await?;
    until(cluster, &back, "/status/phase", &json!("Succeeded")).await?;
    assert_eq!(node(cluster, namespace).await?, source);
    Ok(())
}

/// A migration that fails leaves the guest where it is.
pub async fn that_fails(cluster: &Cluster) -> Result<()> {
    let namespace = "migration-fails";
    apply_machine(cluster, namespace, SHARED).await?;
    until_state(cluster, namespace, "Running").await?;
    let source = node(cluster, namespace).await?;
    let fails = json!({"metadata": {"annotations": {guest::MIGRATION: "fails"}}});
    cluster.objects.merge(&vmi(namespace), "", &fails).await?;
    let migration = migrate(cluster, namespace, "away").await?;
    until(cluster, &migration, "/status/phase", &json!("Failed")).await?;
    assert_eq!(node(cluster, namespace).await?, source);
    until_state(cluster, namespace, "Running").await?;
    Ok(())
}

/// A machine on a claim of one node says why it cannot move, and KubeVirt refuses to try.
pub async fn of_a_local_disk_is_not_possible(cluster: &Cluster) -> Result<()> {
    let namespace = "migration-local";
    apply_machine(cluster, namespace, "  disks: [{name: system, size: 5Gi}]\n").await?;
    until_state(cluster, namespace, "Running").await?;
    let told = |object: Option<&Value>| object.is_some_and(|o| condition(o, "LiveMigratable")["status"] == "False");
    let running = cluster.objects.wait(&vmi(namespace), LONG, told).await?.context("no instance")?;
    assert_eq!(condition(&running, "LiveMigratable")["reason"], "DisksNotLiveMigratable");
    let refused = migrate(cluster, namespace, "away").await.map_err(|error| format!("{error:#}"));
    assert!(refused.is_err_and(|error| error.contains("DisksNotLiveMigratable")));
    Ok(())
}
