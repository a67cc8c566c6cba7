//! Which nodes may take a machine: those that are ready, that its selector, affinity and tolerations allow, and on which its
//! volumes can be used. Whether there is room, only the scheduler knows.

use serde_json::Value;

use super::node::{Node, Presence, taints};
use crate::facts::{Facts, claim_of, kind, path, strings, text, volumes};

/// Why no other node may take a machine, as a clause, and what helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// There is none that runs machines.
    NoNode,
    /// By the machine's own selector or affinity.
    Selector,
    /// By the taints of the others.
    Taints,
    /// By where its volumes may be used.
    Volumes,
}

impl Obstacle {
    pub(super) const fn clause(self) -> &'static str {
        match self {
            Self::NoNode => "no other node is ready to take machines",
            Self::Selector => "its nodeSelector or affinity allows no other node that is ready",
            Self::Taints => "the other nodes have taints that it does not tolerate",
            Self::Volumes => "its volumes can be used on no other node that is ready",
        }
    }
}

/// The names of the other nodes that may take a machine. The template of a VirtualMachine is looked at.
pub(super) fn fitting<'a>(facts: &'a Facts, vm: &Value, lost: &str) -> Result<Vec<&'a str>, Obstacle> {
    let spec = vm.pointer("/spec/template/spec").unwrap_or(&Value::Null);
    let name = |node: &'a Value| text(node, "/metadata/name").unwrap_or_default();
    let others = facts.all_of(kind::NODE).filter(|node| name(node) != lost && takes_machines(node));
    let others = some(others.collect(), Obstacle::NoNode)?;
    let affinity = path(spec, &["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]);
    let chosen =
        |node: &&Value| has_labels(node, &spec["nodeSelector"]) && affinity.is_none_or(|rule| allows(rule, node));
    let others = some(others.into_iter().filter(chosen).collect(), Obstacle::Selector)?;
    let others = some(others.into_iter().filter(|node| tolerates(spec, node)).collect(), Obstacle::Taints)?;
    let namespace = text(vm, "/metadata/namespace").unwrap_or_default();
    let claims = volumes(vm).iter().filter_map(claim_of).filter_map(|name| facts.get(kind::CLAIM, namespace, name));
    let bound = claims.filter_map(|claim| facts.get(kind::VOLUME, "", text(claim, "/spec/volumeName")?));
    let rules: Vec<_> = bound.filter_map(|volume| volume.pointer("/spec/nodeAffinity/required")).collect();
    let reach = |node: &&Value| rules.iter().all(|rule| allows(rule, node));
    let others = some(others.into_iter().filter(reach).collect(), Obstacle::Volumes)?;
    Ok(others.into_iter().map(name).collect())
}

fn some(nodes: Vec<&Value>, or: Obstacle) -> Result<Vec<&Value>, Obstacle> {
    if nodes.is_empty() { Err(or) } else { Ok(nodes) }
}

/// Whether a node is ready, and KubeVirt runs machines there. Source: KubeVirt, the label that virt-handler sets.
fn takes_machines(node: &Value) -> bool {
    Node::of(node, 0).presence == Presence::Ready { cordoned: false }
        && path(node, &["metadata", "labels", "kubevirt.io/schedulable"]).is_some_and(|label| label == "true")
}

fn has_labels(node: &Value, selector: &Value) -> bool {
    let wanted = selector.as_object().into_iter().flatten();
    wanted.into_iter().all(|(key, value)| path(node, &["metadata", "labels", key]) == Some(value))
}

/// Whether a required node affinity allows a node: one of its terms, with all that it says.
fn allows(rule: &Value, node: &Value) -> bool {
    let terms = rule["nodeSelectorTerms"].as_array().map_or(&[][..], Vec::as_slice);
    terms.iter().any(|term| {
        let list = |key: &str| term[key].as_array().map_or(&[][..], Vec::as_slice);
        let label = |key: &str| path(node, &["metadata", "labels", key]).and_then(Value::as_str);
        let (labels, fields) = (list("matchExpressions"), list("matchFields"));
        let name = text(node, "/metadata/name");
        !(labels.is_empty() && fields.is_empty())
            && labels.iter().all(|rule| holds(rule, label(text(rule, "/key").unwrap_or_default())))
            && fields.iter().all(|rule| holds(rule, name))
    })
}

/// Whether an expression holds for the value of a label. Source: Kubernetes, `NodeSelectorOperator`.
fn holds(rule: &Value, value: Option<&str>) -> bool {
    let values = strings(rule, "/values");
    let number = |text: &str| text.parse::<i64>().ok();
    let both = || values.first().copied().and_then(number).zip(value.and_then(number));
    match text(rule, "/operator").unwrap_or_default() {
        "In" => value.is_some_and(|value| values.contains(&value)),
        "NotIn" => value.is_none_or(|value| !values.contains(&value)),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => both().is_some_and(|(wanted, found)| found > wanted),
        "Lt" => both().is_some_and(|(wanted, found)| found < wanted),
        // What is not known here must not keep a machine down.
        _ => true,
    }
}

/// Whether a machine tolerates the taints of a node that keep pods away.
fn tolerates(spec: &Value, node: &Value) -> bool {
    let all = spec["tolerations"].as_array().map_or(&[][..], Vec::as_slice);
    let fits = |taint: &Value, toleration: &Value| {
        let part = |at: &str| text(toleration, at).filter(|part| !part.is_empty());
        let key = part("/key").is_none_or(|key| taint["key"] == key);
        let effect = part("/effect").is_none_or(|effect| taint["effect"] == effect);
        let exists = part("/operator") == Some("Exists");
        let same = part("/value").unwrap_or_default() == text(taint, "/value").unwrap_or_default();
        key && effect && (exists || part("/key").is_some() && same)
    };
    let keeps_away = |taint: &&Value| matches!(text(taint, "/effect"), Some("NoSchedule" | "NoExecute"));
    taints(node).iter().filter(keeps_away).all(|taint| all.iter().any(|toleration| fits(taint, toleration)))
}
