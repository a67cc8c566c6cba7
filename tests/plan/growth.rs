//! Sizes: what grows, how far, and what is in the way.

use serde_json::json;
use wukong::plan::{Effect, Op, Plan, Wishes};

use super::world::{CLAIM, VOLUME, WEB, World, edited};
use super::{calm, notes, op, refusal};

fn data(size: &str) -> String {
    edited(WEB, &[("{name: data, size: 50Gi", &format!("{{name: data, size: {size}"))])
}

fn system(size: &str) -> String {
    edited(WEB, &[("{name: system, size: 20Gi", &format!("{{name: system, size: {size}"))])
}

fn request<'a>(plan: &'a Plan, claim: &str) -> &'a str {
    let step = plan.steps.iter().find(|step| step.kind == CLAIM && step.name == claim).unwrap();
    step.body["spec"]["resources"]["requests"]["storage"].as_str().unwrap()
}

#[test]
fn an_empty_disk_grows_by_what_its_file_system_takes() {
    let mut world = World::applied(WEB);
    let plan = world.plan(&data("100Gi"));
    assert_eq!((op(&plan, CLAIM, "web-data"), request(&plan, "web-data")), (Some(Op::Update), "108937Mi"));
    let step = plan.steps.iter().find(|step| step.name == "web-data").unwrap();
    assert_eq!(step.changes.len(), 1);
    assert_eq!(step.changes[0].1, Effect::Grows);
    world.apply(&plan);
    calm(&world.plan(&data("100Gi")));
    assert_eq!(world.plan(&data("100Gi")).notes, []);
}

#[test]
fn a_block_device_grows_to_what_is_asked() {
    let block = |size: &str| {
        edited(
            &data(size),
            &[("storageClassName: fast}\n  networks", "storageClassName: fast, volumeMode: Block}\n  networks")],
        )
    };
    let mut world = World::applied(&block("50Gi"));
    let plan = world.plan(&block("100Gi"));
    assert_eq!(request(&plan, "web-data"), "100Gi");
    world.apply(&plan);
    calm(&world.plan(&block("100Gi")));
}

#[test]
fn an_imported_disk_grows_by_its_claim() {
    let mut world = World::applied(WEB);
    let plan = world.plan(&system("40Gi"));
    assert_eq!(op(&plan, VOLUME, "web-system"), Some(Op::Keep), "a DataVolume cannot change");
    assert_eq!((op(&plan, CLAIM, "web-system"), request(&plan, "web-system")), (Some(Op::Grow), "43575Mi"));
    world.apply(&plan);
    calm(&world.plan(&system("40Gi")));
    assert_eq!(world.plan(&system("40Gi")).notes, []);
}

#[test]
fn a_size_that_is_no_whole_number_of_mebibytes_is_without_difference() {
    for size in ["20G", "20000000001", "20.5Gi"] {
        let world = World::applied(&system(size));
        calm(&world.plan(&system(size)));
        assert_eq!(world.plan(&system(size)).notes, [], "{size}");
    }
}

#[test]
fn a_run_that_was_killed_before_the_disk_grew_is_finished() {
    // The record is written first, with the new size.
    let mut world = World::applied(WEB);
    let plan = world.plan(&data("100Gi"));
    world.insert(plan.after.config_map("web", "prod"));
    assert_eq!(request(&world.plan(&data("100Gi")), "web-data"), "108937Mi");
}

#[test]
fn a_disk_never_shrinks() {
    let world = World::applied(WEB);
    for smaller in [data("49Gi"), system("19Gi")] {
        for wishes in [Wishes::default(), Wishes { adopt: true, force_conflicts: true, ..Wishes::default() }] {
            let plan = world.plan_with(&smaller, wishes);
            assert!(refusal(&plan).reason.contains("never shrink"), "{plan:?}");
        }
    }
    let mut early = world;
    early.remove(CLAIM, "web-system");
    assert!(refusal(&early.plan(&system("19Gi"))).reason.contains("never shrink"));
}

#[test]
fn a_claim_that_was_grown_elsewhere_stays() {
    let mut world = World::applied(WEB);
    for claim in ["web-data", "web-system"] {
        world.taken_by(CLAIM, claim, "grower", &["spec", "resources", "requests", "storage"], json!("80Gi"));
    }
    let plan = world.plan(WEB);
    calm(&plan);
    assert_eq!(notes(&plan).matches("stays").count(), 2, "{}", notes(&plan));
    // The file follows: nothing to do, until it asks for more than is there.
    let plan = world.plan(&data("70Gi"));
    assert!(!plan.differs());
    world.apply(&plan);
    calm(&world.plan(&data("70Gi")));
}

