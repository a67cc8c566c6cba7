//! What this person may do, command by command.

use std::collections::BTreeSet;

use super::{Checks, Server, and};
use crate::facts::{Facts, kind};

/// A right, in the words of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The resource, perhaps with a subresource: `virtualmachines/start`.
    pub resource: &'static str,
    /// Its group; empty for the core.
    pub group: &'static str,
    /// The verb.
    pub verb: &'static str,
    /// Whether it must hold in the whole cluster.
    pub cluster: bool,
}

/// A right that a command needs.
struct Need {
    right: Right,
    /// What does not work without it.
    without: &'static str,
    /// Whether the command is of no use then; it else works, and knows or does less.
    vital: bool,
}

/// A command and what it needs.
struct Row {
    command: &'static str,
    needs: &'static [&'static [Need]],
}

const VM: &str = "kubevirt.io";
const CALLS: &str = "subresources.kubevirt.io";
const CDI: &str = "cdi.kubevirt.io";
const NETWORKS: &str = "k8s.cni.cncf.io";
const STORAGE: &str = "storage.k8s.io";
const SNAPSHOTS: &str = "snapshot.kubevirt.io";

const fn vital(verb: &'static str, group: &'static str, resource: &'static str, without: &'static str) -> Need {
    Need { right: Right { resource, group, verb, cluster: false }, without, vital: true }
}

const fn useful(verb: &'static str, group: &'static str, resource: &'static str, without: &'static str) -> Need {
    Need { vital: false, ..vital(verb, group, resource, without) }
}

const fn of_cluster(group: &'static str, resource: &'static str, without: &'static str) -> Need {
    let right = Right { resource, group, verb: "list", cluster: true };
    Need { right, without, vital: false }
}

/// The same in the whole cluster.
const fn everywhere(need: &Need) -> Need {
    Need { right: Right { cluster: true, ..need.right }, without: need.without, vital: need.vital }
}

/// What every command reads, whatever it does then.
const READS: &[Need] = &[
    vital("list", VM, "virtualmachines", "no machine is seen"),
    vital("list", "", "configmaps", "it is not known which objects were made by this tool, and those are left alone"),
    vital("list", "", "persistentvolumeclaims", "no disk is seen, and changes of disks are refused"),
    vital("list", VM, "virtualmachineinstances", "it is not known whether a machine runs"),
    vital("list", CDI, "datavolumes", "disks with an image are not seen"),
    useful("list", NETWORKS, "network-attachment-definitions", "networks are not compared"),
    useful("list", "", "pods", "it is not known who else uses a disk"),
    useful("list", "", "resourcequotas", "quotas are not checked before disks grow"),
    of_cluster(STORAGE, "storageclasses", "it is not known which classes there are, and which can grow"),
    of_cluster(CDI, "cdiconfigs", "sizes of disks on file systems are computed with CDI's default overhead"),
    of_cluster(VM, "kubevirts", "every change of a running machine is taken for one that needs a restart"),
];

const SECRETS: &[Need] = &[useful("get", "", "secrets", "cloud-init is not compared")];

/// Writes of the record of what was made.
const RECORD: &[Need] = &[
    vital("create", "", "configmaps", "nothing new can be applied: its record cannot be written"),
    vital("update", "", "configmaps", "nothing can be applied: its record cannot be written"),
    useful("get", "", "configmaps", "two runs at once are told as a failure"),
];

/// Server-side apply patches, and creates what is not there.
const WRITES: &[Need] = &[
    vital("create", VM, "virtualmachines", "machines cannot be made"),
    vital("patch", VM, "virtualmachines", "machines cannot be made or changed"),
    vital("create", "", "persistentvolumeclaims", "empty disks cannot be made"),
    vital("patch", "", "persistentvolumeclaims", "empty disks cannot be made, and no disk can grow"),
    vital("create", CDI, "datavolumes", "disks with an image cannot be made"),
    vital("patch", CDI, "datavolumes", "disks with an image cannot be made"),
    vital("create", "", "secrets", "cloud-init cannot be made"),
    vital("patch", "", "secrets", "cloud-init cannot be made or changed"),
    useful("create", CDI, "datavolumes/source", "disks cannot be copies of claims and snapshots of other namespaces"),
    useful("create", NETWORKS, "network-attachment-definitions", "networks cannot be made"),
    useful("patch", NETWORKS, "network-attachment-definitions", "networks cannot be made or changed"),
    useful("delete", "", "secrets", "cloud-init that leaves a file stays in the cluster"),
    useful("delete", NETWORKS, "network-attachment-definitions", "networks that leave a file stay in the cluster"),
];

