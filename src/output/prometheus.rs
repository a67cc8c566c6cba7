//! Statuses in the text format of Prometheus, for the textfile collector of the node exporter or for a probe.
//!
//! Source: Prometheus, docs/instrumenting/exposition_formats.md.

use crate::quantity::Quantity;
use crate::status::{Disk, Status};

/// One metric: its name, what it says, and its samples.
struct Metric {
    name: &'static str,
    help: &'static str,
    samples: Vec<(String, u64)>,
}

/// Samples of one machine: labels beside those of the machine, and the number.
type Rows = Vec<(Vec<(&'static str, String)>, u64)>;

/// All statuses. What is not known has no sample; who is healthy has the sample 1.
pub fn prometheus(all: &[Status]) -> String {
    let machines = |name, help, value: &dyn Fn(&Status) -> Rows| {
        let of = |status: &Status| {
            let subject = &status.subject;
            let own =
                [("namespace", subject.namespace.clone()), ("machine", subject.shown()), ("vm", subject.vm.clone())];
            let rows = value(status).into_iter();
            rows.map(move |(more, number)| (labels(own.iter().chain(&more)), number)).collect::<Vec<_>>()
        };
        Metric { name, help, samples: all.iter().flat_map(of).collect() }
    };
    let disks = |name, help, value: fn(&Disk) -> Option<u64>| {
        machines(name, help, &move |status| {
            let of = |disk: &Disk| {
                let own = vec![("disk", disk.name.clone()), ("persistentvolumeclaim", disk.claim.clone())];
                Some((own, value(disk)?))
            };
            status.disks.iter().filter_map(of).collect()
        })
    };
    let metrics = [
        machines("wukong_machine_healthy", "Whether a machine is as it should be, running or stopped.", &|status| {
            if status.read { vec![(vec![], u64::from(status.is_healthy()))] } else { vec![] }
        }),
        machines("wukong_machine_phase", "Where a machine is in its life; always 1.", &|status| {
            vec![(vec![("phase", status.phase.word().to_owned())], 1)]
        }),
        machines("wukong_machine_cause", "What is the matter with a machine; always 1.", &|status| {
            let of = |cause: &crate::status::Cause| {
                let about = cause.about.clone();
                let weight = cause.weight.word().to_owned();
                (vec![("code", cause.code.to_owned()), ("weight", weight), ("about", about)], 1)
            };
            let mut causes: Vec<_> = status.causes.iter().map(of).collect();
            causes.sort();
            causes.dedup();
            causes
        }),
        disks("wukong_disk_bound", "Whether the claim of a disk has a volume.", |disk| Some(u64::from(disk.bound))),
        disks("wukong_disk_requested_bytes", "What the claim of a disk asks for.", |disk| bytes(disk.size.as_ref())),
        disks("wukong_disk_capacity_bytes", "What the claim of a disk has.", |disk| bytes(disk.capacity.as_ref())),
        disks(
            "wukong_disk_used_bytes",
            "What the guest uses of its file systems on a disk, if its agent tells.",
            |disk| disk.used.map(|(used, _)| used),
        ),
        disks(
            "wukong_disk_file_systems_bytes",
            "The size of the guest's file systems on a disk, if its agent tells.",
            |disk| disk.used.map(|(_, total)| total),
        ),
    ];
    metrics.iter().map(shown).collect()
}

/// Bytes of a quantity.
fn bytes(text: Option<&String>) -> Option<u64> {
    Quantity::parse(text?).ok()?.units()
}

fn shown(metric: &Metric) -> String {
    let Metric { name, help, samples } = metric;
    let samples = samples.iter().map(|(labels, value)| format!("{name}{{{labels}}} {value}\n"));
    format!("# HELP {name} {help}\n# TYPE {name} gauge\n{}", samples.collect::<String>())
}

fn labels<'l>(all: impl Iterator<Item = &'l (&'static str, String)>) -> String {
    // Names of a cluster may hold anything; these three have a meaning here.
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    all.map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect::<Vec<_>>().join(",")
}
