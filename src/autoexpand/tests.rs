mod prometheus;

use serde_json::{Value, json};

use super::*;
use crate::facts::{Facts, kind};
use crate::status::subject;

const NOW: i64 = 1_800_000_000;
const GIB: u64 = 1 << 30;

/// A machine with one disk of 20Gi on Block, whose file system of 20 GiB is filled to 19.
struct World {
    claim: Value,
    instance: Value,
    class: Value,
    usage: Value,
    more: Vec<Value>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            claim: json!({
                "kind": "PersistentVolumeClaim",
                "metadata": {
                    "name": "web-data", "namespace": "n", "uid": "u", "resourceVersion": "7",
                    "annotations": {"vm.novasphere.dev/auto-expand": "true", "vm.novasphere.dev/max-size": "45Gi"},
                },
                "spec": {
                    "volumeMode": "Block", "storageClassName": "fast",
                    "resources": {"requests": {"storage": "20Gi"}},
                },
                "status": {"phase": "Bound", "capacity": {"storage": "20Gi"}},
            }),
            instance: json!({
                "kind": "VirtualMachineInstance", "metadata": {"name": "web-vm", "namespace": "n"},
                "status": {
                    "phase": "Running", "nodeName": "one", "conditions": [{"type": "AgentConnected", "status": "True"}],
                    "volumeStatus": [{"name": "data", "target": "vdb"}],
                },
            }),
            class: json!({
                "kind": "StorageClass", "metadata": {"name": "fast"}, "provisioner": "driver.longhorn.io",
                "allowVolumeExpansion": true,
            }),
            usage: usage(&[("/data", 19 * GIB, 20 * GIB)]),
            more: Vec::new(),
        }
    }
}

fn usage(systems: &[(&str, u64, u64)]) -> Value {
    let items: Vec<_> = systems
        .iter()
        .map(|(mount, used, total)| {
            json!({"diskName": "vdb1", "mountPoint": mount, "usedBytes": used, "totalBytes": total,
                "disk": [{"serial": "data"}]})
        })
        .collect();
    json!({"kind": kind::USAGE, "metadata": {"name": "web-vm", "namespace": "n"}, "items": items})
}

impl World {
    fn with(change: impl Fn(&mut Self)) -> Self {
        let mut world = Self::default();
        change(&mut world);
        world
    }

    fn grown(at: i64, total: u64) -> Self {
        Self::with(|world| {
            let at = jiff::Timestamp::from_second(at).unwrap().to_string();
            let file_system = json!({"mount": "/data", "used": 1, "total": total});
            let note = json!([{"at": at, "from": "10Gi", "to": "20Gi", "fileSystem": file_system}]);
            world.claim["metadata"]["annotations"][GROWN] = json!(note.to_string());
        })
    }

    fn told(&self, told: &Told) -> Vec<Decision> {
        self.among(Facts::default(), told)
    }

    fn among(&self, mut facts: Facts, told: &Told) -> Vec<Decision> {
        facts.insert(json!({
            "kind": "VirtualMachine", "metadata": {"name": "web-vm", "namespace": "n"},
            "spec": {"template": {"spec": {
                "domain": {"devices": {"disks": [{"name": "data", "serial": "data"}]}},
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}}],
            }}},
        }));
        for object in [&self.claim, &self.instance, &self.class, &self.usage].into_iter().chain(&self.more) {
            facts.insert(object.clone());
        }
        decisions(&facts, &[subject("web", "n", &facts)], told, &Policy::default(), NOW)
    }

    fn decide(&self, told: &Told) -> Decision {
        let mut all = self.told(told);
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    fn all(&self) -> Vec<Decision> {
        self.told(&Told::ByAgents)
    }

    fn outcome(&self) -> Outcome {
        self.decide(&Told::ByAgents).outcome
    }
}

#[test]
fn one_step_with_its_note_for_this_version_of_the_claim() {
    let Outcome::Grows(to, step) = World::default().outcome() else { panic!("it does not grow") };
    assert_eq!(to, "30Gi");
    assert_eq!(step.body["spec"]["resources"]["requests"]["storage"], "30Gi");
    assert_eq!(step.body["metadata"]["resourceVersion"], "7");
    let note: Value = serde_json::from_str(step.body["metadata"]["annotations"][GROWN].as_str().unwrap()).unwrap();
    assert_eq!(note[0]["from"], "20Gi");
    assert_eq!(note[0]["to"], "30Gi");
    assert_eq!(note[0]["fileSystem"]["total"], 20 * GIB);
}

