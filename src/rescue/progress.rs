//! How far it is after the taint was set: pods that go, volumes that are detached, machines that start elsewhere.

use serde_json::Value;

use super::held::held;
use super::machine::Way;
use super::node::{Node, node};
use super::{Machine, Rescue};
use crate::facts::{Facts, condition, has_ended, is_going, kind, of_nodes, text};
use crate::plan::{Line, Progress, State};
use crate::text::redact;

/// What one look tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// How the node is now.
    pub node: Node,
    /// A line for the node, one for its volumes, and one for each machine that comes back; with the namespace.
    pub lines: Vec<(String, Progress)>,
    /// All of it.
    pub state: State,
}

/// Looks at what goes on. `before`: what the node held when it was looked at first.
pub fn watched(facts: &Facts, before: &Rescue, now: i64) -> Watched {
    let node = node(facts, &before.node.name, now);
    let held = held(facts, &node.name);
    let (pods, volumes) = (&held.pods, &held.attached);
    // What cannot be seen cannot be waited for.
    let left = |known: bool, count: usize| match (known, count) {
        (false, _) => State::Failed,
        (true, 0) => State::Done,
        (true, _) => State::Waiting,
    };
    let mut lines = vec![Line {
        what: node.name.clone(),
        state: left(held.pods_known, pods.len()),
        detail: match pods.len() {
            _ if !held.pods_known => "whether its pods are removed cannot be seen".to_owned(),
            0 => "its pods of machines are removed".to_owned(),
            1 => "1 pod of a machine is being removed".to_owned(),
            many => format!("{many} pods of machines are being removed"),
        },
    }];
    let attached: Vec<_> = before.held.attached.iter().filter(|volume| volume.of_machine).collect();
    if !attached.is_empty() {
        let still: Vec<_> =
            volumes.iter().filter(|now| attached.iter().any(|before| before.volume == now.volume)).collect();
        let problem = still.iter().find_map(|volume| volume.problem.as_deref());
        lines.push(Line {
            what: "volumes".to_owned(),
            state: left(held.attached_known, still.len()),
            detail: match (still.len(), problem) {
                _ if !held.attached_known => "whether they are detached cannot be seen".to_owned(),
                (0, _) => "all are detached".to_owned(),
                (left, None) => format!("{left} of {} are still attached", attached.len()),
                (left, Some(problem)) => format!("{left} of {} are still attached: {problem}", attached.len()),
            },
        });
    }
    let mut all = vec![("node".to_owned(), of(lines))];
    let waited = before.machines.iter().filter(|machine| machine.ran);
    for machine in waited.filter(|machine| matches!(machine.way, Way::Returns | Way::Elsewhere)) {
        let (state, detail) = came_back(facts, &node, machine);
        let line = Line { what: machine.subject.vm.clone(), state, detail };
        all.push((machine.subject.namespace.clone(), of(vec![line])));
    }
    let state =
        if all.iter().all(|(_, progress)| progress.state != State::Waiting) { State::Done } else { State::Waiting };
    Watched { node, lines: all, state }
}

fn of(lines: Vec<Line>) -> Progress {
    let state = if lines.iter().any(|line| line.state == State::Waiting) { State::Waiting } else { State::Done };
    Progress { lines, state }
}

/// Where a machine is on its way back.
fn came_back(facts: &Facts, node: &Node, machine: &Machine) -> (State, String) {
    let (namespace, name) = (machine.subject.namespace.as_str(), machine.subject.vm.as_str());
    let Some(vm) = facts.get(kind::MACHINE, namespace, name) else {
        return (State::Failed, "its VirtualMachine is gone".to_owned());
    };
    let Some(instance) = facts.get(kind::INSTANCE, namespace, name) else {
        let halted = text(vm, "/spec/runStrategy") == Some("Halted");
        let (state, detail) = if halted { (State::Failed, "it was stopped") } else { (State::Waiting, "starts again") };
        return (state, detail.to_owned());
    };
    let phase = text(instance, "/status/phase").unwrap_or("Pending");
    let on = text(instance, "/status/nodeName").unwrap_or_default();
    if on == node.name && !has_ended(instance) && !is_going(instance) {
        return (State::Waiting, still_there(node, machine, facts));
    }
    if on == node.name || is_going(instance) {
        return (State::Waiting, "its instance ends".to_owned());
    }
    if let Some((false, "Unschedulable", message)) = condition(instance, "PodScheduled") {
        return (State::Waiting, format!("no node fits: {}", redact(of_nodes(message))));
    }
    match phase {
        "Running" => (State::Done, format!("runs on {on}")),
        phase if on.is_empty() => (State::Waiting, phase.to_owned()),
        phase => (State::Waiting, format!("{phase} on {on}")),
    }
}

/// Why the cluster still takes a machine for running on the node.
fn still_there(node: &Node, machine: &Machine, facts: &Facts) -> String {
    let uid = |pod: &Value| text(pod, "/metadata/labels/kubevirt.io~1created-by").map(str::to_owned);
    let now = facts.get(kind::INSTANCE, &machine.subject.namespace, &machine.subject.vm);
    let own = now.and_then(|instance| text(instance, "/metadata/uid"));
    let pod = facts
        .all(kind::POD, &machine.subject.namespace)
        .any(|pod| uid(pod).as_deref() == own && text(pod, "/spec/nodeName") == Some(&node.name));
    // KubeVirt fails an instance whose launcher is missing. Source: KubeVirt, pkg/virt-controller/watch/vmi.
    if pod { "its pod is still there".to_owned() } else { "its pod is gone, and its instance ends next".to_owned() }
}
