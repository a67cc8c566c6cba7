//! Rules across all machines of a run: one name each, one writer a claim, one owner an address.

use std::collections::HashMap;

use super::address::Addressing;
use super::disk::Origin;
use super::image::Source;
use super::nic::Binding;
use super::seen::Seen;
use super::{Disk, Machine};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::Span;
use crate::spec::RunStrategy;

/// Checks all machines of a run against each other.
pub fn check(machines: &[Machine], report: &mut Report) {
    machines_once(machines, report);
    one_writer(machines, report);
    copies(machines, report);
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
    let mut seen = Seen::new();
    for machine in machines {
        if let Some(first) = seen.find(&machine.name, machine) {
            let message = format!("the machine `{}` is described twice", described(machine));
            report.push(
                Diagnostic::new(Code::DuplicateMachine, machine.name_span, message)
                    .label(*first, "first here")
                    .help("remove one of the documents, rename one machine, or give each its namespace"),
            );
        }
        seen.insert(&machine.name, machine, machine.name_span);
    }
}

#[derive(Clone, Copy)]
struct Use<'m> {
    machine: &'m Machine,
    disk: &'m Disk,
}

/// KubeVirt itself lets two machines write to one claim, and one machine use it twice; only this check forbids it.
fn one_writer(machines: &[Machine], report: &mut Report) {
    // Uses of one class are alike, so the first of each stands for all: thousands may share a claim read-only.
    let mut firsts = Class::ALL.map(|class| (class, Seen::new()));
    for machine in machines {
        for disk in &machine.disks {
            let class = Class::of(disk);
            let mut rivals = firsts.iter().filter(|(other, _)| other.collides(class));
            if let Some(first) = rivals.find_map(|(_, seen)| seen.find(&disk.claim, machine)) {
                report.push(two_writers(first, &Use { machine, disk }));
            }
            for (_, seen) in firsts.iter_mut().filter(|(own, _)| *own == class) {
                seen.insert(&disk.claim, machine, Use { machine, disk });
            }
        }
    }
}

/// How a claim is used.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Class {
    existing: bool,
    read_only: bool,
}

impl Class {
    const ALL: [Self; 4] = [
        Self { existing: true, read_only: false },
        Self { existing: false, read_only: false },
        Self { existing: true, read_only: true },
        Self { existing: false, read_only: true },
    ];

    const fn of(disk: &Disk) -> Self {
        Self { existing: disk.origin.is_existing(), read_only: disk.read_only }
    }

    /// Two claims that would both be made are a collision of names, which is another rule.
    const fn collides(self, other: Self) -> bool {
        (self.existing || other.existing) && !(self.read_only && other.read_only)
    }
}

fn two_writers(first: &Use<'_>, user: &Use<'_>) -> Diagnostic {
    let other = format!("disk `{}` of `{}`", first.disk.name, described(first.machine));
    let message = format!("the claim `{}` is used by {other} as well", user.disk.claim);
    let problem =
        Diagnostic::new(Code::TwoWriters, user.disk.name_span, message).label(first.disk.name_span, "the other user");
    if first.machine.namespace == user.machine.namespace {
        problem.help(
            "two systems that write to one disk destroy it; copy it with `image: pvc:NAMESPACE/NAME`, or set `readOnly: true` on every use",
        )
    } else {
        problem
            .help("one of the machines names no namespace, so they may be in the same; add it, or pass `--namespace`")
    }
}

