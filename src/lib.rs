//! What a Wukong file means: parse it, check it, render it. No clock, no environment, no terminal; no network, except
//! in the one room that is for it.
//!
//! A Wukong is one short file that describes a virtual machine on KubeVirt. This library turns it into
//! PersistentVolumeClaims, CDI DataVolumes, a cloud-init Secret, NetworkAttachmentDefinitions and a VirtualMachine.
//!
//! # The way of the data
//! ```text
//! text ─ source ─> tree + spans ─ spec ─> Wukong ─ machine ─> Machine ─ render ─> Manifests ─ output ─> text
//!           │                       │                 │
//!           └──────── problems ─────┴────── diagnostic::Report ──> excerpts, JSON, SARIF
//! ```
//!
//! # The rooms
//! A room imports only from rooms above it in this list.
//!
//! | room | what it knows |
//! |---|---|
//! | [`quantity`] | Kubernetes quantities: parse, compare, print without loss |
//! | [`text`] | styles, plain by default; untrusted text made harmless; what looks like a secret; commands to type; YAML for every reader |
//! | [`source`] | YAML and JSON text as located trees, with limits for hostile input |
//! | [`diagnostic`] | problems as data; the table of codes; excerpts, JSON, SARIF |
//! | [`spec`] | the typed file, declared once; decoding that keeps going; schema, CRD, `explain`, starter |
//! | [`machine`] | what a file means: every default and every rule, one file per group |
//! | [`facts`] | what a cluster has, as it was read; the record of what was made for a Wukong |
//! | [`storage`] | what storage drivers do and where they keep bytes, by the driver: one file per kind |
//! | [`mod@render`] | a machine as Kubernetes objects; decides nothing, cannot fail |
//! | [`plan`] | what is wanted against what is there: ordered steps, with their effect on the guest and on the data |
//! | [`mod@amend`] | disks changed in the text of a file, in place |
//! | [`mod@adopt`] | the file of a machine that was there before it |
//! | [`mod@status`] | how a machine is, why it does not run, and what to do: one file per group of causes |
//! | [`mod@locate`] | where the bytes of a machine lie, what would destroy them, and the way back |
//! | [`mod@autoexpand`] | which disks grow by themselves: how full they are, the policy, the decision and its reason |
//! | [`mod@migrate`] | how a machine or its disks move, and come back: the checklist, the record, the next step |
//! | [`mod@rescue`] | what a node that died held, what comes back by itself, and what needs a person |
//! | [`snapshot`] | what a snapshot of a machine would hold, and what going back to one changes |
//! | [`export`] | how a disk leaves the cluster as a file |
//! | [`mod@advice`] | what speaks against a class, a machine or a file at a stage, as a table of rules with their ways out |
//! | [`mod@doctor`] | whether a cluster is fit for the tool: one file per group of checks |
//! | [`output`] | manifests as YAML, JSON, names, files; plans and statuses as tables; checks as a list; where bytes lie as tree and picture |
//! | [`function`] | the renderer inside other programs: lists of resources as kustomize and kpt exchange them, streams as Helm does |
//! | [`embed`] | all of it for other languages: texts in, one JSON text out; the C library and the page stand on it |
//! | `cluster` | the way to an API server, as kubectl takes it: the only user of kube and tokio (feature `cluster`) |
//! | `cli` | the only user of clap, the terminal and the file system (feature `cli`) |
//!
//! `source` notes its problems in a `diagnostic::Report`, and a diagnostic points into a `source::SourceMap`: these two
//! rooms share a wall. Deciding and checking are one room, `machine`, because a default is a rule that was not broken:
//! kept apart, the boot rule or the address rules would have to be written twice.
//!
//! `cluster` gives and takes raw JSON: what an object means is known in the rooms above it, which need no runtime. Like
//! kubectl it takes the kubeconfig and the proxy from the environment, and reads the files that a kubeconfig names.
//!
//! # Use
//! ```
//! use wukong::{Input, Options, load, render};
//!
//! let text = "
//! apiVersion: vm.novasphere.dev/v1alpha1
//! kind: Wukong
//! metadata: {name: web, namespace: prod}
//! spec:
//!   cpu: 2
//!   memory: 4Gi
//!   disks: [{name: system, size: 20Gi, image: quay.io/containerdisks/fedora:42}]
//! ";
//! let loaded = load(vec![Input::new("web.yaml", text)], &Options::default());
//! assert!(loaded.report.is_valid());
//! let manifests = render(&loaded.machines[0], &Options::default());
//! assert_eq!(manifests.last().unwrap().name, "web-vm");
//! ```

