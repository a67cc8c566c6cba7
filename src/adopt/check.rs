//! What applying the file would still do. Nothing is guessed: the file is read, and the plan is asked.

use serde_json::Value;

use super::{Adoption, Difference, probe};
use crate::diagnostic::Severity;
use crate::facts::Facts;
use crate::machine::Options;
use crate::plan::{self, Change, Op, Plan, Wishes};
use crate::render::{Kind, render};
use crate::text::{is_secret_key, redact, sanitize};

/// Adds what is in the way. Gives the VirtualMachine that the file renders, if it can be read.
pub(super) fn check(adoption: &mut Adoption, facts: &Facts) -> Option<Value> {
    let loaded = probe::read(&adoption.file);
    for problem in loaded.report.problems() {
        if problem.severity() == Severity::Error {
            let help = problem.help.clone().unwrap_or_else(|| "change the machine, then try again".to_owned());
            adoption.obstacle("the file", sanitize(&problem.message).into_owned(), sanitize(&help).into_owned());
        }
    }
    let machine = loaded.machines.first()?;
    let options = Options::default();
    let plan = plan::compare(machine, &options, facts, Wishes { adopt: true, ..Wishes::default() });
    in_the_way(adoption, &plan);
    render(machine, &options).into_iter().find(|made| made.kind == Kind::VirtualMachine).map(|made| made.object)
}

fn in_the_way(adoption: &mut Adoption, plan: &Plan) {
    for refusal in &plan.refusals {
        let clean = |text: &str| sanitize(&redact(text)).into_owned();
        adoption.obstacle(&clean(&refusal.object), clean(&refusal.reason), clean(&refusal.help));
    }
    for step in &plan.steps {
        let object = sanitize(&format!("{}/{}", step.kind, step.name)).into_owned();
        match step.op {
            Op::Keep => {}
            Op::Update | Op::Adopt => {
                for (change, _) in step.changes.iter().filter(|(change, _)| !is_mark(change)) {
                    differs(adoption, &object, change);
                }
            }
            Op::Create | Op::Grow | Op::Delete => {
                let verb = step.op.as_str();
                let reason = format!("applying the file would {verb} it");
                adoption.obstacle(
                    &object,
                    reason,
                    "do not apply the file; this machine cannot be taken over as it is".into(),
                );
                adoption.differences.push(Difference { object, field: verb.to_owned(), before: None, after: None });
            }
        }
    }
}

/// Whether a plan takes a machine over and changes nothing of it but the marks of this tool.
pub fn changes_nothing(plan: &Plan) -> bool {
    let quiet = plan
        .steps
        .iter()
        .all(|step| matches!(step.op, Op::Adopt | Op::Keep) && step.changes.iter().all(|(change, _)| is_mark(change)));
    quiet && plan.refusals.is_empty() && plan.conflicts.is_empty() && plan.questions.is_empty()
}

/// A label or an annotation that is new.
fn is_mark(change: &Change) -> bool {
    change.before.is_none()
        && ["metadata.labels", "metadata.annotations"]
            .iter()
            .any(|part| change.field.strip_prefix("spec.template.").unwrap_or(&change.field).starts_with(part))
}

fn differs(adoption: &mut Adoption, object: &str, change: &Change) {
    let field = sanitize(&change.field).into_owned();
    let (before, after) = (shown(&field, change.before.as_ref()), shown(&field, change.after.as_ref()));
    let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    let reason = format!("it is {}, and the file would make it {}", word(&before), word(&after));
    adoption.obstacle(&field, reason, help(&field).to_owned());
    adoption.differences.push(Difference { object: object.to_owned(), field, before, after });
}

/// A scalar as it is; what holds more than one value, or a secret, only by its kind.
fn shown(field: &str, value: Option<&Value>) -> Option<String> {
    let last = field.rsplit(['.', '[']).next().unwrap_or_default().trim_end_matches(']');
    value.map(|value| match value {
        _ if is_secret_key(last) => "a secret value".to_owned(),
        Value::Object(fields) if fields.is_empty() => "set".to_owned(),
        Value::Object(_) => "set otherwise".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::String(text) => sanitize(&redact(text)).chars().take(80).collect(),
        scalar => scalar.to_string(),
    })
}

/// The way out of a field that would change.
fn help(field: &str) -> &'static str {
    let within = |part: &str| field.contains(part);
    if within(".cpu") || within(".memory") {
        "the guest's size is decided elsewhere; write it into the machine itself first: `virtctl expand` shows a machine without its instance type"
    } else if within("disks[") {
        "a Wukong's disks are virtio. Change the bus of the machine's disk first (Windows needs the virtio drivers before), or take the disk out of the file: it then stays as it is"
    } else if within("interfaces") || within("networks") {
        "a Wukong's pod network is called `default` and is connected by masquerade; other cards are bridge or sriov. Write the card into the machine like this first; it takes effect at the next restart"
    } else if within("volumes[") {
        "take the disk out of the file: it then stays as it is"
    } else if within("firmware.uuid") {
        "write the UUID that the guest has into the machine first"
    } else {
        "change the machine first, or leave it without a file"
    }
}
