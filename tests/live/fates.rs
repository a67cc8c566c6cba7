//! What `where-is-my-data --if` predicts, and what then happens: each event is carried out, and every claim and volume is
//! compared with the prediction.

use std::collections::BTreeMap;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail, ensure};
use cluster::{Cluster, Reference, nodes};
use serde_json::{Value, json};

use crate::safety::wukong;
use crate::world::{LONG, claim, kubectl, machine, render, until, until_gone, until_state, vm, vmi};

/// A disk on storage that keeps or erases, in a claim of its own or of the machine's.
fn disk(name: &str, class: &str) -> String {
    format!("    - {{name: {name}, size: 1Gi, storageClassName: {class}}}\n")
}

fn volume(name: &str) -> Reference {
    Reference::new("v1", "PersistentVolume", "", name)
}

/// Applies the machine called `web` with these disks; those in `owned` come from templates of the machine.
async fn apply(cluster: &Cluster, namespace: &str, disks: &str, owned: &[&str], change: &Value) -> Result<()> {
    cluster.namespace(namespace).await?;
    let mut objects = render(&machine(&format!("  disks:\n{disks}")), namespace)?;
    let named = |object: &Value| object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let mut templates = Vec::new();
    objects.retain(|object| {
        let name = named(object);
        let is_owned = owned.iter().any(|disk| name == format!("web-{disk}"));
        if is_owned {
            templates.push(json!({
                "metadata": {"name": name},
                "spec": {"source": {"blank": {}}, "storage": {
                    "storageClassName": object["spec"]["storageClassName"],
                    "accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem",
                    "resources": {"requests": {"storage": "1Gi"}},
                }},
            }));
        }
        !is_owned
    });
    for mut object in objects {
        if object["kind"] == "VirtualMachine" {
            object["spec"]["dataVolumeTemplates"] = json!(templates);
            let spec = &mut object["spec"]["template"]["spec"];
            for volume in spec["volumes"].as_array_mut().into_iter().flatten() {
                let name = volume["persistentVolumeClaim"]["claimName"].as_str().unwrap_or_default().to_owned();
                if owned.iter().any(|disk| name == format!("web-{disk}")) {
                    *volume = json!({"name": volume["name"], "dataVolume": {"name": name}});
                }
            }
            for (key, value) in change.as_object().into_iter().flatten() {
                spec[key] = value.clone();
            }
        }
        cluster.objects.apply(&object).await.with_context(|| Reference::of(&object).to_string())?;
    }
    Ok(())
}

/// What `--if` says of each disk of a namespace, with its claim and volume: `machine effect` and fates by disk.
async fn predicted(cluster: &Cluster, namespace: &str, event: &str) -> Result<(String, BTreeMap<String, String>)> {
    let args = ["where-is-my-data", "-n", namespace, "--all-vms", "--if", event, "-o", "json"];
    let ran = wukong(&cluster.kubeconfig(), &args).await?.ended(0)?;
    let told: Value = serde_json::from_str(&ran.out)?;
    let machine = told["items"].as_array().and_then(|items| items.first()).context("no machine")?;
    let part = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let disks = machine["disks"].as_array().into_iter().flatten();
    Ok((part(&machine["effect"]), disks.map(|disk| (part(&disk["name"]), part(&disk["fate"]))).collect()))
}

/// The volume of each disk of the machine, which is bound.
async fn volumes(cluster: &Cluster, namespace: &str, disks: &[&str]) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for disk in disks {
        let bound = until(cluster, &claim(namespace, &format!("web-{disk}")), "/status/phase", &json!("Bound")).await?;
        found.insert((*disk).to_owned(), bound["spec"]["volumeName"].as_str().context("no volume")?.to_owned());
    }
    Ok(found)
}

async fn retain(cluster: &Cluster, name: &str) -> Result<()> {
    let change = json!({"spec": {"persistentVolumeReclaimPolicy": "Retain"}});
    cluster.objects.merge(&volume(name), "", &change).await?;
    Ok(())
}

