//! What speaks against a stage: classes, machines, and when they were saved.

use proptest::prelude::*;
use serde_json::{Value, json};
use wukong::advice::{Asked, Rule, Stage, Weight, of_cluster};
use wukong::doctor::{Area, Check, State, at_stage};
use wukong::facts::{Facts, Unread, keep};
use wukong::output::{checks, doctor_json};
use wukong::text::Styles;

use super::world::{World, class};

/// 2026-11-20T12:00:00Z
const NOW: i64 = 1_795_176_000;
const HOUR_AGO: &str = "2026-11-20T11:00:00Z";
const DAYS_AGO: &str = "2026-11-17T12:00:00Z";
const LOCAL: &str = "rancher.io/local-path";
const LONGHORN: &str = "driver.longhorn.io";

/// A cluster with machines in it.
#[derive(Debug)]
struct Fleet {
    objects: Vec<Value>,
    unread: Vec<Unread>,
}

impl Fleet {
    /// One good class for which everything is there.
    fn new() -> Self {
        let mut fleet = Self { objects: Vec::new(), unread: Vec::new() };
        fleet.class("fast", LONGHORN, &json!({"numberOfReplicas": "3"}));
        fleet
    }

    fn class(&mut self, name: &str, driver: &str, parameters: &Value) -> &mut Self {
        let [mut one, _, snapshots, csi] = class(name, driver);
        one["parameters"] = parameters.clone();
        self.objects.push(one);
        if driver != LOCAL {
            self.objects.extend([snapshots, csi]);
        }
        self
    }

    fn default(&mut self, class: &str) -> &mut Self {
        self.edit("StorageClass", class, |class| {
            class["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] = json!("true");
        })
    }

    fn edit(&mut self, kind: &str, name: &str, change: impl Fn(&mut Value)) -> &mut Self {
        let mut found = self.objects.iter_mut().filter(|o| o["kind"] == kind && o["metadata"]["name"] == name);
        change(found.next().unwrap_or_else(|| panic!("no {kind} {name}")));
        self
    }

    /// A machine with disks of these classes, each bound.
    fn machine(&mut self, name: &str, classes: &[&str]) -> &mut Self {
        let names: Vec<_> = (0..classes.len()).map(|at| format!("{name}-{at}")).collect();
        let volumes: Vec<_> =
            names.iter().map(|claim| json!({"name": claim, "persistentVolumeClaim": {"claimName": claim}})).collect();
        self.objects.push(json!({
            "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
            "metadata": {"namespace": "prod", "name": name},
            "spec": {"template": {"spec": {"volumes": volumes}}},
        }));
        for (claim, class) in names.iter().zip(classes) {
            self.bound(claim, class);
        }
        self
    }

    fn bound(&mut self, claim: &str, class: &str) {
        let found = self.objects.iter().find(|o| o["kind"] == "StorageClass" && o["metadata"]["name"] == class);
        let (driver, replicas) = found.map_or((LONGHORN.to_owned(), json!("3")), |class| {
            (class["provisioner"].as_str().unwrap().to_owned(), class["parameters"]["numberOfReplicas"].clone())
        });
        let mut spec = json!({
            "storageClassName": class, "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": "prod", "name": claim},
        });
        if driver == LOCAL {
            spec["local"] = json!({"path": format!("/srv/{claim}")});
            spec["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": ["n1"]},
            ]}]}});
        } else {
            spec["csi"] =
                json!({"driver": driver, "volumeHandle": claim, "volumeAttributes": {"numberOfReplicas": replicas}});
        }
        self.objects.extend([
            json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"namespace": "prod", "name": claim, "creationTimestamp": "2026-01-01T00:00:00Z"},
                "spec": {"storageClassName": class, "volumeName": format!("pv-{claim}")},
                "status": {"phase": "Bound"},
            }),
            json!({
                "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("pv-{claim}")},
                "spec": spec, "status": {"phase": "Bound"},
            }),
        ]);
    }

    fn snapshot(&mut self, claim: &str, time: &str) -> &mut Self {
        self.objects.push(json!({
            "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
            "metadata": {"namespace": "prod", "name": format!("{claim}-{time}"), "creationTimestamp": time},
            "spec": {"source": {"persistentVolumeClaimName": claim}, "volumeSnapshotClassName": LONGHORN},
            "status": {"readyToUse": true, "creationTime": time},
        }));
        self
    }

    fn longhorn(&mut self, claim: &str, backup: &str) -> &mut Self {
        self.objects.push(json!({
            "apiVersion": "longhorn.io/v1beta2", "kind": "Volume",
            "metadata": {"namespace": "longhorn-system", "name": claim},
            "spec": {"numberOfReplicas": 3}, "status": {"lastBackupAt": backup},
        }));
        self
    }

    fn unread(&mut self, kind: &str) -> &mut Self {
        self.unread.push(Unread { kind: kind.into(), namespace: None, reason: format!("cannot list {kind}") });
        self
    }

    /// The facts, of which only what is kept is known.
    fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        self.objects.iter().for_each(|object| facts.insert(keep(object)));
        self.unread.iter().for_each(|unread| facts.unread(unread.clone()));
        facts
    }

    fn checks(&self, stage: Stage) -> Vec<Check> {
        let backup_days = stage.backup_days();
        at_stage(&self.facts(), &Asked { stage, backup_days, now: NOW, namespace: Some("prod") })
    }

    /// What people read at a stage, in wide lines, without title and summary.
    fn told(&self, stage: Stage) -> String {
        let shown = checks(&self.checks(stage), &Styles::default(), 500);
        shown.lines().filter(|line| line.starts_with("  ")).map(|line| format!("{line}\n")).collect()
    }
}

