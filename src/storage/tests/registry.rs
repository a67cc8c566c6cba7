//! Which driver is of which kind.

use super::*;

/// A driver of every row of the catalogue, and of forms that rows have besides.
const DRIVERS: [(&str, &str); 70] = [
    ("rancher.io/local-path", "local-path"),
    ("cluster.local/store-local-path-provisioner", "local-path"),
    ("docker.io/hostpath", "Docker Desktop"),
    ("k8s.io/minikube-hostpath", "minikube"),
    ("hostpath.csi.k8s.io", "CSI hostpath"),
    ("kubevirt.io.hostpath-provisioner", "hostpath-provisioner"),
    ("kubevirt.io/hostpath-provisioner", "hostpath-provisioner"),
    ("kubernetes.io/no-provisioner", "static volume"),
    ("kubernetes.io/host-path", "static volume"),
    ("local-volume-provisioner-worker-1-5b7f", "static volume"),
    ("local", "static volume"),
    ("hostPath", "static volume"),
    ("microk8s.io/hostpath", "MicroK8s"),
    ("driver.longhorn.io", "Longhorn"),
    ("rbd.csi.ceph.com", "Ceph RBD"),
    ("rook-ceph.rbd.csi.ceph.com", "Ceph RBD"),
    ("openshift-storage.rbd.csi.ceph.com", "Ceph RBD"),
    ("kubernetes.io/rbd", "Ceph RBD"),
    ("ceph.com/rbd", "Ceph RBD"),
    ("rbd", "Ceph RBD"),
    ("cephfs.csi.ceph.com", "CephFS"),
    ("rook-ceph.cephfs.csi.ceph.com", "CephFS"),
    ("rook-ceph.nfs.csi.ceph.com", "CephFS"),
    ("kubernetes.io/cephfs", "CephFS"),
    ("ceph.com/cephfs", "CephFS"),
    ("cephfs", "CephFS"),
    ("nfs.csi.k8s.io", "NFS (CSI)"),
    ("cluster.local/nfs-subdir-external-provisioner", "NFS subdirectories"),
    ("cluster.local/store-nfs-client-provisioner", "NFS subdirectories"),
    ("k8s-sigs.io/nfs-subdir-external-provisioner", "NFS subdirectories"),
    ("fuseim.pri/ifs", "NFS subdirectories"),
    ("nfs", "NFS"),
    ("kubernetes.io/nfs", "NFS"),
    ("iscsi", "iSCSI"),
    ("kubernetes.io/iscsi", "iSCSI"),
    ("fc", "Fibre Channel"),
    ("kubernetes.io/fc", "Fibre Channel"),
    ("ebs.csi.aws.com", "Amazon EBS"),
    ("ebs.csi.eks.amazonaws.com", "Amazon EBS"),
    ("kubernetes.io/aws-ebs", "Amazon EBS"),
    ("awsElasticBlockStore", "Amazon EBS"),
    ("efs.csi.aws.com", "Amazon EFS"),
    ("disk.csi.azure.com", "Azure Disk"),
    ("kubernetes.io/azure-disk", "Azure Disk"),
    ("azureDisk", "Azure Disk"),
    ("file.csi.azure.com", "Azure Files"),
    ("kubernetes.io/azure-file", "Azure Files"),
    ("azureFile", "Azure Files"),
    ("pd.csi.storage.gke.io", "Google Persistent Disk"),
    ("kubernetes.io/gce-pd", "Google Persistent Disk"),
    ("gcePersistentDisk", "Google Persistent Disk"),
    ("cinder.csi.openstack.org", "OpenStack Cinder"),
    ("kubernetes.io/cinder", "OpenStack Cinder"),
    ("cinder", "OpenStack Cinder"),
    ("csi.vsphere.vmware.com", "VMware vSphere"),
    ("kubernetes.io/vsphere-volume", "VMware vSphere"),
    ("vsphereVolume", "VMware vSphere"),
    ("topolvm.io", "TopoLVM"),
    ("topolvm.cybozu.com", "TopoLVM"),
    ("linstor.csi.linbit.com", "LINSTOR"),
    ("openebs.io/local", "OpenEBS hostpath"),
    ("local.csi.openebs.io", "OpenEBS LVM"),
    ("zfs.csi.openebs.io", "OpenEBS ZFS"),
    ("io.openebs.csi-mayastor", "OpenEBS Mayastor"),
    ("pxd.portworx.com", "Portworx"),
    ("org.democratic-csi.truenas-iscsi", "democratic-csi"),
    ("csi.san.synology.com", "Synology"),
    ("diskplugin.csi.alibabacloud.com", "Alibaba Cloud disk"),
    ("glusterfs", "GlusterFS"),
    ("kubernetes.io/glusterfs", "GlusterFS"),
];

