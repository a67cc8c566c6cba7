//! How a machine is, why it does not run, and what to do: a pure function from facts.

mod cause;
mod disk;
mod find;
mod index;
mod look;
mod rules;
pub(crate) mod time;

pub use cause::{Cause, Weight};
pub use disk::{Disk, USAGE};
pub use find::{Subject, subject, subjects};
pub use index::Index;
pub(crate) use rules::tool;

use serde_json::Value;

use crate::facts::{kind, strings, text};
use crate::plan::Goal;
use cause::Causes;
use look::Look;

/// How a machine is.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Which one.
    pub subject: Subject,
    /// Whether its VirtualMachine could be read.
    pub read: bool,
    /// Where it is in its life.
    pub phase: Phase,
    /// What KubeVirt calls it: `Running`, `Provisioning`, `ErrorUnschedulable`.
    pub state: String,
    /// Where it runs.
    pub node: Option<String>,
    /// Its addresses.
    pub networks: Vec<Network>,
    /// Its disks with a claim.
    pub disks: Vec<Disk>,
    /// What is the matter, the worst first.
    pub causes: Vec<Cause>,
    /// What could not be read, and so is not known.
    pub unknown: Vec<String>,
}

/// Whether a machine is as it should be, running or stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of the table")]
pub enum Health {
    Ok,
    Waiting,
    Broken,
    /// Its VirtualMachine could not be read.
    Unknown,
}

impl Health {
    /// In a table or a line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Waiting => "waiting",
            Self::Broken => "broken",
            Self::Unknown => "not known",
        }
    }
}

/// Where a machine is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of the Wukong's status")]
pub enum Phase {
    Pending,
    Creating,
    Running,
    Stopped,
    Error,
}

/// An interface of a running machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Its hardware address.
    pub mac: Option<String>,
    /// Its addresses.
    pub addresses: Vec<String>,
}

impl Phase {
    /// As the Wukong's status has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Creating => "Creating",
            Self::Running => "Running",
            Self::Stopped => "Stopped",
            Self::Error => "Error",
        }
    }
}

impl Status {
    /// The worst that is the matter; none if the machine is as it should be. What is only worth knowing does not count.
    pub fn worst(&self) -> Option<&Cause> {
        self.causes.first().filter(|cause| cause.weight > Weight::Note)
    }

    /// How it is, in a word.
    pub fn health(&self) -> Health {
        match self.worst().map(|cause| cause.weight) {
            Some(Weight::Broken) => Health::Broken,
            Some(_) => Health::Waiting,
            None if self.read => Health::Ok,
            None => Health::Unknown,
        }
    }

    /// Whether the machine is as it should be, running or stopped.
    pub fn is_healthy(&self) -> bool {
        self.health() == Health::Ok
    }
}

/// Looks at a machine. `now` is in seconds since 1970.
pub fn status(index: &Index<'_>, subject: &Subject, now: i64) -> Status {
    let facts = index.facts;
    let read = [
        kind::MACHINE,
        kind::CONFIG_MAP,
        kind::INSTANCE,
        kind::DATA_VOLUME,
        kind::CLAIM,
        kind::POD,
        kind::EVENT,
        kind::USAGE,
    ];
    let cluster = [kind::VOLUME, kind::CLASS, kind::NODE];
    let unknown = read.iter().filter_map(|kind| facts.unknown(kind, &subject.namespace));
    let unknown = unknown.chain(cluster.iter().filter_map(|kind| facts.unknown(kind, "")));
    let mut status = Status {
        subject: subject.clone(),
        read: true,
        phase: Phase::Pending,
        state: String::new(),
        node: None,
        networks: Vec::new(),
        disks: Vec::new(),
        causes: Vec::new(),
        unknown: unknown.map(|unread| unread.reason.clone()).collect(),
    };
    let mut causes = Causes::default();
    let Some(vm) = facts.get(kind::MACHINE, &subject.namespace, &subject.vm) else {
        if facts.unknown(kind::MACHINE, &subject.namespace).is_some() {
            return Status { read: false, state: "Unknown".into(), ..status };
        }
        missing(subject, &mut causes);
        return Status { phase: Phase::Error, state: "Missing".into(), causes: causes.0, ..status };
    };
    let shown = subject.shown();
    let look = Look::at(index, vm, &shown, subject.record.as_ref(), now);
    for rule in rules::RULES {
        rule(&look, &mut causes);
    }
    unexplained(&look, &mut causes);
    causes.0.sort_by_key(|cause| std::cmp::Reverse(cause.weight));
    text(vm, "/status/printableStatus").unwrap_or("New").clone_into(&mut status.state);
    status.node = look.instance.and_then(|instance| text(instance, "/status/nodeName")).map(str::to_owned);
    status.networks = look.instance.map(networks).unwrap_or_default();
    status.disks = look.disks.iter().map(|held| disk::disk(&look, held)).collect();
    status.phase = phase(&look, &causes);
    status.causes = causes.0;
    status
}

fn missing(subject: &Subject, causes: &mut Causes) {
    let text = format!("there is no VirtualMachine {} in {}", subject.vm, subject.namespace);
    let next = match &subject.record {
        Some(_) => "apply the Wukong file to make it again; its disks are kept".to_owned(),
        None => format!("kubectl get vm -n {} lists what is there", subject.namespace),
    };
    causes.broken("machine-missing", "", text, next);
}

/// A machine that shall run, does not, and no rule says why: then KubeVirt's own words have to do.
fn unexplained(look: &Look<'_>, causes: &mut Causes) {
    let wanted = look.goal == Goal::On && !look.runs();
    if !wanted || look.is_done() || causes.0.iter().any(|cause| cause.weight > Weight::Note) {
        return;
    }
    let state = text(look.vm, "/status/printableStatus").unwrap_or("New");
    let why = crate::facts::condition(look.vm, "Ready").map(|(_, _, message)| message).filter(|why| !why.is_empty());
    let told = look.own_warning(|_, _| true).or(why);
    let text =
        told.map_or_else(|| format!("it is {state}"), |told| format!("it is {state}: {}", crate::text::redact(told)));
    causes.waiting("starting", "", text, String::new());
}

fn phase(look: &Look<'_>, causes: &Causes) -> Phase {
    let broken = causes.0.iter().any(|cause| cause.weight == Weight::Broken);
    let filling = look.disks.iter().any(|disk| !disk.bound() || disk.filling().is_some());
    match (broken, look.runs(), look.instance.is_some()) {
        (true, _, _) => Phase::Error,
        (false, true, _) => Phase::Running,
        (false, false, false) if look.stays_off() || look.is_done() => Phase::Stopped,
        (false, false, _) if filling => Phase::Creating,
        _ => Phase::Pending,
    }
}

fn networks(instance: &Value) -> Vec<Network> {
    let all = instance.pointer("/status/interfaces").and_then(Value::as_array).into_iter().flatten();
    let network = |interface: &Value| {
        let mut addresses = strings(interface, "/ipAddresses");
        if addresses.is_empty() {
            addresses.extend(text(interface, "/ipAddress"));
        }
        Network {
            name: text(interface, "/name").or_else(|| text(interface, "/interfaceName")).unwrap_or_default().to_owned(),
            mac: text(interface, "/mac").map(str::to_owned),
            addresses: addresses.into_iter().map(str::to_owned).collect(),
        }
    };
    all.map(network).collect()
}
