//! One snapshot in words.

use serde_json::Value;

use crate::cli::Exit;
use crate::cli::terminal::Terminal;
use crate::cluster::Back;
use crate::facts::{Facts, kind, text};
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

/// What to write into the machine's file, so that it agrees: the one place that knows how that is told.
pub(super) fn file_changes(back: &[Back], facts: &Facts, namespace: &str) -> String {
    let mut lines = Vec::new();
    for Back { disk, claim } in back {
        let part = |object: &Value, at: &str| text(object, at).map(str::to_owned);
        let name = part(claim, "/metadata/name").unwrap_or_default();
        let mut fields = if disk.recorded {
            vec![format!("claimName: {name}")]
        } else {
            vec![format!("existingPVC: {{name: {name}}}")]
        };
        let old = disk.old.as_ref().and_then(|old| facts.get(kind::CLAIM, namespace, old));
        for (field, at) in [
            ("storageClassName", "/spec/storageClassName"),
            ("accessMode", "/spec/accessModes/0"),
            ("volumeMode", "/spec/volumeMode"),
        ] {
            let (is, was) = (part(claim, at), old.and_then(|old| part(old, at)));
            if let Some(is) = is.filter(|is| old.is_some() && Some(is) != was.as_ref()) {
                fields.push(format!("{field}: {is}"));
            }
        }
        lines.push(format!("  disk {}: {}", disk.disk, fields.join(", ")));
    }
    if lines.is_empty() {
        return String::new();
    }
    lines.insert(0, "write into its file, so that the next diff is empty:".to_owned());
    lines.iter().map(|line| format!("{}\n", sanitize(line))).collect()
}
