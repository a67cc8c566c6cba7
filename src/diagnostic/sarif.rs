//! A report as SARIF 2.1.0, which code hosts show beside the changed lines of a review.
//!
//! Source: OASIS "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".

use serde_json::{Value, json};

use super::{Code, Diagnostic, Report};
use crate::source::{SourceMap, Span};

/// One run of this tool with one result per problem. `version` is the tool's own.
pub fn to_sarif(report: &Report, sources: &SourceMap, version: &str) -> Value {
    let problems = report.problems();
    let rules: Vec<Code> = Code::ALL.iter().copied().filter(|code| problems.iter().any(|p| p.code == *code)).collect();
    let results: Vec<_> = problems.iter().map(|problem| result(problem, &rules, sources)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "kubectl-wukong",
                "semanticVersion": version,
                "rules": rules.iter().map(|code| rule(*code)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.as_str(),
        "shortDescription": {"text": code.title()},
        "fullDescription": {"text": crate::text::plain(code.why()).replace('\n', " ")},
        "defaultConfiguration": {"level": code.severity().as_str()},
    })
}

fn result(problem: &Diagnostic, rules: &[Code], sources: &SourceMap) -> Value {
    let parts = [Some(&problem.message), problem.reason.as_ref(), problem.help.as_ref()];
    let text = parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("; ");
    let location = match (problem.span, &problem.file) {
        (Some(span), _) => location(span, sources),
        (None, file) => json!({"physicalLocation": {"artifactLocation": {"uri": uri(file.as_deref().unwrap_or(""))}}}),
    };
    let mut value = json!({
        "ruleId": problem.code.as_str(),
        "ruleIndex": rules.iter().position(|code| *code == problem.code),
        "level": problem.severity().as_str(),
        "message": {"text": crate::text::sanitize(&text)},
        "locations": [location],
    });
    if !problem.labels.is_empty() {
        let related = problem.labels.iter().enumerate().map(|(id, (span, text))| {
            let mut place = self::location(*span, sources);
            place["id"] = json!(id);
            place["message"] = json!({"text": text});
            place
        });
        value["relatedLocations"] = related.collect();
    }
    value
}

fn location(span: Span, sources: &SourceMap) -> Value {
    let (line, column) = sources.position(span);
    let (end_line, end_column) = sources.position_of(span.file, span.end);
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(sources.file(span.file).map_or("", |file| &file.name))},
        "region": {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column},
    }})
}

/// A file name as a relative URI: `./` dropped, and what a URI cannot hold percent-encoded.
fn uri(name: &str) -> String {
    let mut out = String::new();
    for byte in name.trim_start_matches("./").bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => out.push(byte.into()),
            b'\\' => out.push('/'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
