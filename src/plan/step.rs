//! What a plan is made of.

use serde_json::Value;

use super::Change;
use super::change::changes;
use super::object::visible;
use crate::facts::{Record, kind};

/// What the command line asks for beyond the files.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line, and they are independent")]
pub struct Wishes {
    /// Objects of a wanted name that are not in the record are taken over.
    pub adopt: bool,
    /// Fields that other managers own are taken.
    pub force_conflicts: bool,
    /// The file's run strategy is set even if a person stopped the machine.
    pub start: bool,
    /// The file's run strategy is set even if a person started the machine.
    pub stop: bool,
    /// Secrets and networks that are wanted no more are deleted.
    pub prune: bool,
    /// A changed image is refused instead of noted.
    pub strict_image: bool,
}

/// What happens to one machine: nothing is decided after this.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The Wukong.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// What happens to each object, in the order in which it is done.
    pub steps: Vec<Step>,
    /// What happens to the bytes of each disk.
    pub disks: Vec<DiskPlan>,
    /// Why nothing of this is done.
    pub refusals: Vec<Refusal>,
    /// Fields that other managers own.
    pub conflicts: Vec<Conflict>,
    /// What a person should know.
    pub notes: Vec<Note>,
    /// What is asked before anything is done.
    pub questions: Vec<String>,
    /// The record in the cluster.
    pub before: Option<Record>,
    /// Its version, which the next writing of it demands.
    pub record_version: Option<String>,
    /// The record once all steps are done.
    pub after: Record,
}

impl Plan {
    /// Whether applying it would write anything.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| step.op == Op::Keep) && !self.record_changes()
    }

    /// Whether a person would see a difference: a record alone is none.
    pub fn differs(&self) -> bool {
        self.steps.iter().any(|step| step.op != Op::Keep) || !self.refusals.is_empty()
    }

    /// The record to write before the first step: all that was made and all that is meant to be, with the sizes and the
    /// run strategy of before. Killed in between, the next run still sees what the file changed.
    pub fn intent(&self) -> Record {
        let mut intent = self.before.clone().unwrap_or_default();
        for made in &self.after.made {
            intent.note(&made.api_version, &made.kind, &made.name, made.uid.as_deref());
        }
        for (list, entries) in &self.after.lists {
            let known = intent.lists.entry(list.clone()).or_default();
            for (name, entry) in entries {
                known.entry(name.clone()).or_insert_with(|| entry.clone());
            }
        }
        for (disk, claim) in &self.after.claims {
            intent.claims.entry(disk.clone()).or_insert_with(|| claim.clone());
        }
        intent.made.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
        intent
    }

    /// Whether another plan would do the same, apart from what is done already.
    pub fn does_no_more_than(&self, shown: &Self) -> bool {
        // An object that was to be taken over is ours once the record knows it; what changes in it is the same.
        let fits = |now: Op, then: Op| now == then || (now, then) == (Op::Update, Op::Adopt);
        let told = |step: &Step| {
            shown.steps.iter().any(|then| {
                fits(step.op, then.op)
                    && (&then.kind, &then.name, &then.changes) == (&step.kind, &step.name, &step.changes)
            })
        };
        self.refusals.is_empty()
            && self.conflicts.iter().all(|conflict| shown.conflicts.contains(conflict))
            && self.questions.iter().all(|question| shown.questions.contains(question))
            && self.steps.iter().filter(|step| step.op != Op::Keep).all(told)
    }

    /// Whether the record is out of date.
    pub fn record_changes(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }
}

/// What happens to an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its API version.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What is done.
    pub op: Op,
    /// What is sent.
    pub body: Value,
    /// What is there.
    pub live: Option<Value>,
    /// What will be there.
    pub expected: Option<Value>,
    /// The fields that change, and what that means to the guest.
    pub changes: Vec<(Change, Effect)>,
    /// Managers of older tools whose fields are taken over.
    pub take_over: Vec<String>,
    /// Whether fields of other managers must be taken: lists that were merged, or what the person forces.
    pub force: bool,
}

impl Step {
    /// Whether nothing of the object is sent: the claim of a DataVolume that is taken into the record.
    pub fn only_noted(&self) -> bool {
        self.body.get("spec").is_none() && self.body.get("data").is_none() && !self.merges()
    }

    /// Whether what is sent is merged into a claim that CDI made, because the fields are CDI's.
    pub fn merges(&self) -> bool {
        self.kind == kind::CLAIM
            && self.body.get("spec").is_none()
            && self.body.pointer("/metadata/annotations").is_some()
    }

    /// Takes what a server says the object would be.
    pub fn expect(&mut self, stored: Value) {
        let before = self.live.as_ref().map(visible).unwrap_or_default();
        let own = &self.kind;
        let effect = |field: &str| {
            let known = self.changes.iter().find(|(change, _)| change.field == field).map(|(_, effect)| *effect);
            known.unwrap_or(if own == kind::MACHINE { Effect::NextRestart } else { Effect::Metadata })
        };
        let changes = changes(&before, &visible(&stored)).into_iter();
        self.changes = changes
            .map(|change| {
                let effect = effect(&change.field);
                (change, effect)
            })
            .collect();
        self.expected = Some(stored);
    }
}

/// What is done with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is taken into the record; its fields stay.
    Adopt,
    /// Its claim grows.
    Grow,
    /// It is deleted; never a disk.
    Delete,
    /// It stays as it is.
    Keep,
}

impl Op {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Adopt => "adopt",
            Self::Grow => "grow",
            Self::Delete => "delete",
            Self::Keep => "keep",
        }
    }
}

/// What a change means to the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing: names and labels of objects.
    Metadata,
    /// The guest has it at once.
    Live,
    /// The disk grows; the guest's file systems are the guest's.
    Grows,
    /// The machine starts.
    Starts,
    /// The machine stops.
    Stops,
    /// The machine does not run: its next start uses it.
    NextStart,
    /// The running guest goes on without it until it is restarted.
    NextRestart,
    /// Only a guest that was never started sees it.
    FirstBoot,
    /// A disk or network card leaves the machine, its bytes stay.
    Detaches,
    /// The guest gets another disk of the same name.
    OtherDisk,
}

impl Effect {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata only",
            Self::Live => "live",
            Self::Grows => "grows",
            Self::Starts => "starts the machine",
            Self::Stops => "stops the machine",
            Self::NextStart => "at the next start",
            Self::NextRestart => "at the next restart",
            Self::FirstBoot => "first boot only: this guest will not see it",
            Self::Detaches => "detaches",
            Self::OtherDisk => "another disk",
        }
    }
}

/// What happens to the bytes of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskPlan {
    /// The disk's name.
    pub disk: String,
    /// Its claim.
    pub claim: String,
    /// What happens.
    pub data: Data,
    /// Sizes or a reason, if there is something to say.
    pub detail: String,
}

/// What happens to bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// Nothing.
    Keep,
    /// There are none yet.
    Create,
    /// There is room for more.
    Grow,
    /// They stay, but the machine has them no more.
    Detach,
}

impl Data {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Create => "create",
            Self::Grow => "grow",
            Self::Detach => "detach, keep",
        }
    }
}

/// Why something is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The object.
    pub object: String,
    /// What is in the way.
    pub reason: String,
    /// The way out.
    pub help: String,
}

/// Something to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub object: String,
    /// What to know.
    pub text: String,
}

/// A field that another manager owns with another value.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The object.
    pub object: String,
    /// Who owns it.
    pub manager: String,
    /// The field.
    pub field: String,
    /// Their value.
    pub theirs: Value,
    /// The wanted one; none if the field goes.
    pub ours: Option<Value>,
}
