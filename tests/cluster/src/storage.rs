//! Storage drivers that cannot run here, as far as the API server sees them: volumes appear, grow, are copied to
//! snapshots and go. Nothing is stored.
//!
//! `driver.longhorn.io` grows: first its controller, then, for file systems, the node on which a pod uses the claim.
//! `cluster.local/nfs-subdir-external-provisioner` never does. Claims of `local-path` are served by the real provisioner.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use wukong::quantity::Quantity;

use crate::content::{self, CONTENT};
use crate::handler::now;
use crate::nodes::NODES;
use crate::objects::{Objects, Reference};
use crate::watched::Watched;

const LONGHORN: &str = "driver.longhorn.io";
const NFS: &str = "cluster.local/nfs-subdir-external-provisioner";
const LONGHORN_API: &str = "longhorn.io/v1beta2";
const SNAPSHOT_API: &str = "snapshot.storage.k8s.io/v1";

/// Looks at all claims, volumes and snapshots once and moves each by one step. What fails for one of them does not stop
/// the others.
pub(crate) async fn step(watched: &Watched, objects: &Objects) -> Result<()> {
    let world = World {
        classes: watched.all("storage.k8s.io/v1", "StorageClass").await?,
        claims: watched.all("v1", "PersistentVolumeClaim").await?,
        snapshots: watched.all(SNAPSHOT_API, "VolumeSnapshot").await?,
        pods: watched.all("v1", "Pod").await?,
        volumes: watched.all("v1", "PersistentVolume").await?,
        contents: watched.all(SNAPSHOT_API, "VolumeSnapshotContent").await?,
    };
    let mut result = Ok(());
    for claim in &world.claims {
        result = result.and(serve(objects, &world, claim).await);
    }
    for volume in &world.volumes {
        result = result.and(release(objects, volume).await);
    }
    for volume in watched.all(LONGHORN_API, "Volume").await? {
        result = result.and(attach(objects, &world, &volume).await);
    }
    for snapshot in &world.snapshots {
        result = result.and(take(objects, &world, snapshot).await);
    }
    for content in &world.contents {
        let of = &content["spec"]["volumeSnapshotRef"]["uid"];
        if world.snapshots.iter().all(|snapshot| snapshot["metadata"]["uid"] != *of) {
            result = result.and(objects.delete(&Reference::of(content)).await.map_err(Into::into));
        }
    }
    result
}

/// What the drivers can see.
struct World {
    classes: Vec<Arc<Value>>,
    claims: Vec<Arc<Value>>,
    snapshots: Vec<Arc<Value>>,
    pods: Vec<Arc<Value>>,
    volumes: Vec<Arc<Value>>,
    contents: Vec<Arc<Value>>,
}

impl World {
    /// The driver of a claim, by its class.
    fn driver(&self, claim: &Value) -> &str {
        let class = self.classes.iter().find(|class| class["metadata"]["name"] == claim["spec"]["storageClassName"]);
        class.and_then(|class| class["provisioner"].as_str()).unwrap_or_default()
    }

    /// The running pods that use a claim.
    fn users<'a>(&'a self, claim: &'a Value) -> impl Iterator<Item = &'a Arc<Value>> {
        let metadata = &claim["metadata"];
        let mounts = |pod: &Value| {
            let volumes = pod["spec"]["volumes"].as_array();
            volumes.into_iter().flatten().any(|v| v["persistentVolumeClaim"]["claimName"] == metadata["name"])
        };
        self.pods.iter().filter(move |pod| {
            pod["status"]["phase"] == "Running" && pod["metadata"]["namespace"] == metadata["namespace"] && mounts(pod)
        })
    }

    /// The claim or snapshot of which a claim is a copy.
    fn source(&self, claim: &Value) -> Option<&Value> {
        let source = &claim["spec"]["dataSourceRef"];
        let all = match source["kind"].as_str()? {
            "PersistentVolumeClaim" => &self.claims,
            "VolumeSnapshot" => &self.snapshots,
            // Anything else is the work of a volume populator.
            _ => return None,
        };
        let same = |o: &Value| o["metadata"]["namespace"] == claim["metadata"]["namespace"];
        all.iter().find(|o| same(o) && o["metadata"]["name"] == source["name"]).map(Arc::as_ref)
    }

