//! Questions before something that cannot be taken back.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use owo_colors::OwoColorize as _;

use super::terminal::Terminal;
use crate::text::sanitize;

/// What answers a question where nobody can be asked.
const YES: &str = "--yes answers yes";

/// Whether all questions are answered with yes: by `--yes`, or by a person.
pub(super) fn confirmed(questions: &[String], yes: bool, terminal: &Terminal) -> bool {
    if yes || questions.is_empty() {
        return true;
    }
    let mut stderr = io::stderr().lock();
    for question in questions {
        // Nobody is left to ask if standard error is closed; the answer is then no.
        let _ = writeln!(stderr, "{} {}", "?".style(terminal.err.strong), sanitize(question));
    }
    drop(stderr);
    if !can_ask(YES, terminal) {
        return false;
    }
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "Go on? [y/N] ");
    let _ = stderr.flush();
    drop(stderr);
    matches!(line().to_lowercase().as_str(), "y" | "yes")
}

/// Whether a person typed these words.
pub(super) fn typed(words: &str, terminal: &Terminal) -> bool {
    typed_or(words, YES, terminal)
}

/// The same; `way` says what does it where nobody can be asked.
pub(super) fn typed_or(words: &str, way: &str, terminal: &Terminal) -> bool {
    if !can_ask(way, terminal) {
        return false;
    }
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "Type {} to confirm: ", sanitize(words).style(terminal.err.strong));
    let _ = stderr.flush();
    drop(stderr);
    line() == words
}

/// Whether a person can be asked; says so if not.
fn can_ask(way: &str, terminal: &Terminal) -> bool {
    let can = io::stdin().is_terminal() && io::stderr().is_terminal();
    if !can {
        terminal.error("not confirmed: there is no terminal to ask");
        terminal.help(way);
    }
    can
}

fn line() -> String {
    let mut line = String::new();
    // No answer is no.
    let _ = io::stdin().lock().read_line(&mut line);
    line.trim().to_owned()
}
