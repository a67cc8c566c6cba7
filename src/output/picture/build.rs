//! What a picture shows: boxes and lines from the ways of disks. A volume or a holder that many disks share is one box.

use std::collections::BTreeMap;

use super::ends::{Ends, ends};
use super::risk::{Level, Risk, risk, words};
use super::{Column, Counts, Edge, Graph, Line, Look, Node, Part, Role};
use crate::locate::{Content, Located, Placed, Trail};
use crate::text::sanitize;

/// More notes than these are only counted.
const NOTES: usize = 4;

/// The picture of machines.
pub(super) fn build(machines: &[Located]) -> Graph {
    let mut made = Builder::default();
    let single = machines.len() == 1;
    for machine in machines {
        made.machine(machine, single);
    }
    let Builder { mut graph, ends, .. } = made;
    ends.finish(&mut graph);
    graph.title = title(machines, graph.counts.disks);
    graph.notes = notes(machines);
    graph
}

#[derive(Default)]
struct Builder {
    graph: Graph,
    ends: Ends,
    /// Volumes by their name.
    volumes: BTreeMap<String, usize>,
}

impl Builder {
    fn machine(&mut self, machine: &Located, single: bool) {
        let lasting: Vec<_> = machine.disks.iter().filter(|disk| disk.content.lasts()).collect();
        let risks: Vec<_> = lasting.iter().map(|disk| risk(disk)).collect();
        count(&mut self.graph.counts, &risks);
        let level = risks.iter().map(Risk::level).max().unwrap_or(Level::Muted);
        let from = self.graph.add(Node {
            column: Column::Machine,
            level,
            lines: vec![
                line(Role::Title, [name(&machine.subject.shown())]),
                line(Role::Sub, home(machine)),
                line(Role::Risk, sum(level, &risks)),
            ],
            tip: machine_tip(machine),
        });
        for (disk, risk) in lasting.iter().zip(&risks) {
            let to = self.disk(disk, risk);
            let look = match risk.vm {
                Level::WithVm => Look::WithVm,
                Level::Unknown => Look::Unknown,
                Level::Muted | Level::Safe | Level::WithNode => Look::Plain,
            };
            self.graph.join(from, to, look, None, String::new());
            let owner = format!("{}/{}", machine.subject.namespace, machine.subject.shown());
            self.path(&owner, disk, risk, to);
        }
        // They have no way to show; in the picture of a fleet they would only be in the way.
        for disk in machine.disks.iter().filter(|disk| single && !disk.content.lasts()) {
            let to = self.disk(disk, &risk(disk));
            self.graph.join(from, to, Look::Muted, None, String::new());
        }
    }

    fn disk(&mut self, disk: &Trail, risk: &Risk) -> usize {
        let mut head = vec![name(&disk.name)];
        if let Some(size) = &disk.size {
            head.extend([word(" · "), name(size)]);
        }
        let claim = disk.claim.as_deref().unwrap_or_default();
        let mut sub = match &disk.content {
            Content::Disk if disk.is_left() => vec![word("left by claim "), name(claim)],
            Content::Disk => vec![word("claim "), name(claim)],
            Content::Plugged => vec![word("plugged in, claim "), name(claim)],
            Content::State => vec![word("TPM and firmware, claim "), name(claim)],
            Content::HostDisk => vec![word("a file of the node")],
            Content::Passing(what) => vec![name(what)],
        };
        if let Some(class) = &disk.class {
            sub.extend([word(" · "), name(class)]);
        }
        self.graph.add(Node {
            column: Column::Disk,
            level: risk.level(),
            lines: vec![line(Role::Title, head), line(Role::Sub, sub), line(Role::Risk, risk.words.clone())],
            tip: disk_tip(disk),
        })
    }

