//! The README tells the truth: its console blocks are run, its files exist, its list of traps is complete.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::blocks::{Block, blocks, is_run, printed};
use crate::support::{root, run, text};

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// Somebody runs every block with commands.
#[test]
fn every_block_of_commands_is_run() {
    let wrong: Vec<_> =
        blocks().iter().filter(|block| block.has_commands()).filter_map(|block| is_run(block).err()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The program takes every command that is shown, with its flags: `--help` ends it before it does anything.
#[test]
fn every_command_is_one() {
    let mut count = 0;
    for block in blocks().iter().filter(|block| block.has_commands()) {
        let shown = block
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("$ ").or(Some(line).filter(|_| block.language == "sh")));
        for command in shown.filter_map(|line| line.strip_prefix("kubectl wukong ")) {
            let end = command.find([';', '|', '>', '#']).unwrap_or(command.len());
            let args: Vec<_> = command[..end].split_whitespace().chain(["--help"]).collect();
            let output = run(&root(), &args);
            assert!(output.status.success(), "README.md:{}: {command}\n{}", block.line, text(&output.stderr));
            count += 1;
        }
    }
    assert!(count >= 20);
}

/// Those that need no cluster, with kubectl as a person has it. Without it the plugin alone is run, except in CI.
#[test]
fn console_blocks_print_what_they_show() {
    let plugin = Path::new(env!("CARGO_BIN_EXE_kubectl-wukong"));
    let places = std::env::var_os("PATH").unwrap_or_default();
    let has_kubectl = std::env::split_paths(&places).any(|folder| folder.join("kubectl").is_file());
    assert!(has_kubectl || std::env::var_os("CI").is_none(), "kubectl is not on the PATH: .ci/run builds it");
    let places =
        std::env::join_paths(plugin.parent().map(Path::to_owned).into_iter().chain(std::env::split_paths(&places)));
    let cache = tempfile::tempdir().unwrap();
    let mut count = 0;
    for step in
        blocks().iter().filter(|block| block.language == "console" && block.marker.is_none()).flat_map(Block::steps)
    {
        let command =
            if has_kubectl { step.command.clone() } else { step.command.replace("kubectl wukong", "kubectl-wukong") };
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", &format!("exec 2>&1\n{command}")]).current_dir(root());
        shell.env_clear().env("PATH", places.as_ref().unwrap()).env("HOME", cache.path()).stdin(Stdio::null());
        let output = shell.output().unwrap();
        let told = printed(&step.expected.unwrap(), &text(&output.stdout));
        assert!(told.is_ok(), "{}\n{told:?}", step.command);
        count += 1;
    }
    assert!(count >= 3);
}

#[test]
fn linked_files_exist_and_every_example_is_linked() {
    let readme = readme();
    let links: Vec<_> = readme.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    let anchor = |heading: &str| {
        heading.to_lowercase().replace(|c: char| !(c.is_alphanumeric() || c == ' '), "").replace(' ', "-")
    };
    let headings: Vec<_> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("##"))
        .map(|line| anchor(line.trim_start_matches('#').trim()))
        .collect();
    for heading in links.iter().filter_map(|link| link.strip_prefix('#')) {
        assert!(headings.iter().any(|known| known == heading), "#{heading}");
    }
    for link in links.iter().filter(|link| !link.contains("://") && !link.starts_with('#')) {
        assert!(root().join(link).exists(), "{link}");
    }
    for path in crate::support::entries(&root().join("examples")).iter().filter(|path| path.is_file()) {
        let link = format!("examples/{}", path.file_name().unwrap().to_str().unwrap());
        assert!(links.contains(&link.as_str()), "{link} is not in the README");
    }
}

#[test]
fn every_trap_has_a_test_or_a_reason() {
    let tests = fs::read_to_string(root().join("tests/traps.rs")).unwrap();
    let readme = readme();
    for trap in 1..=25 {
        let tested = tests.contains(&format!("fn trap_{trap:02}_"));
        let reasoned = readme.contains(&format!("\n| {trap}: "));
        assert!(tested != reasoned, "trap {trap}: test {tested}, reason {reasoned}");
    }
}

#[test]
fn what_differs_may_be_folded() {
    let shown = "db\n  ✗ no node fits: …memory…\n    → less\n";
    for good in [
        "db\n  ✗ no node fits: 2 memory\n    → less\n",
        "db\n  ✗ no node fits: 2\n    memory, 3\n    taints\n    → less\n",
    ] {
        printed(shown, good).unwrap();
    }
    for bad in ["db\n  ✗ no node fits: 2 cpu\n    → less\n", "db\n  ✗ no node fits: 2 memory\n  ✗ more\n    → less\n"]
    {
        printed(shown, bad).unwrap_err();
    }
}
