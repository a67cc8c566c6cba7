//! What speaks against a cluster and its machines at a stage.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::backup::{Saved, Saves};
use super::class::{ANY, Lack, alone, better, gain, lacks, name, to_class};
use super::{Rule, Stage, Weight};
use crate::facts::{Facts, kind, text};
use crate::locate::{Atlas, Content, Located, Trail, locate, retain};
use crate::status::subjects;
use crate::storage::{DEFAULT, VIRT_DEFAULT, is_marked};
use crate::text::{command_line, word};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The stage.
    pub stage: Stage,
    /// How old the youngest backup of a machine may be, in days.
    pub backup_days: u32,
    /// Seconds since 1970.
    pub now: i64,
    /// The namespace of the machines; none for all of them.
    pub namespace: Option<&'a str>,
}

/// One thing that speaks against a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// How loudly it speaks.
    pub weight: Weight,
    /// What is so, with the machines it is about. Names of a cluster are in it: untrusted.
    pub what: String,
    /// The way out: an order, or a command.
    pub way: String,
}

/// All that is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    /// What speaks against the stage.
    pub findings: Vec<Finding>,
    /// What is as it should be.
    pub fine: Vec<String>,
    /// What could not be learned: a noun and the reason.
    pub unknown: Vec<(String, String)>,
}

/// Looks at the classes that matter, the defaults and those of machines, and at every machine.
pub fn of_cluster(facts: &Facts, asked: &Asked<'_>) -> Advice {
    let atlas = Atlas::of(facts);
    let mut subjects = subjects(facts, true);
    // A record alone is no machine any more.
    subjects.retain(|subject| {
        asked.namespace.is_none_or(|namespace| namespace == subject.namespace)
            && facts.get(kind::MACHINE, &subject.namespace, &subject.vm).is_some()
    });
    let machines: Vec<_> = subjects.iter().map(|subject| locate(&atlas, subject)).collect();
    let mut found = Found { facts, asked, groups: BTreeMap::new(), advice: Advice::default() };
    found.unread();
    found.defaults();
    for machine in &machines {
        found.disks(machine);
        found.one_disk(machine);
        found.erased(machine);
    }
    found.backups(&machines);
    found.told(&machines)
}

/// A namespace, and a machine in it as people type it.
type User = (String, String);

/// What findings of one kind have in common: the rule, and the class or what is so.
type Head = (Rule, String);

/// The machines that a finding is about, and how it is mended.
#[derive(Default)]
struct Group {
    /// The machines by namespace and name, with the disks that it is about.
    users: BTreeMap<User, Vec<String>>,
    mend: String,
    /// The annotation by which the class is a default.
    default: Option<&'static str>,
    /// The class, and what it lacks.
    class: Option<(String, Lack)>,
}

struct Found<'a> {
    facts: &'a Facts,
    asked: &'a Asked<'a>,
    groups: BTreeMap<Head, Group>,
    advice: Advice,
}

/// Disks whose loss matters. The state of a TPM goes where its disk goes.
fn kept(machine: &Located) -> impl Iterator<Item = &Trail> {
    machine.disks.iter().filter(|disk| matches!(disk.content, Content::Disk | Content::Plugged | Content::HostDisk))
}

