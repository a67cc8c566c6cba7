//! DOT, the language of Graphviz.

use std::fmt::Write as _;

use super::palette::Stroke;
use super::palette::{border, colours, stroke};
use super::{Column, Line, build::build};
use crate::locate::Located;

/// Where the bytes of machines lie, as a graph in DOT.
pub fn dot(machines: &[Located]) -> String {
    let graph = build(machines);
    let mut out = String::from("digraph {\n  rankdir=LR\n  ranksep=0.8\n  nodesep=0.15\n  labelloc=t\n");
    let _ = writeln!(out, "  label={}", quoted(&graph.title));
    out.push_str(
        "  fontname=\"Helvetica,Arial,sans-serif\"\n  node [shape=box fontname=\"Helvetica,Arial,sans-serif\" fontsize=11 \
         fontcolor=\"#1b1f24\"]\n  edge [arrowsize=0.6 fontname=\"Helvetica,Arial,sans-serif\" fontsize=10]\n",
    );
    for column in Column::ALL {
        let _ = writeln!(out, "  {{\n    rank=same\n    node [width={}]", inches(column));
        for (index, node) in graph.boxes.iter().enumerate().filter(|(_, node)| node.column == column) {
            // Each line ends with `\l`: they are set to the left.
            let label: String = node.lines.iter().map(|line| format!("{}\\l", escaped(&Line::text(line)))).collect();
            let line = border(node.level);
            let _ = writeln!(
                out,
                "    n{} [label=\"{label}\" tooltip={} style=\"rounded,filled{}\" fillcolor=\"{}\" color=\"{}\" \
                 penwidth={}]",
                index + 1,
                quoted(&node.tip),
                pattern(&line).map(|name| format!(",{name}")).unwrap_or_default(),
                colours(node.level).light,
                line.colour,
                line.width
            );
        }
        out.push_str("  }\n");
    }
    for edge in &graph.edges {
        let line = stroke(edge.look);
        let _ =
            write!(out, "  n{} -> n{} [color=\"{}\" penwidth={}", edge.from + 1, edge.to + 1, line.colour, line.width);
        if let Some(name) = pattern(&line) {
            let _ = write!(out, " style={name}");
        }
        if let Some(label) = &edge.label {
            let _ = write!(out, " label={}", quoted(label));
        }
        if !edge.tip.is_empty() {
            let _ = write!(out, " tooltip={}", quoted(&edge.tip));
        }
        out.push_str("]\n");
    }
    out.push_str("}\n");
    out
}

/// How wide a box is at least: boxes of a column look best with one width.
const fn inches(column: Column) -> &'static str {
    match column {
        Column::Machine => "2.2",
        Column::Disk => "3",
        Column::Volume => "3.6",
        Column::Holder => "2.6",
    }
}

fn pattern(line: &Stroke) -> Option<&'static str> {
    match line.dashes {
        "" => None,
        "2 3" => Some("dotted"),
        _ => Some("dashed"),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// Text between quotes. Graphviz reads escapes such as `\N` in labels, and entities as HTML has them.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '&' => out.push_str("&amp;"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out
}
