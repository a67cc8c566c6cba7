//! Snapshots of machines, the way back, and disks that leave as files: the real controllers of KubeVirt, a simulated driver.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cluster::{Cluster, Fault, Reference};
use serde_json::{Value, json};

use crate::safety::{Inventory, admin, bound, file, killed, wukong};
use crate::world::{claim, machine, until, until_state, vm};

const DISKS: &str = "  disks:
    - {name: system, size: 5Gi, image: 'quay.io/containerdisks/fedora:42', storageClassName: longhorn}
    - {name: data, size: 5Gi, storageClassName: longhorn}
";

/// The same disks, as a restore has called their claims.
fn disks_of([system, data]: &[String; 2]) -> String {
    DISKS
        .replacen("storageClassName: longhorn}", &format!("storageClassName: longhorn, claimName: {system}}}"), 1)
        .replacen("storageClassName: longhorn}", &format!("storageClassName: longhorn, claimName: {data}}}"), 1)
}

/// The claims of a machine's disks after a restore. An older KubeVirt calls them as it likes.
async fn restored<const N: usize>(cluster: &Cluster, namespace: &str, disks: [(&str, &str); N]) -> Result<[String; N]> {
    let now = cluster.objects.get(&vm(namespace)).await?.context("gone")?;
    let volumes = now["spec"]["template"]["spec"]["volumes"].as_array().context("no volumes")?;
    let mut names = Vec::new();
    for (disk, name) in disks {
        let volume = volumes.iter().find(|volume| volume["name"] == disk).context("no volume")?;
        let claim = ["persistentVolumeClaim", "dataVolume"]
            .into_iter()
            .find_map(|source| volume[source]["claimName"].as_str().or(volume[source]["name"].as_str()))
            .context("no claim")?;
        let fits = if cluster.set.kubevirt_since(6)? { claim == name } else { claim.starts_with("restore-") };
        ensure!(fits, "{claim}");
        names.push(claim.to_owned());
    }
    Ok(names.try_into().unwrap_or_else(|_| unreachable!("as many as disks")))
}

/// A guest without an agent: there is no virt-handler here that could hold its file systems still.
fn without_agent(disks: &str) -> String {
    let agent = format!("{{name: web, annotations: {{{}: absent}}}}", cluster::handler::guest::AGENT);
    machine(disks).replacen("{name: web}", &agent, 1)
}

fn snapshot(namespace: &str, name: &str) -> Reference {
    Reference::new("snapshot.kubevirt.io/v1beta1", "VirtualMachineSnapshot", namespace, name)
}

