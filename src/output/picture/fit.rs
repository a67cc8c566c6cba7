//! Text that stays in its box without knowing the font: widths of a wide one, and names shortened in their middle, whose
//! beginning and end tell most.

use unicode_width::UnicodeWidthChar as _;

use super::Part;

const DOTS: char = '…';

/// The width of a text in pixels, at a size in pixels: an upper bound for the usual fonts without serifs.
pub(super) fn width(text: &str, size: f64, bold: bool) -> f64 {
    text.chars().map(|c| advance(c, bold)).sum::<f64>() * size
}

/// The pieces of a line as they fit into `room`: names are shortened, the longest first, and our own words are not.
/// `bold` says of a piece, by its number, whether it is drawn so.
pub(super) fn fit(parts: &[Part], size: f64, room: f64, bold: impl Fn(usize) -> bool) -> Vec<String> {
    let widths: Vec<_> = parts.iter().enumerate().map(|(at, part)| width(part.text(), size, bold(at))).collect();
    let is_name = |at: &usize| matches!(parts[*at], Part::Name(_));
    let mut names: Vec<_> = (0..parts.len()).filter(is_name).map(|at| widths[at]).collect();
    names.sort_by(f64::total_cmp);
    // What short names leave is for the long ones.
    let mut left = (room - (0..parts.len()).filter(|at| !is_name(at)).map(|at| widths[at]).sum::<f64>()).max(0.0);
    let mut limit = f64::INFINITY;
    let count = names.len();
    for (done, name) in names.into_iter().enumerate() {
        let share = left / f64::from(u32::try_from(count - done).unwrap_or(u32::MAX));
        if name > share {
            limit = share;
            break;
        }
        left -= name;
    }
    // Whatever else is wrong, no line leaves its box.
    let mut left = room;
    let one = |(at, part): (usize, &Part)| {
        let room = if is_name(&at) { limit.min(left) } else { left };
        let text = shorten(part.text(), room, size, bold(at));
        left -= width(&text, size, bold(at));
        text
    };
    parts.iter().enumerate().map(one).collect()
}

/// A text without as much of its middle as does not fit.
fn shorten(text: &str, room: f64, size: f64, bold: bool) -> String {
    if width(text, size, bold) <= room {
        return text.to_owned();
    }
    let mut left = room - advance(DOTS, bold) * size;
    if left < 0.0 {
        return String::new();
    }
    let (mut start, mut end) = (String::new(), Vec::new());
    let mut chars = text.chars();
    let mut front = true;
    while let Some(c) = if front { chars.next() } else { chars.next_back() } {
        left -= advance(c, bold) * size;
        if left < 0.0 {
            break;
        }
        if front {
            start.push(c);
        } else {
            end.push(c);
        }
        front = !front;
    }
    start.push(DOTS);
    start.extend(end.into_iter().rev());
    start
}

/// A text in lines of at most `room`, broken between words where that is possible.
pub(super) fn wrapped(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let word = shorten(word, room, size, false);
        let Some(line) = lines.last_mut() else { continue };
        if line.is_empty() {
            *line = word;
        } else if width(line, size, false) + width(" ", size, false) + width(&word, size, false) <= room {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}

/// How far a character moves the pen, in parts of the size. The numbers are those of DejaVu Sans, rounded up, one of the
/// widest fonts that a browser takes for text without serifs.
fn advance(c: char, bold: bool) -> f64 {
    let plain = match c {
        'i' | 'j' | 'l' | '\'' => 0.28,
        ' ' | '.' | ',' | '·' | 'I' | 'J' => 0.32,
        '/' | '\\' | '|' | ':' | ';' | 'f' | '-' => 0.37,
        '(' | ')' | '[' | ']' | 't' | '!' | 'r' => 0.42,
        '"' | '_' | '`' | '*' | '–' | 's' | 'z' => 0.53,
        'c' | 'k' | 'v' | 'x' | 'y' | 'L' | 'F' | '?' => 0.6,
        'a'..='h' | 'n'..='u' | '0'..='9' | '$' | '{' | '}' | 'E' | 'P' | 'S' | 'T' | 'Y' => 0.64,
        'A' | 'B' | 'C' | 'K' | 'R' | 'V' | 'X' | 'Z' => 0.7,
        'D' | 'G' | 'H' | 'N' | 'O' | 'Q' | 'U' | '&' => 0.79,
        'w' | '=' | '+' | '<' | '>' | '~' | '#' | '^' | 'M' => 0.87,
        'm' | 'W' | '@' | '%' | DOTS => 1.0,
        '✓' | '⚠' => 1.1,
        _ => match c.width() {
            Some(0) => 0.0,
            Some(1) => 0.9,
            _ => 1.2,
        },
    };
    // Bold letters are wider by about the same, whatever their width.
    if bold && plain > 0.0 { plain + 0.085 } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_loses_its_middle_and_our_words_stay() {
        let parts = [Part::Word("node ".into()), Part::Name("ip-10-0-17-4.eu-central-1.compute.internal".into())];
        let fitted = fit(&parts, 13.0, 160.0, |_| false);
        assert_eq!(fitted[0], "node ");
        assert!(fitted[1].starts_with("ip-10") && fitted[1].ends_with("ernal") && fitted[1].contains(DOTS));
        assert!(width(&fitted.concat(), 13.0, false) <= 160.0);
        let short = fit(&[Part::Name("a".into()), Part::Name("b".repeat(90))], 13.0, 160.0, |_| true);
        assert_eq!(short[0], "a", "a short name gives its room to the long one");
    }

    #[test]
    fn no_text_is_wider_than_its_room() {
        for text in
            ["", "iiiiiiiiiiiiiiiiiiiiiiiiiiii", "生产生产生产生产生产生产", "WWWWWWWWWWWWWWWWWWWW", "🐒🐒🐒🐒🐒🐒🐒🐒"]
        {
            for room in [15.0, 40.0, 200.0] {
                assert!(width(&shorten(text, room, 13.0, true), 13.0, true) <= room, "{text} in {room}");
                let lines = wrapped(&format!("{text} and more {text}"), 13.0, room + 40.0);
                assert!(lines.iter().all(|line| width(line, 13.0, false) <= room + 40.0), "{lines:?}");
            }
        }
    }
}
