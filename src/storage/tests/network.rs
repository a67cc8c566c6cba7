//! Servers and storage systems outside of the cluster.

use super::*;

fn kept(how: &str) -> Erased {
    Erased::No(how.to_owned())
}

#[test]
fn exports() {
    let csi_nfs = |handle: &str, attributes: &Value| csi("nfs.csi.k8s.io", handle, attributes);
    let attributes = json!({"Server": "nfs.example", "share": "/srv/vm", "subDir": "pvc-1", "onDelete": "archive"});
    let look = "on the NFS server: ls -lsh /srv/vm/pvc-1/disk.img";
    let at = "nfs.example:/srv/vm/pvc-1/disk.img";
    let name = "NFS (CSI)";
    check(&[
        (
            csi_nfs("nfs.example#srv/vm#pvc-1##archive", &attributes),
            name,
            server("nfs.example"),
            at,
            look,
            kept("the driver keeps the directory as archived-pvc-1 in the export"),
        ),
        (
            csi_nfs("nfs.example#srv/vm#pvc-1#pvc-1#retain", &json!({})),
            name,
            server("nfs.example"),
            at,
            look,
            kept("the driver is told to keep the directory as it is"),
        ),
        (csi_nfs("nfs.example#srv/vm#pvc-1##", &json!({})), name, server("nfs.example"), at, look, Erased::Yes),
        (csi_nfs("nfs.example#srv/vm#pvc-1##", &attributes), name, server("nfs.example"), at, look, Erased::Yes),
        (csi_nfs("nfs.example/srv/vm/pvc-1", &json!({})), name, server("nfs.example"), at, look, Erased::Yes),
        (
            csi_nfs("anything", &json!({"server": "nfs.example", "share": "/"})),
            name,
            server("nfs.example"),
            "nfs.example:/disk.img",
            "on the NFS server: ls -lsh /disk.img",
            kept("the driver cannot read its handle, and deletes nothing"),
        ),
        (
            given(&json!({"nfs": {"server": "2001:db8::1", "path": "/vm"}})),
            "NFS",
            server("2001:db8::1"),
            "[2001:db8::1]:/vm/disk.img",
            "on the NFS server: ls -lsh /vm/disk.img",
            stays(),
        ),
    ]);
}

#[test]
fn subdirectories_of_an_export() {
    let by = "cluster.local/nfs-subdir-external-provisioner";
    let volume = made(by, &json!({"nfs": {"server": "192.0.2.20", "path": "/share/prod-web-pvc-1"}}));
    let erased = |parameters: Value| ask(&[], Some(&class(by, &parameters)), &volume).1.erased;
    let archived = kept("the directory is kept as archived-prod-web-pvc-1 in the export");
    assert_eq!(erased(json!({})), archived);
    assert_eq!(erased(json!({"archiveOnDelete": "true"})), archived);
    assert_eq!(erased(json!({"archiveOnDelete": "false"})), Erased::Yes);
    assert_eq!(erased(json!({"archiveOnDelete": "true", "onDelete": "delete"})), Erased::Yes);
    assert_eq!(erased(json!({"onDelete": "retain"})), kept("the class says that the directory is kept as it is"));
    check(&[(
        volume,
        "NFS subdirectories",
        server("192.0.2.20"),
        "192.0.2.20:/share/prod-web-pvc-1/disk.img",
        "on the NFS server: ls -lsh /share/prod-web-pvc-1/disk.img",
        kept("its class is gone, and without it the provisioner deletes nothing"),
    )]);
}

