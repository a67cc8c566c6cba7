//! From parser events to located trees, document by document.

use std::collections::HashMap;
use std::fmt;

use granit_parser::{Event, Options, Parser, ScalarStyle, Tag};

use super::{Entry, Kind, Node, Span, Style};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::text::is_secret_key;

/// The deepest nesting that is read. A Wukong needs eight levels, other Kubernetes objects about thirty.
const MAX_DEPTH: usize = 64;
/// The most that one document may cost, aliases counted as often as they are used. A value costs one, and one more for
/// every 32 bytes of text. Kubernetes itself refuses objects over 1.5 MB, which cost less.
const MAX_COST: usize = 100_000;
/// The most that all documents of a file may cost; ten thousand machines cost half of it.
const MAX_FILE_COST: usize = 4_000_000;
/// What a document costs beside its values: what is kept of it when it has been read.
const DOCUMENT_COST: usize = 40;
/// The most broken documents that are told of.
const MAX_BROKEN: usize = 100;

/// One document of a file.
#[derive(Debug)]
pub struct Document {
    /// Its content.
    pub root: Node,
    /// The stretch of the file from its first to its last byte.
    pub span: Span,
}

/// The documents of a text, one at a time, so that only one of them is in memory.
pub struct Documents<'t> {
    builder: Builder<'t>,
    broken: usize,
    ended: bool,
}

impl<'t> Documents<'t> {
    /// Starts at the beginning of a text.
    pub fn new(file: u32, text: &'t str) -> Self {
        let mut options = granit_parser::options! { flow_nesting_limit: MAX_DEPTH, block_nesting_limit: MAX_DEPTH };
        options.set_emit_comments(false);
        Self { builder: Builder::new(file, text, options), broken: 0, ended: false }
    }

    /// The same for what programs exchange: one document may be as large as a whole file of documents.
    pub fn exchanged(file: u32, text: &'t str) -> Self {
        let mut documents = Self::new(file, text);
        documents.builder.limit = MAX_FILE_COST;
        documents
    }

    /// The next document without a problem. Problems go to the report; a document that has one is left out.
    pub fn next(&mut self, report: &mut Report) -> Option<Document> {
        loop {
            let (document, problems) = self.next_with_problems(report)?;
            if problems.is_empty() {
                return Some(document);
            }
            report.extend(problems);
        }
    }

    /// The next document, and what is wrong with it. One that cannot be read is left out, and the report says why.
    pub fn next_with_problems(&mut self, report: &mut Report) -> Option<(Document, Vec<Diagnostic>)> {
        while !self.ended {
            match self.builder.next_document() {
                Ok(Next::Document(document)) => return Some((document, self.builder.problems.drain(..).collect())),
                Ok(Next::Nothing) => {}
                Ok(Next::End) => self.ended = true,
                Err(problem) => {
                    self.builder.problems.clear();
                    self.broken += 1;
                    // What is too large is not searched for its end.
                    let hopeless = problem.code == Code::TooComplex || self.broken >= MAX_BROKEN;
                    report.push(*problem);
                    self.ended = hopeless || !self.builder.recover();
                }
            }
        }
        None
    }
}

/// All documents of a text at once.
pub fn documents(file: u32, text: &str, report: &mut Report) -> Vec<Document> {
    let mut documents = Documents::new(file, text);
    std::iter::from_fn(|| documents.next(report)).collect()
}

/// What comes next in a stream of documents.
enum Next {
    /// Its problems were noted.
    Document(Document),
    /// A document that is empty.
    Nothing,
    End,
}

type Fallible<T> = Result<T, Box<Diagnostic>>;
type Events<'t> = Parser<'t, granit_parser::StrInput<'t>>;

struct Builder<'t> {
    file: u32,
    text: &'t str,
    parser: Events<'t>,
    anchors: HashMap<usize, (Node, usize)>,
    /// What this document has cost so far, and what all before it have.
    cost: usize,
    spent: usize,
    /// The most that one document may cost.
    limit: usize,
    /// Whether the value that is being read belongs to a key that looks secret.
    secret: bool,
    problems: Vec<Diagnostic>,
}

impl<'t> Builder<'t> {
    fn new(file: u32, text: &'t str, options: Options) -> Self {
        let parser = Parser::new_from_str_with_options(text, options);
        let anchors = HashMap::new();
        Self { file, text, parser, anchors, cost: 0, spent: 0, limit: MAX_COST, secret: false, problems: Vec::new() }
    }

