//! A Wukong file as it is written: fields in their order, with comments.

use serde_json::{Value, json};

use crate::text::{sanitize, yaml};

/// What a field holds.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// A text, a number or a switch.
    Scalar(Value),
    /// Fields.
    Map(Vec<Field>),
    /// Entries that are fields each, with what is said above them.
    List(Vec<(Vec<String>, Vec<Field>)>),
}

/// A field with what is said above it.
#[derive(Debug, Clone)]
pub(super) struct Field {
    key: String,
    value: Node,
    comments: Vec<String>,
    /// Whether an empty line stands above it.
    apart: bool,
}

/// A field that holds a text, a number or a switch.
pub(super) fn field(key: &str, value: impl Into<Value>) -> Field {
    Field { key: key.to_owned(), value: Node::Scalar(value.into()), comments: Vec::new(), apart: false }
}

/// A field that holds fields.
pub(super) fn map(key: &str, fields: Vec<Field>) -> Field {
    Field { value: Node::Map(fields), ..field(key, Value::Null) }
}

/// A field that holds entries.
pub(super) fn list(key: &str, entries: Vec<(Vec<String>, Vec<Field>)>) -> Field {
    Field { value: Node::List(entries), ..field(key, Value::Null) }
}

impl Field {
    /// Says something above the field.
    pub(super) fn said(mut self, comment: impl Into<String>) -> Self {
        self.comments.push(comment.into());
        self
    }

    /// Puts an empty line above the field.
    pub(super) fn apart(mut self) -> Self {
        self.apart = true;
        self
    }

    /// The text that it holds.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Node::Scalar(value) => value.as_str(),
            Node::Map(_) | Node::List(_) => None,
        }
    }

    /// Whether nothing stands below it.
    pub(super) fn is_empty(&self) -> bool {
        match &self.value {
            Node::Scalar(_) => false,
            Node::Map(fields) => fields.iter().all(Self::is_empty),
            Node::List(entries) => entries.is_empty(),
        }
    }
}

/// Fields as YAML.
pub(super) fn write(fields: &[Field]) -> String {
    let mut out = String::new();
    fields_at(fields, 0, &mut out);
    out
}

fn fields_at(fields: &[Field], indent: usize, out: &mut String) {
    let space = " ".repeat(indent);
    for field in fields.iter().filter(|field| !field.is_empty()) {
        if field.apart {
            out.push('\n');
        }
        comments_at(&field.comments, &space, out);
        let key = scalar(&json!(field.key));
        match &field.value {
            Node::Scalar(value) => out.push_str(&format!("{space}{key}: {}\n", scalar(value))),
            Node::Map(fields) => {
                out.push_str(&format!("{space}{key}:\n"));
                fields_at(fields, indent + 2, out);
            }
            Node::List(entries) => {
                out.push_str(&format!("{space}{key}:\n"));
                for (comments, fields) in entries {
                    comments_at(comments, &format!("{space}  "), out);
                    let mut entry = String::new();
                    fields_at(fields, indent + 4, &mut entry);
                    // The first line of an entry starts with a dash where the others start with spaces.
                    out.push_str(&format!("{space}  - {}", entry.get(indent + 4..).unwrap_or_default()));
                }
            }
        }
    }
}

/// A comment is one line, whatever it quotes.
fn comments_at(comments: &[String], space: &str, out: &mut String) {
    for comment in comments {
        out.push_str(&format!("{space}# {}\n", sanitize(comment)));
    }
}

/// A scalar on one line, quoted where any reader would take it for something else.
fn scalar(value: &Value) -> String {
    match value {
        // Escaped as in JSON, of which YAML's double quotes are a superset.
        Value::String(text) if text.chars().any(|c| c.is_control() || !c.is_ascii()) => escaped(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        _ => yaml(value).trim_end().to_owned(),
    }
}

/// A scalar between brackets, where a comma would end it.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) if text.contains([',', '[', ']', '{', '}', '"', ':', '#']) => escaped(text),
        _ => scalar(value),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() || sanitize(c.encode_utf8(&mut [0; 4])) != c.to_string() => {
                out.push_str(&format!("\\U{:08x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let hostile = "a\"b\\\n\u{1b}[31m\u{202e}é: {x} #";
        let fields = vec![
            map(
                "metadata",
                vec![field("name", "web"), map("labels", vec![field("on", "yes"), field(hostile, hostile)])],
            ),
            map("spec", vec![]),
            list(
                "disks",
                vec![
                    (vec!["two\nlines".into()], vec![field("name", "a"), field("boot", true).said("why")]),
                    (vec![], vec![field("name", "123"), map("existingPVC", vec![field("name", "x")])]),
                ],
            )
            .apart(),
        ];
        let text = write(&fields);
        let mut report = crate::diagnostic::Report::default();
        let read = crate::source::documents(0, &text, &mut report);
        assert!(report.is_valid(), "{text}");
        let expected = json!({
            "metadata": {"name": "web", "labels": {"on": "yes", hostile: hostile}},
            "disks": [{"name": "a", "boot": true}, {"name": "123", "existingPVC": {"name": "x"}}],
        });
        assert_eq!(crate::source::kubectl_value(&read[0].root), expected, "{text}");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    }
}
