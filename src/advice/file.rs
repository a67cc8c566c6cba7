//! What speaks against a file at a stage. Alone it tells how its disks are divided; with the classes of a cluster, also what
//! they survive.

use serde_json::Value;

use super::class::{better, gain, lacks, name, to_class};
use super::{Rule, Stage, Weight};
use crate::diagnostic::{Diagnostic, Report};
use crate::facts::{Facts, kind, text};
use crate::machine::{Disk, Machine, Origin};
use crate::source::Span;
use crate::storage::{DEFAULT, VIRT_DEFAULT, is_marked};
use crate::text::word;

/// Checks a machine. `facts` are the classes of a cluster, if they are known, and perhaps claims that are there already.
pub fn of_file(machine: &Machine, stage: Stage, facts: Option<&Facts>, report: &mut Report) {
    let mut told = Told { stage, report };
    if let [disk] = machine.disks.as_slice()
        && disk.boot
    {
        let message = format!("system and data lie on the disk `{}`", disk.name);
        told.tell(Rule::SystemAndData, disk.name_span, message, "add a disk: `- {name: data, size: 20Gi}`");
    }
    for disk in &machine.disks {
        let live = facts.and_then(|facts| claim(machine, disk, facts));
        let class = facts.and_then(|facts| class(disk, live, facts));
        let fixed = class.zip(facts).is_some_and(|(class, facts)| told.class(machine, disk, live, class, facts));
        if disk.origin.is_existing() {
            continue;
        }
        if disk.class.is_none() {
            let message = format!("the cluster's default class decides where the disk `{}` lies", disk.name);
            let fit = class.zip(facts).map(|(class, facts)| {
                let better = better(Rule::NodeLocal, facts).filter(|_| !lacks(class, facts).is_empty());
                // A disk that is there already stays in its class, whatever the file says.
                better.filter(|_| live.is_none()).unwrap_or(name(class))
            });
            let help = match fit {
                Some(class) => format!("say it: `storageClassName: {class}`"),
                None => "say it: `storageClassName: NAME`, or `storagePolicy: standard`".to_owned(),
            };
            told.tell(Rule::ClassByDefault, disk.name_span, message, &help);
        }
        if disk.growth.is_none() && !fixed {
            let message = format!("the disk `{}` does not grow by itself", disk.name);
            told.tell(Rule::NoAutoExpand, disk.name_span, message, "add `autoExpand: true` and a `maxSize`");
        }
    }
}

struct Told<'a> {
    stage: Stage,
    report: &'a mut Report,
}

impl Told<'_> {
    fn tell(&mut self, rule: Rule, at: Span, message: String, help: &str) {
        let Some(code) = rule.code() else { return };
        let problem = Diagnostic::new(code, at, message).reason(rule.why()).help(help);
        match rule.weight(self.stage) {
            Weight::Silent => {}
            Weight::Note => self.report.push(problem.note()),
            Weight::Warning => self.report.push(problem),
        }
    }

    /// What the class of a disk lacks. Whether it cannot grow.
    fn class(&mut self, machine: &Machine, disk: &Disk, live: Option<&Value>, class: &Value, facts: &Facts) -> bool {
        let at = disk.class_span.unwrap_or(disk.name_span);
        let lacks = lacks(class, facts);
        for lack in &lacks {
            let message = lack.of(&format!("class `{}` of the disk `{}`", name(class), disk.name));
            let help = match (lack.mend.as_str(), better(lack.rule, facts)) {
                ("", Some(better)) if live.is_some() => {
                    let namespace = machine.namespace.as_deref().unwrap_or_default();
                    format!("{} --disk {}", to_class(&machine.name, namespace, better), word(&disk.name))
                }
                ("", Some(better)) if disk.class_by_policy => {
                    format!("class `{better}` {}: let the policy stand for it, or write it instead", gain(lack.rule))
                }
                ("", Some(better)) => format!("`storageClassName: {better}` {}", gain(lack.rule)),
                ("", None) => format!("take a class that {}", gain(lack.rule)),
                (mend, _) => mend.to_owned(),
            };
            self.tell(lack.rule, at, message, &help);
        }
        lacks.iter().any(|lack| lack.rule == Rule::NoGrowth)
    }
}

/// The claim of a disk, where it is there already.
fn claim<'f>(machine: &Machine, disk: &Disk, facts: &'f Facts) -> Option<&'f Value> {
    facts.get(kind::CLAIM, machine.namespace.as_deref()?, &disk.claim)
}

/// The class that a disk has, or would get: CDI takes the default for virtualisation first, for what it fills. Of several
/// the youngest. Source: Kubernetes, pkg/volume/util/storageclass.go; CDI, doc/datavolumes.md.
fn class<'f>(disk: &Disk, live: Option<&Value>, facts: &'f Facts) -> Option<&'f Value> {
    let of = |name: &str| facts.get(kind::CLASS, "", name);
    if let Some(live) = live {
        return text(live, "/spec/storageClassName").and_then(of);
    }
    if disk.origin.is_existing() {
        return None;
    }
    if let Some(named) = &disk.class {
        return of(named);
    }
    let marked = |annotation: &str| {
        let all = facts.all_of(kind::CLASS).filter(|class| is_marked(class, annotation));
        all.max_by_key(|class| text(class, "/metadata/creationTimestamp").unwrap_or_default())
    };
    let virt = if matches!(disk.origin, Origin::Imported { .. }) { marked(VIRT_DEFAULT) } else { None };
    virt.or_else(|| marked(DEFAULT))
}
