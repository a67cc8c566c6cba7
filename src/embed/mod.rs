//! The library for other languages: texts in, one JSON text out. The C library (`src/capi`) and the page stand on these
//! functions.
//!
//! | text | what it is |
//! |---|---|
//! | `file` | Wukong documents, YAML or JSON, as they stand in a file |
//! | `facts` | what a cluster has: a document of kind `WukongFacts`, as `status --save-facts` writes it |
//! | `options` | one mapping, YAML or JSON, with the fields that the function names; empty for none |
//!
//! Every function is pure: equal texts give equal answers, and nothing is read, kept or written. None panics, whatever
//! the texts are; one that is larger than [`MAX_BYTES`] is refused. Passwords, hashes and credentials in addresses are in
//! no message, only in what [`render`] makes of a file.
//!
//! # Errors
//! An answer whose [`Status`] is not [`Status::Done`] is `{"error": {"status", "message", "help", "problems"}}`: what
//! happened, what to do instead, and for texts that cannot be read each problem with `code`, `severity`, `message`,
//! `help`, `file`, `line`, `column`, `endLine` and `endColumn`, as `validate -o json` prints it. Lines and columns count
//! from one, columns in characters.

mod answer;
mod file;
mod forecast;
mod given;
mod look;
mod movement;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Status};
pub use file::{plan, render, validate};
pub use look::{locate, status};
pub use movement::migrate_plan;

use given::Given;

/// The most bytes of one text. A file has at most half of it: see [`crate::source::MAX_FILE_BYTES`].
pub const MAX_BYTES: usize = 2 * crate::source::MAX_FILE_BYTES;

/// `{"version": "0.1.0"}`: the version of this library.
pub fn version() -> Answer {
    Answer::done(&serde_json::json!({"version": env!("CARGO_PKG_VERSION")}))
}

/// The JSON Schema of a Wukong file, as `schema` prints it.
///
/// | option | |
/// |---|---|
/// | `crd` | `true`: a CustomResourceDefinition instead, as `schema --crd` prints it, in JSON |
pub fn schema(options: &str) -> Answer {
    let read = || {
        let mut given = Given::read(options)?;
        let crd = given.is("crd")?;
        given.end()?;
        Ok(if crd { crate::spec::crd() } else { crate::spec::json_schema() })
    };
    Answer::of(read())
}
