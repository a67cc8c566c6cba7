//! Commands for a person to type. All that comes from a cluster is one word in them, whatever it holds.

/// A text as one word of a shell.
pub(crate) fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,#".contains(c);
    if !text.is_empty() && !text.starts_with(['-', '#']) && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A command of this program about what is in a namespace. It always names that one: typed without it, the command would
/// act on the machine of the same name in the namespace of the context. `flags` are written as they are.
pub(crate) fn command_line(verb: &str, names: &[&str], namespace: &str, flags: &str) -> String {
    let names: String = names.iter().map(|name| format!("{} ", word(name))).collect();
    format!("kubectl wukong {verb} {names}-n {} {flags}", word(namespace)).trim_end().to_owned()
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
    }

    #[test]
    fn command_lines_name_the_namespace() {
        assert_eq!(command_line("start", &["vm/web"], "prod", ""), "kubectl wukong start vm/web -n prod");
        assert_eq!(
            command_line("snapshot restore", &["web", "$(s)"], "prod", "--stop"),
            "kubectl wukong snapshot restore web '$(s)' -n prod --stop"
        );
        assert_eq!(command_line("snapshot list", &[], "prod", ""), "kubectl wukong snapshot list -n prod");
    }
}
