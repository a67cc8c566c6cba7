//! Pictures of where bytes lie: machines, disks, volumes and what holds them, from left to right, as Mermaid, DOT and
//! SVG. What is drawn is decided once, in `build`; the formats only write it down.

mod build;
mod dot;
mod ends;
mod fit;
mod layout;
mod mermaid;
mod order;
mod palette;
mod risk;
mod svg;

pub use dot::dot;
pub use mermaid::mermaid;
pub use svg::svg;

use std::collections::HashMap;

use risk::Level;

/// A picture before it has a format. All text in it is harmless to a terminal, and not yet escaped for any format.
#[derive(Default)]
struct Graph {
    /// What it shows, in one line.
    title: String,
    /// What to do first, and what could not be read.
    notes: Vec<String>,
    /// How many disks are how badly off.
    counts: Counts,
    boxes: Vec<Node>,
    edges: Vec<Edge>,
    /// Which edge joins two boxes.
    joined: HashMap<(usize, usize), usize>,
}

/// How many disks with lasting data there are, and how they are. One may die both with its node and with its VM.
#[derive(Default)]
struct Counts {
    disks: usize,
    with_node: usize,
    with_vm: usize,
    unknown: usize,
    safe: usize,
}

/// The columns, from left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Machine,
    Disk,
    Volume,
    Holder,
}

impl Column {
    const ALL: [Self; 4] = [Self::Machine, Self::Disk, Self::Volume, Self::Holder];

    const fn title(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Disk => "disk and claim",
            Self::Volume => "volume",
            Self::Holder => "where the bytes lie",
        }
    }
}

/// A box.
struct Node {
    column: Column,
    level: Level,
    lines: Vec<Line>,
    /// All that is known, in lines of their own.
    tip: String,
}

/// A line of a box.
struct Line {
    role: Role,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// What it is called.
    Title,
    /// What else there is to say.
    Sub,
    /// How it is, with a sign before it.
    Risk,
}

/// A piece of a line: our own words stay whole, names may be shortened.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Word(String),
    Name(String),
}

impl Part {
    fn text(&self) -> &str {
        match self {
            Self::Word(text) | Self::Name(text) => text,
        }
    }
}

impl Line {
    /// The whole line, nothing shortened.
    fn text(&self) -> String {
        self.parts.iter().map(Part::text).collect()
    }
}

/// A line between two boxes of neighbouring columns.
struct Edge {
    from: usize,
    to: usize,
    look: Look,
    label: Option<String>,
    tip: String,
}

/// How a line between boxes is drawn, the most telling last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    /// To something that holds nothing that lasts, or where the way ends.
    Muted,
    /// A copy that is of no use now.
    Broken,
    /// A machine has a disk.
    Plain,
    Safe,
    Unknown,
    WithVm,
    WithNode,
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