/// Taken while it runs without an agent, listed, gone back to, deleted: the old claims stay, and the file gets only the
/// names of the new ones.
pub async fn there_and_back(cluster: &Cluster) -> Result<()> {
    let namespace = "snapshot-back";
    cluster.namespace(namespace).await?;
    let admin = &admin(cluster);
    let path = file(cluster, "snapshot", &without_agent(DISKS))?;
    wukong(admin, &["apply", "-n", namespace, "-f", &path, "--wait"]).await?.ended(0)?;
    let before = Inventory::of(cluster, namespace).await?;
    let create = ["snapshot", "create", "web", "-n", namespace, "--name", "one", "--wait"];
    wukong(admin, &[&create[..], &["--snapshot-class", "longhorn"]].concat())
        .await?
        .ended(0)?
        .said("without a guest agent")?
        .said("in it: system, data")?;
    wukong(admin, &create).await?.ended(5)?.said("there is one of this name")?;
    let listed = wukong(admin, &["snapshot", "list", "web", "-n", namespace, "-o", "json"]).await?.ended(0)?;
    let listed: Value = serde_json::from_str(&listed.out)?;
    ensure!(listed["items"][0]["included"] == json!(["system", "data"]), "{listed}");

    let back = ["snapshot", "restore", "web", "one", "-n", namespace, "--yes"];
    wukong(admin, &back).await?.ended(5)?.said("it runs")?.said("--stop")?;
    wukong(admin, &["snapshot", "restore", "web", "one", "-n", namespace, "--stop"]).await?.ended(5)?;
    until_state(cluster, namespace, "Running").await?;
    let told = wukong(admin, &[&back[..], &["--stop", "--write", &path]].concat()).await?.ended(0)?;
    let new = restored(cluster, namespace, [("system", "web-system-r1"), ("data", "web-data-r1")]).await?;
    let told = told.said(&format!("claimName: {}", new[0]))?.said(&format!("claimName: {}", new[1]))?;
    told.said("what would delete it: kubectl delete dv web-system")?;
    before.still_there(cluster).await?;
    until_state(cluster, namespace, "Running").await?;
    for name in &new {
        let found = cluster.objects.get(&claim(namespace, name)).await?.context("gone")?;
        ensure!(found["metadata"]["ownerReferences"].is_null(), "{found}");
    }

    // Nothing but the names was written.
    let written = std::fs::read_to_string(&path)?;
    let without = new.iter().fold(written.clone(), |text, name| text.replace(&format!(", claimName: {name}"), ""));
    ensure!(without == without_agent(DISKS), "{written}");
    wukong(admin, &["diff", "-n", namespace, "-f", &path]).await?.ended(0)?;
    wukong(admin, &["apply", "-n", namespace, "-f", &path]).await?.ended(0)?;
    // What GitOps would do: CDI takes the claim for that of the DataVolume, and fills nothing.
    let rendered = crate::world::render(&without_agent(&disks_of(&new)), namespace)?;
    let volume = rendered.iter().find(|object| object["kind"] == "DataVolume").context("no DataVolume")?;
    cluster.objects.try_out(volume).await?;

    let delete = ["snapshot", "delete", "web", "one", "-n", namespace];
    wukong(admin, &delete).await?.ended(5)?.said("what was taken of system, data goes")?;
    wukong(admin, &[&delete[..], &["--yes"]].concat()).await?.ended(0)?;
    crate::world::until_gone(cluster, &snapshot(namespace, "one")).await?;
    before.still_there(cluster).await?;
    bound(cluster, namespace, &new.each_ref().map(String::as_str)).await
}

/// A machine that owns its disks: KubeVirt would delete the DataVolumes of its templates when it goes back.
pub async fn templates_keep_their_disks(cluster: &Cluster) -> Result<()> {
    let namespace = "snapshot-templates";
    cluster.namespace(namespace).await?;
    let admin = &admin(cluster);
    let resources = json!({"requests": {"storage": "5Gi"}});
    let storage = json!({"storageClassName": "longhorn", "accessModes": ["ReadWriteOnce"], "resources": resources});
    let legacy = json!({
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"namespace": namespace, "name": "web-vm"},
        "spec": {
            "runStrategy": "Halted",
            "dataVolumeTemplates": [{"metadata": {"name": "legacy"}, "spec": {"source": {"blank": {}}, "storage": storage}}],
            "template": {"spec": {
                "domain": {"memory": {"guest": "1Gi"}, "devices": {"disks": [{"name": "data", "disk": {"bus": "virtio"}}]}},
                "volumes": [{"name": "data", "dataVolume": {"name": "legacy"}}],
            }},
        },
    });
    cluster.objects.apply(&legacy).await?;
    let volume = Reference::new("cdi.kubevirt.io/v1beta1", "DataVolume", namespace, "legacy");
    until(cluster, &volume, "/status/phase", &json!("Succeeded")).await?;
    let before = Inventory::of(cluster, namespace).await?;
    wukong(admin, &["snapshot", "create", "vm/web-vm", "-n", namespace, "--name", "one", "--wait"]).await?.ended(0)?;
    let back = ["snapshot", "restore", "vm/web-vm", "one", "-n", namespace, "--yes"];
    wukong(admin, &back).await?.ended(0)?.said("dataVolumeTemplates are taken out")?;
    before.still_there(cluster).await?;
    let kept = cluster.objects.get(&volume).await?.context("the DataVolume is gone")?;
    ensure!(kept["metadata"]["deletionTimestamp"].is_null(), "{kept}");
    restored(cluster, namespace, [("data", "legacy-r1")]).await.map(|_| ())
}

