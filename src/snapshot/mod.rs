//! Snapshots of machines: what one would hold, what going back to one changes, and what goes with one. Pure functions
//! from facts; nothing here reads or writes a cluster.
//!
//! KubeVirt decides much of it by itself, and says little: which VolumeSnapshotClass it takes, which disks it leaves out.
//! What it will do is computed here beforehand, so that it can be told and refused.

mod class;
mod create;
mod names;
mod obstacle;
mod remove;
mod restore;
mod settle;
mod view;
mod volume;

pub use class::{Choice, choice};
pub use create::{Creation, Wish, creation};
pub use remove::going;
pub use restore::{Back, POPULATED, RUNS, Restoration, RestoreWish, SETTLED, restoration};
pub use settle::{agreed, corrected};
pub use view::{Phase, Restored, View, consistency, indication, restored, view, views};
pub use volume::{Fate, Volume, volumes};