#[test]
fn what_stays_says_why() {
    let moving = |world: &mut World| {
        world.instance["status"]["migrationState"] = json!({"startTimestamp": "2027-01-01T00:00:00Z"});
    };
    let in_flight = |world: &mut World| world.claim["spec"]["resources"]["requests"]["storage"] = json!("30Gi");
    let ebs = || {
        let mut world = World::grown(NOW - 3600, 10 * GIB);
        world.class["provisioner"] = json!("ebs.csi.aws.com");
        world
    };
    let stays: [(World, &str); 4] = [
        (World::with(|world| world.usage = usage(&[("/data", 15 * GIB, 20 * GIB)])), "below 80 %"),
        (World::with(moving), "migrating"),
        (World::with(in_flight), "grows from 20Gi to 30Gi"),
        (ebs(), "takes its next growth in 5h"),
    ];
    for (world, why) in stays {
        match world.outcome() {
            Outcome::Stays(said) => assert!(said.contains(why), "{said}"),
            other => panic!("{why}: {other:?}"),
        }
    }
}

/// The claim of an imported disk keeps what its DataVolume said first.
#[test]
fn the_file_has_the_word() {
    let volume = |annotations: Value| {
        World::with(|world| {
            world.more.push(json!({
                "kind": "DataVolume", "metadata": {"name": "web-data", "namespace": "n", "annotations": annotations},
            }));
        })
    };
    let less = volume(json!({"vm.novasphere.dev/auto-expand": "true", "vm.novasphere.dev/max-size": "25Gi"}));
    assert!(matches!(less.outcome(), Outcome::Grows(to, _) if to == "25Gi"));
    assert!(volume(json!({})).all().is_empty());
}

/// Also after a growth that a person asked for.
#[test]
fn a_driver_has_its_rest() {
    let world = World::with(|world| {
        world.class["provisioner"] = json!("ebs.csi.aws.com");
        world.claim["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        world.claim["metadata"]["managedFields"] = json!([
            {"time": jiff::Timestamp::from_second(NOW - 7200).unwrap().to_string(), "fieldsV1": {"f:spec": {"f:resources": {}}}},
        ]);
    });
    assert!(matches!(world.outcome(), Outcome::Stays(why) if why.contains("next growth in 4h")));
}

/// A disk that has moved: the guest's side of its last growth came along, the driver's side stayed with the old volume.
#[test]
fn a_new_volume_has_had_no_growth() {
    let moved = |total: u64| {
        let mut world = World::grown(NOW - 3600, total);
        world.class["provisioner"] = json!("ebs.csi.aws.com");
        world.claim["metadata"]["creationTimestamp"] =
            json!(jiff::Timestamp::from_second(NOW - 1800).unwrap().to_string());
        world
    };
    assert!(matches!(moved(10 * GIB).outcome(), Outcome::Grows(..)));
    assert!(matches!(moved(20 * GIB).outcome(), Outcome::Refused(why, _) if why.contains("hardly grown")));
    let mut waits = moved(10 * GIB);
    waits.claim["status"]["capacity"]["storage"] = json!("10Gi");
    assert!(matches!(waits.outcome(), Outcome::Stays(_)), "nobody knows since when");
}

#[test]
fn without_knowledge_nothing_grows() {
    let other = json!({
        "kind": "VirtualMachine", "metadata": {"name": "other-vm", "namespace": "n"},
        "spec": {"template": {"spec": {"volumes": [{"name": "x", "persistentVolumeClaim": {"claimName": "web-data"}}]}}},
    });
    let unknown: [(World, &str); 7] = [
        (World::with(|world| world.more.push(other.clone())), "2 machines share its claim"),
        // A volume group over two disks, or what Prometheus has of another cluster.
        (World::with(|world| world.usage = usage(&[("/data", 39 * GIB, 40 * GIB)])), "not on it alone"),
        (World::with(|world| world.instance["status"]["conditions"] = json!([])), "qemu-guest-agent"),
        (World::with(|world| world.instance["status"]["phase"] = json!("Failed")), "does not run"),
        (World::with(|world| world.usage = usage(&[])), "no file system on this disk"),
        // A guest that says what cannot be.
        (World::with(|world| world.usage = usage(&[("/data", 30 * GIB, 20 * GIB)])), "no file system"),
        (World::with(|world| world.claim["status"]["phase"] = json!("Lost")), "not bound"),
    ];
    for (world, why) in unknown {
        match world.outcome() {
            Outcome::Unknown(said) => assert!(said.contains(why), "{said}"),
            other => panic!("{why}: {other:?}"),
        }
    }
}

