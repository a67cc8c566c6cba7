//! Carries a journey out, step by step: reads, asks what is next, records it, does it, and reads again.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::arrival::end;
use super::runtime::{interrupted, pause};
use super::{Delete, Door, Purpose, Reason, Refused, Resource, Wanted, Write, fetch};
use crate::facts::{End, Facts, Journey, MANAGER, Record, kind, text};
use crate::migrate::{Act, Next, Step, Unreadable};
use crate::plan::Refusal;
use crate::status::Subject;

/// How a run on a journey ended. What is left is continued by the next run.
#[derive(Debug)]
pub enum Travel {
    /// The journey has ended so; with what was seen last.
    Ended(End, Box<Journey>, Box<Facts>),
    /// It does not go on by itself.
    Stuck(Refusal),
    /// The time is over, while this was waited for.
    TimedOut(String),
    /// The person wanted to wait no longer.
    Interrupted,
}

/// Finds the next step; a cleanup has another one than a move.
pub type Ask<'a> = dyn Fn(&Journey, &Facts, &Subject) -> Next + Sync + 'a;

/// Where a run begins.
#[derive(Debug, Clone, Copy)]
pub enum Begin<'a> {
    /// With what is recorded.
    Recorded,
    /// With this, which is recorded first: over a record of this version, if there is one.
    With(&'a Journey, Option<&'a str>),
}

/// Hears of what is done and of what is waited for.
pub type Tell<'a> = dyn FnMut(Heard<'_>) + Send + 'a;

