//! Objects without their secrets, for everything that people and programs read.

use serde_json::Value;

use crate::facts::kind;
use crate::text::{MASK, is_secret_key, redact};

/// Keys of a machine that hold user data in the clear.
const USER_DATA: [&str; 4] = ["userData", "userDataBase64", "networkData", "networkDataBase64"];

/// Both sides of a change without secrets. Where a secret differs, both sides say that it does, and nothing more.
pub(super) fn pair(object_kind: &str, before: &Value, after: &Value) -> (Value, Value) {
    let secret = object_kind == kind::SECRET;
    (mask(before, Some(after), secret, "before"), mask(after, Some(before), secret, "after"))
}

/// The two values of one field.
pub(super) fn field(object_kind: &str, field: &str, before: Option<&Value>, after: Option<&Value>) -> (Value, Value) {
    let last = field.rsplit(['.', '[']).next().unwrap_or_default().trim_end_matches(']');
    let secret = object_kind == kind::SECRET && (field.starts_with("data") || field.starts_with("stringData"));
    let secret = secret || is_secret_field(last);
    let side = |value: Option<&Value>, other: Option<&Value>, label: &str| match value {
        None => Value::Null,
        Some(value) if secret => hidden(value, other, label),
        Some(value) => mask(value, other, false, label),
    };
    (side(before, after, "before"), side(after, before, "after"))
}

fn is_secret_field(key: &str) -> bool {
    USER_DATA.contains(&key) || is_secret_key(key)
}

fn mask(value: &Value, other: Option<&Value>, in_secret: bool, label: &str) -> Value {
    match value {
        Value::Object(fields) => {
            let masked = fields.iter().map(|(key, value)| {
                let other = other.and_then(|other| other.get(key));
                let data = in_secret && matches!(key.as_str(), "data" | "stringData");
                let masked = match value {
                    Value::Object(data_fields) if data => Value::Object(
                        data_fields
                            .iter()
                            .map(|(key, value)| (key.clone(), hidden(value, other.and_then(|o| o.get(key)), label)))
                            .collect(),
                    ),
                    Value::String(_) if is_secret_field(key) => hidden(value, other, label),
                    // Headers of an import; copies of whole objects that other tools keep.
                    Value::Array(_) if key == "extraHeaders" => hidden(value, other, label),
                    Value::String(text)
                        if key.contains('/') && (text.starts_with('{') || in_secret && text.len() > 63) =>
                    {
                        hidden(value, other, label)
                    }
                    _ => mask(value, other, in_secret, label),
                };
                (key.clone(), masked)
            });
            Value::Object(masked.collect())
        }
        Value::Array(items) => {
            let others = other.and_then(Value::as_array);
            let same_place = |item: &Value, index: usize| match item["name"].as_str() {
                Some(name) => others.and_then(|all| all.iter().find(|other| other["name"] == name)),
                None => others.and_then(|all| all.get(index)),
            };
            items.iter().enumerate().map(|(at, item)| mask(item, same_place(item, at), in_secret, label)).collect()
        }
        Value::String(text) => Value::String(redact(text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn hidden(value: &Value, other: Option<&Value>, label: &str) -> Value {
    if other == Some(value) { MASK.into() } else { format!("{MASK} ({label})").into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_told_apart_and_not_shown() {
        let before = json!({"data": {"a": "eA==", "b": "eQ=="}, "type": "Opaque"});
        let after = json!({"data": {"a": "eA==", "b": "eg=="}, "type": "Opaque"});
        let (before, after) = pair("Secret", &before, &after);
        assert_eq!(before["data"]["a"], after["data"]["a"]);
        assert_ne!(before["data"]["b"], after["data"]["b"]);
        assert!(
            !format!("{before}{after}").contains("e"[..].to_owned().as_str()) || !before.to_string().contains("eQ==")
        );
        let (user, _) = field("VirtualMachine", "spec.x.userData", Some(&json!("password: a")), None);
        assert!(!user.to_string().contains("password"));
        let (_, url) = field("DataVolume", "spec.source.http.url", None, Some(&json!("https://u:p@h/x")));
        assert!(!url.to_string().contains("u:p"));
    }
}
