//! Reads what a plan needs to know: a fixed number of lists, all at once, and Secrets by their names, which are never
//! listed.

use std::collections::BTreeSet;

use tokio::task::JoinSet;

use super::{Door, Reason, Refused, Resource, Selector};
use crate::Machine;
use crate::facts::{Facts, RECORD_LABEL, Unread, keep, kind, text};
use crate::storage;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The namespaces.
    pub namespaces: BTreeSet<String>,
    /// Secrets, by namespace and name.
    pub secrets: BTreeSet<(String, String)>,
    /// What it is read for.
    pub purpose: Purpose,
    /// Only VirtualMachines with these labels; all if empty.
    pub labels: String,
    /// The node whose pods are wanted, where only those of one are.
    pub node: String,
}

/// What facts are for: one who waits looks every second, and needs less.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Purpose {
    /// To plan a change.
    #[default]
    Plan,
    /// To see how far machines are, with the warnings that tell why one does not go on.
    Progress,
    /// To see how machines are, and why; without a namespace, in all of them.
    Look,
    /// To see which disks grow by themselves; without a namespace, in all of them.
    Grow,
    /// To move a machine or its disks; without a namespace, in all of them.
    Move,
    /// To see where the bytes of machines lie; without a namespace, in all of them.
    Locate,
    /// To see what a node held and where its machines' bytes lie, in all namespaces.
    Rescue,
    /// To see how that goes: what of it is still on the node, and where its machines are.
    Return,
    /// To plan snapshots and restores of machines.
    Snapshot,
    /// To see which snapshots there are; without a namespace, in all of them.
    Snapshots,
}

impl Purpose {
    /// Kinds that are listed in each namespace, and kinds that are listed once.
    const fn kinds(self) -> (&'static [Resource], &'static [Resource]) {
        match self {
            Self::Plan => (&NAMESPACED, &CLUSTER),
            Self::Progress => (&PROGRESS, &[]),
            Self::Look => (&LOOK, &LOOK_CLUSTER),
            Self::Grow => (&GROW, &CLUSTER),
            Self::Move => (&MOVE, &MOVE_CLUSTER),
            Self::Locate => (&LOCATE, &LOCATE_CLUSTER),
            Self::Rescue => (&RESCUE, &RESCUE_CLUSTER),
            Self::Return => (&RETURN, &RETURN_CLUSTER),
            Self::Snapshot => (&SNAPSHOT, &SNAPSHOT_CLUSTER),
            Self::Snapshots => (&SNAPSHOTS, &[]),
        }
    }

    /// Whether it only looks: then only what is looked at is kept.
    const fn looks(self) -> bool {
        matches!(self, Self::Look | Self::Locate | Self::Rescue | Self::Return | Self::Snapshots)
    }

    /// Whether no namespace stands for all of them.
    const fn is_everywhere(self) -> bool {
        self.looks() || matches!(self, Self::Move | Self::Grow)
    }

    /// Whether it is about one node, so that the pods of the others are of no interest.
    const fn is_about_node(self) -> bool {
        matches!(self, Self::Rescue | Self::Return)
    }
}

/// What has to be read for some machines.
pub fn wanted<'m>(machines: impl IntoIterator<Item = &'m Machine>) -> Wanted {
    let mut wanted = Wanted::default();
    for machine in machines {
        let namespace = machine.namespace.clone().unwrap_or_default();
        let access = &machine.access;
        let named = [&access.key_secret, &access.password_secret];
        let named = named.into_iter().flatten().map(|secret| secret.value.clone());
        let own = machine.has_cloud_init().then(|| machine.secret_name());
        wanted.secrets.extend(named.chain(own).map(|name| (namespace.clone(), name)));
        wanted.namespaces.insert(namespace);
    }
    wanted
}

/// Kinds that a plan needs of each namespace.
const NAMESPACED: [Resource; 8] = [
    Resource::VirtualMachine,
    Resource::VirtualMachineInstance,
    Resource::DataVolume,
    Resource::PersistentVolumeClaim,
    Resource::ConfigMap,
    Resource::NetworkAttachmentDefinition,
    Resource::Pod,
    Resource::ResourceQuota,
];

