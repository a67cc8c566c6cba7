//! The node, the steps, the note on the node, and what is seen while it goes on.

use std::time::Duration;

use serde_json::json;
use wukong::cluster::{Recovered, Service, out_of_service, recovered};
use wukong::output::{rescue as shown, rescue_json};
use wukong::plan::State;
use wukong::rescue::{Mark, Presence, StepState, marked, steps, unmarked, watched};
use wukong::text::{Styles, Width};

use super::{attached, kept, look, ready, silent};
use crate::access::{Server, ok};
use crate::status::world::{NOW, World};

fn mark() -> Mark {
    Mark {
        at: "2026-01-01T11:50:00Z".into(),
        machines: vec![("prod".into(), "web-vm".into())],
        boot: Some("boot-1".into()),
    }
}

/// Does what the server does with a merge patch of a node.
fn merge(world: &mut World, change: &serde_json::Value) {
    world.edit("Node", "n1", "/spec/taints", change["spec"]["taints"].clone());
    for (key, note) in change["metadata"]["annotations"].as_object().unwrap() {
        world.edit("Node", "n1", &format!("/metadata/annotations/{}", key.replace('/', "~1")), note.clone());
    }
}

fn states(world: &World) -> String {
    let all = steps(&look(world));
    all.iter().map(|step| format!("{} {}", step.name, step.state.word())).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_node_is_told_by_its_condition() {
    let mut world = silent();
    let node = look(&world).node;
    assert_eq!((node.presence, node.since, node.heard), (Presence::Silent, Some(1800), Some(1920)));
    assert_eq!(node.why, "Kubelet stopped posting node status");
    ready(&mut world, "False");
    assert_eq!(look(&world).node.presence, Presence::Unready);
    ready(&mut world, "True");
    assert_eq!(look(&world).node.presence, Presence::Ready { cordoned: false });
    world.edit("Node", "n1", "/spec/unschedulable", json!(true));
    assert_eq!(look(&world).node.presence, Presence::Ready { cordoned: true });
}

/// What virt-handler last told of `n1`, whose kubelet fell silent at 11:30, and half an hour ago.
fn heard(world: &mut World, at: &str) {
    world.edit("Node", "n1", "/metadata/annotations/kubevirt.io~1heartbeat", json!(format!("2026-01-01T{at}Z")));
}

#[test]
fn a_virt_handler_that_goes_on_says_that_the_power_is_on() {
    let mut world = silent();
    // Before the silence; within the grace of two clocks; later, and long ago; within the last interval; by a fast clock.
    for (at, beats) in
        [("11:30:00", false), ("11:31:00", false), ("11:57:00", false), ("11:58:00", true), ("12:04:00", true)]
    {
        heard(&mut world, at);
        assert_eq!(look(&world).node.beats, beats, "{at}");
    }
    assert!(steps(&look(&world))[0].detail.contains("the power is on"));
    // Of a kubelet that was never heard of, any sign is later.
    world.edit("Node", "n1", "/status/conditions", json!([]));
    assert!(look(&world).node.beats);
    // The kubelet itself says more.
    ready(&mut world, "True");
    assert!(!look(&world).node.beats);
    // Just noticed, as of a power that was cut with the kubelet: both may be from before.
    world.edit(
        "Node",
        "n1",
        "/status/conditions",
        json!([
            {"type": "Ready", "status": "Unknown", "lastTransitionTime": "2026-01-01T11:59:50Z"},
        ]),
    );
    heard(&mut world, "11:59:30");
    assert!(!look(&world).node.beats);
}

#[tokio::test]
async fn no_taint_is_set_while_virt_handler_goes_on() {
    for (at, tainted) in [("11:29:00", true), ("11:59:00", false)] {
        let mut world = silent();
        heard(&mut world, at);
        let node = world.object("Node", "n1").clone();
        let server = Server::start(move |_, _| ok(&node));
        let (door, _) = server.door().await;
        let outcome = out_of_service(&door, "n1", &mark(), &|| NOW).await.unwrap();
        assert_eq!(matches!(outcome, Service::Done(_)), tainted, "{at}: {outcome:?}");
        assert_eq!(server.seen().iter().any(|seen| seen.line.starts_with("PATCH")), tainted, "{at}");
    }
}

#[tokio::test]
async fn a_sign_of_life_ends_the_waiting() {
    let mut world = silent();
    heard(&mut world, "11:59:00");
    let (node, rescue) = (world.object("Node", "n1").clone(), look(&world));
    let server = Server::start(move |_, seen| {
        let items = if seen.line.contains("/nodes?") { json!([node]) } else { json!([]) };
        ok(&json!({"kind": "List", "metadata": {}, "items": items}))
    });
    let (door, _) = server.door().await;
    let ended = recovered(&door, &rescue, Duration::from_secs(1), &|| NOW, &mut |_| ()).await.unwrap();
    assert!(matches!(ended, Recovered::NodeIsBack(_)), "{ended:?}");
}

#[test]
fn the_note_on_the_node_is_all_that_a_second_run_needs() {
    let mut world = silent();
    world.edit("Node", "n1", "/metadata/resourceVersion", json!("7"));
    let node = world.object("Node", "n1").clone();
    assert_eq!(unmarked(&node), None, "nothing of ours to take away");
    let change = marked(&node, &mark());
    assert_eq!(change["metadata"]["resourceVersion"], "7", "of a node that moved nothing is changed");
    assert_eq!(change["spec"]["taints"].as_array().map(Vec::len), Some(2), "the taints of others stay");
    merge(&mut world, &change);
    let found = look(&world);
    assert_eq!(found.node.mark(), Some(&mark()));
    assert_eq!(found.node.taints[1], "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute");

    // The machine is about to start elsewhere: only the note tells that it ran there.
    world.remove("Pod", "virt-launcher-web-vm-x");
    world.edit("VirtualMachineInstance", "web-vm", "/status", json!({"phase": "Scheduling"}));
    assert!(look(&world).machines[0].ran);

    // The same boot: it was never off.
    world.edit("Node", "n1", "/status/nodeInfo", json!({"bootID": "boot-1"}));
    assert!(look(&world).node.never_restarted());
    world.edit("Node", "n1", "/status/nodeInfo", json!({"bootID": "boot-2"}));
    assert!(!look(&world).node.never_restarted());

    let change = unmarked(world.object("Node", "n1")).unwrap();
    merge(&mut world, &change);
    let node = look(&world).node;
    assert_eq!((node.taints.len(), node.is_out_of_service()), (1, false));
    assert_eq!(change["metadata"]["annotations"]["vm.novasphere.dev/out-of-service"], json!(null));

    // What somebody else set stays.
    let others = json!([{"key": "node.kubernetes.io/out-of-service", "effect": "NoExecute"}]);
    world.edit("Node", "n1", "/metadata/annotations", json!({}));
    world.edit("Node", "n1", "/spec/taints", others);
    assert_eq!(unmarked(world.object("Node", "n1")), None);
    let found = look(&world);
    assert!(found.node.is_out_of_service() && found.node.mark().is_none());
    let last = steps(&found).pop().unwrap();
    assert_eq!(last.what, "when n1 is back: kubectl taint nodes n1 node.kubernetes.io/out-of-service-");
}

#[test]
fn steps_follow_from_the_cluster() {
    let mut world = silent();
    world.add(attached("pv-web-data")).add(attached("pv-of-another"));
    assert_eq!(
        states(&world),
        "power-off open, taint open, pods follows, volumes follows, machines follows, finish open"
    );
    let change = marked(world.object("Node", "n1"), &mark());
    merge(&mut world, &change);
    assert_eq!(
        states(&world),
        "power-off done, taint done, pods follows, volumes follows, machines follows, finish open"
    );
    world.remove("Pod", "virt-launcher-web-vm-x").remove("VolumeAttachment", "csi-pv-web-data");
    world.edit("VirtualMachineInstance", "web-vm", "/status/nodeName", json!("n2"));
    assert_eq!(states(&world), "power-off done, taint done, pods done, volumes done, machines done, finish open");

    // Where nothing could start elsewhere, nothing is taken from the node.
    let mut world = silent();
    world.edit("Node", "n2", "/spec/unschedulable", json!(true));
    let all = steps(&look(&world));
    assert!(all[..5].iter().all(|step| step.state == StepState::Needless), "{all:#?}");
    assert_eq!((all[5].name, all.len()), ("person", 6));

    // A node that was removed has no taints.
    let mut world = silent();
    world.remove("Node", "n1");
    assert_eq!(states(&world), "power-off open, taint not-needed, pods follows, volumes done, machines follows");
}

#[test]
fn what_goes_on_is_told_line_by_line() {
    let mut world = silent();
    world.add(attached("pv-web-data"));
    let before = look(&world);
    let told = |world: &World| {
        let now = watched(&kept(world), &before, NOW);
        let lines = now.lines.iter().flat_map(|(_, progress)| progress.lines.iter().map(|line| line.detail.clone()));
        (lines.collect::<Vec<_>>(), now.state)
    };
    let gone = "its pods of machines are removed";
    assert_eq!(
        told(&world),
        (
            vec![
                "1 pod of a machine is being removed".into(),
                "1 of 1 are still attached".into(),
                "its pod is still there".into()
            ],
            State::Waiting
        )
    );
    world.remove("Pod", "virt-launcher-web-vm-x");
    assert_eq!(told(&world).0[2], "its pod is gone, and its instance ends next");
    world.edit("VolumeAttachment", "csi-pv-web-data", "/status/detachError", json!({"message": "busy"}));
    world.edit("VirtualMachineInstance", "web-vm", "/status/phase", json!("Failed"));
    assert_eq!(told(&world).0, [gone, "1 of 1 are still attached: busy", "its instance ends"]);
    world.remove("VolumeAttachment", "csi-pv-web-data");
    let unplaced = json!({"phase": "Scheduling", "conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/2 nodes are available: 1 Insufficient memory. preemption: 0/2 nodes are available",
    }]});
    world.edit("VirtualMachineInstance", "web-vm", "/status", unplaced);
    let no_place = "no node fits: 0/2 nodes are available: 1 Insufficient memory";
    assert_eq!(told(&world), (vec![gone.into(), "all are detached".into(), no_place.into()], State::Waiting));
    world.edit("VirtualMachineInstance", "web-vm", "/status", json!({"phase": "Running", "nodeName": "n2"}));
    assert_eq!(told(&world), (vec![gone.into(), "all are detached".into(), "runs on n2".into()], State::Done));
    world.remove("VirtualMachineInstance", "web-vm");
    world.edit("VirtualMachine", "web-vm", "/spec/runStrategy", json!("Halted"));
    assert_eq!((told(&world).0[2].as_str(), told(&world).1), ("it was stopped", State::Done));
}

