//! NAME on the command line: a Wukong, or `vm/NAME` for any VirtualMachine.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Exit;
use super::input::namespace;
use super::session::Session;
use super::terminal::Terminal;
use crate::cluster::{Purpose, Refused, Wanted, fetch};
use crate::facts::{Facts, MANAGER, Record, has_ended, kind};
use crate::status::{Subject, subject};

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

/// The one machine of a command that takes more arguments.
#[derive(Debug, clap::Args)]
pub(super) struct OneArgs {
    /// The name of a Wukong, or `vm/NAME` for any VirtualMachine.
    #[arg(value_name = "NAME")]
    machine: String,

    /// The namespace; that of the context if not given.
    #[arg(short = 'n', long, value_name = "NAMESPACE", value_parser = namespace)]
    namespace: Option<String>,
}

impl OneArgs {
    /// Reads what a purpose needs of the namespace, and finds the machine in it.
    pub(super) fn find(&self, purpose: Purpose, session: &Session) -> Result<(Facts, Subject), Refused> {
        one(&self.machine, self.namespace.as_deref(), purpose, session)
    }
}

/// Reads what a purpose needs of a namespace, or of that of the context, and finds a machine in it.
pub(super) fn one(
    name: &str,
    namespace: Option<&str>,
    purpose: Purpose,
    session: &Session,
) -> Result<(Facts, Subject), Refused> {
    let namespace = namespace.unwrap_or(session.door.namespace()).to_owned();
    let wanted = Wanted { namespaces: BTreeSet::from([namespace.clone()]), purpose, ..Wanted::default() };
    let facts = session.runtime.block_on(fetch(&session.door, &wanted))?;
    let target = subject(name, &namespace, &facts);
    Ok((facts, target))
}

/// What a command does with a machine that was named.
pub(super) trait Target {
    /// Who writes for it.
    fn manager(&self) -> String;
    /// Whether it has a running instance.
    fn runs(&self, facts: &Facts) -> bool;
    /// Says that there is no such machine, or that it cannot be seen.
    fn missing(&self, facts: &Facts, terminal: &Terminal) -> Exit;
    /// Its VirtualMachine.
    fn machine<'f>(&self, facts: &'f Facts) -> Option<&'f Value>;
}

impl Target for Subject {
    fn manager(&self) -> String {
        self.wukong.as_deref().map_or_else(|| MANAGER.to_owned(), Record::manager)
    }

    fn runs(&self, facts: &Facts) -> bool {
        facts.get(kind::INSTANCE, &self.namespace, &self.vm).is_some_and(|instance| !has_ended(instance))
    }

    fn missing(&self, facts: &Facts, terminal: &Terminal) -> Exit {
        if let Some(unread) = facts.unknown(kind::MACHINE, &self.namespace) {
            terminal.error(&unread.reason);
            terminal.help(&format!(
                "`kubectl auth can-i list virtualmachines.kubevirt.io -n {}` asks for this permission",
                self.namespace
            ));
            return Exit::Cluster;
        }
        terminal.error(&format!("there is no VirtualMachine {} in {}", self.vm, self.namespace));
        terminal.help(&format!("`kubectl get vm -n {}` lists them; vm/NAME names any of them", self.namespace));
        Exit::Cluster
    }

    fn machine<'f>(&self, facts: &'f Facts) -> Option<&'f Value> {
        facts.get(kind::MACHINE, &self.namespace, &self.vm)
    }
}

impl TargetArgs {
    /// The namespace that is meant.
    pub(super) fn namespace(&self, session: &Session) -> String {
        self.namespace.clone().unwrap_or_else(|| session.door.namespace().to_owned())
    }

    /// Reads the namespace and finds the machines in it. A Wukong is known by its record, or by its machine's name.
    pub(super) fn find(&self, session: &Session) -> Result<(Facts, Vec<Subject>), Refused> {
        let namespace = self.namespace(session);
        let wanted = Wanted { namespaces: BTreeSet::from([namespace.clone()]), ..Wanted::default() };
        let facts = session.runtime.block_on(fetch(&session.door, &wanted))?;
        let targets = self.names.iter().map(|name| subject(name, &namespace, &facts)).collect();
        Ok((facts, targets))
    }
}
