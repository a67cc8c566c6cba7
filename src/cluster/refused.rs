//! Why the server did not do what it was asked, kept as data until somebody tells it.

use std::fmt;

use serde_json::Value;

use super::Asked;
use crate::text::{redact, sanitize, word};

/// The kind of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The credentials were not accepted, or none could be had.
    Unauthorized,
    /// The credentials do not allow it, or an admission rule does not.
    Forbidden,
    /// The object does not exist.
    NotFound,
    /// The cluster has no such kind: its definition is not installed.
    NoSuchKind,
    /// An object of this name exists.
    AlreadyExists,
    /// The object changed since it was read, or is not the one that was meant.
    Conflict,
    /// Fields belong to other managers.
    FieldConflict(Vec<FieldConflict>),
    /// The object or the question breaks a rule.
    Invalid,
    /// What was to be continued is too old: begin again.
    Expired,
    /// No answer in time.
    Timeout,
    /// The server asks for fewer requests.
    TooMany,
    /// The server, or a webhook that it must ask, does not work now.
    Unavailable,
    /// The server was not reached.
    Unreachable,
    /// Anything else.
    Other,
}

/// One field that belongs to another manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldConflict {
    /// Who owns the field.
    pub manager: String,
    /// Where it is, such as `.spec.runStrategy`.
    pub field: String,
    /// The words of the server.
    pub message: String,
}

/// A request that failed, in a form that can be told to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What kind of failure it is.
    pub reason: Reason,
    /// What was asked.
    pub asked: Box<Asked>,
    /// The HTTP status, if there was an answer.
    pub code: Option<u16>,
    /// Why, without terminal codes and without what looks like a secret.
    pub message: String,
}

/// How messages about certificates begin.
pub(super) const CERTIFICATE: &str = "the certificate of";

impl Refused {
    /// A failure that no answer explains.
    pub(super) fn new(reason: Reason, asked: &Asked, message: &str) -> Self {
        Self { reason, asked: Box::new(asked.clone()), code: None, message: clean(message) }
    }

    /// What an answer with an error means. `status` is its body, or nothing if that is no `Status` object.
    pub(super) fn of_status(asked: &Asked, code: u16, status: &Value) -> Self {
        let told = status["message"].as_str().unwrap_or_default();
        let message = match told {
            "" => format!("the server answered with status {code} and no reason"),
            told => without_timeouts(told),
        };
        Self { code: Some(code), ..Self::new(reason(asked, code, status), asked, &message) }
    }

    /// The reading broke off: a fault of this program.
    pub(super) fn broken_off() -> Self {
        Self::new(
            Reason::Other,
            &Asked { verb: "read", resource: "the cluster".to_owned(), ..Asked::default() },
            "the reading broke off",
        )
    }

    /// Whether it says something of the object that was sent: not that the server could not be asked, or that the person
    /// may not ask.
    pub fn is_about_object(&self) -> bool {
        match &self.reason {
            Reason::Unauthorized
            | Reason::Unreachable
            | Reason::Timeout
            | Reason::TooMany
            | Reason::Unavailable
            | Reason::Expired => false,
            // A rule of admission is no permission: nobody can grant it.
            Reason::Forbidden => !self.message.contains(" cannot "),
            Reason::NotFound
            | Reason::NoSuchKind
            | Reason::AlreadyExists
            | Reason::Conflict
            | Reason::FieldConflict(_)
            | Reason::Invalid
            | Reason::Other => true,
        }
    }

    /// What a person may type next.
    pub fn help(&self) -> Option<String> {
        let help = match &self.reason {
            Reason::Unauthorized => "`kubectl auth whoami` asks the same server; log in again".to_owned(),
            Reason::Forbidden if self.message.contains("exceeded quota") => {
                let namespace = self.asked.namespace.as_deref().unwrap_or("NAMESPACE");
                format!("`kubectl describe resourcequota -n {namespace}` tells what is left")
            }
            // A rule of admission is no permission: nobody can grant it.
            Reason::Forbidden if self.message.contains(" cannot ") => {
                format!("`{}` asks for this permission", self.asked.can_i())
            }
            Reason::NoSuchKind => match self.asked.resource.split_once('.') {
                Some((_, group)) => format!("`kubectl api-resources --api-group={group}` lists what is installed"),
                None => "`kubectl api-resources` lists what is installed".to_owned(),
            },
            Reason::NotFound => {
                let namespace = word(self.missing_namespace()?);
                format!("`kubectl create namespace {namespace}` makes it; -n names another one")
            }
            Reason::Conflict => "it changed meanwhile; run the command again".to_owned(),
            Reason::FieldConflict(_) => "`--force-conflicts` takes these fields over".to_owned(),
            Reason::Timeout => "`--request-timeout 2m` waits longer".to_owned(),
            Reason::TooMany | Reason::Unavailable => {
                "`kubectl get --raw='/readyz?verbose'` tells how the server is; try again later".to_owned()
            }
            Reason::Unreachable if self.message.starts_with(CERTIFICATE) => {
                "`--certificate-authority FILE` names who signed it, `--tls-server-name NAME` whose it is".to_owned()
            }
            Reason::Unreachable => "`kubectl cluster-info` asks the same server".to_owned(),
            Reason::Forbidden | Reason::AlreadyExists | Reason::Invalid | Reason::Expired | Reason::Other => {
                return None;
            }
        };
        Some(help)
    }

