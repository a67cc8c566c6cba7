//! Disks that are copied to other volumes: clones by CDI, and the volumes of a running machine. A word on each volume
//! stands for its bytes (`cluster::content`).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cluster::content::{self, COPY};
use cluster::handler::guest;
use cluster::{Cluster, Reference};
use serde_json::{Value, json};

use crate::world::{LONG, apply_machine, claim, condition, until, until_gone, until_state, vm, vmi};

/// A disk with an image and one on which the guest writes first.
const DISKS: &str = "  disks:
    - {name: system, size: 5Gi, storageClassName: longhorn, image: 'https://images.test/system.qcow2'}
    - {name: data, size: 5Gi, storageClassName: local-path}
";
const IMAGE: &str = "https://images.test/system.qcow2";

async fn on(cluster: &Cluster, namespace: &str, name: &str) -> Result<Option<String>> {
    Ok(content::content(&cluster.objects, namespace, name).await?)
}

/// A DataVolume that is filled at once; `copy` is how that goes, empty if well.
async fn fill(cluster: &Cluster, name: (&str, &str), class: &str, source: &Value, copy: &str) -> Result<Reference> {
    let annotations = json!({"cdi.kubevirt.io/storage.bind.immediate.requested": "true", COPY: copy});
    let volume = json!({
        "apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataVolume",
        "metadata": {"namespace": name.0, "name": name.1, "annotations": annotations},
        "spec": {
            "source": source,
            "storage": {
                "storageClassName": class, "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "5Gi"}},
            },
        },
    });
    cluster.objects.apply(&volume).await?;
    Ok(Reference::of(&volume))
}

/// Asks again and again until there is an answer.
async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + LONG;
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        ensure!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn of(namespace: &str, name: &str) -> Value {
    json!({"pvc": {"namespace": namespace, "name": name}})
}

/// From one class to another and back, and within one class; a copy that hangs shows how far it is and copies nothing.
pub async fn a_clone_carries_the_content(cluster: &Cluster) -> Result<()> {
    let namespace = "copies-clone";
    cluster.namespace(namespace).await?;
    let image = json!({"http": {"url": IMAGE}});
    let succeeded = json!("Succeeded");
    let steps = [
        ("origin", "local-path", image),
        ("there", "longhorn", of(namespace, "origin")),
        ("beside", "longhorn", of(namespace, "there")),
        ("back", "local-path", of(namespace, "beside")),
    ];
    for (name, class, source) in &steps {
        let volume = fill(cluster, (namespace, name), class, source, "").await?;
        until(cluster, &volume, "/status/phase", &succeeded).await?;
        ensure!(on(cluster, namespace, name).await?.as_deref() == Some(IMAGE), "{name}");
    }

    let slow = fill(cluster, (namespace, "slow"), "local-path", &of(namespace, "there"), "hangs").await?;
    until(cluster, &slow, "/status/progress", &json!("37.00%")).await?;
    ensure!(on(cluster, namespace, "slow").await?.is_none());
    let goes_on = json!({"metadata": {"annotations": {COPY: null}}});
    cluster.objects.merge(&claim(namespace, "slow"), "", &goes_on).await?;
    until(cluster, &slow, "/status/phase", &succeeded).await?;
    ensure!(on(cluster, namespace, "slow").await?.as_deref() == Some(IMAGE));
    Ok(())
}

