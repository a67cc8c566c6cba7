//! What a change does: what is wanted against what is there, as ordered steps with their effect on the guest and on the
//! data. A pure function; `diff` prints its result and `apply` carries it out.

mod carry;
mod change;
mod dependents;
mod disk;
mod existing;
mod expand;
mod goal;
mod grow;
mod guest;
mod identity;
mod keys;
mod lists;
mod machine;
mod merge;
mod moving;
mod object;
mod own;
mod owned;
mod policy;
mod prune;
mod remove;
mod step;
mod unsaid;
mod warned;

pub use carry::carried;
pub use change::Change;
pub(crate) use dependents::Doomed;
pub(crate) use existing::claim_user;
pub use expand::{Expansion, expand};
pub(crate) use goal::{Goal, RESTARTS, goal, is_hopeless};
pub use goal::{Growth, Line, Progress, Sent, State, To, growth, progress};
pub(crate) use grow::{claim_size, hides_growth, mebibytes as readable, seen_by_guest};
pub(crate) use guest::{migrates, numbers, rolls_out, version};
pub use identity::FIRMWARE;
pub use moving::MOVED_TO;
pub(crate) use moving::{moved_to, to_class};
pub use object::{LAST_APPLIED, visible};
pub(crate) use own::written_by;
pub use remove::{Removal, removal};
pub use step::{Conflict, Data, DiskPlan, Effect, Note, Op, Plan, Refusal, Step, Wishes};
pub use unsaid::{eviction, grace_period, memory, pod_binding, topology};

use serde_json::Value;

use crate::facts::{Facts, Record, kind, text};
use crate::machine::{Machine, Options, Origin};
use crate::render::{self, Manifest, render};
use guest::Guest;
use object::{create, update};
use own::standing;

/// Where a machine without a namespace lives is decided before this.
const NO_NAMESPACE: &str = "default";

/// Compares a machine with what is there.
pub fn compare(machine: &Machine, options: &Options, facts: &Facts, wishes: Wishes) -> Plan {
    let namespace = machine.namespace.clone().unwrap_or_else(|| NO_NAMESPACE.to_owned());
    let mut plan = Plan {
        name: machine.name.clone(),
        namespace: namespace.clone(),
        steps: Vec::new(),
        disks: Vec::new(),
        refusals: Vec::new(),
        conflicts: Vec::new(),
        notes: Vec::new(),
        questions: Vec::new(),
        before: None,
        record_version: None,
        after: Record::default(),
    };
    match record(machine, &namespace, facts) {
        Ok(record) => {
            let found = facts.get(kind::CONFIG_MAP, &namespace, &Record::name(&machine.name));
            plan.record_version = found.and_then(|found| text(found, "/metadata/resourceVersion")).map(str::to_owned);
            plan.before = record;
        }
        Err(refusal) => plan.refusals.push(refusal),
    }
    plan.refusals.extend(moving::under_way(&machine.name, &namespace, &machine.vm_name(), facts));
    let guest = Guest::of(facts, &namespace, &machine.vm_name());
    let manifests = render(machine, options);
    for manifest in &manifests {
        match manifest.kind {
            render::Kind::PersistentVolumeClaim | render::Kind::DataVolume => {
                let disk = machine.disks.iter().find(|disk| disk.claim == manifest.name && !disk.origin.is_existing());
                if let Some(disk) = disk {
                    self::disk(&mut plan, disk, manifest, machine, facts, wishes, &guest);
                }
            }
            render::Kind::VirtualMachine => self::machine(&mut plan, machine, manifest, facts, wishes, &guest),
            render::Kind::Secret | render::Kind::NetworkAttachmentDefinition => {
                simple(&mut plan, manifest, facts, wishes, &guest);
            }
        }
    }
    let vm = machine.vm_name();
    for disk in machine.disks.iter().filter(|disk| matches!(disk.origin, Origin::Existing)) {
        match existing::check(disk, &namespace, &vm, facts) {
            Ok(notes) => {
                plan.notes.extend(notes);
                plan.disks.push(DiskPlan {
                    disk: disk.name.clone(),
                    claim: disk.claim.clone(),
                    data: Data::Keep,
                    detail: "an existing claim, used as it is".into(),
                });
            }
            Err(refusal) => plan.refusals.push(refusal),
        }
    }
    if let Err(refusal) = keys::check(machine, &namespace, facts, &mut plan.notes) {
        plan.refusals.push(refusal);
    }
    leftovers(&mut plan, machine, &manifests, facts, wishes);
    questions(&mut plan, wishes);
    after(&mut plan, machine, &manifests, facts);
    plan
}

