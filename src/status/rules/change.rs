//! What the running guest does not have yet.

use serde_json::Value;

use crate::facts::condition;
use crate::status::cause::Causes;
use crate::status::look::Look;
use crate::text::redact;

pub(super) fn rule(look: &Look<'_>, causes: &mut Causes) {
    let holds = |name| condition(look.vm, name).filter(|(holds, _, _)| *holds);
    if let Some((_, _, message)) = holds("ManualRecoveryRequired") {
        let text = format!("moving its disks ended half-way: {}", redact(message));
        let next = format!("do not start it by hand: {}", look.command("migrate", "--abort"));
        causes.broken("recovery-required", "", text, next);
    }
    if look.instance.is_none() {
        return;
    }
    let restart = look.command("restart", "");
    if let Some((_, _, message)) = holds("RestartRequired") {
        let why = if message.is_empty() { "KubeVirt gives no reason".to_owned() } else { redact(message) };
        causes.waiting("restart-required", "", format!("a change waits for the next restart: {why}"), restart);
        return;
    }
    let generation = |name: &str| look.vm.pointer(&format!("/status/{name}")).and_then(Value::as_i64);
    if let (Some(runs), Some(wanted)) = (generation("observedGeneration"), generation("desiredGeneration"))
        && runs < wanted
    {
        let text =
            format!("the guest was started with generation {runs} of its specification, which is now at {wanted}");
        causes.note("spec-newer", "", text, format!("what is not live takes effect with: {restart}"));
    }
}
