//! What a cluster has, as it was read: plain data, and what could not be read.

mod file;
mod guest;
mod journey;
mod keep;
mod object;
mod record;
mod saved;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use guest::{file_systems, is_on};
pub use journey::{End, Journey, Kept, Moved, Way};
pub use keep::keep;
pub use object::{
    bytes_at, claim_of, condition, created_by_other, has_ended, holds, is_going, is_helper, is_owned_by, last_seen,
    of_nodes, path, strings, text, volumes,
};
pub use record::{MANAGER, Made, RECORD_LABEL, Record, Unusable};

/// The kinds of objects that are looked at, by the name that the API gives them.
pub mod kind {
    /// A virtual machine of KubeVirt.
    pub const MACHINE: &str = "VirtualMachine";
    /// A running virtual machine.
    pub const INSTANCE: &str = "VirtualMachineInstance";
    /// A claim that CDI fills.
    pub const DATA_VOLUME: &str = "DataVolume";
    /// A claim for storage.
    pub const CLAIM: &str = "PersistentVolumeClaim";
    /// A volume.
    pub const VOLUME: &str = "PersistentVolume";
    /// A StorageClass.
    pub const CLASS: &str = "StorageClass";
    /// A pod.
    pub const POD: &str = "Pod";
    /// A Secret.
    pub const SECRET: &str = "Secret";
    /// A ConfigMap.
    pub const CONFIG_MAP: &str = "ConfigMap";
    /// A network of the nodes.
    pub const NETWORK: &str = "NetworkAttachmentDefinition";
    /// A limit on a namespace.
    pub const QUOTA: &str = "ResourceQuota";
    /// What a controller says about an object.
    pub const EVENT: &str = "Event";
    /// A node.
    pub const NODE: &str = "Node";
    /// A volume of a CSI driver that is attached to a node.
    pub const ATTACHMENT: &str = "VolumeAttachment";
    /// What CDI knows of a class.
    pub const PROFILE: &str = "StorageProfile";
    /// A move of a running machine.
    pub const MIGRATION: &str = "VirtualMachineInstanceMigration";
    /// A snapshot of a machine.
    pub const SNAPSHOT: &str = "VirtualMachineSnapshot";
    /// What a snapshot of a machine holds: the machine as it was, and a snapshot of each of its claims.
    pub const SNAPSHOT_CONTENT: &str = "VirtualMachineSnapshotContent";
    /// A machine that goes back to a snapshot.
    pub const RESTORE: &str = "VirtualMachineRestore";
    /// What the guest agent of an instance says about its file systems; asked for, never listed.
    pub const USAGE: &str = "VirtualMachineInstanceFileSystemList";
    /// The settings of KubeVirt.
    pub const KUBEVIRT: &str = "KubeVirt";
    /// The settings of CDI.
    pub const CDI_CONFIG: &str = "CDIConfig";
    /// CDI as it is installed.
    pub const CDI: &str = "CDI";
    /// A driver of the Container Storage Interface.
    pub const CSI_DRIVER: &str = "CSIDriver";
    /// A snapshot of a volume.
    pub const VOLUME_SNAPSHOT: &str = "VolumeSnapshot";
    /// How a driver takes snapshots.
    pub const SNAPSHOT_CLASS: &str = "VolumeSnapshotClass";
    /// A backup of Velero.
    pub const BACKUP: &str = "Backup";
    /// A volume of Longhorn.
    pub const LONGHORN_VOLUME: &str = "Volume";
    /// A copy of a volume of Longhorn.
    pub const LONGHORN_REPLICA: &str = "Replica";
    /// What serves a volume of Longhorn while it is attached.
    pub const LONGHORN_ENGINE: &str = "Engine";
    /// A pool of Ceph, as Rook has it.
    pub const CEPH_POOL: &str = "CephBlockPool";
    /// A file system of Ceph, as Rook has it.
    pub const CEPH_FILE_SYSTEM: &str = "CephFilesystem";
    /// A logical volume of TopoLVM.
    pub const LOGICAL_VOLUME: &str = "LogicalVolume";
    /// A logical volume of OpenEBS.
    pub const LVM_VOLUME: &str = "LVMVolume";
    /// A ZFS volume of OpenEBS.
    pub const ZFS_VOLUME: &str = "ZFSVolume";
    /// A pool of disks of Mayastor.
    pub const DISK_POOL: &str = "DiskPool";
    /// The pools of KubeVirt's hostpath-provisioner.
    pub const HOST_PATH: &str = "HostPathProvisioner";
    /// A node of LINSTOR, as Piraeus has it.
    pub const LINSTOR_SATELLITE: &str = "LinstorSatellite";
}

/// What was seen of a cluster.
#[derive(Default, Clone)]
pub struct Facts {
    objects: BTreeMap<(String, String, String), Value>,
    unread: Vec<Unread>,
    /// Which kinds were asked for, where that is known.
    asked: Option<BTreeSet<String>>,
}

