//! What cannot be read is unknown, which is neither there nor gone.

use serde_json::json;
use wukong::plan::{Effect, Op, Wishes};

use super::world::{CLAIM, VM, VOLUME, WEB, World, edited};
use super::{effects, notes, op, refusal};

#[test]
fn machines_that_cannot_be_read_are_refused() {
    let mut world = World::applied(WEB);
    world.forbid(VM);
    let plan = world.plan(WEB);
    assert!(refusal(&plan).help.contains("virtualmachines.kubevirt.io"));
    assert_eq!(op(&plan, VM, "web-vm"), None, "nobody says that it would be made");
}

#[test]
fn claims_that_cannot_be_read_are_refused() {
    let mut world = World::applied(WEB);
    world.forbid(CLAIM);
    let plan = world.plan(WEB);
    let refused: Vec<_> = plan.refusals.iter().map(|refusal| refusal.object.as_str()).collect();
    assert!(refused.contains(&"disk data"), "{refused:?}");
    assert!(plan.after.made(CLAIM, "web-data").is_some(), "still known");
}

#[test]
fn a_record_that_cannot_be_read_is_refused() {
    let mut world = World::applied(WEB);
    world.forbid("ConfigMap");
    assert!(world.plan(WEB).refusals.iter().any(|refusal| refusal.help.contains("configmaps")));
}

#[test]
fn data_volumes_that_cannot_be_read_are_still_known() {
    let mut world = World::applied(WEB);
    world.forbid(VOLUME);
    let plan = world.plan(WEB);
    assert!(!plan.differs(), "{plan:?}");
    assert_eq!(plan.after, plan.before.clone().unwrap(), "nothing is forgotten");
    // Nobody knows whether there is one of this name: none is made.
    let mut world = World::new();
    world.forbid(VOLUME);
    let plan = world.plan(WEB);
    assert!(refusal(&plan).reason.contains("is not known"), "{plan:?}");
}

#[test]
fn secrets_and_networks_that_cannot_be_read_are_kept_as_they_were() {
    for (kind, name) in [("Secret", "web-cloud-init"), ("NetworkAttachmentDefinition", "web-lan")] {
        let mut world = World::applied(WEB);
        world.forbid(kind);
        let plan = world.plan(WEB);
        assert_eq!(op(&plan, kind, name), Some(Op::Keep));
        assert!(notes(&plan).contains("not compared"));
        assert_eq!(plan.after, plan.before.clone().unwrap(), "its UID is still known");
        // One that was never made here may be someone else's.
        let mut world = World::new();
        world.forbid(kind);
        let plan = world.plan(WEB);
        assert!(refusal(&plan).reason.contains("is not known"), "{kind}");
        assert_eq!(op(&plan, kind, name), None, "nobody says that it would be made");
    }
}

#[test]
fn an_instance_that_cannot_be_read_may_run() {
    let mut world = World::applied(WEB);
    world.edit(VM, "web-vm", |vm| vm["status"]["created"] = json!(true));
    world.forbid("VirtualMachineInstance");
    let larger = edited(WEB, &[("memory: 4Gi", "memory: 8Gi")]);
    assert_eq!(effects(&world.plan(&larger)), [("domain.memory.guest".into(), Effect::NextRestart)]);
}

#[test]
fn other_writers_that_cannot_be_read_are_told() {
    let existing =
        edited(WEB, &[("{name: data, size: 50Gi, storageClassName: fast}", "{name: data, existingPVC: {name: old}}")]);
    let mut world = World::new();
    world.insert(super::world::claim("prod", "old"));
    world.forbid("Pod");
    assert!(notes(&world.plan(&existing)).contains("whether another Pod uses old is not known"));
    // Who cannot see the claim can still see who writes to it.
    let mut world = World::new();
    world.insert(json!({"kind": "Pod", "metadata": {"name": "other", "namespace": "prod"}, "spec": {"volumes": [
        {"name": "x", "persistentVolumeClaim": {"claimName": "old"}}]}}));
    world.forbid(CLAIM);
    assert!(world.plan(&existing).refusals.iter().any(|refusal| refusal.reason.contains("the pod other")));
}

#[test]
fn a_network_is_not_pruned_while_its_users_are_unknown() {
    let mut world = World::applied(WEB);
    let mut facts = world.facts();
    facts.unread(wukong::facts::Unread { kind: VM.into(), namespace: Some("test".into()), reason: "forbidden".into() });
    let file = edited(WEB, &[("  - {name: lan, type: bridge, bridgeName: br0}\n", "")]);
    let (machines, options) = super::world::machines(&file);
    let prune = Wishes { prune: true, ..Wishes::default() };
    let plan = wukong::plan::compare(&machines[0], &options, &facts, prune);
    assert_eq!(op(&plan, "NetworkAttachmentDefinition", "web-lan"), None);
    assert!(notes(&plan).contains("forbidden"), "{}", notes(&plan));
    world.apply(&plan);
}

#[test]
fn classes_and_quotas_that_cannot_be_read_are_in_nobodys_way() {
    let grown = edited(WEB, &[("size: 50Gi", "size: 60Gi")]);
    let mut world = World::applied(WEB);
    for kind in ["StorageClass", "ResourceQuota", "KubeVirt", "CDIConfig"] {
        world.forbid(kind);
    }
    let plan = world.plan(&grown);
    assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
    assert_eq!(op(&plan, CLAIM, "web-data"), Some(Op::Update));
}
