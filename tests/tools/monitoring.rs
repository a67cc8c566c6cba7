//! What is for Prometheus, checked by promtool.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::programs;
use crate::support::{root, text};

const HINT: &str = "promtool is not on the PATH; Debian has it in the package prometheus";

/// The rules are rules, and each fires when it should.
pub fn alerts_fire_when_they_should() -> Result<()> {
    let rules = root().join("plugin-manifests/prometheus-rules.yaml");
    programs::run(Command::new("promtool").arg("check").arg("rules").arg(rules)).context(HINT)?;
    programs::run(Command::new("promtool").arg("test").arg("rules").arg(root().join("tests/tools/rules/alerts.yaml")))?;
    Ok(())
}

/// What `status -o prometheus` prints is the text format, whatever machines and disks are called.
pub fn statuses_are_metrics() -> Result<()> {
    let facts = root().join("tests/tools/rules/facts.json");
    let facts = facts.to_str().context("a file name")?;
    let printed = crate::support::run(&root(), &["status", "-A", "--facts", facts, "-o", "prometheus"]);
    ensure!(printed.status.success(), "{}", text(&printed.stderr));
    let mut command = Command::new("promtool");
    let mut check =
        command.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().context(HINT)?;
    check.stdin.take().context("no pipe")?.write_all(&printed.stdout)?;
    let checked = check.wait_with_output()?;
    ensure!(checked.status.success(), "{}\n{}", text(&checked.stderr), text(&printed.stdout));
    let printed = text(&printed.stdout);
    for line in [
        r#"wukong_machine_healthy{namespace="prod",machine="web",vm="web-vm"} 1"#,
        r#"wukong_machine_phase{namespace="prod",machine="web",vm="web-vm",phase="Running"} 1"#,
        r#"wukong_disk_requested_bytes{namespace="prod",machine="web",vm="web-vm",disk="da\"ta\\",persistentvolumeclaim="web-data"} 21474836480"#,
        r#"wukong_disk_used_bytes{namespace="prod",machine="web",vm="web-vm",disk="da\"ta\\",persistentvolumeclaim="web-data"} 1024"#,
    ] {
        ensure!(printed.lines().any(|found| found == line), "{line}\n{printed}");
    }
    Ok(())
}
