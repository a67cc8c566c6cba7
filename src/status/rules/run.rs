//! Machines that are paused, crash, or end, and those that a person stopped.

use serde_json::Value;

use crate::facts::{is_going, text};
use crate::plan::Goal;
use crate::status::cause::Causes;
use crate::status::look::Look;
use crate::status::time::{duration, seconds, since};
use crate::text::redact;

/// How much longer than its grace period a machine may take to stop.
const PATIENCE: i64 = 60;

pub(super) fn rule(look: &Look<'_>, causes: &mut Causes) {
    paused(look, causes);
    crashes(look, causes);
    stopping(look, causes);
    stopped(look, causes);
}

fn paused(look: &Look<'_>, causes: &mut Causes) {
    let Some((true, reason, message)) = look.instance_condition("Paused") else { return };
    let unpause = format!("virtctl unpause vm {} -n {}", look.name, look.namespace);
    if reason == "PausedIOError" || message.to_lowercase().contains("i/o error") {
        let text = "it is paused, because a disk could not be written: its storage is full or gone".to_owned();
        let next = format!(
            "free space on the storage or expand the disk (where-is-my-data tells where it lies), then: {unpause}"
        );
        causes.broken("paused-io-error", "", text, next);
    } else if reason == "PausedByUser" {
        causes.waiting("paused", "", "a person paused it".to_owned(), unpause);
    } else {
        causes.waiting("paused", "", format!("it is paused: {}", redact(message)), String::new());
    }
}

fn crashes(look: &Look<'_>, causes: &mut Causes) {
    let failure = look.vm.pointer("/status/startFailure").filter(|failure| failure.is_object());
    if let Some(failure) = failure.filter(|_| !look.runs() && look.goal != Goal::Off) {
        let count = failure["consecutiveFailCount"].as_u64().unwrap_or(1);
        let again = text(failure, "/retryAfterTimestamp").and_then(seconds).map(|at| at.saturating_sub(look.now));
        let again = again.filter(|left| *left > 0).map(|left| format!("; the next try is in {}", duration(left)));
        let text = format!("it failed to start {count} times in a row{}", again.unwrap_or_default());
        let next = format!("look at what it says: {}", super::launch::logs(look));
        return causes.broken("crash-loop", "", text, next);
    }
    let ended = look.facts.get(crate::facts::kind::INSTANCE, look.namespace, look.name);
    if ended.is_some_and(|ended| text(ended, "/status/phase") == Some("Failed")) && look.goal != Goal::Off {
        let again = matches!(text(look.vm, "/spec/runStrategy"), Some("Always" | "RerunOnFailure"));
        let (text, next) = if again {
            let next = format!("look at what it says: virtctl console {} -n {}", look.name, look.namespace);
            ("the guest crashed; KubeVirt starts it again", next)
        } else {
            ("the guest crashed", look.command("start", ""))
        };
        causes.broken("crashed", "", text.to_owned(), next);
    }
}

/// A machine that takes longer to stop than it was given.
fn stopping(look: &Look<'_>, causes: &mut Causes) {
    let Some(instance) = look.instance.filter(|instance| is_going(instance)) else { return };
    let given = instance.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(30);
    let age = since(instance, "/metadata/deletionTimestamp", look.now).unwrap_or_default();
    let text = format!("it is stopping since {}", duration(age));
    if age > given.saturating_add(PATIENCE) {
        // Where the node is silent the guest may still run there, and write.
        let next = if causes.has("node-lost") || causes.has("node-gone") {
            "its node comes first: the guest may still run there".to_owned()
        } else {
            format!("virtctl stop {} -n {} --force --grace-period 0 cuts its power", look.name, look.namespace)
        };
        causes.broken("stop-stuck", "", text, next);
    } else {
        causes.waiting("stopping", "", text, String::new());
    }
}

/// A person stopped what the file lets run: that is fine, and worth knowing.
fn stopped(look: &Look<'_>, causes: &mut Causes) {
    let file = look.record.and_then(|record| record.run_strategy.as_deref());
    let live = text(look.vm, "/spec/runStrategy");
    if let (Some(file @ ("Always" | "RerunOnFailure" | "Once")), Some("Halted")) = (file, live) {
        let text = format!("a person stopped it; the file says {}", redact(file));
        causes.note("stopped-by-person", "", text, look.command("start", ""));
    }
}
