//! Versions.

use serde_json::json;

use super::world::case;

#[test]
fn old_versions() {
    case(
        |w| w.server.kubernetes = Ok((1, 30)),
        "  ✗ Kubernetes 1.30 is too old: 1.31 is the oldest that is supported
    the tool relies on what this version does not have: changes may be refused or do nothing
    → upgrade Kubernetes, one minor version after the other
",
    );
    case(
        |w| w.kubevirt()["status"]["observedKubeVirtVersion"] = json!("v1.3.1"),
        r#"  ✗ KubeVirt v1.3.1 is too old: 1.4 is the oldest that is supported
    the tool relies on what this version does not have: changes may be refused or do nothing
    → upgrade KubeVirt, one minor version after the other
  ! running machines take no changes (vmRolloutStrategy is not set)
    changes of cpu, memory and placement wait for a restart, and disks of running machines cannot be moved
    → kubectl patch kubevirt -n kubevirt kubevirt --type merge -p '{"spec":{"configuration":{"vmRolloutStrategy":"LiveUpdate"}}}'
  ! the feature gate ExpandDisks is off, which KubeVirt v1.3.1 needs
    `expand` and a larger `size` are refused: the guest would not see it
    → kubectl patch kubevirt -n kubevirt kubevirt --type merge -p '{"spec":{"configuration":{"developerConfiguration":{"featureGates":["ExpandDisks"]}}}}'
"#,
    );
    case(
        |w| w.object("CDI", "cdi")["status"]["observedVersion"] = json!("v1.57.0"),
        "  ✗ CDI v1.57.0 is too old: 1.58 is the oldest that is supported
    the tool relies on what this version does not have: changes may be refused or do nothing
    → upgrade CDI, one minor version after the other
",
    );
}

#[test]
fn versions_without_tests() {
    case(
        |w| w.server.kubernetes = Ok((1, 35)),
        "  · Kubernetes 1.35 is not tested with this tool; 1.34 and 1.36 are
",
    );
    case(
        |w| w.server.kubernetes = Ok((2, 0)),
        "  ! Kubernetes 2.0 is not tested with this tool; 1.34 and 1.36 are
    what is new there may be read wrongly; `diff` shows what would be done
    → look for a newer version of the tool
",
    );
    case(
        |w| w.object("CDI", "cdi")["status"]["observedVersion"] = json!("v1.66.0"),
        "  ! CDI v1.66.0 is not tested with this tool; 1.61 is
    what is new there may be read wrongly; `diff` shows what would be done
    → look for a newer version of the tool
",
    );
}

#[test]
fn versions_that_nobody_tells() {
    case(
        |w| w.server.kubernetes = Err("cannot get /version: forbidden".into()),
        "  ? the version of Kubernetes: cannot get /version: forbidden
",
    );
    case(
        |w| {
            w.forbid("CDI");
        },
        "  ? the version of CDI: cannot list CDI: forbidden
",
    );
    case(
        |w| w.object("CDI", "cdi")["status"] = json!({"phase": "Deploying"}),
        "  ! CDI does not tell its version (phase Deploying)
    it may not be installed completely, and what depends on its version is not known
    → kubectl get cdi -A -o yaml shows in its conditions what it waits for
",
    );
    case(
        |w| {
            w.remove("KubeVirt");
        },
        "  ! KubeVirt does not tell its version
    it may not be installed completely, and what depends on its version is not known
    → kubectl get kubevirt -A -o yaml shows in its conditions what it waits for
",
    );
}
