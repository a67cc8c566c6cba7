//! The real kubectl reads what `render` prints, and finds the plugin.

use std::env;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use cluster::Cluster;
use serde_json::Value;

use crate::support::{entries, root, run, text};
use crate::world::{kubectl, until_state};

/// Every example through a pipe into kubectl, as YAML and as JSON; one of them for good.
pub async fn applies_what_render_prints(cluster: &Cluster) -> Result<()> {
    let namespace = "kubectl";
    cluster.namespace(namespace).await?;
    cluster.world(namespace).await?;
    let rendered = |path: &Path, namespace: &str, format: &str| -> Result<Vec<u8>> {
        let file = path.to_str().context("a file name")?;
        let policy = "fast=longhorn-ssd:ReadWriteMany:Block";
        let output = run(&root(), &["render", "-f", file, "-n", namespace, "-o", format, "--storage-policy", policy]);
        assert!(output.status.success(), "{file}: {}", text(&output.stderr));
        Ok(output.stdout)
    };
    let apply = |manifests: &[u8], flags: &[&str]| -> Result<String> {
        let mut kubectl = kubectl()
            .arg("--kubeconfig")
            .arg(cluster.kubeconfig())
            .args(["apply", "--server-side", "-f", "-"])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        kubectl.stdin.take().context("no pipe")?.write_all(manifests)?;
        let output = kubectl.wait_with_output()?;
        assert!(output.status.success(), "{flags:?}\n{}", text(&output.stderr));
        Ok(text(&output.stdout))
    };
    for format in ["yaml", "json"] {
        let mut all = Vec::new();
        for path in entries(&root().join("examples")).iter().filter(|path| path.is_file()) {
            // One example names its namespace.
            let own = if path.ends_with("networks.yaml") { "default" } else { namespace };
            let one = rendered(path, own, format)?;
            let separator = if format == "yaml" { "---\n" } else { "" };
            all.extend_from_slice(separator.as_bytes());
            all.extend(one);
        }
        let count = documents(&text(&all), format == "json");
        let told = apply(&all, &["--dry-run=server"])?;
        assert_eq!(told.lines().count(), count, "as {format}: kubectl has read other objects\n{told}");
    }
    apply(&rendered(&root().join("examples/web.yaml"), namespace, "yaml")?, &[])?;
    until_state(cluster, namespace, "Running").await?;
    Ok(())
}

/// How many objects a stream holds: one a document, or all items of Lists.
fn documents(text: &str, lists: bool) -> usize {
    if lists {
        let lists = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        return lists.flatten().map(|list| list["items"].as_array().map_or(0, Vec::len)).sum();
    }
    let mut report = wukong::Report::default();
    wukong::source::documents(0, text, &mut report).len()
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
