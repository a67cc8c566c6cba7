//! Directories and disks of one node.

use super::*;

const HOST: &str = "kubernetes.io/hostname";

#[test]
fn directories() {
    let k3s = "/var/lib/rancher/k3s/storage/pvc-1_prod_web";
    let kind = "/var/local-path-provisioner/pvc-1_prod_web";
    let docker = "/var/lib/k8s-pvs/web/pvc-1";
    let minikube = "/tmp/hostpath-provisioner/prod/web";
    let micro = "/var/snap/microk8s/common/default-storage/prod-web-pvc-1";
    let local = |path: &str| json!({"local": {"path": path}});
    let host = |path: &str| json!({"hostPath": {"path": path, "type": "DirectoryOrCreate"}});
    check(&[
        (
            tied(made("rancher.io/local-path", &host(kind)), HOST, &["host-2"]),
            "local-path",
            node("worker-2"),
            "/var/local-path-provisioner/pvc-1_prod_web/disk.img",
            "on worker-2: ls -lsh /var/local-path-provisioner/pvc-1_prod_web/disk.img",
            Erased::Yes,
        ),
        (
            tied(made("rancher.io/local-path", &local(k3s)), HOST, &["host-1"]),
            "local-path",
            node("worker-1"),
            "/var/lib/rancher/k3s/storage/pvc-1_prod_web/disk.img",
            "on worker-1: ls -lsh /var/lib/rancher/k3s/storage/pvc-1_prod_web/disk.img",
            Erased::Yes,
        ),
        (
            made("docker.io/hostpath", &host(docker)),
            "Docker Desktop",
            Holder::Node(None),
            "/var/lib/k8s-pvs/web/pvc-1/disk.img",
            "on the node that runs the machine: ls -lsh /var/lib/k8s-pvs/web/pvc-1/disk.img",
            Erased::Yes,
        ),
        (
            made("k8s.io/minikube-hostpath", &host(minikube)),
            "minikube",
            Holder::Node(None),
            "/tmp/hostpath-provisioner/prod/web/disk.img",
            "on the node that runs the machine: ls -lsh /tmp/hostpath-provisioner/prod/web/disk.img",
            Erased::Yes,
        ),
        (
            tied(made("microk8s.io/hostpath", &host(micro)), HOST, &["host-1"]),
            "MicroK8s",
            node("worker-1"),
            "/var/snap/microk8s/common/default-storage/prod-web-pvc-1/disk.img",
            "on worker-1: ls -lsh /var/snap/microk8s/common/default-storage/prod-web-pvc-1/disk.img",
            Erased::Yes,
        ),
        (
            tied(made("openebs.io/local", &local("/var/openebs/local/pvc-1")), HOST, &["host-1"]),
            "OpenEBS hostpath",
            node("worker-1"),
            "/var/openebs/local/pvc-1/disk.img",
            "on worker-1: ls -lsh /var/openebs/local/pvc-1/disk.img",
            Erased::Yes,
        ),
        (
            tied(made("kubevirt.io/hostpath-provisioner", &host("/var/hpvolumes/pvc-1")), HOST, &["host-2"]),
            "hostpath-provisioner",
            node("worker-2"),
            "/var/hpvolumes/pvc-1/disk.img",
            "on worker-2: ls -lsh /var/hpvolumes/pvc-1/disk.img",
            Erased::Yes,
        ),
    ]);
}

