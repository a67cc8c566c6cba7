//! The document: metadata, and the machine as a whole.

use super::cloud_init::CloudInitUser;
use super::disk::Disk;
use super::leaf::{ImageAddress, Int, TextMap};
use super::name::{Label, ObjectName, VmName};
use super::network::Network;
use super::object::object;
use super::placement::{CpuTopology, HighAvailability, StartStrategy};
use crate::quantity::Quantity;

/// The API group and version of the document.
pub const API_VERSION: &str = "vm.novasphere.dev/v1alpha1";
/// The API group.
pub const GROUP: &str = "vm.novasphere.dev";
/// The kind of the document.
pub const KIND: &str = "Wukong";

object! {
    /// A virtual machine on KubeVirt: its CPUs, memory, disks, networks, first user and when it runs.
    ///
    /// It is rendered into PersistentVolumeClaims, CDI DataVolumes, a Secret, NetworkAttachmentDefinitions and a
    /// VirtualMachine.
    pub struct Wukong {
        /// The version of this format: `vm.novasphere.dev/v1alpha1`.
        required api_version ("apiVersion"): String,
        /// The kind of this document: `Wukong`.
        required kind ("kind"): String,
        /// Name, namespace, labels and annotations.
        required metadata ("metadata"): Metadata,
        /// What the machine is made of.
        required spec ("spec"): Spec,
    }
    ignored {
        /// Set by a server or an operator; a file describes only what is wanted.
        "status",
    }
}

object! {
    /// Name, namespace, labels and annotations.
    pub struct Metadata {
        /// The machine's name. The VirtualMachine is called `<name>-vm`, a claim `<name>-<disk>`.
        required name ("name"): Label,
        /// The namespace. `-n` fills in a missing one.
        optional namespace ("namespace"): Label,
        /// Labels for the VirtualMachine and its template. Keys that GitOps tools prune by are left out.
        optional labels ("labels"): TextMap,
        /// Annotations for the VirtualMachine and its template. Keys that GitOps tools own are left out.
        optional annotations ("annotations"): TextMap,
    }
    ignored {
        /// Set by the API server; remove it from the file.
        "uid",
        /// Set by the API server; remove it from the file.
        "resourceVersion",
        /// Set by the API server; remove it from the file.
        "generation",
        /// Set by the API server; remove it from the file.
        "creationTimestamp",
        /// Set by the API server; remove it from the file.
        "deletionTimestamp",
        /// Set by the API server; remove it from the file.
        "deletionGracePeriodSeconds",
        /// Set by the API server; remove it from the file.
        "selfLink",
        /// Set by the API server; remove it from the file.
        "managedFields",
        /// A file has no owner in the cluster; remove it from the file.
        "ownerReferences",
        /// A file is not deleted by the API server; remove it from the file.
        "finalizers",
    }
}

object! {
    /// What the machine is made of.
    pub struct Spec {
        /// The name of the VirtualMachine; default `<name>-vm`. A machine that was there before its file has its own.
        optional vm_name ("vmName"): VmName,
        /// The number of vCPUs. They are sockets of one core, so that more can be added while the machine runs.
        required cpu ("cpu"): Int<1, 64>,
        /// Another shape of the same number of vCPUs, for guests that need one.
        optional cpu_topology ("cpuTopology"): CpuTopology,
        /// The memory of the guest, such as `8Gi`. A multiple of 2Mi from 1Gi on can grow while the machine runs.
        required memory ("memory"): Quantity,
        /// With a scheme or a `/`: the image of the boot disk, if that names none. Otherwise the name of the
        /// operating system, noted on the machine.
        optional os_image ("osImage"): ImageAddress,
        /// The disks, in the order in which the guest sees them.
        keyed disks ("disks"): Disk,
        /// The networks. Without a `default` one the pod network is the first.
        keyed networks ("networks"): Network,
        /// The user that cloud-init sets up at the first boot.
        optional cloud_init_user ("cloudInitUser"): CloudInitUser,
        /// A Secret whose values are public SSH keys for that user. All of them reach the guest: no private keys.
        guarded ssh_key_secret ("sshKeySecret"): ObjectName,
        /// Where the machine may run, and what happens when it stops or its node is drained.
        optional high_availability ("highAvailability"): HighAvailability,
        /// When the machine runs.
        optional start_strategy ("startStrategy"): StartStrategy,
    }
    rules {
        "!has(self.disks) || self.disks.filter(d, has(d.boot) && d.boot).size() <= 1" => "two boot disks",
        "!has(self.disks) || self.disks.all(d, has(d.size) || has(d.existingPVC) || (has(d.image) && (d.image.startsWith('pvc:') || d.image.startsWith('snapshot:'))) || (has(self.osImage) && (self.osImage.startsWith('pvc:') || self.osImage.startsWith('snapshot:'))))" => "a new disk needs size",
        "!has(self.cpuTopology) || (has(self.cpuTopology.sockets) ? self.cpuTopology.sockets : 1) * (has(self.cpuTopology.cores) ? self.cpuTopology.cores : 1) * (has(self.cpuTopology.threads) ? self.cpuTopology.threads : 1) == self.cpu" => "cpuTopology does not make up cpu",
        "!has(self.startStrategy) || !has(self.startStrategy.autoStart) || !has(self.startStrategy.runStrategy) || (self.startStrategy.autoStart ? !(self.startStrategy.runStrategy in ['Manual', 'Halted']) : self.startStrategy.runStrategy in ['Manual', 'Halted'])" => "autoStart contradicts runStrategy",
        "!has(self.startStrategy) || !has(self.startStrategy.runStrategy) || !has(self.highAvailability) || !has(self.highAvailability.restartPolicy) || self.startStrategy.runStrategy == 'Halted' || (self.startStrategy.runStrategy == 'Always' && self.highAvailability.restartPolicy == 'Always') || (self.startStrategy.runStrategy == 'RerunOnFailure' && self.highAvailability.restartPolicy == 'OnFailure') || (self.startStrategy.runStrategy in ['Once', 'Manual'] && self.highAvailability.restartPolicy == 'Never')" => "restartPolicy contradicts runStrategy",
    }
}
