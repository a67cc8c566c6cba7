//! The README tells the truth: its console blocks are run, its files exist, its list of traps is complete.

use std::fs;

use crate::support::{root, run, text};

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// Each block is one command, and exactly what it prints.
#[test]
fn console_blocks_print_what_they_show() {
    let readme = readme();
    let blocks: Vec<_> = readme.split("```console\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 3);
    for block in blocks {
        let (command, expected) = block.split_once('\n').unwrap();
        let args: Vec<_> = command.strip_prefix("$ kubectl wukong ").unwrap().split(' ').collect();
        let output = run(&root(), &args);
        assert_eq!(text(&output.stdout) + &text(&output.stderr), expected, "{command}");
    }
}

#[test]
fn linked_files_exist_and_every_example_is_linked() {
    let readme = readme();
    let links: Vec<_> = readme.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    for link in links.iter().filter(|link| !link.contains("://")) {
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
