//! What becomes of one machine of a node that died.

use serde_json::Value;

use super::fit::{Obstacle, fitting};
use super::held::{Held, HeldPod};
use super::node::Node;
use super::restore::restore;
use crate::facts::{Facts, created_by_other, has_ended, is_going, kind, text};
use crate::locate::{Content, Fate, Impact, Located, Trail};
use crate::status::Subject;
use crate::text::{command_line, word};

/// A machine that a node held, or whose disks lie there.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// Which one.
    pub subject: Subject,
    /// Its run strategy; none where there is no VirtualMachine.
    pub strategy: Option<String>,
    /// What it wants to happen when its node is emptied. A node that died cannot be emptied: it changes nothing.
    pub eviction: Option<String>,
    /// Whether it ran on the node; else it only has disks there.
    pub ran: bool,
    /// The phase of its instance and its node, if it has one.
    pub instance: Option<(String, Option<String>)>,
    /// Its pods on the node.
    pub pods: Vec<HeldPod>,
    /// What becomes of it.
    pub way: Way,
    /// Why, as a clause.
    pub why: String,
    /// What to do, as commands.
    pub next: Vec<String>,
    /// Its disks that are touched, in the words of where-is-my-data.
    pub disks: Vec<Disk>,
}

/// A disk that is touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Its name in the machine.
    pub name: String,
    /// What becomes of its bytes.
    pub fate: Fate,
    /// Why, as a clause.
    pub why: String,
    /// What to do about it, and what could bring it back.
    pub steps: Vec<String>,
}

/// What becomes of a machine, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Bytes of it are only there.
    Loses,
    /// Something that decides it cannot be seen.
    Unknown,
    /// No other node may take it: it starts again when the node returns.
    Tied,
    /// It can start elsewhere, and a person has to say so.
    Person,
    /// Nothing starts it again, and nothing shall.
    Ends,
    /// KubeVirt starts it elsewhere by itself.
    Returns,
    /// It runs elsewhere.
    Elsewhere,
    /// It did not run there, and its disks are kept.
    Untouched,
}

impl Way {
    /// In a word or two.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Loses => "loses data",
            Self::Unknown => "not known",
            Self::Tied => "waits for the node",
            Self::Person => "to be started",
            Self::Ends => "ends",
            Self::Returns => "starts elsewhere",
            Self::Elsewhere => "runs elsewhere",
            Self::Untouched => "not affected",
        }
    }

    /// Whether it helps, or may help, such a machine that its pod and volumes are taken from the node.
    pub const fn is_freed(self) -> bool {
        matches!(self, Self::Unknown | Self::Person | Self::Ends | Self::Returns)
    }
}

/// Every VirtualMachine, and instances that have none.
pub(super) fn subjects(facts: &Facts) -> Vec<Subject> {
    let mut all = crate::status::subjects(facts, true);
    let alone = facts.all_of(kind::INSTANCE).filter_map(|instance| {
        let (namespace, name) = text(instance, "/metadata/namespace").zip(text(instance, "/metadata/name"))?;
        let known = facts.get(kind::MACHINE, namespace, name).is_some();
        (!known).then(|| Subject { namespace: namespace.to_owned(), vm: name.to_owned(), wukong: None, record: None })
    });
    let alone: Vec<_> = alone.filter(|one| all.iter().all(|known| !same(known, &one.namespace, &one.vm))).collect();
    all.extend(alone);
    all
}

fn same(subject: &Subject, namespace: &str, vm: &str) -> bool {
    subject.namespace == namespace && subject.vm == vm
}

