//! What facts are read for, and which kinds that takes.

use super::Resource;

/// What facts are for: one who waits looks every second, and needs less.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Purpose {
    /// To plan a change.
    #[default]
    Plan,
    /// To delete machines with the data of disks: what else is lost with that.
    Data,
    /// To see how far machines are, with the warnings that tell why one does not go on.
    Progress,
    /// To see how machines are, and why; without a namespace, in all of them.
    Look,
    /// To see which disks grow by themselves; without a namespace, in all of them.
    Grow,
    /// To move a machine or its disks; without a namespace, in all of them.
    Move,
    /// To see where the bytes of machines lie; without a namespace, in all of them.
    Locate,
    /// To see what a node held and where its machines' bytes lie, in all namespaces.
    Rescue,
    /// To see how that goes: what of it is still on the node, and where its machines are.
    Return,
    /// To plan snapshots and restores of machines.
    Snapshot,
    /// To see which snapshots there are; without a namespace, in all of them.
    Snapshots,
    /// To see what speaks against a stage, beside what a checkup reads; without a namespace, in all of them.
    Stage,
    /// To see what the classes of a cluster do, and which claims there are.
    Classes,
}

impl Purpose {
    /// Kinds that are listed in each namespace, and kinds that are listed once.
    pub(super) const fn kinds(self) -> (&'static [&'static [Resource]], &'static [Resource]) {
        match self {
            Self::Plan => (&[&MACHINES, &NAMESPACED], &CLUSTER),
            Self::Data => (&[&MACHINES, &DATA], &DATA_CLUSTER),
            Self::Progress => (&[&PROGRESS], &[]),
            Self::Look => (&[&MACHINES, &LOOK], &LOOK_CLUSTER),
            Self::Grow => (&[&MACHINES, &GROW], &CLUSTER),
            Self::Move => (&[&MACHINES, &MOVE], &MOVE_CLUSTER),
            Self::Locate => (&[&MACHINES, &LOCATE], &LOCATE_CLUSTER),
            Self::Rescue => (&[&MACHINES, &RESCUE], &RESCUE_CLUSTER),
            Self::Return => (&[&RETURN], &RETURN_CLUSTER),
            Self::Snapshot => (&[&MACHINES, &SNAPSHOT], &SNAPSHOT_CLUSTER),
            Self::Snapshots => (&[&SNAPSHOTS], &[]),
            Self::Stage => (&[&MACHINES, &STAGE], &STAGE_CLUSTER),
            Self::Classes => (&[&CLASSES], &CLASSES_CLUSTER),
        }
    }

    /// All of these by their names, for facts that were read before.
    pub fn needs(self) -> impl Iterator<Item = &'static str> {
        let (namespaced, cluster) = self.kinds();
        namespaced.iter().copied().flatten().chain(cluster).map(|kind| kind.kind())
    }

    /// Whether it only looks: then only what is looked at is kept.
    pub(super) const fn looks(self) -> bool {
        matches!(
            self,
            Self::Look | Self::Locate | Self::Rescue | Self::Return | Self::Snapshots | Self::Stage | Self::Classes
        )
    }

    /// Whether no namespace stands for all of them.
    pub(super) const fn is_everywhere(self) -> bool {
        self.looks() || matches!(self, Self::Move | Self::Grow)
    }

    /// Whether it asks the storage systems themselves where bytes lie.
    pub const fn is_about_bytes(self) -> bool {
        matches!(self, Self::Locate | Self::Rescue | Self::Stage)
    }

    /// Whether it is about one node, so that the pods of the others are of no interest.
    pub(super) const fn is_about_node(self) -> bool {
        matches!(self, Self::Rescue | Self::Return)
    }
}

/// Machines, their disks, and the records of both.
const MACHINES: [Resource; 5] = [
    Resource::VirtualMachine,
    Resource::VirtualMachineInstance,
    Resource::DataVolume,
    Resource::PersistentVolumeClaim,
    Resource::ConfigMap,
];

/// What else a plan needs of each namespace.
const NAMESPACED: [Resource; 3] = [Resource::NetworkAttachmentDefinition, Resource::Pod, Resource::ResourceQuota];