/// Kinds by which the growth of disks is decided.
const GROW: [Resource; 5] = [
    Resource::VirtualMachine,
    Resource::VirtualMachineInstance,
    Resource::PersistentVolumeClaim,
    Resource::ConfigMap,
    Resource::ResourceQuota,
];

/// Kinds by which progress is seen.
const PROGRESS: [Resource; 5] = [
    Resource::VirtualMachine,
    Resource::VirtualMachineInstance,
    Resource::DataVolume,
    Resource::PersistentVolumeClaim,
    Resource::Event,
];

/// Kinds by which a machine's state is explained.
const LOOK: [Resource; 12] = [
    Resource::VirtualMachine,
    Resource::VirtualMachineInstance,
    Resource::DataVolume,
    Resource::PersistentVolumeClaim,
    Resource::ConfigMap,
    Resource::NetworkAttachmentDefinition,
    Resource::Pod,
    Resource::Event,
    Resource::Migration,
    Resource::Snapshot,
    Resource::Restore,
    Resource::ResourceQuota,
];

/// The same, of the cluster.
const LOOK_CLUSTER: [Resource; 5] =
    [Resource::PersistentVolume, Resource::StorageClass, Resource::Node, Resource::CdiConfig, Resource::KubeVirt];

/// Kinds by which a machine is moved.
const MOVE: [Resource; 11] = [
    Resource::VirtualMachine,
    Resource::VirtualMachineInstance,
    Resource::DataVolume,
    Resource::PersistentVolumeClaim,
    Resource::ConfigMap,
    Resource::Pod,
    Resource::Migration,
    Resource::ResourceQuota,
    Resource::Snapshot,
    Resource::Restore,
    Resource::VolumeSnapshot,
];

/// The same, of the cluster.
const MOVE_CLUSTER: [Resource; 6] = [
    Resource::PersistentVolume,
    Resource::StorageClass,
    Resource::Node,
    Resource::StorageProfile,
    Resource::CdiConfig,
    Resource::KubeVirt,
];

/// Kinds by which bytes are found.
const LOCATE: [Resource; 6] = [
    Resource::VirtualMachine,
    Resource::VirtualMachineInstance,
    Resource::DataVolume,
    Resource::PersistentVolumeClaim,
    Resource::ConfigMap,
    Resource::VolumeSnapshot,
];

/// The same, of the cluster.
const LOCATE_CLUSTER: [Resource; 3] = [Resource::PersistentVolume, Resource::StorageClass, Resource::Node];

/// Kinds by which it is found what a node held. Of the pods only those of the node are read.
const RESCUE: [Resource; 7] = [
    Resource::VirtualMachine,
    Resource::VirtualMachineInstance,
    Resource::DataVolume,
    Resource::PersistentVolumeClaim,
    Resource::ConfigMap,
    Resource::VolumeSnapshot,
    Resource::Pod,
];

/// The same, of the cluster.
const RESCUE_CLUSTER: [Resource; 4] =
    [Resource::PersistentVolume, Resource::StorageClass, Resource::Node, Resource::VolumeAttachment];

/// Kinds by which it is seen how machines come back.
const RETURN: [Resource; 3] = [Resource::VirtualMachine, Resource::VirtualMachineInstance, Resource::Pod];

/// The same, of the cluster.
const RETURN_CLUSTER: [Resource; 2] = [Resource::Node, Resource::VolumeAttachment];

/// Kinds by which snapshots and restores are planned.
const SNAPSHOT: [Resource; 7] = [
    Resource::VirtualMachine,
    Resource::VirtualMachineInstance,
    Resource::DataVolume,
    Resource::PersistentVolumeClaim,
    Resource::ConfigMap,
    Resource::Snapshot,
    Resource::Restore,
];

