//! What happens next on a journey: one write, or waiting, or the end. The next step follows from the record and from what
//! the cluster shows, never from what this run remembers: any run can go on where another one was killed.

use serde_json::{Value, json};

use crate::facts::{End, Journey, text};
use crate::plan::Refusal;
use crate::text::command_line;

/// What happens next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// A write, and the record that is written before it.
    Step(Box<Step>),
    /// Nothing can be done but wait: for what, in words.
    Wait(String),
    /// The journey has ended. The record says so with this.
    End(End, Box<Journey>),
    /// It does not go on by itself.
    Stuck(Refusal),
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The record before the write.
    pub journey: Journey,
    /// What is written.
    pub act: Act,
}

/// One write.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// An object is made.
    Create(Value),
    /// Fields of an object become ours, with the values that they have.
    Apply(Value),
    /// A JSON merge patch; the UID and the version in it are conditions.
    Merge {
        /// The kind.
        kind: &'static str,
        /// The name.
        name: String,
        /// The patch.
        patch: Value,
    },
    /// An object is deleted, and what it owns stays.
    Release {
        /// The kind.
        kind: &'static str,
        /// The name.
        name: String,
        /// Only the object with this UID.
        uid: String,
    },
    /// An object is deleted with what it owns.
    Delete {
        /// The kind.
        kind: &'static str,
        /// The name.
        name: String,
        /// Only the object with this UID.
        uid: String,
    },
    /// An object is written over as it was seen.
    Replace(Value),
    /// A machine is started through its subresource.
    Start,
    /// Nothing but the record.
    Note,
}

impl Next {
    /// A step of a journey, in words that say what is done.
    pub(super) fn step(journey: &Journey, stage: impl Into<String>, act: Act) -> Self {
        let journey = Journey { stage: stage.into(), ..journey.clone() };
        Self::Step(Box::new(Step { journey, act }))
    }

    pub(super) fn wait(words: impl Into<String>) -> Self {
        Self::Wait(words.into())
    }

    pub(super) fn stuck(journey: &Journey, reason: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Stuck(Refusal { object: journey.shown(), reason: reason.into(), help: help.into() })
    }

    pub(super) fn end(end: End, journey: Journey) -> Self {
        Self::End(end, Box::new(Journey { end: Some(end), stage: "ended".into(), ..journey }))
    }
}

/// The command that does something with a journey.
pub(super) fn command(journey: &Journey, namespace: &str, flags: &str) -> String {
    command_line("migrate", &[&journey.shown()], namespace, flags)
}

/// The command that takes a journey back.
pub(super) fn abort_command(journey: &Journey, namespace: &str) -> String {
    command(journey, namespace, "--abort")
}

/// A patch of the machine as it was seen.
pub(super) fn patch_machine(vm: &Value, mut patch: Value) -> Act {
    patch["metadata"]["uid"] = vm["metadata"]["uid"].clone();
    patch["metadata"]["resourceVersion"] = vm["metadata"]["resourceVersion"].clone();
    let name = text(vm, "/metadata/name").unwrap_or_default().to_owned();
    Act::Merge { kind: crate::facts::kind::MACHINE, name, patch }
}

/// The fields of a spec that tell the machine not to run.
pub(super) fn halted(vm: &Value) -> Value {
    let old = vm.pointer("/spec/running").is_some_and(Value::is_boolean);
    if old { json!({"running": false}) } else { json!({"runStrategy": "Halted"}) }
}

/// A patch that tells the machine not to run.
pub(super) fn halt(vm: &Value) -> Act {
    patch_machine(vm, json!({"spec": halted(vm)}))
}

/// What the machine's spec says of running.
pub(super) fn run_of(vm: &Value) -> Value {
    match vm.pointer("/spec/running") {
        Some(running) if running.is_boolean() => json!({"running": running}),
        _ => json!({"runStrategy": vm.pointer("/spec/runStrategy").cloned().unwrap_or_else(|| json!("Halted"))}),
    }
}

/// Whether a machine is told not to run.
pub(super) fn is_halted(vm: &Value) -> bool {
    text(vm, "/spec/runStrategy") == Some("Halted") || vm.pointer("/spec/running") == Some(&Value::Bool(false))
}
