//! Disks that grow by themselves: which may, how full they are, and what is done about it.
//!
//! Everything here is a function of what was read and of the time that is given. A disk grows only when it is known how
//! full its guest's file system is, by one step, never past its largest size, and never while a growth is on its way or
//! the last one was of no use.

mod decide;
mod disks;
mod fullness;
mod history;
mod policy;
mod prometheus;
#[cfg(test)]
mod tests;

pub use decide::{Decision, Outcome, Told, decisions};
pub use fullness::FileSystem;
pub use history::GROWN;
pub use policy::Policy;
pub use prometheus::{Query, Series, Unreadable, queries, series};
