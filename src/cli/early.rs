//! kubectl's own flags before the command, where kubectl, virtctl and helm take them too.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Arg, Args as _, Command};

use super::access::AccessArgs;

/// A command whose commands know kubectl's own flags already before their names.
pub(super) fn with_flags(command: Command) -> Command {
    let namespace = Arg::new("namespace").short('n').long("namespace").value_name("NAMESPACE").help("The namespace");
    let groups = |below: Command| if below.has_subcommands() { with_flags(below) } else { below };
    AccessArgs::augment_args(command).arg(namespace).mut_subcommands(groups)
}

/// Puts the flags that stand before a command behind it, where they are read. A command that has no such flag is an
/// error, which says so.
pub(super) fn settle(command: &Command, words: Vec<OsString>) -> Result<Vec<OsString>, clap::Error> {
    if is_settled(command, &words) {
        return Ok(words);
    }
    let mut program = with_flags(command.clone()).disable_help_subcommand(true);
    program.build();
    let mut words = words.into_iter();
    let mut line: Vec<_> = words.next().into_iter().collect();
    let (mut found, mut flags, mut early) = (&program, Vec::new(), Vec::new());
    while found.has_subcommands() {
        let Some(word) = words.next() else { break };
        let text = word.to_string_lossy();
        if let Some((flag, has_value)) = flag(found, &text) {
            let value = if has_value { None } else { words.next() };
            flags.push(flag);
            early.push(word);
            early.extend(value);
        } else if let Some(below) = found.find_subcommand(&*text) {
            found = below;
            line.push(word);
        } else {
            line.push(word);
            break;
        }
    }
    if found.has_subcommands() {
        // Help, or a mistake that is told better without them.
        line.extend(words);
        return Ok(line);
    }
    let taken = |flag: &&&Arg| found.get_arguments().any(|own| own.get_long() == flag.get_long());
    if let Some(flag) = flags.iter().find(|flag| !taken(flag)) {
        let reads = found.get_arguments().any(|own| own.get_long() == Some("context"));
        let why = if reads { "" } else { ": it works without a cluster" };
        let name = found.get_name();
        let text = format!("`{name}` has no flag --{}{why}", flag.get_long().unwrap_or_default());
        return Err(found.clone().error(ErrorKind::UnknownArgument, text));
    }
    line.extend(early);
    line.extend(words);
    Ok(line)
}

/// Whether the command comes first, as it mostly does: then nothing has to be known of its flags.
fn is_settled(command: &Command, words: &[OsString]) -> bool {
    let mut found = command;
    for word in words.iter().skip(1) {
        match found.find_subcommand(word) {
            Some(below) if below.has_subcommands() => found = below,
            below => return below.is_some(),
        }
    }
    true
}

/// The flag that a word is, and whether nothing of it stands in the next word. Help and version are commands in
/// themselves, and stay where they are.
fn flag<'c>(command: &'c Command, word: &str) -> Option<(&'c Arg, bool)> {
    let (flag, inline) = if let Some(long) = word.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        (command.get_arguments().find(|arg| arg.get_long() == Some(name))?, value.is_some())
    } else {
        let mut letters = word.strip_prefix('-')?.chars();
        let letter = letters.next()?;
        let flag = command.get_arguments().find(|arg| arg.get_short() == Some(letter))?;
        (flag, !letters.as_str().is_empty())
    };
    let ends = matches!(
        flag.get_action(),
        clap::ArgAction::Help | clap::ArgAction::HelpShort | clap::ArgAction::HelpLong | clap::ArgAction::Version
    );
    (!ends).then(|| (flag, inline || !flag.get_action().takes_values()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(line: &str) -> Result<String, clap::Error> {
        let words = std::iter::once("kubectl-wukong").chain(line.split(' ')).map(OsString::from);
        let words = settle(&crate::cli::command(), words.collect())?;
        Ok(words[1..].iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn flags_go_behind_the_command() {
        for (typed, read) in [
            ("-n foo status", "status -n foo"),
            ("-nfoo --context=bar status web -o wide", "status -nfoo --context=bar web -o wide"),
            ("--insecure-skip-tls-verify -s https://a status", "status --insecure-skip-tls-verify -s https://a"),
            ("--color always -v 6 where -A", "where --color always -v 6 -A"),
            ("-n foo snapshot --context bar list web", "snapshot list -n foo --context bar web"),
            ("--as-group a --as-group b --as c doctor", "doctor --as-group a --as-group b --as c"),
            // The value of a flag may have the name of a command.
            ("-n status status", "status -n status"),
            ("status web", "status web"),
            ("status -- -n", "status -- -n"),
        ] {
            assert_eq!(settled(typed).unwrap(), read, "{typed}");
        }
    }

    #[test]
    fn every_flag_of_kubectl_may_stand_first() {
        let access = AccessArgs::augment_args(Command::new("x"));
        for flag in access.get_arguments() {
            let long = flag.get_long().unwrap();
            let word = if flag.get_action().takes_values() { format!("--{long}=1") } else { format!("--{long}") };
            assert_eq!(settled(&format!("{word} status")).unwrap(), format!("status {word}"));
        }
    }

    #[test]
    fn help_and_mistakes_stay_what_they_are() {
        assert_eq!(settled("-n foo --help").unwrap(), "--help");
        assert_eq!(settled("-V status").unwrap(), "-V status");
        assert_eq!(settled("-n foo stats").unwrap(), "stats");
        assert_eq!(settled("--nonsense status").unwrap(), "--nonsense status");
        assert_eq!(settled("-n foo snapshot").unwrap(), "snapshot");
        assert_eq!(settled("-n foo help status").unwrap(), "help status");
    }

    #[test]
    fn a_command_without_the_flag_says_so() {
        let said = |line: &str| settled(line).unwrap_err().to_string();
        assert!(said("--context=a render -f x").starts_with("error: `render` has no flag --context: it works without"));
        assert!(said("--context=a render -f x").contains("Usage: kubectl wukong render"));
        assert!(said("-n a recover-node x").starts_with("error: `recover-node` has no flag --namespace\n"));
        assert_eq!(settled("-n a render -f x").unwrap(), "render -n a -f x");
    }
}
