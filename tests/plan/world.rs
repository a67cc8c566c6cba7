//! A cluster in memory: what apply would leave, with what KubeVirt's and CDI's webhooks and controllers write of their
//! own. Nothing of it is taken from the code under test, except for the plan that is applied.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use wukong::facts::{Facts, Record, Unread};
use wukong::machine::Origin;
use wukong::plan::{Op, Plan, Step, Wishes, compare};
use wukong::quantity::Quantity;
use wukong::{Machine, Options};

use crate::support::read;

pub const CLAIM: &str = "PersistentVolumeClaim";
pub const VOLUME: &str = "DataVolume";
pub const VM: &str = "VirtualMachine";

/// A file of one disk of each kind, and a network that is made.
pub const WEB: &str = "
apiVersion: vm.novasphere.dev/v1alpha1
kind: Wukong
metadata: {name: web, namespace: prod}
spec:
  cpu: 2
  memory: 4Gi
  disks:
  - {name: system, size: 20Gi, image: 'quay.io/containerdisks/fedora:42', storageClassName: fast}
  - {name: data, size: 50Gi, storageClassName: fast}
  networks:
  - {name: default}
  - {name: lan, type: bridge, bridgeName: br0}
  cloudInitUser: {name: fedora, passwordHash: '$1$wukong$/AL605Z72lSP/u574vB73/'}
";

/// What is there.
#[derive(Clone, Default)]
pub struct World {
    objects: BTreeMap<(String, String, String), Value>,
    unread: Vec<Unread>,
    made: u32,
}

/// All machines of a text, with the policies that the examples need.
pub fn machines(text: &str) -> (Vec<Machine>, Options) {
    let policy = Options::parse_policy("fast=longhorn-ssd:ReadWriteMany:Block").unwrap();
    let options = Options { policies: vec![policy], ..Options::default() };
    let loaded = read(text, &options);
    let errors: Vec<_> = loaded.report.problems().iter().map(|problem| problem.message.clone()).collect();
    assert!(loaded.report.is_valid(), "{errors:?}\n{text}");
    (loaded.machines, options)
}

/// A text with parts replaced, each of which must be there.
pub fn edited(text: &str, edits: &[(&str, &str)]) -> String {
    edits.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "no {from} in {text}");
        text.replace(from, to)
    })
}

fn key(object: &Value) -> (String, String, String) {
    let part = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    (part("/kind"), part("/metadata/namespace"), part("/metadata/name"))
}

impl World {
    /// A cluster with classes that grow and do not, and with KubeVirt and CDI as they are today.
    pub fn new() -> Self {
        let mut world = Self::default();
        let classes = [
            ("fast", "driver.longhorn.io", true),
            ("longhorn", "driver.longhorn.io", true),
            ("fixed", "driver.longhorn.io", false),
            ("local-path", "rancher.io/local-path", true),
        ];
        for (name, provisioner, grows) in classes {
            world.insert(json!({
                "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
                "provisioner": provisioner, "allowVolumeExpansion": grows, "volumeBindingMode": "Immediate",
            }));
        }
        world.insert(json!({
            "kind": "KubeVirt", "metadata": {"name": "kubevirt", "namespace": "kubevirt"},
            "spec": {
                "configuration": {"vmRolloutStrategy": "LiveUpdate"},
                "workloadUpdateStrategy": {"workloadUpdateMethods": ["LiveMigrate"]},
            },
            "status": {"observedKubeVirtVersion": "v1.8.0"},
        }));
        world.insert(json!({
            "kind": "CDIConfig", "metadata": {"name": "config"},
            "status": {"filesystemOverhead": {"global": "0.06", "storageClass": {}}},
        }));
        world
    }

    /// A cluster in which every machine of a text was applied, twice: only then is the claim of a DataVolume known.
    pub fn applied(text: &str) -> Self {
        let mut world = Self::new();
        let (machines, options) = machines(text);
        for machine in &machines {
            world.supply(machine);
            for _ in 0..2 {
                let plan = compare(machine, &options, &world.facts(), Wishes::default());
                assert!(plan.refusals.is_empty() && plan.conflicts.is_empty(), "{:?}", plan.refusals);
                world.apply(&plan);
            }
        }
        world
    }

