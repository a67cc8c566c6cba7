//! Rules across all machines of a run: one name each, one writer a claim, one owner an address.

use std::collections::HashMap;

use super::address::Addressing;
use super::disk::Origin;
use super::image::Source;
use super::nic::Binding;
use super::{Disk, Machine};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::Span;

/// Checks all machines of a run against each other.
pub fn check(machines: &[Machine], report: &mut Report) {
    machines_once(machines, report);
    let uses = uses(machines);
    one_writer(&uses, report);
    copies(machines, &uses, report);
    secrets_apart(machines, report);
    claims_once(machines, report);
    addresses_once(machines, report);
}

fn described(machine: &Machine) -> String {
    match &machine.namespace {
        Some(namespace) => format!("{namespace}/{}", machine.name),
        None => machine.name.clone(),
    }
}

fn machines_once(machines: &[Machine], report: &mut Report) {
    let mut seen: HashMap<(&Option<String>, &str), Span> = HashMap::new();
    for machine in machines {
        if let Some(first) = seen.insert((&machine.namespace, &machine.name), machine.name_span) {
            let message = format!("the machine `{}` is described twice", described(machine));
            report.push(
                Diagnostic::new(Code::DuplicateMachine, machine.name_span, message)
                    .label(first, "first here")
                    .help("remove one of the documents, or rename one machine"),
            );
        }
    }
}

struct Use<'m> {
    machine: &'m Machine,
    disk: &'m Disk,
}

/// Whether two machines may be in one namespace. One that is not known may be any.
fn may_share(one: &Machine, other: &Machine) -> bool {
    one.namespace.is_none() || other.namespace.is_none() || one.namespace == other.namespace
}

/// All disks of a run by the claim that holds them.
fn uses(machines: &[Machine]) -> HashMap<&str, Vec<Use<'_>>> {
    let mut uses: HashMap<_, Vec<_>> = HashMap::new();
    for machine in machines {
        for disk in &machine.disks {
            uses.entry(disk.claim.as_str()).or_default().push(Use { machine, disk });
        }
    }
    uses
}

/// KubeVirt itself lets two machines write to one claim, and one machine use it twice; only this check forbids it.
fn one_writer(uses: &HashMap<&str, Vec<Use<'_>>>, report: &mut Report) {
    let mut shared: Vec<_> = uses.iter().filter(|(_, users)| users.len() > 1).collect();
    shared.sort_by_key(|(_, users)| users[0].disk.name_span);
    for (claim, users) in shared {
        for (index, user) in users.iter().enumerate() {
            let conflict = users[..index].iter().find(|first| {
                // Two claims that would both be made are a collision of names, which is another rule.
                let existing = [first, user].iter().any(|one| matches!(one.disk.origin, Origin::Existing));
                existing && may_share(first.machine, user.machine) && !(first.disk.read_only && user.disk.read_only)
            });
            let Some(first) = conflict else { continue };
            let other = format!("disk `{}` of `{}`", first.disk.name, described(first.machine));
            let message = format!("the claim `{claim}` is used by {other} as well");
            let problem = Diagnostic::new(Code::TwoWriters, user.disk.name_span, message)
                .label(first.disk.name_span, "the other user");
            report.push(if first.machine.namespace == user.machine.namespace {
                problem.help(
                    "two systems that write to one disk destroy it; copy it with `image: pvc:NAMESPACE/NAME`, or set `readOnly: true` on every use",
                )
            } else {
                problem.help("one of the machines names no namespace, so they may be in the same; add it, or pass `--namespace`")
            });
        }
    }
}

/// A claim is copied only while nothing uses it, so a machine that waits for a copy must not use the original.
fn copies(machines: &[Machine], used: &HashMap<&str, Vec<Use<'_>>>, report: &mut Report) {
    for machine in machines {
        for disk in &machine.disks {
            let Origin::Imported { source: Source::Claim(namespace, name), .. } = &disk.origin else { continue };
            let all = used.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
            let found = all.iter().find(|user| {
                let there = user.machine.namespace.as_deref().is_none_or(|own| own == namespace);
                there && !(std::ptr::eq(user.machine, machine) && machine.namespace.is_none())
            });
            let Some(rival) = found else { continue };
            let own = std::ptr::eq(rival.machine, machine);
            let original = format!("`{namespace}/{name}`");
            report.push(if own {
                let message = format!(
                    "the copy waits until {original} is not in use, and the machine that uses it waits for the copy"
                );
                Diagnostic::new(Code::CopyOfOwn, disk.name_span, message)
                    .label(rival.disk.name_span, "uses the original")
                    .help("copy the claim in a machine that does not use it")
            } else {
                let who = described(rival.machine);
                let message = format!("the copy is made only while `{who}`, which uses {original}, is stopped");
                Diagnostic::new(Code::CopyOfUsed, disk.name_span, message)
                    .label(rival.disk.name_span, "uses the original")
                    .help("stop that machine for the time, or copy a snapshot: `image: snapshot:NAMESPACE/NAME`")
            });
        }
    }
}

