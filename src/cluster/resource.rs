//! The kinds of object that are read or written, and where the server keeps them.

use serde_json::Value;

use super::request::encode;

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the kind of that name")]
pub enum Resource {
    VirtualMachine,
    VirtualMachineInstance,
    KubeVirt,
    DataVolume,
    /// CDI as it is installed.
    Cdi,
    /// CDI's `CDIConfig`.
    CdiConfig,
    StorageProfile,
    PersistentVolumeClaim,
    PersistentVolume,
    Secret,
    ConfigMap,
    Pod,
    Event,
    Namespace,
    Node,
    ResourceQuota,
    StorageClass,
    VolumeAttachment,
    /// The kubelet's `CSIDriver`.
    CsiDriver,
    NetworkAttachmentDefinition,
    /// KubeVirt's `VirtualMachineInstanceMigration`.
    Migration,
    /// KubeVirt's `VirtualMachineSnapshot`.
    Snapshot,
    /// KubeVirt's `VirtualMachineSnapshotContent`.
    SnapshotContent,
    /// KubeVirt's `VirtualMachineRestore`.
    Restore,
    VolumeSnapshot,
    VolumeSnapshotClass,
    /// Velero's `Backup`.
    VeleroBackup,
    /// Longhorn's `Volume`.
    LonghornVolume,
    /// Longhorn's `Replica`.
    LonghornReplica,
    /// Longhorn's `Engine`.
    LonghornEngine,
    CephBlockPool,
    CephFilesystem,
    /// TopoLVM's `LogicalVolume`.
    LogicalVolume,
    /// OpenEBS' `LVMVolume`.
    LvmVolume,
    /// OpenEBS' `ZFSVolume`.
    ZfsVolume,
    /// Mayastor's `DiskPool`.
    DiskPool,
    HostPathProvisioner,
    LinstorSatellite,
}

const KUBEVIRT: &str = "kubevirt.io/v1";
const CDI: &str = "cdi.kubevirt.io/v1beta1";
const STORAGE: &str = "storage.k8s.io/v1";
const NETWORK: &str = "k8s.cni.cncf.io/v1";
const SNAPSHOT: &str = "snapshot.kubevirt.io/v1beta1";
const VOLUME_SNAPSHOT: &str = "snapshot.storage.k8s.io/v1";
const LONGHORN: &str = "longhorn.io/v1beta2";
const ROOK: &str = "ceph.rook.io/v1";

impl Resource {
    /// All of them.
    pub const ALL: [Self; 38] = [
        Self::VirtualMachine,
        Self::VirtualMachineInstance,
        Self::KubeVirt,
        Self::DataVolume,
        Self::Cdi,
        Self::CdiConfig,
        Self::StorageProfile,
        Self::PersistentVolumeClaim,
        Self::PersistentVolume,
        Self::Secret,
        Self::ConfigMap,
        Self::Pod,
        Self::Event,
        Self::Namespace,
        Self::Node,
        Self::ResourceQuota,
        Self::StorageClass,
        Self::VolumeAttachment,
        Self::CsiDriver,
        Self::NetworkAttachmentDefinition,
        Self::Migration,
        Self::Snapshot,
        Self::SnapshotContent,
        Self::Restore,
        Self::VolumeSnapshot,
        Self::VolumeSnapshotClass,
        Self::VeleroBackup,
        Self::LonghornVolume,
        Self::LonghornReplica,
        Self::LonghornEngine,
        Self::CephBlockPool,
        Self::CephFilesystem,
        Self::LogicalVolume,
        Self::LvmVolume,
        Self::ZfsVolume,
        Self::DiskPool,
        Self::HostPathProvisioner,
        Self::LinstorSatellite,
    ];

