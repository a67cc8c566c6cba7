//! The machine: run state, cpu and memory, lists that others add to, identity.

use serde_json::{Value, json};
use wukong::plan::{Effect, Op, Wishes};

use super::world::{CLAIM, VM, WEB, World, edited};
use super::{calm, effects, notes, op, refusal};

fn strategy(plan: &wukong::plan::Plan) -> &Value {
    let step = plan.steps.iter().find(|step| step.kind == VM).unwrap();
    &step.expected.as_ref().unwrap()["spec"]["runStrategy"]
}

/// What `virtctl stop` or `start` leaves.
fn by_hand(world: &mut World, strategy: &str) {
    world.taken_by(VM, "web-vm", "virt-api", &["spec", "runStrategy"], json!(strategy));
}

const START: Wishes =
    Wishes { start: true, stop: false, adopt: false, force_conflicts: false, prune: false, strict_image: false };
const STOP: Wishes = Wishes { start: false, stop: true, ..START };

#[test]
fn a_machine_that_a_person_stopped_stays_stopped() {
    let mut world = World::applied(WEB);
    by_hand(&mut world, "Halted");
    let plan = world.plan(WEB);
    calm(&plan);
    assert!(notes(&plan).contains("--start"), "{}", notes(&plan));
    let plan = world.plan_with(WEB, START);
    assert_eq!(effects(&plan), [("spec.runStrategy".into(), Effect::Starts)]);
    assert!(plan.conflicts.is_empty(), "a person's start is not a conflict");
    world.apply(&plan);
    calm(&world.plan(WEB));
}

#[test]
fn a_machine_that_a_person_started_stays_up() {
    let stopped = format!("{WEB}  startStrategy: {{runStrategy: Halted}}\n");
    let mut world = World::applied(&stopped);
    by_hand(&mut world, "Always");
    world.starts("web-vm");
    let plan = world.plan(&stopped);
    calm(&plan);
    assert!(notes(&plan).contains("--stop"));
    assert_eq!(effects(&world.plan_with(&stopped, STOP)), [("spec.runStrategy".into(), Effect::Stops)]);
}

#[test]
fn start_never_stops_and_stop_never_starts() {
    let stopped = format!("{WEB}  startStrategy: {{runStrategy: Halted}}\n");
    let mut world = World::applied(&stopped);
    by_hand(&mut world, "Always");
    assert_eq!(strategy(&world.plan_with(&stopped, START)), "Always");
    let mut world = World::applied(WEB);
    by_hand(&mut world, "Halted");
    assert_eq!(strategy(&world.plan_with(WEB, STOP)), "Halted");
}

#[test]
fn another_strategy_in_the_file_rules() {
    let mut world = World::applied(WEB);
    by_hand(&mut world, "Halted");
    let manual = format!("{WEB}  startStrategy: {{runStrategy: Manual}}\n");
    let plan = world.plan(&manual);
    assert_eq!(strategy(&plan), "Manual");
    world.apply(&plan);
    calm(&world.plan(&manual));
}

#[test]
fn the_old_field_running_is_kept_and_never_joined_by_a_strategy() {
    let mut world = World::applied(WEB);
    let old = |world: &mut World, running: bool| {
        world.edit(VM, "web-vm", |vm| {
            vm["spec"].as_object_mut().unwrap().remove("runStrategy");
        });
        world.taken_by(VM, "web-vm", "kubectl-edit", &["spec", "running"], json!(running));
    };
    old(&mut world, true);
    calm(&world.plan(WEB));
    old(&mut world, false);
    let plan = world.plan(WEB);
    calm(&plan);
    assert!(notes(&plan).contains("--start"), "{}", notes(&plan));
    let plan = world.plan_with(WEB, START);
    let step = plan.steps.iter().find(|step| step.kind == VM).unwrap();
    assert_eq!(step.body["spec"]["running"], true);
    assert!(step.body["spec"].get("runStrategy").is_none());
    let manual = format!("{WEB}  startStrategy: {{runStrategy: Manual}}\n");
    assert!(refusal(&world.plan(&manual)).help.contains("kubectl patch vm web-vm"));
}

#[test]
fn what_was_plugged_in_stays() {
    let mut world = World::applied(WEB);
    world.edit(VM, "web-vm", |vm| {
        let spec = &mut vm["spec"]["template"]["spec"];
        let mut add = |pointer: &str, entry: Value| {
            spec.pointer_mut(pointer).unwrap().as_array_mut().unwrap().insert(0, entry);
        };
        add("/volumes", json!({"name": "hot", "persistentVolumeClaim": {"claimName": "hot", "hotpluggable": true}}));
        add("/domain/devices/disks", json!({"name": "hot", "disk": {"bus": "scsi"}}));
        add("/networks", json!({"name": "nic", "multus": {"networkName": "other"}}));
        add("/domain/devices/interfaces", json!({"name": "nic", "bridge": {}}));
    });
    let plan = world.plan(WEB);
    calm(&plan);
    assert!(notes(&plan).contains("`hot` in volumes") && notes(&plan).contains("`nic` in networks"));
    let larger = edited(WEB, &[("memory: 4Gi", "memory: 8Gi")]);
    let plan = world.plan(&larger);
    assert_eq!(effects(&plan), [("domain.memory.guest".into(), Effect::NextStart)]);
    let sent = &plan.steps.iter().find(|step| step.kind == VM).unwrap().body;
    assert_eq!(sent["spec"]["template"]["spec"]["volumes"][0]["name"], "hot");
    assert_eq!(sent["spec"]["template"]["spec"]["networks"][0]["name"], "nic");
}

