//! Moves: checklists, plans, what changes in the file.

use owo_colors::{OwoColorize as _, Style};
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use crate::amend::Change;
use crate::facts::{Journey, Moved, Way};
use crate::migrate::{Check, Draft, Found, Left, Ways};
use crate::plan::readable;
use crate::text::{Styles, Width, command_line, sanitize, wrap};

/// Lines after the first one stand below it.
fn hanging(text: &str, width: usize, indent: usize) -> String {
    wrap(text, width, indent).trim_start().to_owned()
}

/// What a way is called.
const fn title(way: Way) -> &'static str {
    match way {
        Way::NodeLive => "to another node, live",
        Way::NodeOffline => "to another node, stopped and started",
        Way::StorageLive => "its disks to another class, live",
        Way::StorageOffline => "its disks to another class, while it is off",
    }
}

/// All ways of a machine.
pub fn ways(ways: &Ways, styles: &Styles, width: usize) -> String {
    let at = ways.node.as_deref().map(|node| format!(" on {node}")).unwrap_or_default();
    let head = format!("{}/{}", ways.subject.namespace, ways.subject.shown());
    let mut out = format!("{}  {}{}\n", sanitize(&head).style(styles.strong), sanitize(&ways.state), sanitize(&at));
    if let Some(journey) = &ways.journey {
        out.push_str(&under_way(journey, &ways.subject.namespace, styles));
    }
    for (way, checks, command) in &ways.ways {
        let failed = checks.iter().any(Check::is_failed);
        let (word, style) = if failed { ("not possible", styles.error) } else { ("possible", styles.help) };
        out.push_str(&format!("\n{}: {}\n", title(*way).style(styles.strong), word.style(style)));
        out.push_str(&checklist(checks, styles, width));
        if !failed {
            out.push_str(&format!("  {}\n", sanitize(command).style(styles.name)));
        }
    }
    if !ways.guest.is_empty() {
        out.push_str(&format!("\n{}\n", "in the guest".style(styles.strong)));
        for (number, line) in ways.guest.iter().enumerate() {
            out.push_str(&format!("  {}. {}\n", number + 1, hanging(line, width.max(40), 5)));
        }
    }
    out
}

/// A move that is under way, or what an earlier one left.
fn under_way(journey: &Journey, namespace: &str, styles: &Styles) -> String {
    let command = |flags| {
        let line = command_line("migrate", &[&journey.shown()], namespace, flags);
        sanitize(&line).style(styles.name).to_string()
    };
    let mut out = String::new();
    if journey.is_open() {
        let word = if journey.back { "is being taken back" } else { "is under way" };
        out.push_str(&format!("a move ({}) {word}: {}\n", journey.way.name(), sanitize(&journey.stage)));
        out.push_str(&format!("  go on:     {}\n", command("--continue")));
        out.push_str(&format!("  take back: {}\n", command("--abort")));
    }
    if !journey.kept.is_empty() {
        let claims: Vec<_> = journey.kept.iter().map(|kept| kept.claim.as_str()).collect();
        out.push_str(&format!("kept from earlier moves: {}\n", sanitize(&claims.join(", "))));
        out.push_str(&format!("  delete:    {}\n", command("--cleanup")));
    }
    out
}

/// The lines of a checklist.
pub fn checklist(checks: &[Check], styles: &Styles, width: usize) -> String {
    let mut out = String::new();
    let room = width.max(40);
    for check in checks {
        let (sign, style, detail) = match &check.found {
            Found::Passed(detail) => ("✓", styles.help, detail),
            Found::Failed { why, .. } => ("✗", styles.error, why),
            Found::Unknown(why) => ("?", styles.warning, why),
        };
        let text = if detail.is_empty() { check.what.clone() } else { format!("{}: {detail}", check.what) };
        out.push_str(&format!("  {} {}\n", sign.style(style), hanging(&sanitize(&text), room, 4)));
        if let Found::Failed { help, .. } = &check.found {
            out.push_str(&format!("    {} {}\n", "help:".style(styles.help), hanging(&sanitize(help), room, 10)));
        }
    }
    out
}

/// Bytes in a second that a copy is expected to move: a slow disk, or a network of one gigabit.
const PACE: u64 = 100 << 20;

/// What a move will do, before it is begun.
pub fn draft(draft: &Draft, namespace: &str, styles: &Styles, width: Width) -> String {
    let journey = &draft.journey;
    let head = format!("{namespace}/{}", journey.shown());
    let mut out = format!("{}  {}\n", sanitize(&head).style(styles.strong), title(journey.way));
    out.push_str(&checklist(&draft.checks, styles, width.cells()));
    if !journey.disks.is_empty() {
        let rows: Vec<_> = journey
            .disks
            .iter()
            .map(|disk| {
                let plain = Style::new();
                vec![
                    (disk.disk.clone(), styles.strong),
                    (disk.from.clone(), plain),
                    (disk.to.clone(), styles.added),
                    (disk.class.clone(), plain),
                    (format!("{} {}", disk.access_mode, disk.volume_mode), plain),
                    (disk.size.clone(), plain),
                ]
            })
            .collect();
        out.push('\n');
        out.push_str(&super::table(&["DISK", "CLAIM", "NEW CLAIM", "CLASS", "MODES", "SIZE"], &rows, styles, width));
    }
    out.push_str(&format!("\n{}\n", "steps".style(styles.strong)));
    for (number, step) in steps(draft).iter().enumerate() {
        out.push_str(&format!("  {}. {}\n", number + 1, hanging(&sanitize(step), width.cells().max(40), 5)));
    }
    out
}

