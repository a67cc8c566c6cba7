//! A node that dies, with machines on it: what comes back elsewhere, what does not, and the way back.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use cluster::{Cluster, Fault, FaultProxy, Reference, nodes};
use serde_json::{Value, json};

use crate::safety::{Inventory, admin, wukong};
use crate::world::{LONG, condition, machine, render, until, until_gone, until_state, vm, vmi};

const TAINT: &str = "node.kubernetes.io/out-of-service";
const NOTE: &str = "vm.novasphere.dev/out-of-service";

fn node(name: &str) -> Reference {
    Reference::new("v1", "Node", "", name)
}

/// Adds a node whose volumes the real controllers attach and detach, as those of a kubelet that says so.
async fn add(cluster: &Cluster, name: &str) -> Result<()> {
    cluster.add_node(name).await?;
    let managed =
        json!({"metadata": {"annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}}});
    cluster.objects.merge(&node(name), "", &managed).await?;
    until_ready(cluster, name, "True").await
}

async fn until_ready(cluster: &Cluster, name: &str, status: &str) -> Result<()> {
    let is = |node: Option<&Value>| node.is_some_and(|node| condition(node, "Ready")["status"] == status);
    cluster.objects.wait(&node(name), LONG, is).await.map(|_| ())
}

/// Silences a node, until the cluster knows it.
async fn lose(cluster: &Cluster, name: &str) -> Result<()> {
    cluster.lose_node(name).await?;
    until_ready(cluster, name, "Unknown").await
}

/// Brings a node back, with what its virt-handler then says: KubeVirt keeps machines away from a node that was silent for
/// five minutes, which a busy machine may take.
async fn find(cluster: &Cluster, name: &str) -> Result<()> {
    cluster.find_node(name).await?;
    until_ready(cluster, name, "True").await?;
    // A node without a heartbeat counts as one that answers.
    let annotations = json!({"kubevirt.io/heartbeat": null});
    let change = json!({"metadata": {"labels": {"kubevirt.io/schedulable": "true"}, "annotations": annotations}});
    cluster.objects.merge(&node(name), "", &change).await?;
    Ok(())
}

/// The machine `web` of a namespace, which runs on this node and may run on others.
pub async fn run_there(cluster: &Cluster, name: &str, namespace: &str, class: &str) -> Result<()> {
    cluster.namespace(namespace).await?;
    let disks = format!("  disks: [{{name: data, size: 1Gi, storageClassName: {class}}}]\n");
    for mut object in render(&machine(&disks), namespace)? {
        if object["kind"] == "VirtualMachine" {
            let spec = &mut object["spec"]["template"]["spec"];
            spec["nodeSelector"] = json!({"kubernetes.io/hostname": name});
            spec["tolerations"] = json!([{"key": nodes::OWN, "operator": "Equal", "value": name}]);
        }
        cluster.objects.apply(&object).await?;
    }
    until_state(cluster, namespace, "Running").await?;
    let anywhere = json!({"spec": {"template": {"spec": {"nodeSelector": null}}}});
    cluster.objects.merge(&vm(namespace), "", &anywhere).await?;
    Ok(())
}

/// The volumes that are attached to a node.
async fn attached(cluster: &Cluster, name: &str) -> Result<Vec<Value>> {
    let mut all = cluster.objects.list("storage.k8s.io/v1", "VolumeAttachment", "", "").await?;
    all.retain(|attachment| attachment["spec"]["nodeName"] == name);
    Ok(all)
}

/// Whether a node has the taint and the note.
async fn is_marked(cluster: &Cluster, name: &str) -> Result<(bool, bool)> {
    let found = cluster.objects.get(&node(name)).await?.context("no node")?;
    let taints = found["spec"]["taints"].as_array().map_or(&[][..], Vec::as_slice);
    let note = &found["metadata"]["annotations"][NOTE];
    Ok((taints.iter().any(|taint| taint["key"] == TAINT), note.is_string()))
}

/// What the report says of the machine of a namespace.
fn becomes(report: &Value, namespace: &str) -> String {
    let machines = report["machines"].as_array().map_or(&[][..], Vec::as_slice);
    let found = machines.iter().find(|machine| machine["namespace"] == namespace);
    found.and_then(|machine| machine["becomes"].as_str()).unwrap_or("not there").to_owned()
}

/// From the first look to the end, with runs that are refused, killed and cut on the way. No disk goes.
pub async fn of_a_node_that_died(cluster: &Cluster) -> Result<()> {
    let (name, shared, local) = ("worker-dead", "dead-shared", "dead-local");
    add(cluster, name).await?;
    tokio::try_join!(run_there(cluster, name, shared, "longhorn"), run_there(cluster, name, local, "local-path"))?;
    // What the attacher of the driver would say.
    for attachment in attached(cluster, name).await? {
        cluster.objects.merge(&Reference::of(&attachment), "status", &json!({"status": {"attached": true}})).await?;
    }
    let disks = [Inventory::of(cluster, shared).await?, Inventory::of(cluster, local).await?];
    let admin = admin(cluster);
    let recover = |args: &'static [&'static str]| {
        let (admin, args) = (admin.clone(), [&["recover-node", "worker-dead"], args].concat());
        async move { wukong(&admin, &args).await }
    };

    // Nobody is recovered who runs.
    recover(&["--powered-off", "--yes"]).await?.ended(5)?.said("is ready")?;
    let cordon = |on: bool| json!({"spec": {"unschedulable": on}});
    cluster.objects.merge(&node(name), "", &cordon(true)).await?;
    recover(&["--dry-run"]).await?.ended(5)?.said("ready and only cordoned")?;
    cluster.objects.merge(&node(name), "", &cordon(false)).await?;
    wukong(&admin, &["recover-node", "worker-deaf"]).await?.ended(2)?.said("worker-1, ")?;

    lose(cluster, name).await?;
    let report: Value = serde_json::from_str(&recover(&["--dry-run", "-o", "json"]).await?.ended(0)?.out)?;
    ensure!(becomes(&report, shared) == "starts elsewhere", "{report:#}");
    ensure!(becomes(&report, local) == "loses data", "{report:#}");
    ensure!(report["held"]["attachedVolumes"].as_array().map(Vec::len) == Some(1), "{report:#}");
    recover(&["--yes"]).await?.ended(5)?.said("--powered-off says that the power of worker-dead is off")?;
    recover(&["--powered-off"]).await?.ended(5)?.said("not confirmed")?;
    recover(&["--finish"]).await?.ended(0)?.said("no taint of this tool")?;
    // Its kubelet alone died: virt-handler is heard long after it.
    let found = cluster.objects.get(&node(name)).await?.context("no node")?;
    let beat = |at: &Value| json!({"metadata": {"annotations": {"kubevirt.io/heartbeat": at}}});
    cluster.objects.merge(&node(name), "", &beat(&json!("2099-01-01T00:00:00Z"))).await?;
    recover(&["--dry-run"]).await?.ended(5)?.said("its power is on")?;
    recover(&["--powered-off", "--yes"]).await?.ended(5)?.said("its power is on")?.said("cut its power")?;
    cluster.objects.merge(&node(name), "", &beat(&found["metadata"]["annotations"]["kubevirt.io/heartbeat"])).await?;
    ensure!(is_marked(cluster, name).await? == (false, false), "nothing was confirmed");

    // The answer to the only write is cut off, and the run is killed as soon as its work can be seen.
    let (proxy, behind) = cluster.faults(name).await?;
    proxy.fail_after(0, FaultProxy::WRITE, "", 1, Fault::CutAfter);
    let mut killed = Command::new(env!("CARGO_BIN_EXE_kubectl-wukong"))
        .args(["recover-node", name, "--powered-off", "--yes"])
        .env_clear()
        .env("KUBECONFIG", &behind)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let deadline = Instant::now() + LONG;
    while is_marked(cluster, name).await? != (true, true) {
        ensure!(Instant::now() < deadline && killed.try_wait()?.is_none(), "no taint is set");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    killed.kill()?;
    killed.wait()?;

    // The second run knows from the node what the first one knew, and asks nothing again.
    let ran = recover(&[]).await?.ended(0)?.said("all are detached")?.said("runs elsewhere")?;
    ensure!(ran.out.contains("dead-local/web disk data lost: only worker-dead has it"), "{}", ran.told());
    let moved = cluster.objects.get(&vmi(shared)).await?.context("no instance")?;
    ensure!(moved["status"]["phase"] == "Running" && moved["status"]["nodeName"] != name, "{moved:#}");
    ensure!(attached(cluster, name).await?.is_empty(), "a volume is attached");
    until_state(cluster, local, "ErrorUnschedulable").await?;
    recover(&["--finish"]).await?.ended(5)?.said("worker-dead is not ready")?;

    find(cluster, name).await?;
    recover(&[]).await?.ended(5)?.said("is ready again: take its taint away?")?;
    recover(&["--powered-off", "--yes"]).await?.ended(5)?.said("its power is not off")?;
    recover(&["--finish"]).await?.ended(0)?.said("takes machines again")?;
    ensure!(is_marked(cluster, name).await? == (false, false), "the taint is there");
    recover(&["--finish"]).await?.ended(0)?.said("no taint of this tool")?;
    let back = cluster.objects.get(&node(name)).await?.context("no node")?;
    ensure!(back["spec"]["taints"].to_string().contains(nodes::OWN), "the taint of others is gone: {back:#}");
    until_state(cluster, local, "Running").await?;
    for disks in &disks {
        disks.still_there(cluster).await?;
    }
    for namespace in [shared, local] {
        cluster.objects.delete(&vm(namespace)).await?;
        until_gone(cluster, &vmi(namespace)).await?;
    }
    cluster.objects.delete(&node(name)).await?;
    Ok(())
}

/// A node that answers while it is waited for ends the run: its power was never off, and that is said at the end.
pub async fn of_a_node_that_comes_back(cluster: &Cluster) -> Result<()> {
    let (name, namespace) = ("worker-asleep", "asleep");
    cluster.add_node(name).await?;
    until_ready(cluster, name, "True").await?;
    cluster.objects.merge(&node(name), "status", &json!({"status": {"nodeInfo": {"bootID": "one"}}})).await?;
    run_there(cluster, name, namespace, "longhorn").await?;
    let claim = crate::world::claim(namespace, "web-data");
    let volume = until(cluster, &claim, "/status/phase", &json!("Bound")).await?["spec"]["volumeName"].clone();
    // A volume that nobody detaches, so that there is something to wait for.
    let held = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": "csi-asleep"},
        "spec": {"attacher": "nobody", "nodeName": name, "source": {"persistentVolumeName": volume}},
    });
    cluster.objects.apply(&held).await?;
    lose(cluster, name).await?;
    let admin = admin(cluster);
    let args = ["recover-node", name, "--powered-off", "--yes"];
    wukong(&admin, &[&args[..], &["--timeout", "1s"]].concat()).await?.ended(6)?.said("goes on waiting")?;
    let (proxy, behind) = cluster.faults(name).await?;
    let (ran, found) = tokio::join!(wukong(&behind, &args), async {
        // It has looked, and waits.
        while proxy.seen().iter().filter(|request| request.contains("volumeattachments")).count() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        cluster.find_node(name).await
    });
    found?;
    ran?.ended(5)?.said("answers again, and this stops")?;
    find(cluster, name).await?;
    let ran = wukong(&admin, &["recover-node", name, "--yes"]).await?.ended(0)?;
    ran.said("its power was never off")?.said("asleep/web-vm")?;
    ensure!(is_marked(cluster, name).await? == (false, false), "the taint is there");
    cluster.objects.delete(&Reference::of(&held)).await?;
    cluster.objects.delete(&vm(namespace)).await?;
    until_gone(cluster, &vmi(namespace)).await?;
    cluster.objects.delete(&node(name)).await?;
    Ok(())
}