    /// The claims that a machine expects to be there.
    pub fn supply(&mut self, machine: &Machine) {
        let namespace = machine.namespace.clone().unwrap_or_else(|| "default".into());
        for disk in machine.disks.iter().filter(|disk| matches!(disk.origin, Origin::Existing)) {
            self.insert(claim(&namespace, &disk.claim));
        }
    }

    pub fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        for object in self.objects.values() {
            facts.insert(object.clone());
        }
        for unread in &self.unread {
            facts.unread(unread.clone());
        }
        facts
    }

    /// The plan for the only machine of a text.
    pub fn plan(&self, text: &str) -> Plan {
        self.plan_with(text, Wishes::default())
    }

    pub fn plan_with(&self, text: &str, wishes: Wishes) -> Plan {
        let (machines, options) = machines(text);
        assert_eq!(machines.len(), 1, "one machine");
        compare(&machines[0], &options, &self.facts(), wishes)
    }

    pub fn insert(&mut self, object: Value) {
        self.objects.insert(key(&object), object);
    }

    pub fn object(&self, kind: &str, name: &str) -> &Value {
        let found = self.objects.iter().find(|((k, _, n), _)| k == kind && n == name);
        found.unwrap_or_else(|| panic!("no {kind} {name}")).1
    }

    /// Changes an object in place.
    pub fn edit(&mut self, kind: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let found = self.objects.iter_mut().find(|((k, _, n), _)| k == kind && n == name);
        change(found.unwrap_or_else(|| panic!("no {kind} {name}")).1);
    }

    pub fn remove(&mut self, kind: &str, name: &str) {
        let key = key(self.object(kind, name));
        self.objects.remove(&key);
    }

    /// All objects, for tests that break any of them.
    pub fn all(&mut self) -> impl Iterator<Item = &mut Value> {
        self.objects.values_mut()
    }

    /// Makes a kind unreadable: what is there is not seen any more.
    pub fn forbid(&mut self, kind: &str) {
        self.objects.retain(|(k, _, _), _| k != kind);
        self.unread.push(Unread { kind: kind.into(), namespace: None, reason: format!("list {kind} is forbidden") });
    }

    /// Another manager writes a field of a machine, as `kubectl edit` does.
    pub fn taken_by(&mut self, kind: &str, name: &str, manager: &str, path: &[&str], value: Value) {
        self.edit(kind, name, |object| {
            let fields = path.iter().rev().fold(json!({}), |below, key| json!({ format!("f:{key}"): below }));
            let mut place = &mut *object;
            for key in path {
                place = &mut place[*key];
            }
            *place = value;
            let managers = object["metadata"]["managedFields"].as_array_mut().unwrap();
            for entry in managers.iter_mut() {
                disown(&mut entry["fieldsV1"], path);
            }
            managers.push(json!({"manager": manager, "operation": "Update", "fieldsV1": fields}));
        });
    }

    /// A running instance of a machine, with room to grow.
    pub fn starts(&mut self, vm: &str) {
        let mut spec = self.object(VM, vm)["spec"]["template"]["spec"].clone();
        spec["domain"]["cpu"]["maxSockets"] = json!(8);
        spec["domain"]["memory"]["maxGuest"] = json!("16Gi");
        let namespace = self.object(VM, vm)["metadata"]["namespace"].clone();
        self.insert(json!({
            "kind": "VirtualMachineInstance", "metadata": {"name": vm, "namespace": namespace}, "spec": spec,
            "status": {"phase": "Running", "conditions": [{"type": "LiveMigratable", "status": "True"}]},
        }));
    }

    fn uid(&mut self) -> Value {
        self.made += 1;
        json!(format!("uid-{}", self.made))
    }

    /// Does what a plan says, and then what the cluster does by itself.
    pub fn apply(&mut self, plan: &Plan) {
        let mut record = plan.after.clone();
        for step in &plan.steps {
            match step.op {
                Op::Keep => continue,
                Op::Delete => self.remove(&step.kind, &step.name),
                Op::Create | Op::Update | Op::Adopt | Op::Grow => {
                    let mut object = step.expected.clone().unwrap();
                    if step.op == Op::Create {
                        object["metadata"]["uid"] = self.uid();
                        object["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
                        self.webhooks(&mut object);
                    }
                    object["metadata"]["resourceVersion"] = self.uid();
                    if step.op != Op::Grow {
                        owned(&mut object, &plan.name, step);
                    }
                    self.insert(object);
                }
            }
            let uid = self.objects.get(&key(&step.body)).and_then(|object| object["metadata"]["uid"].as_str());
            if step.op != Op::Delete {
                record.note(&step.api_version, &step.kind, &step.name, uid);
            }
        }
        let mut object = record.config_map(&plan.name, &plan.namespace);
        object["metadata"]["uid"] = self.uid();
        self.insert(object);
    }

    /// What the webhooks and controllers of KubeVirt and CDI, and the API server itself, do with a new object.
    fn webhooks(&mut self, object: &mut Value) {
        let kind = object["kind"].as_str().unwrap().to_owned();
        match kind.as_str() {
            VM => {
                let spec = &mut object["spec"]["template"]["spec"];
                spec["architecture"] = json!("amd64");
                spec["domain"]["machine"] = json!({"type": "q35"});
                spec["domain"]["resources"] = json!({});
                spec["domain"]["firmware"]["serial"] = json!("0f0e0d0c");
                spec["domain"]["memory"]["guest"] = canonical(&spec["domain"]["memory"]["guest"]);
                let template = &mut object["spec"]["template"]["metadata"];
                template["creationTimestamp"] = Value::Null;
                template["annotations"]["kubevirt.io/pci-topology-version"] = json!("v3");
                object["status"] = json!({"created": false, "printableStatus": "Stopped"});
            }
            CLAIM => {
                let name = object["metadata"]["name"].as_str().unwrap().to_owned();
                bind(object, &name);
            }
            VOLUME => {
                let mut request = None;
                if let Some(size) = object.pointer_mut("/spec/storage/resources/requests/storage") {
                    *size = canonical(size);
                    request = size.as_str().and_then(|size| Quantity::parse(size).ok()).and_then(|size| size.units());
                }
                object["status"] =
                    json!({"phase": "Succeeded", "progress": "100.0%", "claimName": object["metadata"]["name"]});
                let mut claim = claim_of(object, request);
                claim["metadata"]["uid"] = self.uid();
                self.insert(claim);
            }
            _ => {}
        }
    }
}