/// The same, of the cluster.
const SNAPSHOT_CLUSTER: [Resource; 4] =
    [Resource::PersistentVolume, Resource::StorageClass, Resource::StorageProfile, Resource::VolumeSnapshotClass];

/// Kinds by which snapshots are listed.
const SNAPSHOTS: [Resource; 4] = [Resource::VirtualMachine, Resource::ConfigMap, Resource::Snapshot, Resource::Restore];

/// Kinds that a plan needs of the cluster.
const CLUSTER: [Resource; 3] = [Resource::StorageClass, Resource::CdiConfig, Resource::KubeVirt];

/// From so many namespaces on, one list of all is cheaper than one of each.
const MANY: usize = 8;

/// Reads all that is wanted. What may not be read is noted, not an error.
///
/// # Errors
/// The server cannot be reached, does not know the person, or has no KubeVirt.
pub async fn fetch(door: &Door, wanted: &Wanted) -> Result<Facts, Refused> {
    let mut lists = JoinSet::new();
    let (namespaced, cluster) = wanted.purpose.kinds();
    let part = wanted.purpose.looks();
    for &kind in cluster {
        lists.spawn(list(door.clone(), kind, None, How { part, ..How::default() }));
    }
    for &kind in namespaced {
        let labels = if kind == Resource::VirtualMachine { wanted.labels.as_str() } else { "" };
        let node = if kind == Resource::Pod && wanted.purpose.is_about_node() { wanted.node.as_str() } else { "" };
        let how = How { labels: labels.to_owned(), node: node.to_owned(), part };
        if wanted.namespaces.is_empty() && wanted.purpose.is_everywhere() {
            lists.spawn(list(door.clone(), kind, None, how));
        } else if wanted.namespaces.len() >= MANY {
            lists.spawn(everywhere(door.clone(), kind, wanted.namespaces.clone(), how));
        } else {
            for namespace in &wanted.namespaces {
                lists.spawn(list(door.clone(), kind, Some(namespace.clone()), how.clone()));
            }
        }
    }
    let mut facts = Facts::default();
    ask_for_secrets(door, &wanted.secrets, &mut lists);
    gather(lists, &mut facts).await?;
    if matches!(wanted.purpose, Purpose::Locate | Purpose::Rescue) {
        read_related(door, &mut facts).await?;
    }
    Ok(facts)
}

/// Reads what the storage systems behind the volumes tell of them; of a system without a volume nothing is asked, because
/// its kinds may be neither known nor permitted.
async fn read_related(door: &Door, facts: &mut Facts) -> Result<(), Refused> {
    let volumes = facts.all_of(kind::VOLUME);
    let drivers = volumes.filter_map(|volume| {
        let class = text(volume, "/spec/storageClassName").and_then(|class| facts.get(kind::CLASS, "", class));
        storage::driver(volume, None, class)
    });
    let kinds: BTreeSet<_> = drivers.flat_map(|driver| storage::backend(driver).kinds).collect();
    let mut lists = JoinSet::new();
    for resource in Resource::ALL.into_iter().filter(|resource| kinds.contains(&resource.kind())) {
        lists.spawn(list(door.clone(), resource, None, How { part: true, ..How::default() }));
    }
    gather(lists, facts).await
}

/// Reads Secrets, by namespace and name, into facts.
///
/// # Errors
/// As above.
pub async fn read_secrets(door: &Door, names: &BTreeSet<(String, String)>, facts: &mut Facts) -> Result<(), Refused> {
    let mut reads = JoinSet::new();
    ask_for_secrets(door, names, &mut reads);
    gather(reads, facts).await
}

fn ask_for_secrets(door: &Door, names: &BTreeSet<(String, String)>, reads: &mut JoinSet<Result<Read, Refused>>) {
    for (namespace, name) in names {
        reads.spawn(secret(door.clone(), namespace.clone(), name.clone()));
    }
}

