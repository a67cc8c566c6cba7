//! Disks that leave as files. The exporter is simulated; the admission of exports is real.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use cluster::{Cluster, Exports};

use crate::safety::{admin, bound, file, wukong};
use crate::world::machine;

const DISK: &str =
    "  disks: [{name: data, size: 5Gi, storageClassName: longhorn}]\n  startStrategy: {autoStart: false}\n";

/// Refused while it runs; of a stopped one with a checksum, by both ways; of a snapshot; and never the token.
pub async fn of_a_machine_and_of_its_snapshot(cluster: &Cluster) -> Result<()> {
    let namespace = "exports";
    cluster.namespace(namespace).await?;
    let (exports, proxied) = cluster.exports(namespace).await?;
    let folder = cluster.folder().join("files/exports");
    fs::create_dir_all(&folder)?;
    let place = |name: &str| folder.join(name).display().to_string();
    let path = file(cluster, "exports", &machine(DISK))?;
    let admin = admin(cluster);
    wukong(&admin, &["apply", "-n", namespace, "-f", &path]).await?.ended(0)?;
    bound(cluster, namespace, &["web-data"]).await?;
    let snapshot = ["snapshot", "create", "web", "-n", namespace, "--name", "one", "--wait"];
    wukong(&admin, &snapshot).await?.ended(0)?;

    wukong(&admin, &["start", "web", "-n", namespace, "--wait"]).await?.ended(0)?;
    let raw = place("data.img");
    let export = ["export", "web", "-n", namespace, "--disk", "data", "--output", &raw];
    wukong(&proxied, &export).await?.ended(5)?.said("it runs")?.said("--snapshot NAME")?;
    wukong(&admin, &["stop", "web", "-n", namespace, "--wait"]).await?.ended(0)?;

    // Inside of the cluster only: through the API server.
    let told = wukong(&proxied, &export).await?.ended(0)?.said("through the API server")?;
    ensure!(fs::read(&raw)? == Exports::bytes(), "other bytes");
    let sum = fs::read_to_string(format!("{raw}.sha256"))?;
    let (hash, name) = sum.trim().split_once("  ").context("no checksum")?;
    ensure!(told.out.starts_with(hash) && name == "data.img" && hash.len() == 64, "{sum} {}", told.told());
    ensure!(!fs::exists(format!("{raw}.partial"))?, "half a file is left");
    ensure!(exports.count() == (0, 1), "the export is still there");
    wukong(&proxied, &export).await?.ended(5)?.said("exists")?.said("--force")?;

    // Outside as well, and then from there.
    exports.outside(true);
    let packed = place("data.img.gz");
    let of_snapshot = ["export", "--snapshot", "one", "-n", namespace, "--output", &packed];
    let packed_told = wukong(&proxied, &[&of_snapshot[..], &["-v=6"]].concat()).await?.ended(0)?;
    let packed_told = packed_told.said("from outside of the cluster")?;
    ensure!(fs::read(&packed)?.len() == Exports::bytes().len(), "not all of it");
    ensure!(exports.count() == (0, 2), "the export is still there");

    // Without a file it stays, with the commands that fetch it; the token is in none of them.
    let links = wukong(&proxied, &["export", "--claim", "web-data", "-n", namespace]).await?.ended(0)?;
    let links = links.said("curl --cacert ca.pem")?.said("kubectl delete virtualmachineexport")?;
    let tokens = exports.tokens();
    ensure!(tokens.len() == 3 && tokens.iter().all(|token| token.len() == 20), "{}", tokens.len());
    let all = [told.told(), packed_told.told(), links.told()].concat();
    ensure!(tokens.iter().all(|token| !all.contains(token)), "a token is shown");
    Ok(())
}
