//! Starts the control planes of the tests for a person, with the examples loaded unless `--empty` is given, until
//! Ctrl-C.

#![expect(clippy::print_stdout, reason = "it talks to a person")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use cluster::{Cluster, Set};
use wukong::{Input, Options};

#[tokio::main]
async fn main() -> Result<()> {
    let set = Set::chosen()?;
    tokio::select! {
        result = live(set) => result,
        result = tokio::signal::ctrl_c() => Ok(result?),
    }
}

/// Starts, loads, watches; ends when a component does.
async fn live(set: Set) -> Result<()> {
    let target = std::env::current_exe()?.ancestors().nth(3).map(Path::to_owned).context("no target folder")?;
    println!("Kubernetes {}, KubeVirt {}, CDI {}", set.kubernetes()?, set.kubevirt()?, set.cdi()?);
    let cluster = Cluster::start(set, &target).await?;
    let loaded = if std::env::args().any(|argument| argument == "--empty") { 0 } else { load(&cluster).await? };
    // KubeVirt's own controller would end at the first export, and everything with it.
    let (_, kubeconfig) = cluster.exports("person").await?;
    println!("{loaded} objects of the examples are loaded. In another terminal:\n");
    println!("  export KUBECONFIG={}", kubeconfig.display());
    println!("  kubectl get vms,dvs,pvc\n");
    println!("Logs: {}", cluster.folder().display());
    println!("Ctrl-C ends it. The next start begins anew.");
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cluster.check()?;
    }
}

/// Applies what every example renders; gives the number of objects.
async fn load(cluster: &Cluster) -> Result<usize> {
    cluster.world("default").await?;
    let policy = Options::parse_policy("fast=longhorn-ssd:ReadWriteMany:Block").map_err(anyhow::Error::msg)?;
    let options = Options { namespace: Some("default".to_owned()), policies: vec![policy], ..Options::default() };
    let mut count = 0;
    for entry in fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples"))? {
        let path = entry?.path();
        if !path.is_file() {
            continue;
        }
        let file = wukong::load(vec![Input::new(path.display().to_string(), fs::read_to_string(&path)?)], &options);
        for manifest in file.machines.iter().flat_map(|machine| wukong::render(machine, &options)) {
            cluster.objects.apply(&manifest.object).await.with_context(|| path.display().to_string())?;
            count += 1;
        }
    }
    Ok(count)
}
