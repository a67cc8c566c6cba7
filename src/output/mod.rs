//! Objects as text: one file per format, values in, text out.

mod autoexpand;
mod difference;
mod doctor;
mod json;
mod locate;
mod masked;
mod migrate;
mod name;
mod path;
pub mod picture;
mod plan;
mod prometheus;
mod rescue;
mod snapshot;
mod status;
mod stream;
mod table;
mod yaml;

pub use autoexpand::{decisions, decisions_json};
pub use difference::{Sides, sides};
pub use doctor::{checks, doctor_json};
pub use json::one as json;
pub use locate::{impacts, impacts_json, located_json, located_table, recoveries, trees};
pub use migrate::{checklist, draft, draft_json, file_change, lefts, suggested, ways};
pub use path::file_name;
pub use picture::{dot, mermaid, svg};
pub use plan::{plan_json, plans, remarks, summary};
pub use prometheus::prometheus;
pub use rescue::{rescue, rescue_json, rescued};
pub use snapshot::{snapshots, snapshots_json};
pub use status::{Detail, lines, status_json, statuses};
pub use stream::Stream;
pub use table::table;

use serde_json::Value;

/// How objects are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A stream of YAML documents.
    Yaml,
    /// A Kubernetes List.
    Json,
    /// One name per line.
    Name,
}

impl Format {
    /// One object as a part of a [`Stream`]. `purpose` says in a line what it is for, where the format has comments.
    pub fn part(self, object: &Value, purpose: Option<&str>) -> String {
        match self {
            Self::Yaml => yaml::document(object, purpose),
            Self::Json => json::item(object),
            Self::Name => name::line(object),
        }
    }
}
