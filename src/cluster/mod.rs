//! The way to an API server, as kubectl takes it: the only user of kube and tokio.
//!
//! Raw JSON goes in and out. What is read is not judged here, and nothing is written that was not asked for.

mod access;
mod asked;
mod attempt;
mod door;
mod explain;
mod kubeconfig;
mod login;
mod pem;
mod proxy;
mod read;
mod refused;
mod request;
mod resource;
mod retry;
mod warning;
mod watch;
mod write;

pub use access::{Access, Limits};
pub use asked::Asked;
pub use door::{Door, Notices};
pub use read::Selector;
pub use refused::{FieldConflict, Reason, Refused};
pub use resource::Resource;
pub use watch::{Change, Event, Watch};
pub use write::{Delete, Write};
