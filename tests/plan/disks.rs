//! Disks: images, classes and modes, claims that are there, other writers.

use serde_json::{Value, json};
use wukong::plan::{Op, Wishes};

use super::world::{CLAIM, VM, VOLUME, WEB, World, claim, edited};
use super::{calm, notes, op, refusal};

fn strict() -> Wishes {
    Wishes { strict_image: true, ..Wishes::default() }
}

#[test]
fn another_image_leaves_the_bytes_alone() {
    for image in ["quay.io/containerdisks/fedora:43", "https://images.example/x.qcow2", "pvc:images/golden"] {
        let world = World::applied(WEB);
        let other = edited(WEB, &[("quay.io/containerdisks/fedora:42", image)]);
        let plan = world.plan(&other);
        assert_eq!(op(&plan, VOLUME, "web-system"), Some(Op::Keep), "{image}");
        let step = plan.steps.iter().find(|step| step.kind == VOLUME).unwrap();
        assert_eq!(step.body["spec"]["source"]["registry"]["url"], "docker://quay.io/containerdisks/fedora:42");
        assert!(notes(&plan).contains("disk system: the image in the file is not the disk's"), "{}", notes(&plan));
        assert!(refusal(&world.plan_with(&other, strict())).reason.contains("image"));
    }
}

#[test]
fn what_a_file_says_no_more_of_a_claim_is_not_taken_away() {
    // The API server and CDI refuse any change of these fields: what was sent once is sent for ever.
    let file = edited(WEB, &[("storageClassName: fast", "storageClassName: fast, volumeMode: Filesystem")]);
    let world = World::applied(&file);
    let less = edited(&file, &[(", storageClassName: fast, volumeMode: Filesystem", "")]);
    let plan = world.plan(&less);
    calm(&plan);
    for (kind, pointer) in [(CLAIM, "/spec/storageClassName"), (VOLUME, "/spec/storage/storageClassName")] {
        let step = plan.steps.iter().find(|step| step.kind == kind).unwrap();
        assert_eq!(step.body.pointer(pointer), Some(&json!("fast")), "{kind}");
    }
}

#[test]
fn a_class_and_the_modes_are_for_ever() {
    let world = World::applied(WEB);
    let data = "{name: data, size: 50Gi, storageClassName: fast}";
    for (wanted, reason, help) in [
        ("{name: data, size: 50Gi, storageClassName: longhorn}", "StorageClass fast", "--to-storage-class longhorn"),
        (
            "{name: data, size: 50Gi, volumeMode: Block}",
            "volume mode Filesystem",
            "kubectl wukong migrate web -n prod --disk data",
        ),
        (
            "{name: data, size: 50Gi, accessMode: ReadWriteMany}",
            "access mode ReadWriteOnce",
            "kubectl wukong migrate web -n prod",
        ),
    ] {
        let plan = world.plan(&edited(WEB, &[(data, wanted)]));
        let refusal = refusal(&plan);
        assert!(refusal.reason.contains(reason) && refusal.help.contains(help), "{refusal:?}");
    }
    // Before CDI has made the claim, its DataVolume says what it will be.
    let mut early = world;
    early.remove(CLAIM, "web-system");
    let modes = edited(WEB, &[("fedora:42',", "fedora:42', accessMode: ReadWriteMany,")]);
    assert!(refusal(&early.plan(&modes)).reason.contains("access mode"));
}

#[test]
fn a_claim_whose_data_volume_is_gone_is_not_imported_again() {
    let mut world = World::applied(WEB);
    world.remove(VOLUME, "web-system");
    let plan = world.plan(WEB);
    assert_eq!((op(&plan, VOLUME, "web-system"), op(&plan, CLAIM, "web-system")), (None, None));
    assert!(!plan.differs() && plan.notes.is_empty(), "{plan:?}");
    world.apply(&plan);
    calm(&world.plan(WEB));
    assert!(world.plan(WEB).after.made(CLAIM, "web-system").is_some());
}

