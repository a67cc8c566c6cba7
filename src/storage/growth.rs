//! Whether a driver makes claims larger. A class may promise it without a resizer behind: the claim is then stuck, or
//! only says that it is larger.

/// What becomes of a claim that asks for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growing {
    /// It grows.
    Grows,
    /// Nothing happens, or only a number changes. The reason is a clause.
    Pretends(&'static str),
    /// The driver is not known here; the class decides.
    Unknown,
}

/// Drivers without a resizer, with the reason. Source: each driver's documentation and code, read for this table.
const PRETEND: [(&str, &str); 13] = [
    ("rancher.io/local-path", "it has no resizer: a directory of the node has no size"),
    ("docker.io/hostpath", "it has no resizer"),
    ("k8s.io/minikube-hostpath", "it has no resizer"),
    ("microk8s.io/hostpath", "it has no resizer"),
    ("kubevirt.io.hostpath-provisioner", "it has no resizer: a directory of the node has no size"),
    ("kubevirt.io/hostpath-provisioner", "it has no resizer: a directory of the node has no size"),
    ("kubernetes.io/no-provisioner", "an administrator made the volume, and nothing resizes it"),
    ("nfs.csi.k8s.io", "it changes the number and nothing else: the export has no quota"),
    ("openebs.io/local", "it has no resizer: a directory of the node has no size"),
    ("efs.csi.aws.com", "the file system is elastic and has no size"),
    ("kubernetes.io/glusterfs", "no node can mount it any more"),
    ("k8s-sigs.io/nfs-subdir-external-provisioner", "it has no resizer"),
    ("kubernetes.io/nfs", "an administrator made the volume, and nothing resizes it"),
];

/// Drivers that grow. Source: as above. Those of Ceph have a prefix of the cluster's.
const GROW: [&str; 20] = [
    "driver.longhorn.io",
    "rbd.csi.ceph.com",
    "cephfs.csi.ceph.com",
    "ebs.csi.aws.com",
    "kubernetes.io/aws-ebs",
    "disk.csi.azure.com",
    "file.csi.azure.com",
    "pd.csi.storage.gke.io",
    "cinder.csi.openstack.org",
    "csi.vsphere.vmware.com",
    "topolvm.io",
    "topolvm.cybozu.com",
    "linstor.csi.linbit.com",
    "local.csi.openebs.io",
    "zfs.csi.openebs.io",
    "io.openebs.csi-mayastor",
    "pxd.portworx.com",
    "csi.san.synology.com",
    "diskplugin.csi.alibabacloud.com",
    "hostpath.csi.k8s.io",
];

/// What a driver does, by the name of its provisioner.
pub fn growing(provisioner: &str) -> Growing {
    // The chart of nfs-subdir-external-provisioner names it after the release.
    if provisioner.starts_with("cluster.local/") && provisioner.contains("nfs-subdir") {
        return Growing::Pretends("it has no resizer, although its chart says that classes may grow");
    }
    if let Some((_, reason)) = PRETEND.iter().find(|(name, _)| *name == provisioner) {
        return Growing::Pretends(reason);
    }
    let known =
        |name: &str| provisioner.strip_suffix(name).is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('.'));
    if GROW.iter().any(|name| known(name)) || provisioner.starts_with("org.democratic-csi.") {
        return Growing::Grows;
    }
    Growing::Unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_are_told_apart() {
        assert_eq!(growing("rook-ceph.rbd.csi.ceph.com"), Growing::Grows);
        assert_eq!(growing("evilrbd.csi.ceph.com"), Growing::Unknown);
        assert!(matches!(growing("rancher.io/local-path"), Growing::Pretends(_)));
        assert!(matches!(growing("cluster.local/store-nfs-subdir-external-provisioner"), Growing::Pretends(_)));
        assert_eq!(growing("example.com/new"), Growing::Unknown);
    }
}
