//! The way to an API server, as kubectl takes it: the only user of kube and tokio.
//!
//! Raw JSON goes in and out. What is read is not judged here, and nothing is written that was not asked for.

mod access;
mod apply;
mod arrival;
mod asked;
mod attempt;
mod checkup;
mod door;
mod explain;
mod export;
mod fetch;
mod fleet;
mod kubeconfig;
mod login;
mod made;
mod pem;
mod policies;
mod proxy;
mod read;
mod recover;
mod refused;
mod remove;
mod request;
mod resource;
mod restore;
mod retry;
mod runtime;
mod served;
mod snapshot;
mod travel;
mod warning;
mod watch;
mod write;

pub use access::{Access, Limits};
pub use apply::{Carry, Interrupt, Stopped, grow};
pub use arrival::{Arrival, Shown, arrival, growing};
pub use asked::Asked;
pub use checkup::checkup;
pub use door::{Door, Notices};
pub use export::{Order, Served, Sink, Unfetched, fetch_disk, offer, ready, withdraw};
pub use fetch::{Purpose, Wanted, fetch, read_secrets, read_usage, wanted};
pub use fleet::{Ended, Fleet, Told};
pub use made::{fetch_for, secrets};
pub use policies::{Policy, policies};
pub use read::Selector;
pub use recover::{Recovered, Service, in_service, out_of_service, recovered};
pub use refused::{FieldConflict, Reason, Refused};
pub use remove::{Unfinished, remove};
pub use resource::Resource;
pub use restore::{Back, Broken, restore};
pub use runtime::{Runtime, paced};
pub use snapshot::snapshotting;
pub use travel::{Ask, Begin, Heard, Tell, Travel, record_move, rest, travel, wanted_to_move};
pub use watch::{Change, Event, Watch};
pub use write::{Delete, Write};