    /// `apiVersion`, `kind`, the plural of its address, and whether it lies in a namespace.
    const fn row(self) -> (&'static str, &'static str, &'static str, bool) {
        match self {
            Self::VirtualMachine => (KUBEVIRT, "VirtualMachine", "virtualmachines", true),
            Self::VirtualMachineInstance => (KUBEVIRT, "VirtualMachineInstance", "virtualmachineinstances", true),
            Self::KubeVirt => (KUBEVIRT, "KubeVirt", "kubevirts", true),
            Self::DataVolume => (CDI, "DataVolume", "datavolumes", true),
            Self::Cdi => (CDI, "CDI", "cdis", false),
            Self::CdiConfig => (CDI, "CDIConfig", "cdiconfigs", false),
            Self::StorageProfile => (CDI, "StorageProfile", "storageprofiles", false),
            Self::PersistentVolumeClaim => ("v1", "PersistentVolumeClaim", "persistentvolumeclaims", true),
            Self::PersistentVolume => ("v1", "PersistentVolume", "persistentvolumes", false),
            Self::Secret => ("v1", "Secret", "secrets", true),
            Self::ConfigMap => ("v1", "ConfigMap", "configmaps", true),
            Self::Pod => ("v1", "Pod", "pods", true),
            Self::Event => ("v1", "Event", "events", true),
            Self::Namespace => ("v1", "Namespace", "namespaces", false),
            Self::Node => ("v1", "Node", "nodes", false),
            Self::ResourceQuota => ("v1", "ResourceQuota", "resourcequotas", true),
            Self::StorageClass => (STORAGE, "StorageClass", "storageclasses", false),
            Self::VolumeAttachment => (STORAGE, "VolumeAttachment", "volumeattachments", false),
            Self::CsiDriver => (STORAGE, "CSIDriver", "csidrivers", false),
            Self::NetworkAttachmentDefinition => {
                (NETWORK, "NetworkAttachmentDefinition", "network-attachment-definitions", true)
            }
            Self::Migration => (KUBEVIRT, "VirtualMachineInstanceMigration", "virtualmachineinstancemigrations", true),
            Self::Snapshot => (SNAPSHOT, "VirtualMachineSnapshot", "virtualmachinesnapshots", true),
            Self::SnapshotContent => {
                (SNAPSHOT, "VirtualMachineSnapshotContent", "virtualmachinesnapshotcontents", true)
            }
            Self::Restore => (SNAPSHOT, "VirtualMachineRestore", "virtualmachinerestores", true),
            Self::VolumeSnapshot => (VOLUME_SNAPSHOT, "VolumeSnapshot", "volumesnapshots", true),
            Self::VolumeSnapshotClass => (VOLUME_SNAPSHOT, "VolumeSnapshotClass", "volumesnapshotclasses", false),
            Self::VeleroBackup => ("velero.io/v1", "Backup", "backups", true),
            Self::LonghornVolume => (LONGHORN, "Volume", "volumes", true),
            Self::LonghornReplica => (LONGHORN, "Replica", "replicas", true),
            Self::LonghornEngine => (LONGHORN, "Engine", "engines", true),
            Self::CephBlockPool => (ROOK, "CephBlockPool", "cephblockpools", true),
            Self::CephFilesystem => (ROOK, "CephFilesystem", "cephfilesystems", true),
            Self::LogicalVolume => ("topolvm.io/v1", "LogicalVolume", "logicalvolumes", false),
            Self::LvmVolume => ("local.openebs.io/v1alpha1", "LVMVolume", "lvmvolumes", true),
            Self::ZfsVolume => ("zfs.openebs.io/v1", "ZFSVolume", "zfsvolumes", true),
            Self::DiskPool => ("openebs.io/v1beta3", "DiskPool", "diskpools", true),
            Self::HostPathProvisioner => {
                ("hostpathprovisioner.kubevirt.io/v1beta1", "HostPathProvisioner", "hostpathprovisioners", false)
            }
            Self::LinstorSatellite => ("piraeus.io/v1", "LinstorSatellite", "linstorsatellites", false),
        }
    }

    /// Group and version, such as `kubevirt.io/v1`, or `v1`.
    pub const fn api_version(self) -> &'static str {
        self.row().0
    }

    /// The kind, such as `VirtualMachine`.
    pub const fn kind(self) -> &'static str {
        self.row().1
    }

    /// The name of the resource, such as `virtualmachines`.
    pub const fn plural(self) -> &'static str {
        self.row().2
    }

    /// Whether its objects lie in namespaces.
    pub const fn namespaced(self) -> bool {
        self.row().3
    }

    /// The group, such as `kubevirt.io`; empty for the core.
    pub fn group(self) -> &'static str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// Whether every cluster with KubeVirt has it.
    pub(super) fn is_everywhere(self) -> bool {
        matches!(self.group(), "" | "storage.k8s.io" | "kubevirt.io")
    }

    /// What kubectl understands everywhere: `virtualmachines.kubevirt.io`, `pods`.
    pub fn full_name(self) -> String {
        match self.group() {
            "" => self.plural().to_owned(),
            group => format!("{}.{group}", self.plural()),
        }
    }

    /// The kind of an object, if it is one of these.
    pub fn of(object: &Value) -> Option<Self> {
        let (version, kind) = (object["apiVersion"].as_str()?, object["kind"].as_str()?);
        Self::ALL.into_iter().find(|known| known.api_version() == version && known.kind() == kind)
    }

    /// The address of all objects, of those of a namespace, or of one.
    pub(super) fn path(self, namespace: Option<&str>, name: Option<&str>) -> String {
        let api = if self.group().is_empty() { "api" } else { "apis" };
        let mut path = format!("/{api}/{}", self.api_version());
        if let Some(namespace) = namespace.filter(|_| self.namespaced()) {
            path.push_str(&format!("/namespaces/{}", encode(namespace)));
        }
        path.push_str(&format!("/{}", self.plural()));
        if let Some(name) = name {
            path.push_str(&format!("/{}", encode(name)));
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn addresses() {
        let vm = Resource::VirtualMachine;
        assert_eq!(vm.path(Some("prod"), Some("web")), "/apis/kubevirt.io/v1/namespaces/prod/virtualmachines/web");
        assert_eq!(vm.path(None, None), "/apis/kubevirt.io/v1/virtualmachines");
        assert_eq!(Resource::Node.path(Some("prod"), Some("a")), "/api/v1/nodes/a");
        assert_eq!(Resource::Pod.path(Some("a/../b"), Some("?")), "/api/v1/namespaces/a%2F..%2Fb/pods/%3F");
        assert_eq!(vm.full_name(), "virtualmachines.kubevirt.io");
    }

    #[test]
    fn every_kind_is_found_by_its_object() {
        for kind in Resource::ALL {
            assert_eq!(Resource::of(&json!({"apiVersion": kind.api_version(), "kind": kind.kind()})), Some(kind));
        }
        assert_eq!(Resource::of(&json!({"apiVersion": "v2", "kind": "Pod"})), None);
        assert_eq!(Resource::of(&json!("Pod")), None);
    }
}
