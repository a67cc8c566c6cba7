//! Changes of a text in place, so that what is not changed stays as it was written, comments included.

use std::ops::Range;

use crate::source::{Kind, Node};

/// Stretches of a text and what stands there instead.
#[derive(Debug, Default)]
pub(super) struct Edits {
    edits: Vec<(Range<usize>, String)>,
}

impl Edits {
    /// Notes a change.
    pub(super) fn replace(&mut self, stretch: Range<usize>, text: impl Into<String>) {
        self.edits.push((stretch, text.into()));
    }

    /// Notes text that comes in at a byte.
    pub(super) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    /// The changed text; `None` if two changes touch the same stretch.
    pub(super) fn apply(mut self, text: &str) -> Option<String> {
        // What comes in at one byte keeps its order.
        self.edits.sort_by_key(|(stretch, _)| stretch.start);
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for (stretch, new) in &self.edits {
            out.push_str(text.get(at..stretch.start)?);
            // Only the end of a text can lack the line break that a change begins after.
            if !new.is_empty() && stretch.start == text.len() && !out.is_empty() && !out.ends_with(['\n', '\r']) {
                out.push('\n');
            }
            out.push_str(new);
            at = stretch.end;
        }
        out.push_str(text.get(at..)?);
        Some(out)
    }
}

/// Whether a node is written with brackets, as in JSON.
pub(super) fn is_flow(node: &Node, text: &str) -> bool {
    let first = text.as_bytes().get(node.span.start as usize);
    match &node.kind {
        Kind::Scalar(..) => false,
        // The span of a list with dashes may begin with its first item, and that may have brackets.
        Kind::List(items) => first == Some(&b'[') && items.first().is_none_or(|item| item.span.start > node.span.start),
        Kind::Map(_) => first == Some(&b'{'),
    }
}

/// One past the last byte that a node is written with. The span of an indented mapping goes on to what follows it.
pub(super) fn end(node: &Node, text: &str) -> usize {
    let whole = node.span.end as usize;
    if is_flow(node, text) {
        return whole;
    }
    let inner = match &node.kind {
        Kind::Scalar(..) => None,
        Kind::List(items) => items.iter().map(|item| end(item, text)).max(),
        Kind::Map(entries) => {
            entries.iter().map(|entry| end(&entry.value, text).max(entry.key_span.end as usize)).max()
        }
    };
    let end = inner.unwrap_or(whole).min(text.len());
    text[..text.floor_char_boundary(end)].trim_end().len().max(node.span.start as usize)
}

/// The byte at which the line of a byte starts.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind(['\n', '\r'])).map_or(0, |found| found + 1)
}

/// One past the line break of the line of a byte.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let Some(after) = text.get(at..) else { return text.len() };
    // A carriage return that stands alone ends a line, too.
    let end =
        after.find(['\n', '\r']).map(|found| if after[found..].starts_with("\r\n") { found + 2 } else { found + 1 });
    end.map_or(text.len(), |end| at + end)
}

/// A text with this before each line that is not empty.
pub(super) fn indented(text: &str, indent: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| if line.trim_end().is_empty() { line.to_owned() } else { format!("{indent}{line}") })
        .collect()
}