/// Saved an hour ago by what outlives the volume.
fn saved(fleet: &mut Fleet, machine: &str, disks: usize) {
    for at in 0..disks {
        fleet.longhorn(&format!("{machine}-{at}"), HOUR_AGO);
    }
}

#[test]
fn a_fit_machine_is_fit_at_every_stage() {
    let mut fleet = Fleet::new();
    fleet.default("fast").machine("web", &["fast", "fast"]);
    saved(&mut fleet, "web", 2);
    assert_eq!(
        fleet.told(Stage::Production),
        "  ✓ no disk is known to lie on one node alone
  ✓ every machine has a backup of the last 24 hours
"
    );
    assert_eq!(fleet.told(Stage::Development), "  ✓ nothing speaks against development\n");
}

#[test]
fn a_class_on_one_node() {
    let mut fleet = Fleet::new();
    fleet.class("local", LOCAL, &json!({})).edit("StorageClass", "local", |class| {
        class["allowVolumeExpansion"] = json!(false);
    });
    for name in ["a", "b", "c", "d", "e"] {
        fleet.machine(name, &["local", "fast"]);
        fleet.longhorn(&format!("{name}-1"), HOUR_AGO);
    }
    fleet.default("local");
    assert_eq!(
        fleet.told(Stage::Production),
        "  ! class local, the default, keeps each disk on one node: vm/a, vm/b, vm/c and 2 more
    a node that is lost takes the bytes with it; until it is back, the machine is down
    → kubectl wukong migrate vm/a -n prod --to-storage-class fast --disk a-0
  ! class local, the default, makes no disk larger (rancher.io/local-path: it has no resizer: a directory of the node has no size): vm/a, vm/b, vm/c and 2 more
    a full disk stays full until it is moved
    → as above
  ! class local, the default, takes no snapshots (rancher.io/local-path is no driver of CSI): vm/a, vm/b, vm/c and 2 more
    after an upgrade that fails there is no point to go back to
    → as above
  ! the cluster shows no backup of the last 24 hours: vm/a, vm/b, vm/c and 2 more
    what is deleted, or lost with its storage, is gone for good
    → back up to a place outside of this storage; by hand, while it is off: kubectl wukong export vm/a -n prod --disk a-0 --output FILE
"
    );
    assert!(fleet.told(Stage::PreProduction).lines().filter(|line| line.starts_with("  ·")).count() == 4);
    assert_eq!(fleet.told(Stage::Development), "  ✓ nothing speaks against development\n");
}

#[test]
fn a_default_class_without_machines() {
    let mut fleet = Fleet::new();
    fleet.class("single", LONGHORN, &json!({"numberOfReplicas": "1"})).default("single");
    assert_eq!(
        fleet.told(Stage::Production),
        "  ! class single, the default, keeps one copy of each disk
    the loss of that copy is the loss of the bytes
    → kubectl annotate storageclass fast storageclass.kubernetes.io/is-default-class=true --overwrite && kubectl annotate storageclass single storageclass.kubernetes.io/is-default-class-
"
    );
    // Nobody gets a class that is neither the default nor named.
    let mut fleet = Fleet::new();
    fleet.class("single", LONGHORN, &json!({"numberOfReplicas": "1"})).default("fast");
    assert_eq!(fleet.told(Stage::Production), "  ✓ nothing speaks against production\n");
}