/// The steps in words.
fn steps(draft: &Draft) -> Vec<String> {
    let journey = &draft.journey;
    let minutes = draft.bytes.div_ceil(PACE).div_ceil(60).max(1);
    let copy = format!("up to {} at 100 MiB/s: about {minutes} min", readable(draft.bytes));
    let node = journey.node.as_deref().unwrap_or("another node");
    let on = if journey.ran { "start it, and wait until it runs" } else { "leave it off, as it was" };
    let words: &[String] = &match journey.way {
        Way::NodeLive => {
            vec![format!("ask KubeVirt to migrate it to {node}; the guest runs on"), "check it there".into()]
        }
        Way::NodeOffline => vec![
            "shut the guest down".into(),
            format!("start it on {node}, with the node in its selector for this start"),
            "take the node out of its selector again".into(),
        ],
        Way::StorageLive => vec![
            "make the new claims, empty".into(),
            format!("one edit of the machine; KubeVirt migrates it and copies ({copy}); the guest runs on"),
            "check it, note the new claims in its record, mark the old ones".into(),
        ],
        Way::StorageOffline => vec![
            "shut the guest down".into(),
            "keep the old volumes whatever happens (Retain)".into(),
            format!("copy ({copy}), while it is off"),
            "one edit of the machine puts it on the copies".into(),
            on.into(),
        ],
    };
    let mut all = words.to_vec();
    if journey.way.is_storage() {
        all.push("the old claims stay until `migrate --cleanup`".into());
    }
    all
}

/// The same for programs.
pub fn draft_json(draft: &Draft, namespace: &str) -> Value {
    let journey = &draft.journey;
    let disk = |disk: &Moved| {
        json!({
            "disk": disk.disk, "claim": disk.from, "newClaim": disk.to, "storageClassName": disk.class,
            "accessMode": disk.access_mode, "volumeMode": disk.volume_mode, "size": disk.size,
        })
    };
    json!({
        "name": journey.shown(), "namespace": namespace, "virtualMachine": journey.vm, "way": journey.way.name(),
        "possible": draft.checks.iter().all(|check| !check.is_failed()),
        "checks": draft.checks.iter().map(Check::value).collect::<Vec<_>>(),
        "disks": journey.disks.iter().map(disk).collect::<Vec<_>>(),
        "steps": steps(draft), "bytes": draft.bytes,
    })
}

/// The change of a file as lines with signs; nothing if there is none.
pub fn file_change(before: &str, after: &str, styles: &Styles) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut out = String::new();
    for group in diff.grouped_ops(2) {
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ("-", styles.removed),
                ChangeTag::Insert => ("+", styles.added),
                ChangeTag::Equal => (" ", Style::new()),
            };
            let line = sanitize(change.value().trim_end_matches('\n')).into_owned();
            out.push_str(&format!("{}\n", format_args!("{sign}{line}").style(style)));
        }
    }
    out
}

/// The change that a person makes in a file that is not at hand, so that it is not known which disks are claims of before.
pub fn suggested(changes: &[Change], styles: &Styles) -> String {
    let mut out = String::from("  disks:\n");
    for change in changes {
        out.push_str(&format!("    - name: {}\n", sanitize(&change.disk)));
        let fields = [
            ("claimName", Some(&change.claim)),
            ("storageClassName", change.class.as_ref()),
            ("accessMode", change.access_mode.as_ref()),
            ("volumeMode", change.volume_mode.as_ref()),
        ];
        for (key, value) in fields {
            if let Some(value) = value {
                let line = format!("+     {key}: {}", sanitize(value));
                out.push_str(&format!("{}\n", line.style(styles.added)));
            }
        }
    }
    out.push_str("for a disk with `existingPVC`, change its `name` alone to the one at `claimName`\n");
    out
}

/// What a cleanup deletes, and what it leaves.
pub fn lefts(lefts: &[Left], styles: &Styles, width: Width) -> String {
    let rows: Vec<_> = lefts
        .iter()
        .map(|left| {
            let size = left.claim.as_ref().and_then(|claim| claim.pointer("/status/capacity/storage")?.as_str());
            let (word, style, mut detail) = match (&left.refusal, left.goes(), left.policy.as_deref()) {
                (Some(refusal), ..) => ("keep", styles.help, format!("{}; {}", refusal.reason, refusal.help)),
                (None, false, _) => ("gone", Style::new(), "it is not there any more".to_owned()),
                (None, true, Some("Retain")) => ("delete", styles.removed, "its volume stays (Retain)".to_owned()),
                (None, true, _) => ("delete", styles.removed, "its bytes are lost for ever".to_owned()),
            };
            for note in &left.notes {
                detail = format!("{detail}; {note}");
            }
            vec![
                (left.kept.claim.clone(), styles.strong),
                (word.to_owned(), style),
                (size.unwrap_or("-").to_owned(), Style::new()),
                (format!("{}; {detail}", left.kept.what), Style::new()),
            ]
        })
        .collect();
    super::table(&["CLAIM", "OP", "SIZE", ""], &rows, styles, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_says_what_it_cannot_know() {
        let change = Change { disk: "data".into(), claim: "web-data-m2".into(), ..Change::default() };
        let text = suggested(&[change], &Styles::default());
        let (disks, note) = text.split_once("for a disk with `existingPVC`").unwrap();
        assert_eq!(disks, "  disks:\n    - name: data\n+     claimName: web-data-m2\n");
        assert!(note.starts_with(", change its `name` alone"), "{note}");
    }
}