/// What is told on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A step is begun.
    Step(&'a str),
    /// This is waited for.
    Wait(&'a str),
}

const PAUSE: Duration = Duration::from_secs(1);

/// How often the same step is taken in a row: what is undone as often is undone by somebody.
const TRIES: u32 = 5;

/// The steps of a run: none is taken for ever.
#[derive(Default)]
struct Taken {
    last: String,
    count: u32,
}

impl Taken {
    /// Counts a step that is about to be taken.
    fn again(&mut self, step: &str) -> u32 {
        if self.last != step {
            step.clone_into(&mut self.last);
            self.count = 0;
        }
        self.count += 1;
        self.count
    }
}

/// What has to be read to move the machines of a namespace, or of all.
pub fn wanted_to_move(namespaces: BTreeSet<String>) -> Wanted {
    Wanted { namespaces, purpose: Purpose::Move, ..Wanted::default() }
}

/// Goes on with the journey of a machine as far as it leads.
///
/// # Errors
/// The server refused. What was done is recorded.
pub async fn travel(
    door: &Door,
    subject: &Subject,
    begin: Begin<'_>,
    ask: &Ask<'_>,
    timeout: Duration,
    tell: &mut Tell<'_>,
) -> Result<Travel, Refused> {
    let go = async {
        if let Begin::With(journey, version) = begin {
            record_move(door, subject, journey, version).await?;
        }
        steps(door, subject, ask, timeout, tell).await
    };
    tokio::select! {
        ended = go => ended,
        () = interrupted() => Ok(Travel::Interrupted),
    }
}

async fn steps(
    door: &Door,
    subject: &Subject,
    ask: &Ask<'_>,
    timeout: Duration,
    tell: &mut Tell<'_>,
) -> Result<Travel, Refused> {
    let wanted = wanted_to_move(BTreeSet::from([subject.namespace.clone()]));
    let end = end(timeout);
    let mut taken = Taken::default();
    loop {
        let facts = fetch(door, &wanted).await?;
        if let Some(unread) = Unreadable::of(&facts, &subject.namespace) {
            return Ok(Travel::Stuck(unread));
        }
        let map = facts.get(kind::CONFIG_MAP, &subject.namespace, &Journey::name(&subject.vm));
        let journey = match map.map(Journey::read) {
            Some(Ok(journey)) => journey,
            Some(Err(unusable)) => return Ok(Travel::Stuck(unusable_record(subject, &unusable.0))),
            None => return Ok(Travel::Stuck(unusable_record(subject, "it was deleted meanwhile"))),
        };
        let version = map.and_then(|map| text(map, "/metadata/resourceVersion"));
        let next = ask(&journey, &facts, subject);
        let words = match &next {
            Next::Step(step) => Some(&step.journey.stage),
            Next::Wait(words) => Some(words),
            Next::End(..) | Next::Stuck(_) => None,
        };
        if let Some(words) = words
            && end.is_some_and(|end| Instant::now() >= end)
        {
            return Ok(Travel::TimedOut(words.clone()));
        }
        match next {
            Next::Step(step) => {
                let count = taken.again(&step.journey.stage);
                if count > TRIES {
                    return Ok(Travel::Stuck(undone(subject, &step.journey.stage)));
                }
                if count > 1 {
                    pause(PAUSE).await;
                }
                tell(Heard::Step(&step.journey.stage));
                let recorded = if step.journey == journey {
                    Ok(())
                } else {
                    record_move(door, subject, &step.journey, version).await
                };
                match recorded {
                    Ok(()) => {}
                    Err(refused) if refused.reason == Reason::Conflict => {
                        return Ok(Travel::Stuck(Refusal {
                            object: subject.shown(),
                            reason: "another run goes on with this move at the same time".into(),
                            help: "let it go on; the same command waits with it when it has ended".into(),
                        }));
                    }
                    Err(refused) => return Err(refused),
                }
                match act(door, subject, &step).await {
                    // Something moved since it was read: look again.
                    Err(refused) if matches!(refused.reason, Reason::Conflict | Reason::AlreadyExists) => {
                        pause(PAUSE).await;
                    }
                    done => done?,
                }
            }
            Next::Wait(words) => {
                tell(Heard::Wait(&words));
                pause(PAUSE).await;
            }
            Next::End(ended, last) => {
                if *last != journey {
                    record_move(door, subject, &last, version).await?;
                }
                return Ok(Travel::Ended(ended, last, Box::new(facts)));
            }
            Next::Stuck(refusal) => return Ok(Travel::Stuck(refusal)),
        }
    }
}

fn undone(subject: &Subject, step: &str) -> Refusal {
    Refusal {
        object: subject.shown(),
        reason: format!("this was done {TRIES} times, and is undone each time: {step}"),
        help: "find out who undoes it (Argo CD, Flux, an operator, a webhook, a person), and end that first".into(),
    }
}

/// A moment, for who looks again.
pub async fn rest() {
    pause(PAUSE).await;
}

fn unusable_record(subject: &Subject, why: &str) -> Refusal {
    let name = Journey::name(&subject.vm);
    Refusal {
        object: format!("ConfigMap/{name}"),
        reason: format!("the record of the move cannot be used: {why}"),
        help: format!("`kubectl get configmap {name} -n {} -o yaml` shows it", subject.namespace),
    }
}

/// Writes the record as it was seen, or a new one. Nothing to remember leaves none.
///
/// # Errors
/// The server refused; a conflict if another run wrote it meanwhile.
pub async fn record_move(
    door: &Door,
    subject: &Subject,
    journey: &Journey,
    version: Option<&str>,
) -> Result<(), Refused> {
    let manager = manager(subject);
    let write = Write { manager: &manager, force: false, dry_run: false };
    let mut map = journey.config_map(&subject.namespace);
    match version {
        Some(version) => {
            map["metadata"]["resourceVersion"] = json!(version);
            door.replace(&map, &write).await.map(|_| ())
        }
        None => door.create(&map, &write).await.map(|_| ()),
    }
}

fn manager(subject: &Subject) -> String {
    subject.wukong.as_deref().map_or_else(|| MANAGER.to_owned(), Record::manager)
}

async fn act(door: &Door, subject: &Subject, step: &Step) -> Result<(), Refused> {
    let manager = manager(subject);
    let write = Write { manager: &manager, force: false, dry_run: false };
    let namespace = Some(subject.namespace.as_str());
    let of = |kind: &str| Resource::ALL.into_iter().find(|resource| resource.kind() == kind);
    match &step.act {
        Act::Create(body) => door.create(body, &write).await.map(|_| ()),
        Act::Apply(body) => door.apply(body, &write).await.map(|_| ()),
        Act::Merge { kind, name, patch } => match of(kind) {
            Some(kind) => door.merge(kind, namespace, name, patch, &write).await.map(|_| ()),
            None => Ok(()),
        },
        Act::Release { kind, name, uid } | Act::Delete { kind, name, uid } => match of(kind) {
            Some(kind) => {
                let orphan = matches!(step.act, Act::Release { .. });
                let delete = Delete { uid: Some(uid), orphan, ..Delete::default() };
                door.delete(kind, namespace, name, &delete).await.map(|_| ())
            }
            None => Ok(()),
        },
        Act::Replace(body) => door.replace(body, &write).await.map(|_| ()),
        Act::Start => {
            let (namespace, vm) = (&subject.namespace, &subject.vm);
            let path = format!("apis/subresources.kubevirt.io/v1/namespaces/{namespace}/virtualmachines/{vm}/start");
            door.put_subresource(&path, &Value::Object(serde_json::Map::new())).await.map(|_| ())
        }
        Act::Note => Ok(()),
    }
}
