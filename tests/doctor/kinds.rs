//! Kinds that are not there.

use super::world::{World, case};

/// As the cluster is without it: no objects of its owner either.
fn without(world: &mut World, kind: &str, others: &[&str]) {
    world.server.kinds.insert(kind.into(), Ok(false));
    for other in others {
        world.remove(other);
    }
}

#[test]
fn missing_kinds() {
    case(
        |w| without(w, "VirtualMachine", &["KubeVirt"]),
        "  ✗ VirtualMachine is missing: KubeVirt is not installed
    there are no virtual machines at all
    → install KubeVirt
",
    );
    case(
        |w| without(w, "DataVolume", &["CDI", "StorageProfile"]),
        "  ✗ DataVolume is missing: CDI is not installed
    disks with an `image` cannot be made; empty and existing disks can
    → install CDI
",
    );
    case(
        |w| without(w, "NetworkAttachmentDefinition", &[]),
        "  ! NetworkAttachmentDefinition is missing: Multus is not installed
    machines with `networks` other than the pod network cannot be made
    → install Multus
",
    );
    case(
        |w| without(w, "VolumeSnapshot", &["VolumeSnapshotClass"]),
        "  ! VolumeSnapshot is missing: the snapshot controller of CSI (external-snapshotter) is not installed
    no disk can be snapshotted, and images from `snapshot:` addresses cannot be used
    → install the snapshot controller of CSI (external-snapshotter)
",
    );
}

#[test]
fn kinds_that_are_not_known() {
    case(
        |w| {
            w.server.kinds.insert("DataVolume".into(), Err("cannot get /apis/cdi.kubevirt.io/v1beta1: busy".into()));
            w.server.kinds.remove("VolumeSnapshot");
        },
        "  ? whether DataVolume is there: cannot get /apis/cdi.kubevirt.io/v1beta1: busy
  ? whether VolumeSnapshot is there: it was not asked
",
    );
}
