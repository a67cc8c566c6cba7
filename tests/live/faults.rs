//! The proxy that misbehaves on command, seen by kubectl.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use cluster::{Cluster, Fault, Reference};

use crate::support::text;

/// Runs kubectl off the runtime, on which the proxy works.
async fn kubectl(kubeconfig: &Path, args: &[&str]) -> Result<Output> {
    let mut command = crate::world::kubectl();
    command.arg("--kubeconfig").arg(kubeconfig).args(args).stdin(Stdio::null());
    Ok(tokio::task::spawn_blocking(move || command.output()).await??)
}

/// Errors of the API server, as it words them; afterwards everything works.
pub async fn answers_are_errors(cluster: &Cluster) -> Result<()> {
    cluster.namespace("faults").await?;
    let (proxy, kubeconfig) = cluster.faults("faults-status").await?;
    let create = ["create", "configmap", "one", "-n", "faults"];
    for (code, words) in [(409, "the fault proxy answers 409"), (500, "the fault proxy answers 500")] {
        proxy.fail("POST", "/configmaps", 1, Fault::Status(code));
        let output = kubectl(&kubeconfig, &create).await?;
        assert!(!output.status.success() && text(&output.stderr).contains(words), "{output:?}");
    }
    // A client that is told to wait a second and try again does so.
    proxy.fail("POST", "/configmaps", 1, Fault::Status(429));
    let output = kubectl(&kubeconfig, &create).await?;
    assert!(output.status.success(), "{output:?}");
    let tries = proxy.seen().iter().filter(|line| line.starts_with("POST") && line.contains("/configmaps")).count();
    assert_eq!(tries, 4);
    Ok(())
}

/// A cut before the request arrives changes nothing; a cut after it leaves a change that nobody was told of.
pub async fn connections_are_cut(cluster: &Cluster) -> Result<()> {
    cluster.namespace("faults-cut").await?;
    let (proxy, kubeconfig) = cluster.faults("faults-cut").await?;
    for (name, fault, happened) in [("before", Fault::Cut, false), ("after", Fault::CutAfter, true)] {
        proxy.fail("POST", "/configmaps", 1, fault);
        let output = kubectl(&kubeconfig, &["create", "configmap", name, "-n", "faults-cut"]).await?;
        assert!(!output.status.success(), "{output:?}");
        let made = cluster.objects.get(&Reference::new("v1", "ConfigMap", "faults-cut", name)).await?;
        assert_eq!(made.is_some(), happened, "{name}");
    }
    proxy.fail("*", "/configmaps", 5, Fault::Cut);
    proxy.heal();
    assert!(kubectl(&kubeconfig, &["get", "configmaps", "-n", "faults-cut"]).await?.status.success());
    Ok(())
}

/// A request that waits arrives later, and in full.
pub async fn requests_wait(cluster: &Cluster) -> Result<()> {
    let (proxy, kubeconfig) = cluster.faults("faults-delay").await?;
    let wait = Duration::from_secs(2);
    proxy.fail("GET", "/api/v1/nodes", 1, Fault::Delay(wait));
    let since = Instant::now();
    let output = kubectl(&kubeconfig, &["get", "nodes", "-o", "name"]).await?;
    assert!(since.elapsed() >= wait && text(&output.stdout).contains("node/worker-1"), "{output:?}");
    Ok(())
}

/// Watches go through the proxy as they come.
pub async fn watches_pass(cluster: &Cluster) -> Result<()> {
    let namespace = "faults-watch";
    cluster.namespace(namespace).await?;
    let (_proxy, kubeconfig) = cluster.faults("faults-watch").await?;
    let wait = ["wait", "--for=create", "configmap/late", "-n", namespace, "--timeout=60s"];
    let waiting = kubectl(&kubeconfig, &wait);
    let late = serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": namespace, "name": "late"},
    });
    let (output, made) = tokio::join!(waiting, async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cluster.objects.apply(&late).await
    });
    made.context("the ConfigMap")?;
    let output = output?;
    assert!(output.status.success(), "{output:?}");
    Ok(())
}
