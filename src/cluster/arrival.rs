//! Waits until machines are where they were sent.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::runtime::{interrupted, pause};
use super::{Door, Purpose, Reason, Refused, Resource, Wanted, fetch};
use crate::plan::{Progress, Sent, State, growth, progress};

/// How the waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// All are there.
    There,
    /// Some will not come by themselves, and the others are there.
    Failed,
    /// The time is over.
    TimedOut,
    /// The person wanted to wait no longer.
    Interrupted,
}

/// Sees how far each machine is, with its namespace.
pub type Shown<'a> = dyn FnMut(&[(String, Progress)]) + Send + 'a;

/// How often is looked: each time is a fixed number of lists.
const PAUSE: Duration = Duration::from_secs(1);

/// Waits for machines; `show` sees how far they are. No time at all means any time.
///
/// # Errors
/// The server cannot be asked any more.
pub async fn arrival(door: &Door, sent: &[Sent], timeout: Duration, show: &mut Shown<'_>) -> Result<Arrival, Refused> {
    let namespaces: BTreeSet<_> = sent.iter().map(|sent| sent.namespace.clone()).collect();
    let wanted = Wanted { namespaces, purpose: Purpose::Progress, ..Wanted::default() };
    let look = async {
        let end = end(timeout);
        loop {
            let facts = fetch(door, &wanted).await?;
            let all = sent.iter().map(|sent| (sent.namespace.clone(), progress(&facts, sent)));
            let all: Vec<_> = all.collect();
            show(&all);
            if all.iter().all(|(_, progress)| progress.state != State::Waiting) {
                let failed = all.iter().any(|(_, progress)| progress.state == State::Failed);
                return Ok(if failed { Arrival::Failed } else { Arrival::There });
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return Ok(Arrival::TimedOut);
            }
            pause(PAUSE).await;
        }
    };
    tokio::select! {
        outcome = look => outcome,
        () = interrupted() => Ok(Arrival::Interrupted),
    }
}

/// Waits until a claim has the size that it asks for and its machine, if that runs, knows it; `show` sees how far it is.
///
/// # Errors
/// As above.
pub async fn growing(
    door: &Door,
    namespace: &str,
    claim: &str,
    vm: &str,
    timeout: Duration,
    show: &mut (dyn FnMut(&str) + Send),
) -> Result<Arrival, Refused> {
    let look = async {
        let end = end(timeout);
        let mut told = String::new();
        loop {
            let found = door.get(Resource::PersistentVolumeClaim, Some(namespace), claim).await?;
            let instance = match door.get(Resource::VirtualMachineInstance, Some(namespace), vm).await {
                // Who may grow claims may be kept from looking at machines.
                Err(refused) if refused.reason == Reason::Forbidden => None,
                found => found?,
            };
            let (state, detail) = found.map_or((State::Failed, "the claim is gone".to_owned()), |found| {
                growth(&found, instance.as_ref()).line()
            });
            if detail != told {
                show(&detail);
                told = detail;
            }
            match state {
                State::Done => return Ok(Arrival::There),
                State::Failed => return Ok(Arrival::Failed),
                State::Waiting if end.is_some_and(|end| Instant::now() >= end) => return Ok(Arrival::TimedOut),
                State::Waiting => pause(PAUSE).await,
            }
        }
    };
    tokio::select! {
        outcome = look => outcome,
        () = interrupted() => Ok(Arrival::Interrupted),
    }
}

/// The end of a time; none if there is no limit, or one that nobody lives to see.
pub(super) fn end(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout).filter(|_| !timeout.is_zero())
}
