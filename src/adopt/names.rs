//! What the machine is called, and what a person wrote on it.

use serde_json::Value;

use super::file::{Field, field};
use super::{Draft, is_name, short};
use crate::facts::{Facts, text};
use crate::machine::{MANAGED_LABEL, travels};
use crate::spec::check_subdomain;
use crate::text::{is_secret_key, sanitize};

/// The annotation that names the guest's operating system.
const OS_ANNOTATION: &str = "vm.kubevirt.io~1os";
/// The longest annotation that is worth a line. A longer one is a tool's, and stays on the machine.
const MAX_ANNOTATION: usize = 200;

/// The names of a machine and of its Wukong.
pub(super) fn draft<'a>(vm: &'a Value, facts: &'a Facts, asked: Option<&str>) -> Draft<'a> {
    let vm_name = text(vm, "/metadata/name").unwrap_or_default().to_owned();
    let namespace = text(vm, "/metadata/namespace").filter(|name| is_name(name)).unwrap_or("default").to_owned();
    let mut draft = Draft {
        vm,
        facts,
        name: asked.filter(|name| is_name(name)).map_or_else(|| derived(vm, &vm_name), str::to_owned),
        vm_name,
        namespace,
        notes: Vec::new(),
        obstacles: Vec::new(),
    };
    if let Some(bad) = asked.filter(|name| !is_name(name)) {
        let reason = format!("`{}` is no name of a Wukong", sanitize(&short(bad)));
        draft.obstacle("name", reason, "use lower-case letters, digits and `-`, at most 63".to_owned());
    }
    if !is_vm_name(&draft.vm_name) {
        let reason = format!("a Wukong's machine cannot be called `{}`", sanitize(&short(&draft.vm_name)));
        let help = "a machine cannot be renamed; clone it under a name of at most 63 characters: VirtualMachineClone";
        draft.obstacle("metadata.name", reason, help.to_owned());
    }
    draft
}

/// The name on its label, else `web` for `web-vm`, else the machine's own, made to fit.
fn derived(vm: &Value, vm_name: &str) -> String {
    let labelled = vm.pointer("/metadata/labels").and_then(|labels| labels.get(MANAGED_LABEL)).and_then(Value::as_str);
    let cut = vm_name.strip_suffix("-vm").filter(|name| is_name(name));
    if let Some(name) = labelled.filter(|name| is_name(name)).or(cut).or(Some(vm_name).filter(|name| is_name(name))) {
        return name.to_owned();
    }
    let fitting = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = vm_name.chars().take(60).map(fitting).collect();
    let name = name.trim_matches('-');
    if is_name(name) { name.to_owned() } else { "machine".to_owned() }
}

/// Whether a machine of this name can be a Wukong's.
pub(super) fn is_vm_name(name: &str) -> bool {
    name.len() <= 63 && check_subdomain(name).is_ok()
}

/// Labels that stand on the machine and on its template alike: those of a file go to both.
pub(super) fn labels(vm: &Value) -> Vec<Field> {
    on_both(vm, "labels")
        .filter(|(key, value)| travels(key, Some(value)))
        .map(|(key, value)| field(key, value))
        .collect()
}

/// Annotations likewise, without those of tools.
pub(super) fn annotations(vm: &Value) -> Vec<Field> {
    let plain = |value: &str| value.len() <= MAX_ANNOTATION && sanitize(value) == value;
    on_both(vm, "annotations")
        .filter(|(key, value)| {
            travels(key, None) && plain(value) && !is_secret_key(key) && !key.contains("kubevirt.io/")
        })
        .map(|(key, value)| field(key, value))
        .collect()
}

fn on_both<'a>(vm: &'a Value, what: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let of = |pointer: &str| vm.pointer(&format!("{pointer}/{what}")).and_then(Value::as_object);
    let (own, template) = (of("/metadata"), of("/spec/template/metadata"));
    own.into_iter().flatten().filter_map(move |(key, value)| {
        let value = value.as_str().filter(|_| template.is_some_and(|all| all.get(key) == Some(value)))?;
        Some((key.as_str(), value))
    })
}

/// The operating system, if it is named and the name cannot be taken for an image.
pub(super) fn os(vm: &Value) -> Option<&str> {
    let os = text(vm, &format!("/spec/template/metadata/annotations/{OS_ANNOTATION}"))?;
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    (!os.is_empty() && os.len() <= 63 && os.chars().all(word)).then_some(os)
}