/// What has become of a disk once things have come to rest: its claim and volume say it. `claim_goes`: the event ends the
/// claim, sooner or later.
async fn actual(cluster: &Cluster, namespace: &str, disk: &str, name: &str, fate: &str) -> Result<&'static str> {
    let own = claim(namespace, &format!("web-{disk}"));
    // What is predicted to stay is looked at when the others have gone, so there was time for it to go.
    let settled = |object: Option<&Value>| match fate {
        "lost" => object.is_none(),
        "recoverable" => object.is_some_and(|o| matches!(o["status"]["phase"].as_str(), Some("Released" | "Failed"))),
        _ => true,
    };
    if cluster.objects.wait(&volume(name), LONG, settled).await.is_err() {
        let (volume, own) = (cluster.objects.get(&volume(name)).await?, cluster.objects.get(&own).await?);
        bail!("{namespace}/{disk} was predicted as {fate}: volume {volume:#?}, claim {own:#?}");
    }
    let volume = cluster.objects.get(&volume(name)).await?;
    let holds = cluster.objects.get(&own).await?.filter(|own| own["spec"]["volumeName"] == name);
    Ok(match (volume, holds.is_some_and(|own| own["metadata"]["deletionTimestamp"].is_null())) {
        (None, _) => "lost",
        (Some(_), true) => "kept",
        (Some(volume), false) if volume["status"]["phase"] != "Bound" => "recoverable",
        (Some(_), false) => "in between",
    })
}

/// Compares, and prints the line of the table.
async fn compare(
    cluster: &Cluster,
    namespace: &str,
    event: &str,
    volumes: &BTreeMap<String, String>,
    predicted: &BTreeMap<String, String>,
) -> Result<()> {
    let mut wrong = Vec::new();
    // Those that go come first, so that those that stay had the time to go.
    let mut all: Vec<_> = volumes.iter().collect();
    all.sort_by_key(|(disk, _)| predicted.get(*disk).is_none_or(|fate| fate == "kept"));
    for (disk, name) in all {
        let fate = predicted.get(disk).map_or("kept", String::as_str);
        let actual = actual(cluster, namespace, disk, name, fate).await?;
        crate::world::note(&format!("{event:<36} {disk:<18} predicted {fate:<12} actual {actual}"));
        if actual != fate {
            wrong.push(format!("{disk}: predicted {fate}, actual {actual}"));
        }
    }
    ensure!(wrong.is_empty(), "{event}: {wrong:?}");
    Ok(())
}

/// A volume that an administrator made on a node, whose policy is Delete though nobody can erase it.
async fn static_volume(cluster: &Cluster, namespace: &str, name: &str) -> Result<()> {
    let affinity = json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [
        {"key": "kubernetes.io/hostname", "operator": "In", "values": ["worker-1"]},
    ]}]}});
    let made = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem",
            "persistentVolumeReclaimPolicy": "Delete", "storageClassName": "by-hand",
            "local": {"path": format!("/mnt/disks/{name}")}, "nodeAffinity": affinity,
            "claimRef": {"namespace": namespace, "name": "web-static"},
        },
    });
    cluster.objects.apply(&made).await?;
    Ok(())
}

/// One machine with a disk of every kind of fate, for an event.
async fn fleet(cluster: &Cluster, namespace: &str) -> Result<BTreeMap<String, String>> {
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "by-hand"},
        "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer",
    });
    cluster.objects.apply(&class).await?;
    static_volume(cluster, namespace, &format!("{namespace}-static")).await?;
    let names = ["erased", "retained", "copied", "owned", "owned-kept", "static"];
    let classes = ["local-path", "local-path", "longhorn", "longhorn", "longhorn", "by-hand"];
    let disks: String = names.iter().zip(classes).map(|(name, class)| disk(name, class)).collect();
    apply(cluster, namespace, &disks, &["owned", "owned-kept"], &json!({})).await?;
    until_state(cluster, namespace, "Running").await?;
    let found = volumes(cluster, namespace, &names).await?;
    for disk in ["retained", "owned-kept"] {
        retain(cluster, &found[disk]).await?;
    }
    let halt = json!({"spec": {"runStrategy": "Halted"}});
    cluster.objects.merge(&vm(namespace), "", &halt).await?;
    until_gone(cluster, &vmi(namespace)).await?;
    Ok(found)
}

