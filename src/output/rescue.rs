//! What a node that died held, what becomes of it, and the steps: for people and for programs.

use owo_colors::{OwoColorize as _, Style};
use serde_json::{Value, json};

use super::table::table;
use crate::locate::Fate;
use crate::rescue::{Held, Machine, Node, OutOfService, Presence, Rescue, Step, StepState, Way, steps};
use crate::status::time::duration;
use crate::text::{Styles, Width, sanitize, wrap};

/// The whole report.
pub fn rescue(rescue: &Rescue, styles: &Styles, width: Width) -> String {
    let mut page = Page { out: String::new(), styles, width };
    page.node(&rescue.node, &rescue.held);
    if rescue.silent > 0 {
        let nodes = if rescue.silent == 1 {
            "1 other node is".to_owned()
        } else {
            format!("{} other nodes are", rescue.silent)
        };
        let text = format!("{nodes} silent too: it may be the network, and all of them may run on");
        page.line(2, "!", styles.warning, &text);
    }
    page.machines(rescue);
    page.out.push_str(&format!("\n{}\n", "Steps".style(styles.strong)));
    for (at, step) in (1..).zip(steps(rescue)) {
        page.step(at, &step);
    }
    page.unknown(&rescue.unknown);
    page.out
}

/// What became of the machines.
pub fn rescued(rescue: &Rescue, styles: &Styles, width: Width) -> String {
    let mut page = Page { out: String::new(), styles, width };
    page.machines(rescue);
    page.out
}

/// Text that grows.
struct Page<'a> {
    out: String,
    styles: &'a Styles,
    width: Width,
}

impl Page<'_> {
    /// A text in lines that fit, the first after a sign.
    fn line(&mut self, indent: usize, sign: &str, style: Style, text: &str) {
        let text = sanitize(text);
        let lead = if sign.is_empty() { 0 } else { 2 };
        for (at, line) in wrap(&text, self.width.cells().max(40) - indent - lead, 0).lines().enumerate() {
            let sign = match (sign, at) {
                ("", _) => String::new(),
                (sign, 0) => format!("{} ", sign.style(style)),
                _ => "  ".to_owned(),
            };
            self.out.push_str(format!("{:indent$}{sign}{line}", "").trim_end());
            self.out.push('\n');
        }
    }

    /// A command, whole: a person copies it.
    fn whole(&mut self, indent: usize, text: &str) {
        self.out.push_str(&format!("{:indent$}{}\n", "", sanitize(text).style(self.styles.name)));
    }

    fn node(&mut self, node: &Node, held: &Held) {
        let since = node.since.map(|age| format!(" since {}", duration(age))).unwrap_or_default();
        let state = match node.presence {
            Presence::Ready { cordoned: false } => format!("is ready{since}"),
            Presence::Ready { cordoned: true } => format!("is ready{since}, and cordoned"),
            Presence::Unready => format!("is not ready{since}, but its kubelet answers"),
            Presence::Silent => format!("does not answer{since}"),
            Presence::Gone => "is not part of the cluster any more".to_owned(),
            Presence::Unknown => "cannot be read".to_owned(),
        };
        let why = if node.why.is_empty() { String::new() } else { format!(": {}", node.why) };
        let name = sanitize(&node.name).into_owned();
        let text = wrap(&sanitize(&format!("{} {state}{why}", node.name)), self.width.cells().max(40), 0);
        self.out.push_str(&text.replacen(&name, &name.style(self.styles.strong).to_string(), 1));
        self.out.push('\n');
        if !node.taints.is_empty() {
            self.line(2, "", Style::new(), &format!("taints: {}", node.taints.join(", ")));
        }
        if let (Some(heard), false) = (node.heard, node.is_ready()) {
            self.line(2, "", Style::new(), &format!("virt-handler was last heard {} ago", duration(heard)));
        }
        let attached = held.attached.len();
        let counts = [
            count(held.pods.len(), "pod of a machine", "pods of machines", held.pods_known),
            count(held.others, "other pod", "other pods", held.pods_known),
            count(attached, "attached volume", "attached volumes", held.attached_known),
        ];
        self.line(2, "", Style::new(), &format!("held: {}", counts.join(", ")));
        match &node.out_of_service {
            OutOfService::Ours(mark) => {
                self.line(2, "", Style::new(), &format!("out of service since {}: this tool set the taint", mark.at));
            }
            OutOfService::Others => self.line(2, "", Style::new(), "out of service: somebody else set the taint"),
            OutOfService::No => {}
        }
    }

    fn machines(&mut self, rescue: &Rescue) {
        let plain = Style::new();
        let rows: Vec<_> = rescue
            .machines
            .iter()
            .map(|machine| {
                let style = self.colour(machine.way);
                vec![
                    (name(machine), plain),
                    (machine.strategy.clone().unwrap_or_else(|| "-".to_owned()), plain),
                    (machine.way.word().to_owned(), style),
                    (machine.why.clone(), plain),
                ]
            })
            .collect();
        if rows.is_empty() {
            let none =
                if rescue.blind.is_some() { "which machines it held is not known" } else { "it held no machines" };
            self.line(2, "", plain, none);
            return;
        }
        self.out.push('\n');
        self.out.push_str(&table(&["MACHINE", "STRATEGY", "BECOMES", "WHY"], &rows, self.styles, self.width));
        for machine in &rescue.machines {
            for disk in machine.disks.iter().filter(|disk| disk.fate != Fate::Kept) {
                let (sign, style) = super::locate::sign(disk.fate, self.styles);
                let text = format!("{} disk {} {}: {}", name(machine), disk.name, disk.fate.word(), disk.why);
                self.out.push('\n');
                self.line(0, sign, style, &text);
                for step in &disk.steps {
                    self.line(4, "", plain, step);
                }
            }
            if !machine.next.is_empty() {
                self.out.push('\n');
                // Before that the new pod would wait for what the old one holds.
                let when =
                    if machine.pods.is_empty() || machine.way != Way::Person { "" } else { ", once its pod is gone" };
                self.line(0, "→", self.styles.help, &format!("{}{when}", name(machine)));
                for command in &machine.next {
                    self.whole(4, command);
                }
            }
        }
    }

    fn colour(&self, way: Way) -> Style {
        match way {
            Way::Loses => self.styles.error,
            Way::Unknown | Way::Tied | Way::Person => self.styles.warning,
            Way::Ends | Way::Untouched => Style::new(),
            Way::Returns | Way::Elsewhere => self.styles.help,
        }
    }

    fn step(&mut self, at: usize, step: &Step) {
        let (sign, style) = match step.state {
            StepState::Done => ("✓", self.styles.help),
            StepState::Open => ("○", self.styles.warning),
            StepState::Follows => ("…", Style::new()),
            StepState::Needless => ("·", self.styles.frame),
        };
        let needless = if step.state == StepState::Needless { " (not needed)" } else { "" };
        self.line(2, sign, style, &format!("{at}. {}{needless}", step.what));
        if !step.detail.is_empty() && step.state != StepState::Done {
            self.line(7, "", Style::new(), &step.detail);
        }
    }

    fn unknown(&mut self, reasons: &[String]) {
        if !reasons.is_empty() {
            self.out.push('\n');
        }
        for reason in reasons {
            self.line(0, "?", self.styles.warning, &format!("not known: {reason}"));
        }
    }
}