    fn next_document(&mut self) -> Fallible<Next> {
        loop {
            let Some((event, _)) = self.event()? else { return Ok(Next::End) };
            match event {
                Event::StreamEnd => return Ok(Next::End),
                Event::DocumentStart(..) => break,
                _ => {}
            }
        }
        self.anchors.clear();
        self.spent += self.cost + DOCUMENT_COST;
        self.cost = 0;
        self.secret = false;
        let Some((event, span)) = self.event()? else { return Ok(Next::End) };
        if matches!(event, Event::DocumentEnd) {
            return Ok(Next::Nothing);
        }
        let root = self.node(event, span)?;
        while let Some((event, _)) = self.event()? {
            if matches!(event, Event::DocumentEnd) {
                break;
            }
        }
        if root.is_null() {
            return Ok(Next::Nothing);
        }
        let span = root.span;
        Ok(Next::Document(Document { root, span }))
    }

    /// Skips to the document after a broken one; false if there is none.
    fn recover(&mut self) -> bool {
        self.parser.proceed_next_document().unwrap_or(false)
    }

    fn event(&mut self) -> Fallible<Option<(Event<'t>, Span)>> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => {
                let span = self.span(span);
                Ok(Some((event, span)))
            }
            Some(Err(error)) => {
                let at = error.marker().byte_offset().unwrap_or(self.text.len());
                let span = self.bytes(at, at + 1);
                let limit = matches!(error.kind(), granit_parser::ErrorKind::RecursionLimitExceeded);
                Err(Box::new(if limit { Self::too_deep(span) } else { syntax(&error, span, self.text) }))
            }
        }
    }

    fn too_deep(span: Span) -> Diagnostic {
        Diagnostic::new(Code::TooComplex, span, format!("nested more than {MAX_DEPTH} levels deep"))
            .help("no Kubernetes object needs that; check the brackets and the indentation")
    }

    fn span(&self, span: granit_parser::Span) -> Span {
        let start = span.start.byte_offset().unwrap_or(0);
        self.bytes(start, span.end.byte_offset().unwrap_or(start))
    }

    fn bytes(&self, start: usize, end: usize) -> Span {
        let clamp = |at: usize| u32::try_from(at.min(self.text.len())).unwrap_or(u32::MAX);
        Span { file: self.file, start: clamp(start), end: clamp(end) }
    }

    fn pay(&mut self, cost: usize, span: Span) -> Fallible<()> {
        self.cost += cost;
        let (what, limit) = if self.cost > self.limit {
            ("the document is", "no Kubernetes object may be that large; aliases count as often as they are used")
        } else if self.spent + self.cost > MAX_FILE_COST {
            ("the documents of this file together are", "split the file")
        } else {
            return Ok(());
        };
        let problem = Diagnostic::new(Code::TooComplex, span, format!("{what} too large"));
        Err(Box::new(problem.help(limit)))
    }

    fn node(&mut self, event: Event<'t>, span: Span) -> Fallible<Node> {
        let before = self.cost;
        let text = if let Event::Scalar(text, ..) = &event { text.len() } else { 0 };
        self.pay(1 + text / 32, span)?;
        let (anchor, node) = match event {
            Event::Alias(id) => {
                let Some((_, cost)) = self.anchors.get(&id) else {
                    let problem = Diagnostic::new(Code::Syntax, span, "an alias inside its own anchor has no value");
                    return Err(Box::new(problem));
                };
                // Paid before it is copied.
                self.pay(*cost, span)?;
                return Ok(self.anchors[&id].0.clone());
            }
            Event::Scalar(text, style, anchor, tag) => {
                let style = scalar_style(style, tag.as_deref());
                (anchor, Node { kind: Kind::Scalar(text.into(), style), span })
            }
            Event::SequenceStart(_, anchor, _) => (anchor, self.list(span)?),
            Event::MappingStart(_, anchor, _) => (anchor, self.map(span)?),
            other => {
                let problem = Diagnostic::new(Code::Syntax, span, format!("unexpected {}", Name(&other)));
                return Err(Box::new(problem));
            }
        };
        if anchor != 0 {
            // The copy kept for aliases counts too, or nested anchors would multiply the memory in use.
            let cost = self.cost - before;
            self.pay(cost, span)?;
            self.anchors.insert(anchor, (node.clone(), cost));
        }
        Ok(node)
    }

    fn list(&mut self, start: Span) -> Fallible<Node> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.event()? {
            if matches!(event, Event::SequenceEnd) {
                return Ok(Node { kind: Kind::List(items), span: self.bytes(start.start as usize, span.end as usize) });
            }
            items.push(self.node(event, span)?);
        }
        Err(Box::new(Diagnostic::new(Code::Syntax, start, "the list does not end")))
    }

    fn map(&mut self, start: Span) -> Fallible<Node> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        let mut seen: HashMap<Box<str>, Span> = HashMap::new();
        while let Some((event, span)) = self.event()? {
            if matches!(event, Event::MappingEnd) {
                // A key of the mapping itself wins over a merged one, and an earlier merge over a later one.
                for entry in merged {
                    if seen.insert(entry.key.clone(), entry.key_span).is_none() {
                        entries.push(entry);
                    }
                }
                return Ok(Node {
                    kind: Kind::Map(entries),
                    span: self.bytes(start.start as usize, span.end as usize),
                });
            }
            let key = self.node(event, span)?;
            let Some((event, span)) = self.event()? else { break };
            let outer = self.secret;
            self.secret |= key.as_str().is_some_and(is_secret_key);
            let value = self.node(event, span)?;
            self.secret = outer;
            match key.kind {
                Kind::Scalar(text, Style::Plain) if &*text == "<<" => merged.extend(merge(value)?),
                Kind::Scalar(text, style) => {
                    // The copy in `seen`.
                    self.pay(text.len() / 32, key.span)?;
                    if let Some(first) = seen.insert(text.clone(), key.span) {
                        // In a list without keys, what follows a comma is a key without a value.
                        let shown = if self.secret || value.is_null() { "…" } else { &*text };
                        self.problems.push(duplicate(shown, first, key.span));
                    }
                    entries.push(Entry { key: text, key_style: style, key_span: key.span, value });
                }
                Kind::List(_) | Kind::Map(_) => {
                    let problem = Diagnostic::new(Code::Syntax, key.span, "a list or mapping cannot be a key");
                    return Err(Box::new(problem.help("a value that starts with `{` or `[` needs quotes")));
                }
            }
        }
        Err(Box::new(Diagnostic::new(Code::Syntax, start, "the mapping does not end")))
    }
}