/// The machine, its claims, its namespace and a class are deleted.
pub async fn of_what_is_deleted(cluster: &Cluster) -> Result<()> {
    let namespace = "fate-vm";
    let disks = fleet(cluster, namespace).await?;
    let (effect, fates) = predicted(cluster, namespace, "vm-deleted").await?;
    ensure!(effect == "loses data" && fates["owned"] == "lost" && fates["owned-kept"] == "recoverable", "{fates:?}");
    cluster.objects.delete(&vm(namespace)).await?;
    until_gone(cluster, &vm(namespace)).await?;
    compare(cluster, namespace, "vm-deleted", &disks, &fates).await?;

    // What is left gets a machine again, which need not run.
    let kept = [("erased", "local-path"), ("retained", "local-path"), ("copied", "longhorn"), ("static", "by-hand")];
    let mut again: String = kept.iter().map(|(name, class)| disk(name, class)).collect();
    again.push_str("  startStrategy: {autoStart: false}\n");
    apply(cluster, namespace, &again, &[], &json!({})).await?;
    let disks = volumes(cluster, namespace, &kept.map(|(name, _)| name)).await?;
    let (_, fates) = predicted(cluster, namespace, "pvc-deleted").await?;
    ensure!(fates["erased"] == "lost" && fates["retained"] == "recoverable", "{fates:?}");
    ensure!(fates["static"] == "recoverable", "{fates:?}");
    for disk in disks.keys() {
        cluster.objects.delete(&claim(namespace, &format!("web-{disk}"))).await?;
    }
    compare(cluster, namespace, "pvc-deleted", &disks, &fates).await?;
    recovers(cluster, namespace, &disks["retained"]).await?;
    recovers(cluster, namespace, &disks["static"]).await?;

    let namespace = "fate-namespace";
    let disks = fleet(cluster, namespace).await?;
    let (_, fates) = predicted(cluster, namespace, "namespace-deleted=fate-namespace").await?;
    let gone = Reference::new("v1", "Namespace", "", namespace);
    cluster.objects.delete(&gone).await?;
    compare(cluster, namespace, "namespace-deleted", &disks, &fates).await
}

/// Follows the steps that are printed, as a person would, until the claim has its volume again.
async fn recovers(cluster: &Cluster, namespace: &str, name: &str) -> Result<()> {
    let args = ["where-is-my-data", "-n", namespace, &format!("pv/{name}"), "--recover-plan"];
    let plan = wukong(&cluster.kubeconfig(), &args).await?.ended(0)?.out;
    let steps: Vec<_> = plan.lines().filter_map(|line| line.strip_prefix("# before: ")).collect();
    ensure!(!steps.is_empty(), "{plan}");
    let kubeconfig = cluster.kubeconfig();
    for step in steps {
        let ran = std::process::Command::new("sh").args(["-c", step]).env("KUBECONFIG", &kubeconfig).output()?;
        ensure!(ran.status.success(), "{step}: {}", String::from_utf8_lossy(&ran.stderr));
    }
    let mut applied = kubectl()
        .args(["apply", "-f", "-"])
        .env("KUBECONFIG", &kubeconfig)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    std::io::Write::write_all(&mut applied.stdin.take().context("no pipe")?, plan.as_bytes())?;
    ensure!(applied.wait()?.success(), "{plan}");
    let bound = until(cluster, &volume(name), "/status/phase", &json!("Bound")).await?;
    let own = claim(namespace, bound["spec"]["claimRef"]["name"].as_str().unwrap_or_default());
    let found = until(cluster, &own, "/status/phase", &json!("Bound")).await?;
    ensure!(found["spec"]["volumeName"] == name, "{found:#?}");
    Ok(())
}

