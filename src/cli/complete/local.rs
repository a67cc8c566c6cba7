//! What may come next, as far as the command line itself knows it.

use clap::Arg;
use clap::builder::StyledStr;

use super::kind::{Kind, kind};
use super::line::{Line, takes_value};
use super::{Answer, Candidate, Directive, remote};
use crate::diagnostic::Code;
use crate::locate::Event;
use crate::spec::{FieldShape, StoragePolicy, Wukong};
use crate::text::plain;

/// What may come in place of an unfinished word.
pub(super) fn complete(line: &Line<'_>, word: &str) -> Answer {
    if let Some(flag) = line.open {
        return value(line, flag, word);
    }
    if !line.only_values && word.starts_with('-') {
        return flag(line, word);
    }
    let mut answer = line.positional().map_or(Answer::of(Vec::new()), |argument| value(line, argument, word));
    if line.wants_command() {
        answer.candidates.splice(0..0, starting(commands(line.command), word));
    }
    answer
}

fn commands(above: &clap::Command) -> impl Iterator<Item = Candidate> {
    let below = above.get_subcommands().filter(|command| !command.is_hide_set());
    below.map(|command| Candidate::new(command.get_name(), about(command.get_about())))
}

/// A flag, or with its value in the same word: then shells expect the value alone.
fn flag(line: &Line<'_>, word: &str) -> Answer {
    if let Some((name, unfinished)) = word.strip_prefix("--").and_then(|flag| flag.split_once('=')) {
        let flag = line.flag(name).filter(|flag| takes_value(flag));
        return flag.map_or(Answer::of(Vec::new()), |flag| value(line, flag, unfinished));
    }
    let mut letters = word.chars();
    letters.next();
    if let Some(flag) = letters.next().and_then(|letter| line.short(letter)).filter(|flag| takes_value(flag)) {
        let rest = letters.as_str();
        if let Some(unfinished) = rest.strip_prefix('=') {
            return value(line, flag, unfinished);
        }
        if !rest.is_empty() {
            let head = &word[..word.len() - rest.len()];
            let mut answer = value(line, flag, rest);
            for found in &mut answer.candidates {
                found.word.insert_str(0, head);
            }
            return answer;
        }
    }
    let flags = line.command.get_arguments().filter(|arg| !arg.is_hide_set() && !line.is_used(arg));
    let flags = flags.filter_map(|arg| Some(Candidate::new(format!("--{}", arg.get_long()?), about(arg.get_help()))));
    Answer::of(starting(flags, word))
}

fn value(line: &Line<'_>, arg: &Arg, word: &str) -> Answer {
    let Some(kind) = kind(&line.path, arg) else { return Answer::of(Vec::new()) };
    match kind {
        Kind::File => return Answer::only(Directive::Files),
        Kind::Directory => return Answer::only(Directive::Directories),
        Kind::Manifest => {
            let ends = ["yaml", "yml", "json"].map(|end| Candidate::new(end, ""));
            return Answer { candidates: ends.to_vec(), directive: Directive::FilesThatEnd };
        }
        Kind::Field => return field(word),
        _ => {}
    }
    // Of `--disk a,b` only the last one is unfinished.
    let split = arg.get_value_delimiter().and_then(|delimiter| word.rfind(delimiter)).map_or(0, |at| at + 1);
    let (head, word) = word.split_at(split);
    let mut directive = Directive::Nothing;
    let found = match kind {
        Kind::Words => arg
            .get_possible_values()
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| Candidate::new(value.get_name(), about(value.get_help())))
            .collect(),
        Kind::Policy => {
            directive = Directive::MoreOfTheWord;
            StoragePolicy::ALL.iter().map(|policy| Candidate::new(format!("{}=", policy.as_str()), "")).collect()
        }
        Kind::Command => {
            let mut words = line.values(arg.get_id().as_str());
            let above = words.try_fold(line.program, |above, word| above.find_subcommand(word));
            return Answer::of(above.map_or_else(Vec::new, |above| starting(commands(above), word)));
        }
        Kind::Event => events(&mut directive),
        Kind::Free => Vec::new(),
        _ => remote::names(line, kind),
    };
    let given: Vec<_> = line.values(arg.get_id().as_str()).chain(head.split(',')).collect();
    let found = found.into_iter().filter(|candidate| !given.contains(&candidate.word.as_str()));
    let mut candidates = starting(found, word);
    for candidate in &mut candidates {
        candidate.word.insert_str(0, head);
    }
    Answer { candidates, directive }
}

/// What can happen, as far as it can be asked about; some need a name.
fn events(directive: &mut Directive) -> Vec<Candidate> {
    *directive = Directive::MoreOfTheWord;
    let parses = |text: &str| crate::locate::What::parse(text).is_ok();
    let event = |event: &Event| {
        let named = format!("{}=", event.word());
        let word = if parses(event.word()) {
            event.word().to_owned()
        } else if parses(&format!("{named}name")) {
            named
        } else {
            return None;
        };
        Some(Candidate::new(word, event.clause()))
    };
    Event::ALL.iter().filter_map(event).collect()
}

/// Fields at the depth of the word, and below it if it is one; codes where the word begins like one.
fn field(word: &str) -> Answer {
    let (parent, last) = word.rsplit_once('.').map_or(("", word), |(parent, last)| (parent, last));
    let mut fields = Wukong::OBJECT.fields;
    for part in parent.split('.').filter(|part| !part.is_empty()) {
        fields = below(fields, part);
    }
    let mut directive = Directive::Nothing;
    let mut candidates = Vec::new();
    let mut offer = |parent: &str, fields: &[FieldShape], start: &str| {
        for field in fields.iter().filter(|field| !field.ignored && field.key.starts_with(start)) {
            let path = if parent.is_empty() { field.key.to_owned() } else { format!("{parent}.{}", field.key) };
            candidates.push(Candidate::new(path, first_line(&plain(field.doc))));
            if !field.shape.fields().is_empty() {
                directive = Directive::MoreOfTheWord;
            }
        }
    };
    offer(parent, fields, last);
    offer(word, below(fields, last), "");
    if !word.is_empty() {
        let start = word.to_ascii_uppercase();
        let codes = Code::ALL.iter().filter(|code| code.as_str().starts_with(&start));
        candidates.extend(codes.map(|code| Candidate::new(code.as_str(), code.title())));
    }
    Answer { candidates, directive }
}

fn below(fields: &'static [FieldShape], key: &str) -> &'static [FieldShape] {
    fields.iter().find(|field| field.key == key).map_or(&[], |field| field.shape.fields())
}

fn starting(candidates: impl IntoIterator<Item = Candidate>, word: &str) -> Vec<Candidate> {
    candidates.into_iter().filter(|candidate| candidate.word.starts_with(word)).collect()
}

fn about(help: Option<&StyledStr>) -> String {
    first_line(&help.map(ToString::to_string).unwrap_or_default())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
