//! The real kubectl reads what `render` prints, and finds the plugin.

use std::env;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use cluster::Cluster;

use crate::support::{entries, root, run, text};
use crate::world::{kubectl, until_state};

/// Every example through a pipe into kubectl, as YAML and as JSON; one of them for good.
pub async fn applies_what_render_prints(cluster: &Cluster) -> Result<()> {
    let namespace = "kubectl";
    cluster.namespace(namespace).await?;
    cluster.world(namespace).await?;
    let apply = |file: &str, format: &str, flags: &[&str]| -> Result<()> {
        let policy = "fast=longhorn-ssd:ReadWriteMany:Block";
        // One example names its namespace; it is applied as it stands.
        let own = if file.ends_with("networks.yaml") { "default" } else { namespace };
        let rendered = run(&root(), &["render", "-f", file, "-n", own, "-o", format, "--storage-policy", policy]);
        let mut kubectl = kubectl()
            .arg("--kubeconfig")
            .arg(cluster.kubeconfig())
            .args(["apply", "--server-side", "-f", "-"])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        kubectl.stdin.take().context("no pipe")?.write_all(&rendered.stdout)?;
        let output = kubectl.wait_with_output()?;
        assert!(output.status.success(), "{file} as {format}\n{}", text(&output.stderr));
        Ok(())
    };
    for path in entries(&root().join("examples")).iter().filter(|path| path.is_file()) {
        let file = path.to_str().context("a file name")?;
        for format in ["yaml", "json"] {
            apply(file, format, &["--dry-run=server"])?;
        }
    }
    let web = root().join("examples/web.yaml");
    apply(web.to_str().context("a file name")?, "yaml", &[])?;
    until_state(cluster, namespace, "Running").await?;
    Ok(())
}

/// `kubectl wukong` runs the binary that lies on the PATH.
pub async fn finds_the_plugin(_: &Cluster) -> Result<()> {
    let binary = Path::new(env!("CARGO_BIN_EXE_kubectl-wukong"));
    let folder = binary.parent().context("no folder")?;
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([folder.to_owned()].into_iter().chain(env::split_paths(&path)))?;
    let args = ["wukong", "render", "-f", "examples/web.yaml", "-o", "name"];
    let output = kubectl().args(args).env("PATH", path).current_dir(root()).output()?;
    assert_eq!(text(&output.stdout), text(&run(&root(), &args[1..]).stdout), "{}", text(&output.stderr));
    Ok(())
}
