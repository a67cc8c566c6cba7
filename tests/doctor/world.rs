//! A cluster that is fit, to break in one place.

use serde_json::{Value, json};
use wukong::doctor::{Check, KINDS, Server, State, doctor, rights};
use wukong::facts::{Facts, Unread, keep};
use wukong::output::checks;
use wukong::text::Styles;

/// Objects, what could not be read, and the server.
pub struct World {
    objects: Vec<Value>,
    unread: Vec<Unread>,
    pub server: Server,
}

pub fn node(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "allocatable": {"cpu": "8", "devices.kubevirt.io/kvm": "1k", "devices.kubevirt.io/tun": "1k"},
        },
    })
}

/// A class with all that CDI and the snapshot controller know of it.
pub fn class(name: &str, driver: &str) -> [Value; 4] {
    [
        json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name, "annotations": {}},
            "provisioner": driver, "allowVolumeExpansion": true,
        }),
        json!({
            "apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "StorageProfile", "metadata": {"name": name},
            "status": {"claimPropertySets": [{"accessModes": ["ReadWriteOnce"], "volumeMode": "Block"}]},
        }),
        json!({
            "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass", "metadata": {"name": driver},
            "driver": driver,
        }),
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": driver}}),
    ]
}

impl World {
    pub fn fit() -> Self {
        let kubevirt = json!({
            "apiVersion": "kubevirt.io/v1", "kind": "KubeVirt", "metadata": {"name": "kubevirt", "namespace": "kubevirt"},
            "spec": {"workloadUpdateStrategy": {"workloadUpdateMethods": ["LiveMigrate"]}},
            "status": {"observedKubeVirtVersion": "v1.8.1", "phase": "Deployed"},
        });
        let cdi = json!({
            "apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "CDI", "metadata": {"name": "cdi"},
            "status": {"observedVersion": "v1.61.1", "phase": "Deployed"},
        });
        let config = json!({
            "apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "CDIConfig", "metadata": {"name": "config"},
            "spec": {"featureGates": ["HonorWaitForFirstConsumer"]},
        });
        let mut world = Self {
            objects: vec![kubevirt, cdi, config, node("n1"), node("n2")],
            unread: Vec::new(),
            server: Server {
                kubernetes: Ok((1, 34)),
                kinds: KINDS.map(|kind| (kind.to_owned(), Ok(true))).into(),
                rights: rights().into_iter().map(|right| (right, Ok(true))).collect(),
                namespace: "prod".into(),
            },
        };
        world.class("fast", "driver.longhorn.io").default("fast", "storageclass.kubernetes.io/is-default-class");
        world
    }

    /// Adds a class.
    pub fn class(&mut self, name: &str, driver: &str) -> &mut Self {
        self.objects.extend(class(name, driver));
        self
    }

    pub fn default(&mut self, class: &str, annotation: &str) -> &mut Self {
        self.object("StorageClass", class)["metadata"]["annotations"][annotation] = json!("true");
        self
    }

    pub fn object(&mut self, kind: &str, name: &str) -> &mut Value {
        let found = self.objects.iter_mut().find(|o| o["kind"] == kind && o["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    pub fn remove(&mut self, kind: &str) -> &mut Self {
        self.objects.retain(|object| object["kind"] != kind);
        self
    }

    pub fn kubevirt(&mut self) -> &mut Value {
        self.object("KubeVirt", "kubevirt")
    }

    /// The lists of a kind are forbidden.
    pub fn forbid(&mut self, kind: &str) -> &mut Self {
        self.remove(kind);
        let reason = format!("cannot list {kind}: forbidden");
        self.unread.push(Unread { kind: kind.into(), namespace: None, reason });
        self
    }

    /// The checks, which are the same if only what is kept of the objects is known.
    pub fn checks(&self) -> Vec<Check> {
        let of = |part: fn(&Value) -> Value| {
            let mut facts = Facts::default();
            self.objects.iter().for_each(|object| facts.insert(part(object)));
            self.unread.iter().for_each(|unread| facts.unread(unread.clone()));
            doctor(&facts, &self.server)
        };
        let found = of(keep);
        assert_eq!(of(Value::clone), found, "a field that a check reads is not kept");
        found
    }
}

/// What people read about a cluster, in wide lines, without what is fine, the titles and the summary.
pub fn told(world: &World) -> String {
    let found: Vec<_> = world.checks().into_iter().filter(|check| check.state != State::Ok).collect();
    let shown = checks(&found, &Styles::default(), 500);
    shown.lines().filter(|line| line.starts_with("  ")).map(|line| format!("{line}\n")).collect()
}

/// Breaks a cluster that is fit, and checks what is told.
pub fn case(change: fn(&mut World), expected: &str) {
    let mut world = World::fit();
    change(&mut world);
    assert_eq!(told(&world), expected);
}
