//! Which machines there are: Wukongs by their records and labels, and any VirtualMachine.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::facts::{Facts, Record, kind, text};
use crate::machine::{MANAGED_LABEL, vm_name};
use crate::text::command_line;

/// A machine that is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// Its namespace.
    pub namespace: String,
    /// The name of its VirtualMachine.
    pub vm: String,
    /// The name of its Wukong, if it is one.
    pub wukong: Option<String>,
    /// The record of the Wukong, if it can be read.
    pub record: Option<Record>,
}

impl Subject {
    /// The name as a person would type it.
    pub fn shown(&self) -> String {
        self.wukong.clone().unwrap_or_else(|| format!("vm/{}", self.vm))
    }

    /// A command about it, for a person to type.
    pub(crate) fn command(&self, verb: &str, flags: &str) -> String {
        command_line(verb, &[&self.shown()], &self.namespace, flags)
    }
}

/// All machines of the facts, sorted: Wukongs only, unless `any`.
pub fn subjects(facts: &Facts, any: bool) -> Vec<Subject> {
    let mut found = BTreeMap::new();
    for map in facts.all_of(kind::CONFIG_MAP) {
        let namespace = text(map, "/metadata/namespace").unwrap_or_default();
        let Some(wukong) = text(map, "/metadata/name").and_then(|name| name.strip_prefix("wukong-")) else { continue };
        let subject = of_wukong(wukong, namespace, Some(map));
        found.insert((namespace.to_owned(), subject.vm.clone()), subject);
    }
    for vm in facts.all_of(kind::MACHINE) {
        let part = |pointer: &str| text(vm, pointer).unwrap_or_default().to_owned();
        let key = (part("/metadata/namespace"), part("/metadata/name"));
        // A label is no proof, but without the right to read records it is all there is.
        let label = vm.pointer("/metadata/labels").and_then(|labels| labels.get(MANAGED_LABEL)).and_then(Value::as_str);
        let wukong = label.filter(|label| vm_name(label) == key.1).map(str::to_owned);
        if any || wukong.is_some() {
            let subject = Subject { namespace: key.0.clone(), vm: key.1.clone(), wukong, record: None };
            found.entry(key).or_insert(subject);
        }
    }
    found.into_values().collect()
}

/// What a name means in a namespace: a Wukong, or with `vm/` any VirtualMachine.
pub fn subject(name: &str, namespace: &str, facts: &Facts) -> Subject {
    match name.strip_prefix("vm/") {
        Some(vm) => Subject { namespace: namespace.to_owned(), vm: vm.to_owned(), wukong: None, record: None },
        None => of_wukong(name, namespace, facts.get(kind::CONFIG_MAP, namespace, &Record::name(name))),
    }
}

/// A Wukong whose record lies in a ConfigMap, if there is one. The record knows the name of its machine.
fn of_wukong(name: &str, namespace: &str, map: Option<&Value>) -> Subject {
    let record = map.and_then(|map| Record::read(map).ok());
    let made = record.as_ref().and_then(|record| record.made.iter().find(|made| made.kind == kind::MACHINE));
    let vm = made.map_or_else(|| vm_name(name), |made| made.name.clone());
    Subject { namespace: namespace.to_owned(), vm, wukong: Some(name.to_owned()), record }
}
