//! What an unquoted scalar means: to the YAML 1.2 core schema, and to kubectl, which reads YAML 1.1.

use serde_json::{Map, Number, Value};

use super::{Entry, Kind, Node, Style};

/// The type of an unquoted scalar in the YAML 1.2 core schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// Nothing: `null`, `~` or empty.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A boolean only to YAML 1.1 readers: `yes`, `no`, `on`, `off`.
    LegacyBool(bool),
    /// A whole number.
    Integer,
    /// A number with a fraction or exponent.
    Float,
    /// Text.
    Text,
}

impl Plain {
    /// The type of an unquoted scalar.
    pub fn of(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" => Self::Bool(true),
            "false" | "False" | "FALSE" => Self::Bool(false),
            "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Self::LegacyBool(true),
            "no" | "No" | "NO" | "off" | "Off" | "OFF" => Self::LegacyBool(false),
            ".inf" | ".Inf" | ".INF" | "+.inf" | "-.inf" | "-.Inf" | "-.INF" | ".nan" | ".NaN" | ".NAN" => Self::Float,
            _ => Self::of_number(text),
        }
    }

    fn of_number(text: &str) -> Self {
        let all = |digits: &str, radix| !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        if all(unsigned, 10)
            || text.strip_prefix("0x").is_some_and(|digits| all(digits, 16))
            || text.strip_prefix("0o").is_some_and(|digits| all(digits, 8))
        {
            return Self::Integer;
        }
        let (mantissa, exponent) =
            unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
        let number = digits(whole)
            && digits(fraction)
            && !(whole.is_empty() && fraction.is_empty())
            && exponent.is_none_or(|power| all(power.strip_prefix(['+', '-']).unwrap_or(power), 10));
        if number { Self::Float } else { Self::Text }
    }
}

/// The JSON value that kubectl would make of a node.
///
/// kubectl resolves unquoted scalars by YAML 1.1, where `yes` is a boolean and `0777` is octal. Documents that pass
/// through to JSON must mean what they mean to kubectl.
pub fn kubectl_value(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar(text, Style::Text) => Value::String(text.to_string()),
        Kind::Scalar(text, Style::Plain) => kubectl_scalar(text),
        Kind::List(items) => items.iter().map(kubectl_value).collect(),
        Kind::Map(entries) => {
            let pairs = entries.iter().map(|entry| (kubectl_key(entry), kubectl_value(&entry.value)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
    }
}

/// kubectl reads an unquoted key as it reads a value, and then writes it as text.
fn kubectl_key(entry: &Entry) -> String {
    match (entry.key_style, kubectl_scalar(&entry.key)) {
        (Style::Plain, Value::Bool(value)) => value.to_string(),
        (Style::Plain, Value::Number(number)) if !number.is_f64() => number.to_string(),
        _ => entry.key.to_string(),
    }
}

fn kubectl_scalar(text: &str) -> Value {
    match text {
        // Booleans to the library that kubectl uses, unlike to most others.
        "y" | "Y" => return Value::Bool(true),
        "n" | "N" => return Value::Bool(false),
        _ => {}
    }
    match Plain::of(text) {
        Plain::Null => Value::Null,
        Plain::Bool(value) | Plain::LegacyBool(value) => Value::Bool(value),
        Plain::Integer | Plain::Float | Plain::Text => {
            legacy_integer(text).or_else(|| float(text)).unwrap_or_else(|| Value::String(text.to_string()))
        }
    }
}

/// An integer by the rules of YAML 1.1: underscores, `0b`, `0x`, and a leading zero for octal.
fn legacy_integer(text: &str) -> Option<Value> {
    if text.starts_with('_') {
        return None;
    }
    let compact = text.replace('_', "");
    let (negative, digits) = match compact.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, compact.strip_prefix('+').unwrap_or(&compact)),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let value = if let Some(binary) = digits.strip_prefix("0b") {
        i128::from_str_radix(binary, 2)
    } else if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        i128::from_str_radix(hex, 16)
    } else if let Some(octal) = digits.strip_prefix("0o") {
        i128::from_str_radix(octal, 8)
    } else if digits.len() > 1 && digits.starts_with('0') {
        i128::from_str_radix(digits, 8)
    } else {
        digits.parse()
    }
    .ok()?;
    let signed = if negative { -value } else { value };
    i64::try_from(signed).map(Number::from).or_else(|_| u64::try_from(signed).map(Number::from)).ok().map(Value::Number)
}

fn float(text: &str) -> Option<Value> {
    let compact = text.replace('_', "");
    if Plain::of(&compact) == Plain::Text {
        return None;
    }
    compact.parse().ok().and_then(Number::from_f64).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn core_schema_types() {
        for (text, plain) in [
            ("", Plain::Null),
            ("~", Plain::Null),
            ("true", Plain::Bool(true)),
            ("yes", Plain::LegacyBool(true)),
            ("0123", Plain::Integer),
            ("0x1f", Plain::Integer),
            ("-7", Plain::Integer),
            ("1e3", Plain::Float),
            ("1.", Plain::Float),
            (".5", Plain::Float),
            (".", Plain::Text),
            ("e3", Plain::Text),
            ("8Gi", Plain::Text),
            ("12:30:45", Plain::Text),
            ("-", Plain::Text),
            ("0x", Plain::Text),
        ] {
            assert_eq!(Plain::of(text), plain, "{text:?}");
        }
    }

    #[test]
    fn kubectl_reads_yaml_1_1() {
        for (text, value) in [
            ("yes", json!(true)),
            ("off", json!(false)),
            ("0777", json!(511)),
            ("1_000", json!(1000)),
            ("0b11", json!(3)),
            ("089", json!(89.0)),
            ("1e3", json!(1000.0)),
            ("v1", json!("v1")),
            ("12:30", json!("12:30")),
        ] {
            assert_eq!(kubectl_scalar(text), value, "{text:?}");
        }
    }
}
