//! Manual pages, as programs read them that are strict about them.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::programs::run;
use crate::support::{entries, root, text, wukong};

/// Every command has a page, and no page has a mistake.
pub fn pages_are_without_mistakes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let told = run(wukong(&root(), ["man", "--output-dir"]).arg(folder.path()))?;
    let pages = entries(folder.path());
    ensure!(told.lines().count() == pages.len(), "{told}");
    let help = text(&wukong(&root(), ["__complete", ""]).output()?.stdout);
    for command in help.lines().filter_map(|line| line.split_once('\t')).map(|(command, _)| command) {
        let page = folder.path().join(format!("kubectl-wukong-{command}.1"));
        ensure!(pages.contains(&page), "{command} has no page");
    }
    let mut lint = Command::new("mandoc");
    lint.args(["-T", "lint", "-W", "error"]).args(&pages);
    run(&mut lint).context("install mandoc: apt-get install mandoc")?;
    let shown = run(Command::new("mandoc").args(["-T", "utf8"]).arg(folder.path().join("kubectl-wukong-migrate.1")))?;
    ensure!(shown.contains("--to-storage-class") && shown.contains("kubectl wukong migrate"), "{shown}");
    let one = text(&wukong(&root(), ["man", "snapshot", "restore"]).output()?.stdout);
    ensure!(one == fs::read_to_string(folder.path().join("kubectl-wukong-snapshot-restore.1"))?);
    Ok(())
}
