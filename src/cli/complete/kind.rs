//! What the value of an argument is: the name that the help gives it tells.

use clap::Arg;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One of a few words that the command line knows.
    Words,
    /// A Wukong, or `vm/NAME`.
    Machine,
    /// A disk of the machine on the line.
    Disk,
    Namespace,
    Node,
    StorageClass,
    SnapshotClass,
    Snapshot,
    Claim,
    /// `POLICY=CLASS`
    Policy,
    /// What `where-is-my-data --if` asks about.
    Event,
    Context,
    Cluster,
    User,
    /// A field of the file, or a code.
    Field,
    /// A command of this program.
    Command,
    /// Files with machines.
    Manifest,
    File,
    Directory,
    /// What only the person knows.
    Free,
}

/// What an argument of a command takes; nothing for one that is new here.
pub(super) fn kind(path: &[&str], arg: &Arg) -> Option<Kind> {
    if !arg.get_possible_values().is_empty() {
        return Some(Kind::Words);
    }
    let id = arg.get_id().as_str();
    let name = arg.get_value_names().and_then(<[_]>::first).map_or("", |name| name.as_str());
    Some(match (name, id) {
        ("NAME", "context") => Kind::Context,
        ("NAME", "cluster") => Kind::Cluster,
        ("NAME", "user") => Kind::User,
        ("NAME", "tls_server_name") => Kind::Free,
        ("NAME" | "SNAPSHOT", "name") if !arg.is_positional() => Kind::Free,
        ("NAME", _) if arg.is_positional() => Kind::Machine,
        ("COMMAND", _) => Kind::Command,
        ("PATH", "path") if path == ["explain"] => Kind::Field,
        ("PATH", "filenames" | "base") => Kind::Manifest,
        ("CLASS", "snapshot_class") => Kind::SnapshotClass,
        ("CLASS", _) => Kind::StorageClass,
        ("NAMESPACE", _) => Kind::Namespace,
        ("NODE", _) => Kind::Node,
        ("DISK", _) => Kind::Disk,
        ("SNAPSHOT", _) => Kind::Snapshot,
        ("CLAIM", _) => Kind::Claim,
        ("POLICY=CLASS", _) => Kind::Policy,
        ("EVENT", _) => Kind::Event,
        ("FILE", _) => Kind::File,
        ("DIR", _) => Kind::Directory,
        // `fn` reads the words of a setting and of a flag in the same way.
        ("include|omit|only", _) => Kind::Free,
        (
            "COUNT" | "DAYS" | "DURATION" | "GROUP" | "LABELS" | "N" | "PERCENT" | "SIZE" | "TOKEN" | "UID" | "URL"
            | "USER",
            _,
        ) => Kind::Free,
        // The name of a machine that is not there yet.
        ("", "name") if path == ["init"] => Kind::Free,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::line::takes_value;
    use super::*;

    fn walk(command: &clap::Command, path: &mut Vec<String>, unknown: &mut Vec<String>) {
        let names: Vec<_> = path.iter().map(String::as_str).collect();
        for arg in command.get_arguments().filter(|arg| takes_value(arg) && kind(&names, arg).is_none()) {
            unknown.push(format!("{} {}: {:?}", path.join(" "), arg.get_id(), arg.get_value_names()));
        }
        for below in command.get_subcommands() {
            path.push(below.get_name().to_owned());
            walk(below, path, unknown);
            path.pop();
        }
    }

    #[test]
    fn the_value_of_every_argument_is_known() {
        let mut command = crate::cli::early::with_flags(crate::cli::command()).disable_help_subcommand(true);
        command.build();
        let mut unknown = Vec::new();
        walk(&command, &mut Vec::new(), &mut unknown);
        assert!(unknown.is_empty(), "a value name that completion does not know: {unknown:#?}");
    }
}
