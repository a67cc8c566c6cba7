//! Who else has a hand in a machine, and disks that die with it.

use serde_json::Value;

use crate::facts::{created_by_other, is_owned_by, kind, text};
use crate::status::cause::Causes;
use crate::status::look::Look;
use crate::text::redact;

pub(super) fn rule(look: &Look<'_>, causes: &mut Causes) {
    for disk in &look.disks {
        let owned = [disk.claim, disk.data_volume].into_iter().flatten();
        if owned.into_iter().any(|object| is_owned_by(object, kind::MACHINE, look.name)) {
            let text = format!("it dies with the machine: the VirtualMachine owns claim {}", disk.claim_name);
            let next =
                format!("never `kubectl delete vm {}`; {} keeps the disks", look.name, look.command("delete", ""));
            causes.note("dies-with-vm", &disk.about(), text, next);
        }
    }
    if let Some(owner) = created_by_other(look.vm) {
        let text = format!("{} controls it, and undoes changes to it", redact(&owner));
        causes.note("controlled", "", text, "change that object instead".to_owned());
    }
    if let Some(tool) = tool(look.vm) {
        let text = format!("{tool} manages it, and puts back what a person changes in the cluster");
        causes.note("gitops", "", text, "change it in git, or pause the reconciliation first".to_owned());
    }
}

/// The GitOps tool that manages an object, by the marks that it leaves. Source: the documentation of each.
pub(crate) fn tool(object: &Value) -> Option<String> {
    let mark = |part: &str, key: &str| {
        object.pointer(&format!("/metadata/{part}")).and_then(|all| all.get(key)).and_then(Value::as_str)
    };
    if let Some(id) = mark("annotations", "argocd.argoproj.io/tracking-id") {
        return Some(format!("Argo CD (application {})", redact(id.split(':').next().unwrap_or(id))));
    }
    if let Some(name) = mark("labels", "argocd.argoproj.io/instance") {
        return Some(format!("Argo CD (application {})", redact(name)));
    }
    for (key, what) in
        [("kustomize.toolkit.fluxcd.io/name", "Kustomization"), ("helm.toolkit.fluxcd.io/name", "HelmRelease")]
    {
        if let Some(name) = mark("labels", key) {
            return Some(format!("Flux ({what} {})", redact(name)));
        }
    }
    let managers = object.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
    let known = [("argocd-controller", "Argo CD"), ("kustomize-controller", "Flux"), ("helm-controller", "Flux")];
    let mut names = managers.filter_map(|entry| text(entry, "/manager"));
    names.find_map(|name| known.iter().find(|(manager, _)| *manager == name).map(|(_, tool)| (*tool).to_owned()))
}
