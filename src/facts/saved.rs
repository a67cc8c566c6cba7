//! What is kept of snapshots and backups.

use super::keep::Path;

// A backup may run commands, which are left out.
pub(super) const BACKUP: [Path; 6] = [
    "spec included*",
    "spec excluded*",
    "spec labelSelector",
    "spec orLabelSelectors",
    "status phase",
    "status startTimestamp",
];

pub(super) const RESTORE: [Path; 4] =
    ["metadata annotations vm.novasphere.dev/settled", "spec target", "spec virtualMachineSnapshotName", "status"];

// Of the machine as it was only what holds its disks: the rest may be cloud-init.
pub(super) const SNAPSHOT_CONTENT: [Path; 6] = [
    "spec virtualMachineSnapshotName",
    "spec volumeBackups",
    "spec source virtualMachine spec dataVolumeTemplates * metadata name",
    "spec source virtualMachine spec template spec volumes * name",
    "spec source virtualMachine spec template spec volumes * persistentVolumeClaim",
    "spec source virtualMachine spec template spec volumes * dataVolume",
];

// A class may name Secrets among its parameters.
pub(super) const SNAPSHOT_CLASS: [Path; 4] =
    ["metadata annotations snapshot.storage.kubernetes.io/*", "driver", "deletionPolicy", "parameters type"];

pub(super) const VOLUME_SNAPSHOT: [Path; 4] =
    ["spec source", "spec volumeSnapshotClassName", "status readyToUse", "status creationTime"];