const START: &[Need] = &[
    vital("update", CALLS, "virtualmachines/start", "machines without a file cannot be started"),
    vital("patch", VM, "virtualmachines", "machines that a file made cannot be started"),
];

const STOP: &[Need] = &[vital("update", CALLS, "virtualmachines/stop", "machines cannot be stopped")];

const RESTART: &[Need] = &[vital("update", CALLS, "virtualmachines/restart", "running machines cannot be restarted")];

const EXPAND: &[Need] = &[
    vital("patch", "", "persistentvolumeclaims", "no disk can grow"),
    vital("get", "", "persistentvolumeclaims", "it is not seen when the disk has grown"),
    useful("get", VM, "virtualmachineinstances", "it is not seen when the guest has the new size"),
];

/// What `adopt --apply` writes: the machine and its disks are there already.
const ADOPT: &[Need] = &[
    useful("patch", VM, "virtualmachines", "`adopt --apply` takes nothing over"),
    useful("create", "", "configmaps", "`adopt --apply` takes nothing over"),
    useful("update", "", "configmaps", "`adopt --apply` takes nothing over"),
];

/// Some ways of a move need less than others.
const MIGRATE: &[Need] = &[
    vital("create", "", "configmaps", "nothing can move: a move is recorded before its first step"),
    vital("update", "", "configmaps", "nothing can move: a move is recorded before its first step"),
    vital("list", VM, "virtualmachineinstancemigrations", "nothing can move: it is not seen what moves already"),
    useful("create", VM, "virtualmachineinstancemigrations", "machines cannot go to another node while they run"),
    useful("delete", VM, "virtualmachineinstancemigrations", "live moves are refused: they could not be taken back"),
    useful("patch", VM, "virtualmachines", "disks cannot move"),
    useful("create", "", "persistentvolumeclaims", "disks cannot move while their machine runs"),
    useful("create", CDI, "datavolumes", "disks cannot be copied while their machine is off"),
    useful("delete", "", "persistentvolumeclaims", "`--cleanup` deletes nothing"),
    everywhere(&useful("patch", "", "persistentvolumes", "volumes that are left behind keep their reclaim policy")),
    useful("delete", "", "pods", "`--cleanup` waits for launchers that guests have left"),
    useful("list", SNAPSHOTS, "virtualmachinerestores", "`--cleanup` deletes nothing"),
    useful("list", CLASSES, "volumesnapshots", "`--cleanup` keeps claims whose storage loses their snapshots"),
];

const BREAKS_OFF: &str = "a deletion breaks off half-way";

const DELETE: &[Need] = &[
    vital("patch", VM, "virtualmachines", "machines cannot be deleted: they cannot be stopped before"),
    vital("get", VM, "virtualmachineinstances", BREAKS_OFF),
    vital("get", VM, "virtualmachines", BREAKS_OFF),
    vital("delete", VM, "virtualmachines", "machines cannot be deleted"),
    vital("get", "", "persistentvolumeclaims", BREAKS_OFF),
    vital("patch", "", "persistentvolumeclaims", BREAKS_OFF),
    vital("delete", "", "configmaps", BREAKS_OFF),
    vital("delete", "", "secrets", BREAKS_OFF),
    useful("delete", NETWORKS, "network-attachment-definitions", "networks stay in the cluster"),
    useful("delete", "", "persistentvolumeclaims", "`--delete-data` is refused"),
    useful("delete", CDI, "datavolumes", "`--delete-data` is refused for disks with an image"),
];

const STATUS: &[Need] = &[
    useful("list", "", "events", "warnings that explain a failure are not seen"),
    useful("list", VM, "virtualmachineinstancemigrations", "migrations are not seen"),
    useful("list", SNAPSHOTS, "virtualmachinesnapshots", "snapshots are not seen"),
    useful("list", SNAPSHOTS, "virtualmachinerestores", "restores are not seen"),
    useful("get", CALLS, "virtualmachineinstances/filesystemlist", "it is not seen how full disks are"),
    of_cluster("", "persistentvolumes", "volumes that were lost or released are not seen"),
    of_cluster("", "nodes", "nodes that do not answer are not seen"),
];

