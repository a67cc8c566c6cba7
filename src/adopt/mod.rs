//! The Wukong file of a VirtualMachine that was there before it: made so that applying it changes nothing.
//!
//! What a Wukong can say is said; what it cannot say stays on the machine, because server-side apply leaves alone what is
//! not sent, and is noted. Whether that is enough is not judged here: the file is read and the plan is asked, and all
//! that the plan would still do is an obstacle.

mod access;
mod check;
mod disk;
mod file;
mod image;
mod kept;
mod names;
mod network;
mod placement;
mod probe;

pub use check::changes_nothing;

use serde_json::{Value, json};

use crate::facts::{Facts, kind, text};
use crate::spec::check_label;
use crate::text::sanitize;
use file::{field, list, map};

/// A file for a machine, and what is to be known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// The Wukong file.
    pub file: String,
    /// The Wukong's name.
    pub name: String,
    /// What a Wukong cannot say, where applying the file would change or lose something.
    pub obstacles: Vec<Obstacle>,
    /// What stays as it is without a word in the file, and what else is to be known.
    pub notes: Vec<String>,
    /// What applying the file would still change, apart from new labels and annotations.
    pub differences: Vec<Difference>,
}

/// Something that is in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// The field of the machine, or the object.
    pub field: String,
    /// What is in the way.
    pub reason: String,
    /// The way out.
    pub help: String,
}

/// Something that applying the file would still change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The object, as `Kind/name`.
    pub object: String,
    /// The field, or the verb where all of the object is meant.
    pub field: String,
    /// What it is, without secrets.
    pub before: Option<String>,
    /// What it would be, without secrets.
    pub after: Option<String>,
}

impl Adoption {
    /// Whether applying the file takes the machine over and changes nothing.
    pub fn is_clean(&self) -> bool {
        self.obstacles.is_empty() && self.differences.is_empty()
    }

    fn obstacle(&mut self, field: &str, reason: String, help: String) {
        let obstacle = Obstacle { field: field.to_owned(), reason, help };
        if !self.obstacles.contains(&obstacle) {
            self.obstacles.push(obstacle);
        }
    }
}

/// What is known while a file is written.
struct Draft<'a> {
    vm: &'a Value,
    facts: &'a Facts,
    name: String,
    vm_name: String,
    namespace: String,
    notes: Vec<String>,
    obstacles: Vec<Obstacle>,
}

impl<'a> Draft<'a> {
    /// An object beside the machine.
    fn get(&self, kind: &str, name: &str) -> Option<&'a Value> {
        self.facts.get(kind, &self.namespace, name)
    }

    fn obstacle(&mut self, field: &str, reason: String, help: String) {
        self.obstacles.push(Obstacle { field: field.to_owned(), reason, help });
    }

    fn note(&mut self, note: &str) {
        self.notes.push(sanitize(note).into_owned());
    }

    fn keep_disk(&mut self, name: &str, why: &str) {
        self.note(&format!("the disk `{}` is not in the file and stays as it is: {why}", short(name)));
    }

    fn keep_network(&mut self, name: &str) {
        self.note(&format!(
            "the network `{}` is not in the file and stays as it is: a Wukong cannot say it",
            short(name)
        ));
    }
}

/// The beginning of a name that may be anything.
fn short(name: &str) -> String {
    name.chars().take(80).collect()
}

/// Writes the Wukong file of a machine. `name` is the Wukong's; without one it follows from the machine's.
///
/// Nothing of a cluster can make it fail: what is not understood is an obstacle. No secret value is in the result.
pub fn adopt(vm: &Value, facts: &Facts, name: Option<&str>) -> Adoption {
    let nothing = json!({});
    let vm = if vm.is_object() { vm } else { &nothing };
    let mut facts = facts.clone();
    // The plan must see the machine that the file is written from.
    let mut seen = vm.clone();
    seen["kind"] = json!(kind::MACHINE);
    facts.insert(seen);
    let mut draft = names::draft(vm, &facts, name);
    let spec = spec(&mut draft);
    let labels = names::labels(vm);
    let mut metadata = vec![field("name", draft.name.as_str())];
    metadata.push(field("namespace", draft.namespace.as_str()));
    metadata.push(map("labels", labels));
    metadata.push(map("annotations", names::annotations(vm)));
    ownership(&mut draft);
    let place = format!("{} of the namespace {}", sanitize(&short(&draft.vm_name)), draft.namespace);
    let mut adoption = Adoption {
        file: file::write(&probe::head(metadata, spec)),
        name: draft.name,
        obstacles: draft.obstacles,
        notes: draft.notes,
        differences: Vec::new(),
    };
    if let Some(sent) = check::check(&mut adoption, &facts) {
        let kept = kept::fields(vm, &sent);
        if !kept.is_empty() {
            let all: Vec<_> = kept.iter().map(|field| format!("`{}`", sanitize(&short(field)))).collect();
            adoption.notes.push(format!("kept as it is, not in the file: {}", all.join(", ")));
        }
    }
    adoption.file = head(&adoption, &place) + &adoption.file;
    adoption
}

