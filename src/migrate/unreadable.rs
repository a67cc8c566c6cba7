//! What must be seen before anything is moved: who cannot see a machine's disks must not decide about them.

use crate::facts::{Facts, kind};
use crate::plan::Refusal;

/// What could not be read.
pub struct Unreadable;

impl Unreadable {
    /// Why nothing can be moved in a namespace, if that is so.
    pub fn of(facts: &Facts, namespace: &str) -> Option<Refusal> {
        let vital = [
            (kind::MACHINE, "virtualmachines.kubevirt.io"),
            (kind::INSTANCE, "virtualmachineinstances.kubevirt.io"),
            (kind::CLAIM, "persistentvolumeclaims"),
            (kind::DATA_VOLUME, "datavolumes.cdi.kubevirt.io"),
            (kind::CONFIG_MAP, "configmaps"),
            (kind::POD, "pods"),
            (kind::MIGRATION, "virtualmachineinstancemigrations.kubevirt.io"),
        ];
        vital.into_iter().find_map(|(kind, resource)| {
            facts.unknown(kind, namespace).map(|unread| Refusal {
                object: format!("namespace {namespace}"),
                reason: format!("each {kind} must be seen before one is moved: {}", unread.reason),
                help: format!("ask for the right to list them: kubectl auth can-i list {resource} -n {namespace}"),
            })
        })
    }
}
