//! StorageClasses.

use serde_json::json;

use super::world::case;

const PLAIN: &str = "storageclass.kubernetes.io/is-default-class";
const VIRT: &str = "storageclass.kubevirt.io/is-default-virt-class";

#[test]
fn no_class() {
    case(
        |w| {
            w.remove("StorageClass");
        },
        "  ✗ there is no StorageClass
    no disk gets a volume, unless an administrator makes each by hand
    → install a storage driver
",
    );
    case(
        |w| {
            w.forbid("StorageClass");
        },
        "  ? StorageClasses: cannot list StorageClass: forbidden
",
    );
}

#[test]
fn default_classes() {
    case(
        |w| w.object("StorageClass", "fast")["metadata"]["annotations"] = json!({}),
        "  ! no StorageClass is the default
    a disk gets no volume unless its file says `storageClassName` or `storagePolicy`
    → kubectl annotate storageclass fast storageclass.kubernetes.io/is-default-class=true --overwrite
",
    );
    case(
        |w| {
            w.class("slow", "driver.longhorn.io").default("slow", PLAIN);
        },
        "  ! classes fast and slow are each the default
    a disk without `storageClassName` gets the class that was made last, which can change
    → keep one, such as fast: kubectl annotate storageclass slow storageclass.kubernetes.io/is-default-class-
",
    );
    case(
        |w| {
            w.object("StorageClass", "fast")["metadata"]["annotations"] = json!({});
            w.default("fast", VIRT);
        },
        "  ! class fast is the default for virtualisation, and no class is the default of Kubernetes
    empty disks get no volume unless their file says `storageClassName`; disks with an `image` do
    → kubectl annotate storageclass fast storageclass.kubernetes.io/is-default-class=true --overwrite
",
    );
    case(
        |w| {
            w.class("block", "driver.longhorn.io").default("block", VIRT);
        },
        "  · class fast is the default, and class block that for virtualisation
    empty disks get the first, and disks with an `image` the second, unless their file says `storageClassName`
",
    );
}

#[test]
fn one_class_may_be_both_defaults() {
    case(
        |w| {
            w.default("fast", VIRT);
        },
        "",
    );
}

#[test]
fn access_modes() {
    case(
        |w| {
            w.class("local", "driver.longhorn.io").object("StorageProfile", "local")["status"] = json!({});
            w.object("StorageProfile", "fast")["status"] = json!({"claimPropertySets": [{"volumeMode": "Block"}]});
        },
        r#"  · CDI knows no access mode for classes fast and local
    a DataVolume without accessModes gets no claim there; this tool writes them always, ReadWriteOnce unless the file says `accessMode`
    → for other DataVolumes: kubectl patch storageprofile fast --type merge -p '{"spec":{"claimPropertySets":[{"accessModes":["ReadWriteOnce"]}]}}'
"#,
    );
    case(
        |w| {
            w.forbid("StorageProfile");
        },
        "  ? StorageProfiles: cannot list StorageProfile: forbidden
",
    );
}

#[test]
fn snapshot_classes() {
    case(
        |w| {
            w.class("block", "driver.longhorn.io").remove("VolumeSnapshotClass");
        },
        "  ! no VolumeSnapshotClass is for driver driver.longhorn.io
    disks of classes block and fast cannot be snapshotted
    → make a VolumeSnapshotClass with driver: driver.longhorn.io, if the driver takes snapshots
",
    );
    case(
        |w| {
            w.forbid("VolumeSnapshotClass");
        },
        "  ? VolumeSnapshotClasses: cannot list VolumeSnapshotClass: forbidden
",
    );
    case(
        |w| {
            w.remove("VolumeSnapshotClass").remove("CSIDriver");
        },
        "  · driver.longhorn.io is no driver of CSI, and takes no snapshots
    disks of class fast cannot be snapshotted
",
    );
}

#[test]
fn classes_that_do_not_grow() {
    case(
        |w| w.object("StorageClass", "fast")["allowVolumeExpansion"] = json!(false),
        r#"  · disks of class fast cannot grow: allowVolumeExpansion is not true
    `expand` and a larger `size` are refused
    → its driver can: kubectl patch storageclass fast -p '{"allowVolumeExpansion":true}'
"#,
    );
    case(
        |w| {
            w.class("local", "rancher.io/local-path");
        },
        "  · disks of class local cannot grow: rancher.io/local-path: it has no resizer: a directory of the node has no size
    `expand` and a larger `size` are refused
",
    );
    case(
        |w| {
            w.class("new", "example.com/new").object("StorageClass", "new")["allowVolumeExpansion"] = json!(null);
        },
        "  · disks of class new cannot grow: allowVolumeExpansion is not true
    `expand` and a larger `size` are refused
",
    );
}
