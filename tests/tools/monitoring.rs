//! What is for Prometheus, checked by promtool.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

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

/// A fleet is as many series as it has machines and disks: no label holds what a cluster says in words, or what changes
/// with every look. `promtool check metrics` knows the names and units that Prometheus wants.
pub fn series_are_few() -> Result<()> {
    const MACHINES: usize = 2000;
    let text_of = fs::read_to_string(root().join("tests/tools/rules/facts.json"))?;
    let one: Value = serde_json::from_str(&text_of)?;
    let objects = one["objects"].as_array().context("no objects")?;
    let of = |number: usize| {
        objects.iter().map(move |object| {
            // Every name that begins with that of the machine is one of its own.
            let named = object.to_string().replace("\"web", &format!("\"web{number}"));
            serde_json::from_str::<Value>(&named)
        })
    };
    let series = |count: usize| -> Result<(usize, usize)> {
        let mut facts = one.clone();
        facts["objects"] = Value::Array((0..count).flat_map(of).collect::<Result<_, _>>()?);
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fleet-{count}.json"));
        fs::write(&path, facts.to_string())?;
        let path = path.to_str().context("a file name")?;
        let args = ["status", "-A", "--all-vms", "--facts", path, "-o", "prometheus"];
        let printed = crate::support::run(&root(), &args);
        ensure!(printed.status.success(), "{}", text(&printed.stderr));
        let printed = text(&printed.stdout);
        let all: Vec<_> = printed.lines().filter(|line| !line.starts_with('#')).collect();
        let keys = all.iter().filter_map(|line| line.split_once('{')?.1.split_once("} ").map(|(labels, _)| labels));
        let longest = keys.map(str::len).max().unwrap_or_default();
        Ok((all.len(), longest))
    };
    // The facts have other machines too, which stay as they are.
    let ((single, short), (two, _), (fleet, long)) = (series(1)?, series(2)?, series(MACHINES)?);
    let each = two - single;
    ensure!(each > 0 && fleet == single + each * (MACHINES - 1), "{single}, {two}, {fleet} series");
    // Only the names are longer, by their numbers: three of the machine, one of a disk.
    ensure!(long <= short + 4 * MACHINES.to_string().len(), "{short} {long}");
    Ok(())
}
