//! What is done about a disk, and why.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::disks::{Disk, disks};
use super::fullness::{FileSystem, Fullness, from_agent};
use super::history::{self, GROWN, Grown};
use super::policy::Policy;
use super::prometheus::{Series, from_series};
use crate::facts::{Facts, Journey, bytes_at, claim_of, condition, kind, text, volumes};
use crate::plan::{Expansion, Growth, Step, expand, growth, readable, seen_by_guest};
use crate::quantity::Quantity;
use crate::status::{
    Subject,
    time::{duration, seconds},
};
use crate::storage;

/// A growth that nobody has begun after so many seconds is stuck.
const PATIENCE: i64 = 600;

/// What is decided for one disk.
#[derive(Debug)]
pub struct Decision {
    /// The machine's namespace.
    pub namespace: String,
    /// The machine, as it is named on the command line.
    pub machine: String,
    /// The disk.
    pub disk: String,
    /// Its claim.
    pub claim: String,
    /// What the claim asks for.
    pub size: String,
    /// The largest size, as it is written; none if there is no end.
    pub max: Option<String>,
    /// The file system that counts, if it is known.
    pub file_system: Option<FileSystem>,
    /// What is done.
    pub outcome: Outcome,
}

/// What is done.
#[derive(Debug)]
pub enum Outcome {
    /// It grows: its guest will see so much.
    Grows(String, Box<Step>),
    /// Nothing: it needs no room, or is about to get some. The reason.
    Stays(String),
    /// Nothing, because it is not known how full it is. The reason.
    Unknown(String),
    /// The same, because a right is missing. The reason.
    Unread(String),
    /// It needs room and gets none: the reason, and the way out.
    Refused(String, String),
}

/// Who is asked how full disks are.
#[derive(Debug)]
pub enum Told {
    /// The agents of the guests; what they say is among the facts.
    ByAgents,
    /// Prometheus.
    ByPrometheus(Vec<Series>),
}

/// One disk, and what is known for the decision about it.
struct Case<'f> {
    facts: &'f Facts,
    subject: &'f Subject,
    disk: Disk<'f>,
    policy: &'f Policy,
    /// Seconds since 1970.
    now: i64,
}

/// Decides for all disks of some machines. A claim that two machines share is decided once, and what one disk takes of a
/// quota is not left for the next. `now` is in seconds since 1970.
pub fn decisions(facts: &Facts, subjects: &[Subject], told: &Told, policy: &Policy, now: i64) -> Vec<Decision> {
    let mut seen = BTreeSet::new();
    let mut steps: Vec<Step> = Vec::new();
    let mut all = Vec::new();
    for subject in subjects {
        for disk in disks(facts, subject) {
            if !seen.insert((&subject.namespace, text(disk.claim, "/metadata/name"))) {
                continue;
            }
            let fullness = match told {
                Told::ByAgents => from_agent(facts, disk.vm, disk.instance, disk.name),
                Told::ByPrometheus(series) => from_series(series, &disk, policy.window, now),
            };
            let decision = Case { facts, subject, disk, policy, now }.decide(&fullness, &steps);
            if let Outcome::Grows(_, step) = &decision.outcome {
                steps.push(Step::clone(step));
            }
            all.push(decision);
        }
    }
    all
}

