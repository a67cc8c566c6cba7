//! Disks and file systems of clouds.

use super::*;

const ZONE: &str = "topology.kubernetes.io/zone";

fn region(name: &str) -> Holder {
    Holder::Region(Some(name.to_owned()))
}

#[test]
fn amazon() {
    let look = "anywhere: aws ec2 describe-volumes --volume-ids vol-0f1e";
    let ebs = csi("ebs.csi.aws.com", "vol-0f1e", &json!({}));
    let before = |id: &str| json!({"awsElasticBlockStore": {"volumeID": id, "fsType": "ext4"}});
    let name = "Amazon EBS";
    check(&[
        (tied(ebs.clone(), ZONE, &["us-east-1a"]), name, zone("us-east-1a"), "vol-0f1e", look, Erased::Yes),
        (
            tied(ebs.clone(), "topology.ebs.csi.aws.com/zone", &["us-east-1b"]),
            name,
            zone("us-east-1b"),
            "vol-0f1e",
            look,
            Erased::Yes,
        ),
        (ebs, name, Holder::Zone(None), "vol-0f1e", look, Erased::Yes),
        (
            made("kubernetes.io/aws-ebs", &before("aws://us-east-1c/vol-0f1e")),
            name,
            zone("us-east-1c"),
            "vol-0f1e",
            look,
            Erased::Yes,
        ),
        (given(&before("vol-0f1e")), name, Holder::Zone(None), "vol-0f1e", look, Erased::Yes),
        (
            csi("efs.csi.aws.com", "fs-1::fsap-2", &json!({})),
            "Amazon EFS",
            Holder::Region(None),
            "fs-1:fsap-2",
            "anywhere: aws efs describe-file-systems --file-system-id fs-1",
            Erased::Unknown,
        ),
        (
            csi("efs.csi.aws.com", "efs:fs-1:/vm", &json!({})),
            "Amazon EFS",
            Holder::Region(None),
            "fs-1:/vm/disk.img",
            "anywhere: aws efs describe-file-systems --file-system-id fs-1",
            Erased::No("without an access point there is nothing that the driver deletes".to_owned()),
        ),
    ]);
}

#[test]
fn azure() {
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/pvc-1";
    let look = "anywhere: az disk show --ids \
                /subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/pvc-1";
    let disk = |sku: &str| csi("disk.csi.azure.com", id, &json!({"skuName": sku}));
    check(&[
        (
            tied(disk("Premium_LRS"), "topology.disk.csi.azure.com/zone", &["eastus-1"]),
            "Azure Disk",
            zone("eastus-1"),
            id,
            look,
            Erased::Yes,
        ),
        (
            tied(disk("Premium_LRS"), "topology.disk.csi.azure.com/zone", &[""]),
            "Azure Disk",
            Holder::Zone(None),
            id,
            look,
            Erased::Yes,
        ),
        (disk("StandardSSD_ZRS"), "Azure Disk", Holder::Region(None), id, look, Erased::Yes),
        (
            made("kubernetes.io/azure-disk", &json!({"azureDisk": {"diskURI": id}})),
            "Azure Disk",
            Holder::Zone(None),
            id,
            look,
            Erased::Yes,
        ),
        (
            csi("file.csi.azure.com", "rg#acct#pvc-share#disk#uuid#ns#", &json!({})),
            "Azure Files",
            Holder::Region(None),
            "acct/pvc-share/disk.img",
            "anywhere: az storage share-rm show --resource-group rg --storage-account acct --name pvc-share",
            Erased::Yes,
        ),
        (
            csi("file.csi.azure.com", "mine", &json!({"server": "a.example", "shareName": "vm"})),
            "Azure Files",
            Holder::Region(None),
            "a.example/vm/disk.img",
            "",
            Erased::Yes,
        ),
    ]);
}

#[test]
fn google() {
    let wide = csi("pd.csi.storage.gke.io", "projects/acme/regions/us-central1/disks/pvc-1", &json!({}));
    check(&[
        (
            csi("pd.csi.storage.gke.io", "projects/acme/zones/us-central1-b/disks/pvc-1", &json!({})),
            "Google Persistent Disk",
            zone("us-central1-b"),
            "projects/acme/zones/us-central1-b/disks/pvc-1",
            "anywhere: gcloud compute disks describe --project acme --zone us-central1-b pvc-1",
            Erased::Yes,
        ),
        (
            tied(wide, "topology.gke.io/zone", &["us-central1-b", "us-central1-c"]),
            "Google Persistent Disk",
            region("us-central1"),
            "projects/acme/regions/us-central1/disks/pvc-1",
            "anywhere: gcloud compute disks describe --project acme --region us-central1 pvc-1",
            Erased::Yes,
        ),
        (
            tied(made("kubernetes.io/gce-pd", &json!({"gcePersistentDisk": {"pdName": "old"}})), ZONE, &["z-a"]),
            "Google Persistent Disk",
            zone("z-a"),
            "old",
            "anywhere: gcloud compute disks describe --zone z-a old",
            Erased::Yes,
        ),
    ]);
}

#[test]
fn others() {
    let describe = r#"anywhere: aliyun ecs DescribeDisks --DiskIds '["d-1"]'"#;
    let alibaba = csi("diskplugin.csi.alibabacloud.com", "d-1", &json!({}));
    check(&[
        (
            tied(
                csi("cinder.csi.openstack.org", "c-uuid", &json!({})),
                "topology.cinder.csi.openstack.org/zone",
                &["n"],
            ),
            "OpenStack Cinder",
            zone("n"),
            "c-uuid",
            "anywhere: openstack volume show c-uuid",
            Erased::Yes,
        ),
        (
            given(&json!({"cinder": {"volumeID": "c-uuid"}})),
            "OpenStack Cinder",
            Holder::Zone(None),
            "c-uuid",
            "anywhere: openstack volume show c-uuid",
            Erased::Yes,
        ),
        (
            tied(alibaba.clone(), "topology.diskplugin.csi.alibabacloud.com/zone", &["cn-a"]),
            "Alibaba Cloud disk",
            zone("cn-a"),
            "d-1",
            describe,
            Erased::Yes,
        ),
        (
            tied(alibaba, "topology.kubernetes.io/region", &["cn-x"]),
            "Alibaba Cloud disk",
            region("cn-x"),
            "d-1",
            r#"anywhere: aliyun ecs DescribeDisks --RegionId cn-x --DiskIds '["d-1"]'"#,
            Erased::Yes,
        ),
    ]);
}

#[test]
fn the_only_node_of_an_operating_system_is_no_place() {
    // A cluster may have one node with a label that says nothing of disks.
    let volume = tied(csi("ebs.csi.aws.com", "vol-1", &json!({})), "rack", &["rack-1"]);
    assert_eq!(ask(&[], None, &volume).1.holder, Holder::Zone(None));
}
