//! `doctor` on a cluster that is fit, as two people with other rights.

use anyhow::{Context as _, Result, ensure};
use cluster::{Cluster, Right};
use serde_json::Value;

use crate::safety::{admin, wukong};

/// The words of all checks of an area.
async fn checks(kubeconfig: &std::path::Path, area: &str) -> Result<String> {
    let ran = wukong(kubeconfig, &["doctor", "-n", "doctor", "-o", "json"]).await?.ended(0)?;
    let document: Value = serde_json::from_str(&ran.out)?;
    let all = document["checks"].as_array().context("no checks")?;
    let own = all.iter().filter(|check| check["area"] == area);
    Ok(own.map(|check| format!("{} {}\n", check["state"], check["message"])).collect())
}

/// Nothing is broken; versions are those that run; a reader is told what is missing.
pub async fn a_cluster_that_is_fit(cluster: &Cluster) -> Result<()> {
    cluster.namespace("doctor").await?;
    let admin = admin(cluster);
    wukong(&admin, &["doctor"]).await?.ended(0)?.said("Your rights")?;
    let versions = checks(&admin, "versions").await?;
    for version in [cluster.set.kubernetes()?, cluster.set.kubevirt()?, cluster.set.cdi()?] {
        let short: Vec<_> = version.trim_start_matches('v').split('.').take(2).collect();
        ensure!(versions.contains(&short.join(".")), "{version} is not in {versions}");
    }
    ensure!(!checks(&admin, "rights").await?.contains("warning"), "an administrator may do everything");

    let read = "virtualmachines,virtualmachineinstances";
    let reader = cluster.user("doctor", "reader", &[Right::to("get,list", "kubevirt.io", read)], &[]).await?;
    let rights = checks(&reader, "rights").await?;
    ensure!(rights.contains("warning") && rights.contains("apply"), "{rights}");
    Ok(())
}
