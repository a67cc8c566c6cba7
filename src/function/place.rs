//! The annotations by which kustomize and kpt know in which file an object lies, and where in it.
//!
//! Source: kustomize, kyaml/kio/kioutil. Each key has an older spelling, which is kept where it was used.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use crate::source::Node;

const PATHS: [&str; 2] = ["internal.config.kubernetes.io/path", "config.kubernetes.io/path"];
const INDEXES: [&str; 2] = ["internal.config.kubernetes.io/index", "config.kubernetes.io/index"];
/// What tells an object of the input again in the output.
const IDS: [&str; 2] = ["internal.config.kubernetes.io/id", "config.k8s.io/id"];
/// An object that is for programs, not for the cluster.
const LOCAL: &str = "config.kubernetes.io/local-config";

/// Where an object lies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The file.
    pub path: Option<String>,
    /// Which document of it.
    pub index: Option<u64>,
    /// Whether the older keys are used, too.
    older: bool,
}

/// An annotation of an object.
fn annotation<'n>(item: &'n Node, key: &str) -> Option<&'n str> {
    item.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

/// Whether an object is for programs alone. Any text but `false` says so, as in kustomize.
pub(super) fn is_local(item: &Node) -> bool {
    annotation(item, LOCAL).is_some_and(|value| value != "false")
}

impl Place {
    /// Where an object of the input lies.
    pub(super) fn of(item: &Node) -> Self {
        let first = |keys: [&str; 2]| keys.iter().find_map(|key| annotation(item, key));
        Self {
            path: first(PATHS).map(str::to_owned),
            // Far more objects than a file holds; the next ones are counted from here.
            index: first(INDEXES).and_then(|index| index.parse::<u32>().ok()).map(u64::from),
            older: annotation(item, PATHS[1]).is_some() || annotation(item, INDEXES[1]).is_some(),
        }
    }

    /// Notes the place on an object.
    fn write(&self, object: &mut Value) {
        let mut pairs = Map::new();
        for at in 0..=usize::from(self.older) {
            if let Some(path) = &self.path {
                pairs.insert(PATHS[at].to_owned(), json!(path));
                pairs.insert(INDEXES[at].to_owned(), json!(self.index.unwrap_or_default().to_string()));
            }
        }
        annotate(object, pairs);
    }
}

/// Adds annotations to an object.
pub(super) fn annotate(object: &mut Value, pairs: Map<String, Value>) {
    if pairs.is_empty() {
        return;
    }
    match &mut object["metadata"]["annotations"] {
        Value::Object(annotations) => annotations.extend(pairs),
        missing => *missing = Value::Object(pairs),
    }
}

/// What an object that takes the place of another one has from it: file, place in it, and identity.
pub(super) fn inherited(item: &Node) -> Map<String, Value> {
    let keys = PATHS.iter().chain(&INDEXES).chain(&IDS);
    keys.filter_map(|key| annotation(item, key).map(|value| ((*key).to_owned(), json!(value)))).collect()
}

/// Which places of which files are taken, so that no two objects get the same one.
#[derive(Debug, Default)]
pub(super) struct Taken {
    files: HashMap<String, HashSet<u64>>,
}

impl Taken {
    /// Notes a place.
    pub(super) fn take(&mut self, place: &Place) {
        if let (Some(path), Some(index)) = (&place.path, place.index) {
            self.files.entry(path.clone()).or_default().insert(index);
        }
    }

    /// Gives a place up.
    pub(super) fn free(&mut self, place: &Place) {
        if let (Some(path), Some(index)) = (&place.path, place.index) {
            self.files.entry(path.clone()).or_default().remove(&index);
        }
    }

    /// Gives each object the next free place of the file, from that of the Wukong on.
    pub(super) fn hand_out(&mut self, from: &Place, objects: &mut [Value]) {
        let Some(path) = &from.path else { return };
        let taken = self.files.entry(path.clone()).or_default();
        let mut next = from.index.unwrap_or_default();
        for object in objects {
            while !taken.insert(next) {
                next += 1;
            }
            Place { index: Some(next), ..from.clone() }.write(object);
        }
    }
}
