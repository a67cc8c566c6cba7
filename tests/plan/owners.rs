//! Fields of other managers, and fields that the file takes back.

use serde_json::json;
use wukong::plan::{Effect, Op, Wishes};

use super::world::{VM, WEB, World, edited};
use super::{calm, effects, op};

const MEMORY: [&str; 6] = ["spec", "template", "spec", "domain", "memory", "guest"];
const FORCE: Wishes =
    Wishes { force_conflicts: true, adopt: false, start: false, stop: false, prune: false, strict_image: false };

#[test]
fn a_field_that_a_person_edited_is_a_conflict() {
    let mut world = World::applied(WEB);
    world.taken_by(VM, "web-vm", "kubectl-edit", &MEMORY, json!("8Gi"));
    let plan = world.plan(WEB);
    assert_eq!(plan.conflicts.len(), 1);
    let conflict = &plan.conflicts[0];
    assert_eq!(
        (conflict.manager.as_str(), conflict.field.as_str()),
        ("kubectl-edit", "spec.template.spec.domain.memory.guest")
    );
    assert_eq!((&conflict.theirs, &conflict.ours), (&json!("8Gi"), &Some(json!("4Gi"))));
    assert!(plan.questions.is_empty());
    let plan = world.plan_with(WEB, FORCE);
    assert_eq!(plan.questions.len(), 1, "{:?}", plan.questions);
    assert!(plan.steps.iter().find(|step| step.kind == VM).unwrap().force);
    world.apply(&plan);
    calm(&world.plan(WEB));
}

#[test]
fn the_same_value_of_another_manager_is_no_conflict() {
    let mut world = World::applied(WEB);
    world.taken_by(VM, "web-vm", "kubectl-edit", &MEMORY, json!("4096Mi"));
    calm(&world.plan(WEB));
}

#[test]
fn a_field_of_nobody_is_no_conflict() {
    let mut world = World::applied(WEB);
    world.edit(VM, "web-vm", |vm| {
        vm["spec"]["template"]["spec"]["domain"]["memory"]["guest"] = json!("8Gi");
        vm["metadata"]["managedFields"] = json!([]);
    });
    let plan = world.plan(WEB);
    assert!(plan.conflicts.is_empty());
    assert_eq!(effects(&plan), [("domain.memory.guest".into(), Effect::NextStart)]);
}

#[test]
fn a_list_inside_which_another_manager_owns_something_is_a_conflict() {
    let file =
        edited(WEB, &[("  networks:", "  highAvailability: {tolerations: [{key: a, operator: Exists}]}\n  networks:")]);
    let mut world = World::applied(&file);
    let path = ["spec", "template", "spec", "tolerations"];
    world.taken_by(VM, "web-vm", "kubectl-edit", &path, json!([{"key": "b", "operator": "Exists"}]));
    let plan = world.plan(&file);
    assert_eq!(plan.conflicts.len(), 1, "{:?}", plan.conflicts);
    // An owner of the mapping above owns it too.
    let file = edited(WEB, &[("  networks:", "  highAvailability: {nodeSelector: {disk: ssd}}\n  networks:")]);
    let mut world = World::applied(&file);
    world.taken_by(VM, "web-vm", "kubectl-edit", &path[..3], json!({}));
    world.edit(VM, "web-vm", |vm| {
        vm["spec"]["template"]["spec"] = World::applied(&file).object(VM, "web-vm")["spec"]["template"]["spec"].clone();
        vm["spec"]["template"]["spec"]["nodeSelector"]["disk"] = json!("hdd");
    });
    assert_eq!(world.plan(&file).conflicts.len(), 1);
}

#[test]
fn a_field_that_the_file_takes_back_goes() {
    let file = edited(WEB, &[("  networks:", "  highAvailability: {nodeSelector: {disk: ssd}}\n  networks:")]);
    let mut world = World::applied(&file);
    world.edit(VM, "web-vm", |vm| vm["spec"]["template"]["spec"]["hostname"] = json!("theirs"));
    let plan = world.plan(WEB);
    assert_eq!(effects(&plan), [("nodeSelector".into(), Effect::NextStart)]);
    world.apply(&plan);
    assert_eq!(world.object(VM, "web-vm")["spec"]["template"]["spec"]["hostname"], "theirs");
    calm(&world.plan(WEB));
    // Unless another manager wants it as well.
    let mut world = World::applied(&file);
    world.edit(VM, "web-vm", |vm| {
        let fields = json!({"f:spec": {"f:template": {"f:spec": {"f:nodeSelector": {"f:disk": {}}}}}});
        let managers = vm["metadata"]["managedFields"].as_array_mut().unwrap();
        managers.push(json!({"manager": "other", "operation": "Apply", "fieldsV1": fields}));
    });
    assert!(effects(&world.plan(WEB)).is_empty());
}

