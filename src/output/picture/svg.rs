//! SVG: one file without scripts and without anything from elsewhere. Text can be selected, and a tip on each box says
//! what did not fit.

use std::fmt::Write as _;

use super::fit::{fit, width, wrapped};
use super::layout::{Area, Layout, WIDTH, column, layout, line_height, text_height};
use super::palette::{border, colours, stroke};
use super::risk::Level;
use super::{Column, Edge, Graph, Line, Look, Node, Part, Role, build::build};
use crate::locate::Located;

const MARGIN: f64 = 20.0;
/// The size of the text in a box, in pixels.
const SIZE: f64 = 12.0;
/// The space beside the text in a box; the mark of its level is in it.
const BESIDE: f64 = 12.0;

/// Where the bytes of machines lie, as one SVG picture.
pub fn svg(machines: &[Located]) -> String {
    let graph = build(machines);
    let layout = layout(&graph);
    let mut head = String::new();
    let top = header(&graph, &mut head);
    let bottom = if graph.boxes.is_empty() { top } else { top + layout.height };
    let height = (bottom + MARGIN).ceil();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"wukong\" role=\"img\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\">\n"
    );
    let _ = writeln!(out, "<title>{}</title>\n<desc>{}</desc>", xml(&graph.title), xml(&summary(&graph)));
    let _ = writeln!(out, "<style>\n{}</style>", style());
    let _ = writeln!(out, "<rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\"/>");
    out.push_str(&head);
    let _ = writeln!(out, "<g transform=\"translate(0 {top})\">");
    edges(&graph, &layout, &mut out);
    for (node, area) in graph.boxes.iter().zip(&layout.areas) {
        draw(node, *area, &mut out);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// What the picture says, for those who hear it.
fn summary(graph: &Graph) -> String {
    let counts = &graph.counts;
    let mut all = vec![format!(
        "{} with lasting data: {} would be lost with one node, {} with the VirtualMachine, of {} it is not known, {} \
         would survive a node.",
        super::build::disks(counts.disks),
        counts.with_node,
        counts.with_vm,
        counts.unknown,
        counts.safe
    )];
    all.extend(graph.notes.iter().cloned());
    all.join(" ")
}

/// Title, notes, legend and the heads of the columns; returns where the columns begin.
fn header(graph: &Graph, out: &mut String) -> f64 {
    let room = WIDTH - 2.0 * MARGIN;
    let title = fit(&[Part::Name(graph.title.clone())], 19.0, room, |_| true).concat();
    let mut y = 36.0;
    let _ = writeln!(out, "<text class=\"h\" x=\"{MARGIN}\" y=\"{y}\">{}</text>", xml(&title));
    for note in graph.notes.iter().flat_map(|note| wrapped(note, 13.0, room)) {
        y += 20.0;
        let _ = writeln!(out, "<text class=\"p\" x=\"{MARGIN}\" y=\"{y}\">{}</text>", xml(&note));
    }
    y += 28.0;
    let mut x = MARGIN;
    for (look, text) in legend(graph) {
        let wide = 44.0 + width(&text, SIZE, false);
        if x + wide > WIDTH - MARGIN {
            (x, y) = (MARGIN, y + 22.0);
        }
        let _ = writeln!(
            out,
            "<path class=\"e {}\" d=\"M{x} {}h30\"/><text class=\"s\" x=\"{}\" y=\"{y}\">{}</text>",
            class(look),
            y - 4.0,
            x + 37.0,
            xml(&text)
        );
        x += wide + 14.0;
    }
    if graph.boxes.is_empty() {
        return y;
    }
    y += 34.0;
    for each in Column::ALL {
        let _ = writeln!(out, "<text class=\"c\" x=\"{}\" y=\"{y}\">{}</text>", column(each).0, each.title());
    }
    y + 12.0
}

/// What the lines mean, and how many disks they concern.
fn legend(graph: &Graph) -> Vec<(Look, String)> {
    let counts = &graph.counts;
    let all = [
        (Look::WithNode, format!("{} dies with one node: {}", Level::WithNode.sign(), counts.with_node)),
        (Look::WithVm, format!("{} dies with its VM: {}", Level::WithVm.sign(), counts.with_vm)),
        (Look::Unknown, format!("{} not known: {}", Level::Unknown.sign(), counts.unknown)),
        (Look::Safe, format!("{} survives a node: {}", Level::Safe.sign(), counts.safe)),
        (Look::Broken, "copy failed or rebuilding".to_owned()),
        (Look::Muted, format!("{} nothing that lasts or is seen", Level::Muted.sign())),
    ];
    all.into_iter().filter(|(look, _)| graph.edges.iter().any(|edge| edge.look == *look)).collect()
}

fn edges(graph: &Graph, layout: &Layout, out: &mut String) {
    // What is at risk is drawn last, above the rest.
    let mut order: Vec<_> = graph.edges.iter().zip(&layout.lines).collect();
    order.sort_by_key(|(edge, _)| edge.look);
    let mut labels = String::new();
    for (edge, ((x1, y1), (x2, y2))) in order {
        let bend = f64::midpoint(*x1, *x2);
        let _ = writeln!(
            out,
            "<path class=\"e {}\" d=\"M{x1} {y1:.1}C{bend} {y1:.1} {bend} {y2:.1} {x2} {y2:.1}\">{}</path>",
            class(edge.look),
            tip(&told(graph, edge))
        );
        if let Some(label) = &edge.label {
            // In the middle of the space between the columns, and late on the line, where those of one volume are apart.
            let (x, y) = (bend, y1 + (y2 - y1) * 0.62);
            let _ = writeln!(labels, "<text class=\"l\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>", y + 4.0, xml(label));
        }
    }
    out.push_str(&labels);
}

/// Both ends of a line and what is known of it.
fn told(graph: &Graph, edge: &Edge) -> String {
    let named = |at: usize| graph.boxes.get(at).and_then(|node| node.lines.first()).map(Line::text).unwrap_or_default();
    let ends = format!("{} → {}", named(edge.from), named(edge.to));
    if edge.tip.is_empty() { ends } else { format!("{ends}\n{}", edge.tip) }
}

fn draw(node: &Node, area: Area, out: &mut String) {
    let Area { x, y, width, height } = area;
    let level = level(node.level);
    let _ = writeln!(
        out,
        "<g>{}<rect class=\"b {level}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\
         <rect class=\"m {level}\" x=\"{}\" y=\"{}\" width=\"4\" height=\"{}\" rx=\"2\"/>",
        tip(&node.tip),
        x + 4.0,
        y + 5.0,
        height - 10.0
    );
    let mut base = y + (height - text_height(node)) / 2.0 - 4.5;
    for line in &node.lines {
        base += line_height(line.role);
        let class = match line.role {
            Role::Title => "t",
            Role::Sub => "s",
            Role::Risk => "r",
        };
        let _ = write!(out, "<text class=\"{class}\" x=\"{}\" y=\"{base}\">", x + BESIDE + 2.0);
        for (at, piece) in inside(node, line).iter().enumerate() {
            if is_bold(line, at) {
                let _ = write!(out, "<tspan class=\"n\">{}</tspan>", xml(piece));
            } else {
                out.push_str(&xml(piece));
            }
        }
        out.push_str("</text>\n");
    }
    out.push_str("</g>\n");
}

/// A line of a box, piece by piece, as much as there is room for.
pub(super) fn inside(node: &Node, line: &Line) -> Vec<String> {
    let (_, width) = column(node.column);
    fit(&line.parts, SIZE, width - 2.0 * BESIDE - 2.0, |at| is_bold(line, at))
}

/// The first name of a title is bold; what stands beside it, such as a size, is not.
fn is_bold(line: &Line, at: usize) -> bool {
    line.role == Role::Title && line.parts.iter().position(|part| matches!(part, Part::Name(_))) == Some(at)
}

fn tip(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<title>{}</title>", xml(text)) }
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Muted => "muted",
        Level::Safe => "safe",
        Level::Unknown => "unknown",
        Level::WithVm => "vm",
        Level::WithNode => "node",
    }
}

