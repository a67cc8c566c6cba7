//! Who still needs a claim that a move left: who has it mounted, who copies from it, and what was taken of it.

use serde_json::Value;

use super::copy::elsewhere;
use super::is_owner;
use crate::facts::{Facts, Journey, Kept, claim_of, has_ended, kind, text, volumes};
use crate::plan::{Doomed, claim_user};

/// What becomes of the snapshots of a claim that may go, as sentences.
///
/// # Errors
/// Why it must stay, and what helps.
pub(super) fn held(
    journey: &Journey,
    kept: &Kept,
    claim: Option<&Value>,
    facts: &Facts,
    namespace: &str,
) -> Result<Vec<String>, (String, String)> {
    if let Some(user) = user(kept, claim, facts, namespace) {
        return Err((format!("{user} uses it"), "it stays".into()));
    }
    let Kept { claim: name, policy, .. } = kept;
    let notes = Doomed { name, claim, namespace, vm: &journey.vm, policy: policy.as_deref(), facts }.check()?;
    elsewhere(journey, kept, claim, facts, namespace)?;
    Ok(notes)
}

/// A machine, an instance or a pod that has the claim: not even its own machine may, because an abort, or a hand, may have
/// put it back; and pods of KubeVirt and of CDI read from it, too. One that fills the claim belongs to it, and goes with
/// it.
fn user(kept: &Kept, claim: Option<&Value>, facts: &Facts, namespace: &str) -> Option<String> {
    claim_user(&kept.claim, namespace, "", facts).or_else(|| {
        let uid = claim.and_then(|claim| text(claim, "/metadata/uid")).unwrap_or_default();
        let holds = |pod: &&Value| {
            let mounts = volumes(pod).iter().any(|volume| claim_of(volume) == Some(&kept.claim));
            mounts && !has_ended(pod) && !is_owner(pod, uid)
        };
        let pod = facts.all(kind::POD, namespace).find(holds)?;
        Some(format!("the pod {}", text(pod, "/metadata/name").unwrap_or_default()))
    })
}
