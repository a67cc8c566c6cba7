//! What storage drivers do, by the driver and never by the name of a class.

mod default;
mod growth;

pub(crate) use default::{DEFAULT, VIRT_DEFAULT, is_marked};
pub use growth::{Growing, growing};
