//! What a claim says of its own growth, where CDI made it: the DataVolume's words are handed on when the claim is made, and
//! not again when they change. The DataVolume may be gone by then.

use serde_json::{Map, Value, json};

use super::change::changes;
use super::merge::overlay;
use super::object::visible;
use super::{Effect, Op, Step};
use crate::facts::{kind, path};
use crate::render::{AUTO_EXPAND, MAX_SIZE};

/// The step after which the claim says what the file does; nothing if it does already. `wanted` is what is rendered, of
/// whatever kind.
pub(super) fn handed_on(claim: &Value, wanted: &Value) -> Option<Step> {
    let word = |object: &Value, key: &str| path(object, &["metadata", "annotations", key]).cloned();
    let differs = [AUTO_EXPAND, MAX_SIZE].into_iter().filter(|key| word(claim, key) != word(wanted, key));
    // Null takes an annotation away from whoever wrote it, which is CDI.
    let words: Map<_, _> = differs.map(|key| (key.to_owned(), word(wanted, key).unwrap_or(Value::Null))).collect();
    if words.is_empty() {
        return None;
    }
    let mut expected = overlay(claim, &json!({"metadata": {"annotations": words}}));
    if let Some(all) = expected.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        all.retain(|_, value| !value.is_null());
    }
    let found = changes(&visible(claim), &visible(&expected)).into_iter();
    let body = json!({
        "apiVersion": "v1", "kind": kind::CLAIM,
        "metadata": {
            "name": claim["metadata"]["name"], "namespace": claim["metadata"]["namespace"], "annotations": words,
        },
    });
    Some(Step {
        api_version: "v1".to_owned(),
        kind: kind::CLAIM.to_owned(),
        name: claim["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
        op: Op::Update,
        live: Some(claim.clone()),
        changes: found.map(|change| (change, Effect::Metadata)).collect(),
        expected: Some(expected),
        take_over: Vec::new(),
        force: false,
        body,
    })
}

/// The same, in one step with what else is done with the claim.
pub(super) fn with(step: Option<Step>, handed_on: Option<Step>) -> Option<Step> {
    let (Some(mut step), Some(more)) = (step.clone(), handed_on.clone()) else { return step.or(handed_on) };
    step.body["metadata"]["annotations"] = more.body["metadata"]["annotations"].clone();
    if let (Some(expected), Some(wanted)) = (&mut step.expected, &more.expected) {
        expected["metadata"]["annotations"] = wanted["metadata"]["annotations"].clone();
    }
    step.changes.extend(more.changes);
    Some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claim_says_what_the_file_does() {
        let object = |words: Value| json!({"kind": kind::CLAIM, "metadata": {"name": "c", "namespace": "n", "annotations": words}});
        let claim = object(json!({AUTO_EXPAND: "true", MAX_SIZE: "20Gi", "theirs": "1"}));
        assert_eq!(handed_on(&claim, &claim), None);
        assert_eq!(handed_on(&object(Value::Null), &object(json!({"other": "1"}))), None);
        let told = |wanted: Value| handed_on(&claim, &object(wanted)).unwrap();
        let more = told(json!({AUTO_EXPAND: "true", MAX_SIZE: "30Gi"}));
        assert_eq!(more.body["metadata"]["annotations"], json!({MAX_SIZE: "30Gi"}));
        assert!(more.merges() && !more.only_noted());
        let none = told(json!({}));
        assert_eq!(none.body["metadata"]["annotations"], json!({AUTO_EXPAND: null, MAX_SIZE: null}));
        assert_eq!(none.expected.unwrap()["metadata"]["annotations"], json!({"theirs": "1"}));
        let grown = with(Some(super::super::object::grow(&claim, "30Gi")), Some(more)).unwrap();
        assert_eq!(grown.op, Op::Grow);
        assert_eq!(grown.body["spec"]["resources"]["requests"]["storage"], "30Gi");
        assert_eq!(grown.expected.unwrap()["metadata"]["annotations"][MAX_SIZE], "30Gi");
    }
}