#[test]
fn disks_of_storage_systems() {
    let san = json!({"iscsi": {"targetPortal": "192.0.2.30", "portals": ["192.0.2.31:3260"],
        "iqn": "iqn.2024-01.example:lun7", "lun": 7}});
    let look = "on the node that runs the machine: lsblk -o NAME,SIZE,FSTYPE,SERIAL \
                /dev/disk/by-path/ip-192.0.2.30:3260-iscsi-iqn.2024-01.example:lun7-lun-7";
    check(&[
        (block(given(&san)), "iSCSI", server("192.0.2.30"), "192.0.2.30 iqn.2024-01.example:lun7 lun 7", look, stays()),
        (
            block(given(&json!({"fc": {"targetWWNs": ["50060E801049CFD1"], "lun": 3}}))),
            "Fibre Channel",
            server("a storage system"),
            "50060E801049CFD1 lun 3",
            "on the node that runs the machine: ls -l /dev/disk/by-path | grep -F fc-0x50060e801049cfd1-lun-3",
            stays(),
        ),
        (
            block(given(&json!({"fc": {"wwids": ["3600508b4"]}}))),
            "Fibre Channel",
            server("a storage system"),
            "3600508b4",
            "on the node that runs the machine: ls -l /dev/disk/by-id | grep -F scsi-3600508b4",
            stays(),
        ),
        (
            given(&json!({"glusterfs": {"endpoints": "gluster", "path": "vol1/web"}})),
            "GlusterFS",
            server("gluster"),
            "vol1/web/disk.img",
            "on a Gluster server: gluster volume info vol1",
            kept("no plugin is left that deletes it"),
        ),
    ]);
}

#[test]
fn appliances() {
    let zfs = |kind: &str| format!("org.democratic-csi.{kind}");
    let list = "on the storage server: zfs list -t filesystem,volume -o name,used,volsize,mountpoint | grep -F pvc-1";
    let export = json!({"node_attach_driver": "nfs", "server": "nas", "share": "/mnt/tank/k8s/pvc-1"});
    let target = json!({"node_attach_driver": "iscsi", "portal": "nas:3260", "iqn": "iqn.x:pvc-1", "lun": "0"});
    let own = json!({"node_attach_driver": "hostpath", "path": "/var/lib/csi-local/v/pvc-1"});
    let local = tied(csi(&zfs("local-hostpath"), "pvc-1", &own), "org.democratic-csi.topology/node", &["worker-1"]);
    let station = json!({"dsm": "192.0.2.40", "protocol": "iscsi", "source": ""});
    let share = json!({"dsm": "192.0.2.40", "protocol": "smb", "source": "//192.0.2.40/k8s-csi-pvc-1"});
    check(&[
        (
            csi(&zfs("nfs"), "pvc-1", &export),
            "democratic-csi",
            server("nas"),
            "nas:/mnt/tank/k8s/pvc-1/disk.img",
            "on the NFS server: ls -lsh /mnt/tank/k8s/pvc-1/disk.img",
            Erased::Yes,
        ),
        (
            block(csi(&zfs("iscsi"), "pvc-1", &target)),
            "democratic-csi",
            server("nas:3260"),
            "nas:3260 iqn.x:pvc-1 lun 0",
            "on the node that runs the machine: lsblk -o NAME,SIZE,FSTYPE,SERIAL \
             /dev/disk/by-path/ip-nas:3260-iscsi-iqn.x:pvc-1-lun-0",
            Erased::Yes,
        ),
        (
            csi(&zfs("new"), "pvc-1", &json!({})),
            "democratic-csi",
            server("a storage server"),
            "pvc-1",
            list,
            Erased::Yes,
        ),
        (
            local,
            "democratic-csi",
            node("worker-1"),
            "/var/lib/csi-local/v/pvc-1/disk.img",
            "on worker-1: ls -lsh /var/lib/csi-local/v/pvc-1/disk.img",
            Erased::Yes,
        ),
        (
            block(csi("csi.san.synology.com", "b1-uuid", &station)),
            "Synology",
            server("192.0.2.40"),
            "b1-uuid",
            "on the node that runs the machine: iscsiadm -m session -P 3",
            Erased::Yes,
        ),
        (
            csi("csi.san.synology.com", "b1-uuid", &share),
            "Synology",
            server("192.0.2.40"),
            "//192.0.2.40/k8s-csi-pvc-1/disk.img",
            "",
            Erased::Yes,
        ),
        (
            csi("csi.vsphere.vmware.com", "fcd-uuid", &json!({"type": "vSphere CNS Block Volume"})),
            "VMware vSphere",
            server("a datastore of vSphere"),
            "fcd-uuid",
            "anywhere: govc volume.ls -l -L fcd-uuid",
            Erased::Yes,
        ),
        (
            made("kubernetes.io/vsphere-volume", &json!({"vsphereVolume": {"volumePath": "[fast] kubevols/a.vmdk"}})),
            "VMware vSphere",
            server("datastore fast"),
            "[fast] kubevols/a.vmdk",
            "",
            Erased::Yes,
        ),
    ]);
}
