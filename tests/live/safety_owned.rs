//! Machines that own their disks, disks of which there are snapshots, disks that others attached, and the identity of a guest.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use cluster::{Cluster, Reference};
use serde_json::{Value, json};

use crate::safety::{Inventory, admin, bound, file, wukong};
use crate::support::text;
use crate::world::{LONG, claim, kubectl, machine, until_gone, until_state, vm, vmi};

const CLAIMS: [&str; 2] = ["legacy-system", "legacy-data"];

/// A machine as KubeVirt's documentation writes it: an ordinary deletion takes its disks along.
fn legacy(namespace: &str) -> Value {
    let template = |name: &str, source: &Value| {
        let resources = json!({"requests": {"storage": "5Gi"}});
        let storage = json!({"storageClassName": "longhorn", "accessModes": ["ReadWriteOnce"], "resources": resources});
        json!({"metadata": {"name": name}, "spec": {"source": source, "storage": storage}})
    };
    let disk = |name: &str| json!({"name": name, "disk": {"bus": "virtio"}});
    let volume = |name: &str| json!({"name": name, "dataVolume": {"name": format!("legacy-{name}")}});
    json!({
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
        "metadata": {"namespace": namespace, "name": "web-vm"},
        "spec": {
            "runStrategy": "Always",
            "dataVolumeTemplates": [
                template(CLAIMS[0], &json!({"registry": {"url": "docker://quay.io/containerdisks/fedora:42"}})),
                template(CLAIMS[1], &json!({"blank": {}})),
            ],
            "template": {"spec": {
                "domain": {
                    "cpu": {"cores": 1}, "memory": {"guest": "1Gi"}, "firmware": {"uuid": UUID},
                    "devices": {
                        "disks": [disk("system"), disk("data")], "interfaces": [{"name": "default", "masquerade": {}}],
                    },
                },
                "networks": [{"name": "default", "pod": {}}], "volumes": [volume("system"), volume("data")],
            }},
        },
    })
}

const UUID: &str = "5d307ca9-b3ef-428c-8861-06e72d69f223";

const ADOPTED: &str = "  disks:
    - {name: system, size: 5Gi, image: 'quay.io/containerdisks/fedora:42', storageClassName: longhorn, claimName: legacy-system}
    - {name: data, size: 5Gi, storageClassName: longhorn, claimName: legacy-data}
";

/// Taken over, its disks outlive it; only the one that is named goes.
pub async fn disks_of_the_machine(cluster: &Cluster) -> Result<()> {
    let namespace = "owned";
    cluster.namespace(namespace).await?;
    let admin = &admin(cluster);
    let made = file(cluster, "legacy", &legacy(namespace).to_string())?;
    let create = ["create", "-f", &made, "--kubeconfig", admin.to_str().context("a path")?];
    let output = kubectl().args(create).stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "{}", text(&output.stderr));
    until_state(cluster, namespace, "Running").await?;
    bound(cluster, namespace, &CLAIMS).await?;
    let path = file(cluster, "owned", &machine(ADOPTED))?;
    let before = Inventory::of(cluster, namespace).await?;
    let apply = ["apply", "-n", namespace, "-f", &path];
    let adopt = ["apply", "-n", namespace, "-f", &path, "--adopt", "--yes"];
    wukong(admin, &apply).await?.ended(5)?;
    wukong(admin, &adopt).await?.ended(0)?;
    wukong(admin, &["diff", "-n", namespace, "-f", &path]).await?.ended(0)?;
    before.still_there(cluster).await?;
    let adopted = cluster.objects.get(&vm(namespace)).await?.context("no machine")?;
    ensure!(adopted["spec"]["template"]["spec"]["domain"]["firmware"]["uuid"] == UUID);
    ensure!(owners(cluster, namespace, "cdi.kubevirt.io/v1beta1", "DataVolume").await?.len() == 2, "it owns no disk");

    let delete = ["delete", "-n", namespace, "web", "--yes"];
    wukong(admin, &delete).await?.ended(0)?.said("the machine owns it")?;
    until_gone(cluster, &vm(namespace)).await?;
    nobody_waits_for_the_dead(cluster, namespace).await?;
    before.still_there(cluster).await?;

    // It comes back on its disks, and loses the one that is named.
    wukong(admin, &apply).await?.ended(5)?;
    wukong(admin, &adopt).await?.ended(0)?;
    until_state(cluster, namespace, "Running").await?;
    before.still_there(cluster).await?;
    wukong(admin, &["delete", "-n", namespace, "web", "--yes", "--delete-data", "data"]).await?.ended(0)?;
    until_gone(cluster, &claim(namespace, CLAIMS[1])).await?;
    nobody_waits_for_the_dead(cluster, namespace).await?;
    let mut kept = before;
    kept.forget(CLAIMS[1]);
    kept.still_there(cluster).await
}

