//! The versions that the tool is made for.

use super::{Checks, Server};
use crate::facts::{Facts, kind, text};
use crate::plan::{numbers, version};

/// A component, the oldest version that is supported, and those that the tests run with.
struct Made {
    name: &'static str,
    oldest: (u32, u32),
    tested: &'static [(u32, u32)],
}

const KUBERNETES: Made = Made { name: "Kubernetes", oldest: (1, 31), tested: &[(1, 34), (1, 36)] };
const KUBEVIRT: Made = Made { name: "KubeVirt", oldest: (1, 4), tested: &[(1, 5), (1, 8)] };
const CDI: Made = Made { name: "CDI", oldest: (1, 58), tested: &[(1, 61)] };

pub(super) fn look(facts: &Facts, server: &Server, checks: &mut Checks) {
    match &server.kubernetes {
        Ok(numbers) => KUBERNETES.judge(*numbers, &shown(*numbers), checks),
        Err(reason) => checks.unknown("the version of Kubernetes", reason),
    }
    // What is not installed is told with its kinds.
    if !server.lacks(kind::MACHINE) && checks.were_read("the version of KubeVirt", kind::KUBEVIRT, facts) {
        let found = facts.all_of(kind::KUBEVIRT).next();
        match found.and_then(version) {
            Some((numbers, name)) => KUBEVIRT.judge(numbers, name, checks),
            None => KUBEVIRT.missing(found.and_then(|found| text(found, "/status/phase")), checks),
        }
    }
    if !server.lacks(kind::DATA_VOLUME) && checks.were_read("the version of CDI", kind::CDI, facts) {
        let found = facts.all_of(kind::CDI).next();
        let name = found.and_then(|found| text(found, "/status/observedVersion"));
        match name.and_then(|name| Some((numbers(name)?, name))) {
            Some((numbers, name)) => CDI.judge(numbers, name, checks),
            None => CDI.missing(found.and_then(|found| text(found, "/status/phase")), checks),
        }
    }
}

fn shown((major, minor): (u32, u32)) -> String {
    format!("{major}.{minor}")
}

impl Made {
    fn judge(&self, numbers: (u32, u32), version: &str, checks: &mut Checks) {
        let name = self.name;
        let tested: Vec<_> = self.tested.iter().map(|tested| shown(*tested)).collect();
        let tested = super::and(&tested.iter().map(String::as_str).collect::<Vec<_>>());
        if numbers < self.oldest {
            let message =
                format!("{name} {version} is too old: {} is the oldest that is supported", shown(self.oldest));
            let breaks = "the tool relies on what this version does not have: changes may be refused or do nothing";
            checks.broken(message, breaks, format!("upgrade {name}, one minor version after the other"));
        } else if self.tested.contains(&numbers) {
            checks.ok(format!("{name} {version}, a version that the tool is tested with"));
        } else {
            let message = format!("{name} {version} is not tested with this tool; {tested} {}", self.verb());
            let newest = self.tested.last().is_some_and(|newest| numbers > *newest);
            if newest {
                let breaks = "what is new there may be read wrongly; `diff` shows what would be done";
                checks.warning(message, breaks, "look for a newer version of the tool".to_owned());
            } else {
                checks.note(message, "", String::new());
            }
        }
    }

    const fn verb(&self) -> &'static str {
        if self.tested.len() == 1 { "is" } else { "are" }
    }

    /// There are kinds, and no version behind them.
    fn missing(&self, phase: Option<&str>, checks: &mut Checks) {
        let name = self.name;
        let (noun, phase) = (name.to_lowercase(), phase.map(|phase| format!(" (phase {phase})")).unwrap_or_default());
        checks.warning(
            format!("{name} does not tell its version{phase}"),
            "it may not be installed completely, and what depends on its version is not known",
            format!("kubectl get {noun} -A -o yaml shows in its conditions what it waits for"),
        );
    }
}
