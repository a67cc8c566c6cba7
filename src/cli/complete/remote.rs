//! Names from the kubeconfig and from the cluster that the line is about, or none: nobody waits long for them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use clap::{Args as _, FromArgMatches as _};
use serde_json::{Value, json};

use super::Candidate;
use super::kind::Kind;
use super::line::{Line, takes_value};
use crate::cli::access::AccessArgs;
use crate::cluster::{Access, Door, Known, Notices, Refused, Resource, Runtime, Selector, known};
use crate::facts::{Facts, RECORD_LABEL, Record, claim_of, kind, text, volumes};
use crate::status::{subject, subjects};

/// How long a person who presses a key waits at most.
const PATIENCE: Duration = Duration::from_secs(2);

/// The names that a value of this kind may have.
pub(super) fn names(line: &Line<'_>, kind: Kind) -> Vec<Candidate> {
    let Some(access) = access(line) else { return Vec::new() };
    if let Kind::Context | Kind::Cluster | Kind::User = kind {
        let Known { contexts, clusters, users } = known(&access).unwrap_or_default();
        let names = match kind {
            Kind::Context => contexts,
            Kind::Cluster => clusters,
            _ => users,
        };
        return names.into_iter().map(|name| Candidate::new(name, "")).collect();
    }
    let question = Question {
        kind,
        namespace: line.values("namespace").last().map(str::to_owned),
        machine: line.machine().map(str::to_owned),
        everywhere: line.given.iter().any(|(arg, _)| arg.get_id() == "all_namespaces"),
    };
    let (tell, hear) = mpsc::channel();
    // A thread of its own: a login program or a server that never answers is left behind.
    thread::spawn(move || tell.send(question.ask(&access).unwrap_or_default()));
    hear.recv_timeout(PATIENCE).unwrap_or_default()
}

/// kubectl's flags that are on the line, read as the command itself would.
fn access(line: &Line<'_>) -> Option<Access> {
    let command = AccessArgs::augment_args(clap::Command::new("access").no_binary_name(true));
    let known = |id: &clap::Id| command.get_arguments().any(|arg| arg.get_id() == id);
    let mut flags = Vec::new();
    for (arg, value) in line.given.iter().filter(|(arg, _)| known(arg.get_id())) {
        let name = arg.get_long()?;
        flags.push(match value {
            Some(value) if takes_value(arg) => format!("--{name}={value}"),
            _ => format!("--{name}"),
        });
    }
    let matches = command.try_get_matches_from(flags).ok()?;
    let access = AccessArgs::from_arg_matches(&matches).ok()?.access();
    let kubeconfig = access.kubeconfig.as_deref().map(at_home);
    Some(Access { kubeconfig, request_timeout: Some(PATIENCE), ..access })
}

/// `~/FILE` as the shell will read it: what it passes here is as the person typed it.
fn at_home(path: &Path) -> PathBuf {
    let home = path.strip_prefix("~").ok().zip(std::env::home_dir());
    home.map_or_else(|| path.to_owned(), |(rest, home)| home.join(rest))
}

/// What is asked of the cluster.
struct Question {
    kind: Kind,
    namespace: Option<String>,
    machine: Option<String>,
    everywhere: bool,
}

impl Question {
    fn ask(&self, access: &Access) -> Option<Vec<Candidate>> {
        let runtime = Runtime::new().ok()?;
        runtime.block_on(async {
            let door = Door::connect(access, Arc::new(Silent)).await.ok()?;
            self.answer(&door).await.ok()
        })
    }