/// Something that could not be read, which is not the same as something that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The kind of objects.
    pub kind: String,
    /// The namespace, unless it is about all of them.
    pub namespace: Option<String>,
    /// Why, in words for people.
    pub reason: String,
}

impl Unread {
    /// The namespace of what could not be read in those namespaces that nobody named.
    pub const ELSEWHERE: &str = "*";
}

impl std::fmt::Debug for Facts {
    /// Without the objects, which may be Secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Facts")
            .field("objects", &self.objects.len())
            .field("unread", &self.unread)
            .field("asked", &self.asked)
            .finish()
    }
}

impl Facts {
    /// Adds an object as the API gives it.
    pub fn insert(&mut self, object: Value) {
        let part = |pointer: &str| text(&object, pointer).unwrap_or_default().to_owned();
        let key = (part("/kind"), part("/metadata/namespace"), part("/metadata/name"));
        self.objects.insert(key, object);
    }

    /// Adds what other facts know.
    pub fn extend(&mut self, other: Self) {
        self.objects.extend(other.objects);
        if let Some(asked) = other.asked {
            self.asked.get_or_insert_default().extend(asked);
        }
        self.unread.extend(other.unread.into_iter().filter(|unread| !self.unread.contains(unread)).collect::<Vec<_>>());
    }

    /// Notes what could not be read.
    pub fn unread(&mut self, unread: Unread) {
        self.unread.push(unread);
    }

    /// Notes that objects of a kind were asked for: where none is here, there is none.
    pub fn asked(&mut self, kind: &str) {
        self.asked.get_or_insert_default().insert(kind.to_owned());
    }

    /// Notes kinds that somebody needs who did not ask for them himself: a file may have been saved for another question,
    /// and what was never asked for is not known.
    pub fn need(&mut self, kinds: impl IntoIterator<Item = &'static str>) {
        let Some(asked) = &self.asked else { return };
        let missing = kinds.into_iter().filter(|kind| !asked.contains(*kind));
        let gap = |kind: &str| Unread {
            kind: kind.to_owned(),
            namespace: None,
            reason: format!("the facts were saved for another question, and hold no {kind}"),
        };
        self.unread.extend(missing.map(gap).collect::<Vec<_>>());
    }

    /// An object; cluster-wide kinds have the namespace "".
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.objects.get(&(kind.to_owned(), namespace.to_owned(), name.to_owned()))
    }

    /// All objects of a kind in a namespace.
    pub fn all<'a>(&'a self, kind: &'a str, namespace: &'a str) -> impl Iterator<Item = &'a Value> {
        let from = (kind.to_owned(), namespace.to_owned(), String::new());
        let range = self.objects.range(from..);
        range.take_while(move |((k, n, _), _)| k == kind && n == namespace).map(|(_, object)| object)
    }

    /// All objects of a kind, in any namespace.
    pub fn all_of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        let range = self.objects.range((kind.to_owned(), String::new(), String::new())..);
        range.take_while(move |((k, _, _), _)| k == kind).map(|(_, object)| object)
    }

    /// Why objects of a kind in a namespace are not known, if they are not.
    pub fn unknown(&self, kind: &str, namespace: &str) -> Option<&Unread> {
        self.unread
            .iter()
            .find(|unread| unread.kind == kind && unread.namespace.as_deref().is_none_or(|known| known == namespace))
    }

    /// Everything that could not be read.
    pub fn gaps(&self) -> &[Unread] {
        &self.unread
    }
}

/// The volume of a claim. Each names the other: a claim alone may name any volume of the cluster.
pub fn volume_of<'a>(claim: &Value, facts: &'a Facts) -> Option<&'a Value> {
    let volume = text(claim, "/spec/volumeName").and_then(|name| facts.get(kind::VOLUME, "", name))?;
    let uid = text(claim, "/metadata/uid").filter(|uid| !uid.is_empty())?;
    (text(volume, "/spec/claimRef/uid") == Some(uid)).then_some(volume)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_found_by_kind_and_place() {
        let mut facts = Facts::default();
        for (namespace, name) in [("a", "x"), ("a", "y"), ("b", "x")] {
            facts.insert(json!({"kind": "Pod", "metadata": {"namespace": namespace, "name": name}}));
        }
        assert_eq!(facts.all(kind::POD, "a").count(), 2);
        assert!(facts.get(kind::POD, "b", "x").is_some() && facts.get(kind::POD, "b", "y").is_none());
        facts.unread(Unread { kind: "Pod".into(), namespace: Some("c".into()), reason: "forbidden".into() });
        assert!(facts.unknown(kind::POD, "c").is_some() && facts.unknown(kind::POD, "a").is_none());
    }
}
