//! The VirtualMachine.

use serde_json::{Map, Value, json};

use super::{Kind, Manifest};
use crate::machine::{Binding, CLOUD_INIT_DISK, Disk, MANAGED_LABEL, Machine, Nic, Origin, Placement, Spread};
use crate::spec::Toleration;

/// The annotation that names the guest's operating system.
const OS_ANNOTATION: &str = "vm.kubevirt.io/os";

pub(super) fn manifest(machine: &Machine) -> Manifest {
    let run = machine.run_strategy.as_str();
    let purpose = format!("machine {}: run strategy {run}", machine.name);
    let mut template = Map::new();
    template.insert("metadata".into(), template_metadata(machine));
    template.insert("spec".into(), template_spec(machine));
    let fields = json!({"spec": {"runStrategy": run, "template": template}});
    let annotations = pairs(&machine.annotations);
    let mut manifest = super::manifest(machine, Kind::VirtualMachine, &machine.vm_name(), purpose, annotations, fields);
    manifest.object["metadata"]["labels"] = Value::Object(labels(machine));
    manifest
}

/// The person's labels, and the one that finds the machine.
fn labels(machine: &Machine) -> Map<String, Value> {
    let mut labels = Map::new();
    labels.insert(MANAGED_LABEL.into(), json!(machine.name));
    labels.extend(pairs(&machine.labels));
    labels
}

fn pairs(pairs: &[(String, String)]) -> Map<String, Value> {
    pairs.iter().map(|(key, value)| (key.clone(), json!(value))).collect()
}

fn template_metadata(machine: &Machine) -> Value {
    let mut metadata = Map::new();
    metadata.insert("labels".into(), Value::Object(labels(machine)));
    let mut annotations = pairs(&machine.annotations);
    if let Some(os) = &machine.os {
        annotations.insert(OS_ANNOTATION.into(), json!(os));
    }
    if !annotations.is_empty() {
        metadata.insert("annotations".into(), Value::Object(annotations));
    }
    Value::Object(metadata)
}

fn template_spec(machine: &Machine) -> Value {
    let mut spec = Map::new();
    placement(&machine.placement, &mut spec);
    spec.insert("domain".into(), domain(machine));
    let networks: Vec<_> = machine.nics.iter().map(network).collect();
    spec.insert("networks".into(), json!(networks));
    let volumes = volumes(machine);
    if !volumes.is_empty() {
        spec.insert("volumes".into(), json!(volumes));
    }
    let credentials = access_credentials(machine);
    if !credentials.is_empty() {
        spec.insert("accessCredentials".into(), json!(credentials));
    }
    Value::Object(spec)
}

fn domain(machine: &Machine) -> Value {
    let topology = machine.compute.topology;
    let mut devices = Map::new();
    let mut disks: Vec<_> = machine.disks.iter().map(disk).collect();
    if machine.has_cloud_init() {
        disks.push(json!({"name": CLOUD_INIT_DISK, "disk": {"bus": "virtio"}}));
    }
    if !disks.is_empty() {
        devices.insert("disks".into(), json!(disks));
    }
    let interfaces: Vec<_> = machine.nics.iter().map(interface).collect();
    devices.insert("interfaces".into(), json!(interfaces));
    json!({
        "cpu": {"sockets": topology.sockets, "cores": topology.cores, "threads": topology.threads},
        "memory": {"guest": machine.compute.memory.as_str()},
        "firmware": {"uuid": machine.uuid},
        "devices": devices,
    })
}

fn disk(disk: &Disk) -> Value {
    let mut device = json!({"bus": "virtio"});
    if disk.read_only {
        device["readonly"] = json!(true);
    }
    let mut entry = json!({"name": disk.name, "serial": disk.serial, "disk": device});
    if disk.boot {
        // With one boot order given, the firmware tries no disk without.
        entry["bootOrder"] = json!(1);
    }
    entry
}