impl Case<'_> {
    /// Decides. `before` are the steps of this run that take of the same quota.
    fn decide(&self, fullness: &Fullness, before: &[Step]) -> Decision {
        let part = |pointer: &str| text(self.disk.claim, pointer).unwrap_or_default().to_owned();
        let file_system = match fullness {
            Fullness::Known(system) => Some(system.clone()),
            Fullness::Unknown(_) | Fullness::Unread(_) => None,
        };
        Decision {
            namespace: self.subject.namespace.clone(),
            machine: self.subject.shown(),
            disk: self.disk.name.to_owned(),
            claim: part("/metadata/name"),
            size: shown(&part("/spec/resources/requests/storage")),
            max: self.disk.max().map(str::to_owned),
            file_system,
            outcome: self.outcome(fullness, before),
        }
    }

    fn outcome(&self, fullness: &Fullness, before: &[Step]) -> Outcome {
        let Self { facts, subject, disk, policy, now } = self;
        if let Some(early) = in_flight(disk, *now) {
            return early;
        }
        if let Some(moving) = moving(facts, subject, disk) {
            return Outcome::Stays(moving);
        }
        let system = match fullness {
            Fullness::Known(system) => system,
            Fullness::Unknown(why) => return Outcome::Unknown(why.clone()),
            Fullness::Unread(why) => return Outcome::Unread(why.clone()),
        };
        if let Some(early) = implausible(facts, disk, system) {
            return early;
        }
        if !policy.is_full(system.used, system.total) {
            return Outcome::Stays(format!("below {} %", policy.threshold));
        }
        if let Some(early) = last_growth(facts, disk, system, *now) {
            return early;
        }
        let machine = subject.shown();
        let largest = match disk.largest() {
            Ok(largest) => largest,
            Err(written) => {
                let help = format!("correct `maxSize` of disk {} in the file of {machine}, and apply it", disk.name);
                return Outcome::Refused(format!("its largest size `{written}` is no size"), help);
            }
        };
        let at_end = || {
            let max = disk.max().unwrap_or("?");
            let help =
                format!("raise `maxSize` of disk {} in the file of {machine}, or free room in the guest", disk.name);
            Outcome::Refused(format!("it has its largest size, {max}"), help)
        };
        let Some(next) = policy.next(seen_by_guest(disk.claim, facts), largest) else { return at_end() };
        // What was written is what is shown, where the step ends there.
        let end = disk.max().filter(|_| largest == Some(next));
        let next = end.map_or_else(|| readable(next), str::to_owned);
        let Ok(size) = Quantity::parse(&next) else { return at_end() };
        match expand(facts, &subject.namespace, disk.vm, &machine, disk.name, &size, before) {
            Ok(Expansion::Enough) => at_end(),
            Ok(Expansion::Step(step)) => Outcome::Grows(next, Box::new(noted(*step, disk.claim, system, *now))),
            Err(refusal) => Outcome::Refused(refusal.reason, refusal.help),
        }
    }
}

/// CDI writes bytes.
fn shown(size: &str) -> String {
    let bytes = Quantity::parse(size).ok().and_then(|quantity| quantity.units());
    let digits = size.bytes().all(|byte| byte.is_ascii_digit());
    bytes.filter(|_| digits).map_or_else(|| size.to_owned(), readable)
}

/// The step, with the note that tells of it, for exactly the claim that was looked at: who comes second is refused.
fn noted(mut step: Step, claim: &Value, system: &FileSystem, now: i64) -> Step {
    let from = text(claim, "/spec/resources/requests/storage").unwrap_or("?");
    let to = text(&step.body, "/spec/resources/requests/storage").unwrap_or("?").to_owned();
    step.body["metadata"]["annotations"] = json!({GROWN: history::with(claim, now, from, &to, system)});
    step.body["metadata"]["resourceVersion"] = claim["metadata"]["resourceVersion"].clone();
    step
}

/// A growth that is on its way, or stuck.
fn in_flight(disk: &Disk<'_>, now: i64) -> Option<Outcome> {
    let name = text(disk.claim, "/metadata/name").unwrap_or_default();
    let namespace = text(disk.claim, "/metadata/namespace").unwrap_or_default();
    let stuck = |why: String| {
        let help = format!(
            "`kubectl describe pvc {name} -n {namespace}` has the driver's words; nothing more is asked of it until then"
        );
        Some(Outcome::Refused(why, help))
    };
    let infeasible = disk.claim.pointer("/status/allocatedResourceStatuses/storage").and_then(Value::as_str);
    if let Some(state) = infeasible.filter(|state| state.ends_with("Infeasible")) {
        return stuck(format!("its last growth is not possible ({state})"));
    }
    if text(disk.claim, "/status/phase") != Some("Bound") {
        return Some(Outcome::Unknown("its claim is not bound".into()));
    }
    match growth(disk.claim, disk.instance) {
        Growth::There(_) => None,
        Growth::Failed(words, why) => stuck(format!("{words}, and fails: {why}")),
        Growth::Controller(words) => {
            let begun = ["Resizing", "ModifyingVolume"].iter().any(|name| condition(disk.claim, name).is_some());
            match waiting_since(disk.claim).map(|since| now.saturating_sub(since)) {
                Some(age) if age > PATIENCE && !begun && infeasible.is_none() => {
                    stuck(format!("{words}, and no controller has begun for {}", duration(age)))
                }
                _ => Some(Outcome::Stays(words)),
            }
        }
        Growth::Guest(words) | Growth::NextStart(words) | Growth::Node(words) => Some(Outcome::Stays(words)),
    }
}

/// Since when somebody waits for the driver, if it was this tool that asked.
fn waiting_since(claim: &Value) -> Option<i64> {
    let asked = bytes_at(claim, "/spec/resources/requests/storage")?;
    history::last(claim).ok().flatten().filter(|grown| grown.to == asked && is_of(grown, claim)).map(|grown| grown.at)
}

