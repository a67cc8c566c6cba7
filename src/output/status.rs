//! How machines are, for people: a table, and below it what is the matter and the next step.

use owo_colors::{OwoColorize as _, Style};
use serde_json::{Value, json};

use super::table::table;
use crate::status::{Cause, Disk, Health, Status, Weight};
use crate::text::{Styles, Width, sanitize, wrap};

/// How much of each machine is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// One line, and what is wrong.
    Short,
    /// One line with node, addresses and disks, and what is wrong.
    Wide,
    /// The line, the disks, and everything worth knowing.
    Full,
}

/// Some machines. `many`: each with its namespace.
pub fn statuses(all: &[Status], detail: Detail, many: bool, styles: &Styles, width: Width) -> String {
    let mut head = if many { vec!["NAMESPACE"] } else { Vec::new() };
    head.extend(["MACHINE", "STATE", "HEALTH"]);
    if detail != Detail::Short {
        head.extend(["NODE", "ADDRESSES"]);
    }
    if detail == Detail::Wide {
        head.push("DISKS");
    }
    let rows: Vec<_> = all.iter().map(|status| row(status, detail, many, styles)).collect();
    let mut out = table(&head, &rows, styles, width);
    for status in all {
        out.push_str(&below(status, detail, many, styles, width));
    }
    let mut unknown: Vec<_> = all.iter().flat_map(|status| &status.unknown).collect();
    unknown.sort();
    unknown.dedup();
    if !unknown.is_empty() {
        out.push('\n');
    }
    for reason in unknown {
        out.push_str(&format!("{} {}\n", "not known:".style(styles.warning), sanitize(reason)));
    }
    out
}

fn row(status: &Status, detail: Detail, many: bool, styles: &Styles) -> Vec<(String, Style)> {
    let plain = Style::new();
    let health = status.health();
    let style = match health {
        Health::Broken => styles.error,
        Health::Waiting | Health::Unknown => styles.warning,
        Health::Ok => styles.help,
    };
    let mut row = if many { vec![(status.subject.namespace.clone(), plain)] } else { Vec::new() };
    row.extend([(status.subject.shown(), plain), (status.state.clone(), plain), (health.word().to_owned(), style)]);
    if detail != Detail::Short {
        row.push((status.node.clone().unwrap_or_else(|| "-".into()), plain));
        row.push((addresses(status), plain));
    }
    if detail == Detail::Wide {
        let disks: Vec<_> = status.disks.iter().map(|disk| format!("{} {}", disk.name, size(disk))).collect();
        row.push((if disks.is_empty() { "-".into() } else { disks.join(", ") }, plain));
    }
    row
}

fn addresses(status: &Status) -> String {
    let all: Vec<_> = status.networks.iter().flat_map(|network| &network.addresses).map(String::as_str).collect();
    if all.is_empty() { "-".into() } else { all.join(", ") }
}

/// The size that counts: the one it has, else the one that it asks for.
fn size(disk: &Disk) -> &str {
    disk.capacity.as_deref().or(disk.size.as_deref()).unwrap_or("?")
}

fn below(status: &Status, detail: Detail, many: bool, styles: &Styles, width: Width) -> String {
    let full = detail == Detail::Full;
    let causes: Vec<_> = status.causes.iter().filter(|cause| full || cause.weight > Weight::Note).collect();
    let disks = if full { status.disks.as_slice() } else { &[] };
    if causes.is_empty() && disks.is_empty() {
        return String::new();
    }
    let shown = status.subject.shown();
    let shown = if many { format!("{shown} in {}", status.subject.namespace) } else { shown };
    let mut out = format!("\n{}\n", sanitize(&shown).style(styles.strong));
    if !disks.is_empty() {
        let rows: Vec<_> = disks.iter().map(disk).collect();
        out.push_str(&table(&["DISK", "CLAIM", "CLASS", "SIZE", "STATE", "USED", "TARGET"], &rows, styles, width));
    }
    for cause in causes {
        out.push_str(&lines(cause, styles, width.cells()));
    }
    out
}

