//! Which fields of an object are looked at, kind by kind. Nothing else is kept: thousands of machines stay small, and no
//! cloud-init text, token or Secret can get into a file of facts.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::kind;
use super::saved::{BACKUP, RESTORE, SNAPSHOT_CLASS, SNAPSHOT_CONTENT, VOLUME_SNAPSHOT};
use crate::text::{MASK, is_secret_key, redact};

/// Steps to a field, separated by spaces. `*` stands for every entry; `x*` for every key that begins so.
pub(super) type Path = &'static str;

/// What every object has.
const METADATA: [Path; 16] = [
    "apiVersion",
    "kind",
    "metadata name",
    "metadata namespace",
    "metadata uid",
    "metadata resourceVersion",
    "metadata generation",
    "metadata creationTimestamp",
    "metadata deletionTimestamp",
    "metadata ownerReferences",
    "metadata finalizers",
    "metadata labels",
    // Without the fields, which are most of an object.
    "metadata managedFields * manager",
    "metadata managedFields * operation",
    "metadata managedFields * subresource",
    "metadata managedFields * time",
];

const MACHINE: [Path; 33] = [
    "spec template spec tolerations",
    "spec template spec affinity nodeAffinity requiredDuringSchedulingIgnoredDuringExecution",
    "metadata annotations argocd.argoproj.io/*",
    "metadata annotations vm.novasphere.dev/runs-after-restore",
    "spec runStrategy",
    "spec running",
    "spec updateVolumesStrategy",
    "spec dataVolumeTemplates * metadata name",
    "spec template spec terminationGracePeriodSeconds",
    "spec template spec evictionStrategy",
    "spec template spec nodeSelector",
    "spec template spec volumes * name",
    "spec template spec volumes * persistentVolumeClaim",
    "spec template spec volumes * dataVolume",
    "spec template spec volumes * ephemeral",
    "spec template spec volumes * memoryDump",
    "spec template spec volumes * containerDisk image",
    "spec template spec volumes * emptyDisk capacity",
    "spec template spec volumes * hostDisk path",
    "spec template spec volumes * configMap name",
    "spec template spec volumes * secret secretName",
    "spec template spec volumes * serviceAccount serviceAccountName",
    // That there is one, and nothing of what it says.
    "spec template spec volumes * cloudInitNoCloud -",
    "spec template spec volumes * cloudInitConfigDrive -",
    "spec template spec volumes * sysprep -",
    "spec template spec volumes * downwardAPI -",
    "spec template spec volumes * downwardMetrics -",
    "spec template spec networks",
    "spec template spec domain devices disks * name",
    "spec template spec domain devices disks * serial",
    "spec template spec domain devices disks * cdrom",
    "spec template spec domain devices disks * shareable",
    "status",
];

const INSTANCE: [Path; 21] = [
    "spec terminationGracePeriodSeconds",
    "spec volumes * name",
    "spec volumes * persistentVolumeClaim",
    "spec volumes * dataVolume",
    "spec volumes * memoryDump",
    "spec volumes * containerDisk image",
    "spec volumes * emptyDisk capacity",
    "spec volumes * hostDisk path",
    "spec volumes * configMap name",
    "spec volumes * secret secretName",
    "spec volumes * serviceAccount serviceAccountName",
    // As above.
    "spec volumes * cloudInitNoCloud -",
    "spec volumes * cloudInitConfigDrive -",
    "spec volumes * sysprep -",
    "spec volumes * downwardAPI -",
    "spec volumes * downwardMetrics -",
    "spec networks",
    "spec domain devices disks * name",
    "spec domain devices disks * cdrom",
    "spec domain devices disks * shareable",
    "status",
];

// Of the sources what an image is called, which is shown without what looks like a secret.
const DATA_VOLUME: [Path; 7] = [
    "spec source * url",
    "metadata annotations cdi.kubevirt.io/storage.prePopulated",
    "spec storage storageClassName",
    "spec pvc storageClassName",
    "spec storage resources",
    "spec pvc resources",
    "status",
];

const CLAIM: [Path; 10] = [
    "metadata annotations cdi.kubevirt.io/storage.import.importPodName",
    "metadata annotations cdi.kubevirt.io/storage.populatedFor",
    "metadata annotations volume.*",
    "metadata annotations pv.kubernetes.io/*",
    "spec accessModes",
    "spec resources",
    "spec storageClassName",
    "spec volumeMode",
    "spec volumeName",
    "status",
];

// Of the sources what tells where bytes lie, and no names of Secrets.
const VOLUME: [Path; 34] = [
    "spec volumeAttributesClassName",
    "metadata annotations pv.kubernetes.io/*",
    "metadata annotations local.path.provisioner/selected-node",
    "spec accessModes",
    "spec capacity",
    "spec claimRef",
    "spec csi driver",
    "spec csi volumeHandle",
    "spec csi volumeAttributes",
    "spec hostPath",
    "spec local",
    "spec nfs",
    "spec iscsi targetPortal",
    "spec iscsi portals",
    "spec iscsi iqn",
    "spec iscsi lun",
    "spec fc",
    "spec awsElasticBlockStore volumeID",
    "spec gcePersistentDisk pdName",
    "spec azureDisk diskURI",
    "spec azureFile shareName",
    "spec cinder volumeID",
    "spec vsphereVolume volumePath",
    "spec portworxVolume volumeID",
    "spec glusterfs",
    "spec rbd pool",
    "spec rbd image",
    "spec cephfs path",
    "spec nodeAffinity",
    "spec persistentVolumeReclaimPolicy",
    "spec storageClassName",
    "spec volumeMode",
    "status phase",
    "status message",
];

