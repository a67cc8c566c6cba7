//! Facts as a file: for a bug report, and to look at a cluster that is out of reach.

use serde_json::{Value, json};

use super::keep::{keep, redacted};
use super::{Facts, Unread, kind};
use crate::facts::text;

/// The version of the file's form.
const VERSION: u64 = 1;
const KIND: &str = "WukongFacts";

impl Facts {
    /// The facts as JSON, without secrets. `now` is the time at which they were read, in seconds since 1970.
    pub fn to_file(&self, now: i64) -> Value {
        let objects: Vec<_> = self.objects.values().filter(|object| is_ours(object)).map(part).collect();
        let gap =
            |unread: &Unread| json!({"kind": unread.kind, "namespace": unread.namespace, "reason": unread.reason});
        let unread: Vec<_> = self.unread.iter().map(gap).collect();
        let mut file = json!({"kind": KIND, "version": VERSION, "time": now, "objects": objects, "unread": unread});
        if let Some(asked) = &self.asked {
            file["asked"] = json!(asked);
        }
        file
    }

    /// Facts from JSON, and the time at which they were read.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_file(file: &Value) -> Result<(Self, i64), String> {
        // Whoever wrote it may have added something.
        Self::read(file, keep)
    }

    /// The same from a document with `whole: true`, whose objects are as the API gives them: a change is planned by all
    /// of their fields, of which the files of this tool hold only some.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_whole(file: &Value) -> Result<(Self, i64), String> {
        let read = Self::read(file, Value::clone)?;
        if file["whole"] == true { Ok(read) } else { Err("it does not say `whole: true`".to_owned()) }
    }

    fn read(file: &Value, part: fn(&Value) -> Value) -> Result<(Self, i64), String> {
        if text(file, "/kind") != Some(KIND) {
            return Err(format!("it is no file of facts: its kind is not {KIND}"));
        }
        if file["version"].as_u64() != Some(VERSION) {
            return Err("it was written by another version of this tool".to_owned());
        }
        let time = file["time"].as_i64().ok_or("it has no time")?;
        let mut facts = Self::default();
        for object in file["objects"].as_array().ok_or("it has no objects")? {
            facts.insert(part(object));
        }
        // Whoever wrote it by hand need not say what it is about: then it holds all that there is.
        facts.asked =
            file["asked"].as_array().map(|kinds| kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        for gap in file["unread"].as_array().into_iter().flatten() {
            let part = |key: &str| gap[key].as_str().map(str::to_owned);
            let (Some(kind), Some(reason)) = (part("kind"), part("reason")) else { continue };
            facts.unread(Unread { kind, namespace: part("namespace"), reason });
        }
        Ok((facts, time))
    }
}

/// Whether an object is about machines. What other pods say may be anything, and is nobody's business.
fn is_ours(object: &Value) -> bool {
    let of_a_machine = |kind: &str, name: &str| match kind {
        kind::POD => ["virt-launcher-", "importer-", "hp-volume-", "cdi-"].iter().any(|start| name.starts_with(start)),
        kind::MACHINE | kind::INSTANCE | kind::DATA_VOLUME | kind::CLAIM | kind::MIGRATION => true,
        _ => false,
    };
    let name = |pointer| text(object, pointer).unwrap_or_default();
    name("/kind") != kind::EVENT || of_a_machine(name("/involvedObject/kind"), name("/involvedObject/name"))
}

/// An object without what a stranger need not know.
fn part(object: &Value) -> Value {
    redacted(&keep(object))
}
