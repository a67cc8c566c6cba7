//! From a located tree to typed values, noting every problem instead of stopping at the first.

use super::shape::{ObjectShape, Shape};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::{Entry, Kind, Located, Node, Plain, Span, Style};
use crate::text::{is_secret_key, plain};

/// Nobody meant a field by a longer word, and comparing takes time.
const LONGEST_WORD: usize = 64;

/// Words of other tools, and the fields here that do what they do.
const ALIASES: [(&str, &str); 12] = [
    ("storage", "size"),
    ("capacity", "size"),
    ("imageHash", "imageChecksum"),
    ("checksum", "imageChecksum"),
    ("pvc", "existingPVC"),
    ("claim", "existingPVC"),
    ("storageClass", "storageClassName"),
    ("sshKeys", "sshKeySecret"),
    ("sshAuthorizedKeys", "sshKeySecret"),
    ("user", "cloudInitUser"),
    ("ram", "memory"),
    ("affinity", "highAvailability"),
];

/// The most items of a list. No machine needs as many of anything.
const MAX_ITEMS: usize = 1_000;

/// A type that can be read from a located tree.
pub trait Decode: Sized {
    /// What the type accepts.
    const SHAPE: Shape;

    /// Reads a node. On a problem it is noted and `None` comes back.
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self>;
}

impl Cx<'_> {
    /// Reads the value of a key that only the file knows.
    pub(super) fn at_key<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.at(Step::Key(key.chars().take(60).collect()), read)
    }
}

/// Where the decoder stands, and where it notes problems.
pub struct Cx<'r> {
    /// All problems so far.
    pub report: &'r mut Report,
    path: Vec<Step>,
    secret: bool,
}

enum Step {
    Key(String),
    Index(usize),
}

impl<'r> Cx<'r> {
    /// Starts at the root of a document.
    pub const fn new(report: &'r mut Report) -> Self {
        Self { report, path: Vec::new(), secret: false }
    }

    /// The path of the current value, such as `spec.disks[0].size`.
    pub fn path(&self) -> String {
        let mut out = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) if out.is_empty() => out.push_str(key),
                Step::Key(key) => {
                    out.push('.');
                    out.push_str(key);
                }
                Step::Index(index) => out.push_str(&format!("[{index}]")),
            }
        }
        if out.is_empty() { "the document".to_owned() } else { format!("`{out}`") }
    }

    /// Reads a value that no message may show.
    pub(super) fn hiding<T>(&mut self, node: &Node, read: impl FnOnce(&mut Self) -> T) -> T {
        self.report.hide(node.span);
        let outer = std::mem::replace(&mut self.secret, true);
        let value = read(self);
        self.secret = outer;
        value
    }

    /// Whether the current value must not appear in any message.
    pub const fn is_secret(&self) -> bool {
        self.secret
    }

    /// Notes a problem.
    pub fn problem(&mut self, problem: Diagnostic) {
        self.report.push(problem);
    }

    fn at<T>(&mut self, step: Step, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let value = read(self);
        self.path.pop();
        value
    }

    /// Notes that a node has another type than wanted, with the value if it may be shown.
    pub fn wrong_type(&mut self, node: &Node, wanted: &str) -> Diagnostic {
        let found = match &node.kind {
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
            Kind::Scalar(_, Style::Text) => "text".to_owned(),
            Kind::Scalar(text, Style::Plain) => {
                let kind = match Plain::of(text) {
                    Plain::Null => "nothing",
                    Plain::Bool(_) => "the boolean",
                    Plain::Integer | Plain::Float => "the number",
                    Plain::LegacyBool(_) | Plain::Text => "the text",
                };
                if self.secret || node.is_null() || text.len() > 40 {
                    kind.to_owned()
                } else {
                    format!("{kind} `{text}`")
                }
            }
        };
        Diagnostic::new(Code::WrongType, node.span, format!("{} must be {wanted}, not {found}", self.path()))
    }
}