const POD: [Path; 12] = [
    "metadata annotations kubevirt.io/*",
    "spec nodeName",
    "spec volumes * name",
    "spec volumes * persistentVolumeClaim",
    "status phase",
    "status conditions",
    "status containerStatuses * image",
    "status containerStatuses * name",
    "status containerStatuses * restartCount",
    "status containerStatuses * state waiting",
    "status initContainerStatuses * image",
    "status initContainerStatuses * state waiting",
];

const EVENT: [Path; 7] =
    ["involvedObject kind", "involvedObject name", "reason", "message", "type", "lastTimestamp", "eventTime"];

const NODE: [Path; 7] = [
    "metadata annotations kubevirt.io/heartbeat",
    "metadata annotations vm.novasphere.dev/*",
    "spec unschedulable",
    "spec taints",
    "status conditions",
    "status allocatable",
    "status nodeInfo bootID",
];

const ATTACHMENT: [Path; 5] = [
    "spec attacher",
    "spec nodeName",
    "spec source persistentVolumeName",
    "status attached",
    "status detachError message",
];

// A class may name Secrets and addresses among its parameters: only those are kept that a backend asks for.
const CLASS: [Path; 22] = [
    "metadata annotations storageclass.*",
    "parameters archiveOnDelete",
    "parameters onDelete",
    "parameters repl",
    "parameters backend",
    "parameters thinProvision",
    "parameters thinprovision",
    "parameters topolvm.io/device-class",
    "parameters storagePool",
    "parameters placementCount",
    "parameters placementcount",
    "parameters autoPlace",
    "parameters autoplace",
    "parameters nodeList",
    "parameters nodelist",
    "parameters numberOfReplicas",
    "parameters dataLocality",
    "parameters linstor.csi.linbit.com/*",
    "provisioner",
    "volumeBindingMode",
    "allowVolumeExpansion",
    "reclaimPolicy",
];

const KUBEVIRT: [Path; 6] = [
    "spec configuration vmRolloutStrategy",
    "spec configuration developerConfiguration featureGates",
    "spec configuration developerConfiguration useEmulation",
    "spec workloadUpdateStrategy",
    "status observedKubeVirtVersion",
    "status phase",
];

const LONGHORN_REPLICA: [Path; 8] = [
    "spec volumeName",
    "spec nodeID",
    "spec diskPath",
    "spec dataDirectoryName",
    "spec dataEngine",
    "spec active",
    "spec healthyAt",
    "spec failedAt",
];

const LONGHORN_VOLUME: [Path; 6] = [
    "spec numberOfReplicas",
    "spec dataLocality",
    "status state",
    "status robustness",
    "status lastBackupAt",
    "status conditions",
];

const CEPH_POOL: [Path; 3] = ["spec failureDomain", "spec replicated size", "spec erasureCoded"];

const CEPH_FILE_SYSTEM: [Path; 4] = [
    "spec dataPools * name",
    "spec dataPools * failureDomain",
    "spec dataPools * replicated size",
    "spec dataPools * erasureCoded",
];

const SATELLITE: [Path; 5] = [
    "spec storagePools * name",
    "spec storagePools * lvmPool",
    "spec storagePools * lvmThinPool",
    "spec storagePools * zfsPool",
    "spec storagePools * zfsThinPool",
];

