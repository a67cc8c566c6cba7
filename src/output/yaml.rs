//! A stream of YAML documents.

use serde_json::Value;

use crate::text::yaml;

/// One document, with its marker and the line that says what it is for.
pub(super) fn document(object: &Value, purpose: Option<&str>) -> String {
    let comment = purpose.map(|purpose| format!("# {purpose}\n")).unwrap_or_default();
    format!("---\n{comment}{}", yaml(object))
}
