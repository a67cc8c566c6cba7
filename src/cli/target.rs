//! NAME on the command line: a Wukong, or `vm/NAME` for any VirtualMachine.

use std::collections::BTreeSet;

use serde_json::Value;

use super::input::namespace;
use super::session::Session;
use crate::cluster::{Refused, Wanted, fetch};
use crate::facts::{Facts, Record, kind};
use crate::machine::vm_name;

/// Which machine, and where.
#[derive(Debug, clap::Args)]
pub(super) struct TargetArgs {
    /// The name of a Wukong, or `vm/NAME` for any VirtualMachine.
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,

    /// The namespace; that of the context if not given.
    #[arg(short = 'n', long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,
}

/// A machine that was named.
pub(super) struct Target {
    /// The Wukong, if it is one.
    pub wukong: Option<String>,
    /// Its VirtualMachine.
    pub vm: String,
    /// Its namespace.
    pub namespace: String,
    /// The record of the Wukong, if there is one.
    pub record: Option<Record>,
}

impl Target {
    /// The name as a person would type it.
    pub(super) fn shown(&self) -> String {
        self.wukong.clone().unwrap_or_else(|| format!("vm/{}", self.vm))
    }

    /// Its VirtualMachine.
    pub(super) fn machine<'f>(&self, facts: &'f Facts) -> Option<&'f Value> {
        facts.get(kind::MACHINE, &self.namespace, &self.vm)
    }
}

impl TargetArgs {
    /// The namespace that is meant.
    pub(super) fn namespace(&self, session: &Session) -> String {
        self.namespace.clone().unwrap_or_else(|| session.door.namespace().to_owned())
    }

    /// Reads the namespace and finds the machines in it. A Wukong is known by its record, or by its machine's name.
    pub(super) fn find(&self, session: &Session) -> Result<(Facts, Vec<Target>), Refused> {
        let namespace = self.namespace(session);
        let wanted = Wanted { namespaces: BTreeSet::from([namespace.clone()]), ..Wanted::default() };
        let facts = session.runtime.block_on(fetch(&session.door, &wanted))?;
        let targets = self.names.iter().map(|name| target(name, &namespace, &facts)).collect();
        Ok((facts, targets))
    }
}

/// What a name means in a namespace.
pub(super) fn target(name: &str, namespace: &str, facts: &Facts) -> Target {
    if let Some(vm) = name.strip_prefix("vm/") {
        return Target { wukong: None, vm: vm.to_owned(), namespace: namespace.to_owned(), record: None };
    }
    let found = facts.get(kind::CONFIG_MAP, namespace, &Record::name(name));
    let record = found.and_then(|found| Record::read(found).ok());
    let made = record.as_ref().and_then(|record| record.made.iter().find(|made| made.kind == kind::MACHINE));
    let vm = made.map_or_else(|| vm_name(name), |made| made.name.clone());
    Target { wukong: Some(name.to_owned()), vm, namespace: namespace.to_owned(), record }
}
