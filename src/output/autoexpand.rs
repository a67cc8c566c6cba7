//! Disks that grow by themselves, with what is decided about each.

use owo_colors::Style;
use serde_json::{Value, json};

use super::table;
use crate::autoexpand::{Decision, Outcome};
use crate::plan::readable;
use crate::text::{Styles, Width};

/// One line for each disk. Empty if there is none.
pub fn decisions(all: &[Decision], styles: &Styles, width: Width) -> String {
    if all.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = all.iter().map(|decision| row(decision, styles)).collect();
    table(&["MACHINE", "DISK", "CLAIM", "MAX", "USED", "DECISION"], &rows, styles, width)
}

fn row(decision: &Decision, styles: &Styles) -> Vec<(String, Style)> {
    let plain = |text: String| (text, Style::new());
    let used = decision.file_system.as_ref().map_or_else(
        || "-".to_owned(),
        |system| {
            let percent = u128::from(system.used) * 100 / u128::from(system.total.max(1));
            format!("{percent} % of {} {}", readable(system.total), system.mount)
        },
    );
    let (word, style) = match &decision.outcome {
        Outcome::Grows(to, step) => (format!("grows to {to} (claim {})", asked(&step.body)), styles.added),
        Outcome::Stays(why) => (format!("stays: {why}"), Style::new()),
        Outcome::Unknown(why) | Outcome::Unread(why) => (format!("not known: {why}"), styles.warning),
        Outcome::Refused(why, _) => (format!("refused: {why}"), styles.error),
    };
    vec![
        (format!("{}/{}", decision.namespace, decision.machine), styles.strong),
        plain(decision.disk.clone()),
        plain(decision.size.clone()),
        plain(decision.max.clone().unwrap_or_else(|| "-".into())),
        plain(used),
        (word, style),
    ]
}

fn asked(body: &Value) -> &str {
    body["spec"]["resources"]["requests"]["storage"].as_str().unwrap_or("?")
}

/// The same for programs: a list of objects with `decision` `grows`, `stays`, `unknown` or `refused`; sizes of the guest's
/// file system in bytes.
pub fn decisions_json(all: &[Decision]) -> Value {
    let items = all.iter().map(|decision| {
        let mut item = json!({
            "namespace": decision.namespace, "machine": decision.machine, "disk": decision.disk,
            "claim": decision.claim, "size": decision.size,
        });
        if let Some(max) = &decision.max {
            item["maxSize"] = json!(max);
        }
        if let Some(system) = &decision.file_system {
            item["fileSystem"] =
                json!({"mountPoint": system.mount, "usedBytes": system.used, "totalBytes": system.total});
        }
        let (word, reason) = match &decision.outcome {
            Outcome::Grows(to, step) => {
                item["to"] = json!(to);
                item["claimTo"] = json!(asked(&step.body));
                ("grows", None)
            }
            Outcome::Stays(why) => ("stays", Some(why)),
            Outcome::Unknown(why) | Outcome::Unread(why) => ("unknown", Some(why)),
            Outcome::Refused(why, help) => {
                item["help"] = json!(help);
                ("refused", Some(why))
            }
        };
        item["decision"] = json!(word);
        if let Some(reason) = reason {
            item["reason"] = json!(reason);
        }
        item
    });
    json!({"items": items.collect::<Vec<_>>()})
}