    /// From a disk to its volume and on to what holds the bytes, as far as that can be seen.
    fn path(&mut self, owner: &str, disk: &Trail, risk: &Risk, from: usize) {
        let look = look(risk.node);
        let Some(placed) = &disk.place else {
            let gap = disk.hops.iter().rev().find(|hop| hop.gap).or(disk.hops.last());
            let why = gap.map_or("nothing more is seen", |gap| gap.state.as_str());
            let head = disk.volume.as_deref().map_or_else(|| word("no volume"), name);
            let lines = vec![line(Role::Title, [head]), line(Role::Sub, [name(why)])];
            let tip = gap.map(|gap| clean(&format!("{} {}: {}", gap.kind, gap.name, gap.state))).unwrap_or_default();
            let to = self.graph.add(Node { column: Column::Volume, level: Level::Muted, lines, tip });
            self.graph.join(from, to, if look == Look::Unknown { look } else { Look::Muted }, None, String::new());
            return;
        };
        let known = disk.volume.as_ref().and_then(|volume| self.volumes.get(volume)).copied();
        let volume = known.unwrap_or_else(|| self.graph.add(volume(disk, placed, risk.node)));
        if let Some(name) = &disk.volume {
            self.volumes.insert(name.clone(), volume);
        }
        if let Some(shared) = self.graph.boxes.get_mut(volume) {
            shared.level = shared.level.max(risk.node);
        }
        self.graph.join(from, volume, look, None, String::new());
        for end in ends(placed, look) {
            let holder = self.ends.holder(&mut self.graph, end.key);
            self.graph.join(volume, holder, end.look, end.label, end.tip);
            self.ends.note(holder, &format!("{owner}: {}", disk.name), end.look);
        }
    }
}

impl Graph {
    pub(super) fn add(&mut self, node: Node) -> usize {
        self.boxes.push(node);
        self.boxes.len() - 1
    }

    /// A line between two boxes. There is one at most: of two, the more telling look stays.
    fn join(&mut self, from: usize, to: usize, look: Look, label: Option<String>, tip: String) {
        let at = *self.joined.entry((from, to)).or_insert(self.edges.len());
        let Some(known) = self.edges.get_mut(at) else {
            self.edges.push(Edge { from, to, look, label, tip });
            return;
        };
        if look > known.look {
            (known.look, known.label) = (look, label);
        }
        if !known.tip.contains(&tip) {
            known.tip = format!("{}\n{tip}", known.tip);
        }
    }
}

fn volume(disk: &Trail, placed: &Placed, level: Level) -> Node {
    let known = !crate::storage::backend(&placed.driver).drivers.is_empty() || disk.volume.is_none();
    let kind = if known { vec![name(placed.backend)] } else { vec![word("unknown driver "), name(&placed.driver)] };
    let (head, mut sub) = match &disk.volume {
        Some(volume) => (name(volume), kind),
        None => (word("no volume"), kind),
    };
    if !placed.policy.is_empty() {
        sub.extend([word(" · "), name(&placed.policy)]);
    }
    let lines = vec![line(Role::Title, [head]), line(Role::Sub, sub)];
    Node { column: Column::Volume, level, lines, tip: volume_tip(disk, placed) }
}

const fn look(level: Level) -> Look {
    match level {
        Level::Muted => Look::Muted,
        Level::Safe => Look::Safe,
        Level::Unknown => Look::Unknown,
        Level::WithVm => Look::WithVm,
        Level::WithNode => Look::WithNode,
    }
}

/// The namespace of a machine, and where it runs.
fn home(machine: &Located) -> Vec<Part> {
    let mut parts = vec![name(&machine.subject.namespace), word(" · ")];
    match (&machine.state, &machine.node) {
        (Some(state), Some(node)) if state == "Running" => parts.extend([word("runs on "), name(node)]),
        (Some(state), Some(node)) => parts.extend([name(state), word(" on "), name(node)]),
        (Some(state), None) => parts.push(name(state)),
        (None, _) => parts.push(word("no VirtualMachine")),
    }
    parts
}

