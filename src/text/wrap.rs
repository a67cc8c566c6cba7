//! Prose in lines of a given width.

use unicode_width::UnicodeWidthStr as _;

/// Breaks paragraphs, which empty lines divide, into lines of at most `width` cells, each after `indent` spaces.
///
/// A word that is wider than a line stands on a line of its own.
pub(crate) fn wrap(text: &str, width: usize, indent: usize) -> String {
    let room = width.saturating_sub(indent).max(20);
    let indented = |line: &String| format!("{:indent$}{line}", "").trim_end().to_owned();
    let paragraphs = text.split("\n\n").map(|paragraph| fold(paragraph, room).iter().map(indented).collect::<Vec<_>>());
    paragraphs.map(|lines| lines.join("\n")).collect::<Vec<_>>().join("\n\n")
}

/// Breaks a text between words into lines of at most `room` cells, but for a word that is wider.
pub(crate) fn fold(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.width() + 1 + word.width() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn paragraphs_stay_and_lines_fit() {
        assert_eq!(wrap("one two three\nfour\n\nfive", 24, 4), "    one two three four\n\n    five");
        assert_eq!(wrap("aaaaaaaaaaaaaaa bbbbbbbbbb c", 22, 2), "  aaaaaaaaaaaaaaa\n  bbbbbbbbbb c");
    }
}
