//! The node on which a machine runs, and why none fits.

use serde_json::Value;

use crate::facts::{condition, kind, of_nodes, text};
use crate::status::cause::Causes;
use crate::status::look::Look;
use crate::status::time::{duration, since};
use crate::text::redact;

pub(super) fn rule(look: &Look<'_>, causes: &mut Causes) {
    if let Some(name) = look.instance.and_then(|instance| text(instance, "/status/nodeName")) {
        placed(look, name, causes);
    }
    let placed = look.launcher.and_then(|pod| condition(pod, "PodScheduled"));
    let placed = placed.or_else(|| look.instance_condition("PodScheduled"));
    if let Some((false, "Unschedulable", message)) = placed {
        unplaced(look, message, causes);
    }
}

fn placed(look: &Look<'_>, name: &str, causes: &mut Causes) {
    if look.facts.unknown(kind::NODE, "").is_some() {
        return;
    }
    let recover = format!("kubectl wukong recover-node {name} tells what it held and what comes back");
    let Some(node) = look.facts.get(kind::NODE, "", name) else {
        return causes.broken("node-gone", "", format!("its node {name} is not part of the cluster any more"), recover);
    };
    let conditions = node.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let ready = conditions.into_iter().find(|condition| condition["type"] == "Ready");
    if let Some(ready) = ready.filter(|ready| ready["status"] != "True") {
        let since = since(ready, "/lastTransitionTime", look.now).map(|age| format!(" since {}", duration(age)));
        let text = format!("its node {name} does not answer{}", since.unwrap_or_default());
        causes.broken("node-lost", "", text, recover);
    } else if node.pointer("/spec/unschedulable") == Some(&Value::Bool(true)) {
        let text = format!("its node {name} is cordoned: it runs on, but does not start there again");
        causes.note("node-cordoned", "", text, format!("kubectl uncordon {name}, once the work on it is done"));
    }
}

const ELSEWHERE: &str = "its volumes lie on other nodes than those that are left; where-is-my-data tells which";

/// What the scheduler misses, and what helps. Source: the messages of the scheduler's plugins.
const MISSING: [(&str, &str); 15] = [
    (
        "devices.kubevirt.io/kvm",
        "no node offers KVM: virtualisation is off in their firmware, or virt-handler does not run there",
    ),
    ("devices.kubevirt.io", "virt-handler does not run on the nodes that are left"),
    ("insufficient cpu", "give the machine fewer cpus, or the cluster more"),
    ("insufficient memory", "give the machine less memory, or the cluster more"),
    ("insufficient ephemeral-storage", "free disk space on the nodes"),
    ("volume node affinity", ELSEWHERE),
    // The same since Kubernetes 1.34, or earlier.
    ("persistentvolume's node affinity", ELSEWHERE),
    ("available persistent volumes to bind", "no volume on the nodes that are left fits one of its claims"),
    ("bound to non-existent pv", "a volume of it is gone; where-is-my-data tells which"),
    ("had untolerated taint", "add `highAvailability.tolerations`, or take the taint away"),
    ("node affinity/selector", "correct `highAvailability.nodeSelector`, or label a node"),
    ("were unschedulable", "uncordon a node: kubectl get nodes"),
    ("pod anti-affinity", "add nodes, or let machines share one"),
    ("unbound immediate persistentvolumeclaims", "its claims are not bound yet"),
    ("max volume count", "a node can attach no more volumes"),
];

fn unplaced(look: &Look<'_>, message: &str, causes: &mut Causes) {
    let words = message.to_lowercase();
    let helps: Vec<_> = MISSING.iter().filter(|(part, _)| words.contains(part)).map(|(_, help)| *help).collect();
    // Claims that are on their way tell more than the scheduler, which waits for them and may not be asked again for long.
    let about_claims = words.contains("unbound immediate")
        || words.contains("persistentvolumeclaim \"")
        || words.contains("waiting for it to appear");
    if about_claims && look.disks.iter().any(|disk| disk.filling().is_some() || causes.explains(&disk.about())) {
        return;
    }
    let next = helps.first().map_or_else(
        || format!("kubectl describe pod -n {} -l vmi.kubevirt.io/id={}", look.namespace, look.name),
        |help| (*help).to_owned(),
    );
    causes.broken("no-node", "", format!("no node fits: {}", redact(of_nodes(message))), next);
}
