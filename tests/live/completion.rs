//! kubectl's own completion asks the plugin, and the plugin asks the cluster.

use std::collections::BTreeSet;
use std::env;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use cluster::Cluster;

use crate::changes::{file, said};
use crate::support::text;
use crate::world::{apply_machine, kubectl};

/// kubectl with a folder on its PATH that holds the plugin and what completes it.
struct Shell<'c> {
    cluster: &'c Cluster,
    folder: tempfile::TempDir,
}

impl<'c> Shell<'c> {
    fn new(cluster: &'c Cluster) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kubectl-wukong"), folder.path().join("kubectl-wukong"))?;
        let shell = Self { cluster, folder };
        let installed = shell.kubectl(&["wukong", "completion", "install"])?;
        ensure!(Path::new(installed.trim()).is_file(), "{installed}");
        Ok(shell)
    }

    fn kubectl(&self, args: &[&str]) -> Result<String> {
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([self.folder.path().to_owned()].into_iter().chain(env::split_paths(&path)))?;
        let output = kubectl().args(args).env("PATH", path).env("KUBECONFIG", self.cluster.kubeconfig()).output()?;
        ensure!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        Ok(text(&output.stdout))
    }

    /// The words that kubectl offers, and the directive after them.
    fn offered(&self, words: &str) -> Result<(BTreeSet<String>, String)> {
        let args: Vec<_> = ["__complete", "wukong"].into_iter().chain(words.split(' ')).collect();
        let out = self.kubectl(&args)?;
        let (words, directive) = out.trim_end().rsplit_once('\n').unwrap_or(("", out.trim_end()));
        let words = words.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned());
        Ok((words.collect(), directive.to_owned()))
    }

    fn expect(&self, words: &str, expected: &[&str]) -> Result<()> {
        let expected = (expected.iter().map(|&word| word.to_owned()).collect(), ":4".to_owned());
        let offered = self.offered(words)?;
        ensure!(offered == expected, "`kubectl wukong {words}` offers {offered:?}, not {expected:?}");
        Ok(())
    }

    /// Names as kubectl itself lists them.
    fn listed(&self, kind: &str) -> Result<Vec<String>> {
        let out = self.kubectl(&["get", kind, "-o", "jsonpath={.items[*].metadata.name}"])?;
        let names: Vec<_> = out.split_whitespace().map(str::to_owned).collect();
        ensure!(!names.is_empty(), "there are no {kind}");
        Ok(names)
    }

    /// All names of a kind are offered, whatever else there is by now.
    fn lists(&self, words: &str, kind: &str) -> Result<()> {
        let listed = self.listed(kind)?;
        let (offered, directive) = self.offered(words)?;
        let missing: Vec<_> = listed.iter().filter(|name| !offered.contains(*name)).collect();
        ensure!(missing.is_empty() && directive == ":4", "`{words}` does not offer {missing:?} but {offered:?}");
        Ok(())
    }
}

/// Machines, disks, nodes, classes and namespaces through `kubectl __complete`.
pub async fn names_from_the_cluster(cluster: &Cluster) -> Result<()> {
    let (own, other) = ("completion", "completion-other");
    cluster.namespace(own).await?;
    let spec = "  vmName: shop-server\n  disks:\n    - {name: system, size: 1Gi}\n    - {name: data, size: 1Gi}\n";
    let path = file(own, "web.yaml", spec)?;
    said(cluster, &["apply", "-f", &path, "-n", own], 0)?;
    // A machine that another tool made: it carries neither a record nor a label.
    apply_machine(cluster, other, "  disks: [{name: old, size: 1Gi}]\n").await?;

    let shell = Shell::new(cluster)?;
    shell.expect("stat", &["status"])?;
    shell.expect(&format!("status -n {own} "), &["web"])?;
    shell.expect(&format!("-n {own} status "), &["web"])?;
    shell.expect(&format!("-n {own}-o"), &[other])?;
    shell.expect(&format!("status --namespace={own} vm/"), &[])?;
    shell.expect(&format!("status -n {own} web "), &[])?;
    shell.expect(&format!("start -n {own} w"), &["web"])?;
    shell.expect(&format!("expand web -n {own} --disk "), &["data", "system"])?;
    shell.expect(&format!("expand vm/shop-server -n {own} --disk=s"), &["system"])?;
    shell.expect(&format!("migrate web -n {own} --disk data,"), &["data,system"])?;
    shell.expect(&format!("export web -n {other} --disk "), &["old"])?;
    shell.expect(&format!("status -n {own}-o"), &[other])?;
    shell.lists("migrate web --to-node ", "nodes")?;
    shell.lists("migrate --from-node ", "nodes")?;
    shell.lists("recover-node ", "nodes")?;
    shell.lists("migrate web --to-storage-class ", "storageclasses")?;

    let context = shell.kubectl(&["config", "current-context"])?;
    shell.expect(&format!("status --context {}", &context[..1]), &[context.trim()])?;
    // What is on the line decides which cluster is asked.
    let kubeconfig = cluster.kubeconfig();
    let kubeconfig = kubeconfig.to_str().context("a path of another encoding")?;
    shell.expect(&format!("status --kubeconfig {kubeconfig} -n {own} "), &["web"])?;
    shell.expect(&format!("status --kubeconfig /nowhere -n {own} "), &[])?;
    shell.expect(&format!("status --context nowhere -n {own} "), &[])?;
    Ok(())
}
