//! A machine as KubeVirt and CDI leave it, to break in one place.

use serde_json::{Value, json};
use wukong::facts::{Facts, Record, Unread, keep};
use wukong::output::lines;
use wukong::status::{Index, Status, status, subject};
use wukong::text::Styles;

/// The time of every look: 2026-01-01T12:00:00Z.
pub const NOW: i64 = 1_767_268_800;

fn claim(name: &str, size: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "prod", "uid": format!("uid-{name}"), "annotations": {}},
        "spec": {
            "storageClassName": "fast", "volumeName": format!("pv-{name}"), "volumeMode": "Block",
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}},
        },
        "status": {"phase": "Bound", "capacity": {"storage": size}, "conditions": []},
    })
}

fn volume(claim: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("pv-{claim}")},
        "spec": {"claimRef": {"namespace": "prod", "name": claim, "uid": format!("uid-{claim}")}},
        "status": {"phase": "Bound"},
    })
}

/// Objects by kind and name.
#[derive(Clone)]
pub struct World(pub Vec<Value>, pub Vec<Unread>);

impl World {
    /// A machine `web` that runs on `n1` with an imported disk and an empty one, and nothing to say.
    pub fn running() -> Self {
        let volumes = json!([
            {"name": "system", "dataVolume": {"name": "web-system"}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}},
            {"name": "cloudinit", "cloudInitNoCloud": {"secretRef": {"name": "web-cloud-init"}}},
        ]);
        let mut record = Record { run_strategy: Some("Always".into()), ..Record::default() };
        record.note("kubevirt.io/v1", "VirtualMachine", "web-vm", Some("uid-vm"));
        record.claims = [("system", "web-system"), ("data", "web-data")].map(|(d, c)| (d.into(), c.into())).into();
        let map = record.config_map("web", "prod");
        Self(
            vec![
                map,
                json!({
                    "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
                    "metadata": {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
                    "provisioner": "driver.longhorn.io", "allowVolumeExpansion": true, "volumeBindingMode": "Immediate",
                }),
                json!({
                    "apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": {},
                    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
                }),
                json!({
                    "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
                    "metadata": {
                        "name": "web-vm", "namespace": "prod", "uid": "uid-vm", "annotations": {},
                        "labels": {"vm.novasphere.dev/wukong": "web"},
                    },
                    "spec": {"runStrategy": "Always", "template": {"spec": {
                        "domain": {"devices": {"disks": [
                            {"name": "system", "serial": "system", "disk": {"bus": "virtio"}},
                            {"name": "data", "serial": "data", "disk": {"bus": "virtio"}},
                        ]}},
                        "networks": [{"name": "default", "pod": {}}, {"name": "lan", "multus": {"networkName": "web-lan"}}],
                        "volumes": volumes,
                    }}},
                    "status": {
                        "printableStatus": "Running", "observedGeneration": 2, "desiredGeneration": 2,
                        "conditions": [{"type": "Ready", "status": "True"}],
                    },
                }),
                json!({
                    "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineInstance",
                    "metadata": {
                        "name": "web-vm", "namespace": "prod", "uid": "uid-vmi",
                        "creationTimestamp": "2026-01-01T10:00:00Z",
                    },
                    "spec": {"volumes": volumes},
                    "status": {
                        "phase": "Running", "nodeName": "n1",
                        "conditions": [
                            {"type": "Ready", "status": "True"}, {"type": "AgentConnected", "status": "True"},
                            {"type": "LiveMigratable", "status": "True"},
                        ],
                        "interfaces": [{"name": "default", "mac": "02:00:00:00:00:01", "ipAddress": "10.0.0.5"}],
                        "volumeStatus": [
                            {"name": "system", "target": "vda"}, {"name": "data", "target": "vdb"},
                            {"name": "cloudinit", "target": "vdc"},
                        ],
                    },
                }),
                json!({
                    "apiVersion": "v1", "kind": "Pod",
                    "metadata": {
                        "name": "virt-launcher-web-vm-x", "namespace": "prod",
                        "creationTimestamp": "2026-01-01T10:00:00Z",
                        "labels": {"kubevirt.io": "virt-launcher", "kubevirt.io/created-by": "uid-vmi"},
                    },
                    "spec": {"nodeName": "n1", "volumes": []},
                    "status": {"phase": "Running", "conditions": [{"type": "PodScheduled", "status": "True"}]},
                }),
                json!({
                    "apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataVolume",
                    "metadata": {"name": "web-system", "namespace": "prod"},
                    "spec": {"storage": {"storageClassName": "fast"}},
                    "status": {"phase": "Succeeded", "progress": "100.0%"},
                }),
                json!({
                    "apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
                    "metadata": {"name": "web-lan", "namespace": "prod"},
                }),
                claim("web-system", "20Gi"),
                claim("web-data", "50Gi"),
                volume("web-system"),
                volume("web-data"),
            ],
            Vec::new(),
        )
    }

