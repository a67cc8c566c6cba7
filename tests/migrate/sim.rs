//! A cluster of plain values: what a step writes is carried out, and what KubeVirt, CDI and a provisioner would do next
//! happens one thing at a time. The real ones are in `tests/live`; this one is asked thousands of times.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wukong::facts::{Facts, Journey, kind, text};
use wukong::migrate::{Act, Next, next};
use wukong::status::{Subject, subject};

pub const NAMESPACE: &str = "n";

/// The cluster. A claim's bytes are the text at `metadata.content`.
#[derive(Clone)]
pub struct Sim {
    objects: BTreeMap<(String, String), Value>,
    count: u64,
    /// Whether a guest may start on an empty claim, as it does when one ends while it is copied.
    pub empty: bool,
    /// The class whose volumes belong to the node of their first pod.
    pub local: &'static str,
}

impl Sim {
    /// A machine `web-vm` with two disks on claims of the class `local`, running on `one`; `two` is the other node.
    pub fn new(run: &Value) -> Self {
        let mut sim = Self { objects: BTreeMap::new(), count: 0, local: "local", empty: false };
        for (name, mode) in [("local", "WaitForFirstConsumer"), ("fast", "Immediate")] {
            sim.put(json!({
                "kind": kind::CLASS, "metadata": {"name": name}, "provisioner": format!("{name}.test"),
                "volumeBindingMode": mode, "reclaimPolicy": "Delete",
            }));
        }
        for node in ["one", "two"] {
            sim.put(json!({
                "kind": kind::NODE,
                "metadata": {"name": node, "labels": {"kubevirt.io/schedulable": "true", "kubernetes.io/hostname": node}},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            }));
        }
        sim.put(json!({
            "kind": kind::KUBEVIRT, "metadata": {"name": "kubevirt", "namespace": "kubevirt"},
            "spec": {"workloadUpdateStrategy": {"workloadUpdateMethods": ["LiveMigrate"]}},
            "status": {"observedKubeVirtVersion": "v1.8.0"},
        }));
        sim.put(json!({"kind": kind::CDI_CONFIG, "metadata": {"name": "config"}, "status": {"filesystemOverhead": {"global": "0.06"}}}));
        for (claim, content) in [("web-system", "the system"), ("web-data", "the data")] {
            sim.claim(claim, "local", "Filesystem", content);
        }
        sim.put(json!({
            "kind": kind::DATA_VOLUME, "metadata": {"name": "web-system", "namespace": NAMESPACE, "uid": "dv"},
            "spec": {"storage": {"resources": {"requests": {"storage": "10Gi"}}}}, "status": {"phase": "Succeeded"},
        }));
        let disk = |name: &str| json!({"name": name, "disk": {"bus": "virtio"}});
        let mut spec = run.clone();
        spec["template"] = json!({"spec": {
            "domain": {"devices": {"disks": [disk("system"), disk("data")]}},
            "volumes": [
                {"name": "system", "dataVolume": {"name": "web-system"}},
                {"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}},
            ],
        }});
        sim.put(json!({
            "kind": kind::MACHINE, "metadata": {"name": "web-vm", "namespace": NAMESPACE, "uid": "vm", "generation": 1},
            "spec": spec, "status": {},
        }));
        sim.settle();
        sim
    }

    pub fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        self.objects.values().cloned().for_each(|object| facts.insert(object));
        facts
    }

    pub fn subject(&self) -> Subject {
        subject("vm/web-vm", NAMESPACE, &self.facts())
    }

    pub fn get(&self, kind: &str, name: &str) -> Option<&Value> {
        self.objects.get(&(kind.to_owned(), name.to_owned()))
    }

    fn get_mut(&mut self, kind: &str, name: &str) -> Option<&mut Value> {
        self.objects.get_mut(&(kind.to_owned(), name.to_owned()))
    }

