//! Snapshots and restores that hold a machine.

use crate::facts::{kind, text};
use crate::status::cause::Causes;
use crate::status::look::Look;
use crate::status::time::{duration, since};
use crate::text::redact;

pub(super) fn rule(look: &Look<'_>, causes: &mut Causes) {
    for (code, pointer, kind, what, effect) in [
        (
            "snapshot-running",
            "/status/snapshotInProgress",
            kind::SNAPSHOT,
            "snapshot",
            "its disks and run strategy cannot be changed",
        ),
        ("restore-running", "/status/restoreInProgress", kind::RESTORE, "restore", "it cannot be started"),
    ] {
        let Some(name) = text(look.vm, pointer) else { continue };
        let found = look.facts.get(kind, look.namespace, name);
        let age = found.and_then(|found| since(found, "/metadata/creationTimestamp", look.now));
        let age = age.map(|age| format!(" since {}", duration(age))).unwrap_or_default();
        let error = found.and_then(|found| text(found, "/status/error/message"));
        let text = format!("{what} {name} is in progress{age}: {effect} meanwhile");
        match error {
            Some(error) => {
                let next = format!("kubectl describe {} -n {} {name}", kind.to_lowercase(), look.namespace);
                causes.broken(code, "", format!("{text}; it fails: {}", redact(error)), next);
            }
            None => causes.waiting(code, "", text, String::new()),
        }
    }
}
