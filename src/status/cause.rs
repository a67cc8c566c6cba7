//! Why a machine is not as it should be, in one line, and the next step.

use crate::text::redact;

/// What is the matter with a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// A short name that stays the same, for programs: `class-missing`.
    pub code: &'static str,
    /// How much it matters.
    pub weight: Weight,
    /// What it is about: `disk data`, or the machine if empty.
    pub about: String,
    /// What is so, as a clause. Names and messages of a cluster are in it: untrusted, without what looks like a secret.
    pub text: String,
    /// What to do, as an order; empty where waiting is all.
    pub next: String,
}

/// How much a cause matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Worth knowing; nothing is wrong.
    Note,
    /// It goes on by itself, or by a restart that is pending.
    Waiting,
    /// Someone has to do something.
    Broken,
}

impl Weight {
    /// As programs read it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Waiting => "waiting",
            Self::Broken => "broken",
        }
    }
}

/// Collects what rules find.
#[derive(Default)]
pub(super) struct Causes(pub(super) Vec<Cause>);

impl Causes {
    pub(super) fn note(&mut self, code: &'static str, about: &str, text: String, next: String) {
        self.add(code, Weight::Note, about, text, next);
    }

    pub(super) fn waiting(&mut self, code: &'static str, about: &str, text: String, next: String) {
        self.add(code, Weight::Waiting, about, text, next);
    }

    pub(super) fn broken(&mut self, code: &'static str, about: &str, text: String, next: String) {
        self.add(code, Weight::Broken, about, text, next);
    }

    /// What more than one rule may find, in the words of who refuses.
    pub(super) fn quota(&mut self, about: &str, message: &str) {
        let text = format!("the quota of the namespace is used up: {}", redact(message));
        self.broken("quota", about, text, "raise the ResourceQuota, or free some of it".to_owned());
    }

    /// The same is told once, as what it is first found to be.
    fn add(&mut self, code: &'static str, weight: Weight, about: &str, text: String, next: String) {
        if self.0.iter().all(|known| known.code != code || known.about != about) {
            self.0.push(Cause { code, weight, about: about.to_owned(), text, next });
        }
    }

    /// Whether something was found that explains why a part does not go on.
    pub(super) fn explains(&self, about: &str) -> bool {
        self.0.iter().any(|cause| cause.weight > Weight::Note && cause.about == about)
    }

    /// Whether anything of this name was found, about whatever.
    pub(super) fn has(&self, code: &str) -> bool {
        self.0.iter().any(|cause| cause.code == code)
    }
}
