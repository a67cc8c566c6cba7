//! Plans for people: a table of what happens to objects and one of what happens to data, then the fields.

use owo_colors::{OwoColorize as _, Style};
use serde_json::{Value, json};

use super::difference::hunks;
use super::masked;
use super::table::table;
use crate::plan::{Conflict, Data, Effect, Op, Plan, Step};
use crate::text::{Styles, Width, sanitize};

/// Everything about some plans. Machines without a difference are counted, not listed.
pub fn plans(plans: &[Plan], fields: bool, styles: &Styles, width: Width) -> String {
    let mut out = String::new();
    let shown: Vec<_> = plans.iter().filter(|plan| plan.differs() || !plan.notes.is_empty()).collect();
    let rows: Vec<_> = shown.iter().flat_map(|plan| rows(plan, styles)).collect();
    if !rows.is_empty() {
        out.push_str(&table(&["MACHINE", "OBJECT", "OP", "EFFECT"], &rows, styles, width));
    }
    let disks: Vec<_> = shown.iter().flat_map(|plan| disks(plan, styles)).collect();
    if !disks.is_empty() {
        out.push('\n');
        out.push_str(&table(&["MACHINE", "DISK", "CLAIM", "DATA", ""], &disks, styles, width));
    }
    if fields {
        for plan in &shown {
            for step in plan.steps.iter().filter(|step| step.op != Op::Keep) {
                let hunks = hunks(plan, step, styles);
                if !hunks.is_empty() {
                    out.push('\n');
                    out.push_str(&hunks);
                }
            }
        }
    }
    let problems: String = shown.iter().map(|plan| remarks(plan, styles, width)).collect();
    if !problems.is_empty() {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&problems);
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(&summary(plans));
    out
}

/// `3 to create, 1 to update; 2 machines without changes`.
pub fn summary(plans: &[Plan]) -> String {
    let steps = || plans.iter().flat_map(|plan| &plan.steps);
    let mut parts = Vec::new();
    for op in [Op::Create, Op::Update, Op::Adopt, Op::Grow, Op::Delete] {
        let count = steps().filter(|step| step.op == op).count();
        if count > 0 {
            parts.push(format!("{count} to {}", op.as_str()));
        }
    }
    let refused = plans.iter().filter(|plan| !plan.refusals.is_empty()).count();
    if refused > 0 {
        parts.push(format!("{refused} {} refused", if refused == 1 { "machine" } else { "machines" }));
    }
    let same = plans.iter().filter(|plan| !plan.differs()).count();
    let unchanged = match (same, plans.len()) {
        (0, _) => None,
        (1, 1) => Some("no changes".to_owned()),
        (1, _) => Some("1 machine without changes".to_owned()),
        (count, _) => Some(format!("{count} machines without changes")),
    };
    parts.extend(unchanged);
    format!("{}\n", parts.join(", "))
}

fn machine(plan: &Plan) -> String {
    format!("{}/{}", plan.namespace, plan.name)
}

fn rows(plan: &Plan, styles: &Styles) -> Vec<Vec<(String, Style)>> {
    let normal = Style::new();
    let steps = plan.steps.iter().filter(|step| step.op != Op::Keep);
    steps
        .map(|step| {
            let style = match step.op {
                Op::Create => styles.added,
                Op::Delete => styles.removed,
                Op::Update | Op::Adopt | Op::Grow => styles.warning,
                Op::Keep => normal,
            };
            let (effect, effect_style) = effect(step, styles);
            vec![
                (machine(plan), normal),
                (format!("{}/{}", step.kind, step.name), styles.strong),
                (step.op.as_str().to_owned(), style),
                (effect, effect_style),
            ]
        })
        .collect()
}

/// The effects of a step, the gravest first, each once, with the fields that have it.
fn effect(step: &Step, styles: &Styles) -> (String, Style) {
    if step.op == Op::Create || step.op == Op::Delete {
        return (String::new(), Style::new());
    }
    let mut effects: Vec<_> = step.changes.iter().map(|(_, effect)| *effect).collect();
    effects.sort_unstable();
    effects.dedup();
    let style = match effects.last() {
        Some(Effect::Detaches | Effect::OtherDisk | Effect::Stops) => styles.error,
        Some(Effect::NextRestart | Effect::FirstBoot) => styles.warning,
        _ => Style::new(),
    };
    let words: Vec<_> = effects
        .iter()
        .rev()
        .map(|effect| {
            let fields = step.changes.iter().filter(|(_, own)| own == effect).map(|(change, _)| short(&change.field));
            let fields: Vec<_> = fields.collect();
            let more = fields.len().saturating_sub(3);
            let listed = fields.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{}: {listed}{rest}", effect.as_str())
        })
        .collect();
    (words.join("; "), style)
}

