//! The guest itself, as far as it can be seen from outside.

use crate::facts::condition;
use crate::status::cause::Causes;
use crate::status::look::Look;
use crate::text::redact;

pub(super) fn rule(look: &Look<'_>, causes: &mut Causes) {
    if !look.runs() {
        return;
    }
    let paused = look.instance_condition("Paused").is_some_and(|(holds, _, _)| holds);
    if let Some((false, reason, message)) = look.instance_condition("Ready").filter(|_| !paused) {
        let why = if message.is_empty() { reason } else { message };
        causes.waiting("not-ready", "", format!("it runs, but is not ready: {}", redact(why)), String::new());
    }
    let failure = condition(look.vm, "Failure").filter(|(holds, _, _)| *holds);
    let synchronized = look.instance_condition("Synchronized").filter(|(holds, _, _)| !holds);
    if let Some((_, reason, message)) = synchronized.or(failure) {
        let why = if message.is_empty() { reason } else { message };
        let next = format!("kubectl describe vmi -n {} {}", look.namespace, look.name);
        causes.broken("not-synchronized", "", format!("KubeVirt cannot bring it up to date: {}", redact(why)), next);
    }
    if let Some((true, _, message)) = look.instance_condition("AgentVersionNotSupported") {
        let text = format!("its guest agent is not supported: {}", redact(message));
        causes.note("agent-unsupported", "", text, "update qemu-guest-agent in the guest".to_owned());
    } else if look.instance_condition("AgentConnected").is_none_or(|(holds, _, _)| !holds) {
        let text = "no guest agent answers: addresses and file systems of the guest are not known".to_owned();
        causes.note("agent-absent", "", text, "install and start qemu-guest-agent in the guest".to_owned());
    }
}
