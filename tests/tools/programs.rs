//! The programs of others.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::support::text;

/// The folder `target` of this build.
pub fn target() -> &'static Path {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    temporary.parent().unwrap_or(temporary)
}

/// A program that is built from Go modules, the first time for minutes.
pub fn built(tool: &str, program: &str) -> Result<PathBuf> {
    Ok(cluster::tool(tool, target())?.join(program))
}

/// Runs a program to its end. A failure shows what it said.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?} does not start"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    Ok(text(&output.stdout))
}

/// The tools that are built here are what they are called.
pub fn answer() -> Result<()> {
    for (tool, args) in [("helm", &["version"][..]), ("krew", &["version"]), ("kustomize", &["version"])] {
        run(Command::new(built(tool, tool)?).args(args))?;
    }
    Ok(())
}

/// A program of the system, or the package of Debian that has it.
pub fn installed(name: &str, package: &str) -> Result<Command> {
    let found = Command::new("sh").args(["-c", "command -v \"$0\"", name]).stdout(Stdio::null()).status()?;
    ensure!(found.success(), "{name} is missing: apt-get install {package}");
    Ok(Command::new(name))
}
