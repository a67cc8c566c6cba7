//! What a node that died held, what comes back by itself, and what needs a person: a pure function from facts.
//!
//! A node that is silent may still run its guests. Nothing takes a disk from it until a person says that its power is
//! off; then the taint `node.kubernetes.io/out-of-service` lets Kubernetes remove its pods and detach its volumes, and
//! KubeVirt starts elsewhere what can start elsewhere. Sources: Kubernetes, pkg/controller/podgc and
//! pkg/controller/volume/attachdetach; KubeVirt, pkg/virt-controller/watch.

mod fit;
mod held;
mod machine;
mod mark;
mod node;
mod progress;
mod restore;
mod step;

pub use held::Held;
pub use machine::{Disk, Machine, Way};
pub use mark::{Mark, TAINT, marked, time, unmarked};
pub use node::{Node, OutOfService, Presence};
pub use progress::{Watched, watched};
pub use step::{Step, StepState, steps};

use crate::facts::{Facts, kind};
use crate::locate::{Atlas, Fate, What, impacts, locate};

/// A node that died, and what it held.
#[derive(Debug, Clone, PartialEq)]
pub struct Rescue {
    /// The node.
    pub node: Node,
    /// Pods and volumes there.
    pub held: Held,
    /// The machines that it held, and those whose disks lie there: those that lose data first.
    pub machines: Vec<Machine>,
    /// What could not be read, and so is not known.
    pub unknown: Vec<String>,
    /// How many other nodes are silent too: then it may be the network.
    pub silent: usize,
    /// Why it is not known which machines the node held, if it is not.
    pub blind: Option<String>,
}

/// Kinds without which something about the node is not known.
const READ: [&str; 11] = [
    kind::MACHINE,
    kind::INSTANCE,
    kind::POD,
    kind::ATTACHMENT,
    kind::CLAIM,
    kind::VOLUME,
    kind::DATA_VOLUME,
    kind::VOLUME_SNAPSHOT,
    kind::CLASS,
    kind::CONFIG_MAP,
    kind::NODE,
];

/// Looks at a node. `now` is in seconds since 1970. None: there is no such node, and nothing was on one of that name.
pub fn rescue(facts: &Facts, name: &str, now: i64) -> Option<Rescue> {
    let node = node::node(facts, name, now);
    let held = held::held(facts, name);
    let atlas = Atlas::of(facts);
    let subjects = machine::subjects(facts);
    let located: Vec<_> = subjects.iter().map(|subject| locate(&atlas, subject)).collect();
    let impacts = impacts(&located, &What::NodeLost(name.to_owned()));
    let marked = node.mark().map(|mark| mark.machines.clone()).unwrap_or_default();
    let all = located.iter().zip(&impacts);
    let mut machines: Vec<_> =
        all.filter_map(|(located, impact)| machine::machine(facts, &node, &held, &marked, located, impact)).collect();
    machines.sort_by_key(|machine| machine.way);
    if node.presence == Presence::Gone && machines.is_empty() && held.pods.is_empty() && held.attached.is_empty() {
        return None;
    }
    let related = crate::storage::BACKENDS.iter().flat_map(|backend| backend.kinds).copied();
    let unplaced = located.iter().zip(&impacts).filter(|(located, impact)| {
        let listed = machines.iter().any(|machine| machine.subject == located.subject);
        !listed && impact.disks.iter().any(|(_, fate, _, _)| *fate == Fate::Unknown)
    });
    let unplaced = match unplaced.count() {
        0 => None,
        1 => Some("whether a disk of 1 other machine lies there: its storage does not say".to_owned()),
        many => Some(format!("whether disks of {many} other machines lie there: their storage does not say")),
    };
    let mut unknown: Vec<_> = READ
        .into_iter()
        .chain(related)
        .filter_map(|kind| facts.unknown(kind, ""))
        .map(|gap| gap.reason.clone())
        .collect();
    unknown.sort();
    unknown.dedup();
    unknown.extend(unplaced);
    let others = facts.all_of(kind::NODE).map(|node| Node::of(node, now)).filter(|other| other.name != name);
    let silent = others.filter(|other| other.presence == Presence::Silent).count();
    let blind = [kind::NODE, kind::MACHINE, kind::INSTANCE].into_iter().find_map(|kind| facts.unknown(kind, ""));
    Some(Rescue { node, held, machines, unknown, silent, blind: blind.map(|gap| gap.reason.clone()) })
}

impl Rescue {
    /// Whether it is of use to a machine that the node's pods are removed and its volumes detached.
    pub fn frees(&self) -> bool {
        self.machines.iter().any(|machine| machine.ran && machine.way.is_freed())
    }
}
