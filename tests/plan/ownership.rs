//! Whose an object is, and the record that proves it.

use serde_json::json;
use wukong::facts::Record;
use wukong::plan::{Op, Wishes};

use super::world::{CLAIM, VM, VOLUME, WEB, World, claim, edited};
use super::{calm, notes, op, refusal};

const ADOPT: Wishes =
    Wishes { adopt: true, start: false, stop: false, force_conflicts: false, prune: false, strict_image: false };
const PRUNE: Wishes = Wishes { prune: true, adopt: false, ..ADOPT };

fn forget(world: &mut World) {
    world.remove("ConfigMap", "wukong-web");
}

#[test]
fn what_is_not_in_the_record_is_not_taken() {
    let mut world = World::applied(WEB);
    forget(&mut world);
    let plan = world.plan(WEB);
    assert_eq!(plan.refusals.len(), 5, "{:?}", plan.refusals);
    assert!(plan.refusals.iter().all(|refusal| refusal.reason.contains("was not made by this Wukong")));
    let plan = world.plan_with(WEB, ADOPT);
    assert!(plan.refusals.is_empty());
    for (kind, name) in [(CLAIM, "web-data"), (VOLUME, "web-system"), (VM, "web-vm"), ("Secret", "web-cloud-init")] {
        assert_eq!(op(&plan, kind, name), Some(Op::Adopt), "{kind}");
    }
    assert!(plan.steps.iter().all(|step| step.changes.is_empty()), "its fields stay");
    world.apply(&plan);
    calm(&world.plan(WEB));
}

#[test]
fn names_that_meet_are_not_one_object() {
    let file = |name: &str, disk: &str| {
        edited(
            WEB,
            &[
                ("{name: web, namespace", &format!("{{name: {name}, namespace")),
                ("{name: system,", "{name: s,"),
                ("{name: data,", &format!("{{name: {disk},")),
                ("{name: lan,", "{name: n,"),
            ],
        )
    };
    let world = World::applied(&file("a-b", "c"));
    let plan = world.plan(&file("a", "b-c"));
    let refusal = refusal(&plan);
    assert!(refusal.object == "PersistentVolumeClaim/a-b-c" || refusal.object == "disk b-c", "{refusal:?}");
    assert!(refusal.reason.contains("`a-b`"), "{refusal:?}");
    // Not even an interrupted run of the other takes it.
    let mut world = world;
    let mut record = Record::default();
    record.note("v1", CLAIM, "a-b-c", None);
    world.insert(record.config_map("a", "prod"));
    assert_eq!(world.plan(&file("a", "b-c")).refusals.len(), 1);
}

#[test]
fn an_interrupted_first_run_is_finished() {
    let mut world = World::new();
    let plan = world.plan(WEB);
    world.apply(&plan);
    // The run was killed: the record holds intents only, and the machine and a claim are not there yet.
    world.insert(plan.after.config_map("web", "prod"));
    world.remove(VM, "web-vm");
    world.remove(CLAIM, "web-data");
    let again = world.plan(WEB);
    assert!(again.refusals.is_empty(), "{:?}", again.refusals);
    assert_eq!((op(&again, VM, "web-vm"), op(&again, CLAIM, "web-data")), (Some(Op::Create), Some(Op::Create)));
    assert_eq!(op(&again, VOLUME, "web-system"), Some(Op::Keep));
    world.apply(&again);
    world.apply(&world.clone().plan(WEB));
    calm(&world.plan(WEB));
}

#[test]
fn an_object_that_was_made_again_is_another_one() {
    for (kind, name) in [(VM, "web-vm"), (CLAIM, "web-data"), ("Secret", "web-cloud-init")] {
        let mut world = World::applied(WEB);
        world.edit(kind, name, |object| object["metadata"]["uid"] = json!("another"));
        assert!(refusal(&world.plan(WEB)).reason.contains("made again"), "{kind}");
        assert_eq!(op(&world.plan_with(WEB, ADOPT), kind, name), Some(Op::Adopt));
    }
    let mut world = World::applied(WEB);
    world.edit(VOLUME, "web-system", |volume| volume["metadata"]["uid"] = json!("another"));
    assert!(refusal(&world.plan(WEB)).reason.contains("made again"));
}