impl Found<'_> {
    fn speaks(&self, rule: Rule) -> bool {
        rule.weight(self.asked.stage) > Weight::Silent
    }

    /// What may not be read is told once, and nothing is concluded from it. Classes are told with the storage.
    fn unread(&mut self) {
        let namespace = self.asked.namespace.unwrap_or_default();
        let wanted = [
            ("machines", kind::MACHINE, namespace, Rule::NodeLocal),
            ("disks of machines", kind::CLAIM, namespace, Rule::NodeLocal),
            ("where disks lie", kind::VOLUME, "", Rule::NodeLocal),
        ];
        for (what, kind, namespace, rule) in wanted {
            if let Some(unread) = self.facts.unknown(kind, namespace).filter(|_| self.speaks(rule)) {
                self.advice.unknown.push((what.to_owned(), unread.reason.clone()));
            }
        }
    }

    fn class(&self, name: &str) -> Option<&Value> {
        self.facts.get(kind::CLASS, "", name)
    }

    /// The classes that a disk gets without asking.
    fn defaults(&mut self) {
        for class in self.facts.all_of(kind::CLASS) {
            let mark = [DEFAULT, VIRT_DEFAULT].into_iter().find(|annotation| is_marked(class, annotation));
            if mark.is_some() {
                for lack in lacks(class, self.facts) {
                    self.of_class(name(class), &lack).default = mark;
                }
            }
        }
    }

    fn of_class(&mut self, class: &str, lack: &Lack) -> &mut Group {
        let group = self.groups.entry((lack.rule, format!("class {class}"))).or_default();
        group.mend.clone_from(&lack.mend);
        group.class = Some((class.to_owned(), lack.clone()));
        group
    }

    /// What speaks against the disks of a machine: what their classes do, and where they lie.
    fn disks(&mut self, machine: &Located) {
        let user = (machine.subject.namespace.clone(), machine.subject.shown());
        for disk in kept(machine) {
            let class = disk.class.as_deref().and_then(|class| self.class(class));
            let of_class = class.map(|class| lacks(class, self.facts)).unwrap_or_default();
            let real = disk.place.as_ref().and_then(|placed| alone(&placed.place));
            for lack in &of_class {
                // The volume itself knows better where it lies.
                let of_place = matches!(lack.rule, Rule::NodeLocal | Rule::OneCopy);
                if of_place && disk.place.is_some() && real.map(|(rule, _)| rule) != Some(lack.rule) {
                    continue;
                }
                self.of_class(disk.class.as_deref().unwrap_or_default(), lack).add(&user, &disk.name);
            }
            if let Some((rule, does)) = real.filter(|(rule, _)| of_class.iter().all(|lack| lack.rule != *rule)) {
                let what = match (&disk.content, disk.class.as_deref(), rule) {
                    (Content::HostDisk, ..) => "a hostDisk is a file of one node".to_owned(),
                    (_, Some(class), Rule::OneCopy) => format!("volumes of class {class} have one copy"),
                    (_, Some(class), _) => format!("volumes of class {class} lie on one node each"),
                    (_, None, _) => {
                        let backend = disk.place.as_ref().map_or("storage", |placed| placed.backend);
                        format!("{backend} without a class {does}")
                    }
                };
                let group = self.groups.entry((rule, what)).or_default();
                group.add(&user, &disk.name);
                if disk.content == Content::HostDisk {
                    group.mend = String::from("no command moves a hostDisk: put what is in it on a disk with a claim");
                }
            }
        }
    }

    /// A machine that keeps all on the disk that it starts from.
    fn one_disk(&mut self, machine: &Located) {
        let mut disks = kept(machine);
        let passing =
            |disk: &Trail| matches!(&disk.content, Content::Passing(what) if what.starts_with("container image"));
        // With an image beside it, the one disk is for the data.
        if let (Some(_), None, false) = (disks.next(), disks.next(), machine.disks.iter().any(passing)) {
            let user = (machine.subject.namespace.clone(), machine.subject.shown());
            let head = (Rule::SystemAndData, "system and data lie on one disk".to_owned());
            self.groups.entry(head).or_default().users.insert(user, Vec::new());
        }
    }

    fn erased(&mut self, machine: &Located) {
        let deletes = |disk: &&Trail| disk.place.as_ref().is_some_and(|placed| placed.policy == "Delete");
        if let Some(volume) = kept(machine).filter(deletes).find_map(|disk| disk.volume.as_deref()) {
            let user = (machine.subject.namespace.clone(), machine.subject.shown());
            let group =
                self.groups.entry((Rule::Erased, "volumes are erased with their claims".to_owned())).or_default();
            if group.users.is_empty() {
                group.mend = retain(volume);
            }
            group.users.insert(user, Vec::new());
        }
    }

    /// Of each machine the disk that is saved worst counts.
    fn backups(&mut self, machines: &[Located]) {
        if !self.speaks(Rule::NoBackup) {
            return;
        }
        let saves = Saves::of(self.facts);
        let days = self.asked.backup_days;
        let since = self.asked.now.saturating_sub(i64::from(days).saturating_mul(86_400));
        let (mut fine, mut unknown) = (0_usize, BTreeSet::new());
        for machine in machines {
            let user = (machine.subject.namespace.clone(), machine.subject.shown());
            // Where there are no bytes yet, none can be lost.
            let bytes = kept(machine).filter(|disk| disk.volume.is_some() || disk.content == Content::HostDisk);
            let found: Vec<_> = bytes.map(|disk| (saves.of_disk(machine, disk, since), disk)).collect();
            let Some(worst) = found.iter().map(|(saved, _)| saved.clone()).min() else { continue };
            let rule = match (worst, saves.of_namespace(&machine.subject.namespace, since)) {
                (Saved::Outside, _) => {
                    fine += 1;
                    continue;
                }
                (Saved::Unknown(reason), _) | (Saved::No | Saved::Inside, Err(reason)) => {
                    unknown.insert(reason);
                    continue;
                }
                (Saved::No | Saved::Inside, Ok(Some(backup))) => {
                    let head = format!("Velero backed up the namespace in the last {}", span(days));
                    let group = self.groups.entry((Rule::BackupUnseen, head)).or_default();
                    let place = text(backup, "/metadata/namespace").unwrap_or("velero");
                    group.mend = format!("velero backup describe {} -n {} --details", word(name(backup)), word(place));
                    group.users.insert(user, Vec::new());
                    continue;
                }
                (Saved::No, Ok(None)) => Rule::NoBackup,
                (Saved::Inside, Ok(None)) => Rule::OnlySnapshots,
            };
            let head = match rule {
                Rule::NoBackup => format!("the cluster shows no backup of the last {}", span(days)),
                _ => format!("only snapshots in the volumes are of the last {}", span(days)),
            };
            let group = self.groups.entry((rule, head)).or_default();
            let unsaved = found.iter().filter(|(saved, _)| matches!(saved, Saved::No | Saved::Inside));
            // `export` reads claims.
            let disks = unsaved.filter(|(_, disk)| disk.claim.is_some()).map(|(_, disk)| disk.name.clone());
            group.users.entry(user).or_default().extend(disks);
        }
        let missing = self
            .groups
            .keys()
            .any(|(rule, _)| matches!(rule, Rule::NoBackup | Rule::OnlySnapshots | Rule::BackupUnseen));
        if fine > 0 && !missing && unknown.is_empty() {
            self.advice.fine.push(format!("every machine has a backup of the last {}", span(days)));
        }
        self.advice.unknown.extend(unknown.into_iter().map(|reason| ("backups".to_owned(), reason)));
    }

    /// All of it in the order of the rules.
    fn told(mut self, machines: &[Located]) -> Advice {
        let stage = self.asked.stage;
        self.groups.retain(|(rule, _), _| rule.weight(stage) > Weight::Silent);
        let alone = |(rule, _): &Head| matches!(rule, Rule::NodeLocal | Rule::OneCopy);
        let is_seen = machines.iter().flat_map(kept).any(|disk| disk.place.is_some());
        if self.speaks(Rule::NodeLocal) && is_seen && !self.groups.keys().any(alone) {
            self.advice.fine.insert(0, "no disk is known to lie on one node alone".to_owned());
        }
        for ((rule, what), group) in &self.groups {
            let default = if group.default.is_some() { ", the default," } else { "" };
            let what = match &group.class {
                Some((class, lack)) => lack.of(&format!("class {class}{default}")),
                None => what.clone(),
            };
            let users = self.named(&group.users);
            let what = if users.is_empty() { what } else { format!("{what}: {users}") };
            let way = self.way(*rule, group, machines);
            self.advice.findings.push(Finding { rule: *rule, weight: rule.weight(stage), what, way });
        }
        if self.advice == Advice::default() {
            self.advice.fine.push(format!("nothing speaks against {}", stage.word()));
        }
        self.advice
    }

    /// `web, db, cache and 7 more`.
    fn named(&self, users: &BTreeMap<User, Vec<String>>) -> String {
        const FIRST: usize = 3;
        let one = |(namespace, machine): &User| match self.asked.namespace {
            Some(_) => machine.clone(),
            None => format!("{namespace}/{machine}"),
        };
        let mut first: Vec<_> = users.keys().take(FIRST).map(one).collect();
        let last = match users.len().checked_sub(FIRST) {
            None | Some(0) if first.len() > 1 => first.pop(),
            None | Some(0) => None,
            Some(more) => Some(format!("{more} more")),
        };
        let first = first.join(", ");
        last.map_or(first.clone(), |last| format!("{first} and {last}"))
    }

    fn way(&self, rule: Rule, group: &Group, machines: &[Located]) -> String {
        if !group.mend.is_empty() {
            return group.mend.clone();
        }
        let export = || {
            let Some(((namespace, machine), disks)) = group.users.first_key_value() else { return String::new() };
            let one = |disk: &String| {
                command_line("export", &[machine], namespace, &format!("--disk {} --output FILE", word(disk)))
            };
            match disks.as_slice() {
                [] => String::new(),
                [disk] => format!("; by hand, while it is off: {}", one(disk)),
                [first, rest @ ..] => {
                    let rest: Vec<_> = rest.iter().map(|disk| word(disk)).collect();
                    format!("; by hand, while it is off: {}, then {} into other files", one(first), rest.join(", "))
                }
            }
        };
        match rule {
            Rule::NodeLocal | Rule::OneCopy | Rule::NoGrowth | Rule::NoSnapshots => {
                self.move_or_default(rule, group, machines)
            }
            Rule::SystemAndData => {
                "add a disk for the data, `- {name: data, size: 20Gi}` in its file, and keep them there".to_owned()
            }
            Rule::NoBackup => format!("back up to a place outside of this storage{}", export()),
            Rule::OnlySnapshots => format!("copy them to a place outside of this storage{}", export()),
            Rule::BackupUnseen => "velero backup get".to_owned(),
            Rule::Erased => {
                "kubectl patch pv NAME -p '{\"spec\":{\"persistentVolumeReclaimPolicy\":\"Retain\"}}'".to_owned()
            }
            Rule::ClassByDefault | Rule::NoAutoExpand => "write it into the file".to_owned(),
        }
    }

    /// Machines move to a better class, and a better class becomes the default.
    fn move_or_default(&self, rule: Rule, group: &Group, machines: &[Located]) -> String {
        let gain = gain(rule);
        let class = group.class.as_ref().map(|(class, _)| class.as_str());
        let better = better(rule, self.facts).filter(|better| Some(*better) != class);
        let first = group.users.first_key_value().map(|((namespace, name), disks)| {
            let is_first =
                |machine: &&Located| machine.subject.namespace == *namespace && machine.subject.shown() == *name;
            // Only those that need it move.
            let all = machines.iter().find(is_first).is_none_or(|machine| kept(machine).count() == disks.len());
            let disks = if all { String::new() } else { flags(disks) };
            move |class: &str| format!("{}{disks}", to_class(name, namespace, class))
        });
        match (better, first, group.default.zip(class)) {
            (Some(better), Some(command), _) => command(better),
            (None, Some(command), _) => format!("make a class that {gain}, and: {}", command(ANY)),
            (Some(better), None, Some((mark, class))) => {
                let (better, class) = (word(better), word(class));
                format!(
                    "kubectl annotate storageclass {better} {mark}=true --overwrite && \
                     kubectl annotate storageclass {class} {mark}-"
                )
            }
            (_, None, _) => format!("make a class that {gain} the default"),
        }
    }
}

impl Group {
    fn add(&mut self, user: &User, disk: &str) {
        self.users.entry(user.clone()).or_default().push(disk.to_owned());
    }
}

/// The flags that name disks. What is no name of a disk, such as one that is still in use, is left to the command.
fn flags(disks: &[String]) -> String {
    if disks.iter().any(|disk| disk.contains(' ')) {
        return String::new();
    }
    disks.iter().map(|disk| format!(" --disk {}", word(disk))).collect()
}

/// `24 hours`, `7 days`.
fn span(days: u32) -> String {
    if days == 1 { "24 hours".to_owned() } else { format!("{days} days") }
}