/// The fields of each kind, besides what every object has.
const KINDS: [(&str, &[Path]); 35] = [
    (kind::MACHINE, &MACHINE),
    (kind::INSTANCE, &INSTANCE),
    (kind::DATA_VOLUME, &DATA_VOLUME),
    (kind::CLAIM, &CLAIM),
    (kind::VOLUME, &VOLUME),
    (kind::POD, &POD),
    (kind::EVENT, &EVENT),
    (kind::NODE, &NODE),
    (kind::ATTACHMENT, &ATTACHMENT),
    (kind::CLASS, &CLASS),
    (kind::KUBEVIRT, &KUBEVIRT),
    (kind::MIGRATION, &["spec vmiName", "spec addedNodeSelector", "status"]),
    (kind::SNAPSHOT, &["spec", "status"]),
    (kind::SNAPSHOT_CONTENT, &SNAPSHOT_CONTENT),
    (kind::RESTORE, &RESTORE),
    (kind::QUOTA, &["spec hard", "status"]),
    (kind::CDI, &["status observedVersion", "status phase"]),
    (kind::CDI_CONFIG, &["spec featureGates", "status"]),
    (kind::SNAPSHOT_CLASS, &SNAPSHOT_CLASS),
    (kind::VOLUME_SNAPSHOT, &VOLUME_SNAPSHOT),
    (kind::PROFILE, &["status"]),
    (kind::USAGE, &["items"]),
    (kind::CONFIG_MAP, &["data record", "data move"]),
    (kind::BACKUP, &BACKUP),
    (kind::LONGHORN_VOLUME, &LONGHORN_VOLUME),
    (kind::LONGHORN_REPLICA, &LONGHORN_REPLICA),
    (kind::LONGHORN_ENGINE, &["spec volumeName", "status replicaModeMap"]),
    (kind::CEPH_POOL, &CEPH_POOL),
    (kind::CEPH_FILE_SYSTEM, &CEPH_FILE_SYSTEM),
    (kind::LOGICAL_VOLUME, &["spec nodeName", "spec deviceClass", "status volumeID"]),
    (kind::LVM_VOLUME, &["spec ownerNodeID", "spec volGroup", "spec thinProvision"]),
    (kind::ZFS_VOLUME, &["spec ownerNodeID", "spec poolName", "spec volumeType", "spec thinProvision"]),
    (kind::DISK_POOL, &["spec node"]),
    (kind::HOST_PATH, &["spec storagePools * name", "spec storagePools * path"]),
    (kind::LINSTOR_SATELLITE, &SATELLITE),
];

/// Paths, taken apart.
type Steps = Vec<Vec<&'static str>>;

/// The same as steps, taken apart once: this is asked for each of many thousand objects. That of no kind is last.
static STEPS: LazyLock<Vec<(&str, Steps)>> = LazyLock::new(|| {
    let none: (&str, &[Path]) = ("", &[]);
    let steps = |paths: &[Path]| METADATA.iter().chain(paths).map(|path| path.split(' ').collect()).collect();
    KINDS.into_iter().chain([none]).map(|(kind, paths)| (kind, steps(paths))).collect()
});

/// What is kept of an object that is looked at.
pub fn keep(object: &Value) -> Value {
    let kind = object["kind"].as_str().unwrap_or_default();
    let steps = STEPS.iter().find(|(known, _)| *known == kind).or_else(|| STEPS.last());
    let paths: Vec<&[&str]> = steps.into_iter().flat_map(|(_, paths)| paths).map(Vec::as_slice).collect();
    let mut kept = part(object, &paths);
    if let Some(record) = kept.pointer("/data/record").and_then(Value::as_str) {
        // The names of entries that were applied are of use, what stands in them is not.
        kept["data"]["record"] = json!(edited(record, |fields| {
            let lists = fields.get_mut("lists").and_then(Value::as_object_mut);
            let entries = lists.into_iter().flat_map(|lists| lists.values_mut()).filter_map(Value::as_object_mut);
            entries.for_each(|entries| entries.values_mut().for_each(|entry| *entry = Value::Null));
        }));
    }
    if let Some(journey) = kept.pointer("/data/move").and_then(Value::as_str) {
        // Templates that a move took from a machine may name anything.
        kept["data"]["move"] = json!(edited(journey, |fields| _ = fields.insert("templates".into(), json!([]))));
    }
    if let Some(attributes) = kept.pointer_mut("/spec/csi/volumeAttributes").and_then(Value::as_object_mut) {
        // Some drivers put into them what belongs into a Secret.
        for (_, value) in attributes.iter_mut().filter(|(key, _)| is_secret_key(key)) {
            *value = json!(MASK);
        }
    }
    kept
}

/// The part of a value to which paths lead.
fn part(value: &Value, paths: &[&[&str]]) -> Value {
    if paths.iter().any(|path| path.is_empty()) {
        return value.clone();
    }
    match value {
        Value::Object(fields) => {
            let mut kept = Map::new();
            for (key, value) in fields {
                let fits =
                    |step: &str| step == key || step.strip_suffix('*').is_some_and(|start| key.starts_with(start));
                let below: Vec<&[&str]> = paths.iter().filter(|path| fits(path[0])).map(|path| &path[1..]).collect();
                if !below.is_empty() {
                    kept.insert(key.clone(), part(value, &below));
                }
            }
            Value::Object(kept)
        }
        Value::Array(items) => {
            let below: Vec<&[&str]> = paths.iter().filter(|path| path[0] == "*").map(|path| &path[1..]).collect();
            Value::Array(items.iter().map(|item| part(item, &below)).collect())
        }
        // A path leads on where nothing is.
        _ => Value::Null,
    }
}

/// A record as it is after a change; of what is no record nothing is left.
fn edited(record: &str, change: impl FnOnce(&mut Map<String, Value>)) -> String {
    match serde_json::from_str::<Value>(record) {
        Ok(Value::Object(mut fields)) => {
            change(&mut fields);
            Value::Object(fields).to_string()
        }
        _ => String::new(),
    }
}

/// The same value with all that looks like a secret taken out of its texts.
pub(super) fn redacted(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(redact(text)),
        Value::Array(items) => items.iter().map(redacted).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), redacted(value))).collect(),
        other => other.clone(),
    }
}
