//! What a running guest takes without a restart.

use serde_json::Value;

use super::step::Op;
use super::{Change, Effect};
use crate::facts::{Facts, has_ended, kind, strings, text};
use crate::quantity::Quantity;

/// What is known of a machine's running instance.
#[derive(Debug, Default)]
pub(super) struct Guest {
    /// Whether there is one.
    pub running: bool,
    /// Whether changes of sockets, memory and placement reach it. A cluster accepts them also without, and they never
    /// arrive. Source: KubeVirt, pkg/virt-controller/watch/vm and workload-updater.
    updates: bool,
    /// Whether it can move.
    migratable: bool,
    max_sockets: u64,
    max_memory: Option<Quantity>,
}

impl Guest {
    pub(super) fn of(facts: &Facts, namespace: &str, machine: &str) -> Self {
        let status = facts.get(kind::MACHINE, namespace, machine).and_then(|machine| machine.get("status"));
        let Some(instance) = facts.get(kind::INSTANCE, namespace, machine) else {
            // One that cannot be read runs if its machine says so.
            let created = status.and_then(|status| status.get("created"));
            let unknown = facts.unknown(kind::INSTANCE, namespace).is_some();
            return Self { running: unknown && created == Some(&Value::Bool(true)), ..Self::default() };
        };
        let restart_due = status.is_some_and(|status| holds(status, "RestartRequired"));
        let domain = |pointer: &str| instance.pointer("/spec/domain").and_then(|domain| domain.pointer(pointer));
        Self {
            running: !has_ended(instance),
            updates: !restart_due && facts.all_of(kind::KUBEVIRT).next().is_some_and(live_updates),
            migratable: instance.get("status").is_some_and(|status| holds(status, "LiveMigratable")),
            max_sockets: domain("/cpu/maxSockets").and_then(Value::as_u64).unwrap_or_default(),
            max_memory: domain("/memory/maxGuest").and_then(Value::as_str).and_then(|text| Quantity::parse(text).ok()),
        }
    }

    /// What a change of a field of the machine means.
    pub(super) fn effect(&self, field: &str, before: Option<&Value>, after: Option<&Value>) -> Effect {
        let Some(spec) = field.strip_prefix("spec.template.") else {
            return if field == "spec.runStrategy" || field == "spec.running" {
                Self::run_effect(self.running, after)
            } else {
                Effect::Metadata
            };
        };
        let entry =
            ["spec.volumes[", "spec.domain.devices.disks[", "spec.domain.devices.interfaces[", "spec.networks["]
                .iter()
                .any(|list| spec.strip_prefix(list).is_some_and(|rest| rest.ends_with(']')));
        if entry && after.is_none() {
            return Effect::Detaches;
        }
        let source = spec.starts_with("spec.volumes[")
            && ["claimName", "dataVolume", "persistentVolumeClaim", "dataVolume.name"]
                .iter()
                .any(|end| spec.ends_with(end));
        if source && before.is_some() {
            return Effect::OtherDisk;
        }
        if !self.running {
            return Effect::NextStart;
        }
        if self.takes(spec, before, after) { Effect::Live } else { Effect::NextRestart }
    }

    /// What all changes of a machine mean together: while a restart is due, KubeVirt hands none of them to the guest.
    /// Source: KubeVirt, pkg/virt-controller/watch/vm, `addRestartRequiredIfNeeded`.
    pub(super) fn together(changes: &mut [(Change, Effect)]) {
        let template = |change: &Change| change.field.starts_with("spec.template.spec.");
        if changes.iter().any(|(change, effect)| template(change) && *effect == Effect::NextRestart) {
            for (_, effect) in changes.iter_mut().filter(|(change, _)| template(change)) {
                if *effect == Effect::Live {
                    *effect = Effect::NextRestart;
                }
            }
        }
    }

    fn takes(&self, field: &str, before: Option<&Value>, after: Option<&Value>) -> bool {
        let number = |value: Option<&Value>| value.and_then(Value::as_u64);
        let quantity =
            |value: Option<&Value>| value.and_then(Value::as_str).and_then(|text| Quantity::parse(text).ok());
        match field {
            "spec.domain.cpu.sockets" => {
                let (before, after) = (number(before).unwrap_or_default(), number(after).unwrap_or_default());
                self.updates && self.migratable && after > before && after <= self.max_sockets
            }
            "spec.domain.memory.guest" => {
                let (before, after) = (quantity(before), quantity(after));
                self.updates && self.migratable && after > before && after <= self.max_memory
            }
            _ => {
                let placement = ["spec.nodeSelector", "spec.affinity", "spec.tolerations"];
                self.updates && placement.iter().any(|prefix| field.starts_with(prefix))
            }
        }
    }

    fn run_effect(running: bool, after: Option<&Value>) -> Effect {
        let stops = matches!(after.and_then(Value::as_str), Some("Halted")) || after == Some(&Value::Bool(false));
        let starts = matches!(after.and_then(Value::as_str), Some("Always" | "RerunOnFailure" | "Once"))
            || after == Some(&Value::Bool(true));
        match (running, starts, stops) {
            (true, _, true) => Effect::Stops,
            (false, true, _) => Effect::Starts,
            _ => Effect::Live,
        }
    }

