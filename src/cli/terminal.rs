//! Where colours go, and where messages go.

use std::env;
use std::io::{self, IsTerminal as _, Write as _};

use owo_colors::OwoColorize as _;

use crate::Report;
use crate::diagnostic::Excerpts;
use crate::source::SourceMap;
use crate::text::{Styles, Width, sanitize};

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What is known of the two output streams.
#[derive(Clone, Copy)]
pub(super) struct Terminal {
    /// Styles for standard output.
    pub out: Styles,
    /// Styles for standard error.
    pub err: Styles,
    /// How wide lines of standard output may be.
    pub out_width: Width,
    /// The same for standard error.
    pub err_width: Width,
}

/// How many cells a line of help has: prose that is wider than this is hard to read.
pub(super) fn help_width() -> usize {
    let most = Width::Pipe.cells();
    terminal_size::terminal_size().map_or(most, |(width, _)| usize::from(width.0).min(most))
}

impl Terminal {
    pub(super) fn new(choice: ColorChoice) -> Self {
        let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || env::var_os("TERM").is_some_and(|term| term == "dumb");
        let styles = |is_terminal: bool| match choice {
            ColorChoice::Always => Styles::coloured(),
            ColorChoice::Auto if is_terminal && !plain => Styles::coloured(),
            ColorChoice::Auto | ColorChoice::Never => Styles::default(),
        };
        let width = |size: Option<(terminal_size::Width, terminal_size::Height)>| {
            size.map_or(Width::Pipe, |(width, _)| Width::Terminal(width.0.into()))
        };
        Self {
            out: styles(io::stdout().is_terminal()),
            err: styles(io::stderr().is_terminal()),
            out_width: width(terminal_size::terminal_size_of(io::stdout())),
            err_width: width(terminal_size::terminal_size_of(io::stderr())),
        }
    }

    /// Prints an error that has no place in a file.
    pub(super) fn error(&self, message: &str) {
        // Nobody is left to tell if standard error is closed.
        let _ = writeln!(io::stderr(), "{} {}", "error:".style(self.err.error), sanitize(message));
    }

    /// Prints a warning that has no place in a file.
    pub(super) fn warning(&self, message: &str) {
        // As above.
        let _ = writeln!(io::stderr(), "{} {}", "warning:".style(self.err.warning), sanitize(message));
    }

    /// Prints what goes on, for a person who waits.
    pub(super) fn progress(&self, word: &str, message: &str) {
        // As above.
        let _ = writeln!(io::stderr(), "{} {}", word.style(self.err.strong), sanitize(message));
    }

    /// Prints a result. A reader that went away does not end a command that changes something.
    #[expect(clippy::unused_self, reason = "it stands beside the other ways to print")]
    pub(super) fn say(&self, text: &str) {
        // As above.
        let _ = io::stdout().lock().write_all(text.as_bytes());
    }

    /// Prints what to do about it.
    pub(super) fn help(&self, message: &str) {
        // As above.
        let _ = writeln!(io::stderr(), "  {} {}", "help:".style(self.err.help), sanitize(message));
    }

    /// Prints all problems of a report, and how many there are.
    pub(super) fn report(&self, report: &Report, sources: &SourceMap) {
        if report.errors() + report.warnings() + report.notes() == 0 {
            return;
        }
        let mut stderr = io::stderr().lock();
        // As above.
        let _ = write!(stderr, "{}", Excerpts::new(report, sources, self.err, self.err_width.cells()));
        let _ = writeln!(stderr, "{}", counts(report));
    }
}

/// `2 errors, 1 warning`.
pub(super) fn counts(report: &Report) -> String {
    let word = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{count} {word}s")),
    };
    let words = [word(report.errors(), "error"), word(report.warnings(), "warning"), word(report.notes(), "note")];
    let parts: Vec<_> = words.into_iter().flatten().collect();
    if parts.is_empty() { "no problems".to_owned() } else { parts.join(", ") }
}