#[test]
fn what_an_administrator_made() {
    let disk = json!({"local": {"path": "/dev/disk/by-id/nvme-A"}});
    check(&[
        (
            tied(block(given(&disk)), HOST, &["host-1"]),
            "static volume",
            node("worker-1"),
            "/dev/disk/by-id/nvme-A",
            "on worker-1: lsblk -o NAME,SIZE,FSTYPE,MODEL,SERIAL /dev/disk/by-id/nvme-A",
            stays(),
        ),
        (
            tied(
                made("local-volume-provisioner-worker-1-ab", &json!({"local": {"path": "/mnt/a"}})),
                HOST,
                &["host-1"],
            ),
            "static volume",
            node("worker-1"),
            "/mnt/a/disk.img",
            "on worker-1: ls -lsh /mnt/a/disk.img",
            Erased::Yes,
        ),
        (
            given(&json!({"hostPath": {"path": "/srv/vm disks/"}})),
            "static volume",
            Holder::Node(None),
            "/srv/vm disks/disk.img",
            "on the node that runs the machine: ls -lsh '/srv/vm disks/disk.img'",
            stays(),
        ),
        (
            given(&json!({"hostPath": {"path": "/tmp/vm"}})),
            "static volume",
            Holder::Node(None),
            "/tmp/vm/disk.img",
            "on the node that runs the machine: ls -lsh /tmp/vm/disk.img",
            Erased::Yes,
        ),
        (
            given(&json!({"hostPath": {"path": "/tmp/"}})),
            "static volume",
            Holder::Node(None),
            "/tmp/disk.img",
            "on the node that runs the machine: ls -lsh /tmp/disk.img",
            stays(),
        ),
    ]);
    let formatted = tied(given(&disk), HOST, &["host-1"]);
    assert_eq!(ask(&[], None, &formatted).1.at.as_deref(), Some("/dev/disk/by-id/nvme-A"));
}

#[test]
fn the_node_is_found_by_any_of_its_labels() {
    let volume = given(&json!({"local": {"path": "/mnt/a"}}));
    let holder = |volume: &Value| ask(&[], None, volume).1.holder;
    assert_eq!(holder(&tied(volume.clone(), "rack", &["rack-2"])), node("worker-2"));
    assert_eq!(holder(&tied(volume.clone(), HOST, &["gone"])), node("gone"));
    // Either of two is no one node; nor is a zone.
    assert_eq!(holder(&tied(volume.clone(), HOST, &["host-1", "host-2"])), Holder::Node(None));
    assert_eq!(holder(&tied(volume.clone(), "topology.kubernetes.io/zone", &["a"])), Holder::Node(None));
    let mut either = tied(volume.clone(), HOST, &["host-1"]);
    let other = json!({"matchExpressions": [{"key": HOST, "operator": "In", "values": ["host-2"]}]});
    let terms = either.pointer_mut("/spec/nodeAffinity/required/nodeSelectorTerms").unwrap();
    terms.as_array_mut().unwrap().push(other);
    assert_eq!(holder(&either), Holder::Node(None));
    let mut named = volume;
    named["spec"]["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": [
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["worker-1"]}]}]}});
    assert_eq!(holder(&named), node("worker-1"));
}

#[test]
fn a_file_system_that_nodes_share_is_of_no_node() {
    let mut volume = made("rancher.io/local-path", &json!({"hostPath": {"path": "/shared/pvc-1_prod_web"}}));
    volume["metadata"]["annotations"]["local.path.provisioner/selected-node"] = json!("worker-1");
    let (_, place) = ask(&[], None, &volume);
    assert_eq!(place.holder, server("a file system that the nodes share"));
    assert_eq!(place.look, ["on any node: ls -lsh /shared/pvc-1_prod_web/disk.img"]);
}

