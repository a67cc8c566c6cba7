//! Commands for an administrator. All that comes from a cluster is one word in them, whatever it holds.

/// A text as one word of a shell.
pub(crate) fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,#".contains(c);
    if !text.is_empty() && !text.starts_with(['-', '#']) && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

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
        assert_eq!(word("/srv/vm a"), "'/srv/vm a'");
        assert_eq!(word("$(reboot)"), "'$(reboot)'");
        assert_eq!(word("a'b"), r"'a'\''b'");
        assert_eq!((word(""), word("~")), ("''".to_owned(), "'~'".to_owned()));
        assert_eq!(command("anywhere", "ls", &["a", "-rf"]), "anywhere: ls -- a '-rf'");
        assert_eq!(on(Some("a; b")), "on 'a; b'");
    }
}
