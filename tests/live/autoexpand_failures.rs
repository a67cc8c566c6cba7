//! Disks that grow by themselves, where something is missing: an answer, a right, a DataVolume.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cluster::{Cluster, Fault, FaultProxy, Reference, Right};
use serde_json::{Value, json};

use crate::autoexpand::{Filled, GIB};
use crate::autoexpand_prometheus::{cluster_rights, rights};
use crate::changes::{file, said};
use crate::safety::killed;
use crate::support::{root, text, wukong};
use crate::world::{LONG, claim, until, until_gone};

const DISK: &str =
    "    - {name: data, size: 20Gi, storageClassName: longhorn, volumeMode: Block, autoExpand: true, maxSize: 45Gi}\n";

/// The sizes that a claim was grown to, by what it tells.
async fn told(cluster: &Cluster, namespace: &str, name: &str) -> Result<Vec<String>> {
    let found = cluster.objects.get(&claim(namespace, name)).await?.context("gone")?;
    let notes = found["metadata"]["annotations"][wukong::autoexpand::GROWN].as_str().unwrap_or("[]");
    let notes: Value = serde_json::from_str(notes)?;
    let notes = notes.as_array().into_iter().flatten();
    Ok(notes.map(|note| note["to"].as_str().unwrap_or_default().to_owned()).collect())
}