    /// The same machine on its way up: no instance yet.
    pub fn starting() -> Self {
        let mut world = Self::running();
        world.remove("VirtualMachineInstance", "web-vm");
        world.remove("Pod", "virt-launcher-web-vm-x");
        world.edit("VirtualMachine", "web-vm", "/status", json!({"printableStatus": "Starting"}));
        world
    }

    /// The same machine with an instance that waits for its pod.
    pub fn scheduling() -> Self {
        let mut world = Self::running();
        world.edit("VirtualMachine", "web-vm", "/status", json!({"printableStatus": "Starting"}));
        world.edit("VirtualMachineInstance", "web-vm", "/status", json!({"phase": "Scheduling"}));
        world.edit("Pod", "virt-launcher-web-vm-x", "/status", json!({"phase": "Pending"}));
        world.edit("Pod", "virt-launcher-web-vm-x", "/spec", json!({}));
        world
    }

    /// The same machine, stopped by the file.
    pub fn stopped() -> Self {
        let mut world = Self::starting();
        world.edit("VirtualMachine", "web-vm", "/spec/runStrategy", json!("Halted"));
        world.edit("VirtualMachine", "web-vm", "/status", json!({
            "printableStatus": "Stopped",
            "conditions": [{"type": "Ready", "status": "False", "reason": "VMINotExists", "message": "VMI does not exist"}],
        }));
        world.record(|record| record.run_strategy = Some("Halted".into()));
        world
    }

    pub fn object(&mut self, kind: &str, name: &str) -> &mut Value {
        let found = self.0.iter_mut().find(|o| o["kind"] == kind && o["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    /// Sets a field, making what leads to it.
    pub fn edit(&mut self, kind: &str, name: &str, pointer: &str, value: Value) -> &mut Self {
        let mut at = self.object(kind, name);
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/");
            at = match step.parse::<usize>() {
                Ok(index) if at.is_array() => &mut at[index],
                _ => &mut at[step.as_str()],
            };
        }
        *at = value;
        self
    }

    pub fn record(&mut self, change: impl FnOnce(&mut Record)) -> &mut Self {
        let map = self.object("ConfigMap", "wukong-web");
        let mut record = Record::read(map).unwrap();
        change(&mut record);
        let new = record.config_map("web", "prod");
        *map = new;
        self
    }

    pub fn remove(&mut self, kind: &str, name: &str) -> &mut Self {
        let before = self.0.len();
        self.0.retain(|o| !(o["kind"] == kind && o["metadata"]["name"] == name));
        assert!(self.0.len() < before, "no {kind} {name}");
        self
    }

    pub fn add(&mut self, object: Value) -> &mut Self {
        self.0.push(object);
        self
    }

    /// A warning about an object.
    pub fn warn(&mut self, name: &str, reason: &str, message: &str) -> &mut Self {
        let number = self.0.len();
        self.add(json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": format!("e{number}"), "namespace": "prod"},
            "type": "Warning", "reason": reason, "message": message, "involvedObject": {"name": name},
            "lastTimestamp": "2026-01-01T11:59:00Z",
        }))
    }

    /// The disk `system` on its way, with this status of its DataVolume.
    pub fn filling(&mut self, status: Value) -> &mut Self {
        self.edit("DataVolume", "web-system", "/status", status)
    }

    /// A claim that is not bound, without a volume.
    pub fn unbound(&mut self, claim: &str) -> &mut Self {
        self.edit("PersistentVolumeClaim", claim, "/status", json!({"phase": "Pending"}));
        self.edit("PersistentVolumeClaim", claim, "/spec/volumeName", Value::Null)
    }

    pub fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        self.0.iter().for_each(|object| facts.insert(object.clone()));
        self.1.iter().for_each(|unread| facts.unread(unread.clone()));
        facts
    }

    /// The status of `web`, which is the same if only what is kept of the objects is known.
    pub fn status(&self) -> Status {
        self.status_of("web")
    }

    pub fn status_of(&self, name: &str) -> Status {
        let whole = self.facts();
        let mut kept = Facts::default();
        self.0.iter().for_each(|object| kept.insert(keep(object)));
        self.1.iter().for_each(|unread| kept.unread(unread.clone()));
        let of = |facts: &Facts| status(&Index::of(facts), &subject(name, "prod", facts), NOW);
        let (one, other) = (of(&whole), of(&kept));
        assert_eq!(one.causes, other.causes, "a field that a rule reads is not kept");
        other
    }
}

/// What people read below the table, in wide lines.
pub fn told(status: &Status) -> String {
    status.causes.iter().map(|cause| lines(cause, &Styles::default(), 500)).collect()
}

/// A change of a world.
pub type Break = fn(&mut World);

/// Checks the lines for a broken world.
pub fn case(mut world: World, change: Break, expected: &str) {
    change(&mut world);
    let status = world.status();
    assert_eq!(told(&status), expected, "{:#?}", status.causes);
}
