//! Which of a person's labels and annotations go to the machine.
//!
//! CDI hands labels and annotations on from DataVolumes to claims, and tools prune by them; so a person's keys go to
//! the VirtualMachine and its template alone, and the keys of such tools go nowhere.

use super::identity::MANAGED_LABEL;
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::Located;
use crate::spec::{Metadata, TextMap};

/// Prefixes whose keys belong to tools that apply, track or prune objects. A prefix covers its subdomains.
const TOOL_PREFIXES: [&str; 12] = [
    "kubectl.kubernetes.io",
    "argoproj.io",
    "fluxcd.io",
    "helm.sh",
    "k14s.io",
    "applyset.kubernetes.io",
    "config.kubernetes.io",
    "config.k8s.io",
    "cli-utils.sigs.k8s.io",
    "kustomize.config.k8s.io",
    "kpt.dev",
    "kro.run",
];

/// Labels that KubeVirt keeps for itself. Source: KubeVirt, restrictedVmiLabels in the VMI admitter.
const KUBEVIRT_LABELS: [&str; 6] = [
    "kubevirt.io/created-by",
    "kubevirt.io/migrationJobUID",
    "kubevirt.io/nodeName",
    "kubevirt.io/migrationTargetNodeName",
    "kubevirt.io/schedulable",
    "kubevirt.io/install-strategy",
];

/// KubeVirt writes this annotation itself for a machine with further networks.
const MULTUS: &str = "k8s.v1.cni.cncf.io/networks";

/// The label that says which machines prefer different nodes.
pub(super) const SPREAD_GROUP: &str = "vm.novasphere.dev/spread-group";

type Pairs = Vec<(String, String)>;

/// The labels and annotations to copy, checked.
pub(super) fn copied(metadata: &Metadata, report: &mut Report) -> (Pairs, Pairs) {
    let labels = metadata.labels.as_ref().map(|map| pairs(map, Some(check_label_value), report)).unwrap_or_default();
    let annotations = metadata.annotations.as_ref().map(|map| pairs(map, None, report)).unwrap_or_default();
    for (key, value) in &labels {
        if key == MANAGED_LABEL && *value != metadata.name.0 {
            let entry = metadata.labels.as_ref().and_then(|labels| labels.get(key));
            let span = entry.map_or(metadata.name.span, |value| value.span);
            let message = format!("`{MANAGED_LABEL}` is set by this tool, to the machine's name");
            report.push(Diagnostic::new(Code::BadLabel, span, message).help("remove it"));
        }
    }
    (labels.into_iter().filter(|(key, _)| key != MANAGED_LABEL).collect(), annotations)
}

type ValueCheck = fn(&str) -> Option<String>;

fn pairs(map: &Located<TextMap>, check_value: Option<ValueCheck>, report: &mut Report) -> Pairs {
    let mut kept = Vec::new();
    for (key, value) in &map.0 {
        if let Some(reason) = check_key(key) {
            let shown: String = key.chars().take(80).collect();
            report.push(Diagnostic::new(Code::BadLabel, key.span, format!("`{shown}` is not a key: {reason}")));
        } else if let Some(reason) = check_value.and_then(|check| check(value)) {
            report.push(Diagnostic::new(Code::BadLabel, value.span, format!("not a label value: {reason}")));
        } else if check_value.is_some() && KUBEVIRT_LABELS.contains(&key.as_str()) {
            let message = format!("`{}` belongs to KubeVirt, which refuses it on a machine", key.value);
            report.push(Diagnostic::new(Code::BadLabel, key.span, message).help("remove it"));
        } else if key.value == MULTUS {
            let message = format!("`{MULTUS}` would plug a network into the pod, but never into the guest");
            let help = "use `networks` with `nadName`; the annotation is left out";
            report.push(Diagnostic::new(Code::UselessAnnotation, key.span, message).help(help));
        } else if !belongs_to_tool(key) {
            kept.push((key.value.clone(), value.value.clone()));
        }
    }
    kept
}

/// Whether a person's label, or annotation without a value here, goes to the machine as it is, without a complaint.
pub(crate) fn travels(key: &str, label: Option<&str>) -> bool {
    let fits = check_key(key).is_none() && label.is_none_or(|value| check_label_value(value).is_none());
    let theirs = KUBEVIRT_LABELS.contains(&key) || key == MULTUS || key == MANAGED_LABEL;
    fits && !theirs && !belongs_to_tool(key)
}

/// Checks the keys and values of a node selector, which are labels of nodes.
pub(super) fn check_selector(selector: &Located<TextMap>, report: &mut Report) {
    for (key, value) in &selector.0 {
        let problem = match (check_key(key), check_label_value(value)) {
            (Some(reason), _) => Diagnostic::new(Code::BadLabel, key.span, format!("not a label key: {reason}")),
            (None, Some(reason)) => Diagnostic::new(Code::BadLabel, value.span, format!("not a label value: {reason}")),
            (None, None) => continue,
        };
        report.push(problem);
    }
}

fn belongs_to_tool(key: &str) -> bool {
    let Some((prefix, _)) = key.split_once('/') else { return false };
    TOOL_PREFIXES
        .iter()
        .any(|tool| prefix.strip_suffix(tool).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// Why a text is no key of a label or annotation. Source: Kubernetes, IsQualifiedName.
pub(super) fn check_key(key: &str) -> Option<String> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if prefix.is_some_and(|prefix| crate::spec::check_subdomain(prefix).is_err()) {
        return Some("what stands before `/` must be a DNS name".to_owned());
    }
    check_word(name, false)
}

/// Why a text is no value of a label.
pub(super) fn check_label_value(value: &str) -> Option<String> {
    check_word(value, true)
}

fn check_word(word: &str, may_be_empty: bool) -> Option<String> {
    if word.is_empty() && may_be_empty {
        return None;
    }
    let edge = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let bytes = word.as_bytes();
    let inner = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if word.len() > 63 {
        Some(format!("it has {} characters; at most 63 are allowed", word.len()))
    } else if !edge(bytes.first().copied()) || !edge(bytes.last().copied()) || !bytes.iter().all(inner) {
        Some("use letters, digits, `-`, `_` and `.`, with a letter or digit at both ends".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_tools_are_known_by_their_domain() {
        for key in [
            "argocd.argoproj.io/tracking-id",
            "kustomize.toolkit.fluxcd.io/name",
            "helm.sh/chart",
            "meta.helm.sh/release-name",
            "kapp.k14s.io/app",
            "applyset.kubernetes.io/part-of",
            "config.kubernetes.io/function",
            "internal.config.kubernetes.io/path",
            "kubectl.kubernetes.io/last-applied-configuration",
        ] {
            assert!(belongs_to_tool(key), "{key}");
        }
        for key in ["app", "app.kubernetes.io/name", "nothelm.sh/x", "example.com/helm.sh"] {
            assert!(!belongs_to_tool(key), "{key}");
        }
    }
}