const fn class(look: Look) -> &'static str {
    match look {
        Look::Muted => "muted",
        Look::Broken => "broken",
        Look::Plain => "plain",
        Look::Safe => "safe",
        Look::Unknown => "unknown",
        Look::WithVm => "vm",
        Look::WithNode => "node",
    }
}

/// Plain classes: many programs that draw SVG know no variables, and those leave out the part for dark screens too.
fn style() -> String {
    let mut css = String::from(
        ".wukong text{font:12px system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",\"Noto Sans\",Arial,\
         \"DejaVu Sans\",sans-serif;font-variant-emoji:text;fill:#1b1f24}\n\
         .wukong .page{fill:#fff}\n\
         .wukong .h{font-size:19px;font-weight:bold}\n\
         .wukong .p{font-size:13px}\n\
         .wukong .c{font-weight:bold;fill:#57606a}\n\
         .wukong .n{font-weight:bold}\n\
         .wukong .s{fill:#57606a}\n\
         .wukong .l{text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:5px;stroke-linejoin:round}\n\
         .wukong .e{fill:none}\n",
    );
    for level in Level::ALL {
        let (name, of, line) = (self::level(level), colours(level), border(level));
        let _ = write!(css, ".wukong .b.{name}{{fill:{};stroke:{};stroke-width:{}", of.light, line.colour, line.width);
        close(&mut css, line.dashes);
        let _ = writeln!(css, ".wukong .m.{name}{{fill:{}}}", of.strong);
    }
    let looks = [Look::Muted, Look::Broken, Look::Plain, Look::Safe, Look::Unknown, Look::WithVm, Look::WithNode];
    for look in looks {
        let line = stroke(look);
        let _ = write!(css, ".wukong .e.{}{{stroke:{};stroke-width:{}", class(look), line.colour, line.width);
        close(&mut css, line.dashes);
    }
    css.push_str(
        "@media (prefers-color-scheme:dark){\n.wukong text{fill:#e6edf3}\n.wukong .page{fill:#14171c}\n\
         .wukong .c,.wukong .s{fill:#a3aebb}\n.wukong .l{stroke:#14171c}\n",
    );
    for level in Level::ALL {
        let _ = writeln!(css, ".wukong .b.{}{{fill:{}}}", self::level(level), colours(level).dark);
    }
    css.push_str("}\n");
    css
}

fn close(css: &mut String, dashes: &str) {
    if !dashes.is_empty() {
        let _ = write!(css, ";stroke-dasharray:{dashes}");
    }
    css.push_str("}\n");
}

/// Text for XML. Sanitised text has no control characters but our line breaks; two more characters may not be in XML.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