#[test]
fn a_machine_that_another_object_controls_is_refused() {
    let mut world = World::applied(WEB);
    world.edit(VM, "web-vm", |vm| {
        vm["metadata"]["ownerReferences"] = json!([{"kind": "Wukong", "name": "web", "uid": "1", "controller": true}]);
    });
    for wishes in [Wishes::default(), ADOPT] {
        assert!(refusal(&world.plan_with(WEB, wishes)).reason.contains("controlled by Wukong web"));
    }
}

#[test]
fn an_object_that_is_being_deleted_is_waited_for() {
    for (kind, name) in [(VM, "web-vm"), ("Secret", "web-cloud-init"), (VOLUME, "web-system")] {
        let mut world = World::applied(WEB);
        world.edit(kind, name, |object| object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z"));
        for wishes in [Wishes::default(), ADOPT] {
            assert!(refusal(&world.plan_with(WEB, wishes)).reason.contains("being deleted"), "{kind}");
        }
    }
}

#[test]
fn a_record_that_cannot_be_used_stops_everything() {
    for (text, reason) in [
        ("{", "not JSON"),
        ("{\"version\":2,\"objects\":[]}", "newer version"),
        ("{\"version\":1}", "lists no objects"),
        ("{\"version\":1,\"objects\":[{\"kind\":\"Secret\"}]}", "no apiVersion"),
        ("{\"version\":1,\"objects\":[],\"lists\":{\"disks\":[]}}", "no mapping"),
    ] {
        let mut world = World::applied(WEB);
        world.edit("ConfigMap", "wukong-web", |map| map["data"]["record"] = json!(text));
        for wishes in [Wishes::default(), ADOPT] {
            let plan = world.plan_with(WEB, wishes);
            assert!(plan.refusals.iter().any(|refusal| refusal.reason.contains(reason)), "{text}");
            assert!(plan.before.is_none());
        }
    }
    let mut world = World::applied(WEB);
    world.edit("ConfigMap", "wukong-web", |map| map["data"] = json!({}));
    assert!(!world.plan(WEB).refusals.is_empty());
}

#[test]
fn a_claim_of_someone_else_that_is_adopted_keeps_its_size() {
    let mut world = World::new();
    let mut there = claim("prod", "web-data");
    there["spec"]["resources"]["requests"]["storage"] = json!("200Gi");
    world.insert(there);
    assert_eq!(refusal(&world.plan(WEB)).object, "PersistentVolumeClaim/web-data");
    let plan = world.plan_with(WEB, ADOPT);
    let step = plan.steps.iter().find(|step| step.kind == CLAIM).unwrap();
    assert_eq!(step.op, Op::Adopt);
    assert_eq!(step.body["spec"]["resources"]["requests"]["storage"], "200Gi");
    assert!(notes(&plan).contains("200Gi"), "{}", notes(&plan));
    world.apply(&plan);
    world.apply(&world.clone().plan(WEB));
    calm(&world.plan(WEB));
}

#[test]
fn a_private_key_is_never_mounted() {
    use base64::Engine as _;
    let file = format!("{WEB}  sshKeySecret: keys\n");
    let mut world = World::applied(&file);
    assert!(notes(&world.plan(&file)).contains("does not exist"));
    let secret = |text: &str| {
        let data = base64::engine::general_purpose::STANDARD.encode(text);
        json!({"kind": "Secret", "metadata": {"name": "keys", "namespace": "prod"}, "data": {"a": data}})
    };
    world.insert(secret("ssh-ed25519 AAAA me@example"));
    calm(&world.plan(&file));
    world.insert(secret("-----BEGIN OPENSSH PRIVATE KEY-----"));
    assert!(refusal(&world.plan(&file)).reason.contains("private key"));
}

const NO_LAN: (&str, &str) = ("  - {name: lan, type: bridge, bridgeName: br0}\n", "");
const NAD: &str = "NetworkAttachmentDefinition";

#[test]
fn a_network_that_is_wanted_no_more_is_pruned_when_asked() {
    let world = World::applied(WEB);
    let file = edited(WEB, &[NO_LAN]);
    let plan = world.plan(&file);
    assert_eq!(op(&plan, NAD, "web-lan"), None);
    assert!(notes(&plan).contains("--prune deletes it"), "{}", notes(&plan));
    assert!(plan.after.made(NAD, "web-lan").is_some());
    let plan = world.plan_with(&file, PRUNE);
    assert_eq!(op(&plan, NAD, "web-lan"), Some(Op::Delete));
    assert_eq!(plan.steps.last().map(|step| step.op), Some(Op::Delete), "after the machine");
    let mut after = world;
    after.apply(&plan);
    calm(&after.plan(&file));
    assert!(after.plan(&file).after.made(NAD, "web-lan").is_none());
}

#[test]
fn a_network_that_is_in_use_stays() {
    let file = edited(WEB, &[NO_LAN]);
    let user = |namespace: &str, network: &str| {
        json!({"kind": VM, "metadata": {"name": "other", "namespace": namespace}, "spec": {"template": {"spec": {
            "networks": [{"name": "x", "multus": {"networkName": network}}]}}}})
    };
    for (namespace, network) in [("prod", "web-lan"), ("prod", "prod/web-lan"), ("test", "prod/web-lan")] {
        let mut world = World::applied(WEB);
        world.insert(user(namespace, network));
        let plan = world.plan_with(&file, PRUNE);
        assert_eq!(op(&plan, NAD, "web-lan"), None, "{namespace} {network}");
        assert!(notes(&plan).contains("other"));
    }
    // Of a guest in another namespace only what is looked at is read.
    let mut world = World::applied(WEB);
    world.insert(wukong::facts::keep(&json!({
        "kind": "VirtualMachineInstance", "metadata": {"name": "far", "namespace": "test"},
        "spec": {"networks": [{"name": "x", "multus": {"networkName": "prod/web-lan"}}]},
    })));
    assert!(notes(&world.plan_with(&file, PRUNE)).contains("the VirtualMachineInstance far uses it"));
    let mut world = World::applied(WEB);
    world.insert(user("test", "web-lan"));
    assert_eq!(op(&world.plan_with(&file, PRUNE), NAD, "web-lan"), Some(Op::Delete), "a network of another namespace");
    // A card that a person plugged into this machine uses it too, and stays.
    let mut world = World::applied(WEB);
    world.edit(VM, "web-vm", |vm| {
        let networks = vm["spec"]["template"]["spec"]["networks"].as_array_mut().unwrap();
        networks.push(json!({"name": "hot", "multus": {"networkName": "web-lan"}}));
    });
    assert_eq!(op(&world.plan_with(&file, PRUNE), NAD, "web-lan"), None);
}

#[test]
fn only_secrets_and_networks_are_ever_pruned() {
    let world = World::applied(WEB);
    let bare = "
apiVersion: vm.novasphere.dev/v1alpha1
kind: Wukong
metadata: {name: web, namespace: prod}
spec: {cpu: 1, memory: 1Gi}
";
    let plan = world.plan_with(bare, PRUNE);
    let mut deleted: Vec<_> = plan.steps.iter().filter(|s| s.op == Op::Delete).map(|s| s.name.as_str()).collect();
    deleted.sort_unstable();
    assert_eq!(deleted, ["web-cloud-init", "web-lan"]);
    let mut claims: Vec<_> = plan.disks.iter().map(|disk| disk.claim.as_str()).collect();
    claims.sort_unstable();
    assert_eq!(claims, ["web-data", "web-system"]);
    assert!(plan.after.made(VOLUME, "web-system").is_some() && plan.after.made(CLAIM, "web-system").is_some());
    // Nothing is deleted that was made again by someone else.
    let mut world = world;
    world.edit("Secret", "web-cloud-init", |secret| secret["metadata"]["uid"] = json!("another"));
    let plan = world.plan_with(bare, PRUNE);
    assert_eq!(op(&plan, "Secret", "web-cloud-init"), None);
}
