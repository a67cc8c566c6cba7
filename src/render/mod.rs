//! From a machine to the objects that KubeVirt and CDI accept. Nothing is decided here and nothing can fail.

mod claim;
mod cloud_init;
mod data_volume;
mod keep;
mod network;
mod virtual_machine;

pub(crate) use keep::{AUTO_EXPAND, MAX_SIZE, is_keep};

use serde_json::{Map, Value, json};

use crate::machine::{Binding, MANAGED_LABEL, Machine, Options, Origin};

/// One object, ready to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// What kind of object it is.
    pub kind: Kind,
    /// Its namespace, if one is known.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// What it is for, in one line, for people who read the result.
    pub purpose: String,
    /// The object.
    pub object: Value,
}

/// The kinds of objects that are rendered, in the order in which they are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A network of the nodes that machines can join.
    NetworkAttachmentDefinition,
    /// User and network data.
    Secret,
    /// A claim for an empty disk.
    PersistentVolumeClaim,
    /// A claim that is filled.
    DataVolume,
    /// The machine.
    VirtualMachine,
}

impl Kind {
    /// The kind's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NetworkAttachmentDefinition => "NetworkAttachmentDefinition",
            Self::Secret => "Secret",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::DataVolume => "DataVolume",
            Self::VirtualMachine => "VirtualMachine",
        }
    }

    /// Group and version.
    pub const fn api_version(self) -> &'static str {
        match self {
            Self::NetworkAttachmentDefinition => "k8s.cni.cncf.io/v1",
            Self::Secret | Self::PersistentVolumeClaim => "v1",
            Self::DataVolume => "cdi.kubevirt.io/v1beta1",
            Self::VirtualMachine => "kubevirt.io/v1",
        }
    }
}

/// All objects of one machine, in the order of their kinds and of the file.
pub fn render(machine: &Machine, options: &Options) -> Vec<Manifest> {
    let mut manifests = Vec::new();
    for nic in &machine.nics {
        if let Binding::Rendered { name, plugin, bridge, vlan } = &nic.binding {
            manifests.push(network::manifest(machine, nic, name, plugin, bridge, *vlan));
        }
    }
    manifests.extend(cloud_init::manifest(machine));
    let empty = machine.disks.iter().filter(|disk| matches!(disk.origin, Origin::Empty));
    manifests.extend(empty.map(|disk| claim::manifest(machine, disk, options)));
    for disk in &machine.disks {
        if let Origin::Imported { source, secret, certificates } = &disk.origin {
            let extras = data_volume::Extras { secret: secret.as_deref(), certificates: certificates.as_deref() };
            manifests.push(data_volume::manifest(machine, disk, source, &extras, options));
        }
    }
    manifests.push(virtual_machine::manifest(machine));
    manifests
}

/// An object of a machine: type, name, namespace, the label that finds it, annotations, and then its own fields.
fn manifest(
    machine: &Machine,
    kind: Kind,
    name: &str,
    purpose: String,
    annotations: Map<String, Value>,
    fields: Value,
) -> Manifest {
    let mut metadata = Map::new();
    metadata.insert("name".into(), json!(name));
    if let Some(namespace) = &machine.namespace {
        metadata.insert("namespace".into(), json!(namespace));
    }
    metadata.insert("labels".into(), json!({ MANAGED_LABEL: machine.name }));
    if !annotations.is_empty() {
        metadata.insert("annotations".into(), Value::Object(annotations));
    }
    let mut object = Map::new();
    object.insert("apiVersion".into(), json!(kind.api_version()));
    object.insert("kind".into(), json!(kind.as_str()));
    object.insert("metadata".into(), Value::Object(metadata));
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    Manifest {
        kind,
        namespace: machine.namespace.clone(),
        name: name.to_owned(),
        purpose,
        object: Value::Object(object),
    }
}
