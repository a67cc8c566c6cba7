//! Reads what tells whether a cluster is fit: a few lists of the cluster, what the server is, and what the person may do.

use std::collections::BTreeMap;

use http::Method;
use tokio::task::JoinSet;

use super::request::Request;
use super::{Asked, Door, Purpose, Reason, Refused, Resource, Selector, Wanted, fetch};
use crate::doctor::{KINDS, Server, rights};
use crate::facts::{Facts, Unread, keep, kind};

/// The lists. Namespaced kinds are listed in all namespaces.
const LISTS: [Resource; 8] = [
    Resource::KubeVirt,
    Resource::Cdi,
    Resource::CdiConfig,
    Resource::StorageClass,
    Resource::StorageProfile,
    Resource::VolumeSnapshotClass,
    Resource::CsiDriver,
    Resource::Node,
];

/// One answer of many.
enum Answer {
    List(Resource, Result<Vec<serde_json::Value>, Refused>),
    Kind(&'static str, Result<bool, Refused>),
    Right(crate::doctor::Right, Result<bool, Refused>),
}

/// Reads all of it at once. Only what means that the cluster is not reached is an error: all else that goes wrong is what
/// somebody asks for who asks whether a cluster is fit.
///
/// # Errors
/// The server cannot be reached, or does not know the person.
pub async fn checkup(door: &Door, namespace: &str) -> Result<(Facts, Server), Refused> {
    // The first question alone tells whether anybody answers.
    let kubernetes = known(door.server_version().await)?;
    let mut questions = JoinSet::new();
    for kind in LISTS {
        let door = door.clone();
        questions
            .spawn(async move { Answer::List(kind, door.list_parts(kind, None, &Selector::default(), keep).await) });
    }
    for name in KINDS {
        let Some(kind) = Resource::ALL.into_iter().find(|kind| kind.kind() == name) else { continue };
        let door = door.clone();
        questions.spawn(async move { Answer::Kind(name, door.knows(kind).await) });
    }
    for right in rights() {
        let (door, namespace) = (door.clone(), namespace.to_owned());
        questions.spawn(async move {
            let namespace = Some(namespace.as_str()).filter(|_| !right.cluster);
            Answer::Right(right, door.may(right.verb, right.group, right.resource, namespace).await)
        });
    }
    let mut facts = Facts::default();
    let mut server =
        Server { kubernetes, kinds: BTreeMap::new(), rights: BTreeMap::new(), namespace: namespace.to_owned() };
    while let Some(answer) = questions.join_next().await {
        match answer.map_err(|_| Refused::broken_off())? {
            // What is not installed has no objects, and that is told with the kinds.
            Answer::List(_, Err(refused)) if refused.reason == Reason::NoSuchKind => {}
            Answer::List(kind, found) => match known(found)? {
                Ok(objects) => objects.into_iter().for_each(|object| facts.insert(object)),
                Err(reason) => facts.unread(Unread { kind: kind.kind().to_owned(), namespace: None, reason }),
            },
            Answer::Kind(kind, found) => {
                server.kinds.insert(kind.to_owned(), known(found)?);
            }
            Answer::Right(right, found) => {
                server.rights.insert(right, known(found)?);
            }
        }
    }
    Ok((facts, server))
}

/// Reads the machines of a namespace, or of all, with their disks and what saves them. Without KubeVirt there are none.
///
/// # Errors
/// As above.
pub async fn checkup_machines(door: &Door, namespace: Option<&str>) -> Result<Facts, Refused> {
    let namespaces = namespace.map(str::to_owned).into_iter().collect();
    let mut facts = match fetch(door, &Wanted { namespaces, purpose: Purpose::Stage, ..Wanted::default() }).await {
        Err(refused)
            if refused.reason == Reason::NoSuchKind
                && refused.asked.resource.ends_with(Resource::VirtualMachine.group()) =>
        {
            return Ok(Facts::default());
        }
        read => read?,
    };
    // Few clusters have Velero, and nobody needs a right to what is not there.
    let backups = Resource::VeleroBackup;
    let found = match door.knows(backups).await {
        Ok(false) => Ok(Vec::new()),
        Ok(true) => door.list_parts(backups, None, &Selector::default(), keep).await,
        Err(refused) => Err(refused),
    };
    match known(found)? {
        Ok(objects) => objects.into_iter().for_each(|object| facts.insert(object)),
        Err(reason) => facts.unread(Unread { kind: kind::BACKUP.to_owned(), namespace: None, reason }),
    }
    Ok(facts)
}

/// A refusal as the reason why something is not known, unless it is the end.
fn known<T>(answer: Result<T, Refused>) -> Result<Result<T, String>, Refused> {
    match answer {
        Ok(found) => Ok(Ok(found)),
        Err(refused) if matches!(refused.reason, Reason::Unauthorized | Reason::Unreachable) => Err(refused),
        Err(refused) => Ok(Err(refused.to_string())),
    }
}

impl Door {
    /// Whether the server knows a kind. Everybody who is logged in may ask that, also where lists are forbidden.
    async fn knows(&self, kind: Resource) -> Result<bool, Refused> {
        let path = format!("/apis/{}", kind.api_version());
        let request = Request::new(Asked::path("get", &path), Method::GET, path);
        match self.send(request).await {
            Ok(found) => {
                let all = found["resources"].as_array().map_or(&[][..], Vec::as_slice);
                Ok(all.iter().any(|resource| resource["name"] == kind.plural()))
            }
            Err(refused) if refused.reason == Reason::NotFound => Ok(false),
            Err(refused) => Err(refused),
        }
    }
}
