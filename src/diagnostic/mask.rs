//! Secrets in source lines: found by meaning where the file could be decoded, and by the look of the line where not.

use crate::source::{SourceMap, Span};

/// What stands in place of a secret.
pub(super) const MASK: &str = "••••••";

/// Words in a key that make its value a secret. Misspelt keys must be covered too, so these are stems.
const STEMS: [&str; 10] =
    ["pass", "pasw", "pwd", "hash", "token", "credential", "apikey", "privatekey", "paswd", "psw"];
/// Keys that hold the name of a Secret, which is not itself one.
const NAMES: [&str; 4] = ["passwordsecret", "imagesecret", "sshkeysecret", "lockpasswd"];

/// A longer line is not searched but hidden: it is machine-made, and its column says enough.
const LONG_LINE: usize = 16 << 10;
/// How far back a secret that spans several lines may begin, in bytes.
const LOOK_BACK: usize = 16 << 10;

/// The byte ranges of a line that must not be shown, relative to the line.
pub(super) fn secret_ranges(sources: &SourceMap, hidden: &[Span], at: Span) -> Vec<(usize, usize)> {
    let (line, start) = sources.line(at);
    if line.len() > LONG_LINE {
        return vec![(0, line.len())];
    }
    let end = start + line.len();
    let mut ranges: Vec<_> = hidden
        .iter()
        .filter(|span| span.file == at.file && (span.start as usize) < end && (span.end as usize) > start)
        .map(|span| ((span.start as usize).saturating_sub(start), (span.end as usize).min(end) - start))
        .collect();
    let text = sources.file(at.file).map_or("", |file| file.text.as_str());
    if inside_secret_block(&text[..start], line) {
        ranges.push((indent(line), line.len()));
    } else if let Some(value) = value_of_secret_key(line) {
        ranges.push((value, line.len()));
    }
    ranges.extend(crypt_hash(line));
    ranges.extend(url_secrets(line));
    ranges
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-', '\t']).len()
}

/// Where the value starts of the first key in the line that looks secret. All after it is hidden, since without a
/// parser the end of the value is not known.
fn value_of_secret_key(line: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(colon) = line[from..].find([':', '=']).map(|at| at + from) {
        let key_start = line[..colon].trim_end().rfind([' ', '{', ',', '\t', '&', '?']).map_or(0, |at| at + 1);
        if is_secret_key(&line[key_start..colon]) {
            let value = &line[colon + 1..];
            return Some(colon + 1 + (value.len() - value.trim_start().len()));
        }
        from = colon + 1;
    }
    None
}

fn is_secret_key(key: &str) -> bool {
    let bare: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    STEMS.iter().any(|stem| bare.contains(stem)) && !NAMES.contains(&bare.as_str())
}

/// Whether the line continues the value of a secret key on an earlier line: it is indented deeper than that key.
fn inside_secret_block(before: &str, line: &str) -> bool {
    let mut limit = line.len() - line.trim_start().len();
    // A block scalar of a password is short; looking far back would cost time on hostile files.
    let recent = (before.len().saturating_sub(LOOK_BACK)..).find_map(|at| before.get(at..)).unwrap_or_default();
    for above in recent.lines().rev().filter(|above| !above.trim().is_empty()) {
        let depth = above.len() - above.trim_start().len();
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

/// Anything that has the form of a crypt(3) hash, `$6$salt$…`, wherever it stands.
fn crypt_hash(line: &str) -> Option<(usize, usize)> {
    let at = line.match_indices('$').map(|(at, _)| at).find(|at| {
        let rest = &line[at + 1..];
        rest.find('$')
            .is_some_and(|next| (1..=8).contains(&next) && rest[..next].bytes().all(|b| b.is_ascii_alphanumeric()))
    })?;
    Some((at, line.len()))
}

/// User information and the query of addresses.
fn url_secrets(line: &str) -> Vec<(usize, usize)> {
    let mut ranges = Vec::new();
    for (at, _) in line.match_indices("://") {
        let rest = &line[at + 3..];
        let end = rest.find([' ', '"', '\'', ',', '}', ']', '\t']).unwrap_or(rest.len());
        let url = &rest[..end];
        let authority = url.find(['/', '?', '#']).unwrap_or(url.len());
        if let Some(user) = url[..authority].rfind('@') {
            ranges.push((at + 3, at + 3 + user));
        }
        if let Some(query) = url.find('?') {
            ranges.push((at + 3 + query + 1, at + 3 + end));
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, needle: &str) -> String {
        let mut sources = SourceMap::default();
        let file = sources.add("a", text);
        let start = u32::try_from(text.find(needle).unwrap()).unwrap();
        let at = Span { file, start, end: start + 1 };
        let (line, _) = sources.line(at);
        let ranges = secret_ranges(&sources, &[], at);
        let keep = |i: usize| !ranges.iter().any(|(start, end)| (*start..*end).contains(&i));
        line.char_indices().filter(|(i, _)| keep(*i)).map(|(_, c)| c).collect()
    }

    #[test]
    fn lines_that_look_secret_are_hidden_without_a_parser() {
        assert_eq!(shown("  password: hunter2 # x", "password"), "  password: ");
        assert_eq!(shown("  pasword: hunter2", "pasword"), "  pasword: ");
        assert_eq!(shown("u: {name: a, password: hunter2, b: ]}", "name"), "u: {name: a, password: ");
        assert_eq!(shown("\"passwordHash\":\"$6$x$y\"", "pass"), "\"passwordHash\":");
        assert_eq!(shown("password: |\n  hunter2\n  more", "more"), "  ");
        assert_eq!(shown("shell: $6$salt$abc", "shell"), "shell: ");
        assert_eq!(shown("image: https://u:p@host/x?sig=1", "image"), "image: https://@host/x?");
        assert_eq!(shown("passwordSecret: my-secret", "passw"), "passwordSecret: my-secret");
    }
}