fn volumes(machine: &Machine) -> Vec<Value> {
    let mut volumes: Vec<_> = machine.disks.iter().map(volume).collect();
    if machine.has_cloud_init() {
        let secret = json!({"name": machine.secret_name()});
        let mut source = Map::new();
        if machine.access.needs_user_data() {
            source.insert("secretRef".into(), secret.clone());
        }
        if machine.has_network_data() {
            source.insert("networkDataSecretRef".into(), secret);
        }
        volumes.push(json!({"name": CLOUD_INIT_DISK, "cloudInitNoCloud": source}));
    }
    volumes
}

fn volume(disk: &Disk) -> Value {
    match disk.origin {
        // KubeVirt shows the progress of an import only for this source.
        Origin::Imported { .. } => json!({"name": disk.name, "dataVolume": {"name": disk.claim}}),
        Origin::Empty => json!({"name": disk.name, "persistentVolumeClaim": {"claimName": disk.claim}}),
        Origin::Existing => {
            let mut claim = json!({"claimName": disk.claim});
            if disk.read_only {
                claim["readOnly"] = json!(true);
            }
            json!({"name": disk.name, "persistentVolumeClaim": claim})
        }
    }
}

fn network(nic: &Nic) -> Value {
    match &nic.binding {
        Binding::Pod => json!({"name": nic.name, "pod": {}}),
        Binding::Bridge(nad) | Binding::Sriov(nad) => json!({"name": nic.name, "multus": {"networkName": nad}}),
        Binding::Rendered { name, .. } => json!({"name": nic.name, "multus": {"networkName": name}}),
    }
}

fn interface(nic: &Nic) -> Value {
    let binding = match nic.binding {
        Binding::Pod => "masquerade",
        Binding::Bridge(_) | Binding::Rendered { .. } => "bridge",
        Binding::Sriov(_) => "sriov",
    };
    let mut interface = json!({"name": nic.name, binding: {}});
    if let Some(mac) = &nic.mac {
        interface["macAddress"] = json!(mac.value);
    }
    interface
}

/// Public keys go to cloud-init's default user; a password from a Secret is set by the guest agent.
fn access_credentials(machine: &Machine) -> Vec<Value> {
    let mut credentials = Vec::new();
    if let Some(secret) = &machine.access.key_secret {
        credentials.push(json!({"sshPublicKey": {
            "source": {"secret": {"secretName": secret.value}},
            "propagationMethod": {"noCloud": {}},
        }}));
    }
    if let Some(secret) = &machine.access.password_secret {
        credentials.push(json!({"userPassword": {
            "source": {"secret": {"secretName": secret.value}},
            "propagationMethod": {"qemuGuestAgent": {}},
        }}));
    }
    credentials
}

fn placement(placement: &Placement, spec: &mut Map<String, Value>) {
    spec.insert("terminationGracePeriodSeconds".into(), json!(placement.grace_period));
    spec.insert("evictionStrategy".into(), json!(placement.eviction.as_str()));
    if !placement.node_selector.is_empty() {
        spec.insert("nodeSelector".into(), Value::Object(pairs(&placement.node_selector)));
    }
    if !placement.tolerations.is_empty() {
        spec.insert("tolerations".into(), placement.tolerations.iter().map(toleration).collect());
    }
    if let Some(spread) = &placement.spread {
        let selector = match spread {
            Spread::Label(key, value) => json!({"matchLabels": {key: value}}),
            Spread::All => json!({"matchExpressions": [{"key": MANAGED_LABEL, "operator": "Exists"}]}),
        };
        let term = json!({"weight": 100, "podAffinityTerm": {
            "labelSelector": selector,
            "topologyKey": "kubernetes.io/hostname",
        }});
        spec.insert(
            "affinity".into(),
            json!({"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [term]}}),
        );
    }
}

fn toleration(toleration: &Toleration) -> Value {
    let mut out = Map::new();
    let mut text = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            out.insert(key.to_owned(), json!(value));
        }
    };
    text("key", toleration.key.as_ref().map(|key| key.value.as_str()));
    text("operator", toleration.operator.as_ref().map(|operator| operator.value.as_str()));
    text("value", toleration.value.as_ref().map(|value| value.value.as_str()));
    text("effect", toleration.effect.as_ref().map(|effect| effect.value.as_str()));
    if let Some(seconds) = &toleration.toleration_seconds {
        out.insert("tolerationSeconds".into(), json!(seconds.0));
    }
    Value::Object(out)
}