/// CDI copies nothing on which a guest may still write.
pub async fn a_clone_waits_for_its_source(cluster: &Cluster) -> Result<()> {
    let namespace = "copies-in-use";
    apply_machine(cluster, namespace, "  disks: [{name: data, size: 5Gi, storageClassName: local-path}]\n").await?;
    until_state(cluster, namespace, "Running").await?;
    let copy = fill(cluster, (namespace, "copy"), "longhorn", &of(namespace, "web-data"), "").await?;
    until(cluster, &copy, "/status/phase", &json!("CloneInProgress")).await?;
    let told = async || {
        let events = cluster.objects.list("v1", "Event", namespace, "").await?;
        Ok(events.iter().any(|event| event["reason"] == "CloneSourceInUse").then_some(()))
    };
    eventually("CDI sees that the source is in use", told).await?;
    cluster.objects.merge(&vm(namespace), "", &json!({"spec": {"runStrategy": "Halted"}})).await?;
    until_gone(cluster, &vmi(namespace)).await?;
    until(cluster, &copy, "/status/phase", &json!("Succeeded")).await?;
    let written = on(cluster, namespace, "web-data").await?.context("the guest has not written")?;
    ensure!(written.starts_with("written-by-"), "{written}");
    ensure!(on(cluster, namespace, "copy").await?.as_ref() == Some(&written));
    Ok(())
}

/// A machine that runs, what is on its disks, and claims of other classes to which they can go.
struct Moving<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    node: Value,
    contents: BTreeMap<&'static str, String>,
}

impl<'a> Moving<'a> {
    async fn start(cluster: &'a Cluster, namespace: &'a str, migration: &str) -> Result<Self> {
        apply_machine(cluster, namespace, DISKS).await?;
        for (disk, class) in [("system", "local-path"), ("data", "longhorn")] {
            let target = json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"namespace": namespace, "name": format!("web-{disk}-2")},
                "spec": {
                    "storageClassName": class, "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "6Gi"}},
                },
            });
            cluster.objects.apply(&target).await?;
        }
        until_state(cluster, namespace, "Running").await?;
        let goes = json!({"metadata": {"annotations": {guest::MIGRATION: migration}}});
        let node = cluster.objects.merge(&vmi(namespace), "", &goes).await?["status"]["nodeName"].clone();
        let mut contents = BTreeMap::new();
        for disk in ["system", "data"] {
            let name = format!("web-{disk}");
            let written = async || Ok(on(cluster, namespace, &name).await?.filter(|content| content != content::BLANK));
            contents.insert(disk, eventually("the guest has written", written).await?);
        }
        ensure!(contents["system"] == IMAGE && contents["data"].starts_with("written-by-"), "{contents:?}");
        Ok(Self { cluster, namespace, node, contents })
    }

    /// Names other claims in the machine, as a person would: all of its volumes in one edit.
    async fn edit(&self, claims: &Value) -> Result<()> {
        let change = json!({"spec": {
            "updateVolumesStrategy": "Migration", "template": {"spec": {"volumes": claims}},
        }});
        self.cluster.objects.merge(&vm(self.namespace), "", &change).await?;
        Ok(())
    }

    async fn volumes(&self) -> Result<Value> {
        let machine = self.cluster.objects.get(&vm(self.namespace)).await?.context("no machine")?;
        Ok(machine["spec"]["template"]["spec"]["volumes"].clone())
    }

    /// The same volumes with the other claims.
    async fn go(&self) -> Result<()> {
        let mut volumes = self.volumes().await?;
        for volume in volumes.as_array_mut().context("no volumes")? {
            let name = volume["name"].as_str().unwrap_or_default();
            if self.contents.contains_key(name) {
                *volume = json!({"name": name, "persistentVolumeClaim": {"claimName": format!("web-{name}-2")}});
            }
        }
        self.edit(&volumes).await
    }

    /// Waits until a migration that KubeVirt has made for this is in a phase.
    async fn until(&self, phase: &str) -> Result<Reference> {
        let kind = ("kubevirt.io/v1", "VirtualMachineInstanceMigration");
        let label = "kubevirt.io/volume-update-migration=web-vm";
        let found = async || {
            let all = self.cluster.objects.list(kind.0, kind.1, self.namespace, label).await?;
            Ok(all.iter().find(|migration| migration["status"]["phase"] == phase).map(Reference::of))
        };
        eventually(&format!("a migration is {phase}"), found).await
    }

    /// What is on the new claims.
    async fn copied(&self) -> Result<BTreeMap<&'static str, String>> {
        let mut all = BTreeMap::new();
        for disk in self.contents.keys() {
            if let Some(content) = on(self.cluster, self.namespace, &format!("web-{disk}-2")).await? {
                all.insert(*disk, content);
            }
        }
        Ok(all)
    }

    /// The guest is where it was, on its old disks, and nothing was copied.
    async fn unchanged(&self) -> Result<()> {
        let instance = self.cluster.objects.get(&vmi(self.namespace)).await?.context("no instance")?;
        ensure!(instance["status"]["nodeName"] == self.node, "{}", instance["status"]);
        ensure!(self.copied().await?.is_empty());
        Ok(())
    }
}

