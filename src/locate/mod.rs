//! Where the bytes of a machine lie, hop by hop, what would destroy them, and how to get them back: pure functions from
//! facts.

mod absent;
mod advice;
mod claims;
mod event;
mod owner;
mod recover;
mod trail;
mod verdict;
mod what_if;

pub use absent::absent;
pub use event::{Event, Fate, Verdict};
pub(crate) use recover::retain;
pub use recover::{Recovery, recovery};
pub use trail::{Content, Hop, Placed, Trail};
pub use what_if::{Effect, Hit, Impact, What, impacts};

use std::collections::HashMap;

use serde_json::Value;

use crate::facts::{Facts, claim_of, kind, path, text, volumes};
use crate::status::Subject;
use crate::storage::Related;

/// A machine with the way of each of its disks.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// Which one.
    pub subject: Subject,
    /// What KubeVirt calls its state; none if there is no VirtualMachine.
    pub state: Option<String>,
    /// Where it runs.
    pub node: Option<String>,
    /// Whether it starts again by itself after its node is gone.
    pub restarts: bool,
    /// The node that its selector names.
    pub pinned: Option<String>,
    /// Its volumes; those with lasting data first, each in the order of the machine.
    pub disks: Vec<Trail>,
    /// What to do, in one line; none where nothing is at risk.
    pub advice: Option<String>,
    /// What could not be read, and so is not known.
    pub unknown: Vec<String>,
}

/// Facts in an order in which thousands of machines are looked at.
pub struct Atlas<'a> {
    pub(crate) facts: &'a Facts,
    related: Related<'a>,
    /// Volumes by the claim that they belong or belonged to.
    volumes: HashMap<(&'a str, &'a str), Vec<&'a Value>>,
    /// Claims that keep the state of a machine's TPM and firmware, by its name.
    states: HashMap<(&'a str, &'a str), Vec<&'a Value>>,
    /// The VirtualMachines that use a claim.
    users: HashMap<(&'a str, &'a str), Vec<&'a str>>,
    /// Snapshots of claims.
    snapshots: HashMap<(&'a str, &'a str), Vec<&'a Value>>,
}

/// The label of a claim with the state of a machine's TPM and firmware. Source: KubeVirt, pkg/storage/backend-storage.
const STATE: &str = "persistent-state-for";

impl<'a> Atlas<'a> {
    /// Puts facts in order.
    pub fn of(facts: &'a Facts) -> Self {
        let mut atlas = Self {
            facts,
            related: Related::of(facts),
            volumes: HashMap::new(),
            states: HashMap::new(),
            users: HashMap::new(),
            snapshots: HashMap::new(),
        };
        for volume in facts.all_of(kind::VOLUME) {
            let part = |at: &str| text(volume, at);
            if let Some(claim) = part("/spec/claimRef/namespace").zip(part("/spec/claimRef/name")) {
                atlas.volumes.entry(claim).or_default().push(volume);
            }
        }
        for claim in facts.all_of(kind::CLAIM) {
            let label = claim.pointer("/metadata/labels").and_then(|labels| labels.get(STATE)).and_then(Value::as_str);
            if let Some(key) = text(claim, "/metadata/namespace").zip(label) {
                atlas.states.entry(key).or_default().push(claim);
            }
        }
        for vm in facts.all_of(kind::MACHINE) {
            let Some((namespace, name)) = text(vm, "/metadata/namespace").zip(text(vm, "/metadata/name")) else {
                continue;
            };
            for claim in volumes(vm).iter().filter_map(claim_of) {
                atlas.users.entry((namespace, claim)).or_default().push(name);
            }
        }
        for snapshot in facts.all_of(kind::VOLUME_SNAPSHOT) {
            let of = text(snapshot, "/spec/source/persistentVolumeClaimName");
            if let Some(key) = text(snapshot, "/metadata/namespace").zip(of) {
                atlas.snapshots.entry(key).or_default().push(snapshot);
            }
        }
        atlas
    }
}

/// Follows the disks of a machine.
pub fn locate(atlas: &Atlas<'_>, subject: &Subject) -> Located {
    let facts = atlas.facts;
    let vm = facts.get(kind::MACHINE, &subject.namespace, &subject.vm);
    let instance = facts.get(kind::INSTANCE, &subject.namespace, &subject.vm);
    let read = [kind::MACHINE, kind::CONFIG_MAP, kind::INSTANCE, kind::DATA_VOLUME, kind::CLAIM, kind::VOLUME_SNAPSHOT];
    let unknown = read.iter().filter_map(|kind| facts.unknown(kind, &subject.namespace));
    let cluster = [kind::VOLUME, kind::CLASS, kind::NODE].into_iter();
    let related = crate::storage::BACKENDS.iter().flat_map(|backend| backend.kinds).copied();
    let unknown = unknown.chain(cluster.chain(related).filter_map(|kind| facts.unknown(kind, "")));
    let disks = trail::trails(atlas, subject, vm, instance);
    let mut unknown: Vec<_> = unknown.map(|unread| unread.reason.clone()).collect();
    unknown.dedup();
    Located {
        subject: subject.clone(),
        state: vm.map(|vm| text(vm, "/status/printableStatus").unwrap_or("New").to_owned()),
        node: instance.and_then(|instance| text(instance, "/status/nodeName")).map(str::to_owned),
        restarts: matches!(vm.and_then(|vm| text(vm, "/spec/runStrategy")), Some("Always" | "RerunOnFailure"))
            || vm.is_some_and(|vm| vm.pointer("/spec/running") == Some(&Value::Bool(true))),
        pinned: vm.and_then(|vm| pinned(facts, vm)),
        advice: advice::advice(vm, &disks),
        disks,
        unknown,
    }
}

/// The only node that the selector or the affinity of a machine allows, by the name of the node.
fn pinned(facts: &Facts, vm: &Value) -> Option<String> {
    const HOST: &str = "kubernetes.io/hostname";
    let selector = path(vm, &["spec", "template", "spec", "nodeSelector", HOST]).and_then(Value::as_str);
    let required = "/spec/template/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    let terms = vm.pointer(required).and_then(|required| required["nodeSelectorTerms"].as_array());
    let affinity = match terms.map(Vec::as_slice) {
        Some([term]) => term["matchExpressions"].as_array().into_iter().flatten().find_map(|expression| {
            let values = expression["values"].as_array().map_or(&[][..], Vec::as_slice);
            let [value] = values else { return None };
            (expression["key"] == HOST && expression["operator"] == "In").then(|| value.as_str()).flatten()
        }),
        _ => None,
    };
    let host = selector.or(affinity)?;
    let has = |node: &&Value| path(node, &["metadata", "labels", HOST]).is_some_and(|label| label == host);
    let node = facts.all_of(kind::NODE).find(has).and_then(|node| text(node, "/metadata/name"));
    Some(node.unwrap_or(host).to_owned())
}