#[test]
fn a_missing_right_is_not_a_silent_guest() {
    let world = World::with(|world| world.usage = json!({"kind": "Other", "metadata": {"name": "x"}}));
    let mut facts = Facts::default();
    facts.unread(crate::facts::Unread {
        kind: kind::USAGE.into(),
        namespace: Some("n".into()),
        reason: "forbidden".into(),
    });
    assert!(matches!(world.outcome(), Outcome::Unknown(_)));
    let decided = world.among(facts, &Told::ByAgents).remove(0).outcome;
    assert!(matches!(decided, Outcome::Unread(why) if why.contains("may not be read")));
}

#[test]
fn a_small_full_file_system_beside_a_large_one_grows_nothing() {
    let world = World::with(|world| {
        world.usage = usage(&[("/boot", GIB, GIB), ("/data", GIB, 19 * GIB)]);
    });
    assert!(matches!(world.outcome(), Outcome::Stays(_)));
}

#[test]
fn what_is_refused_has_a_way_out() {
    let annotate = |key: &'static str, value: &'static str| {
        World::with(|world| world.claim["metadata"]["annotations"][key] = json!(value))
    };
    let failing = |world: &mut World| {
        world.claim["spec"]["resources"]["requests"]["storage"] = json!("30Gi");
        world.claim["status"]["conditions"] =
            json!([{"type": "ControllerResizeError", "status": "True", "message": "no room on any disk"}]);
    };
    let stuck = || {
        let mut world = World::grown(NOW - 3600, 10 * GIB);
        world.claim["status"]["capacity"]["storage"] = json!("10Gi");
        world
    };
    let quota = json!({
        "kind": "ResourceQuota", "metadata": {"name": "small", "namespace": "n"},
        "status": {"hard": {"requests.storage": "25Gi"}, "used": {"requests.storage": "20Gi"}},
    });
    let refused: [(World, &str); 10] = [
        (annotate("vm.novasphere.dev/max-size", "20Gi"), "its largest size, 20Gi"),
        (annotate("vm.novasphere.dev/max-size", "much"), "`much` is no size"),
        (annotate(GROWN, "by hand"), "cannot be read"),
        (World::grown(NOW - 86_400, 20 * GIB), "/data has hardly grown"),
        // What root may use alone counts only when it is used.
        (World::grown(NOW - 86_400, 19 * GIB), "/data has hardly grown"),
        (World::with(failing), "no room on any disk"),
        (stuck(), "no controller has begun"),
        (
            World::with(|world| {
                world.claim["status"]["allocatedResourceStatuses"] = json!({"storage": "NodeResizeInfeasible"});
            }),
            "not possible",
        ),
        (World::with(|world| world.class["provisioner"] = json!("rancher.io/local-path")), "only pretends"),
        (World::with(|world| world.more.push(quota.clone())), "has 5Gi of requests.storage left"),
    ];
    for (world, why) in refused {
        match world.outcome() {
            Outcome::Refused(said, help) => assert!(said.contains(why) && !help.is_empty(), "{said}"),
            other => panic!("{why}: {other:?}"),
        }
    }
}

#[test]
fn steps_end_at_the_largest_size() {
    let mut world = World::default();
    let mut sizes = Vec::new();
    while let Outcome::Grows(to, step) = world.outcome() {
        assert!(sizes.len() < 10, "{sizes:?}");
        world.claim["spec"] = json!({
            "volumeMode": "Block", "storageClassName": "fast", "resources": step.body["spec"]["resources"],
        });
        world.claim["status"]["capacity"]["storage"] = json!(to);
        let total = crate::quantity::Quantity::parse(&to).unwrap().units().unwrap();
        world.usage = usage(&[("/data", total - GIB, total)]);
        sizes.push(to);
    }
    assert_eq!(sizes, ["30Gi", "40Gi", "45Gi"]);
}