/// The end of a field's path, which says enough: `cpu.sockets`, `disks[data]`.
fn short(field: &str) -> String {
    let field = field.strip_prefix("spec.template.spec.").or_else(|| field.strip_prefix("spec.")).unwrap_or(field);
    field.strip_prefix("domain.").map_or(field, |rest| rest.strip_prefix("devices.").unwrap_or(rest)).to_owned()
}

fn disks(plan: &Plan, styles: &Styles) -> Vec<Vec<(String, Style)>> {
    let normal = Style::new();
    let listed = plan.disks.iter().filter(|_| plan.differs());
    listed
        .map(|disk| {
            let style = match disk.data {
                Data::Keep => styles.help,
                Data::Create => styles.added,
                Data::Grow => styles.warning,
                Data::Detach => styles.error,
            };
            vec![
                (machine(plan), normal),
                (disk.disk.clone(), styles.strong),
                (disk.claim.clone(), normal),
                (disk.data.as_str().to_owned(), style),
                (disk.detail.clone(), normal),
            ]
        })
        .collect()
}

/// Notes, conflicts and refusals of one machine.
pub fn remarks(plan: &Plan, styles: &Styles, width: Width) -> String {
    let mut out = String::new();
    for note in &plan.notes {
        let line = format!("{}: {}: {}", machine(plan), note.object, note.text);
        out.push_str(&format!("{} {}\n", "note:".style(styles.name), sanitize(&line)));
    }
    if !plan.conflicts.is_empty() {
        out.push_str(&conflicts(plan, styles, width));
    }
    for refusal in &plan.refusals {
        let line = format!("{}: {}: {}", machine(plan), refusal.object, refusal.reason);
        out.push_str(&format!("{} {}\n", "refused:".style(styles.error), sanitize(&line)));
        out.push_str(&format!("  {} {}\n", "help:".style(styles.help), sanitize(&refusal.help)));
    }
    out
}

/// Fields of other managers, and the ways out.
fn conflicts(plan: &Plan, styles: &Styles, width: Width) -> String {
    let normal = Style::new();
    let rows: Vec<_> = plan
        .conflicts
        .iter()
        .map(|conflict| {
            let kind = conflict.object.split('/').next().unwrap_or_default();
            let (theirs, ours) = masked::field(kind, &conflict.field, Some(&conflict.theirs), conflict.ours.as_ref());
            vec![
                (conflict.object.clone(), normal),
                (conflict.manager.clone(), styles.warning),
                (short(&conflict.field), styles.strong),
                (theirs.to_string(), normal),
                (ours.to_string(), normal),
            ]
        })
        .collect();
    let head = format!("{} fields of other managers are in the way\n", "conflict:".style(styles.error));
    let help = "write their value into the file, or take the fields with --force-conflicts";
    format!(
        "{head}{}  {} {help}\n",
        table(&["OBJECT", "MANAGER", "FIELD", "THEIRS", "OURS"], &rows, styles, width),
        "help:".style(styles.help)
    )
}

/// A plan for programs.
pub fn plan_json(plan: &Plan) -> Value {
    let steps: Vec<_> = plan
        .steps
        .iter()
        .map(|step| {
            let changes: Vec<_> = step
                .changes
                .iter()
                .map(|(change, effect)| {
                    let (before, after) =
                        masked::field(&step.kind, &change.field, change.before.as_ref(), change.after.as_ref());
                    json!({"field": change.field, "before": before, "after": after, "effect": effect.as_str()})
                })
                .collect();
            json!({
                "apiVersion": step.api_version, "kind": step.kind, "name": step.name, "op": step.op.as_str(),
                "changes": changes,
            })
        })
        .collect();
    let conflict = |conflict: &Conflict| {
        let kind = conflict.object.split('/').next().unwrap_or_default();
        let (theirs, ours) = masked::field(kind, &conflict.field, Some(&conflict.theirs), conflict.ours.as_ref());
        json!({
            "object": conflict.object, "manager": conflict.manager, "field": conflict.field,
            "theirs": theirs, "ours": ours,
        })
    };
    json!({
        "name": plan.name,
        "namespace": plan.namespace,
        "differs": plan.differs(),
        "steps": steps,
        "disks": plan.disks.iter().map(|disk| json!({
            "disk": disk.disk, "claim": disk.claim, "data": disk.data.as_str(), "detail": disk.detail,
        })).collect::<Vec<_>>(),
        "conflicts": plan.conflicts.iter().map(conflict).collect::<Vec<_>>(),
        "refusals": plan.refusals.iter().map(|refusal| json!({
            "object": refusal.object, "reason": refusal.reason, "help": refusal.help,
        })).collect::<Vec<_>>(),
        "notes": plan.notes.iter().map(|note| json!({"object": note.object, "text": note.text})).collect::<Vec<_>>(),
    })
}