/// The fields of one mapping while they are being read.
pub(super) struct Fields<'n> {
    entries: &'n [Entry],
    span: Span,
    /// Fields that unknown keys were probably meant to be.
    unknown: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// Opens a mapping and notes unknown and ignored fields.
    pub(super) fn open(node: &'n Node, shape: &'static ObjectShape, cx: &mut Cx<'_>) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            let problem = if shape.holds_secrets() {
                cx.hiding(node, |cx| cx.wrong_type(node, "a mapping"))
            } else {
                cx.wrong_type(node, "a mapping")
            };
            let named = shape.fields.first().is_some_and(|field| field.key == "name" && field.required);
            let help = cx.path.last().and_then(|step| match (step, node.as_str()) {
                (Step::Key(key), _) if shape.holds_secrets() => {
                    Some(format!("write a mapping: `{key}: {{name: NAME, …}}`"))
                }
                (Step::Key(key), Some(text)) if named && !cx.secret => Some(format!("write `{key}: {{name: {text}}}`")),
                _ => None,
            });
            cx.problem(match help {
                Some(help) => problem.help(help),
                None => problem,
            });
            return None;
        };
        let mut meant = Vec::new();
        for entry in entries {
            match shape.fields.iter().find(|field| field.key == &*entry.key) {
                None => meant.extend(unknown(entry, shape, cx)),
                Some(field) if field.ignored && !entry.value.is_null() => {
                    let message = format!("`{}` in {} has no effect", entry.key, cx.path());
                    let problem = Diagnostic::new(Code::IgnoredField, entry.key_span, message);
                    cx.problem(problem.help(as_help(field.doc)));
                }
                Some(_) => {}
            }
        }
        Some(Self { entries, span: node.span, unknown: meant })
    }

    fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| &*entry.key == key)
    }

    fn value(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value).filter(|node| !node.is_null())
    }

    /// A field that must be there.
    pub(super) fn required<T: Decode>(&self, key: &str, cx: &mut Cx<'_>) -> Option<Located<T>> {
        // A misspelt key was reported already; that it is missing as well would be the same mistake twice.
        if self.value(key).is_none() && !self.unknown.contains(&key) {
            let (span, message) = match self.entry(key) {
                Some(entry) => (entry.key_span, format!("`{key}` in {} has no value", cx.path())),
                None => (self.first(), format!("{} needs `{key}`", cx.path())),
            };
            let path = cx.at(Step::Key(key.to_owned()), |cx| cx.path());
            let help = format!("see: kubectl wukong explain {}", path.trim_matches('`'));
            cx.problem(Diagnostic::new(Code::MissingField, span, message).help(help).absent());
        }
        self.optional(key, cx)
    }

    /// A field that may be missing or null.
    pub(super) fn optional<T: Decode>(&self, key: &str, cx: &mut Cx<'_>) -> Option<Located<T>> {
        let node = self.value(key)?;
        cx.at(Step::Key(key.to_owned()), |cx| T::decode(node, cx)).map(|value| Located::new(value, node.span))
    }

    /// A field whose value no message and no excerpt may show.
    pub(super) fn secret<T: Decode>(&self, key: &str, cx: &mut Cx<'_>) -> Option<Located<T>> {
        if let Some(empty) = self.entry(key).filter(|entry| entry.value.is_null()) {
            let message = format!("`{key}` in {} has no value", cx.path());
            let help = "remove it; a value that starts with `#` needs quotes";
            cx.problem(Diagnostic::new(Code::IgnoredField, empty.key_span, message).help(help));
        }
        let node = self.value(key)?;
        cx.hiding(node, |cx| self.optional(key, cx))
    }

    /// A field that names a secret. A value that is refused may be the secret itself, so it is not shown.
    pub(super) fn guarded<T: Decode>(&self, key: &str, cx: &mut Cx<'_>) -> Option<Located<T>> {
        let node = self.value(key)?;
        let outer = std::mem::replace(&mut cx.secret, true);
        let value = self.optional(key, cx);
        cx.secret = outer;
        if value.is_none() {
            cx.report.hide(node.span);
        }
        value
    }

    /// A list; missing or null is empty. Items that cannot be read are left out, their problems noted.
    pub(super) fn list<T: Decode>(&self, key: &str, cx: &mut Cx<'_>) -> Vec<Located<T>> {
        let Some(node) = self.value(key) else { return Vec::new() };
        cx.at(Step::Key(key.to_owned()), |cx| {
            let Some(items) = node.items() else {
                let problem = cx.wrong_type(node, "a list").help(format!("start each item of `{key}` with `- `"));
                cx.problem(problem);
                return Vec::new();
            };
            if let Some(extra) = items.get(MAX_ITEMS) {
                let message = format!("{} has more than {MAX_ITEMS} items", cx.path());
                cx.problem(Diagnostic::new(Code::OutOfRange, extra.span, message));
                return Vec::new();
            }
            let read = |(index, item): (usize, &Node)| {
                let value = cx.at(Step::Index(index), |cx| T::decode(item, cx))?;
                Some(Located::new(value, item.span))
            };
            items.iter().enumerate().filter_map(read).collect()
        })
    }

    /// Where the mapping begins; shown for what is missing from it.
    fn first(&self) -> Span {
        self.entries.first().map_or(Span { end: self.span.start + 1, ..self.span }, |entry| entry.key_span)
    }
}

