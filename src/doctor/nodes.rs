//! Nodes on which machines can run.

use serde_json::Value;

use super::{Checks, Server, and, list};
use crate::facts::{Facts, condition, kind, text};

pub(super) fn look(facts: &Facts, server: &Server, checks: &mut Checks) {
    // It is KubeVirt that offers KVM.
    if server.lacks(kind::MACHINE) || !checks.were_read("nodes", kind::NODE, facts) {
        return;
    }
    let emulates = facts.all_of(kind::KUBEVIRT).any(|kubevirt| {
        kubevirt.pointer("/spec/configuration/developerConfiguration/useEmulation") == Some(&Value::Bool(true))
    });
    let fit: fn(&Value) -> bool = if emulates { offers_tun } else { offers_kvm };
    let what = if emulates { "machines" } else { "KVM" };
    if emulates {
        checks.warning(
            "KubeVirt emulates processors (useEmulation)".to_owned(),
            "machines are many times slower",
            "remove useEmulation from the KubeVirt once the nodes offer KVM".to_owned(),
        );
    }
    let (usable, rest): (Vec<&Value>, Vec<&Value>) =
        facts.all_of(kind::NODE).filter(|node| fit(node)).partition(|node| is_usable(node));
    let names: Vec<&str> = usable.iter().filter_map(|node| text(node, "/metadata/name")).collect();
    let rest: Vec<&str> = rest.iter().filter_map(|node| text(node, "/metadata/name")).collect();
    match (names.as_slice(), rest.as_slice()) {
        ([], []) => checks.broken(
            format!("no node offers {what}"),
            "no machine can start",
            "switch on virtualisation in the nodes' firmware, and check that virt-handler runs on them: kubectl get \
             pods -A -l kubevirt.io=virt-handler -o wide"
                .to_owned(),
        ),
        ([], rest) => checks.broken(
            format!("{} {} {what}, but {} cordoned or not ready", list("node", "nodes", rest), offer(rest), are(rest)),
            "no machine can start",
            "kubectl get nodes tells which; kubectl uncordon NODE, once the work on it is done".to_owned(),
        ),
        ([one], _) => checks.warning(
            format!("only node {one} offers {what} and takes machines"),
            "machines cannot live-migrate: not for more cpu or memory, not to move disks, not to empty the node",
            match rest.as_slice() {
                [] => "add a node that offers KVM, or expect changes to need a restart".to_owned(),
                rest => format!("kubectl get nodes tells why {} {} no machines", and(rest), take(rest)),
            },
        ),
        (names, _) => {
            checks.ok(format!("{} nodes offer {what} and take machines: machines can live-migrate", names.len()));
        }
    }
}

fn offer(names: &[&str]) -> &'static str {
    if names.len() == 1 { "offers" } else { "offer" }
}

fn take(names: &[&str]) -> &'static str {
    if names.len() == 1 { "takes" } else { "take" }
}

fn are(names: &[&str]) -> &'static str {
    if names.len() == 1 { "is" } else { "are" }
}

fn offers_kvm(node: &Value) -> bool {
    offers(node, "/status/allocatable/devices.kubevirt.io~1kvm")
}

/// With emulation, virt-handler still offers its other devices where machines can run.
fn offers_tun(node: &Value) -> bool {
    offers(node, "/status/allocatable/devices.kubevirt.io~1tun")
}

fn offers(node: &Value, device: &str) -> bool {
    text(node, device).is_some_and(|count| count != "0")
}

/// Whether a node takes new machines.
fn is_usable(node: &Value) -> bool {
    let ready = condition(node, "Ready").is_some_and(|(holds, _, _)| holds);
    ready && node.pointer("/spec/unschedulable") != Some(&Value::Bool(true))
}
