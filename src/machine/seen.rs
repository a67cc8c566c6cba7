//! Names across the machines of a run, by namespace.

use std::collections::HashMap;

use super::Machine;

/// What was seen under a name, by namespace. A namespace that is not known may be any.
pub(super) struct Seen<V> {
    by_name: HashMap<String, (HashMap<Option<String>, V>, V)>,
}

impl<V: Clone> Seen<V> {
    pub(super) fn new() -> Self {
        Self { by_name: HashMap::new() }
    }

    /// The first that may be in the same namespace.
    pub(super) fn find(&self, name: &str, machine: &Machine) -> Option<&V> {
        let (by_namespace, first) = self.by_name.get(name)?;
        match machine.namespace {
            Some(_) => by_namespace.get(&machine.namespace).or_else(|| by_namespace.get(&None)),
            None => Some(first),
        }
    }

    /// Notes a name. The first of a namespace stays.
    pub(super) fn insert(&mut self, name: &str, machine: &Machine, value: V) {
        let entry = self.by_name.entry(name.to_owned()).or_insert_with(|| (HashMap::new(), value.clone()));
        entry.0.entry(machine.namespace.clone()).or_insert(value);
    }
}
