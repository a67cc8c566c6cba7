//! Storage that keeps copies on several nodes.

use super::*;

const ID: &str = "9f2c1a40-1b7e-4d0c-8d55-4c1f0a7b0005";

fn handle() -> String {
    format!("0001-0009-rook-ceph-0000000000000002-{ID}")
}

#[test]
fn ceph() {
    let image = format!("csi-vol-{ID}");
    let rbd = json!({"clusterID": "rook-ceph", "pool": "replicapool", "imageName": image});
    let path = "/volumes/csi/csi-vol-5b/c7";
    let fs = json!({"clusterID": "rook-ceph", "fsName": "myfs", "pool": "myfs-replicated",
        "subvolumeName": "csi-vol-5b", "subvolumePath": path});
    let static_image = json!({"clusterID": "rook-ceph", "pool": "replicapool", "staticVolume": "true"});
    let kept = |what: &str| Erased::No(format!("the driver does not delete {what} that it did not make"));
    check(&[
        (
            block(csi("rook-ceph.rbd.csi.ceph.com", &handle(), &rbd)),
            "Ceph RBD",
            Holder::Copies,
            "replicapool/csi-vol-9f2c1a40-1b7e-4d0c-8d55-4c1f0a7b0005",
            "in the Rook toolbox: rbd info replicapool/csi-vol-9f2c1a40-1b7e-4d0c-8d55-4c1f0a7b0005",
            Erased::Yes,
        ),
        (
            block(csi("rbd.csi.ceph.com", &handle(), &json!({}))),
            "Ceph RBD",
            Holder::Copies,
            "csi-vol-9f2c1a40-1b7e-4d0c-8d55-4c1f0a7b0005",
            "where Ceph's tools are set up: ceph osd pool ls detail",
            Erased::Yes,
        ),
        (
            block(csi("rook-ceph.rbd.csi.ceph.com", "my image", &static_image)),
            "Ceph RBD",
            Holder::Copies,
            "replicapool/my image",
            "in the Rook toolbox: rbd info 'replicapool/my image'",
            kept("an image"),
        ),
        (
            given(&json!({"rbd": {"monitors": ["192.0.2.1"], "pool": "vms", "image": "web"}})),
            "Ceph RBD",
            Holder::Copies,
            "vms/web",
            "where Ceph's tools are set up: rbd info vms/web",
            stays(),
        ),
        (
            csi("rook-ceph.cephfs.csi.ceph.com", &handle(), &fs),
            "CephFS",
            Holder::Copies,
            "myfs:/volumes/csi/csi-vol-5b/c7/disk.img",
            "in the Rook toolbox: ceph fs subvolume info myfs csi-vol-5b csi",
            Erased::Yes,
        ),
        (
            csi(
                "rook-ceph.nfs.csi.ceph.com",
                &handle(),
                &json!({"fsName": "myfs", "server": "10.0.0.1", "share": "/0"}),
            ),
            "CephFS",
            Holder::Copies,
            "csi-vol-9f2c1a40-1b7e-4d0c-8d55-4c1f0a7b0005",
            "in the Rook toolbox: ceph fs subvolume info myfs csi-vol-9f2c1a40-1b7e-4d0c-8d55-4c1f0a7b0005 csi",
            Erased::Yes,
        ),
    ]);
}

#[test]
fn pools_of_ceph() {
    let pool = |namespace: &str, spec: &Value| json!({"kind": "CephBlockPool", "metadata": {"name": "replicapool", "namespace": namespace}, "spec": spec});
    let objects = [
        pool("another", &json!({"failureDomain": "host", "replicated": {"size": 3}})),
        pool("rook-ceph", &json!({"failureDomain": "osd", "replicated": {"size": 2}})),
        json!({"kind": "CephFilesystem", "metadata": {"name": "myfs", "namespace": "rook-ceph"}, "spec": {"dataPools": [
            {"name": "default", "failureDomain": "host", "replicated": {"size": 3}},
            {"name": "cold", "failureDomain": "rack", "erasureCoded": {"dataChunks": 4, "codingChunks": 2}}]}}),
    ];
    let volume = csi("rook-ceph.rbd.csi.ceph.com", &handle(), &json!({"pool": "replicapool"}));
    let (_, place) = ask(&objects, None, &volume);
    assert_eq!((detail(&place, "copies wanted"), detail(&place, "failure domain")), (Some("2"), Some("osd")));
    assert_eq!(
        place.look.last().map(String::as_str),
        Some("anywhere: kubectl -n rook-ceph get cephblockpools.ceph.rook.io replicapool")
    );
    assert_eq!(place.notes, ["its copies may lie on disks of one node: the failure domain is osd"]);
    assert!(place.snapshots_survive && place.full == Full::Hangs);

    let volume = |pool: &str| {
        csi("rook-ceph.cephfs.csi.ceph.com", &handle(), &json!({"fsName": "myfs", "pool": pool, "rootPath": "/a"}))
    };
    let (_, place) = ask(&objects, None, &volume("myfs-cold"));
    assert_eq!(detail(&place, "erasure coding"), Some("4 parts and 2 to spare"));
    let (_, place) = ask(&objects, None, &volume(""));
    assert_eq!(detail(&place, "copies wanted"), Some("3"));
}