/// The claim that CDI makes for a DataVolume. Source: CDI, `GetRequiredSpace`.
fn claim_of(volume: &Value, request: Option<u64>) -> Value {
    let storage = &volume["spec"]["storage"];
    let aligned = request.unwrap_or(10 << 30).div_ceil(1 << 20) << 20;
    let block = storage["volumeMode"] == "Block";
    let bytes = if block { request.unwrap_or_default() } else { (aligned * 100).div_ceil(94) };
    let mut metadata = volume["metadata"].clone();
    metadata["labels"]["app"] = json!("containerized-data-importer");
    metadata["annotations"]["cdi.kubevirt.io/storage.import.importPodName"] = json!("importer");
    metadata["ownerReferences"] = json!([{
        "apiVersion": "cdi.kubevirt.io/v1beta1", "kind": VOLUME, "name": metadata["name"],
        "uid": metadata["uid"], "controller": true, "blockOwnerDeletion": true,
    }]);
    metadata["managedFields"] = json!([{
        "manager": "virt-cdi-controller", "operation": "Update",
        "fieldsV1": {"f:spec": {"f:resources": {"f:requests": {"f:storage": {}}}}},
    }]);
    let mut claim = json!({"apiVersion": "v1", "kind": CLAIM, "metadata": metadata, "spec": {
        "accessModes": storage["accessModes"],
        "volumeMode": storage.get("volumeMode").cloned().unwrap_or_else(|| json!("Filesystem")),
        "storageClassName": storage.get("storageClassName").cloned().unwrap_or_else(|| json!("fast")),
        "resources": {"requests": {"storage": bytes.to_string()}},
    }});
    let name = claim["metadata"]["name"].as_str().unwrap().to_owned();
    bind(&mut claim, &name);
    claim
}

