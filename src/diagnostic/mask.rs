//! Secrets in source lines: found by meaning where the file could be decoded, and by the look of the text where not.

use std::ops::Range;

use crate::source::{SourceMap, Span};
use crate::text::{is_secret_address, is_secret_key, mentions_secrets, secret_parts};

/// A longer line is not searched but hidden: it is machine-made, and its column says enough.
const LONG_LINE: usize = 2 << 10;
/// How many lines above a place, and below it, are searched for secrets where the text could not be read. A value that
/// is continued on more lines than this is no password.
const LINES_ABOVE: usize = 12;
const LINES_BELOW: usize = 2;
/// Keys whose values are no secrets, and which nobody confuses with one.
const PLAIN_KEYS: [&str; 22] = [
    "apiVersion",
    "kind",
    "namespace",
    "metadata",
    "spec",
    "cpu",
    "memory",
    "disks",
    "size",
    "maxSize",
    "boot",
    "storageClassName",
    "accessMode",
    "volumeMode",
    "networks",
    "type",
    "bridgeName",
    "nadName",
    "vlanId",
    "mode",
    "address",
    "gateway",
];
/// How far around a place secrets are looked for, in bytes.
const NEIGHBOURHOOD: usize = 16 << 10;

/// Which stretches may not be shown.
pub(super) struct Mask {
    /// Known secrets, sorted.
    hidden: Vec<Span>,
    /// The longest of them, so that a search knows how far back to begin.
    longest: u32,
}

impl Mask {
    pub(super) fn new(hidden: &[Span]) -> Self {
        let mut hidden = hidden.to_vec();
        hidden.sort_unstable();
        let longest = hidden.iter().map(|span| span.end - span.start).max().unwrap_or(0);
        Self { hidden, longest }
    }

    /// The byte ranges of the line in which a place stands that must not be shown, relative to the line.
    ///
    /// `decoded` says whether the document could be read, so that all its secrets are known.
    pub(super) fn ranges(&self, sources: &SourceMap, at: Span, decoded: bool) -> Vec<Range<usize>> {
        let (line, start) = sources.line(at);
        if line.len() > LONG_LINE {
            return std::iter::once(0..line.len()).collect();
        }
        let text = sources.file(at.file).map_or("", |file| file.text.as_str());
        let mut ranges = self.known(at.file, start, line.len());
        let may_tell = || {
            is_in_secret(text, start) || !has_plain_key(line) && mentions_secrets(lines_around(text, start, line.len()))
        };
        if !decoded && may_tell() {
            // Nobody knows where a value ends in a text that cannot be read: only keys are shown.
            ranges.push(first_value(line)..line.len());
        } else if inside_secret_block(&text[..start], line) {
            ranges.push(indent(line)..line.len());
        }
        ranges.extend(value_of_secret_key(line).map(|value| value..line.len()));
        ranges.extend(comment_on_secrets(line).map(|comment| comment..line.len()));
        ranges.extend(secret_parts(line));
        ranges
    }

    fn known(&self, file: u32, start: usize, length: usize) -> Vec<Range<usize>> {
        let end = start + length;
        let from = u32::try_from(start).unwrap_or(u32::MAX).saturating_sub(self.longest);
        let first = self.hidden.partition_point(|span| (span.file, span.start) < (file, from));
        self.hidden[first..]
            .iter()
            .take_while(|span| span.file == file && (span.start as usize) < end)
            .filter(|span| span.end as usize > start)
            .map(|span| (span.start as usize).saturating_sub(start)..(span.end as usize).min(end) - start)
            .collect()
    }
}

/// Whether a place is in a document that calls itself a Secret, as far as a text can tell that cannot be read. In JSON, and
/// in a List, the kind may stand anywhere in it.
fn is_in_secret(text: &str, at: usize) -> bool {
    let begin = text[..at].rfind("\n---").unwrap_or(0);
    let end = text[at..].find("\n---").map_or(text.len(), |found| at + found);
    text[begin..end].lines().any(|line| line.contains("kind") && line.contains("Secret"))
}

/// A stretch around a line, cut where characters end.
fn neighbourhood(text: &str, start: usize, length: usize) -> Range<usize> {
    text.floor_char_boundary(start.saturating_sub(NEIGHBOURHOOD))
        ..text.ceil_char_boundary(start + length + NEIGHBOURHOOD)
}

/// A line with some of those around it.
fn lines_around(text: &str, start: usize, length: usize) -> &str {
    let near = neighbourhood(text, start, length);
    let above: usize = text[near.start..start].split_inclusive('\n').rev().take(LINES_ABOVE).map(str::len).sum();
    let end = start + length;
    let below: usize = text[end..near.end].split_inclusive('\n').take(1 + LINES_BELOW).map(str::len).sum();
    &text[start - above..end + below]
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-', '\t']).len()
}

