//! Machines that move to another node, or cannot.

use serde_json::Value;

use crate::facts::{Journey, condition, is_going, text};
use crate::status::cause::Causes;
use crate::status::look::Look;
use crate::status::time::{duration, since};
use crate::text::redact;

/// How long a failed migration is news, in seconds.
const NEWS: i64 = 3600;

pub(super) fn rule(look: &Look<'_>, causes: &mut Causes) {
    journey(look, causes);
    let Some(instance) = look.instance else { return };
    let mut all = look.index.migrations(look.namespace, look.name).iter().copied();
    // One of an instance before this one is history.
    if let Some(last) = all.rfind(|migration| !before(migration, instance)) {
        moving(look, last, causes);
    }
    let wanted = text(instance, "/status/evacuationNodeName");
    if let (Some(node), Some((false, _, why))) = (wanted, look.instance_condition("LiveMigratable")) {
        let text = format!("node {node} is being emptied, and it cannot move: {}", redact(why));
        let next = format!("stop it, so that it starts elsewhere: {}", look.command("restart", ""));
        causes.broken("migration-blocked", "", text, next);
    }
}

/// A move that was begun, and whose run may have been killed; and what earlier ones left.
fn journey(look: &Look<'_>, causes: &mut Causes) {
    let Ok(Some(journey)) = Journey::of(look.index.facts, look.namespace, look.name) else { return };
    let command = look.command("migrate", "");
    if journey.is_open() {
        let word = if journey.back { "is being taken back" } else { "is under way" };
        let text = format!("a move ({}) {word}: {}", journey.way.name(), redact(&journey.stage));
        causes.note(
            "move-open",
            "",
            text,
            format!("{command} --continue goes on if nobody does, --abort takes it back"),
        );
    } else if !journey.kept.is_empty() {
        let claims: Vec<_> = journey.kept.iter().map(|kept| kept.claim.as_str()).collect();
        let text = format!("kept from earlier moves: {}", redact(&claims.join(", ")));
        causes.note("move-left", "", text, format!("{command} --cleanup deletes it, when you are sure"));
    }
}

/// Whether a migration is older than an instance.
fn before(migration: &Value, instance: &Value) -> bool {
    let made = |object| text(object, "/metadata/creationTimestamp").unwrap_or_default();
    made(migration) < made(instance)
}

fn moving(look: &Look<'_>, migration: &Value, causes: &mut Causes) {
    let name = text(migration, "/metadata/name").unwrap_or_default();
    let phase = text(migration, "/status/phase").unwrap_or("Pending");
    let state = |key: &str| text(migration, &format!("/status/migrationState/{key}"));
    let age = |pointer: &str| since(migration, pointer, look.now);
    let target = state("targetNode").map(|node| format!(" to {node}")).unwrap_or_default();
    match phase {
        "Succeeded" => {}
        "Failed" => {
            let ended = age("/status/migrationState/endTimestamp").or_else(|| age("/metadata/creationTimestamp"));
            let Some(ended) = ended.filter(|age| *age < NEWS) else { return };
            let why = state("failureReason").map(|why| format!(": {}", redact(why))).unwrap_or_default();
            let text =
                format!("its last migration{target} failed {} ago{why}; it runs on where it was", duration(ended));
            let next = format!("{} tells what is possible", look.command("migrate", ""));
            causes.note("migration-failed", "", text, next);
        }
        _ if is_going(migration) => {
            causes.waiting("migration-running", "", "its migration is being aborted".to_owned(), String::new());
        }
        _ => {
            if let Some(why) = blocked(look, migration) {
                let text = format!("its migration waits: {why}");
                let next = format!("kubectl delete vmim -n {} {name} gives it up", look.namespace);
                return causes.broken("migration-blocked", "", text, next);
            }
            let since = age("/metadata/creationTimestamp").map(|age| format!(" since {}", duration(age)));
            let text = format!("it is moving{target} ({phase}{})", since.unwrap_or_default());
            causes.waiting("migration-running", "", text, String::new());
        }
    }
}

/// Why a migration does not begin.
fn blocked(look: &Look<'_>, migration: &Value) -> Option<String> {
    let holds = |name| condition(migration, name).filter(|(holds, _, _)| *holds);
    let rejected =
        holds("migrationRejectedByResourceQuota").map(|_| "the quota of the namespace is used up".to_owned());
    let backup = holds("migrationBlockedByBackup").map(|_| "a backup is running".to_owned());
    let utility = holds("migrationBlockedByUtilityVolumes").map(|_| "a utility volume is attached".to_owned());
    rejected.or(backup).or(utility).or_else(|| {
        let uid = text(migration, "/metadata/uid")?;
        let instance = look.instance.and_then(|instance| text(instance, "/metadata/uid"))?;
        let target = look.index.launchers(look.namespace, instance).iter().find(|pod| {
            text(pod, "/metadata/labels/kubevirt.io~1migrationJobUID")
                .or_else(|| text(pod, "/metadata/annotations/kubevirt.io~1migrationJobUID"))
                == Some(uid)
        })?;
        let (_, reason, message) = condition(target, "PodScheduled").filter(|(holds, _, _)| !holds)?;
        (reason == "Unschedulable").then(|| format!("no other node fits: {}", redact(message)))
    })
}
