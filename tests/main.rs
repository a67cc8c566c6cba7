//! All tests that need more than one room: the door to a cluster, the binary against case folders, every diagnostic
//! code, every example, the traps of the field, properties, and the walls of the house.

#![expect(unreachable_pub, reason = "a test binary has no outside")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod access;
mod adopt;
#[expect(dead_code, reason = "shared with the tests on real control planes")]
mod blocks;
mod cases;
mod codes;
mod doctor;
mod examples;
mod exits;
mod function;
mod hostile;
mod locate;
mod migrate;
mod plan;
mod properties;
mod readme;
mod recover;
mod removal;
mod roles;
mod rules;
mod snapshots;
mod status;
mod support;
mod traps;
mod walls;