/// What becomes of a machine; none if the node has nothing to do with it. `marked`: the machines that the node held when
/// the taint was set.
pub(super) fn machine(
    facts: &Facts,
    node: &Node,
    held: &Held,
    marked: &[(String, String)],
    located: &Located,
    impact: &Impact,
) -> Option<Machine> {
    let subject = &located.subject;
    let vm = facts.get(kind::MACHINE, &subject.namespace, &subject.vm);
    let instance = facts.get(kind::INSTANCE, &subject.namespace, &subject.vm);
    let uid = instance.and_then(|instance| text(instance, "/metadata/uid")).unwrap_or_default();
    let mine = |pod: &&HeldPod| pod.namespace == subject.namespace && !uid.is_empty() && pod.instance == uid;
    let pods: Vec<_> = held.pods.iter().filter(mine).cloned().collect();
    let there = instance.and_then(|instance| text(instance, "/status/nodeName")) == Some(&node.name);
    let noted = marked.iter().any(|(namespace, vm)| same(subject, namespace, vm));
    let ran = there || noted || !pods.is_empty();
    // Storage that tells nothing may lie anywhere: that alone ties no machine to this node.
    if !ran && impact.disks.iter().all(|(_, fate, _, _)| *fate == Fate::Unknown) {
        return None;
    }
    let disks: Vec<_> = impact.disks.iter().map(|hit| disk(facts, subject, &located.disks, hit)).collect();
    let look = Look { facts, node, subject, vm, instance, ran, disks: &disks, trails: &located.disks };
    let (way, why, next) = look.way(&impact.note);
    let part = |object: Option<&Value>, at: &str| object.and_then(|object| text(object, at)).map(str::to_owned);
    Some(Machine {
        subject: subject.clone(),
        strategy: vm.map(|vm| strategy(vm).to_owned()),
        eviction: part(vm, "/spec/template/spec/evictionStrategy"),
        ran,
        instance: instance.map(|instance| {
            (text(instance, "/status/phase").unwrap_or("Pending").to_owned(), part(Some(instance), "/status/nodeName"))
        }),
        pods,
        way,
        why,
        next,
        disks,
    })
}

fn disk(facts: &Facts, subject: &Subject, trails: &[Trail], hit: &crate::locate::Hit) -> Disk {
    let (name, fate, why, steps) = hit;
    let mut steps = steps.clone();
    if let (Fate::Lost, Some(trail)) = (fate, trails.iter().find(|trail| trail.name == *name)) {
        steps.extend(restore(facts, subject, trail));
    }
    Disk { name: name.clone(), fate: *fate, why: why.clone(), steps }
}

/// A machine under examination.
struct Look<'a> {
    facts: &'a Facts,
    node: &'a Node,
    subject: &'a Subject,
    vm: Option<&'a Value>,
    instance: Option<&'a Value>,
    ran: bool,
    disks: &'a [Disk],
    trails: &'a [Trail],
}

/// What becomes of it, why, and the next commands.
type Answer = (Way, String, Vec<String>);

