//! The located tree.

use super::{Plain, Span};

/// A value with its place in the text.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where it was written. A value taken from an alias points to the anchor's value.
    pub span: Span,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A scalar: its text after escapes, and how it was written.
    Scalar(Box<str>, Style),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the text. Keys are unique.
    Map(Vec<Entry>),
}

/// One key of a mapping and its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key's text.
    pub key: Box<str>,
    /// How the key was written.
    pub key_style: Style,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

/// Whether a scalar's text decides its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Unquoted: may be a number, a boolean or nothing.
    Plain,
    /// Quoted, a block scalar, or tagged `!!str`: always text.
    Text,
}

impl Node {
    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of a key, if this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|entry| &*entry.key == key),
            Kind::Scalar(..) | Kind::List(_) => None,
        }
    }

    /// Whether this is nothing: `null`, `~` or no value at all.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(text, Style::Plain) if Plain::of(text) == Plain::Null)
    }

    /// The text of a scalar.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text, _) => Some(text),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// The items of a sequence.
    pub fn items(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            Kind::Scalar(..) | Kind::Map(_) => None,
        }
    }
}