/// A disk on a driver without snapshots, and a driver with two classes, of which KubeVirt takes one by itself.
pub async fn what_kubevirt_would_not_do(cluster: &Cluster) -> Result<()> {
    let namespace = "snapshot-refused";
    cluster.namespace(namespace).await?;
    let admin = &admin(cluster);
    for (name, driver) in [("ambiguous-a", "driver.ambiguous.test"), ("ambiguous-b", "driver.ambiguous.test")] {
        let class = json!({
            "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass", "metadata": {"name": name},
            "driver": driver, "deletionPolicy": "Delete",
        });
        cluster.objects.apply(&class).await?;
    }
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "ambiguous"},
        "provisioner": "driver.ambiguous.test", "volumeBindingMode": "Immediate", "reclaimPolicy": "Delete",
    });
    cluster.objects.apply(&class).await?;
    let disks = "  disks:\n    - {name: data, size: 5Gi, storageClassName: longhorn}\n    - {name: plain, size: 5Gi, storageClassName: nfs-client}\n";
    let stopped = format!("{disks}  startStrategy: {{autoStart: false}}\n");
    let path = file(cluster, "snapshot-refused", &machine(&stopped))?;
    wukong(admin, &["apply", "-n", namespace, "-f", &path]).await?.ended(0)?;
    bound(cluster, namespace, &["web-data", "web-plain"]).await?;
    let create = ["snapshot", "create", "web", "-n", namespace, "--name", "some", "--wait"];
    wukong(admin, &create).await?.ended(5)?.said("no VolumeSnapshotClass is for its driver")?.said("--partial")?;
    ensure!(cluster.objects.get(&snapshot(namespace, "some")).await?.is_none(), "it was taken all the same");
    let partial = wukong(admin, &[&create[..], &["--partial"]].concat()).await?.ended(0)?;
    partial.said("in it: data")?.said("not in it: plain")?;

    // A claim of the ambiguous driver, bound to a volume by hand.
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "snapshot-ambiguous"},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "5Gi"}, "storageClassName": "ambiguous",
            "csi": {"driver": "driver.ambiguous.test", "volumeHandle": "a"}, "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": namespace, "name": "web-other"},
        },
    });
    cluster.objects.apply(&volume).await?;
    let other = format!(
        "{disks}    - {{name: other, size: 5Gi, storageClassName: ambiguous}}\n  startStrategy: {{autoStart: false}}\n"
    );
    let path = file(cluster, "snapshot-ambiguous", &machine(&other))?;
    wukong(admin, &["apply", "-n", namespace, "-f", &path]).await?.ended(0)?;
    bound(cluster, namespace, &["web-other"]).await?;
    // CDI names the first of the two in its profile, and KubeVirt takes that one, whatever a person thinks of.
    let profile = Reference::new("cdi.kubevirt.io/v1beta1", "StorageProfile", "", "ambiguous");
    until(cluster, &profile, "/status/snapshotClass", &json!("ambiguous-a")).await?;
    let other = ["snapshot", "create", "web", "-n", namespace, "--name", "other", "--partial", "--dry-run"];
    wukong(admin, &[&other[..], &["--snapshot-class", "longhorn"]].concat())
        .await?
        .ended(5)?
        .said("is for the driver")?;
    let class = [&other[..], &["--snapshot-class", "ambiguous-b"]].concat();
    let told = wukong(admin, &class).await?.ended(5)?.said("KubeVirt takes `ambiguous-a` for it, not `ambiguous-b`")?;
    told.said("kubectl patch storageprofile ambiguous")?;
    // The command that it names makes it so; the other disk is still of another driver.
    cluster.objects.merge(&profile, "", &json!({"spec": {"snapshotClass": "ambiguous-b"}})).await?;
    until(cluster, &profile, "/status/snapshotClass", &json!("ambiguous-b")).await?;
    wukong(admin, &other).await?.ended(0)?.said("ambiguous-b")?;
    Ok(())
}