impl Look<'_> {
    fn way(&self, note: &str) -> Answer {
        let has = |fate| self.disks.iter().any(|disk| disk.fate == fate);
        if has(Fate::Lost) {
            return self.loses(note);
        }
        if let Some(other) = self.elsewhere() {
            return (Way::Elsewhere, format!("it runs on {other}"), Vec::new());
        }
        if has(Fate::Unknown) || has(Fate::Recoverable) {
            let why = "whether it can start elsewhere cannot be told: its storage does not say where it lies";
            let look = self.command("where-is-my-data");
            return (Way::Unknown, why.to_owned(), vec![look]);
        }
        if !self.ran {
            return (Way::Untouched, "its disks have copies elsewhere".to_owned(), Vec::new());
        }
        let Some(vm) = self.vm else { return self.without_machine() };
        if is_going(vm) {
            return (Way::Ends, "it is being deleted".to_owned(), Vec::new());
        }
        match (fitting(self.facts, vm, &self.node.name), strategy(vm)) {
            (_, "Halted") => (Way::Ends, "it was told to stop, and stays stopped".to_owned(), Vec::new()),
            (Err(obstacle), _) => (Way::Tied, obstacle.clause().to_owned(), self.untie(obstacle)),
            (Ok(nodes), "Always" | "RerunOnFailure") => {
                (Way::Returns, format!("KubeVirt starts it on {} once its pod is gone", one_of(&nodes)), Vec::new())
            }
            // KubeVirt refuses to start a machine that runs once; stopped and started it runs once more.
            (Ok(_), "Once") => (
                Way::Person,
                "it runs once, and that was it".to_owned(),
                vec![self.command("stop"), self.command("start")],
            ),
            (Ok(_), other) => {
                (Way::Person, format!("run strategy {other}: only a person starts it"), vec![self.command("start")])
            }
        }
    }

    /// The other node on which it runs, or is about to.
    fn elsewhere(&self) -> Option<&str> {
        let instance = self.instance.filter(|instance| !is_going(instance) && !has_ended(instance))?;
        text(instance, "/status/nodeName").filter(|other| !other.is_empty() && *other != self.node.name)
    }

    fn loses(&self, note: &str) -> Answer {
        let note = if note.is_empty() { format!("a disk of it lies on {}", self.node.name) } else { note.to_owned() };
        // KubeVirt makes a file of the node where there is none. Source: KubeVirt, `HostDisk`, type DiskOrCreate.
        let file = self.disks.iter().any(|disk| {
            let trail = self.trails.iter().find(|trail| trail.name == disk.name);
            disk.fate == Fate::Lost && trail.is_some_and(|trail| trail.content == Content::HostDisk)
        });
        let restarts = self.vm.is_some_and(|vm| matches!(strategy(vm), "Always" | "RerunOnFailure"));
        if file && restarts && self.ran && self.vm.is_some_and(|vm| fitting(self.facts, vm, &self.node.name).is_ok()) {
            let why = "its disk is a file of the node: elsewhere it would start with another file, or an empty one";
            return (Way::Loses, why.to_owned(), vec![self.command("stop")]);
        }
        (Way::Loses, note, Vec::new())
    }

    fn without_machine(&self) -> Answer {
        if let Some(unread) = self.facts.unknown(kind::MACHINE, &self.subject.namespace) {
            return (Way::Unknown, unread.reason.clone(), Vec::new());
        }
        let why = match self.instance.and_then(created_by_other) {
            Some(owner) => format!("it has no VirtualMachine; {owner} decides what follows"),
            None => "it has no VirtualMachine: nothing starts it again".to_owned(),
        };
        (Way::Ends, why, Vec::new())
    }

    fn untie(&self, obstacle: Obstacle) -> Vec<String> {
        let (vm, namespace) = (word(&self.subject.vm), word(&self.subject.namespace));
        match (obstacle, &self.subject.wukong) {
            (Obstacle::NoNode, _) => vec!["kubectl get nodes".to_owned()],
            (Obstacle::Selector | Obstacle::Taints, None) => vec![format!("kubectl edit vm {vm} -n {namespace}")],
            (Obstacle::Selector | Obstacle::Taints, Some(_)) => {
                vec![format!(
                    "change `highAvailability` in its file, then: {}",
                    command_line("apply -f FILE", &[], &self.subject.namespace, "")
                )]
            }
            (Obstacle::Volumes, _) => vec![self.command("where-is-my-data")],
        }
    }

    fn command(&self, verb: &str) -> String {
        self.subject.command(verb, "")
    }
}

/// The run strategy of a VirtualMachine, which older ones say otherwise.
fn strategy(vm: &Value) -> &str {
    let running = vm.pointer("/spec/running").and_then(Value::as_bool);
    text(vm, "/spec/runStrategy").unwrap_or(if running == Some(true) { "Always" } else { "Halted" })
}

/// `worker-1`, `worker-1 or worker-2`, `one of 7 nodes`.
fn one_of(nodes: &[&str]) -> String {
    match nodes {
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} or {two}"),
        many => format!("one of {} nodes", many.len()),
    }
}
