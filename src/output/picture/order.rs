//! In which order boxes stand so that few lines cross: what a layout library finds.

use rust_sugiyama::configure::{Config, CrossingMinimization, RankingType};
use rust_sugiyama::from_vertices_and_edges;

use super::Graph;

/// Beyond so many lines between boxes, exchanging neighbours again and again costs more than it brings.
const SMALL: usize = 600;
/// Beyond so many boxes the library needs seconds, and soon minutes: its time grows with the square. Nobody follows a
/// line through such a picture, so that the order of the machines serves as well.
const LARGE: usize = 2_500;

/// How far down each box wants to be. Parts that are not joined follow each other in the order of the machines.
///
/// The library has no random numbers and goes through no map in the order of its hashes, so that the same picture gives
/// the same order, always.
pub(super) fn order(graph: &Graph, heights: &[f64]) -> Vec<f64> {
    let id = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    if graph.boxes.len() > LARGE {
        return (0..graph.boxes.len()).map(|at| f64::from(id(at))).collect();
    }
    // The library draws from top to bottom; a picture from left to right is that on its side.
    let vertices: Vec<_> = heights.iter().enumerate().map(|(at, height)| (id(at), (*height, 1.0))).collect();
    let edges: Vec<_> = graph.edges.iter().map(|edge| (id(edge.from), id(edge.to))).collect();
    let config = Config {
        // Every line joins neighbouring columns: there is one way to rank a part, and no place for dummies.
        ranking_type: RankingType::MinimizeEdgeLength,
        c_minimization: CrossingMinimization::Barycenter,
        transpose: edges.len() <= SMALL,
        ..Config::default()
    };
    let mut wanted = vec![0.0; heights.len()];
    let mut bottom = 0.0;
    for (mut part, _, _) in from_vertices_and_edges(&vertices, &edges, &config) {
        part.sort_by_key(|(at, _)| *at);
        // Upside down as many lines cross: the way up is the one that is nearer to the order of the machines.
        let turn = if slope(&part) < 0.0 { -1.0 } else { 1.0 };
        let heights = part.iter().map(|(_, (height, _))| turn * height);
        let (top, low) = heights.fold((f64::INFINITY, f64::NEG_INFINITY), |(top, low), y| (top.min(y), low.max(y)));
        for (at, (height, _)) in part {
            wanted[at] = bottom + turn * height - top;
        }
        bottom += low - top + 1.0;
    }
    wanted
}

/// Whether later boxes stand lower (positive) or higher (negative).
fn slope(part: &[(usize, (f64, f64))]) -> f64 {
    let count = (0..part.len()).map(|_| 1.0).sum::<f64>();
    let mean = part.iter().map(|(_, (height, _))| height).sum::<f64>() / count;
    (0u32..).zip(part).map(|(at, (_, (height, _)))| (f64::from(at) - (count - 1.0) / 2.0) * (height - mean)).sum()
}