/// A bound claim, as the API server and a provisioner leave it.
fn bind(object: &mut Value, name: &str) {
    let spec = &mut object["spec"];
    spec["volumeName"] = json!(format!("pvc-{name}"));
    for (key, value) in [("volumeMode", "Filesystem"), ("storageClassName", "fast")] {
        if spec.get(key).is_none() {
            spec[key] = json!(value);
        }
    }
    let request = canonical(&spec["resources"]["requests"]["storage"]);
    spec["resources"]["requests"]["storage"] = request.clone();
    object["status"] =
        json!({"phase": "Bound", "accessModes": object["spec"]["accessModes"], "capacity": {"storage": request}});
}

/// A claim that nobody in particular made.
pub fn claim(namespace: &str, name: &str) -> Value {
    let mut object = json!({
        "apiVersion": "v1", "kind": CLAIM,
        "metadata": {"name": name, "namespace": namespace, "uid": format!("foreign-{name}")},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}},
    });
    bind(&mut object, name);
    object
}

/// The spelling that the API server writes. Source: apimachinery, `Quantity.CanonicalizeBytes`.
fn canonical(text: &Value) -> Value {
    let Some(spelled) = text.as_str() else { return text.clone() };
    let Some(units) = Quantity::parse(spelled).ok().and_then(|quantity| quantity.units()) else { return text.clone() };
    let suffixes: &[(&str, u64)] = if spelled.ends_with('i') {
        &[("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)]
    } else {
        &[("T", 1_000_000_000_000), ("G", 1_000_000_000), ("M", 1_000_000), ("k", 1000)]
    };
    let suffix = suffixes.iter().find(|(_, unit)| units > 0 && units.is_multiple_of(*unit));
    json!(suffix.map_or_else(|| units.to_string(), |(suffix, unit)| format!("{}{suffix}", units / unit)))
}

/// The fields of what was applied belong to the Wukong's manager from then on; lists belong to it whole.
fn owned(object: &mut Value, wukong: &str, step: &Step) {
    let mut fields = step.body.clone();
    if let Some(fields) = fields.as_object_mut() {
        fields.retain(|key, _| !matches!(key.as_str(), "apiVersion" | "kind"));
    }
    if let Some(metadata) = fields["metadata"].as_object_mut() {
        metadata.retain(|key, _| !matches!(key.as_str(), "name" | "namespace"));
    }
    let manager = Record::manager(wukong);
    let managers = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let mut managers: Vec<_> = managers.into_iter().filter(|entry| entry["manager"] != *manager).collect();
    if step.force {
        for path in leaves(&step.body) {
            let path: Vec<_> = path.iter().map(String::as_str).collect();
            for entry in managers.iter_mut().filter(|entry| entry["subresource"] != "status") {
                disown(&mut entry["fieldsV1"], &path);
            }
        }
    }
    managers.push(json!({"manager": manager, "operation": "Apply", "fieldsV1": field_set(&fields)}));
    object["metadata"]["managedFields"] = json!(managers);
}

fn field_set(value: &Value) -> Value {
    let fields = value.as_object().into_iter().flatten();
    Value::Object(fields.map(|(key, below)| (format!("f:{key}"), field_set(below))).collect::<Map<_, _>>())
}

fn leaves(value: &Value) -> Vec<Vec<String>> {
    match value.as_object().filter(|fields| !fields.is_empty()) {
        None => vec![Vec::new()],
        Some(fields) => fields
            .iter()
            .flat_map(|(key, below)| leaves(below).into_iter().map(|path| [vec![key.clone()], path].concat()))
            .collect(),
    }
}

fn disown(fields: &mut Value, path: &[&str]) {
    let Some((first, rest)) = path.split_first() else { return };
    let key = format!("f:{first}");
    let Some(fields) = fields.as_object_mut() else { return };
    match fields.get_mut(&key) {
        Some(below) if !rest.is_empty() && below.as_object().is_some_and(|below| !below.is_empty()) => {
            disown(below, rest);
            if below.as_object().is_some_and(Map::is_empty) {
                fields.remove(&key);
            }
        }
        Some(_) => {
            fields.remove(&key);
        }
        None => {}
    }
}