fn duplicate(key: &str, first: Span, second: Span) -> Diagnostic {
    Diagnostic::new(Code::DuplicateKey, second, format!("the key `{key}` stands twice in one mapping"))
        .label(first, "first here")
        .help(match key {
            "apiVersion" | "kind" | "metadata" | "spec" => "put `---` between two documents, or remove one of the keys",
            _ => "remove one of them: which one would win depends on the reader",
        })
}

/// The entries that `<<: *anchor`, or `<<: [*one, *two]`, brings in.
fn merge(value: Node) -> Fallible<Vec<Entry>> {
    match value.kind {
        Kind::Map(entries) => Ok(entries),
        Kind::List(items) if items.iter().all(|item| matches!(item.kind, Kind::Map(_))) => {
            Ok(items.into_iter().map(merge).collect::<Fallible<Vec<_>>>()?.into_iter().flatten().collect())
        }
        Kind::Scalar(..) | Kind::List(_) => {
            Err(Box::new(Diagnostic::new(Code::Syntax, value.span, "only mappings can be merged with `<<`")))
        }
    }
}

/// An explicit tag decides over the notation; a tag of one's own makes text, as it does for kubectl.
fn scalar_style(style: ScalarStyle, tag: Option<&Tag>) -> Style {
    match tag {
        None if style == ScalarStyle::Plain => Style::Plain,
        Some(tag) if ["int", "float", "bool", "null"].iter().any(|kind| tag.is_yaml_core_schema_tag(kind)) => {
            Style::Plain
        }
        None | Some(_) => Style::Text,
    }
}

fn syntax(error: &granit_parser::ScanError, span: Span, text: &str) -> Diagnostic {
    use granit_parser::ErrorKind as E;
    let start = text[..span.start as usize].rfind('\n').map_or(0, |at| at + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    let help = match error.kind() {
        _ if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|marker| line.starts_with(marker)) => {
            "resolve the merge conflict"
        }
        _ if line.contains("{{") => "this looks like a template: render it first, for example with `helm template`",
        _ if line.contains('\t') => "replace the tab by spaces; YAML forbids tabs for indentation",
        E::MappingValueNotAllowed | E::InvalidColonPlacement => {
            "check the indentation of this line and the one above; a value that contains `: ` needs quotes"
        }
        E::SimpleKeyExpected => "write `key: value`, with a space after the colon",
        E::UnclosedFlowCollection { .. } | E::UnexpectedEofFlowSequence | E::UnexpectedEofFlowMapping => {
            "close the bracket"
        }
        E::UnclosedQuotedScalar | E::InvalidQuotedScalarIndent => "close the quote, here or on a line above",
        E::UnexpectedCharacter { .. } => "a value that starts with this character needs quotes",
        E::ExpectedBlockSequenceEntry | E::ExpectedBlockMappingKey | E::InvalidIndentation => {
            "check the indentation: the lines of one list or mapping start in one column"
        }
        E::UnknownAnchor => {
            "define the anchor with `&name` before it is used; a value that starts with `*` needs quotes"
        }
        _ => "",
    };
    let problem = Diagnostic::new(Code::Syntax, span, format!("not valid YAML or JSON: {}", error.info()));
    if help.is_empty() { problem } else { problem.help(help) }
}

/// An event by the name a reader of YAML would use.
struct Name<'e>(&'e Event<'e>);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Event::SequenceEnd => "end of a list",
            Event::MappingEnd => "end of a mapping",
            Event::DocumentEnd | Event::StreamEnd => "end of the document",
            _ => "content",
        })
    }
}
