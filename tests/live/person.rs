//! `just cluster`, and what is left of it when it is killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use cluster::Cluster;

use crate::support::root;
use crate::world::{LONG, target};

/// The processes that work in this folder; every component does, and what runs it.
fn processes(folder: &Path) -> Vec<String> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let here = all.filter(|process| fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == folder));
    here.filter_map(|process| fs::read_to_string(process.path().join("cmdline")).ok()).collect()
}

/// A second cluster beside the one of the tests, killed without a chance to clean up: its processes are gone.
pub async fn a_killed_starter_leaves_no_process(_: &Cluster) -> Result<()> {
    let killed = tokio::task::spawn_blocking(move || -> Result<PathBuf> {
        // `cargo test` has built it already; `cargo test --test live` has not.
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--locked", "--example", "cluster"]).current_dir(root());
        // What cargo told this test about its own package would look to build scripts like another package to build.
        let told = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
        for (name, _) in std::env::vars_os() {
            if told.iter().any(|start| name.to_string_lossy().starts_with(start)) {
                build.env_remove(name);
            }
        }
        assert!(build.status()?.success());
        let program = target().join("debug/examples/cluster");
        let mut starter =
            Command::new(program).arg("--empty").stdout(Stdio::piped()).spawn().context("the example `cluster`")?;
        // The pipe stays open until it is killed, or it would end by itself at its next line.
        let pipe = starter.stdout.take().context("no pipe")?;
        let folder = target().join("cluster/runs").join(format!("{}-0", starter.id()));
        let deadline = Instant::now() + LONG;
        // It is not ready yet: it may be killed at any time.
        while !processes(&folder).iter().any(|process| process.contains("kube-scheduler")) {
            if Instant::now() > deadline || starter.try_wait()?.is_some() {
                bail!("only these in {}: {:#?}", folder.display(), processes(&folder));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        starter.kill()?;
        let ended = starter.wait()?;
        assert_eq!(ended.code(), None, "it ended before it was killed: {ended}");
        drop(pipe);
        Ok(folder)
    });
    let folder = killed.await??;
    let deadline = Instant::now() + Duration::from_secs(30);
    while !processes(&folder).is_empty() {
        if Instant::now() > deadline {
            bail!("still there: {:#?}", processes(&folder));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
