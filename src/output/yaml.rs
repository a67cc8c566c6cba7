//! A stream of YAML documents.

use crate::render::Manifest;
use crate::text::yaml;

/// One manifest as a document of a stream, with the line that says what it is for.
pub fn manifest(manifest: &Manifest) -> String {
    format!("---\n# {}\n{}", manifest.purpose, yaml(&manifest.object))
}
