//! What is on the command line already: the command, its flags with their values, and where the next word goes.

use clap::{Arg, Command};

use super::kind::{Kind, kind};

/// A command line up to the word that is completed.
pub(super) struct Line<'c> {
    /// The whole program.
    pub program: &'c Command,
    /// The command, below all others that lead to it.
    pub command: &'c Command,
    /// Its name and those before it, such as `["snapshot", "restore"]`.
    pub path: Vec<&'c str>,
    /// Each flag and positional argument with its value; without one if it takes none.
    pub given: Vec<(&'c Arg, Option<String>)>,
    /// The flag whose value comes next.
    pub open: Option<&'c Arg>,
    /// Whether `--` was given: all that follows is no flag.
    pub only_values: bool,
    /// The number of positional arguments so far.
    positionals: usize,
}

/// Reads the words before the one that is completed. What is wrong on the line is passed over.
pub(super) fn read<'c>(command: &'c Command, words: &[String]) -> Line<'c> {
    let mut line = Line {
        program: command,
        command,
        path: Vec::new(),
        given: Vec::new(),
        open: None,
        only_values: false,
        positionals: 0,
    };
    for word in words {
        line.take(word);
    }
    line
}

impl<'c> Line<'c> {
    fn take(&mut self, word: &str) {
        if let Some(flag) = self.open.take() {
            self.given.push((flag, Some(word.to_owned())));
        } else if self.only_values || !word.starts_with('-') || word == "-" {
            self.take_plain(word);
        } else if word == "--" {
            self.only_values = true;
        } else if let Some(flag) = word.strip_prefix("--") {
            let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
            if let Some(flag) = self.flag(name) {
                self.note(flag, value);
            }
        } else {
            self.take_short(word.trim_start_matches('-'));
        }
    }

    fn take_plain(&mut self, word: &str) {
        let below = if self.only_values { None } else { self.command.find_subcommand(word) };
        if let Some(command) = below.filter(|_| self.positionals == 0) {
            self.command = command;
            self.path.push(command.get_name());
        } else {
            let argument = self.positional();
            self.positionals += 1;
            self.given.extend(argument.map(|argument| (argument, Some(word.to_owned()))));
        }
    }

    /// `-Af FILE`, `-oyaml`, `-o=yaml`.
    fn take_short(&mut self, letters: &str) {
        for (at, letter) in letters.char_indices() {
            let Some(flag) = self.short(letter) else { return };
            let rest = &letters[at + letter.len_utf8()..];
            let value = rest.strip_prefix('=').unwrap_or(rest);
            let takes = takes_value(flag);
            self.note(flag, Some(value).filter(|_| takes && !rest.is_empty()));
            if takes {
                return;
            }
        }
    }

    fn note(&mut self, flag: &'c Arg, value: Option<&str>) {
        match value {
            None if takes_value(flag) => self.open = Some(flag),
            value => self.given.push((flag, value.map(str::to_owned))),
        }
    }

    /// The flag of this name.
    pub(super) fn flag(&self, name: &str) -> Option<&'c Arg> {
        self.command.get_arguments().find(|arg| {
            let aliases = arg.get_all_aliases().unwrap_or_default();
            arg.get_long() == Some(name) || aliases.contains(&name)
        })
    }

    /// The flag of this letter.
    pub(super) fn short(&self, letter: char) -> Option<&'c Arg> {
        self.command.get_arguments().find(|arg| arg.get_short() == Some(letter))
    }

    /// The positional argument that comes next.
    pub(super) fn positional(&self) -> Option<&'c Arg> {
        let all: Vec<_> = self.command.get_positionals().collect();
        let next = all.get(self.positionals).copied();
        next.or_else(|| all.last().copied().filter(|last| takes_many(last)))
    }

    /// Whether a subcommand may come next.
    pub(super) const fn wants_command(&self) -> bool {
        self.positionals == 0 && !self.only_values
    }

    /// Whether an argument was given and may not be given again.
    pub(super) fn is_used(&self, arg: &Arg) -> bool {
        !takes_many(arg) && self.given.iter().any(|(given, _)| given.get_id() == arg.get_id())
    }

    /// The machine that the command is about, if it is named already.
    pub(super) fn machine(&self) -> Option<&str> {
        let named = |arg: &Arg| arg.is_positional() && kind(&self.path, arg) == Some(Kind::Machine);
        self.given.iter().find(|(arg, _)| named(arg)).and_then(|(_, value)| value.as_deref())
    }

    /// The values that were given to an argument.
    pub(super) fn values(&self, id: &str) -> impl Iterator<Item = &str> {
        self.given.iter().filter(move |(arg, _)| arg.get_id() == id).filter_map(|(_, value)| value.as_deref())
    }
}

/// Whether a flag is followed by a value.
pub(super) fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

fn takes_many(arg: &Arg) -> bool {
    matches!(arg.get_action(), clap::ArgAction::Append | clap::ArgAction::Count)
}