/// The record of a machine, if it can be trusted.
fn record(machine: &Machine, namespace: &str, facts: &Facts) -> Result<Option<Record>, Refusal> {
    let name = Record::name(&machine.name);
    let object = format!("ConfigMap/{name}");
    match facts.get(kind::CONFIG_MAP, namespace, &name) {
        Some(found) => Record::read(found).map(Some).map_err(|unusable| Refusal {
            object,
            reason: format!("the record of what was made cannot be used: {}", unusable.0),
            help: format!("restore it from a backup, or delete it and take the objects over: kubectl delete configmap {name} -n {namespace}, then apply --adopt"),
        }),
        None => match facts.unknown(kind::CONFIG_MAP, namespace) {
            None => Ok(None),
            Some(unread) => Err(Refusal {
                object,
                reason: format!("the record of what was made cannot be read: {}", unread.reason),
                help: format!("ask for the right to read it: kubectl auth can-i list configmaps -n {namespace}"),
            }),
        },
    }
}

fn disk(
    plan: &mut Plan,
    disk: &crate::machine::Disk,
    manifest: &Manifest,
    machine: &Machine,
    facts: &Facts,
    wishes: Wishes,
    guest: &Guest,
) {
    let namespace = plan.namespace.clone();
    let scope = disk::Scope {
        machine,
        namespace: &namespace,
        record: plan.before.as_ref(),
        wishes,
        facts,
        guest,
        steps: &plan.steps,
    };
    let used = existing::writer(disk, &namespace, &machine.vm_name(), facts);
    match disk::plan(disk, body(manifest, &namespace), &scope).and_then(|outcome| used.map(|notes| (outcome, notes))) {
        Ok((outcome, notes)) => {
            for found in outcome.steps {
                plan.steps.push(found.step);
                plan.conflicts.extend(found.conflicts);
            }
            plan.disks.push(outcome.disk);
            plan.notes.extend(outcome.notes);
            plan.questions.extend(outcome.question);
            // Nobody else can use what is not there yet.
            if facts.get(kind::CLAIM, &namespace, &disk.claim).is_some() {
                plan.notes.extend(notes);
            }
        }
        Err(refusal) => plan.refusals.push(refusal),
    }
}

/// A manifest with its namespace.
fn body(manifest: &Manifest, namespace: &str) -> Value {
    let mut body = manifest.object.clone();
    body["metadata"]["namespace"] = Value::String(namespace.to_owned());
    body
}

fn simple(plan: &mut Plan, manifest: &Manifest, facts: &Facts, wishes: Wishes, guest: &Guest) {
    let body = body(manifest, &plan.namespace);
    let kind = manifest.kind.as_str();
    let Some(live) = facts.get(kind, &plan.namespace, &manifest.name) else {
        let made = plan.before.as_ref().is_some_and(|record| record.made(kind, &manifest.name).is_some());
        let object = format!("{kind}/{}", manifest.name);
        let mut step = create(body);
        match facts.unknown(kind, &plan.namespace) {
            None => {}
            // What cannot be read is unknown, not different.
            Some(unread) if made => {
                plan.notes.push(Note { object, text: format!("not compared: {}", unread.reason) });
                step.op = Op::Keep;
            }
            // It may be someone else's.
            Some(unread) => {
                let reason = format!("whether it exists is not known: {}", unread.reason);
                let help = format!("ask for the right to read it in {}", plan.namespace);
                return plan.refusals.push(Refusal { object, reason, help });
            }
        }
        plan.steps.push(step);
        return;
    };
    match standing(live, &plan.name, plan.before.as_ref(), wishes, facts) {
        Ok(own) => {
            let found = update(body, live, &own, &plan.name, guest);
            plan.steps.push(found.step);
            plan.conflicts.extend(found.conflicts);
        }
        Err(refusal) => plan.refusals.push(refusal),
    }
}

fn machine(plan: &mut Plan, machine: &Machine, manifest: &Manifest, facts: &Facts, wishes: Wishes, guest: &Guest) {
    let mut body = body(manifest, &plan.namespace);
    let Some(live) = facts.get(kind::MACHINE, &plan.namespace, &manifest.name) else {
        if let Some(unread) = facts.unknown(kind::MACHINE, &plan.namespace) {
            return plan.refusals.push(Refusal {
                object: format!("VirtualMachine/{}", manifest.name),
                reason: format!("whether it exists is not known: {}", unread.reason),
                help: format!(
                    "ask for the right to list them: kubectl auth can-i list virtualmachines.kubevirt.io -n {}",
                    plan.namespace
                ),
            });
        }
        if let Some(uuid) = identity::kept(machine, &plan.namespace, facts) {
            body["spec"]["template"]["spec"]["domain"]["firmware"]["uuid"] = Value::String(uuid);
        }
        plan.steps.push(create(body));
        return;
    };
    let outcome = standing(live, &plan.name, plan.before.as_ref(), wishes, facts).and_then(|own| {
        let scope = machine::Scope { wukong: &plan.name, record: plan.before.as_ref(), wishes, guest, facts };
        machine::plan(body, live, &own, &scope)
    });
    match outcome {
        Ok(merged) => {
            plan.steps.push(merged.found.step);
            plan.conflicts.extend(merged.found.conflicts);
            plan.notes.extend(merged.notes);
            plan.questions
                .extend(merged.removed.iter().map(|name| format!("detach `{name}` from the machine {}?", plan.name)));
        }
        Err(refusal) => plan.refusals.push(refusal),
    }
}