fn disk(disk: &Disk) -> Vec<(String, Style)> {
    let state = match (&disk.progress, disk.bound) {
        (Some(progress), _) => progress.clone(),
        (None, true) => "Bound".to_owned(),
        (None, false) => "not bound".to_owned(),
    };
    #[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
    let gibibytes = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    let used = disk.used.map(|(used, total)| format!("{:.1} of {:.1}Gi", gibibytes(used), gibibytes(total)));
    let or = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    [
        disk.name.clone(),
        disk.claim.clone(),
        or(disk.class.clone()),
        size(disk).to_owned(),
        state,
        or(used),
        or(disk.target.clone()),
    ]
    .map(|text| (text, Style::new()))
    .into()
}

/// `✗ disk data: class fast does not exist` and, below it, the next step.
pub fn lines(cause: &Cause, styles: &Styles, width: usize) -> String {
    let (sign, style) = match cause.weight {
        Weight::Broken => ("✗", styles.error),
        Weight::Waiting => ("…", styles.warning),
        Weight::Note => ("·", styles.frame),
    };
    let mut out = String::new();
    let mut write = |sign: &str, style: Style, indent: usize, text: &str| {
        let text = sanitize(text);
        for (at, line) in wrap(&text, width.max(40) - indent - 2, 0).lines().enumerate() {
            let sign = if at == 0 { sign } else { " " };
            out.push_str(&format!("{:indent$}{} {line}\n", "", sign.style(style)));
        }
    };
    let about = if cause.about.is_empty() { String::new() } else { format!("{}: ", cause.about) };
    write(sign, style, 2, &format!("{about}{}", cause.text));
    if !cause.next.is_empty() {
        write("→", styles.help, 4, &cause.next);
    }
    out
}

/// A machine for programs: the status of a Wukong, with the causes.
pub fn status_json(status: &Status) -> Value {
    let subject = &status.subject;
    let (version, kind, name) = match &subject.wukong {
        Some(wukong) => ("vm.novasphere.dev/v1alpha1", "Wukong", wukong),
        None => ("kubevirt.io/v1", "VirtualMachine", &subject.vm),
    };
    json!({
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": subject.namespace},
        "status": {
            "phase": status.phase.word(),
            "vmName": subject.vm,
            "state": status.state,
            "healthy": status.is_healthy(),
            "nodeName": status.node,
            "volumes": status.disks.iter().map(volume).collect::<Vec<_>>(),
            "networks": status.networks.iter().map(|network| json!({
                "name": network.name, "macAddress": network.mac,
                "ipAddress": network.addresses.first(), "ipAddresses": network.addresses,
            })).collect::<Vec<_>>(),
            "conditions": conditions(status),
            "causes": status.causes.iter().map(|cause| json!({
                "code": cause.code, "severity": cause.weight.word(), "object": cause.about,
                "message": cause.text, "nextStep": cause.next,
            })).collect::<Vec<_>>(),
            "unknown": status.unknown,
        },
    })
}

fn volume(disk: &Disk) -> Value {
    json!({
        "name": disk.name, "pvcName": disk.claim, "bound": disk.bound, "size": size(disk), "requested": disk.size,
        "storageClassName": disk.class, "progress": disk.progress, "target": disk.target,
        "usedBytes": disk.used.map(|(used, _)| used), "totalBytes": disk.used.map(|(_, total)| total),
    })
}

fn conditions(status: &Status) -> Value {
    let condition = |kind: &str, holds: bool, cause: Option<&Cause>| {
        json!({
            "type": kind, "status": if holds { "True" } else { "False" },
            "reason": if holds { "AsWanted" } else { cause.map_or("NotYet", |cause| cause.code) },
            "message": cause.filter(|_| !holds).map_or("", |cause| cause.text.as_str()),
        })
    };
    let real = |cause: &&Cause| cause.weight > Weight::Note;
    let disk = status.causes.iter().filter(real).find(|cause| cause.about.starts_with("disk "));
    let network = status.causes.iter().filter(real).find(|cause| cause.code == "network-missing");
    json!([
        condition("Ready", status.is_healthy(), status.worst()),
        condition("VolumesBound", status.disks.iter().all(|disk| disk.bound), disk),
        condition("NetworksConfigured", network.is_none(), network),
    ])
}
