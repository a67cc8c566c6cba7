//! What speaks against a stage, as checks.

use super::{Area, Check, Checks, State};
use crate::advice::{Asked, Weight, of_cluster};
use crate::facts::Facts;

/// What speaks against the stage that is asked about; nothing of it is broken. The facts hold machines with their disks
/// too.
pub fn at_stage(facts: &Facts, asked: &Asked<'_>) -> Vec<Check> {
    let advice = of_cluster(facts, asked);
    let mut checks = Checks { area: Area::Stage(asked.stage), found: Vec::new() };
    for finding in advice.findings {
        let state = match finding.weight {
            Weight::Silent => continue,
            Weight::Note => State::Note,
            Weight::Warning => State::Warning,
        };
        checks.found.push(Check {
            area: checks.area,
            state,
            message: finding.what,
            breaks: finding.rule.why().to_owned(),
            mend: finding.way,
            rule: Some(finding.rule),
        });
    }
    advice.unknown.iter().for_each(|(what, reason)| checks.unknown(what, reason));
    advice.fine.into_iter().for_each(|fine| checks.ok(fine));
    checks.found
}