/// A claim is copied only while nothing uses it, so a machine that waits for a copy must not use the original.
fn copies(machines: &[Machine], report: &mut Report) {
    let mut used: HashMap<(Option<&str>, &str), Use<'_>> = HashMap::new();
    for machine in machines {
        // CDI counts pods that may write; a machine that is not running has none.
        let stopped = machine.run_strategy == RunStrategy::Halted;
        for disk in machine.disks.iter().filter(|disk| !disk.read_only && !stopped) {
            let key = (machine.namespace.as_deref(), disk.claim.as_str());
            used.entry(key).or_insert(Use { machine, disk });
        }
    }
    for machine in machines {
        let writes = machine.disks.iter().filter(|disk| !disk.read_only);
        let own: HashMap<&str, &Disk> = writes.map(|disk| (disk.claim.as_str(), disk)).collect();
        for disk in &machine.disks {
            let Origin::Imported { source: Source::Claim(namespace, name), .. } = &disk.origin else { continue };
            let original = format!("`{namespace}/{name}`");
            let here = machine.namespace.as_deref() == Some(namespace.as_str());
            if let Some(user) = own.get(name.as_str()).filter(|_| here) {
                let message = format!(
                    "the copy waits until {original} is not in use, and the machine that uses it waits for the copy"
                );
                report.push(
                    Diagnostic::new(Code::CopyOfOwn, disk.name_span, message)
                        .label(user.name_span, "uses the original")
                        .help("copy the claim in a machine that does not use it"),
                );
            } else if let Some(user) = used.get(&(Some(namespace.as_str()), name.as_str())) {
                let message = format!(
                    "the copy is made only while `{}`, which uses {original}, is stopped",
                    described(user.machine)
                );
                report.push(
                    Diagnostic::new(Code::CopyOfUsed, disk.name_span, message)
                        .label(user.disk.name_span, "uses the original")
                        .help("stop that machine for the time, or make a VolumeSnapshot and copy that: `image: snapshot:NAMESPACE/NAME`"),
                );
            }
        }
    }
}

/// The Secret with user and network data belongs to this tool; one that a person refers to must be another.
fn secrets_apart(machines: &[Machine], report: &mut Report) {
    let mut made = Seen::new();
    for machine in machines.iter().filter(|machine| machine.has_cloud_init()) {
        made.insert(&machine.secret_name(), machine, machine);
    }
    for machine in machines {
        let images = machine.disks.iter().filter_map(|disk| match &disk.origin {
            Origin::Imported { secret, .. } => secret.as_deref().map(|name| (name, disk.name_span)),
            Origin::Existing | Origin::Empty => None,
        });
        let access = [&machine.access.key_secret, &machine.access.password_secret].into_iter().flatten();
        for (name, span) in access.map(|secret| (secret.value.as_str(), secret.span)).chain(images) {
            if let Some(owner) = made.find(name, machine) {
                let message = format!(
                    "the Secret `{name}` is made for the cloud-init data of `{}` and would be overwritten",
                    described(owner)
                );
                report.push(
                    Diagnostic::new(Code::NameCollision, span, message)
                        .help("keep keys, passwords and credentials in a Secret of another name"),
                );
            }
        }
    }
}

/// `a-b`/`c` and `a`/`b-c` derive one name.
fn claims_once(machines: &[Machine], report: &mut Report) {
    let mut seen: Seen<(Span, String)> = Seen::new();
    for machine in machines {
        let claims = machine
            .disks
            .iter()
            .filter(|disk| !disk.origin.is_existing())
            .map(|disk| ("claim", disk.claim.as_str(), disk.name_span, format!("disk `{}`", disk.name)));
        let definitions = machine.nics.iter().filter_map(|nic| match &nic.binding {
            Binding::Rendered { name, .. } => {
                let kind = "NetworkAttachmentDefinition";
                Some((kind, name.as_str(), machine.name_span, format!("network `{}`", nic.name)))
            }
            Binding::Pod | Binding::Bridge(_) | Binding::Sriov(_) => None,
        });
        let vm = ("VirtualMachine", machine.vm_name.as_str(), machine.name_span, "the machine".to_owned());
        for (kind, name, span, what) in claims.chain(definitions).chain([vm]) {
            let what = format!("{what} of `{}`", machine.name);
            let key = format!("{kind} `{name}`");
            match seen.find(&key, machine) {
                // The same machine described twice is reported once, by its own rule.
                Some((_, other)) if *other == what => {}
                Some((first, other)) => {
                    report.push(
                        Diagnostic::new(Code::NameCollision, span, format!("{what} and {other} would share the {key}"))
                            .label(*first, "the other")
                            .help(
                                "rename one, give a disk another claim with `claimName`, or each machine its namespace",
                            ),
                    );
                }
                None => {}
            }
            seen.insert(&key, machine, (span, what));
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
