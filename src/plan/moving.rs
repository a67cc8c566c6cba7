//! Moves of a machine's disks: while one is under way nothing else changes the machine, and a disk that has moved is not
//! taken back by a file that does not know of it.

use serde_json::Value;

use super::Refusal;
use crate::facts::{Facts, Journey, Way, path};
use crate::text::{command_line, word};

/// Where the content of a claim went: the name of the claim that its disk moved to.
pub const MOVED_TO: &str = "vm.novasphere.dev/moved-to";

/// Refuses what would meet a move of disks half-way.
pub(super) fn under_way(name: &str, namespace: &str, vm: &str, facts: &Facts) -> Option<Refusal> {
    let refuse = |reason: String, help: String| Refusal { object: format!("VirtualMachine/{vm}"), reason, help };
    match Journey::of(facts, namespace, vm) {
        Ok(Some(journey)) if journey.is_open() && journey.way != Way::NodeLive => Some(refuse(
            format!("a move ({}) is under way: {}", journey.way.name(), journey.stage),
            format!("`{}` ends it, --abort takes it back", command_line("migrate", &[name], namespace, "--continue")),
        )),
        Ok(_) => None,
        Err(unusable) => Some(refuse(
            format!("the record of its last move cannot be used: {}", unusable.0),
            format!("`kubectl get configmap {} -n {namespace} -o yaml` shows it", Journey::name(vm)),
        )),
    }
}

/// What to do about a file that names what a move left.
pub(super) fn left_help(to: &str, wukong: &str, namespace: &str, claim: &str) -> String {
    format!(
        "name {to} in the file instead; what was left goes with `{}`, and is used again after `kubectl annotate pvc {claim} -n {namespace} {MOVED_TO}-`",
        command_line("migrate", &[wukong], namespace, "--cleanup")
    )
}

/// The command that moves a disk to another class.
pub(crate) fn to_class(machine: &str, disk: &str, namespace: &str, class: &str) -> String {
    let flags = format!("--disk {} --to-storage-class {}", word(disk), word(class));
    command_line("migrate", &[machine], namespace, &flags)
}

/// The claim to which the disk of this claim has moved.
pub(crate) fn moved_to(claim: &Value) -> Option<&str> {
    path(claim, &["metadata", "annotations", MOVED_TO]).and_then(Value::as_str)
}
