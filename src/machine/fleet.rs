//! Rules across all machines of a run: one name each, one writer a claim, one owner an address.

use std::collections::HashMap;

use super::disk::Origin;
use super::network::{Addressing, Binding};
use super::{Disk, Machine};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::Span;

/// Checks all machines of a run against each other.
pub fn check(machines: &[Machine], report: &mut Report) {
    machines_once(machines, report);
    one_writer(machines, report);
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

/// KubeVirt itself lets two machines write to one claim, and one machine use it twice; only this check forbids it.
fn one_writer(machines: &[Machine], report: &mut Report) {
    let mut users: HashMap<(&Option<String>, &str), Vec<Use<'_>>> = HashMap::new();
    for machine in machines {
        for disk in &machine.disks {
            users.entry((&machine.namespace, &disk.claim)).or_default().push(Use { machine, disk });
        }
    }
    let mut shared: Vec<_> = users.into_iter().filter(|(_, users)| users.len() > 1).collect();
    shared.sort_by_key(|(_, users)| users[0].disk.name_span);
    for ((_, claim), users) in shared {
        let existing = users.iter().filter(|user| matches!(user.disk.origin, Origin::Existing)).count();
        // Two claims that would both be made are a collision of names, which is another rule.
        if existing == 0 || users.iter().all(|user| user.disk.read_only) {
            continue;
        }
        let first = &users[0];
        for user in &users[1..] {
            let other = format!("disk `{}` of `{}`", first.disk.name, described(first.machine));
            let message = format!("the claim `{claim}` is used by {other} as well");
            report.push(
                Diagnostic::new(Code::TwoWriters, user.disk.name_span, message)
                    .label(first.disk.name_span, "the other user")
                    .help("two systems that write to one disk destroy it; copy it with `image: pvc:NAMESPACE/NAME`, or set `readOnly: true` on every use"),
            );
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
