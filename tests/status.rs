//! How machines are: each cause as the lines that a person reads.

mod disks;
mod facts;
mod healthy;
mod life;
mod nodes;
pub mod world;