#[test]
fn linstor() {
    let volume = block(csi("linstor.csi.linbit.com", "pvc-1", &json!({})));
    check(&[(
        volume.clone(),
        "LINSTOR",
        Holder::Copies,
        "pvc-1",
        "in LINSTOR's controller: linstor resource list -r pvc-1",
        Erased::Yes,
    )]);
    let parameters =
        json!({"linstor.csi.linbit.com/placementCount": "2", "linstor.csi.linbit.com/storagePool": "fast"});
    let satellite = |node: &str, pool: &Value| {
        let pools = json!([{"name": "slow", "lvmPool": {"volumeGroup": "vg-slow"}}, pool]);
        json!({"kind": "LinstorSatellite", "metadata": {"name": node}, "spec": {"storagePools": pools}})
    };
    let satellites = [
        satellite("worker-1", &json!({"name": "fast", "lvmThinPool": {"volumeGroup": "vg-fast"}})),
        satellite("worker-2", &json!({"name": "fast", "lvmThinPool": {}})),
    ];
    let storage = class("linstor.csi.linbit.com", &parameters);
    let bound = tied(volume.clone(), "linbit.com/hostname", &["worker-1", "worker-2", "worker-3"]);
    let (_, place) = ask(&satellites, Some(&storage), &bound);
    assert_eq!(place.holder, Holder::Copies);
    let at: Vec<_> = place.copies.iter().map(|copy| (copy.node.as_deref(), copy.at.as_deref())).collect();
    let expected = [
        (Some("worker-1"), Some("/dev/vg-fast/pvc-1_00000")),
        (Some("worker-2"), Some("/dev/linstor_fast/pvc-1_00000")),
        (Some("worker-3"), None),
    ];
    assert_eq!(at, expected);
    let single = class("linstor.csi.linbit.com", &json!({"autoPlace": "1"}));
    assert_eq!(ask(&[], Some(&single), &volume).1.holder, Holder::Node(None));
    // A class that does not say asks for one copy, and letters count in either case.
    for (parameters, copies, holder) in [
        (json!({"storagePool": "fast"}), "1", Holder::Node(None)),
        (json!({"placementcount": "3"}), "3", Holder::Copies),
        (json!({"nodeList": "worker-1 worker-2"}), "2", Holder::Copies),
    ] {
        let (_, place) = ask(&[], Some(&class("linstor.csi.linbit.com", &parameters)), &volume);
        assert_eq!((detail(&place, "copies wanted"), &place.holder), (Some(copies), &holder), "{parameters}");
    }
    assert_eq!(ask(&[], None, &tied(volume, "linbit.com/hostname", &["worker-2"])).1.holder, node("worker-2"));
}

#[test]
fn mayastor() {
    let volume = |repl: &str| {
        let volume = csi("io.openebs.csi-mayastor", "ec4e-uuid", &json!({"repl": repl}));
        tied(volume, "openebs.io/csi-node", &["mayastor"])
    };
    check(&[(
        volume("2"),
        "OpenEBS Mayastor",
        Holder::Copies,
        "ec4e-uuid",
        "anywhere: kubectl mayastor get volume-replica-topology ec4e-uuid",
        Erased::Yes,
    )]);
    assert_eq!(ask(&[], None, &volume("1")).1.holder, Holder::Node(None));
    let pool = |name: &str, node: &str| json!({"kind": "DiskPool", "metadata": {"name": name}, "spec": {"node": node}});
    let one = [pool("a", "worker-2"), pool("b", "worker-2")];
    assert_eq!(ask(&one, None, &volume("2")).1.holder, node("worker-2"));
    let two = [pool("a", "worker-2"), pool("b", "worker-1")];
    let (_, place) = ask(&two, None, &volume("2"));
    assert_eq!(detail(&place, "nodes with pools"), Some("worker-1, worker-2"));
}

#[test]
fn portworx() {
    let look = "on a Portworx node: pxctl volume inspect 418270053000000001";
    let volume = csi("pxd.portworx.com", "418270053000000001", &json!({}));
    let older = json!({"portworxVolume": {"volumeID": "418270053000000001"}});
    check(&[
        (volume.clone(), "Portworx", Holder::Copies, "418270053000000001", look, Erased::Yes),
        (
            made("kubernetes.io/portworx-volume", &older),
            "Portworx",
            Holder::Copies,
            "418270053000000001",
            look,
            Erased::Yes,
        ),
    ]);
    let array = class("pxd.portworx.com", &json!({"backend": "pure_block"}));
    assert_eq!(ask(&[], Some(&array), &volume).1.holder, server("a storage array"));
    let single = class("pxd.portworx.com", &json!({"repl": "1"}));
    assert_eq!(ask(&[], Some(&single), &volume).1.holder, Holder::Node(None));
}
