//! Where bytes lie on thirteen kinds of storage, whose volumes are bound by the real controllers.

use anyhow::{Context as _, Result, ensure};
use cluster::{Cluster, backends};
use serde_json::{Value, json};

use crate::safety::wukong;
use crate::world::{claim, until};

/// What is told of each claim: what holds it, where, and what a lost node and a deleted claim do to it.
const TOLD: [[&str; 5]; 13] = [
    [
        "k3s-local-path",
        "node worker-1",
        "/var/lib/rancher/k3s/storage/pvc-11111111-0000-4000-8000-000000000001_backends_k3s-local-path/disk.img",
        "lost",
        "lost",
    ],
    [
        "kind-local-path",
        "node worker-2",
        "/var/local-path-provisioner/pvc-11111111-0000-4000-8000-000000000002_backends_kind-local-path/disk.img",
        "lost",
        "lost",
    ],
    [
        "docker-desktop",
        "node -",
        "/var/lib/k8s-pvs/docker-desktop/pvc-11111111-0000-4000-8000-000000000003/disk.img",
        "lost",
        "lost",
    ],
    ["static-local", "node worker-2", "/dev/disk/by-id/nvme-Samsung_SSD_S6B0", "lost", "recoverable"],
    ["longhorn", "copies -", "pvc-11111111-0000-4000-8000-000000000005", "unknown", "lost"],
    ["ceph-rbd", "copies -", "replicapool/csi-vol-11111111-0000-4000-8000-000000000006", "unknown", "lost"],
    [
        "ceph-fs",
        "copies -",
        "myfs:/volumes/csi/csi-vol-11111111-0000-4000-8000-000000000007/disk.img",
        "unknown",
        "recoverable",
    ],
    [
        "nfs-csi",
        "server nfs.lab.example",
        "nfs.lab.example:/srv/vm/pvc-11111111-0000-4000-8000-000000000008/disk.img",
        "kept",
        "recoverable",
    ],
    [
        "nfs-subdir",
        "server nfs.lab.example",
        "nfs.lab.example:/exports/backends-nfs-subdir-pvc-11111111-0000-4000-8000-000000000009/disk.img",
        "kept",
        "recoverable",
    ],
    ["aws-ebs", "zone us-east-1a", "vol-01234567890abcdef", "kept", "lost"],
    [
        "gce-regional",
        "region us-central1",
        "projects/example/regions/us-central1/disks/pvc-11111111-0000-4000-8000-000000000011",
        "kept",
        "recoverable",
    ],
    ["topolvm", "node worker-1", "11111111-0000-4000-8000-000000000012", "lost", "lost"],
    [
        "iscsi",
        "server 192.0.2.10:3260",
        "192.0.2.10:3260 iqn.2026-01.example.lab:storage.vm lun 3",
        "kept",
        "recoverable",
    ],
];

/// One machine with a disk on each of them gets the right path, holder and verdicts for all.
pub async fn of_thirteen_backends(cluster: &Cluster) -> Result<()> {
    let claims = cluster.backends().await?;
    ensure!(claims.len() == TOLD.len(), "{claims:?}");
    for name in &claims {
        until(cluster, &claim(backends::NAMESPACE, name), "/status/phase", &json!("Bound")).await?;
    }
    let disks: Vec<_> = claims.iter().map(|name| json!({"name": name, "disk": {"bus": "virtio"}})).collect();
    let volumes: Vec<_> =
        claims.iter().map(|name| json!({"name": name, "persistentVolumeClaim": {"claimName": name}})).collect();
    let machine = json!({
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
        "metadata": {"name": "everywhere", "namespace": backends::NAMESPACE},
        "spec": {"runStrategy": "Halted", "template": {"spec": {
            "domain": {"devices": {"disks": disks}, "memory": {"guest": "1Gi"}}, "volumes": volumes,
        }}},
    });
    cluster.objects.apply(&machine).await?;
    let args = ["where-is-my-data", "-n", backends::NAMESPACE, "vm/everywhere", "-o", "json"];
    let ran = wukong(&cluster.kubeconfig(), &args).await?.ended(0)?;
    let told: Value = serde_json::from_str(&ran.out)?;
    let mut wrong = Vec::new();
    for [name, holder, at, node_lost, claim_deleted] in TOLD {
        let disks = told["disks"].as_array().context("no disks")?;
        let disk = disks.iter().find(|disk| disk["name"] == name).with_context(|| name.to_owned())?;
        let part = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let place = &disk["place"];
        let fate = |event: &str| {
            let verdicts = disk["verdicts"].as_array().into_iter().flatten();
            verdicts
                .filter(|verdict| verdict["event"] == event)
                .map(|verdict| part(&verdict["fate"]))
                .collect::<String>()
        };
        let found = [
            name.to_owned(),
            format!("{} {}", part(&place["holder"]["kind"]), part(&place["holder"]["name"])),
            part(&place["at"]),
            fate("node-lost"),
            fate("pvc-deleted"),
        ];
        if found != [name, holder, at, node_lost, claim_deleted] {
            wrong.push(found);
        }
    }
    ensure!(wrong.is_empty(), "{wrong:#?}");
    for picture in ["svg", "dot", "mermaid"] {
        let args = ["where-is-my-data", "-n", backends::NAMESPACE, "--all-vms", "-o", picture];
        wukong(&cluster.kubeconfig(), &args).await?.ended(0)?.said("worker-1")?;
    }
    Ok(())
}
