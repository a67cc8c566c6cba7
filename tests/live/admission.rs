//! Everything that is rendered goes through the admission of Kubernetes, KubeVirt and CDI, as a dry run.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use cluster::Cluster;
use serde_json::{Value, json};

use crate::support::{entries, root, text, wukong};
use crate::world::objects;

/// Tries all objects out; objects without a namespace go to `namespace`.
async fn admit(
    cluster: &Cluster,
    namespace: &str,
    from: &str,
    all: Vec<Value>,
    refused: &mut Vec<String>,
) -> Result<()> {
    let mut namespaces: BTreeSet<_> = all.iter().filter_map(|o| o["metadata"]["namespace"].as_str()).collect();
    namespaces.insert(namespace);
    for namespace in namespaces {
        cluster.namespace(namespace).await?;
    }
    for mut object in all {
        if object["metadata"]["namespace"].is_null() {
            object["metadata"]["namespace"] = json!(namespace);
        }
        if let Err(error) = cluster.objects.try_out(&object).await {
            refused.push(format!("{from}: {} {}: {error}", object["kind"], object["metadata"]["name"]));
        }
    }
    Ok(())
}

/// What the binary prints for these arguments, read as kubectl reads it.
fn printed(folder: &Path, args: &[&str]) -> Result<Vec<Value>> {
    let mut process = wukong(folder, args);
    if let Ok(input) = fs::File::open(folder.join("stdin")) {
        process.stdin(Stdio::from(input));
    }
    let output = process.output()?;
    if !output.status.success() {
        bail!("{}: {}", folder.display(), text(&output.stderr));
    }
    Ok(objects(&text(&output.stdout)))
}

fn conclude(refused: &[String], admitted: usize, at_least: usize) -> Result<()> {
    if !refused.is_empty() {
        bail!("refused:\n{}", refused.join("\n"));
    }
    if admitted < at_least {
        bail!("only {admitted} objects were found");
    }
    Ok(())
}

/// Every example.
pub async fn every_example(cluster: &Cluster) -> Result<()> {
    cluster.namespace("images").await?;
    cluster.namespace("golden").await?;
    let (mut refused, mut count) = (Vec::new(), 0);
    for path in entries(&root().join("examples")).iter().filter(|path| path.is_file()) {
        let file = path.to_str().context("a file name")?;
        let policy = "fast=longhorn-ssd:ReadWriteMany:Block";
        let all = printed(&root(), &["render", "-n", "default", "-f", file, "--storage-policy", policy])?;
        assert!(!all.is_empty(), "{file} renders nothing");
        count += all.len();
        admit(cluster, "default", file, all, &mut refused).await?;
    }
    conclude(&refused, count, 50)
}

/// Every case folder of `render` that succeeds and prints objects.
pub async fn every_case_that_renders(cluster: &Cluster) -> Result<()> {
    let (mut refused, mut count) = (Vec::new(), 0);
    for case in entries(&root().join("tests/cases/render")) {
        let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // What is passed through is the user's own; these cases show that even a wrong ConfigMap is left as it is.
        // Wrong files have cases too, and so has the help; they print no objects.
        let fails = fs::read_to_string(case.join("code"))? != "0\n";
        if name.starts_with("pass-through") || name == "help" || fails {
            continue;
        }
        // Names alone are no objects: these cases are rendered in full.
        let args = fs::read_to_string(case.join("args"))?.replace("-o name", "");
        let args: Vec<_> = args.split_whitespace().collect();
        let all = printed(&case, &args)?;
        count += all.len();
        admit(cluster, "cases", case.to_str().context("a name")?, all, &mut refused).await?;
    }
    conclude(&refused, count, 30)
}

/// The good side of every diagnostic code.
pub async fn every_code_that_is_good(cluster: &Cluster) -> Result<()> {
    let (mut refused, mut count) = (Vec::new(), 0);
    for folder in entries(&root().join("tests/codes")) {
        // CDI knows checksums of images since 1.65; this one is older.
        if folder.ends_with("WK110") {
            continue;
        }
        let args = fs::read_to_string(folder.join("args")).unwrap_or_default();
        let args: Vec<_> = ["render", "-f", "good.yaml"].into_iter().chain(args.split_whitespace()).collect();
        let all = printed(&folder, &args)?;
        count += all.len();
        for namespace in ["images", "golden", "templates"] {
            cluster.namespace(namespace).await?;
        }
        admit(cluster, "codes", folder.to_str().context("a name")?, all, &mut refused).await?;
    }
    conclude(&refused, count, 50)
}