    /// The namespace that something was sent into, and that does not exist.
    fn missing_namespace(&self) -> Option<&str> {
        self.message.strip_prefix("namespaces \"")?.strip_suffix("\" not found")
    }
}

impl fmt::Display for Refused {
    /// One sentence: what, to which object, why.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: ", self.asked)?;
        match &self.reason {
            Reason::NoSuchKind => write!(f, "the cluster does not know this kind"),
            Reason::FieldConflict(conflicts) => {
                let owned: Vec<_> = conflicts
                    .iter()
                    .map(|conflict| format!("`{}` belongs to `{}`", conflict.field, conflict.manager))
                    .collect();
                write!(f, "{}", owned.join(", "))
            }
            _ => write!(f, "{}", self.message),
        }
    }
}

impl std::error::Error for Refused {}

/// Text of others without terminal codes and without what looks like a secret.
pub(super) fn clean(text: &str) -> String {
    redact(&sanitize(text.trim()))
}

/// The addresses of webhooks end with `?timeout=10s`, which is no secret; masked as a query, it would take the cause
/// behind it along.
fn without_timeouts(message: &str) -> String {
    let mut pieces = message.split("?timeout=");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(piece.trim_start_matches(|c: char| c.is_ascii_alphanumeric()));
    }
    out
}

fn reason(asked: &Asked, code: u16, status: &Value) -> Reason {
    let conflicts = field_conflicts(status);
    match (code, status["reason"].as_str().unwrap_or_default()) {
        (401, _) => Reason::Unauthorized,
        (403, _) => Reason::Forbidden,
        // The server names the object that it misses; where it knows no such path, there is no name.
        (404, _) if status["details"]["name"].as_str().is_some_and(|name| !name.is_empty()) => Reason::NotFound,
        (404, _) if asked.resource.starts_with('/') => Reason::NotFound,
        // KubeVirt's own API answers in plain words.
        (404, _) if asked.subresource.is_some() && !status["message"].is_null() => Reason::NotFound,
        (404, _) => Reason::NoSuchKind,
        (409, "AlreadyExists") => Reason::AlreadyExists,
        (409, _) if !conflicts.is_empty() => Reason::FieldConflict(conflicts),
        (409, _) => Reason::Conflict,
        (410, _) => Reason::Expired,
        (429, _) => Reason::TooMany,
        (408 | 504, _) | (_, "Timeout" | "ServerTimeout") => Reason::Timeout,
        (502 | 503, _) => Reason::Unavailable,
        (500, _) if webhook_is_down(status) => Reason::Unavailable,
        (400 | 413 | 422, _) => Reason::Invalid,
        _ => Reason::Other,
    }
}

/// Whether the server could not ask a webhook. Nothing was stored then: admission comes before.
pub(super) fn webhook_is_down(status: &Value) -> bool {
    const SIGNS: [&str; 7] =
        ["refused", "timeout", "deadline exceeded", "no endpoints", "EOF", "reset by peer", "no route to host"];
    let message = status["message"].as_str().unwrap_or_default();
    message.contains("failed calling webhook") && SIGNS.iter().any(|sign| message.contains(sign))
}

fn field_conflicts(status: &Value) -> Vec<FieldConflict> {
    let causes = status["details"]["causes"].as_array().map_or(&[][..], Vec::as_slice);
    causes
        .iter()
        .filter(|cause| cause["reason"] == "FieldManagerConflict")
        .map(|cause| {
            let message = clean(cause["message"].as_str().unwrap_or_default());
            // `conflict with "manager" using v1 at 2026-01-01T00:00:00Z`
            let manager = message.split('"').nth(1).unwrap_or("another manager").to_owned();
            FieldConflict { manager, field: clean(cause["field"].as_str().unwrap_or_default()), message }
        })
        .collect()
}

#[cfg(test)]
#[path = "refused_tests.rs"]
mod tests;