/// What is said at the beginning of the file: where it comes from, and what is in the way.
fn head(adoption: &Adoption, place: &str) -> String {
    let mut head = format!("# The VirtualMachine {place}, as it was found");
    head += if adoption.is_clean() {
        ": applying this file changes nothing of it.\n"
    } else {
        ". Do not apply this file as it is: it would change the machine.\n"
    };
    for obstacle in &adoption.obstacles {
        head += &format!("# In the way: {}: {}\n", sanitize(&obstacle.field), sanitize(&obstacle.reason));
    }
    head + "# What each field means: kubectl wukong explain spec\n"
}

/// The machine's own part of the file.
fn spec(draft: &mut Draft<'_>) -> Vec<file::Field> {
    let mut spec = Vec::new();
    if draft.vm_name != format!("{}-vm", draft.name) && names::is_vm_name(&draft.vm_name) {
        spec.push(field("vmName", draft.vm_name.as_str()));
    }
    spec.extend(placement::compute(draft));
    spec.extend(names::os(draft.vm).map(|os| field("osImage", os)));
    spec.push(list("disks", disk::entries(draft)).apart());
    let networks = network::entries(draft);
    let (access, networks) = access::fields(draft, &networks).unwrap_or_else(|| {
        cloud_init(draft);
        (Vec::new(), networks)
    });
    spec.push(list("networks", networks).apart());
    spec.extend(access.into_iter().map(file::Field::apart));
    spec.push(map("highAvailability", placement::placement(draft, &names::labels(draft.vm))).apart());
    spec.push(map("startStrategy", placement::start(draft)).apart());
    spec
}

/// Says whose cloud-init data stays, and why it is not in the file.
fn cloud_init(draft: &mut Draft<'_>) {
    let volumes = draft.vm.pointer("/spec/template/spec/volumes").and_then(Value::as_array);
    let data =
        |volume: &Value| ["cloudInitNoCloud", "cloudInitConfigDrive"].iter().any(|key| volume.get(key).is_some());
    if volumes.into_iter().flatten().any(data) {
        draft.note(
            "the guest's cloud-init data stays where it is, and is not in the file: it may hold secrets, and the guest \
             read it at its first boot. Do not add `cloudInitUser` or `sshKeySecret`: they would be a second set of data",
        );
    }
}

/// Says which instance type decides, and which disks die with the machine.
fn ownership(draft: &mut Draft<'_>) {
    if draft.vm.pointer("/spec/instancetype").is_some_and(Value::is_object) {
        let reason =
            "an instance type decides its CPUs and memory, and KubeVirt refuses a machine that says them as well";
        let help = format!(
            "write the instance type into the machine first: virtctl expand --vm {} -n {} prints it, without its instance \
             type and preference; replace the machine by that",
            sanitize(&short(&draft.vm_name)),
            draft.namespace
        );
        draft.obstacle("spec.instancetype", reason.to_owned(), help);
    }
    let templates = draft.vm.pointer("/spec/dataVolumeTemplates").and_then(Value::as_array);
    let names: Vec<_> = templates
        .into_iter()
        .flatten()
        .filter_map(|template| text(template, "/metadata/name"))
        .map(|name| format!("`{}`", short(name)))
        .collect();
    if !names.is_empty() {
        draft.note(&format!(
            "the machine owns {}: it made them from its dataVolumeTemplates, which stay, and an ordinary delete of the \
             machine deletes their data. `kubectl wukong delete` keeps them: it deletes the machine alone (orphan)",
            names.join(", ")
        ));
    }
    if let Some(running) = draft.vm.pointer("/spec/running").and_then(Value::as_bool) {
        draft.note(&format!("the machine says `running: {running}`, the older form of its run strategy, which stays"));
    }
}

/// Whether a text is a name of a Wukong.
fn is_name(text: &str) -> bool {
    check_label(text).is_ok()
}
