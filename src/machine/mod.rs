//! What a Wukong means: every default filled in, every rule checked, every name derived.
//!
//! A [`Machine`] is what a [`Wukong`] says once all rules have been applied to it. Rendering one cannot fail, and
//! no rule is known anywhere else. One file per group of rules; `fleet` holds those across machines.

mod address;
mod boot;
mod cpu_memory;
mod disk;
mod fleet;
mod identity;
mod image;
mod labels;
mod mac;
mod network;
mod nic;
mod options;
mod placement;
mod reference;
mod run;
mod seen;
mod size;
mod user;

pub use address::{Addressing, StaticAddress};
pub use cpu_memory::{Compute, Topology};
pub use disk::{CLOUD_INIT_DISK, Disk, Origin};
pub use fleet::check as check_fleet;
pub use identity::{MANAGED_LABEL, uuid as firmware_uuid, vm_name};
pub use image::Source;
pub(crate) use labels::travels;
pub use nic::{Binding, Nic};
pub use options::{Options, PolicyClass};
pub use placement::{Placement, Spread};
pub use size::Growth;
pub use user::{Access, Password, User};

use crate::diagnostic::Report;
use crate::source::{Located, Span};
use crate::spec::{RunStrategy, Wukong};

/// A machine with nothing left to decide.
#[derive(Debug)]
pub struct Machine {
    /// The Wukong's name.
    pub name: String,
    /// Where the name stands in the file.
    pub name_span: Span,
    /// The name of the VirtualMachine.
    vm_name: String,
    /// The namespace, if the file or the command line gave one.
    pub namespace: Option<String>,
    /// The person's labels that go to the VirtualMachine and its template.
    pub labels: Vec<(String, String)>,
    /// The person's annotations that go to the VirtualMachine and its template.
    pub annotations: Vec<(String, String)>,
    /// The name of the operating system, if it was given.
    pub os: Option<String>,
    /// vCPUs and memory.
    pub compute: Compute,
    /// The disks, in the order of the file.
    pub disks: Vec<Disk>,
    /// The network cards, the pod network first.
    pub nics: Vec<Nic>,
    /// Who may log in.
    pub access: Access,
    /// Where it runs.
    pub placement: Placement,
    /// When it runs.
    pub run_strategy: RunStrategy,
    /// The firmware's UUID.
    pub uuid: String,
}

impl Machine {
    /// The name of the VirtualMachine.
    pub fn vm_name(&self) -> String {
        self.vm_name.clone()
    }

    /// The name of the Secret that holds user and network data.
    pub fn secret_name(&self) -> String {
        identity::secret_name(&self.name)
    }

    /// Whether network data is rendered: an address is given, or a further card asks for one.
    pub fn has_network_data(&self) -> bool {
        self.nics.iter().any(Nic::needs_network_data)
    }

    /// Whether the guest gets a cloud-init disk.
    pub fn has_cloud_init(&self) -> bool {
        self.access.needs_user_data() || self.has_network_data()
    }
}

/// Applies every rule that one Wukong alone can break. Problems go to the report; where they leave no machine to speak of,
/// the result is `None`. A machine with errors may come back, so that it is checked against others, but must not be
/// rendered.
pub fn resolve(wukong: &Located<Wukong>, options: &Options, report: &mut Report) -> Option<Machine> {
    let metadata = &wukong.metadata;
    let spec = &wukong.spec;
    let namespace = identity::namespace(metadata, options, report);
    identity::check_names(wukong, report);
    let name = metadata.name.0.clone();
    let (labels, annotations) = labels::copied(metadata, report);
    let compute = cpu_memory::resolve(spec, report);
    let boot = boot::choose(spec, report);
    let scope = disk::Scope { name: &name, namespace: namespace.as_deref(), options };
    let disks = disk::resolve(spec, &boot, &scope, report);
    let nics = network::resolve(spec, &metadata.name, namespace.as_deref(), report);
    let access = user::resolve(spec, &name, namespace.as_deref(), report);
    let placement = placement::resolve(spec, &labels, report);
    let run_strategy = run::resolve(spec, report);
    Some(Machine {
        uuid: identity::uuid(namespace.as_deref(), &name),
        vm_name: spec.vm_name.as_ref().map_or_else(|| vm_name(&name), |given| given.0.clone()),
        name,
        name_span: metadata.name.span,
        namespace,
        labels,
        annotations,
        os: boot.os_name,
        compute: compute?,
        disks,
        nics,
        access,
        placement,
        run_strategy: run_strategy?,
    })
}
