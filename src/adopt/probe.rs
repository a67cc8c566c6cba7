//! What a few fields would be rendered as: the rules of a Wukong are asked, not repeated.

use super::file::{Field, field, map, write};
use crate::machine::Options;
use crate::render::{self, Manifest};
use crate::spec::{API_VERSION, KIND};
use crate::{Input, Loaded, load};

/// The name under which the file is read.
pub(super) const FILE: &str = "adopted.yaml";

/// Reads a text as a file.
pub(super) fn read(text: &str) -> Loaded {
    load(vec![Input::new(FILE, text)], &Options::default())
}

/// The head of a file.
pub(super) fn head(metadata: Vec<Field>, spec: Vec<Field>) -> Vec<Field> {
    vec![field("apiVersion", API_VERSION), field("kind", KIND), map("metadata", metadata), map("spec", spec)]
}

/// The objects of a machine that has these fields and the least of all others; none if it is no machine.
fn rendered(metadata: Vec<Field>, spec: Vec<Field>) -> Vec<Manifest> {
    let mut all = vec![field("cpu", 1), field("memory", "1Gi")];
    all.extend(spec);
    let loaded = read(&write(&head(metadata, all)));
    loaded.machines.first().map(|machine| render::render(machine, &Options::default())).unwrap_or_default()
}

/// The same for a machine of this name, namespace and labels.
pub(super) fn render(name: &str, namespace: &str, labels: &[Field], spec: Vec<Field>) -> Vec<Manifest> {
    let metadata = vec![field("name", name), field("namespace", namespace), map("labels", labels.to_vec())];
    rendered(metadata, spec)
}
