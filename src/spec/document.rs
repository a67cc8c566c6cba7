//! Which documents of a file are Wukongs, and which are something else.

use super::decode::{Cx, Decode};
use super::wukong::{API_VERSION, GROUP, KIND, Wukong};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::{Document, Documents, Entry, Kind, Located, Node, SourceMap, Span};

/// A document that could be read.
#[derive(Debug)]
pub enum Found {
    /// A machine, and whether all of it could be read.
    Machine(Box<Located<Wukong>>, bool),
    /// Something else.
    Other(Other),
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
    /// Whether it is an item of a List.
    nested: bool,
}

impl Other {
    /// The document as it was written; `None` for an item of a List, which cannot stand alone.
    pub fn text<'s>(&self, sources: &'s SourceMap) -> Option<&'s str> {
        // The first key may be indented, and then all others are as well.
        let (_, line) = sources.line(self.span);
        let start = Span { start: u32::try_from(line).ok()?, ..self.span };
        let before = sources.slice(Span { end: self.span.start, ..start });
        (!self.nested && before.trim().is_empty()).then(|| sources.slice(start))
    }
}

/// The documents of one file, one at a time; the items of a List count as documents.
pub struct Reader<'t> {
    documents: Documents<'t>,
    /// Items of the last List, the next one at the end.
    items: Vec<Node>,
    others_wanted: bool,
}

impl<'t> Reader<'t> {
    /// Starts at the beginning of a file. Where documents of another kind are wanted, what is no object is left out.
    pub fn new(file: u32, text: &'t str, others_wanted: bool) -> Self {
        Self { documents: Documents::new(file, text), items: Vec::new(), others_wanted }
    }

    /// The next document that could be read. Problems go to the report.
    pub fn next(&mut self, report: &mut Report) -> Option<Found> {
        loop {
            let item = self.items.pop();
            let nested = item.is_some();
            let Document { root, span } = match item {
                Some(root) => Document { span: root.span, root },
                None => self.documents.next(report)?,
            };
            let Some(kind) = root.get("kind").and_then(Node::as_str).map(str::to_owned) else {
                let left_out = self.others_wanted && is_no_object(&root);
                report.push(if left_out { no_object(span) } else { no_kind(&root, span) });
                continue;
            };
            if let Some(items) = list_items(&root) {
                self.items.extend(items.iter().rev().cloned());
            } else if !is_ours(&root) {
                // A Secret on one line would be shown whole beside its `kind`.
                report.hide(span);
                if let Some(problem) = misplaced(&root) {
                    report.push(problem);
                    continue;
                }
                return Some(Found::Other(Other { kind, root, span, nested }));
            } else if let Some((machine, whole)) = read(&root, span, report) {
                return Some(Found::Machine(Box::new(machine), whole));
            }
        }
    }
}

/// The items of a List. That of another group may be an object of its own, with more than its items.
fn list_items(root: &Node) -> Option<&[Node]> {
    let text = |key: &str| root.get(key).and_then(Node::as_str).unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    let items = root.get("items").and_then(Node::items)?;
    let plain = kind == "List" && ["", "v1"].contains(&version);
    let with_ours = || is_our_group(version) || items.iter().any(is_ours);
    (plain || kind.ends_with("List") && with_ours()).then_some(items)
}

/// The items of a List, and in place of a List among them its items; or the document alone.
pub fn members(root: &Node) -> Vec<&Node> {
    match list_items(root) {
        Some(items) => items.iter().flat_map(members).collect(),
        None => vec![root],
    }
}

/// Whether a document is meant to be a Wukong, well written or not.
pub fn is_ours(root: &Node) -> bool {
    let Kind::Map(entries) = &root.kind else { return false };
    // Of a key that stands twice, readers differ in which one they take.
    entries.iter().any(|entry| {
        let value = entry.value.as_str().unwrap_or_default();
        entry.key.eq_ignore_ascii_case("apiVersion") && is_our_group(value)
            || entry.key.eq_ignore_ascii_case("kind") && value == KIND
    })
}

