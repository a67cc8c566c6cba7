//! Why the pod of a machine does not start.

use serde_json::Value;

use crate::facts::{condition, kind, text};
use crate::status::cause::Causes;
use crate::status::look::Look;
use crate::status::time::since;
use crate::text::redact;

/// How long a mount may fail while storage is being attached, in seconds.
const PATIENCE: i64 = 120;

pub(super) fn rule(look: &Look<'_>, causes: &mut Causes) {
    if look.runs() || look.stays_off() {
        return;
    }
    networks(look, causes);
    mounts(look, causes);
    images(look, causes);
    refused(look, causes);
}

/// Networks that the machine names and the cluster does not have.
fn networks(look: &Look<'_>, causes: &mut Causes) {
    let all = look.vm.pointer("/spec/template/spec/networks").and_then(Value::as_array).into_iter().flatten();
    for name in all.filter_map(|network| text(network, "/multus/networkName")) {
        let (namespace, name) = name.split_once('/').unwrap_or((look.namespace, name));
        let known = look.facts.get(kind::NETWORK, namespace, name).is_some();
        // Only the machine's own namespace is certain to be read whole.
        if known || namespace != look.namespace || look.facts.unknown(kind::NETWORK, namespace).is_some() {
            continue;
        }
        let text = format!("NetworkAttachmentDefinition {namespace}/{name} does not exist");
        let next = "apply the Wukong file to make it, or correct `nadName`".to_owned();
        causes.broken("network-missing", "", text, next);
    }
    let told = look.own_warning(|reason, message| {
        reason == "FailedCreatePodSandBox" && message.to_lowercase().contains("network")
    });
    if let Some(message) = told.filter(|_| !causes.has("network-missing")) {
        let text = format!("the pod's network cannot be made: {}", redact(message));
        let next = format!("kubectl get network-attachment-definitions -n {}", look.namespace);
        causes.broken("network-missing", "", text, next);
    }
}

/// Volumes that the pod cannot mount.
fn mounts(look: &Look<'_>, causes: &mut Causes) {
    let Some(message) = look.own_warning(|reason, _| matches!(reason, "FailedMount" | "FailedAttachVolume")) else {
        return;
    };
    let words = message.to_lowercase();
    if let Some(name) =
        between(message, "secret \"", "\" not found").or_else(|| between(message, "secrets \"", "\" not found"))
    {
        let text = format!("Secret {name} does not exist, so that the pod cannot start");
        let next = "apply the Wukong file to make cloud-init's Secret again; a `sshKeySecret` or `passwordSecret` is yours to make".to_owned();
        causes.broken("secret-missing", "", text, next);
    } else if words.contains("multi-attach") {
        let text = format!("a volume is still attached elsewhere: {}", redact(message));
        let next = "if that node is down: kubectl wukong recover-node NODE; else it comes in some minutes".to_owned();
        causes.broken("volume-attached", "", text, next);
    } else {
        let text = format!("a volume cannot be mounted: {}", redact(message));
        let young = look.instance.and_then(|instance| since(instance, "/metadata/creationTimestamp", look.now));
        if young.is_some_and(|age| age < PATIENCE) {
            causes.waiting("volume-mount", "", text, String::new());
        } else {
            let next = format!("kubectl describe pod -n {} -l vmi.kubevirt.io/id={}", look.namespace, look.name);
            causes.broken("volume-mount", "", text, next);
        }
    }
}

/// How to read what a launcher says. It is never started again, so that there is no log of one before.
pub(super) fn logs(look: &Look<'_>) -> String {
    match look.launcher.and_then(|pod| text(pod, "/metadata/name")) {
        Some(pod) => format!("kubectl logs -n {} {pod} -c compute", look.namespace),
        None => {
            format!("kubectl logs -n {} -l vmi.kubevirt.io/id={} -c compute --tail=100", look.namespace, look.name)
        }
    }
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    rest.split_once(to).map(|(name, _)| name.rsplit('/').next().unwrap_or(name))
}

/// Images of container disks, and of the launcher itself.
fn images(look: &Look<'_>, causes: &mut Causes) {
    let lists = ["/status/containerStatuses", "/status/initContainerStatuses"];
    let containers = look
        .launcher
        .into_iter()
        .flat_map(|pod| lists.iter().filter_map(|list| pod.pointer(list).and_then(Value::as_array)).flatten());
    for container in containers {
        let waiting = &container["state"]["waiting"];
        if let Some("ErrImagePull" | "ImagePullBackOff" | "InvalidImageName") = waiting["reason"].as_str() {
            let image = text(container, "/image").unwrap_or_default();
            let why = waiting["message"].as_str().or(waiting["reason"].as_str()).unwrap_or_default();
            let text = format!("image {} cannot be pulled: {}", redact(image), redact(why));
            let next = "check the name, and that the nodes reach the registry and may pull from it".to_owned();
            causes.broken("image-pull", "", text, next);
        }
    }
}

/// What admission, quota or KubeVirt itself refuse.
fn refused(look: &Look<'_>, causes: &mut Causes) {
    let failure = condition(look.vm, "Failure").filter(|(holds, _, _)| *holds).map(|(_, _, message)| message);
    let synchronized = look.instance_condition("Synchronized").filter(|(holds, _, _)| !holds);
    let synchronized = synchronized.filter(|(_, reason, _)| *reason == "FailedCreate").map(|(_, _, message)| message);
    let told = failure.or(synchronized);
    let told =
        told.or_else(|| look.own_warning(|reason, _| reason == "FailedCreate").filter(|_| look.launcher.is_none()));
    let Some(message) = told.filter(|message| !message.is_empty()) else { return };
    if message.contains("exceeded quota") {
        causes.quota("", message);
    } else {
        let text = format!("the cluster refuses to start it: {}", redact(message));
        causes.broken("start-refused", "", text, "correct what the message names, and apply".to_owned());
    }
}