#[test]
fn a_disk_that_leaves_the_file_is_detached_and_kept() {
    let world = World::applied(WEB);
    let without = edited(WEB, &[("  - {name: data, size: 50Gi, storageClassName: fast}\n", "")]);
    for prune in [false, true] {
        let plan = world.plan_with(&without, Wishes { prune, ..Wishes::default() });
        assert_eq!(plan.questions, ["detach `data` from the machine web?"]);
        let fields = effects(&plan);
        assert!(fields.contains(&("volumes[data]".into(), Effect::Detaches)), "{fields:?}");
        assert!(fields.contains(&("domain.devices.disks[data]".into(), Effect::Detaches)));
        let disk = plan.disks.iter().find(|disk| disk.claim == "web-data").unwrap();
        assert_eq!((disk.disk.as_str(), disk.data.as_str()), ("data", "detach, keep"));
        assert_eq!(disk.detail, "kept", "the machine uses it");
        assert_eq!(op(&plan, CLAIM, "web-data"), None);
        let mut after = world.clone();
        after.apply(&plan);
        let plan = after.plan(&without);
        calm(&plan);
        assert!(plan.after.made(CLAIM, "web-data").is_some(), "still known");
        assert!(plan.disks.iter().any(|disk| disk.claim == "web-data"), "still listed");
        // It comes back with its bytes.
        let plan = after.plan(WEB);
        assert!(plan.refusals.is_empty() && op(&plan, CLAIM, "web-data") == Some(Op::Keep));
    }
}

#[test]
fn a_disk_that_is_new_is_made_and_named() {
    let mut world = World::applied(WEB);
    world.starts("web-vm");
    let more = edited(WEB, &[("  networks:", "  - {name: logs, size: 5Gi, storageClassName: fast}\n  networks:")]);
    let plan = world.plan(&more);
    assert_eq!(op(&plan, CLAIM, "web-logs"), Some(Op::Create));
    assert!(effects(&plan).contains(&("volumes[logs]".into(), Effect::NextRestart)));
    assert!(plan.questions.is_empty());
    world.apply(&plan);
    calm(&world.plan(&more));
}

#[test]
fn cpu_and_memory_reach_a_running_guest_only_where_they_can() {
    let mut world = World::applied(WEB);
    let larger = edited(WEB, &[("cpu: 2", "cpu: 4"), ("memory: 4Gi", "memory: 8Gi")]);
    let both = |effect| vec![("domain.cpu.sockets".to_owned(), effect), ("domain.memory.guest".to_owned(), effect)];
    assert_eq!(effects(&world.plan(&larger)), both(Effect::NextStart));
    world.starts("web-vm");
    assert_eq!(effects(&world.plan(&larger)), both(Effect::Live));
    let smaller = edited(WEB, &[("cpu: 2", "cpu: 1"), ("memory: 4Gi", "memory: 2Gi")]);
    assert_eq!(effects(&world.plan(&smaller)), both(Effect::NextRestart));
    let beyond = edited(WEB, &[("cpu: 2", "cpu: 16"), ("memory: 4Gi", "memory: 32Gi")]);
    assert_eq!(effects(&world.plan(&beyond)), both(Effect::NextRestart));
    world.forbid("KubeVirt");
    assert_eq!(effects(&world.plan(&larger)), both(Effect::NextRestart));
}

#[test]
fn what_needs_a_restart_takes_the_rest_along() {
    // KubeVirt hands over nothing while a restart is due.
    let mut world = World::applied(WEB);
    world.starts("web-vm");
    let both = edited(
        WEB,
        &[("cpu: 2", "cpu: 4"), ("  networks:", "  highAvailability: {terminationGracePeriodSeconds: 7}\n  networks:")],
    );
    let told = effects(&world.plan(&both));
    assert!(told.iter().all(|(_, effect)| *effect == Effect::NextRestart), "{told:?}");
    world.edit(VM, "web-vm", |vm| {
        vm["status"]["conditions"] = json!([{"type": "RestartRequired", "status": "True"}]);
    });
    let told = effects(&world.plan(&edited(WEB, &[("cpu: 2", "cpu: 4")])));
    assert_eq!(told, [("domain.cpu.sockets".into(), Effect::NextRestart)]);
}