const NODE: &[Need] = &[
    everywhere(&vital("list", "", "nodes", "it is not seen whether a node is gone")),
    everywhere(&vital("list", VM, "virtualmachines", "it is not seen what a node held")),
    everywhere(&vital("list", VM, "virtualmachineinstances", "it is not seen what a node held")),
    everywhere(&useful("list", "", "pods", "it is not seen when its pods are removed")),
    everywhere(&useful("list", STORAGE, "volumeattachments", "it is not seen when its volumes are detached")),
    everywhere(&useful("list", "", "persistentvolumeclaims", "it is not seen which disks lie there")),
    everywhere(&useful("list", "", "persistentvolumes", "it is not seen which disks lie there")),
    everywhere(&useful("get", "", "nodes", "it only reports: no taint can be set, and none taken away")),
    everywhere(&useful("patch", "", "nodes", "it only reports: no taint can be set, and none taken away")),
];

const CLASSES: &str = "snapshot.storage.k8s.io";
const EXPORTS: &str = "export.kubevirt.io";

const SEEN: Need = vital("list", SNAPSHOTS, "virtualmachinesnapshots", "no snapshot is seen");
const IN_PROGRESS: Need =
    vital("list", SNAPSHOTS, "virtualmachinerestores", "it is not known whether a restore is in progress");

const SNAPSHOT: &[Need] = &[
    SEEN,
    IN_PROGRESS,
    vital("create", SNAPSHOTS, "virtualmachinesnapshots", "snapshots cannot be taken"),
    useful("get", SNAPSHOTS, "virtualmachinesnapshots", "`--wait` does not see when a snapshot is there"),
    useful("delete", SNAPSHOTS, "virtualmachinesnapshots", "snapshots cannot be deleted"),
    of_cluster("", "persistentvolumes", "it is not known how long a snapshot lasts"),
    of_cluster(CDI, "storageprofiles", "the class of a snapshot is not known beforehand"),
    of_cluster(CLASSES, "volumesnapshotclasses", "the class of a snapshot is not known beforehand"),
];

const HALF_WAY: &str = "a restore breaks off half-way";

const RESTORE: &[Need] = &[
    SEEN,
    IN_PROGRESS,
    vital(
        "get",
        SNAPSHOTS,
        "virtualmachinesnapshotcontents",
        "no machine can go back: what a snapshot holds is not seen",
    ),
    vital("create", SNAPSHOTS, "virtualmachinerestores", "no machine can go back"),
    vital("get", SNAPSHOTS, "virtualmachinerestores", HALF_WAY),
    vital("patch", SNAPSHOTS, "virtualmachinerestores", HALF_WAY),
    vital("get", VM, "virtualmachines", HALF_WAY),
    vital("get", "", "persistentvolumeclaims", HALF_WAY),
    vital("patch", "", "persistentvolumeclaims", HALF_WAY),
    vital("get", CDI, "datavolumes", HALF_WAY),
    vital("get", "", "configmaps", HALF_WAY),
    vital("update", "", "configmaps", HALF_WAY),
    useful("patch", VM, "virtualmachines", "machines that run are not stopped and started again"),
    useful("get", VM, "virtualmachineinstances", "machines that run are not stopped and started again"),
    useful("patch", CDI, "datavolumes", "machines with dataVolumeTemplates have a difference afterwards"),
    useful("delete", SNAPSHOTS, "virtualmachinerestores", "a restore that would delete a disk is not taken back"),
];

const EXPORT: &[Need] = &[
    vital("create", EXPORTS, "virtualmachineexports", "no disk can be fetched"),
    vital("get", EXPORTS, "virtualmachineexports", "no disk can be fetched"),
    vital("create", "", "secrets", "the token of an export cannot be kept"),
    useful("delete", EXPORTS, "virtualmachineexports", "what was fetched is served until KubeVirt ends it"),
    useful("get", "", "services/proxy", "disks are only fetched where they are served outside of the cluster"),
    useful("list", SNAPSHOTS, "virtualmachinesnapshots", "disks of snapshots cannot be fetched"),
    useful("get", SNAPSHOTS, "virtualmachinesnapshotcontents", "disks of snapshots cannot be fetched"),
];

/// Every command that asks a cluster. A new command belongs here.
const ROWS: [Row; 14] = [
    Row { command: "diff", needs: &[SECRETS] },
    Row { command: "apply", needs: &[SECRETS, RECORD, WRITES] },
    Row { command: "start", needs: &[START] },
    Row { command: "stop", needs: &[STOP] },
    Row { command: "restart", needs: &[START, RESTART] },
    Row { command: "expand", needs: &[EXPAND] },
    Row { command: "adopt", needs: &[ADOPT] },
    Row { command: "delete", needs: &[SECRETS, DELETE] },
    Row { command: "status", needs: &[STATUS] },
    Row { command: "migrate", needs: &[MIGRATE] },
    Row { command: "recover-node", needs: &[NODE] },
    Row { command: "snapshot", needs: &[SNAPSHOT] },
    Row { command: "snapshot restore", needs: &[RESTORE] },
    Row { command: "export", needs: &[EXPORT] },
];

