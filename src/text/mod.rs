//! Text: styles that are plain unless asked for, untrusted text made harmless, YAML for every reader.

mod doc;
mod sanitize;
mod secret;
mod style;
mod wrap;
mod yaml;

pub use doc::plain;
pub use sanitize::{sanitize, sanitize_char};
pub use secret::{MASK, has_credentials, is_secret_address, is_secret_key, mentions_secrets, redact, secret_parts};
pub use style::Styles;
pub use wrap::wrap;
pub use yaml::yaml;
