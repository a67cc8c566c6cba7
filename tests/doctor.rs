//! Whether a cluster is fit: each check as the lines that a person reads.

mod healthy;
mod kinds;
mod rights;
mod settings;
mod stage;
mod storage;
mod versions;
mod world;