fn is_our_group(version: &str) -> bool {
    version.split('/').next() == Some(GROUP)
}

/// What is wrong with a document of others that has a Wukong where no reader looks for one: it would be passed over, and
/// a machine would be missing.
pub fn misplaced(root: &Node) -> Option<Diagnostic> {
    fn first(node: &Node) -> Option<Span> {
        let look = |node: &Node| if is_ours(node) { Some(node.span) } else { first(node) };
        match &node.kind {
            Kind::Scalar(..) => None,
            Kind::List(items) => items.iter().find_map(look),
            Kind::Map(entries) => {
                // An object may well hold a Wukong as a value of its own.
                let is_object = node.get("kind").is_some();
                let looked_at = entries.iter().filter(|entry| !is_object || &*entry.key == "items");
                looked_at.map(|entry| &entry.value).find_map(look)
            }
        }
    }
    let help = "put it into a document of its own, or into the `items` of a List";
    first(root).map(|span| Diagnostic::new(Code::UnknownVersion, span, "no reader finds a Wukong here").help(help))
}

/// Reads a document that [`is_ours`], and tells whether all of it could be read. Problems go to the report.
pub fn read(root: &Node, span: Span, report: &mut Report) -> Option<(Located<Wukong>, bool)> {
    let text = |key: &str| root.get(key).and_then(Node::as_str).unwrap_or_default();
    if let Some(problem) = unknown_version(root, text("apiVersion"), text("kind")) {
        report.push(problem);
        return None;
    }
    let errors = report.errors();
    let machine = Wukong::decode(root, &mut Cx::new(report))?;
    Some((Located::new(machine, span), report.errors() == errors))
}

/// Whether a document cannot be an object of Kubernetes, not even one that lacks its `kind`: values of a chart, say.
fn is_no_object(root: &Node) -> bool {
    let Kind::Map(entries) = &root.kind else { return misplaced(root).is_none() };
    let words = ["apiVersion", "kind", "metadata", "spec"];
    let told = |entry: &Entry| {
        let value = entry.value.as_str().unwrap_or_default();
        words.iter().any(|word| entry.key.eq_ignore_ascii_case(word)) || value == KIND || is_our_group(value)
    };
    !entries.iter().any(told) && misplaced(root).is_none()
}

fn no_object(span: Span) -> Diagnostic {
    let start = Span { end: span.start + 1, ..span };
    Diagnostic::new(Code::OtherKind, start, "a document that is no object of Kubernetes is left out")
}

fn no_kind(root: &Node, span: Span) -> Diagnostic {
    let start = Span { end: span.start + 1, ..span };
    let (span, message) = match &root.kind {
        Kind::Scalar(..) => (start, "the document is text, not a mapping"),
        Kind::List(_) => (start, "the document is a list, not a mapping"),
        Kind::Map(entries) => (entries.first().map_or(start, |entry| entry.key_span), "the document has no `kind`"),
    };
    let help = match root.entry("Kind").or_else(|| root.entry("KIND")) {
        Some(entry) => format!("did you mean `kind` instead of `{}`?", entry.key),
        None => format!("a machine starts with `apiVersion: {API_VERSION}` and `kind: {KIND}`"),
    };
    Diagnostic::new(Code::UnknownVersion, span, message).help(help)
}

fn unknown_version(root: &Node, version: &str, kind: &str) -> Option<Diagnostic> {
    if version == API_VERSION && kind == KIND {
        return None;
    }
    let (key, wanted, found) =
        if version == API_VERSION { ("kind", KIND, kind) } else { ("apiVersion", API_VERSION, version) };
    let (span, message) = match root.entry(key) {
        Some(entry) => {
            let found: String = found.chars().take(60).collect();
            (entry.value.span, format!("the {key} of a Wukong is `{wanted}`, not `{found}`"))
        }
        None => {
            let first = root.entry("kind").map_or(root.span, |entry| entry.key_span);
            (first, format!("the document has no `{key}`"))
        }
    };
    Some(Diagnostic::new(Code::UnknownVersion, span, message).help(format!("write `{key}: {wanted}`")))
}
