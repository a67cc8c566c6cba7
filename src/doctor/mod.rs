//! Whether a cluster is fit for the tool: what is so, what breaks because of it, and how to mend it. A pure function from
//! facts.

mod classes;
mod kinds;
mod nodes;
mod rights;
mod settings;
mod stage;
mod versions;

pub use rights::{Right, rights};
pub use stage::at_stage;

use std::collections::BTreeMap;

use crate::advice::{Rule, Stage};
use crate::facts::{Facts, kind};

/// What is known of a server besides its objects. What could not be learned has the reason in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The version of Kubernetes, such as `(1, 34)`.
    pub kubernetes: Result<(u32, u32), String>,
    /// Whether the server knows a kind: one entry for each of [`KINDS`].
    pub kinds: BTreeMap<String, Result<bool, String>>,
    /// Whether the person may do something: one entry for each of [`rights`].
    pub rights: BTreeMap<Right, Result<bool, String>>,
    /// The namespace of the rights.
    pub namespace: String,
}

/// The kinds that others bring into a cluster, and that the tool works with.
pub const KINDS: [&str; 4] = [kind::MACHINE, kind::DATA_VOLUME, kind::NETWORK, kind::VOLUME_SNAPSHOT];

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The group it belongs to.
    pub area: Area,
    /// How it is.
    pub state: State,
    /// What is so, as a clause. Names of a cluster are in it: untrusted.
    pub message: String,
    /// What does not work because of it; empty if all does.
    pub breaks: String,
    /// How to mend it, as an order; empty if nothing is to be done.
    pub mend: String,
    /// The rule of a stage that it breaks.
    pub rule: Option<Rule>,
}

/// A group of checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the group of that name")]
pub enum Area {
    Versions,
    Kinds,
    Storage,
    Settings,
    Nodes,
    Rights,
    Stage(Stage),
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing is wrong.
    Note,
    /// Something does not work, and most does.
    Warning,
    /// Machines cannot be made, or do not start.
    Broken,
    /// It could not be learned.
    Unknown,
}

impl Area {
    /// As programs read it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Versions => "versions",
            Self::Kinds => "kinds",
            Self::Storage => "storage",
            Self::Settings => "settings",
            Self::Nodes => "nodes",
            Self::Rights => "rights",
            Self::Stage(_) => "stage",
        }
    }
}

impl State {
    /// As programs read it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Broken => "broken",
            Self::Unknown => "unknown",
        }
    }
}

/// Collects what the groups find.
struct Checks {
    area: Area,
    found: Vec<Check>,
}

impl Checks {
    fn ok(&mut self, message: String) {
        self.add(State::Ok, message, "", String::new());
    }

    fn note(&mut self, message: String, breaks: &str, mend: String) {
        self.add(State::Note, message, breaks, mend);
    }

    fn warning(&mut self, message: String, breaks: &str, mend: String) {
        self.add(State::Warning, message, breaks, mend);
    }

    fn broken(&mut self, message: String, breaks: &str, mend: String) {
        self.add(State::Broken, message, breaks, mend);
    }

    /// `what` is a noun; the reason is that of the one who would not tell.
    fn unknown(&mut self, what: &str, reason: &str) {
        self.add(State::Unknown, format!("{what}: {reason}"), "", String::new());
    }

    /// Whether objects of a kind were read; if not, that is noted.
    fn were_read(&mut self, what: &str, kind: &str, facts: &Facts) -> bool {
        let unread = facts.unknown(kind, "");
        if let Some(unread) = unread {
            self.unknown(what, &unread.reason);
        }
        unread.is_none()
    }

    fn add(&mut self, state: State, message: String, breaks: &str, mend: String) {
        self.found.push(Check { area: self.area, state, message, breaks: breaks.to_owned(), mend, rule: None });
    }
}

/// A group of checks.
type Group = fn(&Facts, &Server, &mut Checks);

const GROUPS: [(Area, Group); 6] = [
    (Area::Versions, versions::look),
    (Area::Kinds, kinds::look),
    (Area::Storage, classes::look),
    (Area::Settings, settings::look),
    (Area::Nodes, nodes::look),
    (Area::Rights, rights::look),
];

/// Looks at a cluster.
pub fn doctor(facts: &Facts, server: &Server) -> Vec<Check> {
    let mut checks = Checks { area: Area::Versions, found: Vec::new() };
    for (area, group) in GROUPS {
        checks.area = area;
        group(facts, server, &mut checks);
    }
    checks.found
}

impl Server {
    /// Whether the server is known to lack a kind.
    fn lacks(&self, kind: &str) -> bool {
        matches!(self.kinds.get(kind), Some(Ok(false)))
    }
}

/// `class a`, `classes a and b`, `classes a, b and c`.
fn list(noun: &str, plural: &str, names: &[&str]) -> String {
    match names {
        [one] => format!("{noun} {one}"),
        _ => format!("{plural} {}", and(names)),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn and(names: &[&str]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => names.concat(),
    }
}