    pub fn put(&mut self, mut object: Value) {
        self.count += 1;
        object["metadata"]["resourceVersion"] = json!(self.count.to_string());
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = json!(format!("uid-{}", self.count));
        }
        let key = (text(&object, "/kind").unwrap().to_owned(), text(&object, "/metadata/name").unwrap().to_owned());
        self.objects.insert(key, object);
    }

    fn remove(&mut self, kind: &str, name: &str) {
        self.objects.remove(&(kind.to_owned(), name.to_owned()));
    }

    fn claim(&mut self, name: &str, class: &str, mode: &str, content: &str) {
        let volume = format!("pv-{name}");
        let uid = format!("claim-{}", self.count);
        self.put(json!({
            "kind": kind::VOLUME, "metadata": {"name": volume},
            "spec": {"persistentVolumeReclaimPolicy": "Delete", "storageClassName": class, "claimRef": {"uid": uid}},
        }));
        self.put(json!({
            "kind": kind::CLAIM, "metadata": {"name": name, "namespace": NAMESPACE, "uid": uid, "content": content},
            "spec": {
                "storageClassName": class, "accessModes": ["ReadWriteOnce"], "volumeMode": mode, "volumeName": volume,
                "resources": {"requests": {"storage": "10Gi"}},
            },
            "status": {"phase": "Bound", "capacity": {"storage": "10Gi"}},
        }));
    }

    /// The bytes of a claim; none if there is no such claim.
    pub fn content(&self, claim: &str) -> Option<String> {
        self.get(kind::CLAIM, claim)?["metadata"]["content"].as_str().map(str::to_owned)
    }

    /// The claims of the machine's disks.
    pub fn claims(&self) -> Vec<String> {
        let vm = self.get(kind::MACHINE, "web-vm").unwrap();
        wukong::facts::volumes(vm).iter().filter_map(wukong::facts::claim_of).map(str::to_owned).collect()
    }

    pub fn runs(&self) -> bool {
        self.get(kind::INSTANCE, "web-vm").is_some()
    }

    /// Changes an object.
    pub fn change(&mut self, kind: &str, name: &str, change: impl Fn(&mut Value)) {
        change(self.get_mut(kind, name).unwrap());
    }

    /// The guest ends by itself.
    pub fn end_guest(&mut self) {
        self.remove(kind::INSTANCE, "web-vm");
    }

    /// Migrations that have ended are deleted.
    pub fn forget_migrations(&mut self) {
        self.objects.retain(|(kind, _), _| kind != kind::MIGRATION);
    }

    /// The record of the move.
    pub fn journey(&self) -> Option<Journey> {
        Journey::of(&self.facts(), NAMESPACE, "web-vm").unwrap()
    }

    /// Records a journey.
    pub fn record(&mut self, journey: &Journey) {
        self.put(journey.config_map(NAMESPACE));
    }

    /// Asks for the next step, and takes it. Gives what it was.
    pub fn go(&mut self) -> Next {
        let journey = self.journey().unwrap();
        let next = next(&journey, &self.facts(), &self.subject());
        match &next {
            Next::Step(step) => {
                self.record(&step.journey);
                self.act(&step.act);
            }
            Next::End(_, journey) => self.record(journey),
            Next::Wait(_) | Next::Stuck(_) => {}
        }
        next
    }

    /// Carries out a write.
    pub fn act(&mut self, act: &Act) {
        match act {
            Act::Create(body) => {
                let (kind, name) = (text(body, "/kind").unwrap(), text(body, "/metadata/name").unwrap());
                assert!(self.get(kind, name).is_none(), "{kind} {name} is there already");
                let mut body = body.clone();
                body["status"] = json!({"phase": "Pending"});
                self.put(body);
            }
            Act::Merge { kind, name, patch } => {
                let mut object = self.get(kind, name).unwrap_or_else(|| panic!("no {kind} {name}")).clone();
                for condition in ["uid", "resourceVersion"] {
                    let wanted = &patch["metadata"][condition];
                    assert!(wanted.is_null() || *wanted == object["metadata"][condition], "{condition}");
                }
                let before = object["spec"].clone();
                merge(&mut object, patch);
                if object["spec"] != before
                    && let Some(generation) = object["metadata"]["generation"].as_i64()
                {
                    object["metadata"]["generation"] = json!(generation + 1);
                }
                self.put(object);
            }
            Act::Release { kind, name, uid } => {
                assert_eq!(self.get(kind, name).unwrap()["metadata"]["uid"], uid.as_str());
                self.remove(kind, name);
            }
            Act::Delete { kind, name, uid } => {
                assert_eq!(self.get(kind, name).unwrap()["metadata"]["uid"], uid.as_str());
                self.remove(kind, name);
                if *kind == kind::DATA_VOLUME {
                    self.remove(kind::CLAIM, name);
                }
            }
            Act::Apply(body) => {
                let (kind, name) = (text(body, "/kind").unwrap(), text(body, "/metadata/name").unwrap());
                let mut object = self.get(kind, name).unwrap().clone();
                merge(&mut object, body);
                self.put(object);
            }
            Act::Replace(body) => self.put(body.clone()),
            Act::Start => {
                let vm = self.get_mut(kind::MACHINE, "web-vm").unwrap();
                vm["status"]["asked"] = json!(true);
            }
            Act::Note => {}
        }
    }

    /// Lets all happen that happens by itself.
    pub fn settle(&mut self) {
        while self.tick() {}
    }

    /// The next thing that happens by itself; whether there was one.
    pub fn tick(&mut self) -> bool {
        self.machine() || self.copies() || self.migration() || self.volume_migration()
    }

    fn machine(&mut self) -> bool {
        let vm = self.get(kind::MACHINE, "web-vm").unwrap().clone();
        let strategy = vm["spec"]["runStrategy"].as_str().unwrap();
        let wanted = strategy == "Always" || strategy == "Manual" && vm["status"]["asked"] == true;
        match (wanted, self.get(kind::INSTANCE, "web-vm")) {
            (true, None) => {
                let empty = self.empty;
                for claim in self.claims() {
                    let found = self.get_mut(kind::CLAIM, &claim).unwrap_or_else(|| panic!("no claim {claim}"));
                    found["status"]["phase"] = json!("Bound");
                    // A guest that boots from nothing has lost its disk.
                    assert!(
                        empty || found["metadata"]["content"].is_string(),
                        "{claim} is empty, and the machine starts on it"
                    );
                }
                let node = vm["spec"]["template"]["spec"]["nodeSelector"]["kubernetes.io/hostname"].as_str();
                self.put(json!({
                    "kind": kind::INSTANCE,
                    "metadata": {"name": "web-vm", "namespace": NAMESPACE, "creationTimestamp": "2026-01-01T00:00:00Z"},
                    "spec": {"volumes": vm["spec"]["template"]["spec"]["volumes"]},
                    "status": {
                        "phase": "Running", "nodeName": node.unwrap_or("one"),
                        "conditions": [
                            {"type": "Ready", "status": "True"}, {"type": "StorageLiveMigratable", "status": "True"},
                            {"type": "LiveMigratable", "status": "True"},
                        ],
                    },
                }));
                true
            }
            (false, Some(_)) => {
                self.remove(kind::INSTANCE, "web-vm");
                let vm = self.get_mut(kind::MACHINE, "web-vm").unwrap();
                vm["status"]["asked"] = Value::Null;
                true
            }
            _ => false,
        }
    }

    /// CDI, and the provisioner of the class that binds at once.
    fn copies(&mut self) -> bool {
        let pending = self.objects.values().find(|object| {
            let kind = object["kind"].as_str().unwrap();
            let class = object["spec"]["storageClassName"].as_str().unwrap_or_default();
            object["status"]["phase"] == "Pending"
                && (kind == kind::DATA_VOLUME || kind == kind::CLAIM && class != self.local)
        });
        let Some(pending) = pending.cloned() else { return false };
        let name = text(&pending, "/metadata/name").unwrap().to_owned();
        let mut done = pending.clone();
        if pending["kind"] == kind::DATA_VOLUME {
            let source = text(&pending, "/spec/source/pvc/name").unwrap();
            assert!(!self.runs(), "a copy of a disk that is written to");
            let content = self.content(source).unwrap();
            self.claim(&name, text(&pending, "/spec/pvc/storageClassName").unwrap(), "Block", &content);
            // CDI hands the annotations on.
            let claim = self.get_mut(kind::CLAIM, &name).unwrap();
            claim["metadata"]["annotations"] = pending["metadata"]["annotations"].clone();
            done["status"]["phase"] = json!("Succeeded");
        } else {
            done["status"] = json!({"phase": "Bound", "capacity": pending["spec"]["resources"]["requests"]});
        }
        self.put(done);
        true
    }

    /// A migration that was asked for.
    fn migration(&mut self) -> bool {
        let open = self.objects.values().find(|object| {
            object["kind"] == kind::MIGRATION
                && object["metadata"]["labels"].is_null()
                && !matches!(text(object, "/status/phase"), Some("Succeeded" | "Failed"))
        });
        let Some(mut open) = open.cloned() else { return false };
        if open["status"]["phase"] != "Running" {
            open["status"]["phase"] = json!("Running");
            self.put(open);
            return true;
        }
        open["status"]["phase"] = json!("Succeeded");
        self.put(open);
        self.arrive("two");
        true
    }

    fn arrive(&mut self, node: &str) {
        let instance = self.get_mut(kind::INSTANCE, "web-vm").unwrap();
        instance["status"]["nodeName"] = json!(node);
        instance["status"]["migrationState"] = json!({"completed": true});
    }

    /// A machine whose claims were exchanged: it is noted, copied, and arrives, in three steps; or it is cancelled.
    fn volume_migration(&mut self) -> bool {
        let vm = self.get(kind::MACHINE, "web-vm").unwrap().clone();
        let Some(instance) = self.get(kind::INSTANCE, "web-vm").cloned() else { return false };
        let volumes = vm["spec"]["template"]["spec"]["volumes"].clone();
        let changing = instance["status"]["changing"] == true;
        let same = claims(&volumes) == claims(&instance["spec"]["volumes"]);
        if !changing && !same && vm["spec"]["updateVolumesStrategy"] == "Migration" {
            let old = claims(&instance["spec"]["volumes"]);
            let migrated: Vec<_> = claims(&volumes)
                .into_iter()
                .zip(&old)
                .map(
                    |(new, old)| json!({"destinationPVCInfo": {"claimName": new}, "sourcePVCInfo": {"claimName": old}}),
                )
                .collect();
            let vm = self.get_mut(kind::MACHINE, "web-vm").unwrap();
            vm["status"]["volumeUpdateState"] = json!({"volumeMigrationState": {"migratedVolumes": migrated}});
            let instance = self.get_mut(kind::INSTANCE, "web-vm").unwrap();
            instance["status"]["before"] = json!(old);
            instance["status"]["changing"] = json!(true);
            instance["spec"]["volumes"] = volumes;
            condition(instance, "True");
            self.put(json!({
                "kind": kind::MIGRATION,
                "metadata": {
                    "name": format!("update-{}", self.count), "namespace": NAMESPACE,
                    "labels": {"kubevirt.io/volume-update-migration": "web-vm"},
                },
                "spec": {"vmiName": "web-vm"}, "status": {"phase": "Running"},
            }));
            return true;
        }
        if changing && !same {
            // Set back: cancelled.
            let instance = self.get_mut(kind::INSTANCE, "web-vm").unwrap();
            instance["spec"]["volumes"] = volumes;
            instance["status"]["changing"] = json!(false);
            condition(instance, "False");
            let vm = self.get_mut(kind::MACHINE, "web-vm").unwrap();
            vm["status"]["volumeUpdateState"] = json!({});
            return true;
        }
        if changing {
            let old: Vec<String> = serde_json::from_value(instance["status"]["before"].clone()).unwrap();
            for (new, old) in claims(&volumes).iter().zip(&old) {
                let content = self.content(old).unwrap();
                let claim = self.get_mut(kind::CLAIM, new).unwrap();
                claim["metadata"]["content"] = json!(content);
                claim["status"]["phase"] = json!("Bound");
            }
            let to = if instance["status"]["nodeName"] == "one" { "two" } else { "one" };
            self.arrive(to);
            let running =
                |object: &&mut Value| object["kind"] == kind::MIGRATION && object["status"]["phase"] == "Running";
            self.objects.values_mut().filter(running).for_each(|object| object["status"]["phase"] = json!("Succeeded"));
            let instance = self.get_mut(kind::INSTANCE, "web-vm").unwrap();
            instance["status"]["changing"] = json!(false);
            condition(instance, "False");
            return true;
        }
        false
    }
}

fn condition(instance: &mut Value, status: &str) {
    let all = instance["status"]["conditions"].as_array_mut().unwrap();
    all.retain(|condition| condition["type"] != "VolumesChange");
    all.push(json!({"type": "VolumesChange", "status": status, "reason": "", "message": ""}));
}

fn claims(volumes: &Value) -> Vec<String> {
    volumes.as_array().unwrap().iter().filter_map(wukong::facts::claim_of).map(str::to_owned).collect()
}

/// A JSON merge patch.
fn merge(object: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (key, value) in fields {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut object[key.as_str()], value);
        }
    }
}
