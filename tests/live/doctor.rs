//! `doctor` on a cluster that is fit, as two people with other rights.

use anyhow::{Context as _, Result, ensure};
use cluster::{Cluster, Right};
use serde_json::Value;

use crate::safety::{admin, file, wukong};
use crate::world::machine;

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

const MACHINE: &str = "  disks:
    - {name: system, size: 5Gi, image: 'quay.io/containerdisks/fedora:42', storageClassName: longhorn}
    - {name: data, size: 5Gi, storageClassName: local-path}
  startStrategy: {autoStart: true}
";

/// The rules that are told at a stage, each with the message.
async fn rules(kubeconfig: &std::path::Path, args: &[&str]) -> Result<Vec<(String, String, String)>> {
    let args = [&["doctor", "-o", "json"], args].concat();
    let ran = wukong(kubeconfig, &args).await?.ended(0)?;
    let document: Value = serde_json::from_str(&ran.out)?;
    let all = document["checks"].as_array().context("no checks")?;
    let own = all.iter().filter(|check| check["area"] == "stage");
    let part = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
    Ok(own.map(|check| (part(check, "state"), part(check, "rule"), part(check, "message"))).collect())
}

/// What speaks against a machine that runs, at each stage; and what a person who may read nothing is told.
pub async fn at_a_stage(cluster: &Cluster) -> Result<()> {
    const PLACE: &str = "doctor-stage";
    cluster.namespace(PLACE).await?;
    let admin = admin(cluster);
    let path = &file(cluster, PLACE, &machine(MACHINE))?;
    wukong(&admin, &["apply", "-f", path, "-n", PLACE, "--wait"]).await?.ended(0)?;

    let all = rules(&admin, &["-n", PLACE, "--stage", "production"]).await?;
    let told = |state: &str, rule: &str, words: &[&str]| {
        let found =
            all.iter().find(|(s, r, message)| s == state && r == rule && words.iter().all(|w| message.contains(w)));
        found.map(|_| ()).with_context(|| format!("{state} {rule} {words:?} is not in {all:#?}"))
    };
    for rule in ["node-local", "no-growth", "no-snapshots"] {
        told("warning", rule, &["local-path", "default", "web"])?;
    }
    told("warning", "no-backup", &["24 hours", "web"])?;
    told("note", "erased-with-claim", &["web"])?;
    ensure!(all.iter().all(|(_, _, message)| !message.contains("class longhorn ")), "longhorn is fit: {all:#?}");
    ensure!(all.iter().all(|(_, rule, _)| rule != "system-and-data"), "the data is apart: {all:#?}");

    // A snapshot is something, and lies in the volume; the local disk still has none.
    let before = rules(&admin, &["-n", PLACE, "--stage", "pre-production", "--backup-days", "3"]).await?;
    ensure!(before.iter().any(|(state, rule, _)| state == "note" && rule == "no-backup"), "{before:#?}");
    ensure!(before.iter().all(|(state, ..)| state != "warning"), "{before:#?}");
    let development = rules(&admin, &["-n", PLACE, "--stage", "development"]).await?;
    ensure!(development.iter().all(|(state, ..)| state == "ok"), "{development:#?}");
    // With all namespaces the machine has that of its own before it.
    let everywhere = wukong(&admin, &["doctor", "-A", "--stage", "production"]).await?.ended(0)?;
    ensure!(everywhere.out.contains("Fit for production"), "{}", everywhere.told());

    let nobody = cluster.user(PLACE, "nobody", &[], &[]).await?;
    let told = rules(&nobody, &["-n", PLACE, "--stage", "production"]).await?;
    let unknown: Vec<_> = told.iter().filter(|(state, ..)| state == "unknown").collect();
    ensure!(!unknown.is_empty() && told.iter().all(|(state, ..)| state == "unknown"), "{told:#?}");
    Ok(())
}
