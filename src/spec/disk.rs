//! One disk: how large it is, where it lies, and what is on it.

use super::leaf::ImageAddress;
use super::name::{Label, ObjectName};
use super::object::{choice, object};
use crate::quantity::Quantity;

object! {
    /// One disk of the machine. Its source is `existingPVC`, else `image`, else nothing: an empty disk.
    pub struct Disk {
        /// The disk's name, unique in the machine. The guest sees it as the serial number.
        required name ("name"): Label,
        /// The size that the guest sees, such as `20Gi`.
        optional size ("size"): Quantity,
        /// The StorageClass. Without one the cluster's default class decides.
        optional storage_class_name ("storageClassName"): ObjectName,
        /// Whether the machine starts from this disk. Without a word it is the first disk with an image, else the first
        /// that takes `osImage`, else the first writable existing claim.
        optional boot ("boot"): bool,
        /// Where the content comes from: `docker://REF` or a bare container reference, `https://…`, `gs://…`,
        /// `s3://…` (with imageSecret), `oci-archive:PATH`, `pvc:NAMESPACE/NAME`, `snapshot:NAMESPACE/NAME`.
        optional image ("image"): ImageAddress,
        /// The Secret with the credentials for the image.
        guarded image_secret ("imageSecret"): ObjectName,
        /// The ConfigMap with the certificate authority of the image's server.
        optional image_cert_config_map ("imageCertConfigMap"): ObjectName,
        /// The checksum of an image fetched by HTTP: `sha256:` and hex digits, also sha512, sha1 and md5. It needs
        /// CDI 1.65; older versions refuse the field.
        optional image_checksum ("imageChecksum"): String,
        /// A claim that exists already. It is used as it is, and never changed or deleted.
        optional existing_pvc ("existingPVC"): ExistingClaim,
        /// The claim that holds the disk, if not `<machine>-<disk>`: a disk that was moved or restored lies in another.
        optional claim_name ("claimName"): ObjectName,
        /// How many nodes and pods may use the disk. Default ReadWriteOnce.
        optional access_mode ("accessMode"): AccessMode,
        /// Whether the volume is a file system with an image file in it, or a block device. Default: the class's.
        optional volume_mode ("volumeMode"): VolumeMode,
        /// A class by purpose instead of by name; `--storage-policy` says which class that is.
        optional storage_policy ("storagePolicy"): StoragePolicy,
        /// Whether the disk may be grown when it fills up; noted on the claim for whatever grows it.
        optional auto_expand ("autoExpand"): bool,
        /// The end of automatic growth.
        optional max_size ("maxSize"): Quantity,
    }
    rules {
        "!has(self.storagePolicy) || !has(self.storageClassName)" => "storagePolicy and storageClassName exclude each other",
    }
}

object! {
    /// A claim that exists already.
    pub struct ExistingClaim {
        /// The name of the PersistentVolumeClaim.
        required name ("name"): ObjectName,
        /// Its namespace. A claim of another namespace is copied into the machine's.
        optional namespace ("namespace"): Label,
        /// Whether the machine may only read it.
        optional read_only ("readOnly"): bool,
    }
}

choice! {
    /// Who may use a volume at the same time.
    pub enum AccessMode {
        /// One node. The machine cannot live-migrate.
        ReadWriteOnce = "ReadWriteOnce",
        /// Many nodes. The machine can live-migrate.
        ReadWriteMany = "ReadWriteMany",
        /// Many nodes, none of which may write.
        ReadOnlyMany = "ReadOnlyMany",
        /// One pod.
        ReadWriteOncePod = "ReadWriteOncePod",
    }
}

choice! {
    /// What a volume is to the pod that uses it.
    pub enum VolumeMode {
        /// A file system; the disk is the file `disk.img` in it.
        Filesystem = "Filesystem",
        /// A raw block device.
        Block = "Block",
    }
}

choice! {
    /// A StorageClass by purpose.
    pub enum StoragePolicy {
        /// For databases and system disks.
        Fast = "fast",
        /// For everything else.
        Standard = "standard",
        /// For what is large and rarely read.
        Archive = "archive",
    }
}
