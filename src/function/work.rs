//! The Wukongs of a text, read and checked: each alone and all against each other.

use super::Settings;
use crate::diagnostic::Report;
use crate::machine::{Machine, check_fleet};
use crate::render::Manifest;
use crate::source::Node;
use crate::spec::read;

/// The Wukongs of a text, each with the place that it came from.
#[derive(Debug)]
pub(super) struct Work<P> {
    machines: Vec<Machine>,
    places: Vec<P>,
}

impl<P> Work<P> {
    pub(super) const fn new() -> Self {
        Self { machines: Vec::new(), places: Vec::new() }
    }

    /// Reads a Wukong and checks it alone. Problems go to the report.
    pub(super) fn add(&mut self, node: &Node, place: P, settings: &Settings, report: &mut Report) {
        let Some((wukong, whole)) = read(node, node.span, report) else { return };
        if let Some((machine, _)) = crate::check(&wukong, whole, &settings.options, report) {
            self.machines.push(machine);
            self.places.push(place);
        }
    }

    /// Checks all against each other and renders them; nothing if there is any error.
    pub(super) fn render(self, settings: &Settings, report: &mut Report) -> Option<Vec<(P, Vec<Manifest>)>> {
        check_fleet(&self.machines, report);
        if !report.is_valid() {
            return None;
        }
        let manifests = self.machines.iter().map(|machine| settings.manifests(machine));
        Some(self.places.into_iter().zip(manifests).collect())
    }
}
