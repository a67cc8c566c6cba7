//! Users with exact rights.

use anyhow::Result;
use cluster::{Cluster, Right};

use crate::support::text;
use crate::world::kubectl;

/// A viewer of machines sees machines, not claims, and not the neighbours'.
pub async fn may_do_exactly_this(cluster: &Cluster) -> Result<()> {
    let namespace = "viewers";
    cluster.namespace(namespace).await?;
    let own = [Right::to("get,list", "kubevirt.io", "virtualmachines,virtualmachineinstances")];
    let kubeconfig = cluster.user(namespace, "viewer", &own, &[Right::to("get", "", "nodes")]).await?;
    let may = |args: &[&str]| -> Result<bool> {
        let output = kubectl().arg("--kubeconfig").arg(&kubeconfig).args(args).output()?;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(output.status.success() || said.contains("forbidden"), "{said}");
        Ok(output.status.success())
    };
    assert!(may(&["get", "vms", "-n", namespace])?);
    assert!(may(&["get", "node", "worker-1"])?);
    assert!(!may(&["get", "nodes"])?);
    assert!(!may(&["get", "pvc", "-n", namespace])?);
    assert!(!may(&["get", "vms", "-n", "default"])?);
    assert!(!may(&["delete", "vm", "web-vm", "-n", namespace])?);
    Ok(())
}
