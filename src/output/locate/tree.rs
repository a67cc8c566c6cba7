//! The way of each disk as a tree. Every line fits the width, but for paths and commands: a person copies them, and a
//! terminal folds them without breaking them.

use std::collections::BTreeSet;

use owo_colors::{OwoColorize as _, Style};

use super::{after, held, sign};
use crate::facts::kind;
use crate::locate::{Content, Event, Fate, Located, Placed, Trail};
use crate::storage::CopyState;
use crate::text::{Styles, sanitize, wrap};

/// Machines as trees. `full`: with the commands to look, the reasons, and the steps.
pub fn trees(all: &[Located], full: bool, styles: &Styles, width: usize) -> String {
    let mut out = String::new();
    for machine in all {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&tree(machine, full, styles, width));
    }
    let mut unknown: Vec<_> = all.iter().flat_map(|machine| &machine.unknown).collect();
    unknown.sort();
    unknown.dedup();
    if !unknown.is_empty() {
        out.push('\n');
    }
    for reason in unknown {
        let text = format!("not known: {}", sanitize(reason));
        for (at, line) in wrap(&text, width.max(40) - 2, 0).lines().enumerate() {
            let rest = line.strip_prefix("not known:").filter(|_| at == 0);
            match rest {
                Some(rest) => out.push_str(&format!("{}{rest}\n", "not known:".style(styles.warning))),
                None => out.push_str(&format!("  {line}\n")),
            }
        }
    }
    out
}

fn tree(machine: &Located, full: bool, styles: &Styles, width: usize) -> String {
    let state = machine.state.as_deref().unwrap_or("there is no VirtualMachine");
    let on = machine.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
    let name = format!("{}/{}", machine.subject.namespace, machine.subject.shown());
    let mut out = format!("{}  {}\n", sanitize(&name).style(styles.strong), sanitize(&format!("{state}{on}")));
    let last = machine.disks.len().saturating_sub(1);
    for (at, disk) in machine.disks.iter().enumerate() {
        let (branch, trunk) = if at == last { ("└─", "  ") } else { ("├─", "│ ") };
        let mut page = Page { out: &mut out, trunk, styles, width };
        page.disk(branch, disk, full);
    }
    if machine.disks.is_empty() {
        out.push_str("   it has no volumes\n");
    }
    if let Some(advice) = &machine.advice {
        let text = sanitize(advice);
        for (at, line) in wrap(&text, width.max(40) - 2, 0).lines().enumerate() {
            out.push_str(&format!("{} {line}\n", if at == 0 { "→" } else { " " }.style(styles.help)));
        }
    }
    out
}

/// Where lines of one disk are written.
struct Page<'a> {
    out: &'a mut String,
    trunk: &'static str,
    styles: &'a Styles,
    width: usize,
}

