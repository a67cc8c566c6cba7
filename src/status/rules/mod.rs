//! What can be the matter with a machine: one file for each group of causes. Each rule looks for itself; the first ones
//! speak first.

mod change;
mod claim;
mod disk;
mod grow;
mod guest;
mod import;
mod launch;
mod migration;
mod node;
mod owner;
mod run;
mod snapshot;

pub(crate) use owner::tool;

use super::cause::Causes;
use super::look::Look;

/// A group of causes.
type Rule = fn(&Look<'_>, &mut Causes);

/// All of them.
pub(super) const RULES: [Rule; 12] = [
    import::rule,
    claim::rule,
    disk::rule,
    node::rule,
    launch::rule,
    run::rule,
    grow::rule,
    migration::rule,
    snapshot::rule,
    change::rule,
    guest::rule,
    owner::rule,
];
