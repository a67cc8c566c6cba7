//! Mermaid, which GitHub, GitLab and many notebooks draw.

use std::fmt::Write as _;

use super::palette::{border, colours, stroke};
use super::risk::Level;
use super::{Column, Line, Look, build::build};
use crate::locate::Located;

/// So many lines Mermaid draws; only whoever starts it may raise that.
const MOST: usize = 500;

/// Where the bytes of machines lie, as a flowchart in Mermaid.
pub fn mermaid(machines: &[Located]) -> String {
    let graph = build(machines);
    let mut out = String::from("flowchart LR\n");
    if graph.edges.len() > MOST {
        let _ = writeln!(out, "  %% {} lines: Mermaid draws {MOST} unless its maxEdges is raised", graph.edges.len());
    }
    for column in Column::ALL {
        for (index, node) in graph.boxes.iter().enumerate().filter(|(_, node)| node.column == column) {
            let label: Vec<_> = node.lines.iter().map(|line| escaped(&Line::text(line))).collect();
            let _ = writeln!(out, "  n{}[\"{}\"]:::{}", index + 1, label.join("<br/>"), class(node.level));
        }
    }
    for edge in &graph.edges {
        let arrow = match edge.look {
            Look::WithNode => "==>",
            Look::Broken | Look::Unknown | Look::WithVm => "-.->",
            Look::Muted => "---",
            Look::Plain | Look::Safe => "-->",
        };
        let label = edge.label.as_ref().map(|label| format!("|\"{}\"|", escaped(label))).unwrap_or_default();
        let _ = writeln!(out, "  n{} {arrow}{label} n{}", edge.from + 1, edge.to + 1);
    }
    for level in Level::ALL {
        let line = border(level);
        let _ = write!(
            out,
            "  classDef {} fill:{},stroke:{},stroke-width:{}px,color:#1b1f24,text-align:left",
            class(level),
            colours(level).light,
            line.colour,
            line.width
        );
        out.push_str(&dashes(line.dashes));
    }
    let looks = [Look::Muted, Look::Broken, Look::Plain, Look::Safe, Look::Unknown, Look::WithVm, Look::WithNode];
    for look in looks {
        let these = graph.edges.iter().enumerate().filter(|(_, edge)| edge.look == look);
        let these: Vec<_> = these.map(|(index, _)| index.to_string()).collect();
        if !these.is_empty() {
            let line = stroke(look);
            let _ = write!(out, "  linkStyle {} stroke:{},stroke-width:{}px", these.join(","), line.colour, line.width);
            out.push_str(&dashes(line.dashes));
        }
    }
    out
}

fn dashes(dashes: &str) -> String {
    if dashes.is_empty() { "\n".to_owned() } else { format!(",stroke-dasharray:{dashes}\n") }
}

const fn class(level: Level) -> &'static str {
    match level {
        Level::Muted => "muted",
        Level::Safe => "safe",
        Level::Unknown => "unknown",
        Level::WithVm => "withVm",
        Level::WithNode => "withNode",
    }
}

/// Text between quotes. Besides quotes Mermaid looks for entities, comments, directives, Markdown and HTML in it, some of
/// them before it reads the grammar: whatever is not a letter, a digit or harmless is written as an entity.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && !" .,-/_?".contains(c) {
            let _ = write!(out, "#{};", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}
