//! JSON: one List with all objects, whatever their number, so that scripts see one shape.

use serde_json::Value;

/// What stands before the first object of a list.
pub(super) const HEAD: &str = "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"List\",\n  \"items\": [";
/// What stands after the last.
pub(super) const TAIL: &str = "\n  ]\n}\n";
/// What stands after no object at all.
pub(super) const EMPTY_TAIL: &str = "]\n}\n";

/// One value, indented, with a line break at the end.
pub fn one(value: &Value) -> String {
    format!("{value:#}\n")
}

/// One object as it stands in a list.
pub(super) fn item(object: &Value) -> String {
    format!("\n{object:#}").replace('\n', "\n    ")
}
