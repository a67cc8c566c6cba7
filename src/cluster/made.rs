//! Reads what a plan needs for some machines, with the Secrets that were made for them, and plans them: which Secrets there
//! are is in the records, because they are never listed.

use std::collections::BTreeSet;

use super::fetch::read_others;
use super::{Door, Refused, fetch, read_secrets, wanted};
use crate::facts::{Facts, Record, kind};
use crate::plan::{Op, Plan, Wishes, compare};
use crate::{Machine, Options};

/// Reads the cluster once and plans every machine.
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
    let namespaces = wanted(machines).namespaces;
    let plans = |facts: &Facts| machines.iter().map(|machine| compare(machine, options, facts, wishes)).collect();
    let takes = |plan: &Plan| plan.steps.iter().any(|step| step.op == Op::Delete && step.kind == kind::NETWORK);
    let planned = with_others(door, &namespaces, &mut facts, plans, takes).await?;
    Ok((facts, planned))
}

/// What is planned by facts about some namespaces. Before a network goes, the machines of all others are looked at too: any
/// of them may use it.
///
/// # Errors
/// As below.
pub async fn with_others<P>(
    door: &Door,
    namespaces: &BTreeSet<String>,
    facts: &mut Facts,
    plan: impl Fn(&Facts) -> Vec<P>,
    takes_network: impl Fn(&P) -> bool,
) -> Result<Vec<P>, Refused> {
    let planned = plan(facts);
    if !planned.iter().any(takes_network) {
        return Ok(planned);
    }
    read_others(door, namespaces, facts).await?;
    Ok(plan(facts))
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
