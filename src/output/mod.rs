//! Manifests as text: one file per format, values in, text out.

pub mod json;
pub mod name;
pub mod path;
pub mod yaml;
