//! Names of what comes out of a snapshot: a number that nothing has yet, the same for all disks of a machine.

use sha2::{Digest as _, Sha256};

use crate::facts::{Facts, kind};

/// The longest name: claims stand in labels.
const LONGEST: usize = 63;

/// The name of a restore of a machine, and of the claims that come from these.
///
/// KubeVirt takes a claim of a wanted name that is there already for what it made, whatever that holds: none may be.
/// Source: KubeVirt, pkg/storage/snapshot/restore.go, reconcileVolumeRestores.
pub(super) fn names(facts: &Facts, namespace: &str, vm: &str, claims: &[&str]) -> (String, Vec<String>) {
    let bases: Vec<_> = claims.iter().map(|claim| base(claim)).collect();
    let twice = |at: usize| bases.iter().enumerate().any(|(other, base)| other != at && *base == bases[at]);
    let mut number = 1_u32;
    loop {
        let suffix = format!("-r{number}");
        let restore = short(base(vm), &suffix);
        let new: Vec<_> =
            (0..claims.len()).map(|at| short(if twice(at) { claims[at] } else { bases[at] }, &suffix)).collect();
        let taken = |name: &String| {
            [kind::CLAIM, kind::DATA_VOLUME].iter().any(|kind| facts.get(kind, namespace, name).is_some())
        };
        if facts.get(kind::RESTORE, namespace, &restore).is_none() && !new.iter().any(taken) {
            return (restore, new);
        }
        number += 1;
    }
}

/// A name without the number of an earlier restore.
fn base(name: &str) -> &str {
    match name.rsplit_once("-r") {
        Some((base, number))
            if !base.is_empty() && !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()) =>
        {
            base
        }
        _ => name,
    }
}

fn short(base: &str, suffix: &str) -> String {
    if base.len() + suffix.len() <= LONGEST {
        return format!("{base}{suffix}");
    }
    let digest = Sha256::digest(base.as_bytes());
    let hash: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let start: String = base.chars().take(LONGEST - suffix.len() - hash.len() - 1).collect();
    format!("{}-{hash}{suffix}", start.trim_end_matches(['-', '.']))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_new_and_go_together() {
        let mut facts = Facts::default();
        let of = |facts: &Facts| names(facts, "n", "web-vm", &["web-system", "web-data-r1"]);
        assert_eq!(of(&facts), ("web-vm-r1".into(), vec!["web-system-r1".into(), "web-data-r1".into()]));
        facts.insert(json!({"kind": "PersistentVolumeClaim", "metadata": {"namespace": "n", "name": "web-data-r1"}}));
        assert_eq!(of(&facts), ("web-vm-r2".into(), vec!["web-system-r2".into(), "web-data-r2".into()]));
        facts.insert(json!({"kind": "VirtualMachineRestore", "metadata": {"namespace": "n", "name": "web-vm-r2"}}));
        assert_eq!(of(&facts).0, "web-vm-r3");
    }

    #[test]
    fn names_that_would_meet_do_not() {
        let (_, new) = names(&Facts::default(), "n", "vm", &["a", "a-r1"]);
        assert_eq!(new, ["a-r1", "a-r1-r1"]);
        let long = "x".repeat(80);
        let (_, new) = names(&Facts::default(), "n", "vm", &[&long]);
        assert!(new[0].len() <= LONGEST && new[0].ends_with("-r1"), "{}", new[0]);
    }
}