/// Whether a line holds one of the keys that are known to be harmless, and nothing else.
fn has_plain_key(line: &str) -> bool {
    let key = line[indent(line)..].split(':').next().unwrap_or_default();
    PLAIN_KEYS.contains(&key) && !line.contains(['{', ','])
}

/// What follows the first plain key of a line; without one, the whole line.
fn first_value(line: &str) -> usize {
    let start = indent(line);
    let is_key = |key: &str| {
        let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
        key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/'))
    };
    match line[start..].split_once(':').filter(|(key, _)| is_key(key)) {
        Some((_, value)) => line.len() - value.trim_start().len(),
        None => start,
    }
}

/// Where the value starts of the first key in the line that looks secret, or that holds an address with a secret. All
/// after it is hidden, since without a parser the end of the value is not known.
fn value_of_secret_key(line: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(colon) = line[from..].find([':', '=']).map(|at| at + from) {
        let key_start = line[..colon].trim_end().rfind([' ', '{', ',', '\t', '&', '?']).map_or(0, |at| at + 1);
        let key = &line[key_start..colon];
        let value = &line[colon + 1..];
        let image = ["image", "osImage"].contains(&key.trim_matches(['"', '\'', ' ', '-']));
        if is_secret_key(key) || image && is_secret_address(value) {
            return Some(colon + 1 + (value.len() - value.trim_start().len()));
        }
        from = colon + 1;
    }
    None
}

/// Whether the line continues the value of a secret key on an earlier line: it is indented deeper than that key, or is
/// an item of a list at its depth.
fn inside_secret_block(before: &str, line: &str) -> bool {
    let depth_of = |line: &str| line.len() - line.trim_start().len();
    let item = line.trim_start().starts_with('-');
    let mut limit = depth_of(line) + usize::from(item);
    let recent = &before[neighbourhood(before, before.len(), 0)];
    for above in recent.lines().rev().filter(|above| !above.trim().is_empty()) {
        let depth = depth_of(above);
        if depth >= limit {
            continue;
        }
        limit = depth;
        let key = above.trim_start().trim_start_matches("- ").split(':').next().unwrap_or_default();
        if is_secret_key(key) {
            return true;
        }
        if depth == 0 {
            return false;
        }
    }
    false
}

/// A comment that speaks of secrets may hold one.
fn comment_on_secrets(line: &str) -> Option<usize> {
    let start = if line.trim_start().starts_with('#') { 0 } else { line.find(" #")? };
    mentions_secrets(&line[start..]).then_some(start + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, needle: &str, decoded: bool) -> String {
        let mut sources = SourceMap::default();
        let file = sources.add("a", text);
        let start = u32::try_from(text.find(needle).unwrap()).unwrap();
        let at = Span { file, start, end: start + 1 };
        let (line, _) = sources.line(at);
        let ranges = Mask::new(&[]).ranges(&sources, at, decoded);
        line.char_indices().filter(|(i, _)| !ranges.iter().any(|range| range.contains(i))).map(|(_, c)| c).collect()
    }

    #[test]
    fn lines_that_look_secret_are_hidden() {
        for (text, needle, expected) in [
            ("  password: hunter2 # x", "password", "  password: "),
            ("  pasword: hunter2", "pasword", "  pasword: "),
            ("u: {name: a, password: hunter2, b: ]}", "name", "u: {name: a, password: "),
            ("\"passwordHash\":\"$6$x$y\"", "pass", "\"passwordHash\":"),
            ("password: |\n  hunter2\n  more", "more", "  "),
            ("password:\n- hunter2", "- h", "- "),
            ("shell: $6$salt$abc", "shell", "shell: "),
            ("image: https://u:p@host/x?sig=1", "image", "image: "),
            ("image: u:p@host/x", "image", "image: "),
            ("name: a # the password is x", "name", "name: a "),
            ("passwordSecret: my-secret", "passw", "passwordSecret: my-secret"),
        ] {
            assert_eq!(shown(text, needle, true), expected, "{text}");
        }
    }

    #[test]
    fn of_what_cannot_be_read_only_keys_are_shown() {
        assert_eq!(shown("password: |\nhunter2\n", "hunter2", false), "");
        assert_eq!(shown("  passwd \"hunter2\"\n  sise: 10Gi x", "sise", false), "  sise: ");
        let secret = "kind: ConfigMap\n---\ndata:\n  db: one\n  db: two\nkind: Secret\n---\ndata:\n  x: shown\n";
        assert_eq!(shown(secret, "db: two", false), "  db: ");
        assert_eq!(shown(secret, "x: shown", false), "  x: shown");
        assert_eq!(shown("  passwd \"hunter2\"\n  size: 10Gi x", "size", false), "  size: 10Gi x");
        assert_eq!(shown("name: web\n  size: 10Gi x", "size", false), "  size: 10Gi x");
    }
}