fn leftovers(plan: &mut Plan, machine: &Machine, manifests: &[Manifest], facts: &Facts, wishes: Wishes) {
    let Some(record) = plan.before.clone() else { return };
    let wanted = |kind: &str, name: &str| {
        manifests.iter().any(|manifest| {
            manifest.name == name
                && (manifest.kind.as_str() == kind || kind == kind::CLAIM && manifest.kind == render::Kind::DataVolume)
        }) || machine.disks.iter().any(|disk| disk.claim == name && matches!(kind, kind::CLAIM | kind::DATA_VOLUME))
    };
    let own = plan.steps.iter().find(|step| step.kind == kind::MACHINE).and_then(|step| step.expected.as_ref());
    let (wukong, namespace) = (plan.name.as_str(), plan.namespace.as_str());
    let vm = &machine.vm_name();
    let scope = prune::Scope { wukong, namespace, vm, record: &record, machine: own, wishes, facts };
    let outcome = prune::plan(&scope, &wanted);
    plan.steps.extend(outcome.steps);
    plan.disks.extend(outcome.disks);
    plan.notes.extend(outcome.notes);
}

fn questions(plan: &mut Plan, wishes: Wishes) {
    for step in &plan.steps {
        if step.changes.iter().any(|(_, effect)| *effect == Effect::OtherDisk) {
            plan.questions.push(format!("give the machine {} another disk of the same name?", plan.name));
        }
    }
    if wishes.force_conflicts {
        plan.questions.extend(
            plan.conflicts
                .iter()
                .map(|conflict| format!("take {} of {} from {}?", conflict.field, conflict.object, conflict.manager)),
        );
        let taken: Vec<_> = plan.conflicts.iter().map(|conflict| conflict.object.clone()).collect();
        for step in plan.steps.iter_mut().filter(|step| taken.contains(&format!("{}/{}", step.kind, step.name))) {
            step.force = true;
        }
    }
}

/// The record once all steps are done. UIDs of new objects are added when they are known.
fn after(plan: &mut Plan, machine: &Machine, manifests: &[Manifest], facts: &Facts) {
    let after = &mut plan.after;
    for step in plan.steps.iter().filter(|step| !matches!(step.op, Op::Delete)) {
        let live = step.live.as_ref().and_then(|live| text(live, "/metadata/uid"));
        // What cannot be read is kept, and so is the proof that it is ours.
        let known = plan.before.as_ref().filter(|_| step.op == Op::Keep);
        let known = known.and_then(|record| record.made(&step.kind, &step.name)).and_then(|made| made.uid.as_deref());
        let uid = live.or(known);
        after.note(&step.api_version, &step.kind, &step.name, uid);
    }
    // What was made here stays known while it is there or cannot be read, wanted or not.
    for made in plan.before.iter().flat_map(|record| &record.made) {
        let live = facts.get(&made.kind, &plan.namespace, &made.name);
        let there = live.is_some_and(|live| match &made.uid {
            Some(uid) => text(live, "/metadata/uid") == Some(uid),
            None => written_by(live, &plan.name),
        });
        let unread = live.is_none() && facts.unknown(&made.kind, &plan.namespace).is_some();
        let goes = |step: &Step| step.op == Op::Delete && step.kind == made.kind && step.name == made.name;
        if (there || unread) && !plan.steps.iter().any(goes) {
            after.note(&made.api_version, &made.kind, &made.name, made.uid.as_deref());
        }
    }
    // The claim of a DataVolume, once there is one: it outlives the DataVolume.
    for disk in machine.disks.iter().filter(|disk| !disk.origin.is_existing()) {
        let claim = facts.get(kind::CLAIM, &plan.namespace, &disk.claim);
        if let Some(uid) = claim.and_then(|claim| text(claim, "/metadata/uid")) {
            after.note("v1", kind::CLAIM, &disk.claim, Some(uid));
        }
        // A disk whose claim is not there yet grows later: until then the file's old size is the last one.
        let waits = claim.is_none() && facts.get(kind::DATA_VOLUME, &plan.namespace, &disk.claim).is_some();
        let last = plan.before.as_ref().and_then(|record| record.sizes.get(&disk.name)).filter(|_| waits);
        if let Some(size) = last.cloned().or_else(|| disk.size.as_ref().map(ToString::to_string)) {
            after.sizes.insert(disk.name.clone(), size);
        }
        after.claims.insert(disk.name.clone(), disk.claim.clone());
    }
    // Disks that were detached are still known by their claims.
    for (disk, claim) in plan.before.iter().flat_map(|record| &record.claims) {
        if !after.claims.contains_key(disk) && after.made.iter().any(|made| made.name == *claim) {
            after.claims.insert(disk.clone(), claim.clone());
        }
    }
    let vm = manifests.iter().find(|manifest| manifest.kind == render::Kind::VirtualMachine);
    after.lists = vm.map(|vm| machine::entries(&vm.object)).unwrap_or_default();
    after.run_strategy = Some(machine.run_strategy.as_str().to_owned());
    after.made.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
}