/// The volume counts, not what its class would make today.
#[test]
fn a_volume_with_one_copy_in_a_good_class() {
    let mut fleet = Fleet::new();
    fleet.machine("web", &["fast", "fast"]);
    saved(&mut fleet, "web", 2);
    fleet.edit("Volume", "web-0", |volume| volume["spec"]["numberOfReplicas"] = json!(1));
    let told = fleet.told(Stage::Production);
    assert!(told.starts_with("  ! volumes of class fast have one copy: vm/web\n"), "{told}");
    // A copy that failed is for today; the storage makes another.
    fleet.edit("Volume", "web-0", |volume| volume["spec"]["numberOfReplicas"] = json!(2));
    assert!(!fleet.told(Stage::Production).contains("one copy"));
}

#[test]
fn system_and_data_on_one_disk() {
    let mut fleet = Fleet::new();
    fleet.machine("web", &["fast"]);
    saved(&mut fleet, "web", 1);
    let told = fleet.told(Stage::Production);
    assert!(told.starts_with("  ! system and data lie on one disk: vm/web\n"), "{told}");
    assert!(!fleet.told(Stage::PreProduction).contains("one disk"));
    // The system is in an image of its own.
    fleet.edit("VirtualMachine", "web", |vm| {
        let image = json!({"name": "system", "containerDisk": {"image": "quay.io/containerdisks/fedora:42"}});
        vm["spec"]["template"]["spec"]["volumes"].as_array_mut().unwrap().push(image);
    });
    assert!(!fleet.told(Stage::Production).contains("system and data"));
}

#[test]
fn volumes_that_are_erased_with_their_claims() {
    let mut fleet = Fleet::new();
    fleet.machine("web", &["fast", "fast"]);
    saved(&mut fleet, "web", 2);
    fleet.edit("PersistentVolume", "pv-web-1", |volume| {
        volume["spec"]["persistentVolumeReclaimPolicy"] = json!("Delete");
    });
    let told = fleet.told(Stage::Production);
    assert!(
        told.starts_with(
            r#"  · volumes are erased with their claims: vm/web
    who deletes such a claim, or its namespace, deletes the bytes
    → kubectl patch pv pv-web-1 -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'
"#
        ),
        "{told}"
    );
}

