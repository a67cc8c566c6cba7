//! The renderer inside other programs: text in, the same text out with manifests in place of Wukongs.
//!
//! Two forms of text are exchanged. kustomize, kpt and others of the KRM functions specification hand over a
//! `ResourceList`; Helm hands a stream of manifests to a post-renderer. What is not a Wukong stays as it was written.
//! Source of the first: kustomize, cmd/config/docs/api-conventions/functions-spec.md.

mod edit;
mod list;
mod place;
mod result;
mod rewrite;
mod settings;
mod stream;
mod work;

pub use list::resource_list;
pub use settings::{Secrets, Settings};
pub use stream::stream;

use crate::Report;
use crate::source::SourceMap;

/// What became of a text.
#[derive(Debug)]
pub struct Done {
    /// The text to hand back. A list with errors comes back with the items it came with, and with the errors as
    /// results. Nothing where the text could not be read, or is a stream with errors.
    pub text: Option<String>,
    /// Every problem.
    pub report: Report,
    /// The text, to show where a problem is.
    pub sources: SourceMap,
}