/// The guest goes to the other node with all that is on its disks. What KubeVirt says afterwards depends on the
/// strategy: without it the machine differs from the one that was started, so KubeVirt wants to start it again.
pub async fn a_machine_changes_its_volumes(cluster: &Cluster) -> Result<()> {
    let namespace = "copies-move";
    let moving = Moving::start(cluster, namespace, "").await?;
    moving.go().await?;
    moving.until("Succeeded").await?;
    let instance = cluster.objects.get(&vmi(namespace)).await?.context("no instance")?;
    ensure!(instance["status"]["nodeName"] != moving.node);
    ensure!(condition(&instance, "VolumesChange").is_null() && instance["status"]["migratedVolumes"].is_null());
    ensure!(moving.copied().await? == moving.contents);
    let quiet = |object: Option<&Value>| object.is_some_and(|o| condition(o, "VolumesChange").is_null());
    let machine = cluster.objects.wait(&vm(namespace), LONG, quiet).await?.context("no machine")?;
    ensure!(condition(&machine, "RestartRequired").is_null());

    cluster.objects.merge(&vm(namespace), "", &json!({"spec": {"updateVolumesStrategy": null}})).await?;
    let wants = |object: Option<&Value>| object.is_some_and(|o| condition(o, "RestartRequired")["status"] == "True");
    cluster.objects.wait(&vm(namespace), LONG, wants).await?;
    Ok(())
}

/// The guest stays where it is, and KubeVirt tries again until somebody calls it off.
pub async fn a_change_of_volumes_fails(cluster: &Cluster) -> Result<()> {
    let namespace = "copies-fail";
    let moving = Moving::start(cluster, namespace, "fails").await?;
    let before = moving.volumes().await?;
    moving.go().await?;
    moving.until("Failed").await?;
    moving.unchanged().await?;
    moving.edit(&before).await?;
    let off = |object: Option<&Value>| {
        object.is_some_and(|o| condition(o, "VolumesChange")["reason"] == "VolumesChangeCancellation")
    };
    cluster.objects.wait(&vmi(namespace), LONG, off).await?;
    moving.unchanged().await
}

/// All claims back in one edit: KubeVirt calls the migration off. It looks for such migrations only now and then, so
/// this one is deleted by hand.
pub async fn a_change_of_volumes_is_called_off(cluster: &Cluster) -> Result<()> {
    let namespace = "copies-off";
    let moving = Moving::start(cluster, namespace, "hangs").await?;
    let before = moving.volumes().await?;
    moving.go().await?;
    let migration = moving.until("Running").await?;
    moving.edit(&before).await?;
    let off = |object: Option<&Value>| {
        object.is_some_and(|o| condition(o, "VolumesChange")["reason"] == "VolumesChangeCancellation")
    };
    cluster.objects.wait(&vmi(namespace), LONG, off).await?;
    cluster.objects.delete(&migration).await?;
    until_gone(cluster, &migration).await?;
    until(cluster, &vmi(namespace), "/status/migrationState/abortStatus", &json!("Succeeded")).await?;
    moving.unchanged().await
}
