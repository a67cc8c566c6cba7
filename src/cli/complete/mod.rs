//! What may come next on a command line: one engine for kubectl's completion and for every shell.
//!
//! It speaks the protocol of kubectl's own completion: a candidate a line, with a tab before its description, and in the
//! last line what else the shell may offer. Source: spf13/cobra, site/content/completions/_index.md; kubectl,
//! pkg/cmd/plugin/plugin_completion.go.

mod kind;
mod line;
mod local;
mod remote;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use super::{Exit, early};
use crate::text::sanitize;

/// The name under which kubectl looks for the completion of this plugin.
pub(super) const PROGRAM: &str = "kubectl_complete-wukong";

/// The word after which a command line to complete stands.
pub(super) const WORD: &str = "__complete";

/// One word that may come next.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    word: String,
    about: String,
}

impl Candidate {
    fn new(word: impl Into<String>, about: impl Into<String>) -> Self {
        Self { word: word.into(), about: about.into() }
    }
}

/// What the shell offers besides the candidates, with cobra's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    /// Files, where there is no candidate.
    Files = 0,
    /// Nothing, and no space after the word.
    MoreOfTheWord = 6,
    /// Nothing.
    Nothing = 4,
    /// Files whose names end like a candidate.
    FilesThatEnd = 8,
    /// Directories.
    Directories = 16,
}

impl Directive {
    const fn number(self) -> u8 {
        match self {
            Self::Files => 0,
            Self::Nothing => 4,
            Self::MoreOfTheWord => 6,
            Self::FilesThatEnd => 8,
            Self::Directories => 16,
        }
    }
}

/// What may come next.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    candidates: Vec<Candidate>,
    directive: Directive,
}

impl Answer {
    const fn of(candidates: Vec<Candidate>) -> Self {
        Self { candidates, directive: Directive::Nothing }
    }

    const fn only(directive: Directive) -> Self {
        Self { candidates: Vec::new(), directive }
    }
}

/// The words of a command line to complete, if that is what the process was started for.
pub(super) fn asked(mut args: impl Iterator<Item = OsString>) -> Option<Vec<String>> {
    let program = args.next()?;
    let as_program = Path::new(&program).file_stem().is_some_and(|name| name == PROGRAM);
    if !as_program && args.next()? != WORD {
        return None;
    }
    // A word that is no text cannot be one of ours, but keeps its place.
    Some(args.map(|word| word.to_string_lossy().into_owned()).collect())
}

/// Prints what may come after these words; the last one may be unfinished or empty.
///
/// Whatever goes wrong is no error here: a person who types is not told of it.
pub(super) fn run(words: &[String]) -> ExitCode {
    let answer = answer(&super::command(), words);
    let mut out = String::new();
    for Candidate { word, about } in &answer.candidates {
        let about = sanitize(about).replace(char::is_control, " ");
        out.push_str(word);
        if !about.trim().is_empty() {
            out.push('\t');
            out.push_str(about.trim());
        }
        out.push('\n');
    }
    out.push_str(&format!(":{}\n", answer.directive.number()));
    // The shell may have gone away.
    let _ = io::stdout().lock().write_all(out.as_bytes());
    Exit::Done.into()
}

fn answer(command: &clap::Command, words: &[String]) -> Answer {
    let mut command = early::with_flags(command.clone()).disable_help_subcommand(true);
    command.build();
    let (word, before) = words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let line = line::read(&command, before);
    let mut answer = local::complete(&line, word);
    answer.candidates.retain(|candidate| is_plain(&candidate.word));
    answer
}