/// A class goes: bound volumes stay. A node goes for good: what lies there cannot be used any more, the rest starts
/// elsewhere.
pub async fn of_what_is_lost(cluster: &Cluster) -> Result<()> {
    let namespace = "fate-class";
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "short-lived"},
        "provisioner": "rancher.io/local-path", "volumeBindingMode": "WaitForFirstConsumer", "reclaimPolicy": "Delete",
    });
    cluster.objects.apply(&class).await?;
    apply(cluster, namespace, &disk("data", "short-lived"), &[], &json!({})).await?;
    until_state(cluster, namespace, "Running").await?;
    let disks = volumes(cluster, namespace, &["data"]).await?;
    let (effect, fates) = predicted(cluster, namespace, "class-deleted=short-lived").await?;
    ensure!(effect == "not affected" && fates["data"] == "kept", "{effect} {fates:?}");
    cluster.objects.delete(&Reference::of(&class)).await?;
    compare(cluster, namespace, "class-deleted", &disks, &fates).await?;

    let node = "worker-fated";
    cluster.add_node(node).await?;
    let there = json!({
        "nodeSelector": {"kubernetes.io/hostname": node},
        // Of its own node alone: those of other tests come and go.
        "tolerations": [{"key": nodes::OWN, "operator": "Equal", "value": node}],
    });
    for (namespace, class) in [("fate-node-local", "local-path"), ("fate-node-copies", "longhorn")] {
        apply(cluster, namespace, &disk("data", class), &[], &there).await?;
    }
    let anywhere = json!({"spec": {"template": {"spec": {"nodeSelector": null}}}});
    for namespace in ["fate-node-local", "fate-node-copies"] {
        until_state(cluster, namespace, "Running").await?;
        let (pinned, _) = predicted(cluster, namespace, &format!("node-lost={node}")).await?;
        ensure!(pinned != "moves", "a machine that may run nowhere else: {pinned}");
        cluster.objects.merge(&vm(namespace), "", &anywhere).await?;
    }
    // The drivers that are simulated tell nothing of copies.
    let disks_there = volumes(cluster, "fate-node-copies", &["data"]).await?;
    for (number, holder) in [node, "worker-1"].into_iter().enumerate() {
        let replica = json!({
            "apiVersion": "longhorn.io/v1beta2", "kind": "Replica",
            "metadata": {"name": format!("{}-r-{number}", disks_there["data"]), "namespace": "longhorn-system"},
            "spec": {
                "volumeName": disks_there["data"], "nodeID": holder, "active": true, "diskPath": "/var/lib/longhorn/",
                "dataDirectoryName": "copy", "healthyAt": "2026-01-01T00:00:00Z", "failedAt": "",
            },
        });
        cluster.objects.apply(&replica).await?;
    }
    let event = format!("node-lost={node}");
    let (local, _) = predicted(cluster, "fate-node-local", &event).await?;
    let (copies, _) = predicted(cluster, "fate-node-copies", &event).await?;
    ensure!(local == "loses data" && copies == "moves", "{local}, {copies}");
    // The node is gone for good: an administrator removes it with what ran there.
    for namespace in ["fate-node-local", "fate-node-copies"] {
        cluster.objects.merge(&vm(namespace), "", &json!({"spec": {"runStrategy": "Halted"}})).await?;
        until_gone(cluster, &vmi(namespace)).await?;
    }
    cluster.objects.delete(&Reference::new("v1", "Node", "", node)).await?;
    for namespace in ["fate-node-local", "fate-node-copies"] {
        cluster.objects.merge(&vm(namespace), "", &json!({"spec": {"runStrategy": "Always"}})).await?;
    }
    until_state(cluster, "fate-node-copies", "Running").await?;
    let running = cluster.objects.get(&vmi("fate-node-copies")).await?.context("no instance")?;
    let other = running["status"]["nodeName"].as_str().context("no node")?;
    ensure!(other != node, "{other}");
    until_state(cluster, "fate-node-local", "ErrorUnschedulable").await?;
    crate::world::note(&format!("{event:<36} {:<18} predicted {local:<12} actual cannot start", "fate-node-local"));
    crate::world::note(&format!(
        "{event:<36} {:<18} predicted {copies:<12} actual runs on {other}",
        "fate-node-copies"
    ));
    Ok(())
}