/// Drivers without a resizer. All others of the table grow.
const PRETEND: [&str; 12] = [
    "local-path",
    "Docker Desktop",
    "minikube",
    "MicroK8s",
    "hostpath-provisioner",
    "static volume",
    "NFS (CSI)",
    "NFS subdirectories",
    "NFS",
    "OpenEBS hostpath",
    "Amazon EFS",
    "GlusterFS",
];

fn answers(driver: &str) -> Vec<&'static str> {
    BACKENDS.iter().filter(|known| known.drivers.iter().any(|name| name.is(driver))).map(|known| known.name).collect()
}

#[test]
fn every_driver_has_one_kind() {
    for (driver, name) in DRIVERS {
        assert_eq!(answers(driver), [name], "{driver}");
        assert_eq!(backend(driver).name, name);
        let grows = backend(driver).grows;
        let pretends = PRETEND.contains(&name) || ["iSCSI", "Fibre Channel"].contains(&name);
        assert_eq!(matches!(grows, Growing::Pretends(_)), pretends, "{driver}");
        assert_eq!(grows == Growing::Grows, !pretends, "{driver}");
    }
}

#[test]
fn every_kind_has_a_driver_and_a_name_of_its_own() {
    let mut names: Vec<_> = BACKENDS.iter().map(|known| known.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), BACKENDS.len());
    for known in BACKENDS {
        assert!(!known.drivers.is_empty(), "{}", known.name);
        assert!(DRIVERS.iter().any(|(_, name)| *name == known.name), "{}", known.name);
    }
}

#[test]
fn other_drivers_are_of_no_kind() {
    for driver in [
        "",
        "evilrbd.csi.ceph.com",
        "rbd.csi.ceph.com.evil.example",
        "x.ebs.csi.aws.com",
        "cluster.local/other",
        "x/cluster.local/nfs-subdir",
        "local-path",
        "Local",
        "org.democratic-csi",
        "example.com/new",
    ] {
        assert_eq!(answers(driver), [""; 0], "{driver}");
    }
}

#[test]
fn what_serves_a_volume_counts_more_than_its_class() {
    let storage_class = class("driver.longhorn.io", &json!({}));
    let export = given(&json!({"nfs": {"server": "nfs.example", "path": "/vm"}}));
    assert_eq!(driver(&export, None, Some(&storage_class)), Some("nfs"));
    let migrated = made("kubernetes.io/aws-ebs", &json!({"awsElasticBlockStore": {"volumeID": "vol-1"}}));
    assert_eq!(driver(&migrated, None, None), Some("kubernetes.io/aws-ebs"));
    let mut gone = given(&json!({}));
    assert_eq!(driver(&gone, None, Some(&storage_class)), Some("driver.longhorn.io"));
    let claim = json!({"metadata": {"annotations": {"volume.beta.kubernetes.io/storage-provisioner": "topolvm.io"}}});
    assert_eq!(driver(&gone, Some(&claim), Some(&storage_class)), Some("topolvm.io"));
    gone["metadata"]["annotations"] = json!({"pv.kubernetes.io/migrated-to": "ebs.csi.aws.com"});
    assert_eq!(driver(&gone, Some(&claim), None), Some("ebs.csi.aws.com"));
    assert_eq!(driver(&json!({}), None, None), None);
}
