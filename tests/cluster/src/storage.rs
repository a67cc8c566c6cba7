//! Storage drivers that cannot run here, as far as the API server sees them: volumes appear, grow, are copied to
//! snapshots and go. Nothing is stored.
//!
//! `driver.longhorn.io` grows: first its controller, then, for file systems, the node on which a pod uses the claim.
//! `cluster.local/nfs-subdir-external-provisioner` never does. Claims of `local-path` are served by the real provisioner.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::nodes::NODES;
use crate::objects::{Objects, Reference};

const LONGHORN: &str = "driver.longhorn.io";
const NFS: &str = "cluster.local/nfs-subdir-external-provisioner";
const LONGHORN_API: &str = "longhorn.io/v1beta2";
const SNAPSHOT_API: &str = "snapshot.storage.k8s.io/v1";

/// How long the simulated drivers take for each step.
pub(crate) const PACE: Duration = Duration::from_millis(250);

/// Looks at all claims, volumes and snapshots once and moves each by one step.
pub(crate) async fn step(objects: &Objects) -> Result<()> {
    let classes = objects.list("storage.k8s.io/v1", "StorageClass", "", "").await?;
    let claims = objects.list("v1", "PersistentVolumeClaim", "", "").await?;
    for claim in &claims {
        let class = classes.iter().find(|class| class["metadata"]["name"] == claim["spec"]["storageClassName"]);
        let Some(class) = class else { continue };
        let driver = class["provisioner"].as_str().unwrap_or_default();
        if (driver == LONGHORN || driver == NFS) && wants_volume(claim, class) {
            provision(objects, claim, class).await?;
        }
        if driver == LONGHORN {
            grow(objects, claim).await?;
        }
    }
    for volume in objects.list("v1", "PersistentVolume", "", "").await? {
        let driver = volume["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"].as_str().unwrap_or_default();
        let unwanted = volume["status"]["phase"] == "Released"
            && volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
            && volume["metadata"]["deletionTimestamp"].is_null();
        if (driver == LONGHORN || driver == NFS) && unwanted {
            remove(objects, &volume).await?;
        }
    }
    for snapshot in objects.list(SNAPSHOT_API, "VolumeSnapshot", "", "").await? {
        if snapshot["status"]["readyToUse"].is_null() {
            take(objects, &snapshot, &claims).await?;
        }
    }
    Ok(())
}

fn wants_volume(claim: &Value, class: &Value) -> bool {
    let waits = class["volumeBindingMode"] == "WaitForFirstConsumer"
        && claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"].is_null();
    // A claim that is filled by something else than a claim or a snapshot is served by a volume populator.
    let populated = claim["spec"]["dataSourceRef"]["kind"]
        .as_str()
        .is_some_and(|kind| !["PersistentVolumeClaim", "VolumeSnapshot"].contains(&kind));
    claim["status"]["phase"] == "Pending" && claim["spec"]["volumeName"].is_null() && !waits && !populated
}

async fn provision(objects: &Objects, claim: &Value, class: &Value) -> Result<()> {
    let (metadata, spec) = (&claim["metadata"], &claim["spec"]);
    let name = format!("pvc-{}", metadata["uid"].as_str().unwrap_or_default());
    let mut volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": class["provisioner"]}},
        "spec": {
            "accessModes": spec["accessModes"], "volumeMode": spec["volumeMode"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "persistentVolumeReclaimPolicy": class["reclaimPolicy"],
            "storageClassName": class["metadata"]["name"],
            "claimRef": {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": metadata["namespace"],
                "name": metadata["name"], "uid": metadata["uid"],
            },
        },
    });
    if class["provisioner"] == LONGHORN {
        longhorn(objects, &name, claim, class).await?;
        let replicas = &class["parameters"]["numberOfReplicas"];
        let attributes = json!({"numberOfReplicas": replicas, "dataLocality": class["parameters"]["dataLocality"]});
        volume["spec"]["csi"] = json!({"driver": LONGHORN, "volumeHandle": name, "volumeAttributes": attributes});
    } else {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let path = format!("/exports/{}-{}-{name}", text(&metadata["namespace"]), text(&metadata["name"]));
        volume["spec"]["nfs"] = json!({"server": "nfs.lab.example", "path": path});
    }
    objects.apply(&volume).await.with_context(|| Reference::of(&volume).to_string())?;
    Ok(())
}

