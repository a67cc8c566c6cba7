//! A report as JSON, for scripts and editors.

use serde_json::{Value, json};

use super::Report;
use crate::source::{SourceMap, Span};
use crate::text::sanitize;

/// `valid`, the counts, and every problem with code, severity, message, help and place. Lines and columns count from
/// one, columns in characters.
pub fn to_json(report: &Report, sources: &SourceMap) -> Value {
    let problems: Vec<_> = report
        .problems()
        .into_iter()
        .map(|problem| {
            let related: Vec<_> = problem
                .labels
                .iter()
                .map(|(span, text)| {
                    let mut value = place(*span, sources);
                    value["message"] = json!(text);
                    value
                })
                .collect();
            let mut value = json!({
                "code": problem.code.as_str(),
                "severity": problem.severity().as_str(),
                "message": sanitize(&problem.message),
                "help": problem.help.as_deref().map(sanitize),
            });
            if let Some(reason) = &problem.reason {
                value["reason"] = json!(sanitize(reason));
            }
            match (problem.span, &problem.file) {
                (Some(span), _) => merge(&mut value, place(span, sources)),
                (None, file) => value["file"] = json!(file),
            }
            if !related.is_empty() {
                value["related"] = Value::Array(related);
            }
            value
        })
        .collect();
    json!({
        "valid": report.is_valid(),
        "errors": report.errors(),
        "warnings": report.warnings(),
        "problems": problems,
    })
}

fn place(span: Span, sources: &SourceMap) -> Value {
    let (line, column) = sources.position(span);
    let (end_line, end_column) = sources.position_of(span.file, span.end);
    json!({
        "file": sources.file(span.file).map_or("", |file| &file.name),
        "line": line,
        "column": column,
        "endLine": end_line,
        "endColumn": end_column,
    })
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}