/// The Secret with user and network data belongs to this tool; one that a person refers to must be another.
fn secrets_apart(machines: &[Machine], report: &mut Report) {
    let made: HashMap<String, &Machine> = machines
        .iter()
        .filter(|machine| machine.has_cloud_init())
        .map(|machine| (machine.secret_name(), machine))
        .collect();
    for machine in machines {
        let images = machine.disks.iter().filter_map(|disk| match &disk.origin {
            Origin::Imported { secret, .. } => secret.as_deref(),
            Origin::Existing | Origin::Empty => None,
        });
        let access = [machine.access.key_secret.as_deref(), machine.access.password_secret.as_deref()];
        for name in access.into_iter().flatten().chain(images) {
            if let Some(owner) = made.get(name).filter(|owner| may_share(owner, machine)) {
                let message = format!(
                    "the Secret `{name}` is made for the cloud-init data of `{}` and would be overwritten",
                    described(owner)
                );
                report.push(
                    Diagnostic::new(Code::NameCollision, machine.name_span, message)
                        .help("keep keys, passwords and credentials in a Secret of another name"),
                );
            }
        }
    }
}

/// `a-b`/`c` and `a`/`b-c` derive one name.
fn claims_once(machines: &[Machine], report: &mut Report) {
    let mut seen: HashMap<(&str, &Option<String>, String), (Span, String)> = HashMap::new();
    for machine in machines {
        let claims = machine
            .disks
            .iter()
            .filter(|disk| !matches!(disk.origin, Origin::Existing))
            .map(|disk| ("claim", disk.claim.clone(), disk.name_span, format!("disk `{}`", disk.name)));
        let definitions = machine.nics.iter().filter_map(|nic| match &nic.binding {
            Binding::Rendered { name, .. } => Some((
                "NetworkAttachmentDefinition",
                name.clone(),
                machine.name_span,
                format!("network `{}`", nic.name),
            )),
            Binding::Pod | Binding::Bridge(_) | Binding::Sriov(_) => None,
        });
        let made = claims.chain(definitions).collect::<Vec<_>>();
        for (kind, name, span, what) in made {
            let what = format!("{what} of `{}`", described(machine));
            let key = (kind, &machine.namespace, name.clone());
            match seen.get(&key) {
                // The same machine described twice is reported once, by its own rule.
                Some((_, other)) if *other == what => {}
                Some((first, other)) => {
                    let message = format!("{what} and {other} would share the {kind} `{name}`");
                    report.push(
                        Diagnostic::new(Code::NameCollision, span, message)
                            .label(*first, "the other")
                            .help("rename one, or give a disk another claim with `claimName`"),
                    );
                }
                None => {
                    seen.insert(key, (span, what));
                }
            }
        }
    }
}

/// Two cards with one address keep each other from being reached. Where the networks differ this may be intended, so
/// static addresses are compared within one network definition only; hardware addresses everywhere.
fn addresses_once(machines: &[Machine], report: &mut Report) {
    let mut macs: HashMap<&str, (Span, String)> = HashMap::new();
    let mut ips: HashMap<(String, std::net::IpAddr), (Span, String)> = HashMap::new();
    for machine in machines {
        for nic in &machine.nics {
            let who = described(machine);
            if let Some(mac) = &nic.mac {
                if let Some((first, other)) = macs.get(mac.value.as_str()).filter(|(_, other)| *other != who) {
                    let message = format!("`{who}` and `{other}` both have the hardware address `{}`", mac.value);
                    report.push(
                        Diagnostic::new(Code::DuplicateAddress, mac.span, message)
                            .label(*first, "first here")
                            .help("give each card its own"),
                    );
                }
                macs.entry(&mac.value).or_insert((mac.span, who.clone()));
            }
            if let Some(Addressing::Static(given)) = &nic.addressing {
                let key = (segment(machine, &nic.binding), given.address.addr());
                if let Some((first, other)) = ips.get(&key) {
                    let message = format!("`{who}` and `{other}` both have the address `{}`", key.1);
                    report.push(
                        Diagnostic::new(Code::DuplicateAddress, given.address.span, message)
                            .label(*first, "first here")
                            .help("give each machine its own"),
                    );
                }
                ips.entry(key).or_insert((given.address.span, who));
            }
        }
    }
}

/// What stands for one layer-2 network: a bridge and VLAN of the hosts, or a definition.
fn segment(machine: &Machine, binding: &Binding) -> String {
    match binding {
        Binding::Pod => format!("pod {}", described(machine)),
        Binding::Bridge(nad) | Binding::Sriov(nad) if nad.contains('/') => format!("definition {nad}"),
        Binding::Bridge(nad) | Binding::Sriov(nad) => {
            format!("definition {}/{nad}", machine.namespace.as_deref().unwrap_or_default())
        }
        Binding::Rendered { bridge, vlan, .. } => format!("bridge {bridge} {}", vlan.unwrap_or_default()),
    }
}
