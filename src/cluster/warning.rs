//! `Warning:` headers, in which the server and its webhooks say what they do not refuse.

/// The texts of one header, which may hold several: `299 - "text" "date", 299 - "text"`.
///
/// The form is that of RFC 7234; as in kubectl only code 299 counts. What is malformed is left out: a warning about a
/// warning helps nobody.
pub(super) fn texts(header: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = header.trim_start();
    while !rest.is_empty() {
        let Some((code, after)) = rest.split_once(' ') else { break };
        let Some((_agent, after)) = after.trim_start().split_once(' ') else { break };
        let Some((text, after)) = quoted(after.trim_start()) else { break };
        if code == "299" && !text.trim().is_empty() {
            found.push(text);
        }
        // The date is of no use here.
        let after = after.trim_start();
        let after = quoted(after).map_or(after, |(_, after)| after);
        match after.trim_start().strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None => break,
        }
    }
    found
}

/// A quoted string, and what stands behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((value, &inner[at + 1..])),
            _ => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_servers() {
        assert_eq!(texts(r#"299 - "unknown field \"spec.x\"""#), [r#"unknown field "spec.x""#]);
        assert_eq!(
            texts(r#"299 - "a, b", 299 kube "c\\d" "Wed, 21 Oct 2015 07:28:00 GMT",299 - "e""#),
            ["a, b", r"c\d", "e"]
        );
        assert_eq!(texts(r#"199 - "other code", 299 - "mine""#), ["mine"]);
        for broken in ["", "299", "299 -", "299 - x", r#"299 - "open"#, r#"299 - """#, r#"299 - "x\"#] {
            assert!(texts(broken).is_empty(), "{broken}");
        }
        assert_eq!(texts(r#"299 - "first", nonsense"#), ["first"]);
    }
}
