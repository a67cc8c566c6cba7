//! Which documents of a file are Wukongs, and which are something else.

use super::decode::{Cx, Decode, closest};
use super::wukong::{API_VERSION, GROUP, KIND, Wukong};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::{Document, Located, Node, Span, documents};

/// What one text holds.
#[derive(Debug, Default)]
pub struct Content {
    /// The machines that could be read.
    pub machines: Vec<Located<Wukong>>,
    /// Documents of another kind.
    pub others: Vec<Other>,
}

/// A document that is not a Wukong.
#[derive(Debug)]
pub struct Other {
    /// Its kind.
    pub kind: String,
    /// Its content.
    pub root: Node,
    /// Where it stands, from the first to the last byte.
    pub span: Span,
}

/// Reads every document of one file. Problems go to the report.
pub fn read(file: u32, text: &str, report: &mut Report) -> Content {
    let mut content = Content::default();
    for document in documents(file, text, report) {
        sort(document, &mut content, report);
    }
    content
}

fn sort(document: Document, content: &mut Content, report: &mut Report) {
    let Document { root, span } = document;
    let kind = root.get("kind").and_then(Node::as_str).map(str::to_owned);
    let version = root.get("apiVersion").and_then(Node::as_str).unwrap_or_default().to_owned();
    let ours = version.split('/').next() == Some(GROUP);
    match kind {
        Some(kind) if kind == "List" || (ours && kind == "WukongList") => {
            let items = root.get("items").and_then(Node::items).unwrap_or_default().to_vec();
            for root in items {
                let span = root.span;
                sort(Document { root, span }, content, report);
            }
        }
        Some(kind) if ours || kind == KIND => {
            if let Some(problem) = unknown_version(&root, &version, &kind) {
                report.push(problem);
            } else if let Some(machine) = Wukong::decode(&root, &mut Cx::new(report)) {
                content.machines.push(Located::new(machine, span));
            }
        }
        Some(kind) => content.others.push(Other { kind, root, span }),
        None => report.push(no_kind(&root, span)),
    }
}

fn no_kind(root: &Node, span: Span) -> Diagnostic {
    let start = Span { end: span.start + 1, ..span };
    let message = match root.as_str() {
        Some(_) => "the document is text, not a mapping",
        None => "the document has no `kind`",
    };
    Diagnostic::new(Code::MissingField, start, message)
        .help(format!("a machine starts with `apiVersion: {API_VERSION}` and `kind: {KIND}`"))
}

fn unknown_version(root: &Node, version: &str, kind: &str) -> Option<Diagnostic> {
    if version == API_VERSION && kind == KIND {
        return None;
    }
    let (key, wanted) = if version == API_VERSION { ("kind", KIND) } else { ("apiVersion", API_VERSION) };
    let span = root.entry(key).map_or(root.span, |entry| entry.value.span);
    let message = match root.get(key) {
        Some(_) => format!("there is no {key} `{}` in this group", if key == "kind" { kind } else { version }),
        None => format!("the document has no `{key}`"),
    };
    let near = closest(kind, [KIND].into_iter()).is_some() || key == "apiVersion";
    Some(Diagnostic::new(Code::UnknownVersion, span, message).help(if near {
        format!("write `{key}: {wanted}`")
    } else {
        format!("the only kind here is `{KIND}`")
    }))
}
