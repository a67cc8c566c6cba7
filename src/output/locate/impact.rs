//! What an event does to a fleet.

use owo_colors::{OwoColorize as _, Style};
use serde_json::{Value, json};

use super::super::table::table;
use super::sign;
use crate::locate::{Effect, Fate, Impact, Located, What};
use crate::text::{Styles, Width, sanitize, wrap};

/// The machines that an event touches, the worst first, and how many it does not.
pub fn impacts(what: &What, all: &[(&Located, Impact)], styles: &Styles, width: Width) -> String {
    let mut touched: Vec<_> = all.iter().filter(|(_, impact)| shown(impact)).collect();
    touched.sort_by_key(|(_, impact)| impact.effect);
    let plain = Style::new();
    let rows: Vec<_> = touched
        .iter()
        .map(|(machine, impact)| {
            let style = match impact.effect {
                Effect::Loses => styles.error,
                Effect::Unknown | Effect::Recoverable | Effect::Down | Effect::Moves => styles.warning,
                Effect::Gone | Effect::Unaffected => styles.help,
            };
            let disks: Vec<_> =
                impact.disks.iter().map(|(name, fate, _, _)| format!("{name} {}", fate.word())).collect();
            let dash = || "-".to_owned();
            vec![
                (name(machine), plain),
                (impact.effect.word().to_owned(), style),
                (if disks.is_empty() { dash() } else { disks.join(", ") }, plain),
                (if impact.note.is_empty() { dash() } else { impact.note.clone() }, plain),
            ]
        })
        .collect();
    let mut out = format!("{}\n\n", sanitize(&format!("If {}:", what.clause())).style(styles.strong));
    if !rows.is_empty() {
        out.push_str(&table(&["MACHINE", "EFFECT", "DISKS", "NOTE"], &rows, styles, width));
    }
    for (machine, impact) in &touched {
        for (disk, fate, why, steps) in &impact.disks {
            // What is kept needs no explanation in a list of what is not.
            if *fate == Fate::Kept && touched.len() > 1 {
                continue;
            }
            let (sign, style) = sign(*fate, styles);
            let text = format!("{} disk {disk} {}: {why}", name(machine), fate.word());
            for (at, line) in wrap(&sanitize(&text), width.cells().max(40) - 2, 0).lines().enumerate() {
                let lead = if at == 0 { format!("\n{}", sign.style(style)) } else { " ".to_owned() };
                out.push_str(&format!("{lead} {line}\n"));
            }
            for step in steps {
                out.push_str(&format!("    {}\n", sanitize(step).style(styles.name)));
            }
        }
    }
    if !rows.is_empty() {
        out.push('\n');
    }
    out + &sum(all)
}

/// Whether an event touches a machine, so that it has a line.
fn shown(impact: &Impact) -> bool {
    impact.effect != Effect::Unaffected || !impact.note.is_empty()
}

fn name(machine: &Located) -> String {
    format!("{}/{}", machine.subject.namespace, machine.subject.shown())
}

fn sum(all: &[(&Located, Impact)]) -> String {
    let effects = [
        Effect::Loses,
        Effect::Unknown,
        Effect::Recoverable,
        Effect::Down,
        Effect::Moves,
        Effect::Gone,
        Effect::Unaffected,
    ];
    let counted = effects.iter().filter_map(|effect| {
        let count = all.iter().filter(|(_, impact)| impact.effect == *effect).count();
        (count > 0).then(|| effect.of(count))
    });
    let counted: Vec<_> = counted.collect();
    let machines = if all.len() == 1 { "machine" } else { "machines" };
    format!("{} {machines}: {}\n", all.len(), counted.join(", "))
}

/// The same for programs.
pub fn impacts_json(what: &What, all: &[(&Located, Impact)]) -> Value {
    let machine = |(machine, impact): &(&Located, Impact)| {
        json!({
            "namespace": machine.subject.namespace,
            "wukong": machine.subject.wukong,
            "virtualMachine": machine.subject.vm,
            "effect": impact.effect.word(),
            "note": impact.note,
            "disks": impact.disks.iter().map(|(name, fate, why, steps)| json!({
                "name": name, "fate": fate.word(), "why": why, "steps": steps,
            })).collect::<Vec<_>>(),
        })
    };
    json!({"event": what.clause(), "items": all.iter().map(machine).collect::<Vec<_>>()})
}