    async fn answer(&self, door: &Door) -> Result<Vec<Candidate>, Refused> {
        let namespace = self.namespace.as_deref().unwrap_or(door.namespace());
        let place = Some(namespace).filter(|_| !self.everywhere);
        let named = |objects: Vec<Value>, about: fn(&Value) -> Option<&str>| {
            let candidate = |object: &Value| {
                Some(Candidate::new(text(object, "/metadata/name")?, about(object).unwrap_or_default()))
            };
            objects.iter().filter_map(candidate).collect()
        };
        let all = Selector::default();
        Ok(match self.kind {
            Kind::Machine => machines(door, place).await?,
            Kind::Disk => self.disks(door, namespace).await?,
            Kind::Snapshot => self.snapshots(door, namespace).await?,
            Kind::Namespace => named(door.list_metadata(Resource::Namespace, None, &all).await?, |_| None),
            Kind::Node => named(door.list_metadata(Resource::Node, None, &all).await?, |_| None),
            Kind::StorageClass => {
                named(door.list(Resource::StorageClass, None, &all).await?, |class| text(class, "/provisioner"))
            }
            Kind::SnapshotClass => {
                named(door.list(Resource::VolumeSnapshotClass, None, &all).await?, |class| text(class, "/driver"))
            }
            Kind::Claim => {
                let metadata = door.list_metadata(Resource::PersistentVolumeClaim, Some(namespace), &all);
                named(metadata.await?, |_| None)
            }
            Kind::Words
            | Kind::Policy
            | Kind::Event
            | Kind::Context
            | Kind::Cluster
            | Kind::User
            | Kind::Field
            | Kind::Command
            | Kind::Manifest
            | Kind::File
            | Kind::Directory
            | Kind::Free => Vec::new(),
        })
    }

    /// The machine on the line, with what is needed to know its VirtualMachine.
    async fn machine(&self, door: &Door, namespace: &str) -> Result<Option<Value>, Refused> {
        let Some(name) = &self.machine else { return Ok(None) };
        let mut facts = Facts::default();
        // Without the right to read records the machine has its usual name.
        let record = door.get(Resource::ConfigMap, Some(namespace), &Record::name(name)).await;
        facts.insert(record.ok().flatten().unwrap_or_default());
        let found = subject(name, namespace, &facts);
        door.get(Resource::VirtualMachine, Some(namespace), &found.vm).await
    }

    async fn disks(&self, door: &Door, namespace: &str) -> Result<Vec<Candidate>, Refused> {
        let machine = self.machine(door, namespace).await?.unwrap_or_default();
        let disk = |volume: &Value| Some(Candidate::new(text(volume, "/name")?, claim_of(volume)?));
        Ok(volumes(&machine).iter().filter_map(disk).collect())
    }

    async fn snapshots(&self, door: &Door, namespace: &str) -> Result<Vec<Candidate>, Refused> {
        let machine = self.machine(door, namespace).await?;
        let machine = machine.as_ref().and_then(|machine| text(machine, "/metadata/name"));
        let all = door.list(Resource::Snapshot, Some(namespace), &Selector::default()).await?;
        let snapshot = |snapshot: &Value| {
            let of = text(snapshot, "/spec/source/name").unwrap_or_default();
            let wanted = machine.is_none_or(|machine| machine == of);
            wanted.then(|| Some(Candidate::new(text(snapshot, "/metadata/name")?, of)))?
        };
        Ok(all.iter().filter_map(snapshot).collect())
    }
}

/// Wukongs by their names, and every other VirtualMachine as `vm/NAME`.
async fn machines(door: &Door, namespace: Option<&str>) -> Result<Vec<Candidate>, Refused> {
    let mut facts = Facts::default();
    let records = Selector { labels: Some(RECORD_LABEL.to_owned()), ..Selector::default() };
    // Labels tell most of it too.
    let records = door.list(Resource::ConfigMap, namespace, &records).await.unwrap_or_default();
    let state = |vm: &Value| {
        let part = |pointer| vm.pointer(pointer).cloned().unwrap_or_default();
        json!({
            "kind": kind::MACHINE,
            "metadata": {
                "name": part("/metadata/name"),
                "namespace": part("/metadata/namespace"),
                "labels": part("/metadata/labels"),
            },
            "status": {"printableStatus": part("/status/printableStatus")},
        })
    };
    let machines = door.list_parts(Resource::VirtualMachine, namespace, &Selector::default(), state).await?;
    for object in records.into_iter().chain(machines) {
        facts.insert(object);
    }
    let mut found = subjects(&facts, true);
    found.sort_by_key(|subject| subject.wukong.is_none());
    let candidate = |subject: crate::status::Subject| {
        let vm = facts.get(kind::MACHINE, &subject.namespace, &subject.vm);
        let state = vm.and_then(|vm| text(vm, "/status/printableStatus")).unwrap_or("without a VirtualMachine");
        Candidate::new(subject.shown(), state)
    };
    Ok(found.into_iter().map(candidate).collect())
}

/// Nobody is told anything.
struct Silent;

impl Notices for Silent {
    fn warning(&self, _: &str) {}

    fn retry(&self, _: &str, _: &str, _: Duration) {}
}
