//! Text that came from others, made harmless to a terminal and to the eye.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Replaces control characters, and characters that reorder or hide text, by visible escapes such as `\u{202e}`.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        sanitize_char(c, &mut clean);
    }
    Cow::Owned(clean)
}

/// Appends one character, escaped if it is harmful.
pub(crate) fn sanitize_char(c: char, out: &mut String) {
    if is_harmful(c) {
        // Writing to a String cannot fail.
        let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
    } else {
        out.push(c);
    }
}

/// Control characters, and the invisible ones that reorder text (bidirectional controls), hide in it (zero width), or
/// break lines.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_sequences_and_bidi_tricks_become_visible() {
        assert_eq!(sanitize("plain 生产 é"), "plain 生产 é");
        assert_eq!(sanitize("a\u{1b}[31mb\rc"), "a\\u{1b}[31mb\\u{d}c");
        assert_eq!(sanitize("abc\u{202e}def\u{200b}"), "abc\\u{202e}def\\u{200b}");
    }
}
