//! The difference of two texts, in hunks, with a line of what they are about.

use owo_colors::OwoColorize as _;
use similar::{ChangeTag, TextDiff};

use super::masked;
use crate::plan::{Op, Plan, Step, visible};
use crate::text::{Styles, sanitize, yaml};

/// Lines around a change.
const CONTEXT: usize = 3;

/// One object before and after a step, as YAML without secrets.
pub struct Sides {
    /// A name that is a file's, too: `kind.namespace.name`.
    pub name: String,
    /// What is there; empty if nothing is.
    pub before: String,
    /// What will be there; empty if nothing will.
    pub after: String,
}

/// Both sides of a step.
pub fn sides(plan: &Plan, step: &Step) -> Sides {
    let empty = serde_json::Value::Null;
    let before = step.live.as_ref().map(visible);
    let after = step.expected.as_ref().filter(|_| step.op != Op::Delete).map(visible);
    let (shown_before, shown_after) =
        masked::pair(&step.kind, before.as_ref().unwrap_or(&empty), after.as_ref().unwrap_or(&empty));
    let text = |there: bool, value: &serde_json::Value| if there { yaml(value) } else { String::new() };
    Sides {
        name: format!("{}.{}.{}", step.kind, plan.namespace, step.name),
        before: text(before.is_some(), &shown_before),
        after: text(after.is_some(), &shown_after),
    }
}

/// The hunks of a step, in colours; nothing if the sides are equal.
pub(super) fn hunks(plan: &Plan, step: &Step, styles: &Styles) -> String {
    let sides = sides(plan, step);
    let diff = TextDiff::from_lines(&sides.before, &sides.after);
    let groups = diff.grouped_ops(CONTEXT);
    if groups.is_empty() {
        return String::new();
    }
    let title = format!("{} {}/{}", step.op.as_str(), step.kind, step.name);
    let mut out = format!("{}\n", title.style(styles.strong));
    for group in groups {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let (old, new) = (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
        let head = format!("@@ -{},{} +{},{} @@", old.start + 1, old.len(), new.start + 1, new.len());
        out.push_str(&format!("{}\n", head.style(styles.frame)));
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ("-", styles.removed),
                ChangeTag::Insert => ("+", styles.added),
                ChangeTag::Equal => (" ", owo_colors::Style::new()),
            };
            let line = sanitize(change.value().trim_end_matches('\n'));
            out.push_str(&format!("{}\n", format_args!("{sign}{line}").style(style)));
        }
    }
    out
}
