//! One snapshot in words.

use crate::cli::Exit;
use crate::cli::terminal::Terminal;
use crate::facts::{Facts, kind};
use crate::snapshot::{Phase, View, consistency, views};
use crate::status::Subject;
use crate::text::sanitize;

/// How it is, how consistent, and what it holds.
pub(super) fn report(view: &View) -> String {
    let mut lines = vec![format!("snapshot {} of {}: {}", view.name, view.shown, state(view))];
    if matches!(view.phase, Phase::Ready) {
        lines.push(format!("  {}", consistency(&view.indications)));
    }
    if !view.included.is_empty() {
        lines.push(format!("  in it: {}", view.included.join(", ")));
    }
    if !view.missing.is_empty() {
        lines.push(format!("  not in it: {}", view.missing.join(", ")));
    }
    lines.iter().map(|line| format!("{}\n", sanitize(line))).collect()
}

/// How far it is.
pub(super) fn state(view: &View) -> String {
    let word = match view.phase {
        Phase::Ready => "ready",
        Phase::Waiting => "in progress",
        Phase::Failed => "failed",
        Phase::Going => "being deleted",
    };
    view.detail.as_ref().map_or_else(|| word.to_owned(), |detail| format!("{word}: {detail}"))
}

/// A name that Kubernetes takes.
pub(super) fn name(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if text.len() <= 63 && text.chars().all(good) && edge(text.chars().next()) && edge(text.chars().last()) {
        Ok(text.to_owned())
    } else {
        Err("use at most 63 lower-case letters, digits, `-` and `.`".to_owned())
    }
}

/// Says that there is no such snapshot, and which ones there are.
pub(super) fn missing(target: &Subject, name: &str, facts: &Facts, terminal: &Terminal) -> Exit {
    if let Some(unread) = facts.unknown(kind::SNAPSHOT, &target.namespace) {
        terminal.error(&unread.reason);
        return Exit::Cluster;
    }
    terminal.error(&format!("{} has no snapshot {name} in {}", target.shown(), target.namespace));
    let all: Vec<_> = views(facts, Some(target), &[], 0).into_iter().map(|view| view.name).collect();
    if all.is_empty() {
        terminal.help(&format!("it has none; `kubectl wukong snapshot create {}` takes one", target.shown()));
    } else {
        terminal.help(&format!("its snapshots are {}", all.join(", ")));
    }
    Exit::Cluster
}