/// What all of them need is told once.
const EVERY: Row = Row { command: "every other command", needs: &[READS] };

/// Every right that a command needs, once.
pub fn rights() -> BTreeSet<Right> {
    ROWS.iter().chain([&EVERY]).flat_map(Row::needs).map(|need| need.right).collect()
}

pub(super) fn look(_: &Facts, server: &Server, checks: &mut Checks) {
    checks.ok("render, validate, schema, explain and init need no rights".to_owned());
    let reads = Held::of(&EVERY, server);
    reads.tell(EVERY.command, &server.namespace, checks);
    for row in &ROWS {
        let held = Held::of(row, server);
        if held.missing.is_empty() && reads.is_useless() {
            let message = format!("{}: you may not read what every command reads", row.command);
            checks.warning(message, "", String::new());
        } else {
            held.tell(row.command, &server.namespace, checks);
        }
    }
}

impl Row {
    fn needs(&self) -> impl Iterator<Item = &'static Need> {
        self.needs.iter().copied().flatten()
    }
}

/// What the person has of the rights that a command needs.
struct Held<'a> {
    missing: Vec<&'static Need>,
    /// Why one of them is not known.
    unknown: Option<&'a str>,
}

impl<'a> Held<'a> {
    fn of(row: &Row, server: &'a Server) -> Self {
        // Nobody needs a right to what is not there.
        let absent = |group: &str| match group {
            NETWORKS => server.lacks(kind::NETWORK),
            CDI => server.lacks(kind::DATA_VOLUME),
            _ => false,
        };
        let mut held = Self { missing: Vec::new(), unknown: None };
        for need in row.needs().filter(|need| !absent(need.right.group)) {
            match server.rights.get(&need.right) {
                Some(Ok(true)) => {}
                Some(Ok(false)) => held.missing.push(need),
                Some(Err(reason)) => held.unknown = Some(reason),
                None => held.unknown = Some("a right was not asked for"),
            }
        }
        held
    }

    fn is_useless(&self) -> bool {
        self.missing.iter().any(|need| need.vital)
    }

    fn tell(&self, command: &str, namespace: &str, checks: &mut Checks) {
        let missing = &self.missing;
        if missing.is_empty() {
            return match self.unknown {
                Some(reason) => checks.unknown(command, reason),
                None => checks.ok(format!("{command}: you may")),
            };
        }
        let rights = shown(missing.iter().map(|need| need.right));
        let of_cluster = missing.iter().filter(|need| need.right.cluster).count();
        let place = if of_cluster == missing.len() {
            "a ClusterRole".to_owned()
        } else if of_cluster > 0 {
            format!("a Role in {namespace}, and a ClusterRole for what lies in no namespace,")
        } else {
            format!("a Role in {namespace}")
        };
        let mend = format!("ask an administrator for {place} with these rights");
        if self.is_useless() {
            checks.warning(format!("{command}: you may not {rights}"), &self.without(), mend);
        } else {
            checks.note(format!("{command}: you may, but not {rights}"), &self.without(), mend);
        }
    }

    /// What is lost. What is lost without the vital rights says enough, and what says less than another is left out.
    fn without(&self) -> String {
        let useless = self.is_useless();
        let all: Vec<&str> =
            self.missing.iter().filter(|need| need.vital == useless).map(|need| need.without).collect();
        let first = |at: usize| !all[..at].contains(&all[at]);
        let less = |at: usize| all.iter().any(|other| *other != all[at] && other.starts_with(all[at]));
        let told: Vec<&str> = (0..all.len()).filter(|at| first(*at) && !less(*at)).map(|at| all[at]).collect();
        told.join("; ")
    }
}

/// `list and create configmaps, list pods`.
fn shown(rights: impl Iterator<Item = Right>) -> String {
    let mut all: Vec<(String, Vec<&str>)> = Vec::new();
    for right in rights {
        let dot = if right.group.is_empty() { "" } else { "." };
        // As kubectl takes it: the subresource goes last.
        let (resource, subresource) = right.resource.split_once('/').unwrap_or((right.resource, ""));
        let slash = if subresource.is_empty() { "" } else { "/" };
        let name = format!("{resource}{dot}{}{slash}{subresource}", right.group);
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, verbs)) if !verbs.contains(&right.verb) => verbs.push(right.verb),
            Some(_) => {}
            None => all.push((name, vec![right.verb])),
        }
    }
    all.iter().map(|(name, verbs)| format!("{} {name}", and(verbs))).collect::<Vec<_>>().join(", ")
}
