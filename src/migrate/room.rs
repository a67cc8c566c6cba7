//! Which nodes could take a machine.

use serde_json::Value;

use super::check::Check;
use super::scene::{Disk, Scene};
use crate::facts::{condition, kind, strings, text};

/// Why a node cannot take a machine with these disks; none if nothing is seen that speaks against it.
pub(super) fn against(node: &Value, scene: &Scene<'_>, disks: &[&Disk<'_>]) -> Option<String> {
    let label = |key: &str| node.pointer("/metadata/labels").and_then(|labels| labels.get(key)).and_then(Value::as_str);
    if condition(node, "Ready").is_none_or(|(ready, ..)| !ready) {
        return Some("it is not ready".into());
    }
    if node.pointer("/spec/unschedulable") == Some(&Value::Bool(true)) {
        return Some("it is cordoned".into());
    }
    if label("kubevirt.io/schedulable") != Some("true") {
        return Some("KubeVirt does not run machines on it".into());
    }
    let selector = scene.vm.pointer("/spec/template/spec/nodeSelector").and_then(Value::as_object);
    for (key, value) in selector.into_iter().flatten() {
        if label(key) != value.as_str() {
            return Some(format!("the machine wants {key}={}", value.as_str().unwrap_or("?")));
        }
    }
    let tolerations = scene.vm.pointer("/spec/template/spec/tolerations").and_then(Value::as_array);
    for taint in node.pointer("/spec/taints").and_then(Value::as_array).into_iter().flatten() {
        let keeps_out = matches!(text(taint, "/effect"), Some("NoSchedule" | "NoExecute"));
        let tolerated = tolerations.into_iter().flatten().any(|toleration| tolerates(toleration, taint));
        if keeps_out && !tolerated {
            return Some(format!("its taint {} keeps the machine out", text(taint, "/key").unwrap_or("?")));
        }
    }
    if scene.states().any(|volume| !reaches(volume, node)) {
        return Some("the state of its TPM or firmware cannot be reached from it".into());
    }
    disks
        .iter()
        .find(|disk| disk.volume.is_some_and(|volume| !reaches(volume, node)))
        .map(|disk| format!("disk {} cannot be reached from it", disk.name))
}

fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let key = text(toleration, "/key");
    let effect = text(toleration, "/effect").is_none_or(|effect| Some(effect) == text(taint, "/effect"));
    let exists = text(toleration, "/operator") == Some("Exists");
    let same = key == text(taint, "/key") && (exists || text(toleration, "/value") == text(taint, "/value"));
    effect && (key.is_none() && exists || same)
}

/// Whether a volume may be used on a node.
fn reaches(volume: &Value, node: &Value) -> bool {
    let Some(terms) = volume.pointer("/spec/nodeAffinity/required/nodeSelectorTerms").and_then(Value::as_array) else {
        return true;
    };
    let fits = |expression: &Value| {
        let key = text(expression, "/key").unwrap_or_default();
        let label = node.pointer("/metadata/labels").and_then(|labels| labels.get(key)).and_then(Value::as_str);
        let values = strings(expression, "/values");
        match text(expression, "/operator") {
            Some("In") => label.is_some_and(|label| values.contains(&label)),
            Some("NotIn") => label.is_none_or(|label| !values.contains(&label)),
            Some("Exists") => label.is_some(),
            Some("DoesNotExist") => label.is_none(),
            // What is not known does not stand in the way; the scheduler decides.
            _ => true,
        }
    };
    terms.iter().any(|term| term["matchExpressions"].as_array().is_none_or(|all| all.iter().all(fits)))
}

/// The line about the node that was asked for, or about all others.
pub(super) fn check(scene: &Scene<'_>, node: Option<&str>, staying: &[&Disk<'_>]) -> Check {
    if let Some(unread) = scene.facts.unknown(kind::NODE, "") {
        return Check::unknown("a node to go to", unread.reason.clone());
    }
    let name = |node: &Value| text(node, "/metadata/name").unwrap_or_default().to_owned();
    let others = || scene.facts.all_of(kind::NODE).filter(|node| Some(name(node).as_str()) != scene.node());
    if let Some(wanted) = node {
        let what = format!("node {wanted}");
        return match scene.facts.get(kind::NODE, "", wanted) {
            None => {
                let names: Vec<_> = others().map(name).collect();
                Check::failed(what, "there is no such node", format!("the others are {}", names.join(", ")))
            }
            Some(_) if scene.node() == Some(wanted) => {
                Check::failed(what, "it runs there already", "name another node")
            }
            Some(found) => match against(found, scene, staying) {
                Some(why) => Check::failed(what, why, "name another node, or mend that"),
                None => Check::passed(what, "ready, and takes machines; its free memory is for the scheduler to say"),
            },
        };
    }
    let (mut fit, mut unfit) = (Vec::new(), Vec::new());
    for node in others() {
        match against(node, scene, staying) {
            None => fit.push(name(node)),
            Some(why) => unfit.push(format!("{}: {why}", name(node))),
        }
    }
    match (fit.is_empty(), unfit.is_empty()) {
        (false, _) => Check::passed("a node to go to", fit.join(", ")),
        (true, true) => Check::failed("a node to go to", "there is no other node", "add a node"),
        (true, false) => Check::failed("a node to go to", unfit.join("; "), "mend one of them, or add a node"),
    }
}
