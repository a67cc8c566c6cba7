//! Disks that grow by themselves, on the real control planes.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cluster::handler::guest;
use cluster::{Cluster, Reference};
use serde_json::{Value, json};

use crate::changes::{file, said};
use crate::support::{root, wukong};
use crate::world::{LONG, claim, until, until_state, vmi};

/// A machine in a namespace, with disks that are filled so far, in bytes.
pub struct Filled<'a> {
    /// Where.
    pub cluster: &'a Cluster,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its file.
    pub file: String,
}

impl<'a> Filled<'a> {
    pub async fn start(cluster: &'a Cluster, namespace: &'a str, disks: &str) -> Result<Self> {
        cluster.namespace(namespace).await?;
        let file = file(namespace, "web.yaml", &format!("  disks:\n{disks}"))?;
        said(cluster, &["apply", "-f", &file, "-n", namespace], 0)?;
        until_state(cluster, namespace, "Running").await?;
        Ok(Self { cluster, namespace, file })
    }

    pub async fn fill(&self, used: Value) -> Result<()> {
        let change = json!({"metadata": {"annotations": {guest::USED: used.to_string()}}});
        self.cluster.objects.merge(&vmi(self.namespace), "", &change).await?;
        // What the agent answers follows a watch.
        for (disk, told) in used.as_object().into_iter().flatten() {
            let end = std::time::Instant::now() + LONG;
            while self.decisions(&["--dry-run"], None)?[disk.as_str()]["fileSystem"]["usedBytes"] != told["usedBytes"] {
                ensure!(std::time::Instant::now() < end, "the agent does not tell of {disk}");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        Ok(())
    }

    /// What a run decides, by disk.
    pub fn decisions(&self, args: &[&str], code: Option<i32>) -> Result<Value> {
        let fixed = ["expand", "--auto", "-n", self.namespace, "-o", "json"];
        let mut command = wukong(&root(), [&fixed[..], args].concat());
        let output = command.env("KUBECONFIG", self.cluster.kubeconfig()).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(code.is_none() || output.status.code() == code, "{args:?}: {}\n{said}", output.status);
        let all: Value = serde_json::from_slice(&output.stdout).with_context(|| said)?;
        let items = all["items"].as_array().cloned().unwrap_or_default();
        Ok(items.into_iter().map(|item| (item["disk"].as_str().unwrap_or_default().to_owned(), item)).collect())
    }

    pub async fn has(&self, disk: &str, size: &str) -> Result<Value> {
        until(self.cluster, &claim(self.namespace, &format!("web-{disk}")), "/status/capacity/storage", &json!(size))
            .await
    }
}

pub const GIB: u64 = 1 << 30;

/// A disk that fills up grows in three runs to exactly its maxSize and not beyond; the file stays without a difference.
pub async fn in_three_runs_to_the_end(cluster: &Cluster) -> Result<()> {
    let disks = "    - {name: data, size: 20Gi, storageClassName: longhorn, volumeMode: Block, autoExpand: true, maxSize: 45Gi}\n";
    let filled = Filled::start(cluster, "grows", disks).await?;
    for (now, next) in [(20, "30Gi"), (30, "40Gi"), (40, "45Gi")] {
        filled.fill(json!({"data": {"mountPoint": "/data", "usedBytes": now * GIB - 1}})).await?;
        let dry = filled.decisions(&["--dry-run"], Some(0))?;
        ensure!(dry["data"]["decision"] == "grows" && dry["data"]["to"] == next, "{dry}");
        let done = filled.decisions(&[], Some(0))?;
        ensure!(done["data"]["claimTo"] == next, "{done}");
        filled.has("data", next).await?;
        // The machine learns of it before the next run.
        let end = std::time::Instant::now() + LONG;
        while filled.decisions(&["--dry-run"], None)?["data"]["reason"]
            .as_str()
            .is_some_and(|why| why.contains("still knows"))
        {
            ensure!(std::time::Instant::now() < end, "the machine never knows of {next}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        said(cluster, &["diff", "-f", &filled.file, "-n", "grows"], 0)?;
    }
    filled.fill(json!({"data": {"mountPoint": "/data", "usedBytes": 45 * GIB - 1}})).await?;
    let end = filled.decisions(&[], Some(5))?;
    ensure!(end["data"]["decision"] == "refused", "{end}");
    ensure!(end["data"]["reason"].as_str().is_some_and(|why| why.contains("its largest size, 45Gi")), "{end}");
    let found = cluster.objects.get(&claim("grows", "web-data")).await?.context("gone")?;
    ensure!(found["spec"]["resources"]["requests"]["storage"] == "45Gi", "{found}");
    let notes: Value = serde_json::from_str(
        found["metadata"]["annotations"][wukong::autoexpand::GROWN].as_str().context("no notes")?,
    )?;
    let steps: Vec<_> = notes.as_array().into_iter().flatten().map(|note| note["to"].clone()).collect();
    ensure!(steps == ["30Gi", "40Gi", "45Gi"], "{notes}");
    Ok(())
}

/// Each disk that needs room and gets none says why, and the others are not kept from growing.
pub async fn every_refusal_says_why(cluster: &Cluster) -> Result<()> {
    let disks = "    - {name: grows, size: 5Gi, storageClassName: longhorn, volumeMode: Block, autoExpand: true}
    - {name: empty, size: 5Gi, storageClassName: longhorn, volumeMode: Block, autoExpand: true}
    - {name: silent, size: 5Gi, storageClassName: longhorn, volumeMode: Block, autoExpand: true}
    - {name: local, size: 5Gi, storageClassName: local-path, autoExpand: true}
    - {name: pretends, size: 5Gi, storageClassName: nfs-client, autoExpand: true}
    - {name: fixed, size: 5Gi, storageClassName: longhorn, volumeMode: Block, autoExpand: true}
";
    let filled = Filled::start(cluster, "grows-not", disks).await?;
    let full = json!({"mountPoint": "/data", "usedBytes": 5 * GIB - 1, "totalBytes": 5 * GIB});
    let empty = json!({"mountPoint": "/data", "usedBytes": GIB, "totalBytes": 5 * GIB});
    let used = json!({"grows": full, "empty": empty, "local": full, "pretends": full, "fixed": full});
    filled.fill(used).await?;
    let first = filled.decisions(&[], Some(5))?;
    let is = |all: &Value, disk: &str, decision: &str, why: &str| {
        let found = &all[disk];
        let said = found["reason"].as_str().unwrap_or_default();
        ensure!(found["decision"] == decision && said.contains(why), "{disk}: {found}");
        Ok(())
    };
    is(&first, "grows", "grows", "")?;
    is(&first, "fixed", "grows", "")?;
    is(&first, "empty", "stays", "below 80 %")?;
    is(&first, "silent", "unknown", "names no file system")?;
    is(&first, "local", "refused", "allowVolumeExpansion")?;
    is(&first, "pretends", "refused", "only pretends")?;
    filled.has("fixed", "15Gi").await?;
    filled.has("grows", "15Gi").await?;
    // The guest has not grown its file system.
    let end = std::time::Instant::now() + LONG;
    let second = loop {
        let all = filled.decisions(&[], None)?;
        if all["fixed"]["decision"] == "refused" {
            break all;
        }
        ensure!(std::time::Instant::now() < end, "{all}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    is(&second, "fixed", "refused", "/data has hardly grown")?;
    // A quota that is used up.
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full", "namespace": "grows-not"},
        "spec": {"hard": {"requests.storage": "51Gi"}},
    });
    cluster.objects.apply(&quota).await?;
    let quota = Reference::new("v1", "ResourceQuota", "grows-not", "full");
    let counted =
        |object: Option<&Value>| object.is_some_and(|found| found["status"]["used"]["requests.storage"] == "50Gi");
    cluster.objects.wait(&quota, LONG, counted).await?;
    filled.fill(json!({"empty": {"mountPoint": "/data", "usedBytes": 5 * GIB - 2, "totalBytes": 5 * GIB}})).await?;
    is(&filled.decisions(&[], Some(5))?, "empty", "refused", "ResourceQuota full has 1Gi")?;
    let found = cluster.objects.get(&claim("grows-not", "web-empty")).await?.context("gone")?;
    ensure!(found["spec"]["resources"]["requests"]["storage"] == "5Gi", "{found}");
    Ok(())
}

/// Two runs that see the same claim: it grows by one step.
pub async fn two_at_once(cluster: &Cluster) -> Result<()> {
    let disks = "    - {name: data, size: 20Gi, storageClassName: longhorn, volumeMode: Block, autoExpand: true}\n";
    let filled = Filled::start(cluster, "grows-twice", disks).await?;
    filled.fill(json!({"data": {"mountPoint": "/data", "usedBytes": 20 * GIB - 1}})).await?;
    let begin = || {
        let mut command = wukong(&root(), ["expand", "--auto", "-n", "grows-twice"]);
        command.env("KUBECONFIG", cluster.kubeconfig()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    };
    let runs: Vec<_> = (0..4).map(|_| begin()).collect::<Result<_, _>>()?;
    for mut run in runs {
        ensure!(run.wait()?.success(), "a run failed");
    }
    let found = filled.has("data", "30Gi").await?;
    ensure!(found["spec"]["resources"]["requests"]["storage"] == "30Gi", "{found}");
    let notes: Value = serde_json::from_str(
        found["metadata"]["annotations"][wukong::autoexpand::GROWN].as_str().context("no notes")?,
    )?;
    ensure!(notes.as_array().is_some_and(|notes| notes.len() == 1), "{notes}");
    Ok(())
}
