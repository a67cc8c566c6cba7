//! What a person may do.

use wukong::doctor::Right;

use super::world::{World, case};

/// Takes rights away.
fn deny(world: &mut World, denied: impl Fn(&Right) -> bool) {
    world.server.rights.iter_mut().filter(|(right, _)| denied(right)).for_each(|(_, may)| *may = Ok(false));
}

#[test]
fn who_may_only_start_and_stop() {
    case(|w| deny(w, |right| right.verb != "list" && right.group != "subresources.kubevirt.io"), "  · diff: you may, but not get secrets
    cloud-init is not compared
    → ask an administrator for a Role in prod with these rights
  ! apply: you may not get, create, patch and delete secrets, create, update and get configmaps, create and patch virtualmachines.kubevirt.io, create and patch persistentvolumeclaims, create and patch datavolumes.cdi.kubevirt.io, create datavolumes.cdi.kubevirt.io/source, create, patch and delete network-attachment-definitions.k8s.cni.cncf.io
    nothing new can be applied: its record cannot be written; nothing can be applied: its record cannot be written; machines cannot be made or changed; empty disks cannot be made, and no disk can grow; disks with an image cannot be made; cloud-init cannot be made or changed
    → ask an administrator for a Role in prod with these rights
  ! start: you may not patch virtualmachines.kubevirt.io
    machines that a file made cannot be started
    → ask an administrator for a Role in prod with these rights
  ! restart: you may not patch virtualmachines.kubevirt.io
    machines that a file made cannot be started
    → ask an administrator for a Role in prod with these rights
  ! expand: you may not patch and get persistentvolumeclaims, get virtualmachineinstances.kubevirt.io
    no disk can grow; it is not seen when the disk has grown
    → ask an administrator for a Role in prod with these rights
  · adopt: you may, but not patch virtualmachines.kubevirt.io, create and update configmaps
    `adopt --apply` takes nothing over
    → ask an administrator for a Role in prod with these rights
  ! delete: you may not get and delete secrets, patch, get and delete virtualmachines.kubevirt.io, get virtualmachineinstances.kubevirt.io, get, patch and delete persistentvolumeclaims, delete configmaps, delete network-attachment-definitions.k8s.cni.cncf.io, delete datavolumes.cdi.kubevirt.io
    machines cannot be deleted: they cannot be stopped before; a deletion breaks off half-way
    → ask an administrator for a Role in prod with these rights
  ! migrate: you may not create and update configmaps, create and delete virtualmachineinstancemigrations.kubevirt.io, patch virtualmachines.kubevirt.io, create and delete persistentvolumeclaims, create datavolumes.cdi.kubevirt.io, patch persistentvolumes, delete pods
    nothing can move: a move is recorded before its first step
    → ask an administrator for a Role in prod, and a ClusterRole for what lies in no namespace, with these rights
  · recover-node: you may, but not get and patch nodes
    it only reports: no taint can be set, and none taken away
    → ask an administrator for a ClusterRole with these rights
  ! snapshot: you may not create, get and delete virtualmachinesnapshots.snapshot.kubevirt.io
    snapshots cannot be taken
    → ask an administrator for a Role in prod with these rights
  ! snapshot restore: you may not get virtualmachinesnapshotcontents.snapshot.kubevirt.io, create, get, patch and delete virtualmachinerestores.snapshot.kubevirt.io, get and patch virtualmachines.kubevirt.io, get and patch persistentvolumeclaims, get and patch datavolumes.cdi.kubevirt.io, get and update configmaps, get virtualmachineinstances.kubevirt.io
    no machine can go back: what a snapshot holds is not seen; a restore breaks off half-way
    → ask an administrator for a Role in prod with these rights
  ! export: you may not create, get and delete virtualmachineexports.export.kubevirt.io, create secrets, get services/proxy, get virtualmachinesnapshotcontents.snapshot.kubevirt.io
    no disk can be fetched; the token of an export cannot be kept
    → ask an administrator for a Role in prod with these rights
");
}

#[test]
fn who_may_not_look_into_the_cluster() {
    case(|w| deny(w, |right| right.cluster), "  · every other command: you may, but not list storageclasses.storage.k8s.io, list cdiconfigs.cdi.kubevirt.io, list kubevirts.kubevirt.io
    it is not known which classes there are, and which can grow; sizes of disks on file systems are computed with CDI's default overhead; every change of a running machine is taken for one that needs a restart
    → ask an administrator for a ClusterRole with these rights
  · status: you may, but not list persistentvolumes, list nodes
    volumes that were lost or released are not seen; nodes that do not answer are not seen
    → ask an administrator for a ClusterRole with these rights
  · migrate: you may, but not patch persistentvolumes
    volumes that are left behind keep their reclaim policy
    → ask an administrator for a ClusterRole with these rights
  ! recover-node: you may not list, get and patch nodes, list virtualmachines.kubevirt.io, list virtualmachineinstances.kubevirt.io, list pods, list volumeattachments.storage.k8s.io, list persistentvolumeclaims, list persistentvolumes
    it is not seen whether a node is gone; it is not seen what a node held
    → ask an administrator for a ClusterRole with these rights
  · snapshot: you may, but not list persistentvolumes, list storageprofiles.cdi.kubevirt.io, list volumesnapshotclasses.snapshot.storage.k8s.io
    it is not known how long a snapshot lasts; the class of a snapshot is not known beforehand
    → ask an administrator for a ClusterRole with these rights
");
}

#[test]
fn who_sees_no_machines() {
    case(
        |w| deny(w, |right| right.verb == "list" && right.resource == "virtualmachines"),
        "  ! every other command: you may not list virtualmachines.kubevirt.io
    no machine is seen
    → ask an administrator for a Role in prod with these rights
  ! diff: you may not read what every command reads
  ! apply: you may not read what every command reads
  ! start: you may not read what every command reads
  ! stop: you may not read what every command reads
  ! restart: you may not read what every command reads
  ! expand: you may not read what every command reads
  ! adopt: you may not read what every command reads
  ! delete: you may not read what every command reads
  ! status: you may not read what every command reads
  ! migrate: you may not read what every command reads
  ! recover-node: you may not list virtualmachines.kubevirt.io
    it is not seen what a node held
    → ask an administrator for a ClusterRole with these rights
  ! snapshot: you may not read what every command reads
  ! snapshot restore: you may not read what every command reads
  ! export: you may not read what every command reads
",
    );
}

#[test]
fn one_right_less() {
    case(
        |w| deny(w, |right| right.resource == "virtualmachines/stop"),
        "  ! stop: you may not update virtualmachines.subresources.kubevirt.io/stop
    machines cannot be stopped
    → ask an administrator for a Role in prod with these rights
",
    );
    case(
        |w| deny(w, |right| right.verb == "create" && right.resource == "secrets"),
        "  ! apply: you may not create secrets
    cloud-init cannot be made
    → ask an administrator for a Role in prod with these rights
  ! export: you may not create secrets
    the token of an export cannot be kept
    → ask an administrator for a Role in prod with these rights
",
    );
}

#[test]
fn nobody_needs_rights_to_what_is_not_there() {
    case(
        |w| {
            w.server.kinds.insert("NetworkAttachmentDefinition".into(), Ok(false));
            deny(w, |right| right.resource == "network-attachment-definitions");
        },
        "  ! NetworkAttachmentDefinition is missing: Multus is not installed
    machines with `networks` other than the pod network cannot be made
    → install Multus
",
    );
}

#[test]
fn rights_that_are_not_known() {
    case(
        |w| {
            w.server.rights.values_mut().for_each(|may| *may = Err("cannot create reviews: forbidden".into()));
        },
        "  ? every other command: cannot create reviews: forbidden
  ? diff: cannot create reviews: forbidden
  ? apply: cannot create reviews: forbidden
  ? start: cannot create reviews: forbidden
  ? stop: cannot create reviews: forbidden
  ? restart: cannot create reviews: forbidden
  ? expand: cannot create reviews: forbidden
  ? adopt: cannot create reviews: forbidden
  ? delete: cannot create reviews: forbidden
  ? status: cannot create reviews: forbidden
  ? migrate: cannot create reviews: forbidden
  ? recover-node: cannot create reviews: forbidden
  ? snapshot: cannot create reviews: forbidden
  ? snapshot restore: cannot create reviews: forbidden
  ? export: cannot create reviews: forbidden
",
    );
}
