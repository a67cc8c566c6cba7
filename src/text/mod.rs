//! Text: styles that are plain unless asked for, untrusted text made harmless, YAML for every reader.

mod doc;
mod sanitize;
mod style;
mod yaml;

pub use doc::plain;
pub use sanitize::{sanitize, sanitize_char};
pub use style::Styles;
pub use yaml::yaml;
