//! The growth of a claim, by a plan or by itself: what was decided for is tested in the request that changes it.

use serde_json::{Value, json};

use super::write::annotation;
use super::{Door, Reason, Refused, Resource, Selector, Write};
use crate::plan::Step;

const KIND: Resource = Resource::PersistentVolumeClaim;
const REQUEST: &str = "/spec/resources/requests/storage";
const UID: &str = "/metadata/uid";
const VERSION: &str = "/metadata/resourceVersion";

/// Asks for a larger claim, or notes what its file says of its growth; gives the stored one. The claim is the one that was
/// planned for, and still asks for as much: the server lowers a request that is not met yet, and what somebody else has
/// asked for meanwhile, `expand --auto` for one, would be less. All else of the claim may move, unless the step says which
/// version it was decided for.
///
/// # Errors
/// The server refused, or the claim is another one now, or asks for something else: a conflict.
pub async fn grow(door: &Door, namespace: &str, step: &Step, write: &Write<'_>) -> Result<Value, Refused> {
    let patch = patch(&step.body, &step.live.clone().unwrap_or_default());
    let mut refused = match door.json_patch(KIND, Some(namespace), &step.name, &json!(patch), write).await {
        Err(refused) if refused.reason == Reason::Invalid => refused,
        done => return done,
    };
    // A failed test is an invalid patch to the server, and so is a size that it does not take. Who grows claims may list
    // them, but need not have the right to get one.
    let only = Selector { fields: Some(format!("metadata.name={}", step.name)), ..Selector::default() };
    let now = door.list(KIND, Some(namespace), &only).await?.pop().unwrap_or_default();
    let same = now.pointer(UID) == step.live.as_ref().and_then(|live| live.pointer(UID));
    if same && !write.dry_run && is_done(&step.body, &now) {
        // A repetition after an answer that was lost.
        return Ok(now);
    }
    if !patch.iter().all(|change| holds(change, &now)) {
        refused.reason = Reason::Conflict;
    }
    Err(refused)
}

/// The change as a JSON patch. Once it was done, it does no harm a second time.
fn patch(body: &Value, live: &Value) -> Vec<Value> {
    let test = |at: &str| json!({"op": "test", "path": at, "value": live.pointer(at)});
    let request = body.pointer(REQUEST);
    let known = live.pointer("/metadata/annotations").and_then(Value::as_object);
    let words = annotations(body);
    let mut patch = vec![test(UID)];
    if let Some(request) = request {
        patch.push(test(REQUEST));
        patch.push(json!({"op": "replace", "path": REQUEST, "value": request}));
    }
    let first = !words.is_empty() && known.is_none();
    if first || body.pointer(VERSION).is_some_and(|version| !version.is_null()) {
        patch.push(test(VERSION));
    }
    if first {
        patch.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
    }
    for (key, value) in words {
        let at = annotation(key);
        if !value.is_null() {
            patch.push(json!({"op": "add", "path": at, "value": value}));
        } else if known.is_some_and(|known| known.contains_key(key)) {
            patch.push(json!({"op": "remove", "path": at}));
        }
    }
    patch
}

/// Whether a claim is as a part of the patch needs it.
fn holds(change: &Value, now: &Value) -> bool {
    let found = now.pointer(change["path"].as_str().unwrap_or_default());
    match change["op"].as_str() {
        Some("test") => found.unwrap_or(&Value::Null) == &change["value"],
        Some("remove") => found.is_some(),
        _ => true,
    }
}

/// Whether the claim is as it was to become.
fn is_done(body: &Value, now: &Value) -> bool {
    let request = body.pointer(REQUEST);
    (request.is_none() || now.pointer(REQUEST) == request)
        && annotations(body).into_iter().all(|(key, value)| now["metadata"]["annotations"][key] == *value)
}

fn annotations(body: &Value) -> Vec<(&String, &Value)> {
    body.pointer("/metadata/annotations").and_then(Value::as_object).into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(request: &str, annotations: &Value) -> Value {
        json!({
            "metadata": {"uid": "u", "resourceVersion": "7", "annotations": annotations},
            "spec": {"resources": {"requests": {"storage": request}}},
        })
    }

    #[test]
    fn what_was_decided_for_is_tested() {
        let live = claim("20Gi", &json!({"a/b": "1"}));
        let body = |version: Value| {
            json!({
                "metadata": {"resourceVersion": version, "annotations": {"a/b": null, "c": "2", "gone": null}},
                "spec": {"resources": {"requests": {"storage": "30Gi"}}},
            })
        };
        let planned = patch(&body(Value::Null), &live);
        let ops: Vec<_> = planned.iter().map(|op| format!("{} {}", op["op"], op["path"]).replace('"', "")).collect();
        let request = REQUEST;
        let (removed, added) = ("remove /metadata/annotations/a~1b", "add /metadata/annotations/c");
        assert_eq!(
            ops,
            [&format!("test {UID}"), &format!("test {request}"), &format!("replace {request}"), removed, added]
        );
        // Another size, another claim, or a word that somebody took away is a claim that moved; other words are not.
        let holds_for = |now: &Value| planned.iter().all(|op| holds(op, now));
        assert!(holds_for(&live) && holds_for(&claim("20Gi", &json!({"a/b": "3", "more": ""}))));
        assert!(!holds_for(&claim("25Gi", &json!({"a/b": "1"}))) && !holds_for(&claim("20Gi", &json!({}))));
        assert!(!holds_for(&Value::Null));
        // What was decided for one version is done to no other.
        let decided = patch(&body(json!("7")), &live);
        let mut later = live.clone();
        later["metadata"]["resourceVersion"] = json!("8");
        assert!(holds_for(&later) && !decided.iter().all(|op| holds(op, &later)));
        // Once it was done it can be told.
        assert!(is_done(&body(Value::Null), &claim("30Gi", &json!({"c": "2"}))));
        for (request, words) in
            [("30Gi", json!({})), ("30Gi", json!({"a/b": "1", "c": "2"})), ("20Gi", json!({"c": "2"}))]
        {
            assert!(!is_done(&body(Value::Null), &claim(request, &words)), "{words}");
        }
    }

    #[test]
    fn first_words_come_to_an_object_as_it_was_seen() {
        let mut live = claim("20Gi", &Value::Null);
        live["metadata"].as_object_mut().unwrap().remove("annotations");
        let words = patch(&json!({"metadata": {"annotations": {"c": "2"}}}), &live);
        assert_eq!(words[1], json!({"op": "test", "path": VERSION, "value": "7"}));
        assert_eq!(words[2], json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
        assert_eq!(words.len(), 4);
    }
}