#[test]
fn what_cannot_grow_is_refused_with_a_way_out() {
    type Case = (&'static str, Box<dyn Fn(&mut World)>, &'static str, &'static str);
    let class = |name: &'static str| -> Box<dyn Fn(&mut World)> {
        Box::new(move |world: &mut World| {
            world.edit(CLAIM, "web-data", |c| c["spec"]["storageClassName"] = json!(name));
        })
    };
    let quota = |resource: &'static str| -> Box<dyn Fn(&mut World)> {
        Box::new(move |world: &mut World| {
            world.insert(json!({"kind": "ResourceQuota", "metadata": {"name": "small", "namespace": "prod"},
                "status": {"hard": {resource: "120Gi"}, "used": {resource: "71Gi"}}}));
        })
    };
    let cases: [Case; 8] = [
        ("no expansion", class("fixed"), "allowVolumeExpansion", "migrate web -n prod --disk data"),
        ("pretends", class("local-path"), "only pretends", "migrate web -n prod --disk data"),
        ("gone", class("gone"), "does not exist any more", "migrate web -n prod"),
        ("quota", quota("requests.storage"), "has 49Gi of requests.storage left", "larger quota"),
        ("class quota", quota("fast.storageclass.storage.k8s.io/requests.storage"), "left", "larger quota"),
        (
            "pending",
            Box::new(|world: &mut World| world.edit(CLAIM, "web-data", |c| c["status"]["phase"] = json!("Pending"))),
            "it is Pending, not Bound",
            "apply again",
        ),
        (
            "no class",
            Box::new(|world: &mut World| world.edit(CLAIM, "web-data", |c| c["spec"]["storageClassName"] = json!(""))),
            "no StorageClass",
            "migrate",
        ),
        (
            "old KubeVirt",
            Box::new(|world: &mut World| {
                world.edit("KubeVirt", "kubevirt", |k| k["status"]["observedKubeVirtVersion"] = json!("v1.7.2"));
            }),
            "ExpandDisks",
            "featureGates",
        ),
    ];
    for (name, change, reason, help) in cases {
        let mut world = World::applied(WEB);
        change(&mut world);
        let file = edited(&data("100Gi"), &[(", storageClassName: fast}\n  networks", "}\n  networks")]);
        let plan = world.plan(&file);
        let refusal = refusal(&plan);
        assert!(refusal.reason.contains(reason) && refusal.help.contains(help), "{name}: {refusal:?}");
        // Nothing of it is in the way of a file that asks for nothing.
        let same = edited(WEB, &[(", storageClassName: fast}\n  networks", "}\n  networks")]);
        assert!(world.plan(&same).refusals.is_empty(), "{name}");
    }
}

#[test]
fn a_feature_gate_lets_an_older_kubevirt_grow_disks() {
    let mut world = World::applied(WEB);
    world.edit("KubeVirt", "kubevirt", |kubevirt| {
        kubevirt["status"]["observedKubeVirtVersion"] = json!("v1.7.2");
        kubevirt["spec"]["configuration"]["developerConfiguration"] = json!({"featureGates": ["ExpandDisks"]});
    });
    assert!(world.plan(&data("100Gi")).refusals.is_empty());
}

#[test]
fn disks_that_grow_together_share_a_quota() {
    let mut world = World::applied(WEB);
    world.insert(json!({"kind": "ResourceQuota", "metadata": {"name": "small", "namespace": "prod"},
        "status": {"hard": {"requests.storage": "150Gi"}, "used": {"requests.storage": "73Gi"}}}));
    assert!(world.plan(&data("100Gi")).refusals.is_empty(), "57 GiB of 77");
    assert!(world.plan(&system("40Gi")).refusals.is_empty(), "22 GiB of 77");
    let both = edited(&data("100Gi"), &[("size: 20Gi", "size: 40Gi")]);
    assert!(refusal(&world.plan(&both)).reason.contains("ResourceQuota small"));
}

#[test]
fn an_imported_disk_without_a_claim_grows_later() {
    let mut world = World::applied(WEB);
    world.remove(CLAIM, "web-system");
    let plan = world.plan(&system("40Gi"));
    assert!(plan.refusals.is_empty());
    let disk = plan.disks.iter().find(|disk| disk.disk == "system").unwrap();
    assert!(disk.detail.contains("apply again"), "{disk:?}");
    assert_eq!(plan.after.sizes["system"], "20Gi", "not yet");
}
