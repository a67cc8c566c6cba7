//! Names, as `kubectl -o name` prints them.

use serde_json::Value;

use crate::text::sanitize;

/// `resource.group/name`.
pub(super) fn line(object: &Value) -> String {
    let text = |value: &Value| value.as_str().map(|text| sanitize(text).into_owned()).unwrap_or_default();
    let kind = text(&object["kind"]).to_ascii_lowercase();
    let name = text(&object["metadata"]["name"]);
    match text(&object["apiVersion"]).split_once('/') {
        Some((group, _)) => format!("{kind}.{group}/{name}\n"),
        None => format!("{kind}/{name}\n"),
    }
}