#[test]
fn backups_and_snapshots() {
    let state = |fleet: &Fleet, stage| {
        let found = of_cluster(
            &fleet.facts(),
            &Asked { stage, backup_days: stage.backup_days(), now: NOW, namespace: Some("prod") },
        );
        let rules: Vec<_> = found.findings.iter().map(|finding| finding.rule).collect();
        (rules, found.unknown)
    };
    let fresh = || {
        let mut fleet = Fleet::new();
        fleet.machine("web", &["fast", "fast"]);
        fleet
    };
    let none = (vec![Rule::NoBackup], Vec::new());
    let inside = (vec![Rule::OnlySnapshots], Vec::new());
    let fine = (Vec::new(), Vec::new());
    assert_eq!(state(&fresh(), Stage::Production), none);

    // Each disk counts, and the worst one most.
    let mut fleet = fresh();
    fleet.snapshot("web-0", HOUR_AGO);
    assert_eq!(state(&fleet, Stage::Production), none);
    fleet.snapshot("web-1", HOUR_AGO);
    assert_eq!(state(&fleet, Stage::Production), inside);

    // Too old for production, and young enough before it.
    let mut fleet = fresh();
    fleet.snapshot("web-0", DAYS_AGO).snapshot("web-1", DAYS_AGO);
    assert_eq!(state(&fleet, Stage::Production), none);
    assert_eq!(state(&fleet, Stage::PreProduction), inside);

    // One that is not ready, and one of an older claim of the name, hold nothing.
    let mut fleet = fresh();
    fleet.snapshot("web-0", HOUR_AGO).snapshot("web-1", HOUR_AGO);
    let name = format!("web-1-{HOUR_AGO}");
    fleet.edit("VolumeSnapshot", &name, |snapshot| snapshot["status"]["readyToUse"] = json!(false));
    assert_eq!(state(&fleet, Stage::Production), none);
    fleet.edit("VolumeSnapshot", &name, |snapshot| snapshot["status"]["readyToUse"] = json!(true));
    fleet.edit("PersistentVolumeClaim", "web-1", |claim| {
        claim["metadata"]["creationTimestamp"] = json!("2026-11-20T11:30:00Z");
    });
    assert_eq!(state(&fleet, Stage::Production), none);

    // What outlives the volume: Longhorn's own backups, and its class that copies.
    let mut fleet = fresh();
    fleet.longhorn("web-0", HOUR_AGO).longhorn("web-1", HOUR_AGO);
    assert_eq!(state(&fleet, Stage::Production), fine);
    let mut fleet = fresh();
    fleet.snapshot("web-0", HOUR_AGO).snapshot("web-1", HOUR_AGO);
    fleet.edit("VolumeSnapshotClass", LONGHORN, |class| class["parameters"] = json!({"type": "bak"}));
    assert_eq!(state(&fleet, Stage::Production), fine);
    let mut fleet = Fleet::new();
    fleet.class("rbd", "rook.rbd.csi.ceph.com", &json!({})).machine("web", &["rbd", "rbd"]);
    fleet.snapshot("web-0", HOUR_AGO).snapshot("web-1", HOUR_AGO);
    assert_eq!(state(&fleet, Stage::Production), fine);

    // A snapshot of the machine counts for the disks that are in it.
    let mut fleet = fresh();
    fleet.objects.push(json!({
        "apiVersion": "snapshot.kubevirt.io/v1beta1", "kind": "VirtualMachineSnapshot",
        "metadata": {"namespace": "prod", "name": "s", "creationTimestamp": HOUR_AGO},
        "spec": {"source": {"kind": "VirtualMachine", "name": "web"}},
        "status": {"readyToUse": true, "snapshotVolumes": {"includedVolumes": ["web-0"]}},
    }));
    assert_eq!(state(&fleet, Stage::Production), none);
    fleet.edit("VirtualMachineSnapshot", "s", |snapshot| {
        snapshot["status"]["snapshotVolumes"]["includedVolumes"] = json!(["web-0", "web-1"]);
    });
    assert_eq!(state(&fleet, Stage::Production), inside);

    // What may not be read is not known, and nothing is said against anybody.
    let mut fleet = fresh();
    fleet.unread("VolumeSnapshot");
    let unknown = vec![("backups".to_owned(), "cannot list VolumeSnapshot".to_owned())];
    assert_eq!(state(&fleet, Stage::Production), (Vec::new(), unknown));
    let mut fleet = fresh();
    fleet.unread("Volume");
    let (rules, unknown) = state(&fleet, Stage::Production);
    assert_eq!((rules.len(), unknown.len()), (0, 1));
}

/// Velero tells which namespaces it saved, and not whether bytes of disks are in it.
#[test]
fn backups_of_velero() {
    let with = |spec: &Value, status: &Value| {
        let mut fleet = Fleet::new();
        fleet.machine("web", &["fast", "fast"]);
        fleet.objects.push(json!({
            "apiVersion": "velero.io/v1", "kind": "Backup", "metadata": {"namespace": "velero", "name": "nightly-1"},
            "spec": spec, "status": status,
        }));
        fleet.told(Stage::Production)
    };
    let done = json!({"phase": "Completed", "startTimestamp": HOUR_AGO});
    let note = "  · Velero backed up the namespace in the last 24 hours: vm/web
    the cluster does not tell whether the bytes of disks are in such a backup, or their names alone
    → velero backup describe nightly-1 -n velero --details
";
    for spec in [
        json!({}),
        json!({"includedNamespaces": ["*"], "labelSelector": null}),
        json!({"includedNamespaces": ["dev", "prod"], "includedResources": ["*"], "excludedNamespaces": ["dev"]}),
    ] {
        assert!(with(&spec, &done).contains(note), "{spec}\n{}", with(&spec, &done));
    }
    for spec in [
        json!({"includedNamespaces": ["dev"]}),
        json!({"excludedNamespaces": ["prod"]}),
        json!({"labelSelector": {"matchLabels": {"app": "db"}}}),
        json!({"orLabelSelectors": [{"matchLabels": {"app": "db"}}]}),
        json!({"includedResources": ["secrets"]}),
        json!({"excludedResources": ["persistentvolumeclaims"]}),
        json!({"includedNamespaceScopedResources": ["configmaps"]}),
        json!({"excludedNamespaceScopedResources": ["virtualmachines.kubevirt.io"]}),
    ] {
        assert!(with(&spec, &done).contains("shows no backup"), "{spec}\n{}", with(&spec, &done));
    }
    for status in [
        json!({"phase": "PartiallyFailed", "startTimestamp": HOUR_AGO}),
        json!({"phase": "Completed", "startTimestamp": DAYS_AGO}),
        json!({}),
    ] {
        assert!(with(&json!({}), &status).contains("shows no backup"), "{status}");
    }
    let mut fleet = Fleet::new();
    fleet.machine("web", &["fast", "fast"]).unread("Backup");
    assert!(fleet.told(Stage::Production).contains("  ? backups: cannot list Backup\n"));
}

