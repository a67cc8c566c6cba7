//! Where the bytes of machines lie, as a tree, as a table, and for programs.

mod impact;
mod json;
mod recovery;
mod table;
mod tree;

pub use impact::{impacts, impacts_json};
pub use json::located_json;
pub use recovery::recoveries;
pub use table::located_table;
pub use tree::trees;

use owo_colors::Style;

use crate::locate::{Fate, Placed, Trail};
use crate::storage::Holder;
use crate::text::Styles;

/// The sign of a fate, which tells it without colours, and its colour.
pub(super) const fn sign(fate: Fate, styles: &Styles) -> (&'static str, Style) {
    match fate {
        Fate::Lost => ("✗", styles.error),
        Fate::Unknown => ("?", styles.warning),
        Fate::Recoverable => ("↻", styles.warning),
        Fate::Kept => ("✓", styles.help),
    }
}

/// What holds the bytes of a disk, in a few words: `local-path on worker-1`.
fn held(placed: &Placed) -> String {
    let backend = placed.backend;
    match &placed.place.holder {
        Holder::Node(Some(node)) => format!("{backend} on {node}"),
        Holder::Node(None) => format!("{backend} on the node that runs it"),
        Holder::Copies => {
            let nodes: Vec<_> = placed.place.copies.iter().filter_map(|copy| copy.node.as_deref()).collect();
            if nodes.is_empty() {
                format!("{backend}, several nodes")
            } else {
                format!("{backend} on {}", nodes.join(", "))
            }
        }
        Holder::Server(server) => format!("{backend} on {server}"),
        Holder::Zone(Some(zone)) => format!("{backend} in zone {zone}"),
        Holder::Zone(None) => format!("{backend} in one zone"),
        Holder::Region(Some(region)) => format!("{backend} in {region}"),
        Holder::Region(None) => format!("{backend} in its region"),
        Holder::Unknown if placed.driver.is_empty() => backend.to_owned(),
        Holder::Unknown => format!("{backend} ({})", placed.driver),
    }
}

/// The events after which the bytes of a disk have this fate, as clauses.
fn after(disk: &Trail, fate: Fate) -> Vec<&'static str> {
    disk.verdicts.iter().filter(|verdict| verdict.fate == fate).map(|verdict| verdict.event.clause()).collect()
}
