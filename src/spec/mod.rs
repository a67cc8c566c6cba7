//! The Wukong file: its types, and everything that follows from the types alone — decoding, schemas, documentation.

mod cloud_init;
mod crd;
mod decode;
mod disk;
mod document;
mod explain;
mod leaf;
mod name;
mod network;
mod object;
mod placement;
mod schema;
mod shape;
mod starter;
mod wukong;

pub use cloud_init::CloudInitUser;
pub use crd::crd;
pub use decode::{Cx, Decode};
pub use disk::{AccessMode, Disk, ExistingClaim, StoragePolicy, VolumeMode};
pub use document::{Found, Other, Reader, is_ours, members, misplaced, read};
pub use explain::{ExplainError, explain};
pub use leaf::{ImageAddress, Int, Secret, TextMap};
pub use name::{AbsolutePath, GroupName, HostDevice, Label, NadName, ObjectName, SudoRule, UserName, VmName};
pub(crate) use name::{check_label, check_subdomain};
pub use network::{IpConfig, IpMode, Network, NetworkType};
pub use placement::{
    CpuTopology, EvictionStrategy, HighAvailability, RestartPolicy, RunStrategy, StartStrategy, TaintEffect,
    Toleration, TolerationOperator,
};
pub use schema::json_schema;
pub use shape::{ChoiceShape, FieldShape, ObjectShape, Shape, TextShape};
pub use starter::starter;
pub use wukong::{API_VERSION, GROUP, KIND, Metadata, Spec, Wukong};
