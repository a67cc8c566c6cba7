//! A list that cannot be changed in place, written anew. What is of others keeps every value as it was spelt: programs do
//! not agree about what `no`, `0644` or the key `y` mean.

use serde_json::{Value, json};

use super::edit::indented;
use crate::source::{Kind, Node, Style};
use crate::text::yaml;

/// An item of the new list.
pub(super) enum Item<'n> {
    /// As it was.
    Kept(&'n Node),
    /// A new object.
    New(&'n Value),
}

/// The list with these items and results, and with the other entries that it had.
pub(super) fn rewritten<'n>(root: &Node, items: impl Iterator<Item = Item<'n>>, results: &[Value]) -> String {
    let mut out = String::new();
    let Kind::Map(entries) = &root.kind else { return out };
    for entry in entries.iter().filter(|entry| !["items", "results"].contains(&&*entry.key)) {
        out.push_str(&pair(&scalar(&entry.key, entry.key_style), &spelt(&entry.value)));
    }
    let items = items.map(|item| match item {
        Item::Kept(node) => spelt(node),
        Item::New(value) => Part::Block(yaml(value)),
    });
    out.push_str(&pair("items", &list(items)));
    if !results.is_empty() {
        out.push_str(&pair("results", &list(results.iter().map(|result| Part::Block(yaml(result))))));
    }
    out
}

/// A value as YAML.
enum Part {
    /// What stands behind its key.
    Line(String),
    /// Lines below it, each with its end.
    Block(String),
}

/// A value in which each scalar has the text that it had.
fn spelt(node: &Node) -> Part {
    match &node.kind {
        Kind::Scalar(text, style) => Part::Line(scalar(text, *style)),
        Kind::List(items) => list(items.iter().map(spelt)),
        Kind::Map(entries) if entries.is_empty() => Part::Line("{}".to_owned()),
        Kind::Map(entries) => {
            let pairs = entries.iter().map(|entry| pair(&scalar(&entry.key, entry.key_style), &spelt(&entry.value)));
            Part::Block(pairs.collect())
        }
    }
}

fn scalar(text: &str, style: Style) -> String {
    match style {
        Style::Plain if text.is_empty() => "null".to_owned(),
        Style::Plain if !text.contains(['\n', '\r']) => text.to_owned(),
        // Text of many lines is neither a number nor a word with a meaning.
        Style::Plain | Style::Text => {
            let quoted = json!(text).to_string();
            // JSON leaves as they are what YAML takes for line breaks, or does not take at all.
            let strange = |char: char| matches!(char, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}');
            quoted
                .chars()
                .map(|char| if strange(char) { format!("\\u{:04x}", u32::from(char)) } else { char.to_string() })
                .collect()
        }
    }
}

fn list(items: impl Iterator<Item = Part>) -> Part {
    let items = items.map(|item| match item {
        Part::Line(line) => format!("- {line}\n"),
        Part::Block(lines) => format!("- {}", &indented(&lines, "  ")[2..]),
    });
    let items: String = items.collect();
    if items.is_empty() { Part::Line("[]".to_owned()) } else { Part::Block(items) }
}

fn pair(key: &str, value: &Part) -> String {
    match value {
        Part::Line(line) => format!("{key}: {line}\n"),
        // The dashes of a list stand below its key.
        Part::Block(lines) if lines.starts_with("- ") => format!("{key}:\n{lines}"),
        Part::Block(lines) => format!("{key}:\n{}", indented(lines, "  ")),
    }
}
