//! The README as a person follows it, block by block, on a cluster: what it shows is what is printed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use cluster::{Cluster, Reference};
use serde_json::{Value, json};

use crate::blocks::{blocks_of, printed};
use crate::safety::{admin, file, wukong};
use crate::support::{root, text};
use crate::world::{LONG, condition, machine, target, until, until_state, vmi};

/// A public key, as ssh-keygen writes it.
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f person@example\n";

/// A terminal of a person: a folder to work in, kubectl with the plugin on the PATH, and the cluster.
pub struct Terminal {
    folder: PathBuf,
    kubeconfig: PathBuf,
}

impl Terminal {
    pub fn open(cluster: &Cluster, name: &str) -> Result<Self> {
        let folder = cluster.folder().join("readme").join(name);
        fs::create_dir_all(&folder)?;
        // What a person has: a key, and a clone of the repository.
        fs::create_dir_all(folder.join(".ssh"))?;
        fs::write(folder.join(".ssh/id_ed25519.pub"), KEY)?;
        let _ = fs::remove_file(folder.join("plugin-manifests"));
        std::os::unix::fs::symlink(root().join("plugin-manifests"), folder.join("plugin-manifests"))?;
        Ok(Self { folder, kubeconfig: cluster.kubeconfig() })
    }

    /// Runs a command; gives all that it prints.
    fn run(&self, command: &str) -> Result<String> {
        let plugin = Path::new(env!("CARGO_BIN_EXE_kubectl-wukong")).parent().context("no folder")?.to_owned();
        let places = std::env::var_os("PATH").unwrap_or_default();
        let places = std::env::join_paths([plugin].into_iter().chain(std::env::split_paths(&places)))?;
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", &format!("exec 2>&1\n{command}")]).current_dir(&self.folder);
        shell.env_clear().env("PATH", places).env("HOME", &self.folder).env("KUBECONFIG", &self.kubeconfig);
        shell.env("KUBECACHEDIR", target().join("cluster/kubectl")).stdin(Stdio::null());
        let output = shell.output()?;
        let said = text(&output.stdout);
        // 1 is no failure of `diff`: there are differences.
        let differs = command.starts_with("kubectl wukong diff") && output.status.code() == Some(1);
        ensure!(output.status.success() || differs, "`{command}` ended with {}:\n{said}", output.status);
        Ok(said)
    }

    /// Runs all blocks of a test, in the order of the README; all that differs is told.
    pub fn follow(&self, test: &str) -> Result<()> {
        let mut wrong = Vec::new();
        let steps: Vec<_> = blocks_of(test).iter().flat_map(crate::blocks::Block::steps).collect();
        ensure!(!steps.is_empty(), "the README has no block of {test}");
        for step in steps {
            let said = self.run(&step.command)?;
            if let Some(expected) = &step.expected
                && let Err(error) = printed(expected, &said)
            {
                wrong.push(format!("$ {}\n{error}", step.command));
            }
        }
        ensure!(wrong.is_empty(), "{}", wrong.join("\n\n"));
        Ok(())
    }
}

/// From nothing to a machine, and away with it: in the namespace of the person's context, with what `just cluster` loads.
pub async fn quick_start(cluster: &Cluster) -> Result<()> {
    cluster.world("default").await?;
    let terminal = Terminal::open(cluster, "quick")?;
    tokio::task::block_in_place(|| terminal.follow("live::readme::quick_start"))
}

/// A machine that runs, one that no node can take, and what is told of them.
pub async fn in_a_namespace(cluster: &Cluster) -> Result<()> {
    let namespace = "prod";
    cluster.namespace(namespace).await?;
    let web = machine(
        "  disks:\n    - {name: system, size: 20Gi, image: 'quay.io/containerdisks/ubuntu:24.04'}\n    - {name: data, size: 50Gi}\n",
    );
    let db = machine("").replace("name: web", "name: db").replace("memory: 1Gi", "memory: 900Gi");
    for (name, text) in [("readme-web", web), ("readme-db", db)] {
        wukong(&admin(cluster), &["apply", "-n", namespace, "-f", &file(cluster, name, &text)?]).await?.ended(0)?;
    }
    until_state(cluster, namespace, "Running").await?;
    let db = Reference::new("kubevirt.io/v1", "VirtualMachine", namespace, "db-vm");
    until(cluster, &db, "/status/printableStatus", &json!("ErrorUnschedulable")).await?;
    let known = |vmi: Option<&Value>| vmi.is_some_and(|vmi| !condition(vmi, "LiveMigratable").is_null());
    cluster.objects.wait(&vmi(namespace), LONG, known).await?;
    let terminal = Terminal::open(cluster, "namespace")?;
    tokio::task::block_in_place(|| terminal.follow("live::readme::in_a_namespace"))
}