async fn gather(mut reads: JoinSet<Result<Read, Refused>>, facts: &mut Facts) -> Result<(), Refused> {
    while let Some(read) = reads.join_next().await {
        // A fault of this program: what was not read must not pass for what is not there.
        let read = read.map_err(|_| Refused::broken_off())??;
        for object in read.objects {
            facts.insert(object);
        }
        for unread in read.unread {
            facts.unread(unread);
        }
    }
    Ok(())
}

#[derive(Default)]
struct Read {
    objects: Vec<serde_json::Value>,
    unread: Vec<Unread>,
}

/// How a kind is listed.
#[derive(Clone, Default)]
struct How {
    /// The labels that are wanted; all if empty.
    labels: String,
    /// The node whose pods are wanted; all if empty.
    node: String,
    /// Whether only what is looked at is kept.
    part: bool,
}

async fn list(door: Door, kind: Resource, namespace: Option<String>, how: How) -> Result<Read, Refused> {
    let labels = match kind {
        Resource::ConfigMap => Some(RECORD_LABEL.to_owned()),
        _ => Some(how.labels).filter(|labels| !labels.is_empty()),
    };
    let fields = match kind {
        Resource::Event => Some("type=Warning".to_owned()),
        Resource::Pod if !how.node.is_empty() => Some(format!("spec.nodeName={}", how.node)),
        _ => None,
    };
    let selector = Selector { labels, fields };
    let found = if how.part {
        door.list_parts(kind, namespace.as_deref(), &selector, keep).await
    } else {
        door.list(kind, namespace.as_deref(), &selector).await
    };
    match found {
        Ok(objects) => Ok(Read { objects, unread: Vec::new() }),
        Err(refused) => refusal(refused, kind, namespace),
    }
}

/// One list of all namespaces, or one of each where that is forbidden.
async fn everywhere(door: Door, kind: Resource, namespaces: BTreeSet<String>, how: How) -> Result<Read, Refused> {
    let all = list(door.clone(), kind, None, how.clone()).await?;
    if all.unread.is_empty() {
        return Ok(all);
    }
    let mut read = Read::default();
    for namespace in namespaces {
        let one = list(door.clone(), kind, Some(namespace), how.clone()).await?;
        read.objects.extend(one.objects);
        read.unread.extend(one.unread);
    }
    Ok(read)
}

/// Asks the guest agents of running instances how full their file systems are, by namespace and name. Who does not answer
/// is left out: a guest is not obliged to.
///
/// # Errors
/// A fault of this program.
pub async fn read_usage(door: &Door, names: &BTreeSet<(String, String)>, facts: &mut Facts) -> Result<(), Refused> {
    let mut reads = JoinSet::new();
    for (namespace, name) in names.clone() {
        let door = door.clone();
        reads.spawn(async move {
            let told = door.file_systems(&namespace, &name).await.ok().flatten().filter(serde_json::Value::is_object);
            let object = told.map(|mut told| {
                told["kind"] = kind::USAGE.into();
                told["metadata"] = serde_json::json!({"namespace": namespace, "name": name});
                told
            });
            Ok(Read { objects: object.into_iter().collect(), unread: Vec::new() })
        });
    }
    gather(reads, facts).await
}

async fn secret(door: Door, namespace: String, name: String) -> Result<Read, Refused> {
    match door.get(Resource::Secret, Some(&namespace), &name).await {
        Ok(found) => Ok(Read { objects: found.into_iter().collect(), unread: Vec::new() }),
        Err(refused) => refusal(refused, Resource::Secret, Some(namespace)),
    }
}

/// What a refused list means: unknown, or nothing there, or the end.
fn refusal(refused: Refused, kind: Resource, namespace: Option<String>) -> Result<Read, Refused> {
    match refused.reason {
        Reason::Forbidden => {
            let unread = Unread { kind: kind.kind().to_owned(), namespace, reason: refused.to_string() };
            Ok(Read { objects: Vec::new(), unread: vec![unread] })
        }
        // Without CDI or Multus there are none; without KubeVirt there is nothing to do.
        Reason::NoSuchKind if kind != Resource::VirtualMachine => Ok(Read::default()),
        _ => Err(refused),
    }
}
