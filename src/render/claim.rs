//! A PersistentVolumeClaim for an empty disk, and the storage fields that it shares with a DataVolume.

use serde_json::{Map, Value, json};

use super::{Kind, Manifest, keep};
use crate::machine::{Disk, Machine, Options};

pub(super) fn manifest(machine: &Machine, disk: &Disk, options: &Options) -> Manifest {
    let purpose = format!("disk {} of {}: empty", disk.name, machine.name);
    let fields = json!({"spec": storage(disk)});
    super::manifest(machine, Kind::PersistentVolumeClaim, &disk.claim, purpose, keep::claim(disk, options), fields)
}

/// Access mode, volume mode, size and class. What the file leaves open is left out, so that the cluster decides; the
/// access mode is always there, because CDI makes no claim for classes that it does not know without one.
pub(super) fn storage(disk: &Disk) -> Value {
    let mut spec = Map::new();
    spec.insert("accessModes".into(), json!([disk.access_mode.as_str()]));
    if let Some(mode) = disk.volume_mode {
        spec.insert("volumeMode".into(), json!(mode.as_str()));
    }
    if let Some(size) = &disk.size {
        spec.insert("resources".into(), json!({"requests": {"storage": size.as_str()}}));
    }
    if let Some(class) = &disk.class {
        spec.insert("storageClassName".into(), json!(class));
    }
    Value::Object(spec)
}