    /// What a change of another object means.
    pub(super) fn effect_of(&self, kind: &str, op: Op, field: &str) -> Effect {
        match kind {
            _ if op == Op::Create => Effect::Live,
            kind::SECRET if field.starts_with("data") => Effect::FirstBoot,
            kind::NETWORK if field.starts_with("spec") && self.running => Effect::NextRestart,
            kind::NETWORK if field.starts_with("spec") => Effect::NextStart,
            kind::CLAIM if field.starts_with("spec") => Effect::Grows,
            _ => Effect::Metadata,
        }
    }
}

/// Whether a condition of a status is true.
fn holds(status: &Value, condition: &str) -> bool {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|found| found["type"] == condition && found["status"] == "True")
}

/// Whether KubeVirt brings changes to running machines: it must hand them out and carry them out.
fn live_updates(kubevirt: &Value) -> bool {
    rolls_out(kubevirt) && migrates(kubevirt)
}

/// Whether changes are handed to running machines: the rollout strategy, which is LiveUpdate where nothing is said from
/// version 1.6 on.
pub(crate) fn rolls_out(kubevirt: &Value) -> bool {
    let strategy = text(kubevirt, "/spec/configuration/vmRolloutStrategy");
    let by_default = version(kubevirt).is_some_and(|(numbers, _)| numbers >= (1, 6));
    strategy.map_or(by_default, |strategy| strategy == "LiveUpdate")
}

/// Whether KubeVirt migrates machines by itself, which is how it carries out changes of sockets, memory and disks.
pub(crate) fn migrates(kubevirt: &Value) -> bool {
    strings(kubevirt, "/spec/workloadUpdateStrategy/workloadUpdateMethods").contains(&"LiveMigrate")
}

/// The version of KubeVirt, as its first two numbers and as it calls itself.
pub(crate) fn version(kubevirt: &Value) -> Option<((u32, u32), &str)> {
    let name = text(kubevirt, "/status/observedKubeVirtVersion")?;
    Some((numbers(name)?, name))
}

/// The first two numbers of a version such as `v1.8.0`.
pub(crate) fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim_start_matches('v').split('.').map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn guest() -> Guest {
        let max_memory = Quantity::parse("8Gi").ok();
        Guest { running: true, updates: true, migratable: true, max_sockets: 8, max_memory }
    }

    #[test]
    fn sockets_and_memory_grow_live_and_shrink_at_a_restart() {
        let effect = |guest: &Guest, field: &str, a: Value, b: Value| guest.effect(field, Some(&a), Some(&b));
        let (cpu, memory) = ("spec.template.spec.domain.cpu.sockets", "spec.template.spec.domain.memory.guest");
        assert_eq!(effect(&guest(), cpu, json!(2), json!(4)), Effect::Live);
        assert_eq!(effect(&guest(), cpu, json!(2), json!(9)), Effect::NextRestart);
        assert_eq!(effect(&guest(), cpu, json!(4), json!(2)), Effect::NextRestart);
        assert_eq!(effect(&guest(), memory, json!("2Gi"), json!("4Gi")), Effect::Live);
        assert_eq!(effect(&guest(), memory, json!("4Gi"), json!("2Gi")), Effect::NextRestart);
        let fixed = Guest { migratable: false, ..guest() };
        assert_eq!(effect(&fixed, cpu, json!(2), json!(4)), Effect::NextRestart);
        assert_eq!(effect(&Guest::default(), cpu, json!(2), json!(4)), Effect::NextStart);
    }

    #[test]
    fn a_disk_that_goes_is_told() {
        let field = "spec.template.spec.domain.devices.disks[data]";
        assert_eq!(guest().effect(field, Some(&json!({})), None), Effect::Detaches);
        assert_eq!(guest().effect(&format!("{field}.serial"), Some(&json!("a")), None), Effect::NextRestart);
        let source = "spec.template.spec.volumes[data].dataVolume.name";
        assert_eq!(guest().effect(source, Some(&json!("a")), Some(&json!("b"))), Effect::OtherDisk);
        assert_eq!(guest().effect("spec.runStrategy", Some(&json!("Always")), Some(&json!("Halted"))), Effect::Stops);
    }

    #[test]
    fn the_cluster_must_bring_changes() {
        let kubevirt = |strategy: Option<&str>, version: &str, methods: &[&str]| {
            live_updates(&json!({
                "spec": {
                    "configuration": {"vmRolloutStrategy": strategy},
                    "workloadUpdateStrategy": {"workloadUpdateMethods": methods},
                },
                "status": {"observedKubeVirtVersion": version},
            }))
        };
        assert!(kubevirt(None, "v1.7.0", &["LiveMigrate"]) && kubevirt(Some("LiveUpdate"), "v1.5.0", &["LiveMigrate"]));
        assert!(!kubevirt(None, "v1.5.0", &["LiveMigrate"]) && !kubevirt(Some("Stage"), "v1.7.0", &["LiveMigrate"]));
        assert!(!kubevirt(None, "v1.7.0", &[]));
    }
}