/// Kinds by which it is known what is lost with a disk.
const DATA: [Resource; 5] = [
    Resource::NetworkAttachmentDefinition,
    Resource::Pod,
    Resource::Snapshot,
    Resource::Restore,
    Resource::VolumeSnapshot,
];

/// The same, of the cluster.
const DATA_CLUSTER: [Resource; 2] = [Resource::PersistentVolume, Resource::StorageClass];

/// Kinds by which the growth of disks is decided.
const GROW: [Resource; 1] = [Resource::ResourceQuota];

/// Kinds by which progress is seen.
const PROGRESS: [Resource; 5] = [
    Resource::VirtualMachine,
    Resource::VirtualMachineInstance,
    Resource::DataVolume,
    Resource::PersistentVolumeClaim,
    Resource::Event,
];

/// Kinds by which a machine's state is explained.
const LOOK: [Resource; 7] = [
    Resource::NetworkAttachmentDefinition,
    Resource::Pod,
    Resource::Event,
    Resource::Migration,
    Resource::Snapshot,
    Resource::Restore,
    Resource::ResourceQuota,
];

/// The same, of the cluster.
const LOOK_CLUSTER: [Resource; 5] =
    [Resource::PersistentVolume, Resource::StorageClass, Resource::Node, Resource::CdiConfig, Resource::KubeVirt];

/// Kinds by which a machine is moved.
const MOVE: [Resource; 6] = [
    Resource::Pod,
    Resource::Migration,
    Resource::ResourceQuota,
    Resource::Snapshot,
    Resource::Restore,
    Resource::VolumeSnapshot,
];

/// The same, of the cluster.
const MOVE_CLUSTER: [Resource; 6] = [
    Resource::PersistentVolume,
    Resource::StorageClass,
    Resource::Node,
    Resource::StorageProfile,
    Resource::CdiConfig,
    Resource::KubeVirt,
];

/// Kinds by which bytes are found.
const LOCATE: [Resource; 1] = [Resource::VolumeSnapshot];

/// The same, of the cluster.
const LOCATE_CLUSTER: [Resource; 3] = [Resource::PersistentVolume, Resource::StorageClass, Resource::Node];

/// Kinds by which it is found what a node held. Of the pods only those of the node are read.
const RESCUE: [Resource; 2] = [Resource::VolumeSnapshot, Resource::Pod];

/// The same, of the cluster.
const RESCUE_CLUSTER: [Resource; 4] =
    [Resource::PersistentVolume, Resource::StorageClass, Resource::Node, Resource::VolumeAttachment];

/// Kinds by which it is seen how machines come back.
const RETURN: [Resource; 3] = [Resource::VirtualMachine, Resource::VirtualMachineInstance, Resource::Pod];

/// The same, of the cluster.
const RETURN_CLUSTER: [Resource; 2] = [Resource::Node, Resource::VolumeAttachment];

/// Kinds by which snapshots and restores are planned.
const SNAPSHOT: [Resource; 2] = [Resource::Snapshot, Resource::Restore];

/// The same, of the cluster.
const SNAPSHOT_CLUSTER: [Resource; 4] =
    [Resource::PersistentVolume, Resource::StorageClass, Resource::StorageProfile, Resource::VolumeSnapshotClass];

/// Kinds by which snapshots are listed.
const SNAPSHOTS: [Resource; 4] = [Resource::VirtualMachine, Resource::ConfigMap, Resource::Snapshot, Resource::Restore];

/// Kinds by which it is seen where the bytes of machines lie, and when they were saved.
const STAGE: [Resource; 2] = [Resource::VolumeSnapshot, Resource::Snapshot];

/// The same, of the cluster.
const STAGE_CLUSTER: [Resource; 2] = [Resource::PersistentVolume, Resource::StorageClass];

/// Kinds by which it is seen what the disks of a file would be.
const CLASSES: [Resource; 1] = [Resource::PersistentVolumeClaim];

/// The same, of the cluster.
const CLASSES_CLUSTER: [Resource; 3] = [Resource::StorageClass, Resource::VolumeSnapshotClass, Resource::CsiDriver];

/// Kinds that a plan needs of the cluster.
const CLUSTER: [Resource; 3] = [Resource::StorageClass, Resource::CdiConfig, Resource::KubeVirt];
