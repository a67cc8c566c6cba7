//! The right end of a picture: what holds the bytes, each node, server, zone or region once.

use std::collections::BTreeMap;

use super::build::{disks, line, lines, name, word};
use super::risk::{Level, words};
use super::{Column, Graph, Look, Node, Part, Role};
use crate::locate::Placed;
use crate::storage::{CopyState, Holder};

/// More disks than these are only counted in the tip of a holder.
const LISTED: usize = 30;

/// What makes a holder the same as another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Node(String),
    /// A node, and no volume says which.
    SomeNode,
    /// Nodes that are not listed, of a kind of storage.
    Nodes(&'static str),
    Server(String),
    Zone(String),
    Region(String),
    /// Nobody knows, of a driver.
    Unknown(String),
}

/// A line from a volume to a holder.
pub(super) struct End {
    pub(super) key: Key,
    pub(super) look: Look,
    pub(super) label: Option<String>,
    pub(super) tip: String,
}

/// A zone or a region; the volume need not say which.
fn named(place: Option<&String>) -> String {
    place.cloned().unwrap_or_else(|| "that is not named".to_owned())
}

/// Where the bytes of a volume lie: one end, or one for each copy. `look` is that of a sound line.
pub(super) fn ends(placed: &Placed, look: Look) -> Vec<End> {
    let place = &placed.place;
    let node = |node: Option<&String>| node.map_or(Key::SomeNode, |node| Key::Node(node.clone()));
    let mut ends: Vec<_> = place
        .copies
        .iter()
        .map(|copy| {
            let (look, word) = match copy.state {
                CopyState::Healthy => (look, "healthy"),
                CopyState::Rebuilding => (Look::Broken, "rebuilding"),
                CopyState::Failed => (Look::Broken, "failed"),
                CopyState::Unknown => (Look::Unknown, "not known"),
            };
            let at = copy.at.as_deref().map(|at| format!(", {at}")).unwrap_or_default();
            let on = copy.node.as_deref().unwrap_or("a node that is not named");
            let label = (copy.state != CopyState::Healthy).then(|| format!("copy {word}"));
            End { key: node(copy.node.as_ref()), look, label, tip: lines(&[format!("copy on {on}: {word}{at}")]) }
        })
        .collect();
    let whole = match &place.holder {
        Holder::Node(on) => Some(node(on.as_ref())).filter(|key| ends.iter().all(|end| end.key != *key)),
        Holder::Copies => ends.is_empty().then_some(Key::Nodes(placed.backend)),
        Holder::Server(server) => Some(Key::Server(server.clone())),
        Holder::Zone(zone) => Some(Key::Zone(named(zone.as_ref()))),
        Holder::Region(region) => Some(Key::Region(named(region.as_ref()))),
        Holder::Unknown => ends.is_empty().then(|| Key::Unknown(placed.driver.clone())),
    };
    let at = place.at.as_deref().unwrap_or_default();
    ends.extend(whole.map(|key| End { key, look, label: None, tip: lines(&[at.to_owned()]) }));
    ends
}

/// The holders of a picture, and what lies there.
#[derive(Default)]
pub(super) struct Ends {
    known: BTreeMap<Key, usize>,
    /// By holder: the disks there, each with the most telling line that leads to it.
    disks: BTreeMap<usize, BTreeMap<String, Look>>,
}

impl Ends {
    /// The box of a holder, made if it is not there.
    pub(super) fn holder(&mut self, graph: &mut Graph, key: Key) -> usize {
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let added = graph.add(Node {
            column: Column::Holder,
            level: Level::Muted,
            lines: vec![line(Role::Title, head(&key))],
            tip: String::new(),
        });
        self.known.insert(key, added);
        added
    }

    /// Notes that a disk lies there.
    pub(super) fn note(&mut self, holder: usize, disk: &str, look: Look) {
        let known = self.disks.entry(holder).or_default().entry(disk.to_owned()).or_insert(look);
        *known = look.max(*known);
    }

    /// Writes into each holder how many disks depend on it.
    pub(super) fn finish(self, graph: &mut Graph) {
        for (key, at) in self.known {
            let Some(holder) = graph.boxes.get_mut(at) else { continue };
            let there = self.disks.get(&at).cloned().unwrap_or_default();
            let (level, text) = sum(&key, &there);
            holder.level = level;
            holder.lines.push(line(Role::Risk, words(level, &text)));
            let mut tip = vec![holder.lines.first().map(super::Line::text).unwrap_or_default()];
            tip.extend(there.keys().take(LISTED).cloned());
            let more = there.len().saturating_sub(LISTED);
            tip.extend((more > 0).then(|| format!("and {more} more")));
            holder.tip = lines(&tip);
        }
    }
}

fn head(key: &Key) -> Vec<Part> {
    match key {
        Key::Node(node) => vec![word("node "), name(node)],
        Key::SomeNode => vec![word("a node that is not named")],
        Key::Nodes(backend) => vec![word("nodes of "), name(backend)],
        Key::Server(server) => vec![word("server "), name(server)],
        Key::Zone(zone) => vec![word("zone "), name(zone)],
        Key::Region(region) => vec![word("region "), name(region)],
        Key::Unknown(driver) => vec![word("unknown, ask "), name(driver)],
    }
}

fn sum(key: &Key, there: &BTreeMap<String, Look>) -> (Level, String) {
    let all = there.len();
    let of = |look: Look| there.values().filter(|known| **known == look).count();
    let (dying, unknown) = (of(Look::WithNode), of(Look::Unknown));
    match key {
        _ if dying > 0 && all == 1 => (Level::WithNode, "its disk dies with it".to_owned()),
        _ if dying > 0 => {
            let verb = if dying == 1 { "dies" } else { "die" };
            (Level::WithNode, format!("{dying} of {} {verb} with it", disks(all)))
        }
        Key::Unknown(_) => (Level::Unknown, "not known where the bytes lie".to_owned()),
        _ if unknown > 0 => (Level::Unknown, format!("{unknown} of {} not known", disks(all))),
        Key::Node(_) | Key::SomeNode if of(Look::Broken) == all => (Level::Muted, "no healthy copy here".to_owned()),
        Key::Node(_) | Key::SomeNode if all == 1 => (Level::Safe, "its disk has other copies".to_owned()),
        Key::Node(_) | Key::SomeNode => (Level::Safe, format!("{} have other copies", disks(all))),
        Key::Nodes(_) => (Level::Safe, format!("{}, copied across nodes", disks(all))),
        Key::Server(_) => (Level::Safe, format!("{}, on no node", disks(all))),
        Key::Zone(_) => (Level::Safe, format!("{}, lost with the zone", disks(all))),
        Key::Region(_) => (Level::Safe, format!("{}, in several zones", disks(all))),
    }
}
