//! Claims that grow, and one that never does.

use anyhow::{Context as _, Result};
use cluster::Cluster;
use serde_json::{Value, json};

use crate::world::{LONG, apply_machine, claim, until, until_state, vm};

/// A claim that grows: the driver's controller first, the file system when a pod uses the claim on its node.
pub async fn a_claim_grows_on_its_node(cluster: &Cluster) -> Result<()> {
    let namespace = "growth";
    let stopped =
        "  disks: [{name: data, size: 5Gi, storageClassName: longhorn}]\n  startStrategy: {autoStart: false}\n";
    apply_machine(cluster, namespace, stopped).await?;
    let data = claim(namespace, "web-data");
    until(cluster, &data, "/status/phase", &json!("Bound")).await?;
    cluster.objects.merge(&data, "", &json!({"spec": {"resources": {"requests": {"storage": "8Gi"}}}})).await?;
    let waits = |object: Option<&Value>| {
        object.is_some_and(|o| o["status"]["conditions"][0]["type"] == "FileSystemResizePending")
    };
    let waiting = cluster.objects.wait(&data, LONG, waits).await?.context("gone")?;
    assert_eq!(waiting["status"]["capacity"]["storage"], "5Gi");
    cluster.objects.merge(&vm(namespace), "", &json!({"spec": {"runStrategy": "Always"}})).await?;
    until_state(cluster, namespace, "Running").await?;
    let grown = until(cluster, &data, "/status/capacity/storage", &json!("8Gi")).await?;
    assert_eq!(grown["status"]["conditions"], Value::Null);
    let volume = grown["spec"]["volumeName"].as_str().context("no volume")?;
    let volume = cluster::Reference::new("v1", "PersistentVolume", "", volume);
    until(cluster, &volume, "/spec/capacity/storage", &json!("8Gi")).await?;
    Ok(())
}

/// A claim whose class says that it can grow, but nobody does it; and one that the API server refuses to grow.
pub async fn a_claim_never_grows(cluster: &Cluster) -> Result<()> {
    let namespace = "no-growth";
    let disks =
        "  disks:\n    - {name: never, size: 5Gi, storageClassName: nfs-client}\n    - {name: refused, size: 5Gi}\n";
    apply_machine(cluster, namespace, disks).await?;
    until_state(cluster, namespace, "Running").await?;
    let more = json!({"spec": {"resources": {"requests": {"storage": "8Gi"}}}});
    let never = claim(namespace, "web-never");
    cluster.objects.merge(&never, "", &more).await?;
    let refused = cluster.objects.merge(&claim(namespace, "web-refused"), "", &more).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("must support resize")));
    // The simulated drivers take a step every quarter of a second; another claim grows meanwhile.
    let other = "  disks: [{name: other, size: 5Gi, storageClassName: longhorn-migratable, accessMode: ReadWriteMany, volumeMode: Block}]\n";
    apply_machine(cluster, "no-growth-other", other).await?;
    let other = claim("no-growth-other", "web-other");
    until(cluster, &other, "/status/phase", &json!("Bound")).await?;
    cluster.objects.merge(&other, "", &more).await?;
    until(cluster, &other, "/status/capacity/storage", &json!("8Gi")).await?;
    let still = cluster.objects.get(&never).await?.context("gone")?;
    assert_eq!(still["status"]["capacity"]["storage"], "5Gi");
    assert_eq!(still["status"]["conditions"], Value::Null);
    Ok(())
}
