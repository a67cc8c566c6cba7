//! One line of a checklist before or after a move.

use serde_json::{Value, json};

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is looked at.
    pub what: String,
    /// What was found.
    pub found: Found,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is as it must be; more about it.
    Passed(String),
    /// It is not, and the way out.
    Failed {
        /// Why.
        why: String,
        /// What to do.
        help: String,
    },
    /// It cannot be seen from here, and why.
    Unknown(String),
}

impl Check {
    pub(super) fn passed(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { what: what.into(), found: Found::Passed(detail.into()) }
    }

    pub(super) fn failed(what: impl Into<String>, why: impl Into<String>, help: impl Into<String>) -> Self {
        Self { what: what.into(), found: Found::Failed { why: why.into(), help: help.into() } }
    }

    pub(super) fn unknown(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), found: Found::Unknown(why.into()) }
    }

    /// Whether it stands in the way.
    pub const fn is_failed(&self) -> bool {
        matches!(self.found, Found::Failed { .. })
    }

    /// As JSON.
    pub fn value(&self) -> Value {
        match &self.found {
            Found::Passed(detail) => json!({"check": self.what, "result": "passed", "detail": detail}),
            Found::Failed { why, help } => {
                json!({"check": self.what, "result": "failed", "detail": why, "next": help})
            }
            Found::Unknown(why) => json!({"check": self.what, "result": "unknown", "detail": why}),
        }
    }
}
