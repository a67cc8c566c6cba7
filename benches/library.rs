//! Benchmarks of the library.
fn main() {}