/// Taken before the first step of a move, or the move is not begun.
pub async fn before_a_move(cluster: &Cluster) -> Result<()> {
    let admin = &admin(cluster);
    let data = "    - {name: data, size: 5Gi, storageClassName: longhorn}\n";
    let plain = "    - {name: plain, size: 5Gi, storageClassName: nfs-client}\n";
    let off = "  startStrategy: {autoStart: false}\n";
    let snapshots = async |namespace: &str| {
        cluster.objects.list("snapshot.kubevirt.io/v1beta1", "VirtualMachineSnapshot", namespace, "").await
    };
    let class = ["--to-storage-class", "local-path", "--disk", "data", "--offline", "--snapshot-first"];

    // A disk that does not move is in the snapshot too.
    let namespace = "snapshot-first-not";
    cluster.namespace(namespace).await?;
    let path = file(cluster, namespace, &machine(&format!("  disks:\n{data}{plain}{off}")))?;
    wukong(admin, &["apply", "-n", namespace, "-f", &path]).await?.ended(0)?;
    bound(cluster, namespace, &["web-data", "web-plain"]).await?;
    let first = [&["migrate", "web", "-n", namespace, "--yes"], &class[..]].concat();
    let told = wukong(admin, &first).await?.ended(5)?.said("no VolumeSnapshotClass is for its driver")?;
    told.said("the move was not begun")?;
    ensure!(snapshots(namespace).await?.is_empty(), "a snapshot was taken all the same");
    let journey = Reference::new("v1", "ConfigMap", namespace, "wukong.move.web-vm");
    ensure!(cluster.objects.get(&journey).await?.is_none(), "the move was begun all the same");

    let namespace = "snapshot-first";
    cluster.namespace(namespace).await?;
    let path = file(cluster, namespace, &machine(&format!("  disks:\n{data}{off}")))?;
    wukong(admin, &["apply", "-n", namespace, "-f", &path]).await?.ended(0)?;
    bound(cluster, namespace, &["web-data"]).await?;
    let first = [&["migrate", "web", "-n", namespace, "--timeout", "2m"], &class[..]].concat();
    wukong(admin, &[&first[..], &["--dry-run"]].concat()).await?.ended(0)?.said("(dry run)")?;
    wukong(admin, &first).await?.ended(5)?;
    ensure!(snapshots(namespace).await?.is_empty(), "a snapshot was taken without a word");
    wukong(admin, &[&first[..], &["--yes"]].concat()).await?.ended(0)?.said("in it: data")?.said("has moved")?;
    let taken = snapshots(namespace).await?;
    ensure!(taken.len() == 1 && taken[0]["status"]["readyToUse"] == true, "{taken:?}");
    // It holds the claim from before.
    let name = taken[0]["status"]["virtualMachineSnapshotContentName"].as_str().context("no content")?;
    let content = Reference::new("snapshot.kubevirt.io/v1beta1", "VirtualMachineSnapshotContent", namespace, name);
    let content = cluster.objects.get(&content).await?.context("gone")?;
    let claim = &content["spec"]["volumeBackups"][0]["persistentVolumeClaim"]["metadata"]["name"];
    ensure!(claim == "web-data", "{claim}");
    Ok(())
}

/// Killed after each of its writes: the next run goes on where it ended, starts the machine again, and loses nothing.
pub async fn killed_on_the_way_back(cluster: &Cluster) -> Result<()> {
    let namespace = "snapshot-killed";
    cluster.namespace(namespace).await?;
    let admin = &admin(cluster);
    let (proxy, proxied) = cluster.faults(namespace).await?;
    let path = file(cluster, "snapshot-killed", &without_agent(DISKS))?;
    wukong(admin, &["apply", "-n", namespace, "-f", &path, "--wait"]).await?.ended(0)?;
    wukong(admin, &["snapshot", "create", "web", "-n", namespace, "--name", "one", "--wait"]).await?.ended(0)?;
    let back = ["snapshot", "restore", "web", "one", "-n", namespace, "--yes", "--stop"];
    let mut writes = 0;
    loop {
        let before = Inventory::of(cluster, namespace).await?;
        let first = killed(&proxy, &proxied, &back, writes).await?;
        if first.code.is_some() {
            first.ended(0)?;
            break;
        }
        wukong(admin, &back).await.with_context(|| format!("after {writes} writes"))?.ended(0)?;
        before.still_there(cluster).await?;
        let now = until_state(cluster, namespace, "Running").await?;
        ensure!(now["spec"]["runStrategy"] == "Always", "after {writes} writes: {}", now["spec"]["runStrategy"]);
        let claims = [0, 1].map(|at| {
            let claim = &now["spec"]["template"]["spec"]["volumes"][at]["persistentVolumeClaim"]["claimName"];
            claim.as_str().unwrap_or_default().to_owned()
        });
        let text = disks_of(&claims);
        let path = file(cluster, "snapshot-killed-back", &without_agent(&text))?;
        let diff = wukong(admin, &["diff", "-n", namespace, "-f", &path]).await?;
        diff.ended(0).with_context(|| format!("after {writes} writes"))?;
        writes += 1;
    }
    ensure!(writes >= 6, "only {writes} writes");
    Ok(())
}

