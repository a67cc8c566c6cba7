//! Reads what a plan needs to know: a fixed number of lists, all at once, and Secrets by their names, which are never
//! listed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Door, Purpose, Reason, Refused, Resource, Selector};
use crate::Machine;
use crate::facts::{Facts, RECORD_LABEL, Unread, holds, keep, kind, text};
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
    for &kind in namespaced.iter().copied().flatten() {
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
    for kind in namespaced.iter().copied().flatten().chain(cluster) {
        facts.asked(kind.kind());
    }
    if wanted.purpose.is_about_bytes() {
        read_related(door, &mut facts).await?;
    }
    Ok(facts)
}

/// Reads what the storage systems behind the volumes tell of them; of a system without a volume nothing is asked, because
/// its kinds may be neither known nor permitted.
async fn read_related(door: &Door, facts: &mut Facts) -> Result<(), Refused> {
    let kinds = storage::kinds(facts);
    let mut lists = JoinSet::new();
    for resource in Resource::ALL.into_iter().filter(|resource| kinds.contains(&resource.kind())) {
        lists.spawn(list(door.clone(), resource, None, How { part: true, ..How::default() }));
    }
    for kind in kinds {
        facts.asked(kind);
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

/// Reads the machines and instances of other namespaces than these into facts, as far as they are looked at. Where they may
/// not be listed, what is known of these stays known.
///
/// # Errors
/// As above.
pub(super) async fn read_others(door: &Door, known: &BTreeSet<String>, facts: &mut Facts) -> Result<(), Refused> {
    let mut lists = JoinSet::new();
    for kind in [Resource::VirtualMachine, Resource::VirtualMachineInstance] {
        lists.spawn(list(door.clone(), kind, None, How { part: true, ..How::default() }));
    }
    let mut all = Facts::default();
    gather(lists, &mut all).await?;
    for machine in [kind::MACHINE, kind::INSTANCE].into_iter().flat_map(|kind| all.all_of(kind)) {
        if text(machine, "/metadata/namespace").is_some_and(|namespace| !known.contains(namespace)) {
            facts.insert(machine.clone());
        }
    }
    for gap in all.gaps() {
        facts.unread(Unread { namespace: Some(Unread::ELSEWHERE.to_owned()), ..gap.clone() });
    }
    Ok(())
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
            // Of many guests in a namespace it is said once; of Secrets the reason tells which.
            let same = |known: &Unread| known.kind == kind::USAGE && known.namespace == unread.namespace;
            if unread.kind != kind::USAGE || !facts.gaps().iter().any(same) {
                facts.unread(unread);
            }
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

/// How long one guest agent is waited for.
const ANSWER: Duration = Duration::from_secs(15);
/// How many are asked at once.
const AGENTS: usize = 12;

/// Asks the guest agents of instances, by namespace and name, how full their file systems are. Who has none, or does not
/// answer, is left out: a guest is not obliged to. Where it may not be asked, that is noted once for a namespace.
///
/// # Errors
/// A fault of this program.
pub async fn read_usage(door: &Door, names: &BTreeSet<(String, String)>, facts: &mut Facts) -> Result<(), Refused> {
    let mut reads = JoinSet::new();
    // Fewer than requests may be under way: nobody's time passes while they wait for their turn.
    let turns = Arc::new(Semaphore::new(AGENTS));
    let answers = |(namespace, name): &&(String, String)| {
        facts.get(kind::INSTANCE, namespace, name).is_some_and(|instance| holds(instance, "AgentConnected"))
    };
    for (namespace, name) in names.iter().filter(answers) {
        let (door, namespace, name, turns) = (door.clone(), namespace.clone(), name.clone(), turns.clone());
        reads.spawn(async move {
            // It is never closed.
            let _turn = turns.acquire().await;
            // A node that does not answer keeps nobody waiting for the others.
            let answer = timeout(ANSWER, door.file_systems(&namespace, &name)).await;
            if let Ok(Err(refused)) = &answer
                && refused.reason == Reason::Forbidden
            {
                let (kind, reason) = (kind::USAGE.to_owned(), refused.to_string());
                let unread = Unread { kind, namespace: Some(namespace), reason };
                return Ok(Read { objects: Vec::new(), unread: vec![unread] });
            }
            let told = answer.ok().and_then(Result::ok).flatten().filter(serde_json::Value::is_object);
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
        // Without CDI or Multus there are none. What every cluster has is not missing but hidden, by a proxy for one; and
        // without KubeVirt there is nothing to do.
        Reason::NoSuchKind if !kind.is_everywhere() => Ok(Read::default()),
        _ => Err(refused),
    }
}
