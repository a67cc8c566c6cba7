//! Commands for an administrator. All that comes from a cluster is one word in them, whatever it holds.

use crate::text::word;

/// A command with words after it, and where it is run.
pub(crate) fn command(place: &str, command: &str, words: &[&str]) -> String {
    // No word may be taken for an option.
    let end = if words.iter().any(|text| text.starts_with('-')) { " --" } else { "" };
    let words: String = words.iter().map(|text| format!(" {}", word(text))).collect();
    format!("{place}: {command}{end}{words}")
}

/// Where a command about the disks of a node is run.
pub(crate) fn on(node: Option<&str>) -> String {
    node.map_or_else(|| "on the node that runs the machine".to_owned(), |node| format!("on {}", word(node)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(command("anywhere", "ls", &["a", "-rf"]), "anywhere: ls -- a '-rf'");
        assert_eq!(on(Some("a; b")), "on 'a; b'");
    }
}
