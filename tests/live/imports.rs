//! Imports that do not go well, and their progress.

use anyhow::Result;
use cluster::{Cluster, Reference};
use serde_json::{Value, json};

use crate::world::{LONG, apply_machine, condition, until, until_state, vm};

async fn import(cluster: &Cluster, namespace: &str, url: &str) -> Result<Reference> {
    let disk = format!("  disks: [{{name: system, size: 5Gi, storageClassName: longhorn, image: '{url}'}}]\n");
    apply_machine(cluster, namespace, &disk).await?;
    Ok(Reference::new("cdi.kubevirt.io/v1beta1", "DataVolume", namespace, "web-system"))
}

/// CDI tries a broken image again and again; it never says Failed, and the machine waits.
pub async fn a_broken_image_is_tried_again(cluster: &Cluster) -> Result<()> {
    let namespace = "import-fails";
    let data_volume = import(cluster, namespace, "https://images.fails.test/disk.qcow2").await?;
    let failing = |object: Option<&Value>| {
        object.is_some_and(|o| {
            o["status"]["restartCount"].as_u64() > Some(0) && condition(o, "Running")["reason"] == "Error"
        })
    };
    let object = cluster.objects.wait(&data_volume, LONG, failing).await?.unwrap_or_default();
    let message = condition(&object, "Running")["message"].as_str().unwrap_or_default();
    assert!(message.contains("404"), "{message}");
    assert_ne!(object["status"]["phase"], "Failed");
    until_state(cluster, namespace, "DataVolumeError").await?;
    Ok(())
}

/// The progress of an import is what its importer tells.
pub async fn an_import_that_hangs(cluster: &Cluster) -> Result<()> {
    let namespace = "import-hangs";
    let data_volume = import(cluster, namespace, "https://images.hangs.test/disk.qcow2").await?;
    // CDI tells the two one after the other.
    let stuck = |object: Option<&Value>| {
        object.is_some_and(|object| {
            object["status"]["progress"] == "37.00%" && object["status"]["phase"] == "ImportInProgress"
        })
    };
    cluster.objects.wait(&data_volume, LONG, stuck).await?;
    // What KubeVirt calls this state depends on which of its caches is first: Provisioning, or ErrorUnschedulable when
    // it looked for the claim before it saw the DataVolume.
    let machine = until(cluster, &vm(namespace), "/status/created", &json!(true)).await?;
    assert_eq!(machine["status"]["ready"], Value::Null);
    Ok(())
}

/// A container disk whose image the kubelet cannot pull.
pub async fn an_image_that_cannot_be_pulled(cluster: &Cluster) -> Result<()> {
    let namespace = "pull-fails";
    cluster.namespace(namespace).await?;
    let machine = json!({
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
        "metadata": {"namespace": namespace, "name": "web-vm"},
        "spec": {"runStrategy": "Always", "template": {"spec": {
            "domain": {
                "devices": {"disks": [{"name": "system", "disk": {"bus": "virtio"}}]}, "memory": {"guest": "1Gi"},
            },
            "volumes": [{"name": "system", "containerDisk": {"image": "registry.missing.test/disk:1"}}],
        }}},
    });
    cluster.objects.apply(&machine).await?;
    until_state(cluster, namespace, "ImagePullBackOff").await?;
    Ok(())
}
