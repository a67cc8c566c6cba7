//! Settings of KubeVirt, and nodes.

use serde_json::json;

use super::world::{World, case};

fn old(world: &mut World) {
    world.kubevirt()["status"]["observedKubeVirtVersion"] = json!("v1.5.2");
    world.kubevirt()["spec"]["configuration"] = json!({
        "vmRolloutStrategy": "LiveUpdate", "developerConfiguration": {"featureGates": ["ExpandDisks"]},
    });
}

#[test]
fn an_old_kubevirt_with_all_its_settings() {
    case(old, "");
}

#[test]
fn rollout() {
    case(
        |w| w.kubevirt()["spec"]["configuration"] = json!({"vmRolloutStrategy": "Stage"}),
        r#"  ! running machines take no changes (vmRolloutStrategy is Stage)
    changes of cpu, memory and placement wait for a restart, and disks of running machines cannot be moved
    → kubectl patch kubevirt -n kubevirt kubevirt --type merge -p '{"spec":{"configuration":{"vmRolloutStrategy":"LiveUpdate"}}}'
"#,
    );
    case(
        |w| {
            old(w);
            w.kubevirt()["spec"]["configuration"]["vmRolloutStrategy"] = json!(null);
        },
        r#"  ! running machines take no changes (vmRolloutStrategy is not set)
    changes of cpu, memory and placement wait for a restart, and disks of running machines cannot be moved
    → kubectl patch kubevirt -n kubevirt kubevirt --type merge -p '{"spec":{"configuration":{"vmRolloutStrategy":"LiveUpdate"}}}'
"#,
    );
}

#[test]
fn migrations_for_changes() {
    case(
        |w| w.kubevirt()["spec"] = json!({"workloadUpdateStrategy": {"workloadUpdateMethods": ["Evict"]}}),
        r#"  ! KubeVirt does not migrate machines by itself (workloadUpdateMethods lacks LiveMigrate)
    more cpu and memory wait for a restart, and moving disks of running machines never begins
    → kubectl patch kubevirt -n kubevirt kubevirt --type merge -p '{"spec":{"workloadUpdateStrategy":{"workloadUpdateMethods":["LiveMigrate","Evict"]}}}'
"#,
    );
}

#[test]
fn disks_made_for_any_node() {
    case(
        |w| w.object("CDIConfig", "config")["spec"]["featureGates"] = json!(["DataVolumeClaimAdoption"]),
        r#"  ! the feature gate HonorWaitForFirstConsumer of CDI is off
    a disk with an image is made for any node, before its machine has one: on storage of nodes it may lie where the machine cannot start
    → kubectl patch cdi cdi --type merge -p '{"spec":{"config":{"featureGates":["DataVolumeClaimAdoption","HonorWaitForFirstConsumer"]}}}'
"#,
    );
    case(
        |w| {
            w.forbid("CDIConfig");
        },
        "  ? the settings of CDI: cannot list CDIConfig: forbidden\n",
    );
}

#[test]
fn growing_disks() {
    case(
        |w| {
            old(w);
            w.kubevirt()["spec"]["configuration"]["developerConfiguration"]["featureGates"] = json!(["Snapshot"]);
        },
        r#"  ! the feature gate ExpandDisks is off, which KubeVirt v1.5.2 needs
    `expand` and a larger `size` are refused: the guest would not see it
    → kubectl patch kubevirt -n kubevirt kubevirt --type merge -p '{"spec":{"configuration":{"developerConfiguration":{"featureGates":["Snapshot","ExpandDisks"]}}}}'
"#,
    );
}

#[test]
fn settings_that_may_not_be_read() {
    case(
        |w| {
            w.forbid("KubeVirt");
        },
        "  ? the version of KubeVirt: cannot list KubeVirt: forbidden
  ? the settings of KubeVirt: cannot list KubeVirt: forbidden
",
    );
}

#[test]
fn nodes() {
    case(
        |w| {
            w.remove("Node");
        },
        "  ✗ no node offers KVM
    no machine can start
    → switch on virtualisation in the nodes' firmware, and check that virt-handler runs on them: kubectl get pods -A -l kubevirt.io=virt-handler -o wide
",
    );
    case(
        |w| w.object("Node", "n2")["spec"]["unschedulable"] = json!(true),
        "  ! only node n1 offers KVM and takes machines
    machines cannot live-migrate: not for more cpu or memory, not to move disks, not to empty the node
    → kubectl get nodes tells why n2 takes no machines
",
    );
    case(
        |w| w.object("Node", "n2")["status"]["allocatable"]["devices.kubevirt.io/kvm"] = json!("0"),
        "  ! only node n1 offers KVM and takes machines
    machines cannot live-migrate: not for more cpu or memory, not to move disks, not to empty the node
    → add a node that offers KVM, or expect changes to need a restart
",
    );
    case(
        |w| {
            for name in ["n1", "n2"] {
                w.object("Node", name)["status"]["conditions"][0]["status"] = json!("Unknown");
            }
        },
        "  ✗ nodes n1 and n2 offer KVM, but are cordoned or not ready
    no machine can start
    → kubectl get nodes tells which; kubectl uncordon NODE, once the work on it is done
",
    );
    case(
        |w| {
            w.forbid("Node");
        },
        "  ? nodes: cannot list Node: forbidden
",
    );
}

#[test]
fn emulation() {
    case(
        |w| {
            w.kubevirt()["spec"]["configuration"] = json!({"developerConfiguration": {"useEmulation": true}});
            for name in ["n1", "n2"] {
                w.object("Node", name)["status"]["allocatable"] = json!({"devices.kubevirt.io/tun": "1k"});
            }
        },
        "  ! KubeVirt emulates processors (useEmulation)
    machines are many times slower
    → remove useEmulation from the KubeVirt once the nodes offer KVM
",
    );
}