#[test]
fn an_image_for_a_disk_that_was_empty_is_told() {
    let world = World::applied(WEB);
    let image = edited(WEB, &[("{name: data,", "{name: data, image: 'quay.io/containerdisks/fedora:42',")]);
    let plan = world.plan(&image);
    assert!(!plan.differs(), "the bytes stay");
    assert!(notes(&plan).contains("disk data") && notes(&plan).contains("image"), "{}", notes(&plan));
    assert_eq!(refusal(&world.plan_with(&image, strict())).object, "disk data");
}

#[test]
fn an_image_that_leaves_the_file_leaves_the_disk() {
    let mut world = World::applied(WEB);
    let plan = world.plan(&edited(WEB, &[(" image: 'quay.io/containerdisks/fedora:42',", "")]));
    assert!(plan.refusals.is_empty() && plan.steps.iter().all(|step| step.op != Op::Delete));
    assert!(plan.after.made(VOLUME, "web-system").is_some(), "it was made here");
    world.apply(&plan);
    assert_eq!(world.plan(WEB).refusals, []);
}

#[test]
fn a_claim_that_becomes_an_existing_one_is_still_known() {
    let mut world = World::applied(WEB);
    let existing = edited(
        WEB,
        &[("{name: data, size: 50Gi, storageClassName: fast}", "{name: data, existingPVC: {name: web-data}}")],
    );
    let plan = world.plan(&existing);
    assert!(!plan.differs() && plan.refusals.is_empty(), "{plan:?}");
    assert!(plan.after.made(CLAIM, "web-data").is_some());
    world.apply(&plan);
    assert!(world.plan(WEB).refusals.is_empty());
}

#[test]
fn a_claim_that_is_lost_or_goes_is_refused() {
    for disk in ["web-data", "web-system"] {
        let mut world = World::applied(WEB);
        world.edit(CLAIM, disk, |claim| claim["status"]["phase"] = json!("Lost"));
        assert!(refusal(&world.plan(WEB)).reason.contains("Lost"));
        let mut world = World::applied(WEB);
        world.edit(CLAIM, disk, |claim| claim["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z"));
        assert!(refusal(&world.plan(WEB)).reason.contains("being deleted"));
    }
}

const EXISTING: &str = "
apiVersion: vm.novasphere.dev/v1alpha1
kind: Wukong
metadata: {name: web, namespace: prod}
spec:
  cpu: 1
  memory: 1Gi
  disks: [{name: old, existingPVC: {name: old}}]
";

fn read_only() -> String {
    edited(EXISTING, &[("{name: old}", "{name: old, readOnly: true}")])
}

fn user(kind: &str, name: &str, read_only: bool) -> Value {
    let volumes = json!([{"name": "x", "persistentVolumeClaim": {"claimName": "old", "readOnly": read_only}}]);
    let spec =
        if kind == VM { json!({"template": {"spec": {"volumes": volumes}}}) } else { json!({"volumes": volumes}) };
    json!({"kind": kind, "metadata": {"name": name, "namespace": "prod"}, "spec": spec, "status": {"phase": "Running"}})
}

#[test]
fn a_claim_has_one_writer() {
    for kind in [VM, "VirtualMachineInstance", "Pod"] {
        let mut world = World::applied(EXISTING);
        world.insert(user(kind, "other", false));
        assert!(refusal(&world.plan(EXISTING)).reason.contains("other"), "{kind}");
        assert!(refusal(&world.plan(&read_only())).reason.contains("other"), "{kind} writes");
        world.insert(user(kind, "other", true));
        assert!(refusal(&world.plan(EXISTING)).reason.contains("other"), "{kind}: we would write");
        assert!(world.plan(&read_only()).refusals.is_empty(), "{kind}: both read");
    }
}

