//! What speaks against a machine or a class at a stage: in development hardly anything, in production all by which data is
//! lost. Pure functions from facts, files and the time.
//!
//! [`Rule`] is the table: what each rule is called, at which stage it speaks and how loudly, and what would happen. The
//! files beside it find where a rule is broken, and the way out.

mod backup;
mod class;
mod file;
mod live;
mod rule;

pub use class::{Lack, Snapshots, lacks, no_growth, snapshots};
pub use file::of_file;
pub use live::{Advice, Asked, Finding, of_cluster};
pub use rule::{Rule, Stage, Weight};