/// Longhorn's own objects: a volume and a copy on each node that the cluster always has.
async fn longhorn(objects: &Objects, name: &str, claim: &Value, class: &Value) -> Result<()> {
    let spec = json!({
        "size": claim["spec"]["resources"]["requests"]["storage"], "numberOfReplicas": 3, "dataEngine": "v1",
        "dataLocality": "disabled", "frontend": "blockdev", "accessMode": "rwo",
        "migratable": class["parameters"]["migratable"] == "true",
    });
    let metadata = json!({"namespace": "longhorn-system", "name": name});
    let volume = json!({"apiVersion": LONGHORN_API, "kind": "Volume", "metadata": metadata, "spec": spec});
    objects.apply(&volume).await?;
    let status = json!({"status": {"state": "detached", "robustness": "unknown", "actualSize": 0}});
    objects.merge(&Reference::of(&volume), "status", &status).await?;
    for node in NODES {
        let labels = json!({"longhornvolume": name, "longhornnode": node});
        let metadata = json!({"namespace": "longhorn-system", "name": format!("{name}-r-{node}"), "labels": labels});
        let spec = json!({
            "volumeName": name, "nodeID": node, "diskID": "default-disk", "diskPath": "/var/lib/longhorn/",
            "dataDirectoryName": format!("{name}-{node}"), "dataEngine": "v1", "active": true,
            "healthyAt": jiff::Timestamp::now().to_string(), "failedAt": "",
        });
        let replica = json!({"apiVersion": LONGHORN_API, "kind": "Replica", "metadata": metadata, "spec": spec});
        objects.apply(&replica).await?;
    }
    Ok(())
}

/// What external-resizer and, after it, the kubelet do.
async fn grow(objects: &Objects, claim: &Value) -> Result<()> {
    let asked = &claim["spec"]["resources"]["requests"]["storage"];
    let status = &claim["status"];
    if status["phase"] != "Bound" || status["capacity"]["storage"] == *asked {
        return Ok(());
    }
    let volume = Reference::new("v1", "PersistentVolume", "", claim["spec"]["volumeName"].as_str().unwrap_or_default());
    objects.merge(&volume, "", &json!({"spec": {"capacity": {"storage": asked}}})).await?;
    let on_node = claim["spec"]["volumeMode"] == "Block" || is_used(objects, claim).await?;
    let change = if on_node {
        json!({"status": {"capacity": {"storage": asked}, "conditions": [], "allocatedResourceStatuses": null}})
    } else {
        json!({"status": {
            "conditions": [{
                "type": "FileSystemResizePending", "status": "True", "lastProbeTime": null,
                "message": "Waiting for user to (re-)start a pod to finish file system resize of volume on node.",
            }],
            "allocatedResourceStatuses": {"storage": "NodeResizePending"},
        }})
    };
    if !on_node && status["allocatedResourceStatuses"]["storage"] == "NodeResizePending" {
        return Ok(());
    }
    objects.merge(&Reference::of(claim), "status", &change).await?;
    Ok(())
}

async fn is_used(objects: &Objects, claim: &Value) -> Result<bool> {
    let namespace = claim["metadata"]["namespace"].as_str().unwrap_or_default();
    let pods = objects.list("v1", "Pod", namespace, "").await?;
    let mounts = |pod: &Value| {
        let volumes = pod["spec"]["volumes"].as_array();
        volumes.into_iter().flatten().any(|v| v["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"])
    };
    Ok(pods.iter().any(|pod| pod["status"]["phase"] == "Running" && mounts(pod)))
}

async fn remove(objects: &Objects, volume: &Value) -> Result<()> {
    let name = volume["metadata"]["name"].as_str().unwrap_or_default();
    objects.delete(&Reference::of(volume)).await?;
    if volume["spec"]["csi"]["driver"] == LONGHORN {
        for node in NODES {
            let replica = format!("{name}-r-{node}");
            objects.delete(&Reference::new(LONGHORN_API, "Replica", "longhorn-system", &replica)).await?;
        }
        objects.delete(&Reference::new(LONGHORN_API, "Volume", "longhorn-system", name)).await?;
    }
    Ok(())
}

/// What external-snapshotter does with a snapshot of a Longhorn claim.
async fn take(objects: &Objects, snapshot: &Value, claims: &[Value]) -> Result<()> {
    let (metadata, spec) = (&snapshot["metadata"], &snapshot["spec"]);
    let claim = claims.iter().find(|claim| {
        claim["metadata"]["namespace"] == metadata["namespace"]
            && claim["metadata"]["name"] == spec["source"]["persistentVolumeClaimName"]
    });
    let Some(claim) = claim.filter(|claim| claim["status"]["phase"] == "Bound") else { return Ok(()) };
    let name = format!("snapcontent-{}", metadata["uid"].as_str().unwrap_or_default());
    let content = json!({
        "apiVersion": SNAPSHOT_API, "kind": "VolumeSnapshotContent", "metadata": {"name": name},
        "spec": {
            "driver": LONGHORN, "deletionPolicy": "Delete", "source": {"volumeHandle": claim["spec"]["volumeName"]},
            "volumeSnapshotClassName": spec["volumeSnapshotClassName"],
            "volumeSnapshotRef": {
                "apiVersion": SNAPSHOT_API, "kind": "VolumeSnapshot", "namespace": metadata["namespace"],
                "name": metadata["name"], "uid": metadata["uid"],
            },
        },
    });
    objects.apply(&content).await?;
    let status = json!({"status": {
        "boundVolumeSnapshotContentName": name, "readyToUse": true, "restoreSize": claim["status"]["capacity"]["storage"],
        "creationTime": jiff::Timestamp::now().to_string(),
    }});
    objects.merge(&Reference::of(snapshot), "status", &status).await?;
    Ok(())
}
