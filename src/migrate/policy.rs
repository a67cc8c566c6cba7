//! What becomes of a volume when its claim goes: changed for a move, and set back after it.

use serde_json::{Value, json};

use super::step::{Act, Next};
use crate::facts::{Journey, kind, text};

/// Sets the reclaim policy of a claim's volume; nothing if it has that, or if there is no volume.
pub(super) fn set_policy(
    journey: &Journey,
    volume: Option<&Value>,
    policy: &str,
    words: impl FnOnce(&str) -> String,
) -> Option<Next> {
    let volume = volume.filter(|volume| text(volume, "/spec/persistentVolumeReclaimPolicy") != Some(policy))?;
    let name = text(volume, "/metadata/name")?;
    let patch = json!({
        "metadata": {"uid": volume["metadata"]["uid"]}, "spec": {"persistentVolumeReclaimPolicy": policy},
    });
    let act = Act::Merge { kind: kind::VOLUME, name: name.to_owned(), patch };
    Some(Next::step(journey, words(name), act))
}

/// Sets it back to what it was before the move, if that is known.
pub(super) fn set_back(journey: &Journey, volume: Option<&Value>, policy: Option<&str>) -> Option<Next> {
    let policy = policy?;
    set_policy(journey, volume, policy, |name| format!("set the reclaim policy of {name} back to {policy}"))
}
