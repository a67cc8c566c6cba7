//! Scenarios: what is wanted against saved states of a cluster.

mod disks;
mod growth;
mod machine;
mod owners;
mod ownership;
mod properties;
mod removal;
mod unread;
mod world;

use wukong::plan::{Change, Effect, Note, Op, Plan, Refusal, compare};

use world::{World, machines};

/// What happens to the object of a kind and name.
fn op(plan: &Plan, kind: &str, name: &str) -> Option<Op> {
    plan.steps.iter().find(|step| step.kind == kind && step.name == name).map(|step| step.op)
}

/// The changes of the machine, as the end of the field and the effect.
fn effects(plan: &Plan) -> Vec<(String, Effect)> {
    let changes = plan.steps.iter().filter(|step| step.kind == world::VM).flat_map(|step| &step.changes);
    changes.map(|(Change { field, .. }, effect)| (field.replace("spec.template.spec.", ""), *effect)).collect()
}

/// All there is to read in a plan, so that a test may look for a word.
fn notes(plan: &Plan) -> String {
    plan.notes.iter().map(|Note { object, text }| format!("{object}: {text}\n")).collect()
}

/// The only refusal.
fn refusal(plan: &Plan) -> &Refusal {
    assert_eq!(plan.refusals.len(), 1, "{:?}", plan.refusals);
    &plan.refusals[0]
}

/// Nothing to do and nothing to say.
fn calm(plan: &Plan) {
    let changes: Vec<_> = plan.steps.iter().filter(|step| step.op != Op::Keep).map(|s| (&s.kind, &s.changes)).collect();
    assert!(plan.is_empty(), "{changes:?} {:?}", (&plan.before, &plan.after));
    assert!(plan.refusals.is_empty() && plan.conflicts.is_empty() && plan.questions.is_empty(), "{plan:?}");
}

#[test]
fn an_example_that_was_applied_is_without_difference() {
    for path in crate::support::entries(&crate::support::root().join("examples")) {
        if path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let world = World::applied(&text);
        let (machines, options) = machines(&text);
        for machine in &machines {
            let plan = compare(machine, &options, &world.facts(), wukong::plan::Wishes::default());
            calm(&plan);
            // The examples name Secrets that a person makes.
            let told: Vec<_> = plan.notes.iter().filter(|note| !note.text.contains("does not exist")).collect();
            assert!(told.is_empty(), "{name}: {told:?}");
        }
    }
}