#[test]
fn storage_that_does_not_say_where_it_lies() {
    let mut world = silent();
    let volume = world.object("PersistentVolume", "pv-web-data");
    volume["spec"] = json!({
        "claimRef": volume["spec"]["claimRef"], "persistentVolumeReclaimPolicy": "Delete",
        "csi": {"driver": "odd.example", "volumeHandle": "1"},
    });
    let found = look(&world);
    assert_eq!((found.machines[0].way.word(), found.frees()), ("not known", true), "it may start elsewhere");
    // It may lie anywhere; a machine elsewhere is not of this node because of that.
    world.edit("VirtualMachineInstance", "web-vm", "/status/nodeName", json!("n2"));
    world.remove("Pod", "virt-launcher-web-vm-x");
    let found = look(&world);
    assert!(found.machines.is_empty());
    assert_eq!(found.unknown, ["whether a disk of 1 other machine lies there: its storage does not say"]);
    // Where others are silent too, it may be the network.
    world.edit("Node", "n2", "/status/conditions/0/status", json!("Unknown"));
    let text = shown(&look(&world), &Styles::default(), Width::Terminal(80));
    assert!(text.contains("  ! 1 other node is silent too: it may be the network"), "{text}");
}

#[test]
fn the_report_fits_the_terminal() {
    let mut world = silent();
    world.add(attached("pv-web-data"));
    let found = look(&world);
    assert_eq!(
        shown(&found, &Styles::default(), Width::Terminal(80)),
        "n1 does not answer since 30m: Kubelet stopped posting node status
  taints: node.kubernetes.io/unreachable:NoExecute
  virt-handler was last heard 32m ago
  held: 1 pod of a machine, 0 other pods, 1 attached volume

MACHINE   STRATEGY  BECOMES           WHY
prod/web  Always    starts elsewhere  KubeVirt starts it on n2 once its pod is
                                      gone

Steps
  ○ 1. make sure that the power of n1 is off
       a silent node may still run its guests; two writers destroy a disk
  ○ 2. set the taint node.kubernetes.io/out-of-service=nodeshutdown:NoExecute
  … 3. Kubernetes removes the pods of machines
       1 left
  … 4. Kubernetes detaches their volumes
       1 left
  … 5. KubeVirt starts machines elsewhere
       0 of 1 run elsewhere
  ○ 6. when n1 is back: kubectl wukong recover-node n1 --finish
       takes the taint away, or nothing starts there
"
    );
    let told = rescue_json(&found, "dry-run");
    assert_eq!(
        (&told["node"]["state"], &told["machines"][0]["becomes"]),
        (&json!("silent"), &json!("starts elsewhere"))
    );
    assert_eq!(told["held"]["attachedVolumes"][0]["pvcName"], "web-data");
}
