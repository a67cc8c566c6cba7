//! Many machines: some at a time, each to its own end, one failure not stopping the others.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::runtime::{interrupted, pause};
use super::{Carry, Door, Interrupt, Refused, Stopped, planned};
use crate::plan::{Plan, Step, Wishes};
use crate::{Machine, Options};

/// How the work on one machine ended.
#[derive(Debug)]
pub enum Ended {
    /// All is written.
    Done,
    /// The server refused; what was written stays.
    Refused(Box<Refused>),
    /// The person wanted no further writes.
    Interrupted,
    /// The cluster moved, and what would be done now is more than was shown.
    Moved(Box<Plan>),
    /// The work broke off: a fault of this program.
    Lost,
}

/// Is told each object that was written.
pub type Told = dyn Fn(&Plan, &Step) + Send + Sync;

/// What all machines of a run share.
#[derive(Clone)]
pub struct Fleet {
    /// The way to the server.
    pub door: Door,
    /// What the command line adds to the files.
    pub options: Arc<Options>,
    /// What it asks for beyond them.
    pub wishes: Wishes,
    /// Whether the server only pretends.
    pub dry_run: bool,
    /// Hears of each write.
    pub told: Arc<Told>,
}

/// How often a plan is made again because the cluster moved.
const TRIES: u32 = 8;

impl Fleet {
    /// Carries out plans, at most `at_once` at a time; those that are `None` are left alone. The results are in the order
    /// of the machines. The first Ctrl-C ends it between two writes.
    pub async fn carry(&self, work: Vec<(Arc<Machine>, Option<Plan>)>, at_once: usize) -> Vec<Ended> {
        let interrupt = Arc::new(Interrupt::default());
        let listener = tokio::spawn({
            let interrupt = Arc::clone(&interrupt);
            async move {
                interrupted().await;
                interrupt.set();
            }
        });
        let permits = Arc::new(Semaphore::new(at_once.max(1)));
        let ended: Vec<_> =
            work.iter().map(|(_, plan)| if plan.is_some() { Ended::Lost } else { Ended::Done }).collect();
        let ended = Arc::new(Mutex::new(ended));
        let mut tasks = JoinSet::new();
        for (at, (machine, plan)) in work.into_iter().enumerate() {
            let Some(plan) = plan else { continue };
            let (fleet, interrupt) = (self.clone(), Arc::clone(&interrupt));
            let (permits, ended) = (Arc::clone(&permits), Arc::clone(&ended));
            tasks.spawn(async move {
                let _permit = permits.acquire().await;
                let result = fleet.one(&machine, plan, &interrupt).await;
                if let Some(place) = ended.lock().unwrap_or_else(PoisonError::into_inner).get_mut(at) {
                    *place = result;
                }
            });
        }
        while tasks.join_next().await.is_some() {}
        listener.abort();
        std::mem::take(&mut *ended.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// One machine. If the cluster moved, it is read again; only what was shown is done.
    async fn one(&self, machine: &Machine, shown: Plan, interrupt: &Interrupt) -> Ended {
        let mut plan = shown.clone();
        let done = |step: &Step| (self.told)(&shown, step);
        for turn in 0..TRIES {
            let carry = Carry { door: &self.door, dry_run: self.dry_run, interrupt, done: &done };
            match carry.out(&plan).await {
                Ok(()) => return Ended::Done,
                Err(Stopped::Interrupted) => return Ended::Interrupted,
                Err(Stopped::Refused(refused)) => return Ended::Refused(refused),
                Err(Stopped::Moved(refused)) if turn + 1 == TRIES => return Ended::Refused(refused),
                Err(Stopped::Moved(_)) => {}
            }
            // Another writer may be half way through: let it finish.
            pause(Duration::from_millis(50 << turn)).await;
            match planned(&self.door, std::slice::from_ref(machine), &self.options, self.wishes).await {
                Ok((_, plans)) => plan = plans.into_iter().next().unwrap_or(plan),
                Err(refused) => return Ended::Refused(Box::new(refused)),
            }
            if !plan.does_no_more_than(&shown) {
                return Ended::Moved(Box::new(plan));
            }
        }
        Ended::Done
    }
}
