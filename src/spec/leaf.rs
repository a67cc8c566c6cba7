//! Values without fields: text with a form, numbers, booleans, quantities, maps of text.

use super::decode::{Cx, Decode, closest};
use super::shape::{Shape, TextShape};
use crate::diagnostic::{Code, Diagnostic};
use crate::quantity::Quantity;
use crate::source::{Kind, Located, Node, Plain, Style};
use crate::text::{MASK, is_secret_address, is_secret_key, redact};

/// Reads text. What YAML takes for a number, a boolean or nothing is refused, as the API server would.
pub(super) fn text<'n>(node: &'n Node, what: &str, cx: &mut Cx<'_>) -> Option<&'n str> {
    let fine = match &node.kind {
        Kind::Scalar(_, Style::Text) => true,
        Kind::Scalar(text, Style::Plain) => matches!(Plain::of(text), Plain::Text | Plain::LegacyBool(_)),
        Kind::List(_) | Kind::Map(_) => false,
    };
    if !fine {
        let mut problem = cx.wrong_type(node, what);
        problem = match &node.kind {
            Kind::Scalar(text, _) if !cx.is_secret() && !node.is_null() && text.len() <= 40 => {
                problem.help(format!("put it in quotes: \"{text}\""))
            }
            Kind::Scalar(..) if cx.is_secret() => problem.help("put it in quotes"),
            Kind::Scalar(..) | Kind::List(_) | Kind::Map(_) => problem,
        };
        cx.problem(problem);
        return None;
    }
    let text = node.as_str()?;
    if let Some(c) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        let message = format!("{} holds the control character U+{:04X}", cx.path(), u32::from(c));
        cx.problem(Diagnostic::new(Code::BadFormat, node.span, message).help("remove it"));
        return None;
    }
    Some(text)
}

/// Reads one of a few words.
pub(super) fn word<'n>(node: &'n Node, words: impl Iterator<Item = &'static str>, cx: &mut Cx<'_>) -> Option<&'n str> {
    let found = text(node, "text", cx)?;
    let words: Vec<_> = words.collect();
    if words.contains(&found) {
        return Some(found);
    }
    let shown: String = found.chars().take(40).collect();
    let problem = Diagnostic::new(Code::UnknownChoice, node.span, format!("{} cannot be `{shown}`", cx.path()));
    let list = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    cx.problem(match closest(found, words.iter().copied()) {
        Some(near) => problem.help(format!("did you mean `{near}`? Accepted: {list}")),
        None => problem.help(format!("accepted: {list}")),
    });
    None
}

impl Decode for String {
    const SHAPE: Shape = Shape::Text(&TextShape { what: "text", pattern: None, max: None });

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        text(node, "text", cx).map(str::to_owned)
    }
}

impl Decode for bool {
    const SHAPE: Shape = Shape::Boolean;

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        if let Kind::Scalar(text, Style::Plain) = &node.kind {
            match Plain::of(text) {
                Plain::Bool(value) => return Some(value),
                Plain::LegacyBool(value) => {
                    let message = format!("`{text}` is a boolean only to YAML 1.1 readers");
                    cx.problem(
                        Diagnostic::new(Code::LegacyBoolean, node.span, message).help(format!("write `{value}`")),
                    );
                    return Some(value);
                }
                Plain::Null | Plain::Integer | Plain::Float | Plain::Text => {}
            }
        }
        let problem = cx.wrong_type(node, "`true` or `false`");
        let quoted = node.as_str().map_or(Plain::Null, Plain::of);
        cx.problem(match quoted {
            Plain::Bool(value) | Plain::LegacyBool(value) => problem.help(format!("write `{value}` without quotes")),
            Plain::Null | Plain::Integer | Plain::Float | Plain::Text => problem.help("write `true` or `false`"),
        });
        None
    }
}

/// A whole number between two bounds, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Int<const MIN: i64, const MAX: i64>(pub i64);

