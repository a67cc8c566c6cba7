//! What storage drivers do, by the driver and never by the name of a class.

mod growth;

pub use growth::{Growing, growing};