/// How the disks of a machine are, in one line.
fn sum(level: Level, risks: &[Risk]) -> Vec<Part> {
    let all = risks.len();
    let of = |least: Level| risks.iter().filter(|risk| risk.level() >= least).count();
    let text = match level {
        Level::WithNode | Level::WithVm => format!("{} of {} at risk", of(Level::WithVm), disks(all)),
        Level::Unknown => format!("{} of {} not known", of(Level::Unknown), disks(all)),
        Level::Safe if all == 1 => "its disk survives a node".to_owned(),
        Level::Safe => "all disks survive a node".to_owned(),
        Level::Muted if all == 0 => "no lasting disk".to_owned(),
        Level::Muted => "no bytes to lose".to_owned(),
    };
    words(level, &text)
}

fn count(counts: &mut Counts, risks: &[Risk]) {
    counts.disks += risks.len();
    for risk in risks {
        counts.with_node += usize::from(risk.node == Level::WithNode);
        counts.with_vm += usize::from(risk.vm == Level::WithVm);
        counts.unknown += usize::from(risk.level() == Level::Unknown);
        counts.safe += usize::from(risk.level() == Level::Safe);
    }
}

fn title(machines: &[Located], count: usize) -> String {
    match machines {
        [] => "Where is my data? No machine".to_owned(),
        [one] => clean(&format!("Where is my data? {} in namespace {}", one.subject.shown(), one.subject.namespace)),
        all => format!("Where is my data? {} machines with {}", all.len(), disks(count)),
    }
}

fn notes(machines: &[Located]) -> Vec<String> {
    let mut notes = Vec::new();
    if let [one] = machines {
        notes.extend(one.advice.as_deref().map(clean));
    }
    let mut unread: Vec<_> = machines.iter().flat_map(|machine| &machine.unknown).map(|reason| clean(reason)).collect();
    unread.sort();
    unread.dedup();
    let more = unread.len().saturating_sub(NOTES);
    notes.extend(unread.into_iter().take(NOTES).map(|reason| format!("? {reason}")));
    notes.extend((more > 0).then(|| format!("? and {more} more that could not be read")));
    notes
}

fn machine_tip(machine: &Located) -> String {
    let mut tip = vec![machine.subject.shown(), home(machine).iter().map(Part::text).collect()];
    tip.extend(machine.advice.clone());
    lines(&tip)
}

fn disk_tip(disk: &Trail) -> String {
    let mut tip = vec![disk.name.clone()];
    tip.extend(disk.hops.iter().map(|hop| format!("{} {}: {}", hop.kind, hop.name, hop.state)));
    tip.extend(disk.place.iter().filter_map(|placed| placed.place.at.clone()));
    for verdict in &disk.verdicts {
        tip.push(format!("if {}: {}, {}", verdict.event.clause(), verdict.fate.word(), verdict.why));
    }
    lines(&tip)
}

fn volume_tip(disk: &Trail, placed: &Placed) -> String {
    let mut tip: Vec<_> = disk.volume.iter().cloned().collect();
    tip.push(format!("{}, driver {}", placed.backend, placed.driver));
    tip.extend(placed.place.at.clone());
    tip.extend(placed.place.details.iter().map(|(name, value)| format!("{name}: {value}")));
    tip.extend(placed.place.notes.iter().cloned());
    tip.extend(placed.place.look.iter().cloned());
    lines(&tip)
}

/// Lines of a tip, each made harmless; the breaks between them are ours.
pub(super) fn lines(all: &[String]) -> String {
    all.iter().map(|line| clean(line)).collect::<Vec<_>>().join("\n")
}

pub(super) fn line(role: Role, parts: impl Into<Vec<Part>>) -> Line {
    Line { role, parts: parts.into() }
}

/// Our own words.
pub(super) fn word(text: &str) -> Part {
    Part::Word(text.to_owned())
}

/// Words of others.
pub(super) fn name(text: &str) -> Part {
    Part::Name(clean(text))
}

fn clean(text: &str) -> String {
    sanitize(text).into_owned()
}

/// `1 disk`, `3 disks`.
pub(super) fn disks(count: usize) -> String {
    if count == 1 { "1 disk".to_owned() } else { format!("{count} disks") }
}