/// The growth and what is told of it are one request: whether it arrives or not, and whoever hears of it, the next run
/// neither grows twice nor forgets.
pub async fn killed_between_the_patch_and_its_answer(cluster: &Cluster) -> Result<()> {
    let namespace = "grows-killed";
    let filled = Filled::start(cluster, namespace, DISK).await?;
    filled.fill(json!({"data": {"mountPoint": "/data", "usedBytes": 20 * GIB - 1}})).await?;
    let (proxy, behind) = cluster.faults(namespace).await?;
    let args = ["expand", "--auto", "-n", namespace];
    // Killed while the request is on its way: nothing has happened.
    let ran = killed(&proxy, &behind, &args, 0).await?;
    ensure!(ran.code.is_none(), "{}", ran.told());
    ensure!(told(cluster, namespace, "web-data").await?.is_empty());
    // Killed when the API server has done it and nobody was told: the answer is cut off, and the repetition waits.
    proxy.fail("PATCH", "/persistentvolumeclaims/", 1, Fault::CutAfter);
    let before = proxy.writes();
    proxy.fail(FaultProxy::WRITE, "", usize::MAX, Fault::Delay(Duration::from_hours(1)));
    let mut command = wukong(&root(), args);
    let mut run = command.env("KUBECONFIG", &behind).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let end = std::time::Instant::now() + LONG;
    while proxy.writes() < before + 2 {
        ensure!(run.try_wait()?.is_none() && std::time::Instant::now() < end, "the request was not repeated");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    run.kill()?;
    run.wait()?;
    proxy.heal();
    ensure!(told(cluster, namespace, "web-data").await? == ["30Gi"]);
    // As full as before: what has been asked for is on its way, or not in use yet, but nothing is asked for twice.
    filled.decisions(&[], None)?;
    filled.has("data", "30Gi").await?;
    filled.decisions(&[], None)?;
    ensure!(told(cluster, namespace, "web-data").await? == ["30Gi"]);
    // Cut off, and not killed: the repetition meets its own work, and says what is so.
    filled.fill(json!({"data": {"mountPoint": "/data", "usedBytes": 30 * GIB - 1}})).await?;
    let ends = std::time::Instant::now() + LONG;
    while filled.decisions(&["--dry-run"], None)?["data"]["decision"] != "grows" {
        ensure!(std::time::Instant::now() < ends, "it never grows again");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    proxy.fail("PATCH", "/persistentvolumeclaims/", 1, Fault::CutAfter);
    let mut command = wukong(&root(), args);
    command.env("KUBECONFIG", &behind);
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let all = text(&output.stderr);
    ensure!(output.status.success() && all.contains("asks for 40Gi") && !all.contains("left alone"), "{all}");
    ensure!(told(cluster, namespace, "web-data").await? == ["30Gi", "40Gi"]);
    Ok(())
}

/// A right that is missing is not a guest that is silent: it is told once, with the way out.
pub async fn a_missing_right_is_told(cluster: &Cluster) -> Result<()> {
    let namespace = "grows-blind";
    let disks = format!("{DISK}{}", DISK.replace("name: data", "name: more"));
    let filled = Filled::start(cluster, namespace, &disks).await?;
    let full = json!({"mountPoint": "/data", "usedBytes": 20 * GIB - 1});
    filled.fill(json!({"data": full, "more": full})).await?;
    let run = |kubeconfig: &std::path::Path, args: &[&str]| {
        let mut command = wukong(&root(), [args, &["-n", namespace]].concat());
        command.env("KUBECONFIG", kubeconfig).output()
    };
    let blind = cluster.user(namespace, "blind", &rights(), &cluster_rights()).await?;
    let output = run(&blind, &["expand", "--auto", "-o", "json"])?;
    let all = text(&output.stderr);
    ensure!(output.status.code() == Some(4), "{all}");
    ensure!(
        all.matches("cannot get virtualmachineinstances.subresources.kubevirt.io/filesystemlist").count() == 1,
        "{all}"
    );
    ensure!(all.contains("how full 2 disks are is not known") && all.contains("--subresource=filesystemlist"), "{all}");
    let decided: Value = serde_json::from_slice(&output.stdout)?;
    let unknown = |item: &Value| {
        item["decision"] == "unknown" && item["reason"].as_str().is_some_and(|why| why.contains("may not be read"))
    };
    ensure!(
        decided["items"].as_array().is_some_and(|items| items.len() == 2 && items.iter().all(unknown)),
        "{decided}"
    );
    for name in ["web-data", "web-more"] {
        ensure!(told(cluster, namespace, name).await?.is_empty());
    }
    // With exactly that right it works.
    let mut more = rights();
    more.push(Right::to("get", "subresources.kubevirt.io", "virtualmachineinstances/filesystemlist"));
    let seeing = cluster.user(namespace, "seeing", &more, &cluster_rights()).await?;
    let output = run(&seeing, &["expand", "--auto"])?;
    ensure!(output.status.success(), "{}", text(&output.stderr));
    ensure!(told(cluster, namespace, "web-more").await? == ["30Gi"]);
    Ok(())
}

/// An imported disk whose DataVolume is gone: its claim says the same, follows the file, and grows by it.
pub async fn a_file_without_its_data_volume(cluster: &Cluster) -> Result<()> {
    let namespace = "grows-imported";
    let disk = |policy: &str| {
        format!(
            "    - {{name: data, size: 20Gi, image: 'quay.io/containerdisks/fedora:42', storageClassName: longhorn, volumeMode: Block{policy}}}\n"
        )
    };
    let filled = Filled::start(cluster, namespace, &disk(", autoExpand: true, maxSize: 25Gi")).await?;
    let full = |total: u64| json!({"data": {"mountPoint": "/data", "usedBytes": total - 1, "totalBytes": total}});
    filled.fill(full(20 * GIB)).await?;
    let volume = Reference::new("cdi.kubevirt.io/v1beta1", "DataVolume", namespace, "web-data");
    let own = claim(namespace, "web-data");
    let max = |object: &Value| object["metadata"]["annotations"]["vm.novasphere.dev/max-size"].clone();
    // Both say what the file does, also when that changes.
    let apply = |policy: &str| -> Result<()> {
        let spec = format!("  disks:\n{}", disk(policy));
        let path = file(namespace, "changed.yaml", &spec)?;
        said(cluster, &["apply", "-f", &path, "-n", namespace, "--yes"], 0)?;
        said(cluster, &["diff", "-f", &path, "-n", namespace], 0).map(|_| ())
    };
    let found = cluster.objects.get(&own).await?.context("gone")?;
    ensure!(max(&found) == "25Gi", "CDI has not handed it on: {found}");
    apply(", autoExpand: true, maxSize: 35Gi")?;
    for reference in [&own, &volume] {
        let found = cluster.objects.get(reference).await?.context("gone")?;
        ensure!(max(&found) == "35Gi", "{found}");
    }
    // As a garbage collection leaves it.
    let orphan = cluster.objects.get(&own).await?.context("gone")?["metadata"]["uid"].clone();
    let free = json!({"metadata": {"uid": orphan, "ownerReferences": null}});
    cluster.objects.merge(&own, "", &free).await?;
    cluster.objects.delete(&volume).await?;
    until_gone(cluster, &volume).await?;
    let found = cluster.objects.get(&own).await?.context("gone")?;
    ensure!(found["metadata"]["deletionTimestamp"].is_null() && found["metadata"]["uid"] == orphan, "{found}");
    let dry = filled.decisions(&["--dry-run"], Some(0))?;
    ensure!(dry["data"]["to"] == "30Gi" && dry["data"]["maxSize"] == "35Gi", "{dry}");
    filled.decisions(&[], Some(0))?;
    filled.has("data", "30Gi").await?;
    ensure!(told(cluster, namespace, "web-data").await? == ["30Gi"]);
    // The file still has the word: no end, and no growth by itself at all.
    apply(", autoExpand: true")?;
    let found = cluster.objects.get(&own).await?.context("gone")?;
    ensure!(max(&found).is_null(), "{found}");
    apply("")?;
    ensure!(filled.decisions(&["--dry-run"], Some(0))?.as_object().is_some_and(serde_json::Map::is_empty));
    apply(", autoExpand: true, maxSize: 45Gi")?;
    until(cluster, &own, "/metadata/annotations/vm.novasphere.dev~1max-size", &json!("45Gi")).await?;
    filled.fill(full(30 * GIB)).await?;
    let end = std::time::Instant::now() + LONG;
    while filled.decisions(&["--dry-run"], None)?["data"]["to"] != "40Gi" {
        ensure!(std::time::Instant::now() < end, "it does not grow again");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}
