//! What a person must be allowed to do for a move.

use super::check::Check;
use crate::facts::Way;

/// A right, in the words of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// The verb.
    pub verb: &'static str,
    /// The group of the resource; empty for the core.
    pub group: &'static str,
    /// The resource.
    pub resource: &'static str,
    /// Whether it is one of the cluster.
    pub cluster: bool,
    /// What is left out without it; none if the move needs it.
    pub without: Option<&'static str>,
}

const fn must(verb: &'static str, group: &'static str, resource: &'static str) -> Need {
    Need { verb, group, resource, cluster: false, without: None }
}

const RECORD: [Need; 2] = [must("create", "", "configmaps"), must("update", "", "configmaps")];
const MACHINE: Need = must("patch", "kubevirt.io", "virtualmachines");
const CLAIMS: Need = must("patch", "", "persistentvolumeclaims");
const MIGRATE: Need = must("create", "kubevirt.io", "virtualmachineinstancemigrations");
/// Taking a live move back.
const CANCEL: Need = must("delete", "kubevirt.io", "virtualmachineinstancemigrations");
/// The volume that is left keeps its policy then; no step deletes its claim.
pub(super) const RETAIN: Need = Need {
    verb: "patch",
    group: "",
    resource: "persistentvolumes",
    cluster: true,
    without: Some("the old volumes keep their reclaim policy; nothing here deletes their claims"),
};

/// The rights for a way.
pub fn needs(way: Way) -> Vec<Need> {
    let own: &[Need] = match way {
        Way::NodeLive => &[MIGRATE, CANCEL],
        Way::NodeOffline => &[MACHINE],
        Way::StorageLive => &[MACHINE, CLAIMS, must("create", "", "persistentvolumeclaims"), CANCEL],
        // CDI lets everybody copy within a namespace. Source: CDI, pkg/apis/core/v1beta1, CanUserClonePVC.
        Way::StorageOffline => &[
            MACHINE,
            CLAIMS,
            must("create", "cdi.kubevirt.io", "datavolumes"),
            must("delete", "cdi.kubevirt.io", "datavolumes"),
            RETAIN,
        ],
    };
    RECORD.into_iter().chain(own.iter().copied()).collect()
}

/// The line of a checklist about rights: each with whether it is held; none if that could not be asked.
pub fn allowed(answers: &[(Need, Option<bool>)]) -> Vec<Check> {
    let name = |need: &Need| format!("{} {}", need.verb, need.resource);
    let lacking = |vital: bool| -> Vec<_> {
        let denied = answers.iter().filter(|(need, held)| *held == Some(false) && need.without.is_none() == vital);
        denied.map(|(need, _)| name(need)).collect()
    };
    let mut all = Vec::new();
    let (vital, useful) = (lacking(true), lacking(false));
    if !vital.is_empty() {
        let why = format!("you may not {}", vital.join(", "));
        all.push(Check::failed("your rights", why, "ask for them, or let somebody else do it: kubectl wukong doctor"));
    } else if answers.iter().any(|(_, held)| held.is_none()) {
        all.push(Check::unknown("your rights", "the server does not tell"));
    } else {
        all.push(Check::passed("your rights", ""));
    }
    if !useful.is_empty() {
        let without = answers.iter().find(|(need, held)| *held == Some(false) && need.without.is_some());
        let without = without.and_then(|(need, _)| need.without).unwrap_or_default();
        all.push(Check::unknown(format!("you may not {}", useful.join(", ")), without));
    }
    all
}

/// Whether the reclaim policy of volumes may be changed.
pub fn may_retain(answers: &[(Need, Option<bool>)]) -> bool {
    answers.iter().all(|(need, held)| *need != RETAIN || *held != Some(false))
}
