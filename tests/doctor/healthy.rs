//! A cluster that is fit, and how everything looks.

use serde_json::json;
use wukong::output::{checks, doctor_json};
use wukong::text::Styles;

use super::world::World;

#[test]
fn a_cluster_that_is_fit() {
    let expected = "\
Versions
  ✓ Kubernetes 1.34, a version that the tool is tested with
  ✓ KubeVirt v1.8.1, a version that the tool is tested with
  ✓ CDI v1.61.1, a version that the tool is tested with

Kinds
  ✓ VirtualMachine is there
  ✓ DataVolume is there
  ✓ NetworkAttachmentDefinition is there
  ✓ VolumeSnapshot is there

Storage
  ✓ class fast is the default
  ✓ CDI knows the access modes of all classes
  ✓ driver.longhorn.io takes snapshots
  ✓ disks of class fast can grow

Settings of KubeVirt and CDI
  ✓ running machines take changes (vmRolloutStrategy LiveUpdate)
  ✓ KubeVirt migrates machines to carry out changes (workloadUpdateMethods
    LiveMigrate)
  ✓ guests see that their disks grow (ExpandDisks)
  ✓ disks are made where their machine starts (HonorWaitForFirstConsumer)

Nodes
  ✓ 2 nodes offer KVM and take machines: machines can live-migrate

Your rights
  ✓ render, validate, schema, explain and init need no rights
  ✓ every other command: you may
  ✓ diff: you may
  ✓ apply: you may
  ✓ start: you may
  ✓ stop: you may
  ✓ restart: you may
  ✓ expand: you may
  ✓ adopt: you may
  ✓ delete: you may
  ✓ status: you may
  ✓ migrate: you may
  ✓ recover-node: you may
  ✓ snapshot: you may
  ✓ snapshot restore: you may
  ✓ export: you may

32 fine
";
    assert_eq!(checks(&World::fit().checks(), &Styles::default(), 80), expected);
}

#[test]
fn lines_fit_and_the_worst_is_counted_first() {
    let mut world = World::fit();
    world.server.kubernetes = Ok((1, 30));
    world.kubevirt()["spec"]["configuration"] = json!({"vmRolloutStrategy": "Stage"});
    world.forbid("Node");
    let shown = checks(&world.checks(), &Styles::default(), 80);
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    let start = "\
Versions
  ✗ Kubernetes 1.30 is too old: 1.31 is the oldest that is supported
    the tool relies on what this version does not have: changes may be refused
    or do nothing
    → upgrade Kubernetes, one minor version after the other
";
    assert!(shown.starts_with(start), "{shown}");
    assert!(shown.ends_with("\n1 broken, 1 warning, 1 not known, 29 fine\n"), "{shown}");
}

#[test]
fn programs_read_a_document() {
    let mut world = World::fit();
    let document = doctor_json(&world.checks(), "prod");
    assert_eq!((&document["kind"], &document["healthy"]), (&json!("Doctor"), &json!(true)));
    assert_eq!(
        document["checks"][0],
        json!({
            "area": "versions", "state": "ok", "message": "Kubernetes 1.34, a version that the tool is tested with",
            "breaks": "", "mend": "",
        })
    );
    world.remove("Node");
    let document = doctor_json(&world.checks(), "prod");
    assert_eq!(document["healthy"], false);
    let broken: Vec<_> =
        document["checks"].as_array().unwrap().iter().filter(|check| check["state"] == "broken").collect();
    assert_eq!(
        (broken.len(), &broken[0]["area"], &broken[0]["breaks"]),
        (1, &json!("nodes"), &json!("no machine can start"))
    );
}

#[test]
fn words_of_strangers_cannot_move_the_cursor() {
    let mut world = World::fit();
    world.class("a\u{1b}[2J\u{202e}", "b\u{7}\r");
    world.kubevirt()["status"]["observedKubeVirtVersion"] = json!("v1.3.\u{1b}[31m");
    let shown = checks(&world.checks(), &Styles::default(), 80);
    let bad = shown.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
    assert_eq!(bad, None, "{shown:?}");
}