    /// Whether a claim can be made now: its class binds at once or a node is chosen, and what it is a copy of is there.
    fn wants_volume(&self, claim: &Value, class: &Value) -> bool {
        let waits = class["volumeBindingMode"] == "WaitForFirstConsumer"
            && claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"].is_null();
        let there = |source: &Value| source["status"]["phase"] == "Bound" || source["status"]["readyToUse"] == true;
        // A test can hold a copy up.
        let filled = claim["spec"]["dataSourceRef"].is_null()
            || self.source(claim).is_some_and(there) && content::trouble(claim).is_none();
        claim["status"]["phase"] == "Pending" && claim["spec"]["volumeName"].is_null() && !waits && filled
    }

    /// What is on a new volume for this claim.
    fn copied(&self, claim: &Value) -> Option<&str> {
        let source = self.source(claim)?;
        let (all, name) = match source["status"]["boundVolumeSnapshotContentName"].as_str() {
            Some(name) => (&self.contents, name),
            None => (&self.volumes, source["spec"]["volumeName"].as_str()?),
        };
        content::of(all.iter().find(|object| object["metadata"]["name"] == name)?)
    }

    /// What is on the volume of a claim.
    fn content(&self, claim: &Value) -> Option<&str> {
        let volume = self.volumes.iter().find(|v| v["metadata"]["name"] == claim["spec"]["volumeName"])?;
        content::of(volume)
    }
}

async fn serve(objects: &Objects, world: &World, claim: &Value) -> Result<()> {
    let driver = world.driver(claim);
    if driver != LONGHORN && driver != NFS {
        return Ok(());
    }
    let class = world.classes.iter().find(|class| class["metadata"]["name"] == claim["spec"]["storageClassName"]);
    if let Some(class) = class
        && world.wants_volume(claim, class)
    {
        provision(objects, claim, class, world.copied(claim)).await?;
    }
    if driver == LONGHORN { grow(objects, world, claim).await } else { Ok(()) }
}

async fn provision(objects: &Objects, claim: &Value, class: &Value, content: Option<&str>) -> Result<()> {
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
    if let Some(content) = content {
        volume["metadata"]["annotations"][CONTENT] = json!(content);
    }
    objects.apply(&volume).await.with_context(|| Reference::of(&volume).to_string())?;
    Ok(())
}

/// Longhorn's own objects: a volume and a copy on each node that the cluster always has.
async fn longhorn(objects: &Objects, name: &str, claim: &Value, class: &Value) -> Result<()> {
    let shared = claim["spec"]["accessModes"].as_array().is_some_and(|modes| modes.contains(&json!("ReadWriteMany")));
    let spec = json!({
        "size": claim["spec"]["resources"]["requests"]["storage"], "numberOfReplicas": NODES.len(),
        "dataEngine": "v1", "dataLocality": "disabled", "frontend": "blockdev",
        "accessMode": if shared { "rwx" } else { "rwo" },
        "migratable": class["parameters"]["migratable"] == "true",
    });
    let metadata = json!({"namespace": "longhorn-system", "name": name});
    let volume = json!({"apiVersion": LONGHORN_API, "kind": "Volume", "metadata": metadata, "spec": spec});
    objects.apply(&volume).await?;
    for node in NODES {
        let labels = json!({"longhornvolume": name, "longhornnode": node});
        let metadata = json!({"namespace": "longhorn-system", "name": format!("{name}-r-{node}"), "labels": labels});
        let spec = json!({
            "volumeName": name, "nodeID": node, "diskID": "default-disk", "diskPath": "/var/lib/longhorn/",
            "dataDirectoryName": format!("{name}-{node}"), "dataEngine": "v1", "active": true,
            "healthyAt": now(), "failedAt": "",
        });
        let replica = json!({"apiVersion": LONGHORN_API, "kind": "Replica", "metadata": metadata, "spec": spec});
        objects.apply(&replica).await?;
    }
    Ok(())
}

