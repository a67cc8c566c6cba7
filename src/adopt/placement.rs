//! vCPUs, memory, where the machine runs and when.

use serde_json::Value;

use super::file::{Field, field, list, map};
use super::{Draft, probe};
use crate::facts::{kind, text};
use crate::plan;
use crate::quantity::Quantity;
use crate::render::Kind;
use crate::spec::{EvictionStrategy, RunStrategy, TaintEffect, TolerationOperator};

/// The most vCPUs of a Wukong.
const MAX_CPUS: u64 = 64;

/// vCPUs and memory.
pub(super) fn compute(draft: &mut Draft<'_>) -> Vec<Field> {
    // A machine with an instance type says nothing; its running instance does.
    let instance = draft.get(kind::INSTANCE, &draft.vm_name);
    let instance = instance.map(|instance| serde_json::json!({"spec": {"template": {"spec": instance["spec"]}}}));
    let instance = instance.as_ref();
    let shape = plan::topology(draft.vm).or_else(|| instance.and_then(plan::topology));
    let amount = plan::memory(draft.vm).or_else(|| instance.and_then(plan::memory));
    let amount = amount.filter(|amount| Quantity::parse(amount).is_ok());
    let mut fields = Vec::new();
    let [sockets, cores, threads] = shape.unwrap_or([1, 1, 1]);
    match sockets.checked_mul(cores).and_then(|count| count.checked_mul(threads)).filter(|count| *count <= MAX_CPUS) {
        Some(count) => {
            let cpu = field("cpu", count);
            fields.push(if shape.is_some() { cpu } else { cpu.said("Not known: an instance type decides.") });
            if (cores, threads) != (1, 1) {
                let parts = [("sockets", sockets), ("cores", cores), ("threads", threads)];
                let parts = parts.into_iter().filter(|(_, count)| *count != 1);
                fields.push(map("cpuTopology", parts.map(|(key, count)| field(key, count)).collect()));
            }
        }
        None => {
            let reason = format!("it has more than the {MAX_CPUS} vCPUs that a Wukong can have");
            draft.obstacle("spec.template.spec.domain.cpu", reason, "leave this machine without a file".to_owned());
            fields.push(field("cpu", MAX_CPUS));
        }
    }
    match amount {
        Some(amount) => fields.push(field("memory", amount)),
        None => fields.push(field("memory", "1Gi").said("Not known: the machine does not say it.")),
    }
    fields
}

/// Where the machine runs.
pub(super) fn placement(draft: &Draft<'_>, labels: &[Field]) -> Vec<Field> {
    let spec = draft.vm.pointer("/spec/template/spec").unwrap_or(&Value::Null);
    let mut fields = Vec::new();
    if let Some(affinity) = spec.get("affinity")
        && spreads(affinity, draft, labels)
    {
        fields.push(field("antiAffinity", true));
    }
    let selector = spec.get("nodeSelector").and_then(Value::as_object);
    let pairs = selector.into_iter().flatten().filter_map(|(key, value)| Some(field(key, value.as_str()?)));
    fields.push(map("nodeSelector", pairs.collect()));
    fields.push(list("tolerations", tolerations(spec).unwrap_or_default()));
    let eviction = plan::eviction(draft.vm, draft.facts);
    let known = EvictionStrategy::ALL.iter().any(|strategy| strategy.as_str() == eviction);
    if known && eviction != EvictionStrategy::LiveMigrateIfPossible.as_str() {
        let own = spec.get("evictionStrategy").is_some_and(Value::is_string);
        let strategy = field("evictionStrategy", eviction);
        fields.push(if own { strategy } else { strategy.said("KubeVirt's own, where a machine says nothing.") });
    }
    let grace = plan::grace_period(draft.vm);
    if grace != 180 && (0..=86_400).contains(&grace) {
        fields.push(field("terminationGracePeriodSeconds", grace));
    }
    fields
}

/// Whether `antiAffinity: true` means exactly this.
fn spreads(affinity: &Value, draft: &Draft<'_>, labels: &[Field]) -> bool {
    let high = map("highAvailability", vec![field("antiAffinity", true)]);
    let made = probe::render(&draft.name, &draft.namespace, labels, vec![high]);
    let vm = made.iter().find(|manifest| manifest.kind == Kind::VirtualMachine);
    vm.is_some_and(|vm| vm.object.pointer("/spec/template/spec/affinity") == Some(affinity))
}

/// All tolerations, or none: the list is sent whole.
fn tolerations(spec: &Value) -> Option<Vec<(Vec<String>, Vec<Field>)>> {
    let mut entries = Vec::new();
    for toleration in spec.get("tolerations")?.as_array()? {
        let mut fields = Vec::new();
        for (key, value) in toleration.as_object()? {
            let known = match (key.as_str(), value) {
                ("key" | "value", Value::String(_)) => true,
                ("operator", Value::String(word)) => TolerationOperator::ALL.iter().any(|known| known.as_str() == word),
                ("effect", Value::String(word)) => TaintEffect::ALL.iter().any(|known| known.as_str() == word),
                ("tolerationSeconds", Value::Number(seconds)) => {
                    seconds.as_i64().is_some_and(|seconds| (0..=i64::from(i32::MAX)).contains(&seconds))
                }
                _ => false,
            };
            if !known {
                return None;
            }
            fields.push(field(key, value.clone()));
        }
        if fields.is_empty() {
            return None;
        }
        entries.push((Vec::new(), fields));
    }
    Some(entries)
}

/// When the machine runs.
pub(super) fn start(draft: &Draft<'_>) -> Vec<Field> {
    let strategy = match (text(draft.vm, "/spec/runStrategy"), draft.vm.pointer("/spec/running")) {
        (Some(strategy), _) => RunStrategy::ALL.iter().copied().find(|known| known.as_str() == strategy),
        (None, Some(Value::Bool(true))) => Some(RunStrategy::Always),
        (None, Some(Value::Bool(false))) => Some(RunStrategy::Halted),
        (None, _) => None,
    };
    strategy.map(|strategy| field("runStrategy", strategy.as_str())).into_iter().collect()
}