#[test]
fn fields_of_kubectl_apply_are_taken_over() {
    let applied = "kubectl.kubernetes.io/last-applied-configuration";
    let world = World::applied(WEB);
    for (manager, operation) in [("kubectl-client-side-apply", "Update"), ("kubectl", "Apply")] {
        let mut world = world.clone();
        world.edit(VM, "web-vm", |vm| {
            let entry = &mut vm["metadata"]["managedFields"][0];
            entry["manager"] = json!(manager);
            entry["operation"] = json!(operation);
            vm["metadata"]["annotations"][applied] = json!("{}");
        });
        let larger = edited(WEB, &[("memory: 4Gi", "memory: 8Gi")]);
        let plan = world.plan(&larger);
        assert!(plan.conflicts.is_empty(), "{:?}", plan.conflicts);
        let step = plan.steps.iter().find(|step| step.kind == VM).unwrap();
        assert_eq!(step.take_over, [manager]);
        assert_eq!(step.op, Op::Update);
        assert!(step.changes.iter().all(|(change, _)| !change.field.contains(applied)));
    }
    // `kubectl edit` has the same first word, and is a person's.
    let mut world = world;
    world.taken_by(VM, "web-vm", "kubectl-edit", &MEMORY, json!("8Gi"));
    assert_eq!(world.plan(WEB).conflicts.len(), 1);
}

#[test]
fn cloud_init_is_read_once() {
    let mut world = World::applied(WEB);
    let other = edited(WEB, &[("{name: fedora,", "{name: someone,")]);
    let plan = world.plan(&other);
    assert_eq!(op(&plan, "Secret", "web-cloud-init"), Some(Op::Update));
    let step = plan.steps.iter().find(|step| step.kind == "Secret").unwrap();
    assert!(step.changes.iter().all(|(_, effect)| *effect == Effect::FirstBoot), "{:?}", step.changes.len());
    world.apply(&plan);
    calm(&world.plan(&other));
}

#[test]
fn a_take_over_that_was_broken_off_is_finished() {
    let mut world = World::applied(WEB);
    // The fields of the older tool were given up, and those of the apply that should have followed never came.
    world.edit(VM, "web-vm", |vm| {
        let manager = vm["metadata"]["managedFields"][0]["manager"].clone();
        let first = json!({"f:spec": {"f:template": {"f:spec": {"f:terminationGracePeriodSeconds": {}}}}});
        vm["metadata"]["managedFields"] =
            json!([{"manager": manager, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": first}]);
    });
    let plan = world.plan(WEB);
    let step = plan.steps.iter().find(|step| step.kind == VM).unwrap();
    assert_eq!((step.op, step.changes.len()), (Op::Adopt, 0));
    world.apply(&plan);
    calm(&world.plan(WEB));
}

#[test]
fn a_take_over_that_meets_a_change_goes_on_with_what_was_shown() {
    let mut world = World::applied(WEB);
    world.edit(VM, "web-vm", |vm| vm["metadata"]["labels"] = json!({}));
    let record = world.object("ConfigMap", "wukong-web").clone();
    world.remove("ConfigMap", "wukong-web");
    let wishes = Wishes { adopt: true, ..Wishes::default() };
    let shown = world.plan_with(WEB, wishes);
    assert_eq!(op(&shown, VM, "web-vm"), Some(Op::Adopt));
    // Its UID is in the record now, and the machine was written by its controller meanwhile.
    world.insert(record);
    let again = world.plan_with(WEB, wishes);
    assert_eq!(op(&again, VM, "web-vm"), Some(Op::Update));
    assert!(again.does_no_more_than(&shown) && !shown.does_no_more_than(&again));
}