/// What external-resizer and, after it, the kubelet do.
async fn grow(objects: &Objects, world: &World, claim: &Value) -> Result<()> {
    let asked = &claim["spec"]["resources"]["requests"]["storage"];
    let status = &claim["status"];
    let bytes = |value: &Value| value.as_str().and_then(|text| Quantity::parse(text).ok());
    let (Some(wanted), Some(has)) = (bytes(asked), bytes(&status["capacity"]["storage"])) else { return Ok(()) };
    if status["phase"] != "Bound" || wanted <= has {
        return Ok(());
    }
    let volume = Reference::new("v1", "PersistentVolume", "", claim["spec"]["volumeName"].as_str().unwrap_or_default());
    objects.merge(&volume, "", &json!({"spec": {"capacity": {"storage": asked}}})).await?;
    let change = if claim["spec"]["volumeMode"] == "Block" || world.users(claim).next().is_some() {
        json!({"capacity": {"storage": asked}, "conditions": [], "allocatedResourceStatuses": null})
    } else if status["allocatedResourceStatuses"]["storage"] == "NodeResizePending" {
        return Ok(());
    } else {
        json!({
            "conditions": [{
                "type": "FileSystemResizePending", "status": "True", "lastProbeTime": null, "lastTransitionTime": now(),
                "message": "Waiting for user to (re-)start a pod to finish file system resize of volume on node.",
            }],
            "allocatedResourceStatuses": {"storage": "NodeResizePending"},
        })
    };
    objects.merge(&Reference::of(claim), "status", &json!({"status": change})).await?;
    Ok(())
}

/// A volume is attached where a pod uses its claim.
async fn attach(objects: &Objects, world: &World, volume: &Value) -> Result<()> {
    let claim = world.claims.iter().find(|claim| claim["spec"]["volumeName"] == volume["metadata"]["name"]);
    let node = claim.and_then(|claim| world.users(claim).next()).map(|pod| pod["spec"]["nodeName"].clone());
    let (state, robustness) = if node.is_some() { ("attached", "healthy") } else { ("detached", "unknown") };
    let node = node.unwrap_or_else(|| json!(""));
    if volume["status"]["state"] != state || volume["status"]["currentNodeID"] != node {
        let status = json!({"state": state, "robustness": robustness, "currentNodeID": node, "actualSize": 0});
        objects.merge(&Reference::of(volume), "status", &json!({"status": status})).await?;
    }
    Ok(())
}

/// What is left of a deleted claim goes, if its class says so.
async fn release(objects: &Objects, volume: &Value) -> Result<()> {
    let driver = volume["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"].as_str().unwrap_or_default();
    let unwanted = volume["status"]["phase"] == "Released"
        && volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
        && volume["metadata"]["deletionTimestamp"].is_null();
    if (driver == LONGHORN || driver == NFS) && unwanted { remove(objects, volume).await } else { Ok(()) }
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
async fn take(objects: &Objects, world: &World, snapshot: &Value) -> Result<()> {
    let (metadata, spec) = (&snapshot["metadata"], &snapshot["spec"]);
    let claim = world.claims.iter().find(|claim| {
        claim["metadata"]["namespace"] == metadata["namespace"]
            && claim["metadata"]["name"] == spec["source"]["persistentVolumeClaimName"]
    });
    let Some(claim) = claim.filter(|claim| claim["status"]["phase"] == "Bound") else { return Ok(()) };
    if snapshot["status"]["readyToUse"] == true || world.driver(claim) != LONGHORN {
        return Ok(());
    }
    let name = format!("snapcontent-{}", metadata["uid"].as_str().unwrap_or_default());
    let mut content = json!({
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
    if let Some(kept) = world.content(claim) {
        content["metadata"]["annotations"] = json!({CONTENT: kept});
    }
    objects.apply(&content).await?;
    let status = json!({"status": {
        "boundVolumeSnapshotContentName": name, "readyToUse": true, "restoreSize": claim["status"]["capacity"]["storage"],
        "creationTime": now(),
    }});
    objects.merge(&Reference::of(snapshot), "status", &status).await?;
    Ok(())
}
