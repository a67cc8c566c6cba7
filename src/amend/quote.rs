//! How a word is quoted, so that it is read back as the same text.

use crate::source::{Kind, Node, Span, Style};

use super::check::is_text;

/// The quotes around a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    Plain,
    Single,
    Double,
}

impl Quote {
    /// Those of the scalar that starts at this byte; none if it is a block of lines.
    pub(super) fn at(text: &str, start: usize) -> Option<Self> {
        match text.get(start..)?.chars().next()? {
            '"' => Some(Self::Double),
            '\'' => Some(Self::Single),
            '|' | '>' | '&' | '*' | '!' => None,
            _ => Some(Self::Plain),
        }
    }

    /// A word in these quotes, or in some where it would not be text without.
    pub(super) fn around(self, word: &str) -> String {
        match self {
            Self::Plain if is_plain(word) => word.to_owned(),
            Self::Plain | Self::Double => serde_json::Value::from(word).to_string(),
            Self::Single => format!("'{}'", word.replace('\'', "''")),
        }
    }
}

/// Whether a word is the same text without quotes, to every reader and between braces too.
fn is_plain(word: &str) -> bool {
    let span = Span { file: 0, start: 0, end: 0 };
    let node = Node { kind: Kind::Scalar(word.into(), Style::Plain), span };
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
        && is_text(&node, word)
}
