//! Settings of KubeVirt without which running machines take no changes, and of CDI without which disks lie elsewhere.

use serde_json::Value;

use super::{Checks, Server};
use crate::facts::{Facts, kind, text};
use crate::plan::{hides_growth, migrates, rolls_out};

pub(super) fn look(facts: &Facts, server: &Server, checks: &mut Checks) {
    of_kubevirt(facts, server, checks);
    of_cdi(facts, server, checks);
}

/// Without the gate CDI fills a disk with a pod of its own, and that pod decides for which node the volume is made. CDI's
/// operator keeps the gates of CDI in CDIConfig. Source: CDI, doc/waitforfirstconsumer-storage-handling.md and
/// doc/cdi-config.md.
fn of_cdi(facts: &Facts, server: &Server, checks: &mut Checks) {
    const GATE: &str = "HonorWaitForFirstConsumer";
    if server.lacks(kind::DATA_VOLUME) || !checks.were_read("the settings of CDI", kind::CDI_CONFIG, facts) {
        return;
    }
    // That CDI is not ready yet is told with the versions.
    let Some(config) = facts.all_of(kind::CDI_CONFIG).next() else { return };
    let mut gates = crate::facts::strings(config, "/spec/featureGates");
    if gates.contains(&GATE) {
        return checks.ok(format!("disks are made where their machine starts ({GATE})"));
    }
    gates.push(GATE);
    let gates = serde_json::json!({"spec": {"config": {"featureGates": gates}}});
    let name = facts.all_of(kind::CDI).find_map(|cdi| text(cdi, "/metadata/name")).unwrap_or("cdi");
    checks.warning(
        format!("the feature gate {GATE} of CDI is off"),
        "a disk with an image is made for any node, before its machine has one: on storage of nodes it may lie where \
         the machine cannot start",
        format!("kubectl patch cdi {name} --type merge -p '{gates}'"),
    );
}

fn of_kubevirt(facts: &Facts, server: &Server, checks: &mut Checks) {
    if server.lacks(kind::MACHINE) || !checks.were_read("the settings of KubeVirt", kind::KUBEVIRT, facts) {
        return;
    }
    // That there is none is told with the versions.
    let Some(kubevirt) = facts.all_of(kind::KUBEVIRT).next() else { return };
    if rolls_out(kubevirt) {
        checks.ok("running machines take changes (vmRolloutStrategy LiveUpdate)".to_owned());
    } else {
        let strategy = text(kubevirt, "/spec/configuration/vmRolloutStrategy").unwrap_or("not set");
        checks.warning(
            format!("running machines take no changes (vmRolloutStrategy is {strategy})"),
            "changes of cpu, memory and placement wait for a restart, and disks of running machines cannot be moved",
            patch(kubevirt, r#"{"configuration":{"vmRolloutStrategy":"LiveUpdate"}}"#),
        );
    }
    if migrates(kubevirt) {
        checks.ok("KubeVirt migrates machines to carry out changes (workloadUpdateMethods LiveMigrate)".to_owned());
    } else {
        // A merge patch replaces the list.
        let mut methods = crate::facts::strings(kubevirt, "/spec/workloadUpdateStrategy/workloadUpdateMethods");
        methods.insert(0, "LiveMigrate");
        let methods = serde_json::json!({"workloadUpdateStrategy": {"workloadUpdateMethods": methods}});
        checks.warning(
            "KubeVirt does not migrate machines by itself (workloadUpdateMethods lacks LiveMigrate)".to_owned(),
            "more cpu and memory wait for a restart, and moving disks of running machines never begins",
            patch(kubevirt, &methods.to_string()),
        );
    }
    if let Some(version) = hides_growth(kubevirt) {
        let mut gates = crate::facts::strings(kubevirt, "/spec/configuration/developerConfiguration/featureGates");
        gates.push("ExpandDisks");
        let gates = serde_json::json!({"configuration": {"developerConfiguration": {"featureGates": gates}}});
        checks.warning(
            format!("the feature gate ExpandDisks is off, which KubeVirt {version} needs"),
            "`expand` and a larger `size` are refused: the guest would not see it",
            patch(kubevirt, &gates.to_string()),
        );
    } else {
        checks.ok("guests see that their disks grow (ExpandDisks)".to_owned());
    }
}

/// The command that changes the specification of KubeVirt.
fn patch(kubevirt: &Value, spec: &str) -> String {
    let part = |pointer| text(kubevirt, pointer).unwrap_or("kubevirt");
    let (namespace, name) = (part("/metadata/namespace"), part("/metadata/name"));
    format!("kubectl patch kubevirt -n {namespace} {name} --type merge -p '{{\"spec\":{spec}}}'")
}
