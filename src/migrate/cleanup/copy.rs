//! Whether a machine has its disk elsewhere: what a move left may be the last copy of it.

use serde_json::Value;

use crate::facts::{Facts, Journey, Kept, claim_of, is_going, kind, text, volumes};
use crate::plan::{MOVED_TO, moved_to};

/// A claim goes only while the disk that it held is whole on another one, and nobody has taken it into use again.
///
/// # Errors
/// Why it must stay, and what helps.
pub(super) fn elsewhere(
    journey: &Journey,
    kept: &Kept,
    claim: Option<&Value>,
    facts: &Facts,
    namespace: &str,
) -> Result<(), (String, String)> {
    let by_hand = format!("if nobody needs it: kubectl delete pvc {} -n {namespace}", kept.claim);
    // Before a machine uses it again, a person takes this away.
    if !kept.to.is_empty() && claim.is_some_and(|claim| moved_to(claim) != Some(&kept.to)) {
        let reason = format!("it was taken into use again after the move: it has no annotation {MOVED_TO}={}", kept.to);
        return Err((reason, by_hand));
    }
    let last = |why: String| Err((format!("it may be the last copy of disk {}: {why}", kept.disk), by_hand.clone()));
    let Some(machine) = facts.get(kind::MACHINE, namespace, &journey.vm) else {
        return last(format!("there is no VirtualMachine {}", journey.vm));
    };
    let volume = volumes(machine).iter().find(|volume| volume["name"] == kept.disk);
    let Some(now) = volume.and_then(claim_of) else {
        return last(format!("{} has it on no claim now", journey.vm));
    };
    match facts.get(kind::CLAIM, namespace, now) {
        None => last(format!("{} has it on {now}, which is gone", journey.vm)),
        Some(found) if is_going(found) => last(format!("{} has it on {now}, which is being deleted", journey.vm)),
        Some(found) => match text(found, "/status/phase") {
            Some("Bound") => Ok(()),
            phase => last(format!("{} has it on {now}, which is {}", journey.vm, phase.unwrap_or("in no phase yet"))),
        },
    }
}
