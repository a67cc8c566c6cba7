//! Reads what a plan needs for some machines, and plans them, with the Secrets that were made for them: which ones there are is in the
//! records, because Secrets are never listed.

use std::collections::BTreeSet;

use super::{Door, Refused, fetch, read_others, read_secrets, wanted};
use crate::facts::{Facts, Record, kind};
use crate::plan::{Op, Plan, Wishes, compare};
use crate::{Machine, Options};

/// Reads the cluster once and plans every machine. Before a network goes, the machines of all namespaces are looked at: any
/// of them may use it.
///
/// # Errors
/// As below.
pub async fn planned(
    door: &Door,
    machines: &[Machine],
    options: &Options,
    wishes: Wishes,
) -> Result<(Facts, Vec<Plan>), Refused> {
    let mut facts = fetch_for(door, machines).await?;
    let plans = |facts: &Facts| machines.iter().map(|machine| compare(machine, options, facts, wishes)).collect();
    let mut planned: Vec<Plan> = plans(&facts);
    let mut steps = planned.iter().flat_map(|plan| &plan.steps);
    if steps.any(|step| step.op == Op::Delete && step.kind == kind::NETWORK) {
        read_others(door, &wanted(machines).namespaces, &mut facts).await?;
        planned = plans(&facts);
    }
    Ok((facts, planned))
}

/// Reads all that is wanted for some machines. A Secret of which a file tells no more is only known by the record.
///
/// # Errors
/// The server cannot be reached, does not know the person, or has no KubeVirt.
async fn fetch_for(door: &Door, machines: &[Machine]) -> Result<Facts, Refused> {
    let wanted = wanted(machines);
    let mut facts = fetch(door, &wanted).await?;
    let made: BTreeSet<_> = machines
        .iter()
        .flat_map(|machine| secrets(&facts, machine.namespace.as_deref().unwrap_or_default(), &machine.name))
        .filter(|secret| !wanted.secrets.contains(secret))
        .collect();
    read_secrets(door, &made, &mut facts).await?;
    Ok(facts)
}

/// The Secrets that were made for a Wukong, by namespace and name.
pub fn secrets(facts: &Facts, namespace: &str, wukong: &str) -> Vec<(String, String)> {
    let record = facts.get(kind::CONFIG_MAP, namespace, &Record::name(wukong)).and_then(|map| Record::read(map).ok());
    let made = record.into_iter().flat_map(|record| record.made).filter(|made| made.kind == kind::SECRET);
    made.map(|made| (namespace.to_owned(), made.name)).collect()
}