#[test]
fn a_pod_that_ended_or_belongs_to_the_machine_is_no_writer() {
    let mut world = World::applied(EXISTING);
    let mut pod = user("Pod", "done", false);
    pod["status"]["phase"] = json!("Succeeded");
    world.insert(pod);
    let mut launcher = user("Pod", "virt-launcher-web", false);
    launcher["metadata"]["labels"] = json!({"kubevirt.io": "virt-launcher"});
    world.insert(launcher);
    world.insert(user("VirtualMachineInstance", "web-vm", false));
    calm(&world.plan(EXISTING));
}

#[test]
fn another_way_to_write_to_a_claim_is_seen() {
    let mut world = World::applied(EXISTING);
    for volume in [
        json!({"name": "x", "memoryDump": {"claimName": "old"}}),
        json!({"name": "x", "dataVolume": {"name": "old"}}),
        json!({"name": "x", "ephemeral": {"persistentVolumeClaim": {"claimName": "old"}}}),
    ] {
        let mut vm = user(VM, "other", false);
        vm["spec"]["template"]["spec"]["volumes"] = json!([volume]);
        world.insert(vm);
        assert!(refusal(&world.plan(EXISTING)).reason.contains("other"), "{volume}");
    }
    let mut twice = user(VM, "other", true);
    let volumes = twice["spec"]["template"]["spec"]["volumes"].as_array_mut().unwrap();
    volumes.push(json!({"name": "y", "persistentVolumeClaim": {"claimName": "old"}}));
    world.insert(twice);
    assert!(refusal(&world.plan(&read_only())).reason.contains("other"), "the second volume writes");
}

#[test]
fn a_claim_of_its_own_has_one_writer_too() {
    for disk in ["web-data", "web-system"] {
        let mut world = World::applied(WEB);
        let mut other = user("Pod", "backup", false);
        other["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] = json!(disk);
        world.insert(other);
        assert!(refusal(&world.plan(WEB)).reason.contains("the pod backup"));
    }
}

#[test]
fn an_existing_claim_must_be_usable() {
    let world = World::new();
    assert!(refusal(&world.plan(EXISTING)).reason.contains("does not exist"));
    for (pointer, value, reason) in [("phase", json!("Lost"), "Lost"), ("phase", json!("Pending"), "Pending")] {
        let mut world = World::new();
        world.insert(claim("prod", "old"));
        world.edit(CLAIM, "old", |claim| claim["status"][pointer] = value);
        assert!(refusal(&world.plan(EXISTING)).reason.contains(reason));
    }
    let mut world = World::new();
    world.insert(claim("prod", "old"));
    world.edit(CLAIM, "old", |claim| claim["metadata"]["deletionTimestamp"] = json!("now"));
    assert!(refusal(&world.plan(EXISTING)).reason.contains("being deleted"));
    let mut world = World::new();
    world.insert(claim("prod", "old"));
    world.edit(CLAIM, "old", |claim| claim["spec"]["accessModes"] = json!(["ReadOnlyMany"]));
    assert!(refusal(&world.plan(EXISTING)).help.contains("readOnly: true"));
    assert!(world.plan(&read_only()).refusals.is_empty());
    // A class that waits for the first pod leaves it pending until then.
    let mut world = World::new();
    world.insert(claim("prod", "old"));
    world.edit(CLAIM, "old", |claim| claim["status"]["phase"] = json!("Pending"));
    world.edit("StorageClass", "fast", |class| class["volumeBindingMode"] = json!("WaitForFirstConsumer"));
    assert!(world.plan(EXISTING).refusals.is_empty());
}

#[test]
fn a_class_that_is_not_there_is_told_before_a_claim_waits_for_it() {
    let lost = edited(WEB, &[("size: 50Gi, storageClassName: fast", "size: 50Gi, storageClassName: fats")]);
    let told = notes(&World::new().plan(&lost));
    assert!(told.contains("there is no StorageClass fats (there are fast, fixed, local-path, longhorn)"), "{told}");
    assert!(!notes(&World::new().plan(WEB)).contains("StorageClass"));
    // Who may not see classes knows nothing of them.
    let mut world = World::new();
    world.forbid("StorageClass");
    assert!(!notes(&world.plan(&lost)).contains("there is no StorageClass"));
}
