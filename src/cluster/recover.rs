//! Carries out what brings back the machines of a node that died: the taint is set and taken away, and what follows from it
//! is watched.

use std::time::Duration;

use tokio::time::Instant;

use super::arrival::{Shown, end};
use super::runtime::{interrupted, pause};
use super::{Door, Purpose, Reason, Refused, Resource, Wanted, Write, fetch};
use crate::facts::MANAGER;
use crate::plan::State;
use crate::rescue::{Mark, Node, Presence, Rescue, marked, unmarked, watched};

/// How a change of a node ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Service {
    /// It is as it was wanted; the node as it was found before.
    Done(Box<Node>),
    /// Nothing had to be done.
    Already,
    /// The node is in another state than it must be for that.
    Other(Box<Node>),
    /// There is no such node.
    Gone,
}

/// How the watching ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Recovered {
    /// All that could come back did.
    There,
    /// The node answers again: its power is not off.
    NodeIsBack(Box<Node>),
    /// The time is over.
    TimedOut,
    /// The person wanted to wait no longer.
    Interrupted,
}

/// How often a change is tried again because the node changed meanwhile.
const TRIES: u32 = 8;

/// How often is looked: each time is a fixed number of lists.
const PAUSE: Duration = Duration::from_secs(2);

/// The clock, in seconds since 1970.
type Clock<'a> = &'a (dyn Fn() -> i64 + Sync);

/// Tells Kubernetes that a silent node is switched off. Of a node that answers again, or whose virt-handler goes on, nothing
/// is changed: the condition is the version of it that was looked at.
///
/// # Errors
/// The server refuses.
pub async fn out_of_service(door: &Door, name: &str, mark: &Mark, clock: Clock<'_>) -> Result<Service, Refused> {
    for turn in 0..TRIES {
        let Some(found) = door.get(Resource::Node, None, name).await? else { return Ok(Service::Gone) };
        let node = Node::of(&found, clock());
        if node.is_out_of_service() {
            return Ok(Service::Already);
        }
        if node.presence != Presence::Silent || node.beats {
            return Ok(Service::Other(Box::new(node)));
        }
        let write = Write { manager: MANAGER, force: false, dry_run: false };
        match door.merge(Resource::Node, None, name, &marked(&found, mark), &write).await {
            Ok(_) => return Ok(Service::Done(Box::new(node))),
            Err(refused) if refused.reason == Reason::Conflict && turn + 1 < TRIES => {
                pause(Duration::from_millis(200)).await;
            }
            Err(refused) => return Err(refused),
        }
    }
    Ok(Service::Already)
}

/// Takes the taint away from a node that is ready again, if this tool set it.
///
/// # Errors
/// As above.
pub async fn in_service(door: &Door, name: &str, clock: Clock<'_>) -> Result<Service, Refused> {
    for turn in 0..TRIES {
        let Some(found) = door.get(Resource::Node, None, name).await? else { return Ok(Service::Gone) };
        let node = Node::of(&found, clock());
        let Some(change) = unmarked(&found) else { return Ok(Service::Already) };
        if !node.is_ready() {
            return Ok(Service::Other(Box::new(node)));
        }
        let write = Write { manager: MANAGER, force: false, dry_run: false };
        match door.merge(Resource::Node, None, name, &change, &write).await {
            Ok(_) => return Ok(Service::Done(Box::new(node))),
            Err(refused) if refused.reason == Reason::Conflict && turn + 1 < TRIES => {
                pause(Duration::from_millis(200)).await;
            }
            Err(refused) => return Err(refused),
        }
    }
    Ok(Service::Already)
}

/// Waits until the pods are gone, their volumes are detached, and all machines that come back by themselves run; `show`
/// sees how far they are. No time at all means any time.
///
/// # Errors
/// The server cannot be asked any more.
pub async fn recovered(
    door: &Door,
    rescue: &Rescue,
    timeout: Duration,
    clock: Clock<'_>,
    show: &mut Shown<'_>,
) -> Result<Recovered, Refused> {
    let wanted = Wanted { purpose: Purpose::Return, node: rescue.node.name.clone(), ..Wanted::default() };
    let look = async {
        let end = end(timeout);
        loop {
            let now = watched(&fetch(door, &wanted).await?, rescue, clock());
            if now.node.beats || matches!(now.node.presence, Presence::Ready { .. } | Presence::Unready) {
                return Ok(Recovered::NodeIsBack(Box::new(now.node)));
            }
            show(&now.lines);
            if now.state != State::Waiting {
                return Ok(Recovered::There);
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return Ok(Recovered::TimedOut);
            }
            pause(PAUSE).await;
        }
    };
    tokio::select! {
        outcome = look => outcome,
        () = interrupted() => Ok(Recovered::Interrupted),
    }
}
