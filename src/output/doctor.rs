//! Whether a cluster is fit, for people: what was looked at, in groups, with what breaks and how to mend it.

use owo_colors::{OwoColorize as _, Style};
use serde_json::{Value, json};

use crate::advice::Stage;
use crate::doctor::{Area, Check, State};
use crate::text::{Styles, sanitize, wrap};

/// All checks under the names of their groups, and how many there are of each state.
pub fn checks(all: &[Check], styles: &Styles, width: usize) -> String {
    let mut out = String::new();
    let (mut area, mut last) = (None, "");
    for check in all {
        if area != Some(check.area) {
            let gap = if area.is_some() { "\n" } else { "" };
            out.push_str(&format!("{gap}{}\n", title(check.area).style(styles.strong)));
            area = Some(check.area);
        }
        // One way out of several evils is told once.
        let again = matches!(check.area, Area::Stage(_)) && check.mend == last;
        let mend = if again && !check.mend.is_empty() { "as above" } else { &check.mend };
        out.push_str(&lines(check, mend, styles, width));
        last = &check.mend;
    }
    out.push_str(&format!("\n{}\n", summary(all)));
    out
}

const fn title(area: Area) -> &'static str {
    match area {
        Area::Versions => "Versions",
        Area::Kinds => "Kinds",
        Area::Storage => "Storage",
        Area::Settings => "Settings of KubeVirt and CDI",
        Area::Nodes => "Nodes",
        Area::Rights => "Your rights",
        Area::Stage(Stage::Development) => "Fit for development",
        Area::Stage(Stage::PreProduction) => "Fit for pre-production",
        Area::Stage(Stage::Production) => "Fit for production",
    }
}

/// `! no StorageClass is the default`, what breaks, and how to mend it.
fn lines(check: &Check, mend: &str, styles: &Styles, width: usize) -> String {
    let (sign, style) = match check.state {
        State::Ok => ("✓", styles.help),
        State::Note => ("·", styles.frame),
        State::Warning => ("!", styles.warning),
        State::Broken => ("✗", styles.error),
        State::Unknown => ("?", styles.warning),
    };
    let mut out = String::new();
    let mut write = |sign: &str, style: Style, text: &str, indent: usize| {
        let text = sanitize(text);
        for (at, line) in wrap(&text, width.max(40) - indent - 2, 0).lines().enumerate() {
            // A sign of its own colour, and none where the text goes on.
            let sign = if at == 0 { sign } else { " " };
            let line = format!("{:indent$}{} {line}", "", sign.style(style));
            out.push_str(&format!("{}\n", line.trim_end()));
        }
    };
    write(sign, style, &check.message, 2);
    if !check.breaks.is_empty() {
        write(" ", Style::new(), &check.breaks, 2);
    }
    if !mend.is_empty() {
        write("→", styles.help, mend, 4);
    }
    out
}

/// `1 broken, 2 warnings, 14 fine`.
fn summary(all: &[Check]) -> String {
    let count = |state| all.iter().filter(|check| check.state == state).count();
    let words = [
        (State::Broken, "broken", "broken"),
        (State::Warning, "warning", "warnings"),
        (State::Unknown, "not known", "not known"),
        (State::Note, "note", "notes"),
        (State::Ok, "fine", "fine"),
    ];
    let parts = words.into_iter().filter_map(|(state, one, many)| match count(state) {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// The same for programs.
pub fn doctor_json(all: &[Check], namespace: &str) -> Value {
    json!({
        "apiVersion": "vm.novasphere.dev/v1alpha1",
        "kind": "Doctor",
        "namespace": namespace,
        "healthy": all.iter().all(|check| check.state != State::Broken),
        "checks": all.iter().map(one).collect::<Vec<_>>(),
    })
}

fn one(check: &Check) -> Value {
    let mut one = json!({
        "area": check.area.word(), "state": check.state.word(), "message": check.message, "breaks": check.breaks,
        "mend": check.mend,
    });
    if let Area::Stage(stage) = check.area {
        one["stage"] = json!(stage.word());
    }
    if let Some(rule) = check.rule {
        one["rule"] = json!(rule.word());
    }
    one
}