/// A sentence of the documentation in the form of a help: lower case, no full stop.
fn as_help(doc: &str) -> String {
    let sentence = plain(doc);
    let sentence = sentence.trim_end_matches('.');
    let mut chars = sentence.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

/// Notes an unknown field; returns the one that was probably meant.
fn unknown(entry: &Entry, shape: &ObjectShape, cx: &mut Cx<'_>) -> Option<&'static str> {
    // The value of a misspelt `password` is as secret as that of the right one.
    let known = shape.fields.iter().filter(|field| !field.ignored);
    if cx.report.is_full() {
        cx.report.hide(entry.value.span);
        cx.problem(Diagnostic::new(Code::UnknownField, entry.key_span, ""));
        return None;
    }
    let alias = ALIASES.iter().find(|(word, _)| *word == &*entry.key).map(|(_, field)| *field);
    let near = alias
        .filter(|alias| known.clone().any(|field| field.key == *alias))
        .or_else(|| closest(&entry.key, known.clone().map(|field| field.key)));
    let meant = known.clone().find(|field| Some(field.key) == near);
    let inside_secret = shape.holds_secrets() || cx.secret;
    if inside_secret || is_secret_key(&entry.key) || meant.is_some_and(|field| field.shape.holds_secrets()) {
        cx.report.hide(entry.value.span);
    }
    // `password:hunter2` without a space, and what follows a comma in a password, are keys too: only what certainly is
    // meant as a key is repeated.
    let word = entry.key.len() <= 60 && entry.key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
    let meant_as_key = near.is_some_and(|near| entry.key.len() <= near.len() + 2) && !entry.value.is_null();
    let message = if word && (meant_as_key || !inside_secret) {
        format!("unknown field `{}` in {}", entry.key, cx.path())
    } else {
        cx.report.hide(entry.key_span);
        format!("unknown field in {}", cx.path())
    };
    let problem = Diagnostic::new(Code::UnknownField, entry.key_span, message);
    cx.problem(match near {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(format!("known here: {}", known.map(|field| field.key).collect::<Vec<_>>().join(", "))),
    });
    near
}

/// The candidate that a person most likely meant, if one is near enough.
pub(super) fn closest<'c>(word: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    if word.len() > LONGEST_WORD {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    candidates
        .map(|candidate| {
            let target = candidate.to_ascii_lowercase();
            let near = strsim::damerau_levenshtein(&lower, &target);
            // A word that only continues, such as `storageClass` for `storageClassName`, is near however long it is.
            let continues = lower.len() >= 3 && (target.starts_with(&lower) || lower.starts_with(&target));
            (if continues { near.min(1) } else { near }, candidate)
        })
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().min(word.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn suggestions_are_near_or_absent() {
        let known = ["name", "size", "storageClassName", "boot", "image", "imageSecret"];
        let meant = |word| closest(word, known.into_iter());
        assert_eq!(meant("sizee"), Some("size"));
        assert_eq!(meant("storageClass"), Some("storageClassName"));
        assert_eq!(meant("storageclassname"), Some("storageClassName"));
        assert_eq!(meant("imgae"), Some("image"));
        assert_eq!(meant("colour"), None);
        assert_eq!(meant(""), None);
    }
}
