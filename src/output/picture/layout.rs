//! Where boxes stand: fixed columns, as what they mean is; the disks of a machine below each other, and everything else
//! as near as possible to what it is joined with, in an order in which few lines cross.

use super::order::order;
use super::{Column, Graph, Look, Node, Role};

/// The space between two boxes of a column.
const SPACE: f64 = 10.0;
/// What is added to it between the disks of two machines.
const BETWEEN: f64 = 6.0;
/// The space above the first and below the last line of a box.
const PAD: f64 = 7.0;
/// The space that a line needs where it meets a box on which many end.
const PORT: f64 = 6.0;

/// A box on the page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Where everything stands; y counts from the top of the columns.
pub(super) struct Layout {
    /// Box by box.
    pub(super) areas: Vec<Area>,
    /// Line by line: from where to where.
    pub(super) lines: Vec<((f64, f64), (f64, f64))>,
    /// The lowest point.
    pub(super) height: f64,
}

/// The left edge and the width of a column.
pub(super) const fn column(column: Column) -> (f64, f64) {
    match column {
        Column::Machine => (20.0, 210.0),
        Column::Disk => (280.0, 272.0),
        Column::Volume => (600.0, 278.0),
        Column::Holder => (980.0, 240.0),
    }
}

/// The width of a picture: that of the columns and of the page's edges.
pub(super) const WIDTH: f64 = 1240.0;

/// The height of a line of a box.
pub(super) const fn line_height(role: Role) -> f64 {
    match role {
        Role::Title => 18.0,
        Role::Sub | Role::Risk => 16.0,
    }
}

/// The height of the text of a box.
pub(super) fn text_height(node: &Node) -> f64 {
    node.lines.iter().map(|line| line_height(line.role)).sum()
}

/// Places a picture's boxes and lines. The same picture is placed the same way, always.
pub(super) fn layout(graph: &Graph) -> Layout {
    let mut incoming = vec![0; graph.boxes.len()];
    for edge in &graph.edges {
        incoming[edge.to] += 1;
    }
    let heights: Vec<_> = graph
        .boxes
        .iter()
        .zip(&incoming)
        .map(|(node, lines)| text_height(node).max(float(*lines) * PORT) + 2.0 * PAD)
        .collect();
    let tops = tops(graph, &heights, &order(graph, &heights));
    let area = |((node, y), height): ((&Node, f64), f64)| {
        let (x, width) = column(node.column);
        Area { x, y, width, height }
    };
    let areas: Vec<_> = graph.boxes.iter().zip(tops).zip(heights).map(area).collect();
    let height = areas.iter().map(|area| area.y + area.height).fold(0.0, f64::max);
    Layout { lines: lines(graph, &areas, &incoming), areas, height }
}

/// The upper edges of all boxes.
fn tops(graph: &Graph, heights: &[f64], wanted: &[f64]) -> Vec<f64> {
    let of = |column: Column| (0..heights.len()).filter(move |at| graph.boxes[*at].column == column);
    let mut joined = vec![Vec::new(); heights.len()];
    for edge in &graph.edges {
        joined[edge.to].push(edge.from);
        // A machine stands beside its disks; all others beside what leads to them.
        if graph.boxes[edge.to].column == Column::Disk {
            joined[edge.from].push(edge.to);
        }
    }
    let mut tops = vec![0.0; heights.len()];
    let mut machines: Vec<_> = of(Column::Machine)
        .map(|at| (mean(joined[at].iter().map(|disk| wanted[*disk])).unwrap_or(wanted[at]), at))
        .collect();
    machines.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    let mut free = 0.0;
    for (_, machine) in machines {
        let mut disks = joined[machine].clone();
        disks.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]).then(a.cmp(b)));
        let start = free;
        for disk in disks {
            tops[disk] = free;
            free += heights[disk] + SPACE;
        }
        free = f64::max(free, start + heights[machine] + SPACE);
        tops[machine] = ((start + free - SPACE - heights[machine]) / 2.0).round();
        free += BETWEEN;
    }
    for column in [Column::Volume, Column::Holder] {
        let middle = |at: &usize| tops[*at] + heights[*at] / 2.0;
        let mut near: Vec<_> =
            of(column).map(|at| (mean(joined[at].iter().map(middle)).unwrap_or(0.0) - heights[at] / 2.0, at)).collect();
        near.sort_by(|one, other| {
            middle_of(one, heights).total_cmp(&middle_of(other, heights)).then(one.1.cmp(&other.1))
        });
        for (top, at) in apart(&near, heights) {
            tops[at] = top;
        }
    }
    tops
}

fn middle_of((top, at): &(f64, usize), heights: &[f64]) -> f64 {
    top + heights[*at] / 2.0
}

/// Moves boxes of a column, each with the place that it would like best, as little as possible until none touches the
/// next: regression under the condition of an order, by pooling neighbours that violate it.
fn apart(near: &[(f64, usize)], heights: &[f64]) -> Vec<(f64, usize)> {
    // Pools: the sum of what is wanted, and how many want it. Without the heights before it all would share one place.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    let mut before = 0.0;
    for (top, at) in near {
        pools.push((top - before, 1));
        before += heights[*at] + SPACE;
        while let [.., (above, many), (below, few)] = pools[..]
            && above / float(many) > below / float(few)
        {
            pools.pop();
            pools.pop();
            pools.push((above + below, many + few));
        }
    }
    let mut before = 0.0;
    let starts = pools.iter().flat_map(|(sum, count)| std::iter::repeat_n(sum / float(*count), *count));
    near.iter()
        .zip(starts)
        .map(|((_, at), start)| {
            let top = (f64::max(start, 0.0) + before).round();
            before += heights[*at] + SPACE;
            (top, *at)
        })
        .collect()
}

/// Lines leave a box at its middle. Where several end on one, each has a place of its own, in the order in which they
/// come.
fn lines(graph: &Graph, areas: &[Area], incoming: &[usize]) -> Vec<((f64, f64), (f64, f64))> {
    let middle = |at: usize| areas[at].y + areas[at].height / 2.0;
    let mut order: Vec<_> = (0..graph.edges.len()).collect();
    order.sort_by(|a, b| {
        let (one, other) = (&graph.edges[*a], &graph.edges[*b]);
        middle(one.from).total_cmp(&middle(other.from)).then(a.cmp(b))
    });
    let mut met = vec![0; areas.len()];
    let mut lines = vec![((0.0, 0.0), (0.0, 0.0)); graph.edges.len()];
    for at in order {
        let edge = &graph.edges[at];
        let (from, to) = (&areas[edge.from], &areas[edge.to]);
        let all = float(incoming[edge.to]);
        let step = ((to.height - 2.0 * PAD) / all).min(3.0 * PORT);
        let port = middle(edge.to) + (float(met[edge.to]) + 0.5 - all / 2.0) * step;
        met[edge.to] += 1;
        // A thick border stands out of its box by half.
        let end = if edge.look == Look::Plain { to.x } else { to.x - 1.0 };
        lines[at] = ((from.x + from.width, middle(edge.from)), (end, port));
    }
    lines
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / float(count))
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