fn count(count: usize, one: &str, many: &str, known: bool) -> String {
    match (known, count) {
        (false, _) => format!("{many} not known"),
        (true, 1) => format!("1 {one}"),
        (true, count) => format!("{count} {many}"),
    }
}

fn name(machine: &Machine) -> String {
    format!("{}/{}", machine.subject.namespace, machine.subject.shown())
}

/// The same for programs. `outcome`: how the run ended, in a word.
pub fn rescue_json(rescue: &Rescue, outcome: &str) -> Value {
    let node = &rescue.node;
    json!({
        "apiVersion": "vm.novasphere.dev/v1alpha1",
        "kind": "NodeRecovery",
        "node": {
            "name": node.name,
            "state": node.presence.word(),
            "seconds": node.since,
            "why": node.why,
            "taints": node.taints,
            "virtHandlerSilentSeconds": node.heard,
            "outOfService": match &node.out_of_service {
                OutOfService::No => "no",
                OutOfService::Ours(_) => "ours",
                OutOfService::Others => "others",
            },
        },
        "held": {
            "pods": rescue.held.pods_known.then(|| rescue.held.pods.iter().map(|pod| json!({
                "namespace": pod.namespace, "name": pod.name, "state": pod.state,
            })).collect::<Vec<_>>()),
            "otherPods": rescue.held.pods_known.then_some(rescue.held.others),
            "attachedVolumes": rescue.held.attached_known.then(|| rescue.held.attached.iter().map(|volume| json!({
                "persistentVolume": volume.volume,
                "namespace": volume.claim.as_ref().map(|(namespace, _)| namespace),
                "pvcName": volume.claim.as_ref().map(|(_, name)| name),
                "ofMachine": volume.of_machine,
                "problem": volume.problem,
            })).collect::<Vec<_>>()),
        },
        "machines": rescue.machines.iter().map(machine_json).collect::<Vec<_>>(),
        "steps": steps(rescue).iter().map(|step| json!({
            "name": step.name, "state": step.state.word(), "what": step.what, "detail": step.detail,
        })).collect::<Vec<_>>(),
        "unknown": rescue.unknown,
        "outcome": outcome,
    })
}

fn machine_json(machine: &Machine) -> Value {
    json!({
        "namespace": machine.subject.namespace,
        "wukong": machine.subject.wukong,
        "virtualMachine": machine.subject.vm,
        "runStrategy": machine.strategy,
        "evictionStrategy": machine.eviction,
        "ranThere": machine.ran,
        "phase": machine.instance.as_ref().map(|(phase, _)| phase),
        "nodeName": machine.instance.as_ref().and_then(|(_, node)| node.as_ref()),
        "pods": machine.pods.iter().map(|pod| json!({"name": pod.name, "state": pod.state})).collect::<Vec<_>>(),
        "becomes": machine.way.word(),
        "why": machine.why,
        "next": machine.next,
        "disks": machine.disks.iter().map(|disk| json!({
            "name": disk.name, "fate": disk.fate.word(), "why": disk.why, "steps": disk.steps,
        })).collect::<Vec<_>>(),
    })
}