impl<const MIN: i64, const MAX: i64> Decode for Int<MIN, MAX> {
    const SHAPE: Shape = Shape::Integer(MIN, MAX);

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let number = match &node.kind {
            Kind::Scalar(text, Style::Plain) if Plain::of(text) == Plain::Integer => Some(&**text),
            // `2.0` is an integer to JSON, and to the API server.
            Kind::Scalar(text, Style::Plain) if Plain::of(text) == Plain::Float => {
                text.split_once('.').filter(|(_, zeros)| zeros.bytes().all(|b| b == b'0')).map(|(whole, _)| whole)
            }
            _ => None,
        };
        let Some(text) = number else {
            let mut problem = cx.wrong_type(node, "a whole number");
            if node.as_str().is_some_and(|text| text.parse::<i64>().is_ok()) {
                problem = problem.help("remove the quotes");
            }
            cx.problem(problem);
            return None;
        };
        // Readers disagree on `010`: eight to kubectl, ten to others.
        let digits = text.trim_start_matches(['+', '-']);
        if digits.len() > 1 && digits.starts_with('0') {
            let message = format!("{} starts with a zero, which some readers take for octal or hexadecimal", cx.path());
            cx.problem(Diagnostic::new(Code::WrongType, node.span, message).help("write it in decimal digits"));
            return None;
        }
        match text.parse::<i64>() {
            Ok(value) if (MIN..=MAX).contains(&value) => Some(Self(value)),
            _ => {
                let message = format!("{} must be between {MIN} and {MAX}", cx.path());
                cx.problem(Diagnostic::new(Code::OutOfRange, node.span, message));
                None
            }
        }
    }
}

impl Decode for Quantity {
    const SHAPE: Shape = Shape::Quantity;

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let Kind::Scalar(text, _) = &node.kind else {
            let problem = cx.wrong_type(node, "a quantity such as `20Gi`");
            cx.problem(problem);
            return None;
        };
        // The earlier operator's files may say `K`; Kubernetes writes `k`.
        let spelling = match text.strip_suffix('K') {
            Some(number) => format!("{number}k"),
            None => text.to_string(),
        };
        match Self::parse(&spelling) {
            Ok(quantity) => Some(quantity),
            Err(error) => {
                let shown: String = text.chars().take(40).collect();
                let message = format!("{} is not a quantity: `{shown}` ({})", cx.path(), error.reason);
                let problem = Diagnostic::new(Code::BadQuantity, node.span, message);
                cx.problem(match error.suggestion {
                    Some(meant) if meant.ends_with(['k', 'M', 'G', 'T', 'P']) => problem.help(
                        format!("write `{meant}i` (powers of 1024) or `{meant}` (powers of 1000)")
                            .replace("ki`", "Ki`"),
                    ),
                    Some(meant) => problem.help(format!("write `{meant}`")),
                    None => problem.help("write a number and a suffix: `512Mi`, `20Gi`, `1Ti`"),
                });
                None
            }
        }
    }
}

/// A text that is printed nowhere, not even for debugging.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::ops::Deref for Secret {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

impl Decode for Secret {
    const SHAPE: Shape = String::SHAPE;

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        String::decode(node, cx).map(Self)
    }
}

/// The address of an image. One with user information or a query is hidden as soon as it is read.
#[derive(Clone)]
pub struct ImageAddress(pub String);

impl std::fmt::Debug for ImageAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&redact(&self.0))
    }
}

impl std::ops::Deref for ImageAddress {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Decode for ImageAddress {
    const SHAPE: Shape = String::SHAPE;

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let secret = node.as_str().is_none_or(is_secret_address);
        let read = |cx: &mut Cx<'_>| String::decode(node, cx);
        (if secret { cx.hiding(node, read) } else { read(cx) }).map(Self)
    }
}

/// A mapping from text to text, in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct TextMap(pub Vec<(Located<String>, Located<String>)>);

impl TextMap {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Located<String>> {
        self.0.iter().find(|(name, _)| name.value == key).map(|(_, value)| value)
    }
}

impl Decode for TextMap {
    const SHAPE: Shape = Shape::TextMap;

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            let problem = cx.wrong_type(node, "a mapping");
            cx.problem(problem);
            return None;
        };
        let mut pairs = Vec::with_capacity(entries.len());
        for entry in entries {
            let read = |cx: &mut Cx<'_>| cx.at_key(&entry.key, |cx| text(&entry.value, "text", cx));
            let value = if is_secret_key(&entry.key) { cx.hiding(&entry.value, read) } else { read(cx) };
            if let Some(value) = value {
                let key = Located::new(entry.key.to_string(), entry.key_span);
                pairs.push((key, Located::new(value.to_owned(), entry.value.span)));
            }
        }
        Some(Self(pairs))
    }
}