/// Whether a growth was this claim's own. One that came along from the claim that the disk has left says nothing of this
/// volume and its driver.
fn is_of(grown: &Grown, claim: &Value) -> bool {
    text(claim, "/metadata/creationTimestamp").and_then(seconds).is_none_or(|made| grown.at >= made)
}

/// A file system that cannot be judged by: of another disk, of several, or of a claim that others use too.
fn implausible(facts: &Facts, disk: &Disk<'_>, system: &FileSystem) -> Option<Outcome> {
    let part = |pointer: &str| text(disk.claim, pointer).unwrap_or_default();
    if bytes_at(disk.claim, "/status/capacity/storage").is_some_and(|capacity| system.total > capacity) {
        return Some(Outcome::Unknown(format!("{} is larger than this disk, so it is not on it alone", system.mount)));
    }
    let (namespace, name) = (part("/metadata/namespace"), part("/metadata/name"));
    let holds_it = |vm: &&Value| volumes(vm).iter().any(|volume| claim_of(volume) == Some(name));
    let users = facts.all(kind::MACHINE, namespace).filter(holds_it).count();
    (users > 1).then(|| Outcome::Unknown(format!("{users} machines share its claim; `expand --disk` grows it")))
}

/// A move that is not at its end.
fn moving(facts: &Facts, subject: &Subject, disk: &Disk<'_>) -> Option<String> {
    // A record that cannot be read may be of a move that is under way.
    let journey = Journey::of(facts, &subject.namespace, &subject.vm);
    if journey.map_or(true, |journey| journey.is_some_and(|journey| journey.is_open())) {
        return Some("a move of the machine is not at its end".into());
    }
    // Source: Longhorn, engine upgrade and live migration: a volume with two engines does not grow.
    let state = disk.instance?.pointer("/status/migrationState")?;
    let runs = state["completed"] != true && state["failed"] != true && state["startTimestamp"].is_string();
    runs.then(|| "the machine is migrating".into())
}

/// What the last growth says about the next.
fn last_growth(facts: &Facts, disk: &Disk<'_>, system: &FileSystem, now: i64) -> Option<Outcome> {
    let Ok(last) = history::last(disk.claim) else {
        let help = format!("remove the annotation {GROWN} of its claim if you know what happened");
        return Some(Outcome::Refused("what is noted of its last growth cannot be read".into(), help));
    };
    if let Some(unused) = last.as_ref().and_then(|last| unused(last, system)) {
        return Some(unused);
    }
    rests(facts, disk, last.as_ref(), now)
}

/// A growth that the guest has not taken into use.
fn unused(last: &Grown, system: &FileSystem) -> Option<Outcome> {
    // What an agent calls the size of a file system moves a little with what is used of it: half of the step has to be there.
    // Source: qemu, qga/commands-linux.c: the used bytes and those that are free to everybody.
    let gained = system.total.saturating_sub(last.total);
    if gained < last.to.saturating_sub(last.from) / 2 {
        let help = "in the guest: growpart and resize2fs, xfs_growfs or the like; cloud-init does it at the next start";
        let reason = format!("the guest has not taken its last growth into use: {} has hardly grown", system.mount);
        return Some(Outcome::Refused(reason, help.into()));
    }
    None
}

/// A driver that needs rest after the last growth, whoever asked for it.
fn rests(facts: &Facts, disk: &Disk<'_>, last: Option<&Grown>, now: i64) -> Option<Outcome> {
    let class = text(disk.claim, "/spec/storageClassName").unwrap_or_default();
    let provisioner = facts.get(kind::CLASS, "", class).and_then(|class| text(class, "/provisioner"))?;
    let rest = storage::cool_down(provisioner)?;
    let at = resized(disk.claim).max(last.filter(|last| is_of(last, disk.claim)).map(|last| last.at))?;
    let left = at.saturating_add(rest).saturating_sub(now);
    (left > 0).then(|| Outcome::Stays(format!("{provisioner} takes its next growth in {}", duration(left))))
}

/// When somebody last changed what a claim asks for, after it was made.
fn resized(claim: &Value) -> Option<i64> {
    let made = text(claim, "/metadata/creationTimestamp").and_then(seconds)?;
    let entries = claim.pointer("/metadata/managedFields").and_then(Value::as_array)?;
    let owns = |entry: &&Value| entry.pointer("/fieldsV1/f:spec/f:resources").is_some();
    let times = entries.iter().filter(owns).filter_map(|entry| seconds(text(entry, "/time")?));
    times.filter(|at| *at > made.saturating_add(60)).max()
}