#[test]
fn csi_directories() {
    let hpp = csi("kubevirt.io.hostpath-provisioner", "pvc-1", &json!({"storagePool": "local"}));
    let hpp = tied(hpp, "topology.hostpath.csi/node", &["worker-1"]);
    check(&[
        (
            tied(csi("hostpath.csi.k8s.io", "8f-uuid", &json!({})), "topology.hostpath.csi/node", &["worker-2"]),
            "CSI hostpath",
            node("worker-2"),
            "8f-uuid",
            "on worker-2: findmnt -n -o SOURCE,TARGET | grep -F 8f-uuid",
            Erased::Yes,
        ),
        (
            hpp.clone(),
            "hostpath-provisioner",
            node("worker-1"),
            "pvc-1",
            "on worker-1: findmnt -n -o SOURCE,TARGET | grep -F pvc-1",
            Erased::Yes,
        ),
    ]);
    let pools = json!({"kind": "HostPathProvisioner", "metadata": {"name": "hpp"}, "spec": {"storagePools": [
        {"name": "other", "path": "/b"}, {"name": "local", "path": "/var/hpvolumes/"}]}});
    let (_, place) = ask(&[pools], None, &hpp);
    assert_eq!(place.at.as_deref(), Some("/var/hpvolumes/csi/pvc-1/disk.img"));
    assert_eq!(place.look, ["on worker-1: ls -lsh /var/hpvolumes/csi/pvc-1/disk.img"]);
    assert_eq!(detail(&place, "pool"), Some("local"));
}

#[test]
fn logical_volumes() {
    let lvm = csi("local.csi.openebs.io", "pvc-1", &json!({"openebs.io/volgroup": "vg0"}));
    let zfs = csi("zfs.csi.openebs.io", "pvc-1", &json!({"openebs.io/poolname": "tank"}));
    check(&[
        (
            tied(block(csi("topolvm.io", "3f-uuid", &json!({}))), "topology.topolvm.io/node", &["worker-3"]),
            "TopoLVM",
            node("worker-3"),
            "3f-uuid",
            "on worker-3: lvs -o lv_full_name,lv_path,lv_size,devices -S lv_name=3f-uuid",
            Erased::Yes,
        ),
        (
            tied(lvm.clone(), "openebs.io/nodename", &["host-1"]),
            "OpenEBS LVM",
            node("worker-1"),
            "/dev/vg0/pvc-1",
            "on worker-1: lvs -o lv_path,lv_size,data_percent,devices vg0/pvc-1",
            Erased::Yes,
        ),
        (
            tied(zfs.clone(), "openebs.io/nodeid", &["host-2"]),
            "OpenEBS ZFS",
            node("worker-2"),
            "tank/pvc-1",
            "on worker-2: zfs list -o name,used,refer,volsize,mountpoint tank/pvc-1",
            Erased::Yes,
        ),
        (
            tied(block(zfs.clone()), "openebs.io/nodeid", &["host-2"]),
            "OpenEBS ZFS",
            node("worker-2"),
            "/dev/zvol/tank/pvc-1",
            "on worker-2: zfs list -o name,used,refer,volsize,mountpoint tank/pvc-1",
            Erased::Yes,
        ),
    ]);
    // Without an affinity their objects tell.
    let objects = [
        json!({"kind": "LogicalVolume", "metadata": {"name": "pvc-1"},
            "spec": {"nodeName": "worker-1", "deviceClass": "ssd"}, "status": {"volumeID": "3f-uuid"}}),
        json!({"kind": "LVMVolume", "metadata": {"name": "pvc-1", "namespace": "openebs"},
            "spec": {"ownerNodeID": "host-2", "volGroup": "vg1", "thinProvision": "yes"}}),
        json!({"kind": "ZFSVolume", "metadata": {"name": "pvc-1", "namespace": "openebs"},
            "spec": {"ownerNodeID": "host-3", "poolName": "pool", "volumeType": "ZVOL"}}),
    ];
    let (_, place) = ask(&objects, None, &csi("topolvm.io", "3f-uuid", &json!({})));
    assert_eq!((place.holder.clone(), detail(&place, "device class")), (node("worker-1"), Some("ssd")));
    let (_, place) = ask(&objects, None, &lvm);
    assert_eq!((place.holder, place.at.as_deref()), (node("worker-2"), Some("/dev/vg1/pvc-1")));
    assert_eq!(place.full, Full::Pauses);
    let (_, place) = ask(&objects, None, &zfs);
    assert_eq!((place.holder, place.at.as_deref()), (node("worker-3"), Some("/dev/zvol/pool/pvc-1")));
}
