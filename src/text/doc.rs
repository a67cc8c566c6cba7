//! Doc comments as text for people.

/// A doc comment as plain text: one leading space of each line dropped.
pub(crate) fn plain(doc: &str) -> String {
    let lines: Vec<_> = doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    lines.join("\n").trim().to_owned()
}