/// Whether no shell would take a word for more than a word. Names come from clusters and files of others, and what is
/// offered is run when the person presses enter.
fn is_plain(word: &str) -> bool {
    word.chars().all(|c| c.is_alphanumeric() || "-_./:@=,+%".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    fn offered(line: &str) -> Vec<String> {
        let answer = answer(&super::super::command(), &words(line));
        answer.candidates.into_iter().map(|candidate| candidate.word).collect()
    }

    fn directive(line: &str) -> Directive {
        answer(&super::super::command(), &words(line)).directive
    }

    #[test]
    fn commands_are_offered_with_what_they_do() {
        let commands = answer(&super::super::command(), &words(""));
        let render = commands.candidates.iter().find(|candidate| candidate.word == "render").unwrap();
        assert!(!render.about.is_empty() && !render.about.contains('\n'));
        assert_eq!(offered("val"), ["validate"]);
        assert_eq!(offered("snapshot r"), ["restore"]);
        assert_eq!(offered("man snapshot r"), ["restore"]);
        assert!(offered("nonsense ").is_empty());
        assert!(!offered("").contains(&WORD.to_owned()));
    }

    #[test]
    fn flags_are_offered_until_they_are_given() {
        assert_eq!(offered("render --output-d"), ["--output-dir"]);
        assert!(offered("render --output-dir x --output-d").is_empty());
        assert_eq!(offered("render -f a --filen"), ["--filename"], "it may be given several times");
        assert!(offered("render -- --output-d").is_empty());
        assert!(offered("status --color always --col").is_empty(), "a flag of all commands");
        let about = answer(&super::super::command(), &words("render --pass")).candidates.remove(0).about;
        assert!(!about.is_empty());
    }

    #[test]
    fn flags_of_kubectl_are_known_before_the_command() {
        assert_eq!(offered("-n foo stat"), ["status"]);
        assert_eq!(offered("--context=a --request-timeout 1s snapshot -n foo r"), ["restore"]);
        assert_eq!(offered("--kubeconf"), ["--kubeconfig"]);
        assert!(offered("-n foo status --namesp").is_empty(), "it is given");
    }

    #[test]
    fn values_are_those_that_the_flag_takes() {
        assert_eq!(offered("render -o "), ["yaml", "json", "name"]);
        assert_eq!(offered("render -o=j"), ["json"]);
        assert_eq!(offered("render -oj"), ["-ojson"]);
        assert_eq!(offered("render --output=j"), ["json"]);
        assert_eq!(offered("render --secrets o"), ["omit", "only"]);
        assert_eq!(offered("migrate web --volume-mode "), ["Filesystem", "Block"]);
        assert_eq!(offered("--color a"), ["auto", "always"]);
        assert!(offered("render --pass-through=").is_empty(), "it takes none");
        assert!(offered("status --request-timeout ").is_empty());
    }

    #[test]
    fn files_are_left_to_the_shell() {
        let files = answer(&super::super::command(), &words("render -f "));
        assert_eq!(files.directive, Directive::FilesThatEnd);
        assert_eq!(directive("render --output-dir "), Directive::Directories);
        assert_eq!(directive("status --facts "), Directive::Files);
        assert_eq!(directive("render -o "), Directive::Nothing);
        assert_eq!(directive("init "), Directive::Nothing);
    }

    #[test]
    fn fields_are_offered_step_by_step() {
        assert_eq!(offered("explain met"), ["metadata"]);
        assert!(offered("explain spec.di").contains(&"spec.disks".to_owned()));
        assert_eq!(offered("explain spec.disks.siz"), ["spec.disks.size"]);
        assert!(offered("explain spec.disks").contains(&"spec.disks.size".to_owned()));
        assert!(offered("explain wk10").contains(&"WK101".to_owned()));
        assert_eq!(directive("explain spec.di"), Directive::MoreOfTheWord);
        assert_eq!(directive("explain spec.disks.siz"), Directive::Nothing);
    }

    #[test]
    fn what_a_shell_would_run_is_never_offered() {
        assert!(is_plain("arn:aws:eks:eu-1:1:cluster/a") && is_plain("kubernetes-admin@kubernetes"));
        for word in
            ["$(reboot)", "a b", "a;b", "`a`", "a\u{1b}[0m", "a\nb", "~", "a*", "'", "\"", "\\", "#", "!a", "a|b"]
        {
            assert!(!is_plain(word), "{word}");
        }
    }

    #[test]
    fn the_name_of_the_program_asks() {
        let asked = |line: &[&str]| asked(line.iter().map(OsString::from));
        assert_eq!(asked(&["/a/kubectl_complete-wukong", "st", ""]), Some(vec!["st".to_owned(), String::new()]));
        assert_eq!(asked(&["kubectl_complete-wukong.exe"]), Some(Vec::new()));
        assert_eq!(asked(&["kubectl-wukong", WORD, "-f"]), Some(vec!["-f".to_owned()]));
        assert_eq!(asked(&["kubectl-wukong", "status"]), None);
        assert_eq!(asked(&[]), None);
    }
}