#[test]
fn what_may_not_be_read_is_not_known() {
    let mut fleet = Fleet::new();
    fleet.unread("VirtualMachine");
    assert_eq!(fleet.told(Stage::Production), "  ? machines: cannot list VirtualMachine\n");
    assert_eq!(fleet.told(Stage::Development), "  ✓ nothing speaks against development\n");
}

#[test]
fn nothing_of_it_is_broken_and_programs_read_it() {
    let mut fleet = Fleet::new();
    fleet.class("local", LOCAL, &json!({})).default("local").machine("web", &["local"]);
    let mut all = World::fit().checks();
    all.extend(fleet.checks(Stage::Production));
    let document = doctor_json(&all, "prod");
    assert_eq!(document["healthy"], true);
    let own: Vec<_> = document["checks"].as_array().unwrap().iter().filter(|check| check["area"] == "stage").collect();
    assert!(
        own.iter().any(|check| check["state"] == "warning"
            && check["rule"] == "node-local"
            && check["stage"] == "production"),
        "{own:#?}"
    );
    assert!(checks(&all, &Styles::default(), 80).contains("\nFit for production\n"));
}

fn fleets() -> impl Strategy<Value = Fleet> {
    let class = prop_oneof![Just("fast"), Just("local"), Just("single"), Just("new"), Just("gone")];
    let machines = prop::collection::vec((prop::collection::vec(class, 0..3), any::<bool>()), 0..6);
    let unread = prop_oneof![Just(None), Just(Some("VolumeSnapshot")), Just(Some("PersistentVolume"))];
    (machines, 0..4_usize, unread).prop_map(|(machines, default, unread)| {
        let mut fleet = Fleet::new();
        fleet.class("local", LOCAL, &json!({}));
        fleet.class("single", LONGHORN, &json!({"numberOfReplicas": "1"}));
        fleet.class("new", "example.com/new", &json!({}));
        fleet.default(["fast", "local", "single", "new"][default]);
        for (at, (classes, is_saved)) in machines.iter().enumerate() {
            let name = format!("m{at}");
            fleet.machine(&name, classes);
            if *is_saved {
                for disk in 0..classes.len() {
                    fleet.snapshot(&format!("{name}-{disk}"), HOUR_AGO);
                }
            }
        }
        unread.map(|kind| fleet.unread(kind));
        fleet
    })
}

proptest! {
    /// A later stage says all that an earlier one says, at least as loudly; whatever is said has a reason and a way out.
    #[test]
    fn a_later_stage_is_never_quieter(fleet in fleets()) {
        let facts = fleet.facts();
        // With the same days: a later stage asks for younger backups.
        let found = Stage::ALL.map(|stage| {
            of_cluster(&facts, &Asked { stage, backup_days: 3, now: NOW, namespace: None })
        });
        for earlier in found.windows(2) {
            for finding in &earlier[0].findings {
                let later = earlier[1].findings.iter().find(|later| (later.rule, &later.what) == (finding.rule, &finding.what));
                prop_assert!(later.is_some_and(|later| later.weight >= finding.weight), "{finding:?}");
            }
        }
        for finding in found.iter().flat_map(|found| &found.findings) {
            prop_assert!(finding.weight > Weight::Silent && !finding.what.is_empty());
            prop_assert!(!finding.rule.why().is_empty() && !finding.way.is_empty(), "{finding:?}");
        }
        for check in fleet.checks(Stage::Production) {
            prop_assert!(check.state != State::Broken && check.area == Area::Stage(Stage::Production));
            let is_finding = matches!(check.state, State::Note | State::Warning);
            prop_assert!(!is_finding || !check.breaks.is_empty() && !check.mend.is_empty());
        }
    }
}
