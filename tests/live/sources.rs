//! A machine of each disk source reaches Running, its images imported and its claims bound by real provisioners.

use anyhow::{Context as _, Result};
use cluster::{Cluster, Reference};
use serde_json::json;

use crate::world::{apply_machine, claim, until, until_state, vm};

/// A disk source: the disk's fields, and whether CDI fills it.
pub struct Source {
    pub name: &'static str,
    disk: &'static str,
    imported: bool,
}

/// All of them. The namespace of each has what [`Cluster::world`] makes.
pub const SOURCES: [Source; 12] = [
    Source { name: "empty", disk: "size: 5Gi", imported: false },
    Source { name: "registry", disk: "size: 5Gi, image: quay.io/containerdisks/fedora:42", imported: true },
    Source { name: "http", disk: "size: 5Gi, image: 'https://images.example.com/disk.qcow2'", imported: true },
    Source { name: "gcs", disk: "size: 5Gi, image: 'gs://bucket/disk.qcow2'", imported: true },
    Source { name: "s3", disk: "size: 5Gi, image: 's3://bucket/disk.qcow2', imageSecret: s3-keys", imported: true },
    Source { name: "oci-archive", disk: "size: 5Gi, image: 'oci-archive:/data/disk.tar'", imported: true },
    Source {
        name: "block",
        disk: "size: 5Gi, storageClassName: longhorn-migratable, accessMode: ReadWriteMany, volumeMode: Block, image: fedora/fedora:42",
        imported: true,
    },
    Source { name: "existing-claim", disk: "existingPVC: {name: old-server-disk}", imported: false },
    Source {
        name: "claim-elsewhere",
        disk: "storageClassName: longhorn, existingPVC: {name: golden, namespace: images}",
        imported: true,
    },
    Source { name: "clone", disk: "storageClassName: longhorn, image: 'pvc:golden/fedora'", imported: true },
    Source { name: "clone-to-local", disk: "storageClassName: local-path, image: 'pvc:golden/fedora'", imported: true },
    Source {
        name: "snapshot",
        disk: "storageClassName: longhorn, image: 'snapshot:golden/fedora-2026'",
        imported: true,
    },
];

impl Source {
    /// Applies the machine and follows it to Running.
    pub async fn runs(&self, cluster: &Cluster) -> Result<()> {
        let namespace = format!("source-{}", self.name);
        cluster.namespace(&namespace).await?;
        cluster.world(&namespace).await?;
        let spec = format!("  disks: [{{name: system, {}}}]\n", self.disk);
        apply_machine(cluster, &namespace, &spec).await?;
        until_state(cluster, &namespace, "Running").await?;
        let machine = until(cluster, &vm(&namespace), "/status/ready", &json!(true)).await?;
        let volume = &machine["spec"]["template"]["spec"]["volumes"][0];
        if self.imported {
            let name = volume["dataVolume"]["name"].as_str().with_context(|| volume.to_string())?;
            let data_volume = Reference::new("cdi.kubevirt.io/v1beta1", "DataVolume", &namespace, name);
            until(cluster, &data_volume, "/status/phase", &json!("Succeeded")).await?;
            until(cluster, &claim(&namespace, name), "/status/phase", &json!("Bound")).await?;
        } else {
            let name = volume["persistentVolumeClaim"]["claimName"].as_str().with_context(|| volume.to_string())?;
            until(cluster, &claim(&namespace, name), "/status/phase", &json!("Bound")).await?;
        }
        Ok(())
    }
}