#[test]
fn another_spelling_is_no_difference() {
    let world = World::applied(&edited(WEB, &[("memory: 4Gi", "memory: 4096Mi"), ("size: 50Gi", "size: 51200Mi")]));
    assert_eq!(world.object(VM, "web-vm")["spec"]["template"]["spec"]["domain"]["memory"]["guest"], "4Gi");
    for memory in ["4Gi", "4096Mi", "4194304Ki", "4294967296"] {
        let spelled = edited(WEB, &[("memory: 4Gi", &format!("memory: {memory}")), ("20Gi", "20480Mi")]);
        let plan = world.plan(&spelled);
        assert!(effects(&plan).is_empty(), "{memory}: {:?}", effects(&plan));
        let step = plan.steps.iter().find(|step| step.kind == VM).unwrap();
        assert_eq!(step.body["spec"]["template"]["spec"]["domain"]["memory"]["guest"], "4Gi", "sent as it stands");
    }
}

#[test]
fn names_that_look_like_quantities_are_not_compared_as_such() {
    let file = |claim: &str| {
        edited(
            WEB,
            &[(
                "{name: data, size: 50Gi, storageClassName: fast}",
                &format!("{{name: data, existingPVC: {{name: {claim}}}}}"),
            )],
        )
    };
    let mut world = World::new();
    for name in ["1k", "1000"] {
        world.insert(super::world::claim("prod", name));
    }
    let plan = world.plan(&file("1k"));
    world.apply(&plan);
    let plan = world.plan(&file("'1000'"));
    assert!(!effects(&plan).is_empty(), "another claim is another disk");
    assert_eq!(plan.questions.len(), 1);
}

/// What is proposed for a disk that was detached deletes that one claim, and not while anything uses it.
#[test]
fn what_would_delete_a_detached_disk() {
    let mut world = World::applied(WEB);
    let without = edited(WEB, &[("  - {name: data, size: 50Gi, storageClassName: fast}\n", "")]);
    world.starts("web-vm");
    let running = world.all().find(|object| object["kind"] == "VirtualMachineInstance").unwrap().clone();
    world.apply(&world.clone().plan(&without));
    let told = |world: &World| {
        let plan = world.plan(&without);
        plan.disks.iter().find(|disk| disk.claim == "web-data").unwrap().detail.clone()
    };
    let mut still = world.clone();
    still.insert(running);
    assert_eq!(told(&still), "kept", "the guest has it until it is unplugged or restarted");
    world.remove("VirtualMachineInstance", "web-vm");
    let mut unseen = world.clone();
    unseen.forbid("Pod");
    assert_eq!(told(&unseen), "kept", "a pod may use it");
    assert_eq!(told(&world), "kept; `kubectl delete pvc web-data -n prod` would delete it");
    let volume = json!({"kind": "DataVolume", "metadata": {"namespace": "prod", "name": "web-data"}});
    world.insert(volume);
    assert_eq!(told(&world), "kept; `kubectl delete dv web-data -n prod` would delete it");
}

#[test]
fn the_firmware_keeps_its_identity() {
    let mut world = World::applied(WEB);
    world.edit(VM, "web-vm", |vm| vm["spec"]["template"]["spec"]["domain"]["firmware"]["uuid"] = json!("0-1-2"));
    calm(&world.plan(WEB));
    // Without one KubeVirt derives it from the name, and any other would be another machine to the guest.
    world.edit(VM, "web-vm", |vm| vm["spec"]["template"]["spec"]["domain"]["firmware"]["uuid"] = Value::Null);
    let plan = world.plan(WEB);
    let step = plan.steps.iter().find(|step| step.kind == VM).unwrap();
    assert!(step.body["spec"]["template"]["spec"]["domain"]["firmware"]["uuid"].is_null());
}

#[test]
fn another_claim_under_the_same_name_is_asked_about() {
    let world = World::applied(WEB);
    let moved = edited(WEB, &[("{name: data, size: 50Gi,", "{name: data, size: 50Gi, claimName: web-data-2,")]);
    let plan = world.plan(&moved);
    assert!(effects(&plan).iter().any(|(_, effect)| *effect == Effect::OtherDisk), "{:?}", effects(&plan));
    assert_eq!(plan.questions.len(), 1);
    let old = plan.disks.iter().find(|disk| disk.claim == "web-data").unwrap();
    assert_eq!((old.data.as_str(), old.detail.as_str()), ("detach, keep", "kept"));
}

#[test]
fn a_key_that_reaches_the_guest_in_another_way_is_a_difference() {
    let file = format!("{WEB}  sshKeySecret: keys\n");
    let mut world = World::applied(&file);
    world.edit(VM, "web-vm", |vm| {
        let credentials = &mut vm["spec"]["template"]["spec"]["accessCredentials"][0]["sshPublicKey"];
        credentials["propagationMethod"] = json!({"configDrive": {}});
    });
    assert!(!effects(&world.plan(&file)).is_empty());
}
