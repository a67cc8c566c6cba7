//! What earlier moves left, and what deleting it takes.

use serde_json::{Value, json};

use super::scene::Scene;
use super::step::{Act, Next};
use super::storage_live;
use crate::facts::{End, Facts, Journey, Kept, is_going, kind, text};
use crate::plan::{Refusal, claim_user};
use crate::status::Subject;

/// A claim that would be deleted.
#[derive(Debug, Clone, PartialEq)]
pub struct Left {
    /// Which.
    pub kept: Kept,
    /// The claim as it is; none if it is gone.
    pub claim: Option<Value>,
    /// Why it is not deleted.
    pub refusal: Option<Refusal>,
}

/// What a machine's moves left.
pub fn left(journey: &Journey, facts: &Facts, namespace: &str) -> Vec<Left> {
    let all = journey.kept.iter().map(|kept| {
        let claim = facts.get(kind::CLAIM, namespace, &kept.claim);
        let same = claim.filter(|claim| text(claim, "/metadata/uid") == Some(kept.uid.as_str()));
        let copy = facts.get(kind::DATA_VOLUME, namespace, &kept.claim);
        let by_copy = copy.is_some_and(|copy| text(copy, "/metadata/uid") == Some(kept.uid.as_str()));
        let refuse =
            |reason: String, help: &str| Refusal { object: format!("claim {}", kept.claim), reason, help: help.into() };
        let unknown =
            [kind::MACHINE, kind::INSTANCE, kind::POD].into_iter().find_map(|kind| facts.unknown(kind, namespace));
        let refusal = match (same, claim) {
            (None, Some(_)) if !by_copy => Some(refuse(
                "it is another claim of that name now".into(),
                "it is left alone; delete it by hand if you know it",
            )),
            // Not even by its own machine: an abort, or a hand, may have put it back.
            _ => claim_user(&kept.claim, namespace, "", facts)
                .map(|user| refuse(format!("{user} uses it"), "it stays"))
                .or_else(|| {
                    unknown.map(|unread| {
                        refuse(
                            format!("whether it is used is not known: {}", unread.reason),
                            "ask for the right to list machines and pods",
                        )
                    })
                }),
        };
        Left { kept: kept.clone(), claim: claim.cloned(), refusal }
    });
    all.collect()
}

/// The next step of a cleanup that a person has confirmed, for the claims that may go.
pub fn next(journey: &Journey, facts: &Facts, subject: &Subject) -> Next {
    let namespace = &subject.namespace;
    let lefts = left(journey, facts, namespace);
    for left in lefts.iter().filter(|left| left.refusal.is_none()) {
        if let Some(next) = delete(journey, left, facts, namespace) {
            return next;
        }
    }
    if let Some(scene) = Scene::of(facts, subject)
        && let Some(next) = storage_live::settled(journey, &scene)
    {
        return next;
    }
    let mut ended = journey.clone();
    ended.kept = lefts.into_iter().filter(|left| left.refusal.is_some()).map(|left| left.kept).collect();
    Next::End(journey.end.unwrap_or(End::Done), Box::new(ended))
}

/// The policy that the volume had decides what becomes of the bytes; then the claim goes, with the DataVolume above it.
fn delete(journey: &Journey, left: &Left, facts: &Facts, namespace: &str) -> Option<Next> {
    let name = left.kept.claim.clone();
    let copy = facts.get(kind::DATA_VOLUME, namespace, &name);
    let claim = left.claim.as_ref();
    if let (Some(policy), Some(claim)) = (&left.kept.policy, claim)
        && let Some(volume) = text(claim, "/spec/volumeName").and_then(|volume| facts.get(kind::VOLUME, "", volume))
        && text(volume, "/spec/persistentVolumeReclaimPolicy") != Some(policy)
        && !is_going(claim)
    {
        let volume_name = text(volume, "/metadata/name")?.to_owned();
        let patch = json!({
            "metadata": {"uid": volume["metadata"]["uid"]}, "spec": {"persistentVolumeReclaimPolicy": policy},
        });
        let words = format!("set the reclaim policy of {volume_name} back to {policy}");
        return Some(Next::step(journey, words, Act::Merge { kind: kind::VOLUME, name: volume_name, patch }));
    }
    for (kind, object) in [(kind::DATA_VOLUME, copy), (kind::CLAIM, claim)] {
        let Some(object) = object else { continue };
        if is_going(object) {
            return Some(Next::wait(format!("{name} goes")));
        }
        let uid = text(object, "/metadata/uid").unwrap_or_default().to_owned();
        return Some(Next::step(journey, format!("delete {kind} {name}"), Act::Delete { kind, name, uid }));
    }
    None
}
