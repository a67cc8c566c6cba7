//! What this tool made for a Wukong: a ConfigMap in the machine's namespace, the proof of ownership.
//!
//! Labels are copied, by CDI for one, and names can meet; a UID cannot. The intent is written before the objects, with no
//! UID yet, so that a run that was killed can be finished by the next one.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::object::text;
use crate::machine::MANAGED_LABEL;

/// The label that finds all records.
pub const RECORD_LABEL: &str = "vm.novasphere.dev/record";
/// The beginning of the field manager's name. The rest is the Wukong's: two Wukongs that want an object of one name are
/// then told apart by the API server itself.
pub const MANAGER: &str = "kubectl-wukong";

/// The key of the ConfigMap under which the record lies.
const KEY: &str = "record";
/// The version of the record's form.
const VERSION: u64 = 1;

/// What was made, and what was last applied.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// The objects.
    pub made: Vec<Made>,
    /// The entries of disks, volumes, interfaces and networks that were last applied, by list and name. Server-side apply
    /// owns each of these lists whole, so that managedFields cannot tell what was added by others.
    pub lists: BTreeMap<String, BTreeMap<String, Value>>,
    /// The size of each disk that the file last said, by the disk's name.
    pub sizes: BTreeMap<String, String>,
    /// The claim of each disk, by the disk's name.
    pub claims: BTreeMap<String, String>,
    /// The run strategy that the file last said.
    pub run_strategy: Option<String>,
}

/// An object that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its API version.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name; the namespace is the record's.
    pub name: String,
    /// Its UID; none while it is only meant to be made.
    pub uid: Option<String>,
}

/// Why a record cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable(pub String);

impl Record {
    /// The name of the ConfigMap of a Wukong.
    pub fn name(wukong: &str) -> String {
        format!("wukong-{wukong}")
    }

    /// The field manager of a Wukong.
    pub fn manager(wukong: &str) -> String {
        format!("{MANAGER}/{wukong}")
    }

    /// What was made under this name.
    pub fn made(&self, kind: &str, name: &str) -> Option<&Made> {
        self.made.iter().find(|made| made.kind == kind && made.name == name)
    }

    /// Notes an object. A UID that is known stays if none is given.
    pub fn note(&mut self, api_version: &str, kind: &str, name: &str, uid: Option<&str>) {
        match self.made.iter_mut().find(|made| made.kind == kind && made.name == name) {
            Some(made) => {
                if uid.is_some() {
                    made.uid = uid.map(str::to_owned);
                }
            }
            None => self.made.push(Made {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                name: name.to_owned(),
                uid: uid.map(str::to_owned),
            }),
        }
    }

    /// Reads a ConfigMap.
    ///
    /// # Errors
    /// What is wrong with it. A record that cannot be read must not be overwritten: what it proves would be lost.
    pub fn read(config_map: &Value) -> Result<Self, Unusable> {
        let bad = |what: &str| Unusable(what.to_owned());
        let body = text(config_map, "/data/record").ok_or_else(|| bad("it has no key `record`"))?;
        let body: Value = serde_json::from_str(body).map_err(|error| bad(&format!("it is not JSON: {error}")))?;
        match body["version"].as_u64() {
            Some(VERSION) => {}
            Some(_) => return Err(bad("it was written by a newer version of this tool")),
            None => return Err(bad("it has no version")),
        }
        let mut record = Self::default();
        for made in body["objects"].as_array().ok_or_else(|| bad("it lists no objects"))? {
            let part = |key: &str| made[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            record.made.push(Made {
                api_version: part("apiVersion").ok_or_else(|| bad("an object has no apiVersion"))?,
                kind: part("kind").ok_or_else(|| bad("an object has no kind"))?,
                name: part("name").ok_or_else(|| bad("an object has no name"))?,
                uid: part("uid"),
            });
        }
        let map = |key: &str| body[key].as_object().cloned().unwrap_or_default();
        for (list, entries) in map("lists") {
            let entries = entries.as_object().cloned().ok_or_else(|| bad("a list is no mapping"))?;
            record.lists.insert(list, entries.into_iter().collect());
        }
        let texts = |key: &str| -> BTreeMap<String, String> {
            map(key).into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))).collect()
        };
        record.sizes = texts("sizes");
        record.claims = texts("claims");
        record.run_strategy = body["runStrategy"].as_str().map(str::to_owned);
        Ok(record)
    }

    /// The ConfigMap to write.
    pub fn config_map(&self, wukong: &str, namespace: &str) -> Value {
        let objects: Vec<_> = self
            .made
            .iter()
            .map(|made| {
                let mut object = Map::new();
                for (key, value) in [("apiVersion", &made.api_version), ("kind", &made.kind), ("name", &made.name)] {
                    object.insert(key.to_owned(), json!(value));
                }
                if let Some(uid) = &made.uid {
                    object.insert("uid".to_owned(), json!(uid));
                }
                Value::Object(object)
            })
            .collect();
        let body = json!({
            "version": VERSION,
            "objects": objects,
            "lists": self.lists,
            "sizes": self.sizes,
            "claims": self.claims,
            "runStrategy": self.run_strategy,
        });
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": Self::name(wukong),
                "namespace": namespace,
                "labels": {MANAGED_LABEL: wukong, RECORD_LABEL: "v1"},
            },
            "data": {KEY: body.to_string()},
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_the_way_through_a_config_map() {
        let mut record = Record { run_strategy: Some("Always".into()), ..Record::default() };
        record.note("v1", "Secret", "web-cloud-init", None);
        record.note("kubevirt.io/v1", "VirtualMachine", "web-vm", Some("1-2"));
        record.note("kubevirt.io/v1", "VirtualMachine", "web-vm", None);
        record.sizes.insert("data".into(), "20Gi".into());
        record.lists.entry("disks".into()).or_default().insert("data".into(), json!({"name": "data"}));
        let config_map = record.config_map("web", "prod");
        assert_eq!(Record::read(&config_map).unwrap(), record);
        assert_eq!(record.made("VirtualMachine", "web-vm").unwrap().uid.as_deref(), Some("1-2"));
    }

    #[test]
    fn what_is_no_record_is_told() {
        for data in [json!({}), json!({"record": "{"}), json!({"record": "{\"version\":2}"}), json!({"record": "{}"})] {
            assert!(Record::read(&json!({"data": data})).is_err(), "{data}");
        }
    }
}
