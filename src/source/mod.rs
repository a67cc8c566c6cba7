//! Text in, located tree out: YAML and JSON documents in which every node knows where it was written.
//!
//! Everything here treats its input as hostile: depth and the number of nodes are bounded before anything is built, and
//! aliases count as often as they are used. Size is bounded where files are taken in.

use std::sync::OnceLock;

mod node;
mod parse;
mod scalar;

pub use node::{Entry, Kind, Node, Style};
pub use parse::{Document, Documents, documents};
pub use scalar::{Plain, kubectl_value};

/// The largest file that is read, in bytes. Ten thousand machines need a third of it.
pub const MAX_FILE_BYTES: usize = 32 << 20;
/// The most bytes that all files of a run may have.
pub const MAX_RUN_BYTES: usize = 4 * MAX_FILE_BYTES;
/// Columns are counted in characters up to here and in bytes beyond: nobody counts either by eye.
const COUNTED_COLUMNS: usize = 1 << 20;

/// A stretch of one file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Which file of the [`SourceMap`].
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A value and where it was written.
#[derive(Debug, Clone)]
pub struct Located<T> {
    /// What was written, decoded.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Located<T> {
    /// Pairs a value with its place.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T> std::ops::Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// One input: the name a person knows it by, and its text.
pub struct SourceFile {
    /// A path, or `<stdin>`.
    pub name: String,
    /// The text.
    pub text: String,
    /// The byte at which each line starts; found when the first position is asked for.
    lines: OnceLock<Vec<u32>>,
}

impl std::fmt::Debug for SourceFile {
    /// Without the text, which may hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceFile").field("name", &self.name).finish_non_exhaustive()
    }
}

impl SourceFile {
    /// The bytes at which lines start. A line ends with a line feed, or with a carriage return that stands alone.
    fn lines(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            let bytes = self.text.as_bytes();
            let ends = |at: &usize| bytes[*at] == b'\n' || bytes[*at] == b'\r' && bytes.get(at + 1) != Some(&b'\n');
            let mut starts = Vec::with_capacity((0..bytes.len()).filter(ends).count() + 1);
            // Files are far smaller than 4 GiB, see MAX_FILE_BYTES.
            let start = |at: usize| u32::try_from(at + 1).unwrap_or(u32::MAX);
            starts.extend(std::iter::once(0).chain((0..bytes.len()).filter(ends).map(start)));
            starts
        })
    }

    /// The zero-based line of a byte, and the bytes at which that line starts and ends, its line break included.
    fn line_at(&self, byte: usize) -> (usize, usize, usize) {
        let starts = self.lines();
        let line = starts.partition_point(|start| *start as usize <= byte).saturating_sub(1);
        let end = starts.get(line + 1).map_or(self.text.len(), |end| *end as usize);
        (line, starts[line] as usize, end)
    }
}

/// All inputs of a run, so that a [`Span`] can be shown.
#[derive(Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Adds an input and returns its number.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> u32 {
        let mut text = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        self.files.push(SourceFile { name: name.into(), text, lines: OnceLock::new() });
        u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX)
    }

    /// The input with this number.
    pub fn file(&self, number: u32) -> Option<&SourceFile> {
        self.files.get(number as usize)
    }

    /// All inputs, in the order in which they were added.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// One-based line, and one-based column in characters, of a span's start.
    pub fn position(&self, span: Span) -> (usize, usize) {
        self.position_of(span.file, span.start)
    }

    /// One-based line and column of a byte in a file.
    pub fn position_of(&self, file: u32, byte: u32) -> (usize, usize) {
        let Some(file) = self.file(file) else { return (1, 1) };
        let byte = file.text.floor_char_boundary(byte as usize);
        let (line, start, _) = file.line_at(byte);
        let before = &file.text[start..byte];
        (line + 1, if before.len() > COUNTED_COLUMNS { before.len() } else { before.chars().count() } + 1)
    }

    /// The text of a span.
    pub fn slice(&self, span: Span) -> &str {
        let text = self.file(span.file).map_or("", |file| file.text.as_str());
        &text[text.floor_char_boundary(span.start as usize)..text.floor_char_boundary(span.end as usize)]
    }

    /// The whole line in which a span starts, without its line break, and the byte at which that line starts.
    pub fn line(&self, span: Span) -> (&str, usize) {
        let Some(file) = self.file(span.file) else { return ("", 0) };
        let (_, start, end) = file.line_at(file.text.floor_char_boundary(span.start as usize));
        (file.text[start..end].trim_end_matches(['\r', '\n']), start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_survive_any_span() {
        let mut map = SourceMap::default();
        let file = map.add("a.yaml", "a: 生产\nb: x\n");
        let span = |start, end| Span { file, start, end };
        assert_eq!(map.position(span(6, 9)), (1, 5));
        assert_eq!(map.position(span(10, 11)), (2, 1));
        assert_eq!(map.position(span(4, 5)), (1, 4), "inside a character");
        assert_eq!(map.position(span(9_999, 9_999)), (3, 1));
        assert_eq!(map.line(span(13, 14)), ("b: x", 10));
    }
}
