//! vCPUs and memory.

use super::size::forgotten_suffix;
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::quantity::Quantity;
use crate::source::Located;
use crate::spec::Spec;

/// Memory can be added to a running guest in steps of this many bytes. Source: KubeVirt, pkg/liveupdate/memory.
const HOTPLUG_STEP: u64 = 2 << 20;
/// A guest with less memory cannot get more while it runs. Source: as above.
const HOTPLUG_MIN: u64 = 1 << 30;
/// Less than this boots nothing; it is a forgotten suffix.
const PLAUSIBLE_MIN: u64 = 1 << 20;

/// vCPUs and memory.
#[derive(Debug)]
pub struct Compute {
    /// The shape of the vCPUs.
    pub topology: Topology,
    /// The memory of the guest, as it was written.
    pub memory: Quantity,
}

/// A shape of vCPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topology {
    /// Sockets: what KubeVirt can add while the machine runs.
    pub sockets: i64,
    /// Cores of each socket.
    pub cores: i64,
    /// Threads of each core.
    pub threads: i64,
}

pub(super) fn resolve(spec: &Spec, report: &mut Report) -> Option<Compute> {
    let topology = topology(spec, report)?;
    check_memory(&spec.memory, report);
    Some(Compute { topology, memory: spec.memory.value.clone() })
}

fn topology(spec: &Spec, report: &mut Report) -> Option<Topology> {
    let cpu = spec.cpu.0;
    let Some(shape) = &spec.cpu_topology else { return Some(Topology { sockets: cpu, cores: 1, threads: 1 }) };
    let part = |part: &Option<Located<crate::spec::Int<1, 64>>>| part.as_ref().map_or(1, |value| value.0);
    let topology = Topology { sockets: part(&shape.sockets), cores: part(&shape.cores), threads: part(&shape.threads) };
    let product = topology.sockets * topology.cores * topology.threads;
    if product == cpu {
        return Some(topology);
    }
    let message = format!(
        "{} × {} × {} (sockets × cores × threads) is {product}, but `cpu` is {cpu}",
        topology.sockets, topology.cores, topology.threads
    );
    report.push(
        Diagnostic::new(Code::TopologyMismatch, shape.span, message)
            .label(spec.cpu.span, "the number of vCPUs")
            .help("make the product equal to `cpu`"),
    );
    None
}

fn check_memory(memory: &Located<Quantity>, report: &mut Report) {
    let Some(bytes) = memory.units() else {
        let message = format!("`{}` is not a whole number of bytes", memory.value);
        report.push(Diagnostic::new(Code::BadMemory, memory.span, message).help("write it with `Mi` or `Gi`"));
        return;
    };
    if bytes < PLAUSIBLE_MIN {
        let message = format!("`{}` is {bytes} bytes, too little for any guest", memory.value);
        let problem = Diagnostic::new(Code::BadMemory, memory.span, message);
        report.push(match forgotten_suffix(memory, bytes) {
            Some(meant) => problem.help(format!("did you mean `{meant}`?")),
            None => problem,
        });
        return;
    }
    let aligned = bytes.is_multiple_of(HOTPLUG_STEP);
    if bytes < HOTPLUG_MIN || !aligned {
        let message = format!("with `{}` KubeVirt cannot add memory while the machine runs", memory.value);
        let help = if aligned {
            "it can from 1Gi on".to_owned()
        } else {
            let near = (bytes / HOTPLUG_STEP * 2).max(1024);
            format!("it can in multiples of 2Mi, such as `{near}Mi`")
        };
        report.push(Diagnostic::new(Code::NoMemoryHotplug, memory.span, message).help(help));
    }
}