/// The owners of all objects of a kind that are machines.
async fn owners(cluster: &Cluster, namespace: &str, version: &str, kind: &str) -> Result<Vec<Value>> {
    let all = cluster.objects.list(version, kind, namespace, "").await?;
    let owners = all.iter().filter_map(|object| object["metadata"]["ownerReferences"].as_array()).flatten();
    Ok(owners.filter(|owner| owner["kind"] == "VirtualMachine").cloned().collect())
}

/// The garbage collector deletes what names an owner that is gone: nothing may.
async fn nobody_waits_for_the_dead(cluster: &Cluster, namespace: &str) -> Result<()> {
    for (version, kind) in [("cdi.kubevirt.io/v1beta1", "DataVolume"), ("v1", "PersistentVolumeClaim")] {
        let owners = owners(cluster, namespace, version, kind).await?;
        ensure!(owners.is_empty(), "{kind}s of {namespace} name {owners:?}");
    }
    Ok(())
}

/// A disk that was plugged in while the guest runs stays in the machine and in the guest, also when fields are forced.
pub async fn plugged_in_disks(cluster: &Cluster) -> Result<()> {
    let namespace = "plugged";
    cluster.namespace(namespace).await?;
    let admin = &admin(cluster);
    let spec = "  disks: [{name: system, size: 1Gi, storageClassName: longhorn}]\n";
    let path = file(cluster, "plugged-1", &machine(spec))?;
    wukong(admin, &["apply", "-n", namespace, "-f", &path]).await?.ended(0)?;
    until_state(cluster, namespace, "Running").await?;
    let extra = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": namespace, "name": "extra"},
        "spec": {
            "storageClassName": "longhorn", "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    });
    cluster.objects.apply(&extra).await?;
    bound(cluster, namespace, &["extra"]).await?;
    let add = format!("/apis/subresources.kubevirt.io/v1/namespaces/{namespace}/virtualmachines/web-vm/addvolume");
    let source = json!({"persistentVolumeClaim": {"claimName": "extra", "hotpluggable": true}});
    let body = json!({"name": "extra", "disk": {"disk": {"bus": "scsi"}, "serial": "extra"}, "volumeSource": source});
    cluster.objects.put(&add, &body).await?;
    let ready = |object: Option<&Value>| {
        let volumes = object.and_then(|object| object["status"]["volumeStatus"].as_array());
        volumes.is_some_and(|all| all.iter().any(|volume| volume["name"] == "extra" && volume["phase"] == "Ready"))
    };
    cluster.objects.wait(&vmi(namespace), LONG, ready).await?;
    let before = Inventory::of(cluster, namespace).await?;
    wukong(admin, &["diff", "-n", namespace, "-f", &path]).await?.ended(0)?.said("`extra`")?;
    let changed = spec.replace("}]", "}, {name: more, size: 1Gi, storageClassName: longhorn}]");
    let path = file(cluster, "plugged-2", &machine(&changed).replace("memory: 1Gi", "memory: 2Gi"))?;
    let apply = ["apply", "-n", namespace, "-f", &path];
    wukong(admin, &apply).await?.ended(0)?;
    has(cluster, namespace, &["system", "extra", "more"], "2Gi").await?;

    // Somebody else takes a field.
    let theirs = json!({"spec": {"template": {"spec": {"domain": {"memory": {"guest": "3Gi"}}}}}});
    cluster.objects.merge(&vm(namespace), "", &theirs).await?;
    wukong(admin, &apply).await?.ended(5)?.said("memory.guest")?;
    has(cluster, namespace, &["system", "extra", "more"], "3Gi").await?;
    wukong(admin, &["apply", "-n", namespace, "-f", &path, "--force-conflicts", "--yes"]).await?.ended(0)?;
    has(cluster, namespace, &["system", "extra", "more"], "2Gi").await?;
    ensure!(ready(cluster.objects.get(&vmi(namespace)).await?.as_ref()), "the guest has lost it");
    wukong(admin, &["diff", "-n", namespace, "-f", &path]).await?.ended(0)?;
    before.still_there(cluster).await
}

async fn has(cluster: &Cluster, namespace: &str, names: &[&str], memory: &str) -> Result<()> {
    let found = cluster.objects.get(&vm(namespace)).await?.context("no machine")?;
    let spec = &found["spec"]["template"]["spec"];
    for list in [&spec["domain"]["devices"]["disks"], &spec["volumes"]] {
        let found: Vec<_> = list.as_array().into_iter().flatten().map(|entry| entry["name"].clone()).collect();
        ensure!(found == names, "{found:?}");
    }
    ensure!(spec["domain"]["memory"]["guest"] == memory, "{}", spec["domain"]["memory"]);
    Ok(())
}

/// A machine that is deleted and made again on its disks is the same to its guest.
pub async fn the_identity(cluster: &Cluster) -> Result<()> {
    let namespace = "identity";
    cluster.namespace(namespace).await?;
    let admin = &admin(cluster);
    let spec =
        "  disks: [{name: system, size: 1Gi, image: 'quay.io/containerdisks/fedora:42', storageClassName: longhorn}]\n";
    let path = file(cluster, namespace, &machine(spec))?;
    wukong(admin, &["apply", "-n", namespace, "-f", &path]).await?.ended(0)?;
    until_state(cluster, namespace, "Running").await?;
    let identity = async || -> Result<Value> {
        let found = cluster.objects.get(&vm(namespace)).await?.context("no machine")?;
        let spec = &found["spec"]["template"]["spec"]["domain"];
        // KubeVirt makes up another serial number of the board each time.
        Ok(json!([spec["firmware"]["uuid"], spec["devices"]["interfaces"], spec["devices"]["disks"]]))
    };
    let (was, before) = (identity().await?, Inventory::of(cluster, namespace).await?);
    ensure!(was[0].is_string(), "{was}");
    wukong(admin, &["delete", "-n", namespace, "web", "--yes"]).await?.ended(0)?;
    let old = Reference::new("v1", "ConfigMap", namespace, "wukong-web");
    ensure!(cluster.objects.get(&old).await?.is_none(), "the record is still there");
    wukong(admin, &["apply", "-n", namespace, "-f", &path]).await?.ended(5)?;
    wukong(admin, &["apply", "-n", namespace, "-f", &path, "--adopt"]).await?.ended(0)?;
    until_state(cluster, namespace, "Running").await?;
    ensure!(identity().await? == was, "{} was {was}", identity().await?);
    wukong(admin, &["diff", "-n", namespace, "-f", &path]).await?.ended(0)?;
    before.still_there(cluster).await
}

/// A driver that keeps snapshots in the volume loses them with it: whose disk was named is told, also where one is taken
/// while the guest stops, and the same command ends it later.
pub async fn snapshots_of_a_disk(cluster: &Cluster) -> Result<()> {
    let namespace = "owned-snapshots";
    cluster.namespace(namespace).await?;
    let admin = &admin(cluster);
    let spec = "  disks: [{name: data, size: 1Gi, storageClassName: longhorn}]\n";
    let absent = format!("{{name: web, annotations: {{{}: absent}}}}", cluster::handler::guest::AGENT);
    let path = file(cluster, namespace, &machine(spec).replacen("{name: web}", &absent, 1))?;
    wukong(admin, &["apply", "-n", namespace, "-f", &path, "--wait"]).await?.ended(0)?;
    bound(cluster, namespace, &["web-data"]).await?;
    let before = Inventory::of(cluster, namespace).await?;
    wukong(admin, &["snapshot", "create", "web", "-n", namespace, "--name", "one", "--wait"]).await?.ended(0)?;
    let delete = ["delete", "-n", namespace, "web", "--yes", "--delete-data", "data"];
    let way_out = "kubectl wukong snapshot delete vm/web-vm one -n owned-snapshots";
    wukong(admin, &delete).await?.ended(5)?.said("its snapshots would be lost")?.said(way_out)?;
    until_state(cluster, namespace, "Running").await?;
    before.still_there(cluster).await?;

    let way_out: Vec<_> = way_out.split(' ').skip(2).chain(["--yes"]).collect();
    wukong(admin, &way_out).await?.ended(0)?;
    let end = std::time::Instant::now() + LONG;
    while !cluster.objects.list("snapshot.storage.k8s.io/v1", "VolumeSnapshot", namespace, "").await?.is_empty() {
        ensure!(std::time::Instant::now() < end, "the snapshot stays");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let late = json!({
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
        "metadata": {"namespace": namespace, "name": "late"},
        "spec": {"volumeSnapshotClassName": "longhorn", "source": {"persistentVolumeClaimName": "web-data"}},
    });
    let (proxy, proxied) = cluster.faults(namespace).await?;
    let writes = proxy.writes();
    let slow = cluster::Fault::Delay(std::time::Duration::from_secs(3));
    proxy.fail_after(0, cluster::FaultProxy::WRITE, "", 1, slow);
    let taken = async {
        while proxy.writes() == writes {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        cluster.objects.apply(&late).await
    };
    let (ran, taken) = tokio::join!(wukong(&proxied, &delete), taken);
    taken?;
    ran?.ended(5)?.said("the data of web is needed by now")?.said("kubectl delete volumesnapshot late")?;
    ensure!(cluster.objects.get(&vm(namespace)).await?.is_none(), "the machine is there");
    before.still_there(cluster).await?;

    let late = Reference::of(&late);
    cluster.objects.delete(&late).await?;
    until_gone(cluster, &late).await?;
    wukong(admin, &delete).await?.ended(0)?;
    until_gone(cluster, &claim(namespace, "web-data")).await
}
