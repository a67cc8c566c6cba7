//! Text: styles that are plain unless asked for, untrusted text made harmless, what looks like a secret, commands to
//! type, YAML for every reader.

mod doc;
mod sanitize;
mod secret;
mod shell;
mod style;
mod width;
mod wrap;
mod yaml;

pub(crate) use doc::plain;
pub use sanitize::sanitize;
pub(crate) use sanitize::sanitize_char;
pub(crate) use secret::{
    MASK, has_credentials, is_secret_address, is_secret_key, mentions_secrets, redact, secret_parts,
};
pub(crate) use shell::{command_line, word};
pub use style::Styles;
pub use width::Width;
pub(crate) use wrap::{fold, wrap};
pub use yaml::yaml;
