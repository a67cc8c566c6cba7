//! What every function gives back.

use serde_json::{Value, json};

use crate::Loaded;
use crate::diagnostic::to_json;
use crate::plan::Refusal;
use crate::text::{redact, sanitize};

/// An answer: one JSON text, and whether it is what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What came of it.
    pub status: Status,
    /// A JSON object.
    pub json: String,
}

/// What came of a call. The numbers are the exit codes of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Done: the answer is what was asked for.
    Done,
    /// Options or facts cannot be used, or a text is too large or no text.
    BadRequest,
    /// The Wukong file has errors.
    BadFile,
    /// The facts hold no such machine, or could not be read where it matters.
    NotFound,
    /// It is not done, to keep data safe.
    Refused,
}

impl Status {
    /// As a number: 0, 2, 3, 4, 5 in the order above.
    pub const fn code(self) -> i32 {
        match self {
            Self::Done => 0,
            Self::BadRequest => 2,
            Self::BadFile => 3,
            Self::NotFound => 4,
            Self::Refused => 5,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::BadRequest => "bad-request",
            Self::BadFile => "bad-file",
            Self::NotFound => "not-found",
            Self::Refused => "refused",
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Failure {
    status: Status,
    message: String,
    help: String,
    problems: Box<Value>,
}

impl Failure {
    pub(super) fn new(status: Status, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { status, message: message.into(), help: help.into(), problems: Box::new(json!([])) }
    }

    /// Texts that cannot be read, with every problem.
    pub(super) fn of_text(status: Status, what: &str, loaded: &Value) -> Self {
        let count = loaded["errors"].as_u64().unwrap_or_default();
        let count = if count == 1 { "1 error".to_owned() } else { format!("{count} errors") };
        let problems = Box::new(loaded["problems"].clone());
        Self { status, message: format!("{what}: {count}"), help: "mend each of the problems".to_owned(), problems }
    }

    pub(super) fn of_file(loaded: &Loaded) -> Self {
        Self::of_text(Status::BadFile, "the file is not valid", &to_json(&loaded.report, &loaded.sources))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(Status::Refused, format!("{}: {}", refusal.object, refusal.reason), refusal.help)
    }
}

impl Answer {
    pub(super) fn done(value: &Value) -> Self {
        Self { status: Status::Done, json: value.to_string() }
    }

    pub(super) fn of(result: Result<Value, Failure>) -> Self {
        match result {
            Ok(value) => Self::done(&value),
            Err(failure) => Self::error(&failure),
        }
    }

    fn error(failure: &Failure) -> Self {
        let plain = |text: &str| sanitize(&redact(text)).into_owned();
        let error = json!({"error": {
            "status": failure.status.word(),
            "message": plain(&failure.message),
            "help": plain(&failure.help),
            "problems": *failure.problems,
        }});
        Self { status: failure.status, json: error.to_string() }
    }

    /// The answer to a text that is none, or that is too large: who takes bytes from another language finds it out.
    pub fn bad_request(message: &str, help: &str) -> Self {
        Self::error(&Failure::new(Status::BadRequest, message, help))
    }
}