pub mod adopt;
pub mod advice;
pub mod amend;
pub mod autoexpand;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cluster")]
pub mod cluster;
pub mod diagnostic;
pub mod doctor;
pub mod embed;
pub mod export;
pub mod facts;
pub mod function;
pub mod locate;
pub mod machine;
pub mod migrate;
pub mod output;
pub mod plan;
pub mod quantity;
pub mod render;
pub mod rescue;
pub mod snapshot;
pub mod source;
pub mod spec;
pub mod status;
pub mod storage;
pub mod text;

pub use diagnostic::{Code, Diagnostic, Report, Severity};
pub use machine::{Machine, Options};
pub use render::{Manifest, render};

use source::SourceMap;
use spec::{Found, Other, Reader};

/// One input of a run.
#[derive(Clone)]
pub struct Input {
    /// The name a person knows it by: a path, or `<stdin>`.
    pub name: String,
    /// The text.
    pub text: String,
}

impl std::fmt::Debug for Input {
    /// Without the text, which may hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Input {
    /// Pairs a name with a text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }
}

/// What all inputs of a run hold.
#[derive(Debug)]
pub struct Loaded {
    /// The machines without errors, in the order of the inputs.
    pub machines: Vec<Machine>,
    /// Documents of another kind.
    pub others: Vec<Other>,
    /// Every problem of every input.
    pub report: Report,
    /// The inputs, to show where a problem is.
    pub sources: SourceMap,
}

/// Reads and checks all inputs of a run, each machine alone and all against each other.
///
/// Never fails and never panics: what is wrong is in the report, and `machines` holds only what has no error.
pub fn load(inputs: Vec<Input>, options: &Options) -> Loaded {
    let mut loaded =
        Loaded { machines: Vec::new(), others: Vec::new(), report: Report::default(), sources: SourceMap::default() };
    let mut sound = Vec::new();
    for input in inputs {
        if input.text.len() > source::MAX_FILE_BYTES {
            loaded.report.push(too_large(input.name));
            continue;
        }
        let number = loaded.sources.add(input.name, input.text);
        let text = loaded.sources.file(number).map_or("", |file| file.text.as_str());
        let mut reader = Reader::new(number, text, options.others_wanted);
        while let Some(found) = reader.next(&mut loaded.report) {
            match found {
                Found::Machine(wukong, whole) => {
                    let checked = check(&wukong, whole, options, &mut loaded.report);
                    // A machine with errors is checked against the others, but never rendered.
                    sound.extend(checked.as_ref().map(|(_, sound)| *sound));
                    loaded.machines.extend(checked.map(|(machine, _)| machine));
                }
                Found::Other(other) => loaded.others.push(other),
            }
        }
    }
    machine::check_fleet(&loaded.machines, &mut loaded.report);
    let mut sound = sound.into_iter();
    loaded.machines.retain(|_| sound.next() == Some(true));
    loaded
}

impl Loaded {
    /// Notes documents of another kind as left out, unless they are wanted, and that there is nothing at all. `name` is
    /// what a person knows the inputs by.
    pub fn only_machines(&mut self, name: &str, others_wanted: bool) {
        if !others_wanted {
            let left_out: Vec<_> = self
                .others
                .iter()
                .map(|other| {
                    let kind: String = other.kind.chars().take(60).collect();
                    let span = other.root.entry("kind").map_or(other.span, |entry| entry.value.span);
                    Diagnostic::new(Code::OtherKind, span, format!("a document of kind `{kind}` is left out"))
                        .help("`render --pass-through` prints it with the rest")
                })
                .collect();
            self.report.extend(left_out);
        }
        let nothing = self.machines.is_empty() && (self.others.is_empty() || !others_wanted);
        if nothing && self.report.is_valid() {
            let help = "a machine starts with `kind: Wukong`; `kubectl wukong init NAME` writes a first file";
            self.report.push(Diagnostic::of_file(Code::NoMachine, name, "no Wukong document found").help(help));
        }
    }
}

/// Checks one machine alone, and tells whether it has no error.
pub(crate) fn check(
    wukong: &source::Located<spec::Wukong>,
    whole: bool,
    options: &Options,
    report: &mut Report,
) -> Option<(Machine, bool)> {
    let errors = report.errors();
    report.set_partial(!whole);
    let machine = machine::resolve(wukong, options, report);
    report.set_partial(false);
    machine.map(|machine| (machine, whole && report.errors() == errors))
}

/// Says that a file is larger than any that is read.
pub(crate) fn too_large(name: impl Into<String>) -> Diagnostic {
    let message = format!("the file is larger than {} MiB", source::MAX_FILE_BYTES >> 20);
    Diagnostic::of_file(Code::TooComplex, name, message).help("split it")
}