/// The planned name of a restore goes to another one before it is asked for: none of it is taken for the machine's own, and
/// the machine runs on.
pub async fn the_name_of_a_restore_is_taken(cluster: &Cluster) -> Result<()> {
    let namespace = "snapshot-names";
    cluster.namespace(namespace).await?;
    let admin = &admin(cluster);
    let (proxy, proxied) = cluster.faults(namespace).await?;
    let disks = "  disks: [{name: data, size: 5Gi, storageClassName: longhorn}]\n";
    let path = file(cluster, namespace, &without_agent(disks))?;
    wukong(admin, &["apply", "-n", namespace, "-f", &path, "--wait"]).await?.ended(0)?;
    for name in ["one", "two"] {
        wukong(admin, &["snapshot", "create", "web", "-n", namespace, "--name", name, "--wait"]).await?.ended(0)?;
    }
    let record = Reference::new("v1", "ConfigMap", namespace, "wukong-web");
    let settled = async |name: &str| -> Result<bool> {
        let restore = Reference::new("snapshot.kubevirt.io/v1beta1", "VirtualMachineRestore", namespace, name);
        let found = cluster.objects.get(&restore).await?.context("no restore")?;
        Ok(found["metadata"]["annotations"]["vm.novasphere.dev/settled"] == "true")
    };
    let asks = "virtualmachinerestores";
    let asked = async |times: usize| {
        let posts = || proxy.seen().iter().filter(|line| line.starts_with("POST ") && line.contains(asks)).count();
        while posts() < times {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let two = ["snapshot", "restore", "web", "two", "-n", namespace, "--yes", "--stop"];

    // Of another machine: a machine of that name would have had the same plan.
    proxy.fail("POST", asks, 1, Fault::Delay(Duration::from_secs(4)));
    let before = Inventory::of(cluster, namespace).await?;
    let known = cluster.objects.get(&record).await?.context("no record")?;
    let (ran, other) = tokio::join!(wukong(&proxied, &two), async {
        asked(1).await;
        let target = json!({"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "other"});
        let other = json!({
            "apiVersion": "snapshot.kubevirt.io/v1beta1", "kind": "VirtualMachineRestore",
            "metadata": {"name": "web-vm-r1", "namespace": namespace},
            "spec": {"target": target, "virtualMachineSnapshotName": "one"},
        });
        cluster.objects.apply(&other).await
    });
    other?;
    let told = ran?.ended(5)?.said("web-vm-r1 is somebody else's: it takes other back to one")?;
    told.said("the next run plans another name")?;
    ensure!(!settled("web-vm-r1").await?, "the other restore is marked");
    ensure!(cluster.objects.get(&record).await?.context("gone")?["data"] == known["data"], "the record is another one");
    before.still_there(cluster).await?;
    let now = until_state(cluster, namespace, "Running").await?;
    ensure!(now["spec"]["runStrategy"] == "Always", "{}", now["spec"]);
    let used = &now["spec"]["template"]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"];
    ensure!(*used == "web-data", "{used}");

    // Of the same machine, to another snapshot, by a run that came to its end meanwhile.
    proxy.fail("POST", asks, 1, Fault::Delay(Duration::from_secs(25)));
    let one = ["snapshot", "restore", "web", "one", "-n", namespace, "--yes"];
    let (ran, other) = tokio::join!(wukong(&proxied, &two), async {
        asked(2).await;
        wukong(admin, &one).await
    });
    other?.ended(0)?.said("web is back at one")?;
    ran?.ended(5)?.said("web-vm-r2 is somebody else's: it takes web-vm back to one")?;
    until_state(cluster, namespace, "Running").await?;

    wukong(&proxied, &two).await?.ended(0)?.said("web is back at two")?;
    ensure!(settled("web-vm-r3").await?, "the restore is not marked");
    until_state(cluster, namespace, "Running").await?;
    restored(cluster, namespace, [("data", "web-data-r3")]).await?;
    before.still_there(cluster).await
}
