//! Events about something that is not there.

use super::{Located, What};
use crate::facts::{Facts, kind, text};

/// What is wrong with the name in an event: an answer about something that does not exist would calm without a reason.
pub fn absent(event: &What, facts: &Facts, all: &[Located]) -> Option<String> {
    let disks = || all.iter().flat_map(|machine| &machine.disks);
    let there = |kind: &str, name: &str| {
        facts.unknown(kind, "").is_some()
            || facts.all_of(kind).any(|object| text(object, "/metadata/name") == Some(name))
    };
    match event {
        What::NodeLost(node) => {
            let used =
                all.iter().any(|machine| machine.node.as_deref() == Some(node)) || disks().any(|disk| disk.is_on(node));
            (!used && !there(kind::NODE, node))
                .then(|| format!("there is no node {node}, and no disk lies on one of that name"))
        }
        What::ClassDeleted(class) => {
            let used = disks().any(|disk| disk.class.as_deref() == Some(class));
            (!used && !there(kind::CLASS, class))
                .then(|| format!("there is no class {class}, and no disk is of one of that name"))
        }
        What::ClaimDeleted(Some(claim)) => {
            let used = disks().any(|disk| disk.claim.as_deref() == Some(claim));
            (!used && !there(kind::CLAIM, claim)).then(|| format!("there is no claim {claim}"))
        }
        What::NamespaceDeleted(namespace) => {
            let used = all.iter().any(|machine| machine.subject.namespace == *namespace);
            (!used).then(|| format!("there is no machine in namespace {namespace}"))
        }
        What::VmDeleted | What::WukongDeleted | What::ClaimDeleted(None) => None,
    }
}
