//! The blocks of the README, and who runs them.
//!
//! A `console` block shows commands, each after `$ `, and exactly what they print; `…` stands for what differs from run to
//! run, alone on its line for any number of lines. A `sh` block shows commands alone. Above a block stands who runs it:
//!
//! | comment | meaning |
//! |---|---|
//! | none | a `console` block without a cluster: `tests/readme.rs` runs it |
//! | `<!-- run: live::MODULE::TEST -->` | the test of `tests/live` that runs it, or its commands one by one; or several tests |
//! | `<!-- run: tools::MODULE::TEST -->` | the same of `tests/tools` |
//! | `<!-- run: .ci/run -->` | its commands stand in `.ci/run` |
//! | `<!-- not run: REASON -->` | no test runs it, and why that cannot be |

use std::fs;

use anyhow::{Result, bail, ensure};

use crate::support::root;

/// A block of the README.
#[derive(Debug)]
pub struct Block {
    /// The number of its first line.
    pub line: usize,
    /// Such as `console`.
    pub language: String,
    /// What stands in it.
    pub text: String,
    /// The words of the comment above it.
    pub marker: Option<String>,
}

/// A command and what it prints, if that is shown.
#[derive(Debug)]
pub struct Step {
    pub command: String,
    pub expected: Option<String>,
}

impl Block {
    /// Whether there are commands in it.
    pub fn has_commands(&self) -> bool {
        ["sh", "bash", "shell", "console"].contains(&self.language.as_str())
            || self.text.lines().any(|line| line.starts_with("$ "))
    }

    /// Its commands, in order.
    pub fn steps(&self) -> Vec<Step> {
        if self.language != "console" {
            return vec![Step { command: self.text.clone(), expected: None }];
        }
        let commands = self.text.split("\n$ ").map(|step| step.strip_prefix("$ ").unwrap_or(step));
        commands
            .map(|step| {
                let (command, printed) = step.split_once('\n').unwrap_or((step, ""));
                Step { command: command.to_owned(), expected: Some(printed.trim_end().to_owned()) }
            })
            .collect()
    }
}

/// All blocks of the README.
pub fn blocks() -> Vec<Block> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (mut all, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
    let mut above = "";
    for (number, line) in readme.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => all.extend(open.take()),
            (Some(block), None) => block.text.push_str(&format!("{line}\n")),
            (None, Some(language)) => {
                let marker = above.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")).map(str::to_owned);
                let language = language.to_owned();
                open = Some(Block { line: number + 1, language, text: String::new(), marker });
            }
            (None, None) => {}
        }
        above = line;
    }
    assert!(open.is_none(), "a block of the README has no end");
    all
}

/// Those that a test runs, in order.
pub fn blocks_of(test: &str) -> Vec<Block> {
    let marker = format!("run: {test}");
    blocks().into_iter().filter(|block| block.marker.as_deref() == Some(&marker)).collect()
}

/// Ends the test unless this was printed.
pub fn printed(expected: &str, printed: &str) -> Result<()> {
    let lines =
        |text: &str| -> Vec<String> { text.trim_end().lines().map(|line| line.trim_end().to_owned()).collect() };
    let (wanted, found) = (lines(expected), lines(printed));
    if all_like(&wanted, &found) {
        return Ok(());
    }
    bail!("the README shows:\n{expected}\n\nbut this is printed:\n{printed}")
}

fn all_like(wanted: &[String], found: &[String]) -> bool {
    match (wanted.split_first(), found.split_first()) {
        (None, None) => true,
        (Some((line, rest)), _) if line.trim() == "…" => (0..=found.len()).any(|skip| all_like(rest, &found[skip..])),
        // What differs may be long, and then the line goes on below, further in.
        (Some((line, rest)), Some((is, others))) if line.ends_with('…') => {
            let inner = |text: &String| indent(text) > indent(line);
            let most = others.iter().take_while(|text| inner(text)).count();
            (0..=most).any(|more| {
                let folded = others[..more].iter().fold(is.clone(), |all, text| all + " " + text.trim_start());
                like(line, &folded) && all_like(rest, &others[more..])
            })
        }
        (Some((line, rest)), Some((is, others))) => like(line, is) && all_like(rest, others),
        _ => false,
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Whether a line is as it is shown, with `…` for anything.
fn like(shown: &str, line: &str) -> bool {
    let mut parts = shown.split('…');
    let (Some(first), mut rest) = (parts.next(), line) else { return false };
    let parts: Vec<_> = parts.collect();
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after;
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Ends the test unless somebody runs this block.
pub fn is_run(block: &Block) -> Result<()> {
    let (line, Some(marker)) = (block.line, &block.marker) else {
        ensure!(
            block.language == "console",
            "README.md:{}: nobody runs this block; tests/blocks.rs tells how to say who does",
            block.line
        );
        return Ok(());
    };
    if let Some(reason) = marker.strip_prefix("not run: ") {
        ensure!(reason.split(' ').count() >= 5, "README.md:{line}: why is it not run?");
        return Ok(());
    }
    let Some(who) = marker.strip_prefix("run: ") else { bail!("README.md:{line}: `{marker}` says not who runs it") };
    if who == ".ci/run" {
        let ci = fs::read_to_string(root().join(".ci/run"))?;
        for command in block.text.lines() {
            let words: Vec<_> = command.split(" # ").next().unwrap_or_default().split_whitespace().collect();
            let has = |line: &str| {
                let mut left = words.iter().peekable();
                for is in line.split_whitespace() {
                    left.next_if(|word| **word == is);
                }
                left.next().is_none()
            };
            ensure!(ci.lines().any(has), "README.md:{line}: `{command}` is not in .ci/run");
        }
        return Ok(());
    }
    for one in who.split(", ") {
        let Some((binary @ ("live" | "tools"), test)) = one.split_once("::") else {
            bail!("README.md:{line}: `{one}` is no test of tests/live or tests/tools")
        };
        let list = fs::read_to_string(root().join("tests").join(binary).join("main.rs"))?;
        let listed = list.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).any(|word| word == test);
        ensure!(listed, "README.md:{line}: tests/{binary}/main.rs has no test {test}");
    }
    Ok(())
}
