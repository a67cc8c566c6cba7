//! All tests that need more than one room.
fn main() {}
