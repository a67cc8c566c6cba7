//! Problems as data: code, severity, place, message and the way out; collected, never thrown.

mod code;
mod excerpt;
mod json;
mod mask;
mod sarif;

pub use code::{Code, Severity};
pub use excerpt::Excerpts;
pub use json::to_json;
pub use sarif::to_sarif;

use crate::source::Span;
use crate::text::redact;

/// The most problems that a run keeps. Beyond it they are counted only, so that a hostile file cannot fill memory.
const MAX_KEPT: usize = 1_000;
/// The longest message, in characters. What is longer quotes the input.
const MAX_MESSAGE: usize = 500;

/// One problem in the input.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Which rule, and with it how severe.
    pub code: Code,
    /// Where; `None` for a file that could not be read at all.
    pub span: Option<Span>,
    /// The name of an input that is not in the source map.
    pub file: Option<String>,
    /// What is wrong, in one line. Never holds a secret.
    pub message: String,
    /// What would happen, where the rule alone does not say it.
    pub reason: Option<String>,
    /// What to write instead.
    pub help: Option<String>,
    /// Further places that belong to it, with a word each.
    pub labels: Vec<(Span, String)>,
    /// Whether it complains that something is not there.
    absent: bool,
    /// Whether it is only worth knowing here, whatever its rule says.
    mild: bool,
}

/// A message as it may be shown: without the secrets that can be told by their form, and not longer than a person reads.
fn printable(message: &str) -> String {
    match message.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", redact(&message[..end])),
        None => redact(message),
    }
}

impl Diagnostic {
    /// A problem at a place in the text.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            span: Some(span),
            file: None,
            message: printable(&message.into()),
            reason: None,
            help: None,
            labels: Vec::new(),
            absent: false,
            mild: false,
        }
    }

    /// A problem with an input as a whole.
    pub fn of_file(code: Code, file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            span: None,
            file: Some(redact(&file.into())),
            message: printable(&message.into()),
            reason: None,
            help: None,
            labels: Vec::new(),
            absent: false,
            mild: false,
        }
    }

    /// A field that changes nothing where it stands.
    pub fn ignored(code: Code, field: &str, span: Span, why: &str) -> Self {
        Self::new(code, span, format!("`{field}` has no effect: {why}")).help("remove it")
    }

    /// Adds what would happen.
    #[must_use]
    pub fn reason(mut self, reason: &str) -> Self {
        self.reason = Some(printable(reason));
        self
    }

    /// Adds what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(printable(&help.into()));
        self
    }

    /// Marks a complaint that something is not there. It is dropped where parts of the document could not be read,
    /// since the missing thing may be among them.
    #[must_use]
    pub const fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// Makes a warning a note, where the rule matters less.
    #[must_use]
    pub const fn note(mut self) -> Self {
        self.mild = true;
        self
    }

    /// How bad it is here.
    pub const fn severity(&self) -> Severity {
        match (self.code.severity(), self.mild) {
            (Severity::Warning, true) => Severity::Note,
            (severity, _) => severity,
        }
    }

    /// Adds a second place.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push((span, text.into()));
        self
    }
}

/// All problems of a run, and which stretches of the text are secret.
#[derive(Debug, Default)]
pub struct Report {
    problems: Vec<Diagnostic>,
    secrets: Vec<Span>,
    errors: usize,
    warnings: usize,
    notes: usize,
    partial: bool,
}

impl Report {
    /// Says whether what is checked from now on could be read only in part.
    pub(crate) const fn set_partial(&mut self, partial: bool) {
        self.partial = partial;
    }

    /// Notes a problem.
    pub fn push(&mut self, problem: Diagnostic) {
        if self.partial && problem.absent {
            return;
        }
        match problem.severity() {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
            Severity::Note => self.notes += 1,
        }
        if self.problems.len() < MAX_KEPT {
            self.problems.push(problem);
        }
    }

    /// Marks a stretch that no excerpt may show.
    pub fn hide(&mut self, span: Span) {
        self.secrets.push(span);
    }

    /// The stretches that no excerpt may show.
    pub fn hidden(&self) -> &[Span] {
        &self.secrets
    }

    /// The problems, in the order of the text.
    pub fn problems(&self) -> Vec<&Diagnostic> {
        let mut sorted: Vec<_> = self.problems.iter().collect();
        // Problems of whole files come last: those inside them often explain them.
        sorted.sort_by_key(|problem| (problem.span.is_none(), problem.span));
        sorted
    }

    /// How many errors there are, those beyond the kept ones included.
    pub const fn errors(&self) -> usize {
        self.errors
    }

    /// How many warnings there are, those beyond the kept ones included.
    pub const fn warnings(&self) -> usize {
        self.warnings
    }

    /// How many notes there are.
    pub const fn notes(&self) -> usize {
        self.notes
    }

    /// Whether further problems are counted only, so that nobody needs to think of help.
    pub fn is_full(&self) -> bool {
        self.problems.len() >= MAX_KEPT
    }

    /// How many problems were counted but not kept.
    pub fn dropped(&self) -> usize {
        self.errors + self.warnings + self.notes - self.problems.len()
    }

    /// Whether nothing stands in the way of rendering.
    pub const fn is_valid(&self) -> bool {
        self.errors == 0
    }
}

impl Extend<Diagnostic> for Report {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, problems: I) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }
}