impl Page<'_> {
    fn disk(&mut self, branch: &str, disk: &Trail, full: bool) {
        let mut words = vec![disk.name.clone()];
        words.extend(disk.size.clone());
        words.extend(disk.class.as_ref().map(|class| format!("class {class}")));
        match &disk.content {
            Content::Disk | Content::HostDisk => {}
            Content::Plugged => words.push("plugged in while it ran".into()),
            Content::State => words.push("state of the TPM and the firmware".into()),
            Content::Passing(what) => {
                let written = disk.verdicts.iter().any(|verdict| verdict.fate == Fate::Lost);
                let end = if written { "lost at every stop" } else { "no data of the guest" };
                words.push(format!("{what}: {end}"));
            }
        }
        let name = words.remove(0);
        let branch = branch.style(self.styles.frame).to_string();
        let rest = sanitize(&words.join("  ")).into_owned();
        self.out.push_str(format!("{branch} {}  {rest}", sanitize(&name).style(self.styles.name)).trim_end());
        self.out.push('\n');
        let mut depth = 0;
        for hop in &disk.hops {
            let style = if hop.gap { self.styles.warning } else { Style::new() };
            self.line(depth, "", Style::new(), &format!("{} {}: {}", hop.kind, hop.name, hop.state), style);
            depth += 1;
        }
        if let Some(placed) = &disk.place {
            self.place(placed, depth, full);
        }
        if disk.dies_with_vm && disk.is_lost(Event::VmDeleted) {
            self.line(0, "✗", self.styles.error, "dies with the VM, which owns it", Style::new());
        }
        if disk.going {
            self.line(0, "✗", self.styles.error, "is being deleted: it goes when nobody uses it", Style::new());
        }
        if !disk.shared_with.is_empty() {
            let text = format!("also used by {}", disk.shared_with.join(", "));
            self.line(0, "", Style::new(), &text, Style::new());
        }
        if !disk.left.is_empty() {
            let text = format!("an older claim of this name left its bytes in volume {}", disk.left.join(", "));
            self.line(0, "?", self.styles.warning, &text, Style::new());
        }
        if disk.content.lasts() {
            self.fates(disk, full);
        }
    }

    fn place(&mut self, placed: &Placed, depth: usize, full: bool) {
        let place = &placed.place;
        self.line(depth, "", Style::new(), &held(placed), self.styles.strong);
        if let Some(at) = &place.at {
            self.whole(depth + 1, at);
        }
        for copy in &place.copies {
            let (word, style) = match copy.state {
                CopyState::Healthy => ("healthy", self.styles.help),
                CopyState::Rebuilding => ("rebuilding", self.styles.warning),
                CopyState::Failed => ("failed", self.styles.error),
                CopyState::Unknown => ("state not known", self.styles.warning),
            };
            let node = copy.node.as_deref().unwrap_or("no node");
            self.line(depth + 1, "", Style::new(), &format!("copy on {node}: {word}"), style);
            if let (true, Some(at)) = (full, &copy.at) {
                self.whole(depth + 2, at);
            }
        }
        for (name, value) in place.details.iter().filter(|_| full) {
            self.line(depth + 1, "", Style::new(), &format!("{name}: {value}"), Style::new());
        }
        for note in &place.notes {
            self.line(depth + 1, "", Style::new(), note, Style::new());
        }
        for command in place.look.iter().filter(|_| full) {
            self.whole(depth + 1, command);
        }
    }

    fn fates(&mut self, disk: &Trail, full: bool) {
        if disk.verdicts.is_empty() && disk.left.is_empty() && disk.hops.iter().all(|hop| hop.kind != kind::VOLUME) {
            self.line(0, "", Style::new(), "no bytes yet: there is nothing to lose", Style::new());
        }
        // The same steps help against more than one event, and are said once.
        let mut said = BTreeSet::new();
        for fate in [Fate::Lost, Fate::Unknown, Fate::Recoverable, Fate::Kept] {
            let clauses = after(disk, fate);
            let (sign, style) = sign(fate, self.styles);
            if clauses.is_empty() {
                continue;
            }
            let word = if fate == Fate::Unknown { "not known" } else { fate.word() };
            if !full || fate == Fate::Kept {
                self.line(0, sign, style, &format!("{word} if {}", clauses.join(", ")), Style::new());
                continue;
            }
            for verdict in disk.verdicts.iter().filter(|verdict| verdict.fate == fate) {
                let text = format!("{word} if {}: {}", verdict.event.clause(), verdict.why);
                self.line(0, sign, style, &text, Style::new());
                // Part of a recipe is no recipe: it is said whole, or not again.
                if said.insert(&verdict.steps) {
                    for step in &verdict.steps {
                        self.whole(1, step);
                    }
                }
            }
        }
    }

    /// A text in lines that fit.
    fn line(&mut self, depth: usize, sign: &str, sign_style: Style, text: &str, style: Style) {
        let text = sanitize(text);
        let indent = depth * 2;
        let room = self.width.max(40).saturating_sub(indent + 5 + if sign.is_empty() { 0 } else { 2 });
        for (at, line) in wrap(&text, room.max(20), 0).lines().enumerate() {
            let sign = match (sign, at) {
                ("", _) => String::new(),
                (sign, 0) => format!("{} ", sign.style(sign_style)),
                _ => "  ".to_owned(),
            };
            let trunk = self.trunk.style(self.styles.frame).to_string();
            let line = format!("{trunk}   {:indent$}{sign}{}", "", line.style(style));
            self.out.push_str(line.trim_end());
            self.out.push('\n');
        }
    }

    /// A path or a command, whole.
    fn whole(&mut self, depth: usize, text: &str) {
        let trunk = self.trunk.style(self.styles.frame).to_string();
        self.out.push_str(&format!(
            "{trunk}   {:indent$}{}\n",
            "",
            sanitize(text).style(self.styles.name),
            indent = depth * 2
        ));
    }
}
