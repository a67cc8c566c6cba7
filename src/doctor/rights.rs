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

/// A command, or several that need the same.
struct Row {
    commands: &'static str,
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

/// What every command reads that compares or changes machines.
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
    vital("create", "", "configmaps", "a first apply is refused: there is no record of what it makes"),
    vital("update", "", "configmaps", "a second apply is refused: its record cannot be brought up to date"),
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

const DELETE: &[Need] = &[
    vital("patch", VM, "virtualmachines", "machines cannot be stopped before they are deleted"),
    vital("get", VM, "virtualmachineinstances", "it is not seen when the guest has stopped"),
    vital("get", VM, "virtualmachines", "it is not seen when the machine is gone"),
    vital("delete", VM, "virtualmachines", "machines cannot be deleted"),
    vital("get", "", "persistentvolumeclaims", "it is not seen that the disks stay"),
    vital("patch", "", "persistentvolumeclaims", "the firmware's UUID cannot be noted on disks that stay"),
    vital("delete", "", "configmaps", "the record stays in the cluster"),
    useful("delete", "", "secrets", "cloud-init stays in the cluster"),
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

/// Every command that asks a cluster. A new command belongs here.
const ROWS: [Row; 9] = [
    Row { commands: "diff", needs: &[READS, SECRETS] },
    Row { commands: "apply", needs: &[READS, SECRETS, RECORD, WRITES] },
    Row { commands: "start", needs: &[READS, START] },
    Row { commands: "stop", needs: &[READS, STOP] },
    Row { commands: "restart", needs: &[READS, START, RESTART] },
    Row { commands: "expand", needs: &[READS, EXPAND] },
    Row { commands: "adopt", needs: &[READS, ADOPT] },
    Row { commands: "delete", needs: &[READS, SECRETS, DELETE] },
    Row { commands: "status", needs: &[READS, STATUS] },
];

/// Every right that a command needs, once.
pub fn rights() -> BTreeSet<Right> {
    ROWS.iter().flat_map(|row| row.needs.iter().copied().flatten()).map(|need| need.right).collect()
}

pub(super) fn look(_: &Facts, server: &Server, checks: &mut Checks) {
    checks.ok("render, validate, schema, explain and init need no rights".to_owned());
    for row in &ROWS {
        row.look(server, checks);
    }
}

impl Row {
    fn look(&self, server: &Server, checks: &mut Checks) {
        // Nobody needs a right to what is not there.
        let absent = |group: &str| {
            group == NETWORKS && server.lacks(kind::NETWORK) || group == CDI && server.lacks(kind::DATA_VOLUME)
        };
        let needs = self.needs.iter().copied().flatten().filter(|need| !absent(need.right.group));
        let (mut missing, mut unknown) = (Vec::new(), None);
        for need in needs {
            match server.rights.get(&need.right) {
                Some(Ok(true)) => {}
                Some(Ok(false)) => missing.push(need),
                Some(Err(reason)) => unknown = Some(reason.as_str()),
                None => unknown = Some("a right was not asked for"),
            }
        }
        let (commands, namespace) = (self.commands, &server.namespace);
        if missing.is_empty() {
            match unknown {
                Some(reason) => checks.unknown(&format!("whether you may {commands}"), reason),
                None => checks.ok(format!("{commands}: you may")),
            }
            return;
        }
        let vital = missing.iter().any(|need| need.vital);
        // What is lost without the vital ones says enough.
        let mut without: Vec<_> = missing.iter().filter(|need| need.vital == vital).map(|need| need.without).collect();
        let mut seen = BTreeSet::new();
        without.retain(|words| seen.insert(*words));
        let rights = shown(missing.iter().map(|need| need.right));
        let place = if missing.iter().all(|need| need.right.cluster) {
            "a ClusterRole".to_owned()
        } else if missing.iter().any(|need| need.right.cluster) {
            format!("a Role in {namespace}, and a ClusterRole for what lies in no namespace")
        } else {
            format!("a Role in {namespace}")
        };
        let mend = format!("ask an administrator for {place} with these rights");
        if vital {
            checks.warning(format!("{commands}: you may not {rights}"), &without.join("; "), mend);
        } else {
            checks.note(format!("{commands}: you may, but not {rights}"), &without.join("; "), mend);
        }
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
