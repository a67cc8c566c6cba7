//! Problems as the results of a KRM function.

use serde_json::{Map, Value, json};

use super::place::Place;
use crate::diagnostic::{Diagnostic, Report, Severity};
use crate::source::{Kind, Node, Span};
use crate::text::sanitize;

/// One result per problem. `objects` are those that the problems may lie in, each with the item that it is or is a
/// member of.
pub(super) fn results(report: &Report, objects: &[(&Node, &Node)]) -> Vec<Value> {
    let mut results: Vec<_> = report
        .problems()
        .into_iter()
        .map(|problem| {
            let object = |span: Span| objects.iter().find(|(node, _)| within(span, node.span));
            let at = problem.span.and_then(|span| Some((span, *object(span)?)));
            result(problem, at)
        })
        .collect();
    if report.dropped() > 0 {
        results.push(json!({"message": format!("{} more problems", report.dropped()), "severity": "error"}));
    }
    results
}

fn result(problem: &Diagnostic, at: Option<(Span, (&Node, &Node))>) -> Value {
    let mut result = Map::new();
    // Programs show the message alone.
    let help = problem.help.as_ref().map(|help| format!("; help: {help}")).unwrap_or_default();
    let reason = problem.reason.as_ref().map(|reason| format!("; {reason}")).unwrap_or_default();
    let message = format!("{}{reason}{help}", problem.message);
    result.insert("message".to_owned(), json!(sanitize(&message)));
    let severity = match problem.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "info",
    };
    result.insert("severity".to_owned(), json!(severity));
    if let Some((span, (node, item))) = at {
        result.insert("resourceRef".to_owned(), reference(node));
        let mut path = String::new();
        field(node, span, &mut path);
        if !path.is_empty() {
            result.insert("field".to_owned(), json!({"path": sanitize(&path)}));
        }
        let place = Place::of(item);
        if let Some(path) = &place.path {
            let mut file = json!({"path": sanitize(path)});
            if let Some(index) = place.index {
                file["index"] = json!(index);
            }
            result.insert("file".to_owned(), file);
        }
    }
    result.insert("tags".to_owned(), json!({"code": problem.code.as_str()}));
    Value::Object(result)
}

fn reference(node: &Node) -> Value {
    let mut reference = Map::new();
    let metadata = node.get("metadata");
    let parts = [
        ("apiVersion", node.get("apiVersion")),
        ("kind", node.get("kind")),
        ("name", metadata.and_then(|metadata| metadata.get("name"))),
        ("namespace", metadata.and_then(|metadata| metadata.get("namespace"))),
    ];
    for (key, value) in parts {
        if let Some(text) = value.and_then(Node::as_str) {
            reference.insert(key.to_owned(), json!(sanitize(text)));
        }
    }
    Value::Object(reference)
}

fn within(inner: Span, outer: Span) -> bool {
    inner.file == outer.file && outer.start <= inner.start && inner.start < outer.end
}

/// The path of the innermost value that a place lies in, such as `spec.disks[0].size`.
fn field(node: &Node, span: Span, path: &mut String) {
    match &node.kind {
        Kind::Scalar(..) => {}
        Kind::List(items) => {
            if let Some((index, item)) = items.iter().enumerate().find(|(_, item)| within(span, item.span)) {
                path.push_str(&format!("[{index}]"));
                // A problem with the item as a whole starts where the first of its fields starts.
                if span != item.span {
                    field(item, span, path);
                }
            }
        }
        Kind::Map(entries) => {
            let hit = |at: Span| within(span, at);
            let Some(entry) = entries.iter().find(|entry| hit(entry.key_span) || hit(entry.value.span)) else { return };
            if entry.key.contains(['.', '[', '"']) {
                path.push_str(&format!("[{:?}]", entry.key));
            } else {
                path.push_str(if path.is_empty() { "" } else { "." });
                path.push_str(&entry.key);
            }
            if !hit(entry.key_span) && span != entry.value.span {
                field(&entry.value, span, path);
            }
        }
    }
}
