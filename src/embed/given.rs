//! The texts of a call: options by name and type, facts, and how large they may be.

use serde_json::{Map, Value};

use super::MAX_BYTES;
use super::answer::{Failure, Status};
use crate::diagnostic::{Report, to_json};
use crate::facts::Facts;
use crate::source::{Documents, SourceMap, kubectl_value};

fn bad(message: impl Into<String>, help: impl Into<String>) -> Failure {
    Failure::new(Status::BadRequest, message, help)
}

/// Refuses a text that is too large before anything looks at it.
pub(super) fn fits(name: &str, text: &str) -> Result<(), Failure> {
    let message = || format!("the text `{name}` is larger than {} MiB", MAX_BYTES >> 20);
    if text.len() > MAX_BYTES { Err(bad(message(), "split it")) } else { Ok(()) }
}

/// One document, YAML or JSON; none if there is nothing in the text.
fn document(name: &str, text: &str) -> Result<Option<Value>, Failure> {
    fits(name, text)?;
    let mut sources = SourceMap::default();
    let number = sources.add(name, text);
    let mut report = Report::default();
    // Facts of a whole cluster are one document.
    let mut documents = Documents::exchanged(number, sources.file(number).map_or("", |file| file.text.as_str()));
    let all: Vec<_> = std::iter::from_fn(|| documents.next(&mut report)).collect();
    if !report.is_valid() {
        let what = format!("`{name}` cannot be read");
        return Err(Failure::of_text(Status::BadRequest, &what, &to_json(&report, &sources)));
    }
    match all.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(kubectl_value(&one.root)).filter(|value| !value.is_null())),
        _ => Err(bad(format!("`{name}` has {} documents", all.len()), "give one")),
    }
}

/// Facts and the time at which they were read, in seconds since 1970.
pub(super) fn facts(text: &str, whole: bool) -> Result<(Facts, i64), Failure> {
    fits("facts", text)?;
    // A cluster is larger than a file: what is JSON is read without places.
    let read = if text.trim_start().starts_with('{') { serde_json::from_str(text).ok() } else { None };
    let value = match read {
        Some(value) => value,
        None => document("facts", text)?.unwrap_or_default(),
    };
    let read = if whole { Facts::from_whole(&value) } else { Facts::from_file(&value) };
    let help = if whole {
        "a plan needs {\"kind\": \"WukongFacts\", \"version\": 1, \"whole\": true, \"time\": SECONDS, \"objects\": \
         […]} with whole objects, as `kubectl get -o json --show-managed-fields` prints them"
    } else {
        "`kubectl wukong status --save-facts FILE` writes them"
    };
    read.map_err(|reason| bad(format!("`facts` cannot be used: {reason}"), help))
}

/// Options, taken one by one; what nobody takes is an error.
pub(super) struct Given {
    fields: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Given {
    /// Reads options.
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let fields = match document("options", text)? {
            None => Map::new(),
            Some(Value::Object(fields)) => fields,
            Some(_) => return Err(bad("`options` is no mapping", "write {\"namespace\": \"prod\"}, for one")),
        };
        Ok(Self { fields, known: Vec::new() })
    }

    pub(super) fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.fields.remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, Failure> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(name, "a text")),
        }
    }

    /// One of some words; the first if nothing is said.
    pub(super) fn word(&mut self, name: &'static str, words: &[&'static str]) -> Result<&'static str, Failure> {
        let first = words.first().copied().unwrap_or_default();
        let Some(said) = self.text(name)? else { return Ok(first) };
        let found = words.iter().find(|word| **word == said);
        found.copied().ok_or_else(|| wrong(name, &format!("one of {}", words.join(", "))))
    }

    /// Whether something is wanted.
    pub(super) fn is(&mut self, name: &'static str) -> Result<bool, Failure> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(value),
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    pub(super) fn texts(&mut self, name: &'static str) -> Result<Vec<String>, Failure> {
        let Some(value) = self.take(name) else { return Ok(Vec::new()) };
        let all = value.as_array().map(|all| all.iter().map(|one| one.as_str().map(str::to_owned)).collect());
        all.flatten().ok_or_else(|| wrong(name, "a list of texts"))
    }

    /// Seconds since 1970.
    pub(super) fn time(&mut self, name: &'static str) -> Result<Option<i64>, Failure> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let seconds = value.as_i64().filter(|seconds| jiff::Timestamp::from_second(*seconds).is_ok());
        seconds.map(Some).ok_or_else(|| wrong(name, "a time, in whole seconds since 1970"))
    }

    /// Refuses what nobody asked for: a misspelt option would change nothing, and nobody would know.
    pub(super) fn end(self) -> Result<(), Failure> {
        let Some(unknown) = self.fields.keys().next() else { return Ok(()) };
        let shown: String = unknown.chars().take(60).collect();
        Err(bad(format!("there is no option `{shown}`"), format!("the options are {}", self.known.join(", "))))
    }
}

/// Says that an option is of another type.
pub(super) fn wrong(name: &str, wanted: &str) -> Failure {
    bad(format!("the option `{name}` is not {wanted}"), format!("write {wanted}"))
}
