//! The definition that `schema --crd` prints, on a real API server.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use cluster::{Cluster, Reference};
use serde_json::json;

use crate::support::{entries, root};
use crate::world::{condition, objects};

async fn install(cluster: &Cluster) -> Result<()> {
    let crd = wukong::spec::crd();
    cluster.objects.apply(&crd).await?;
    let established =
        |crd: Option<&serde_json::Value>| crd.is_some_and(|crd| condition(crd, "Established")["status"] == "True");
    cluster.objects.wait(&Reference::of(&crd), Duration::from_secs(30), established).await?;
    // Established is a moment before served.
    let kind = Reference::new("vm.novasphere.dev/v1alpha1", "Wukong", "default", "none");
    cluster.objects.wait(&kind, Duration::from_secs(30), |object| object.is_none()).await?;
    Ok(())
}

/// The files of a folder, and what the API server says to each document: accepted or not.
async fn verdicts(cluster: &Cluster, folder: &Path) -> Result<Vec<(PathBuf, Result<(), String>)>> {
    install(cluster).await?;
    cluster.namespace("crd").await?;
    let mut all = Vec::new();
    for path in entries(folder).into_iter().filter(|path| path.is_file()) {
        let mut verdict = Ok(());
        for mut document in objects(&fs::read_to_string(&path)?) {
            // What the API server sets itself cannot be applied.
            for field in ["namespace", "uid", "generation", "selfLink", "creationTimestamp", "managedFields"] {
                document["metadata"].as_object_mut().map(|metadata| metadata.remove(field));
            }
            document["metadata"]["namespace"] = json!("crd");
            match cluster.objects.try_out(&document).await {
                // Refused by the schema or its rules. Any other error is one of this test.
                Err(kube::Error::Api(status)) if status.code == 422 || status.message.contains(".spec.") => {
                    verdict = Err(status.message);
                }
                other => drop(other?),
            }
        }
        all.push((path, verdict));
    }
    Ok(all)
}

/// Valid files are accepted.
pub async fn every_example_is_accepted(cluster: &Cluster) -> Result<()> {
    let all = verdicts(cluster, &root().join("examples")).await?;
    assert!(all.len() > 10);
    let refused: Vec<_> = all.iter().filter(|(_, verdict)| verdict.is_err()).collect();
    if !refused.is_empty() {
        bail!("{refused:#?}");
    }
    Ok(())
}

/// Invalid files are refused by the definition alone.
pub async fn every_invalid_example_is_refused(cluster: &Cluster) -> Result<()> {
    let all = verdicts(cluster, &root().join("examples/invalid")).await?;
    assert!(all.len() > 4);
    let accepted: Vec<_> = all.iter().filter(|(_, verdict)| verdict.is_ok()).map(|(path, _)| path).collect();
    if !accepted.is_empty() {
        bail!("accepted: {accepted:#?}");
    }
    Ok(())
}
