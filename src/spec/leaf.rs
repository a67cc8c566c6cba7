//! Values without fields: text with a form, numbers, booleans, quantities, maps of text.

use super::decode::{Cx, Decode, closest};
use super::shape::{Shape, TextShape};
use crate::diagnostic::{Code, Diagnostic};
use crate::quantity::Quantity;
use crate::source::{Kind, Located, Node, Plain, Span, Style};
use crate::text::{MASK, is_secret_address, is_secret_key, redact};

/// Reads text. What YAML takes for a number, a boolean or nothing is refused, as the API server would.
pub(super) fn text<'n>(node: &'n Node, what: &str, cx: &mut Cx<'_>) -> Option<&'n str> {
    let fine = match &node.kind {
        Kind::Scalar(_, Style::Text) => true,
        Kind::Scalar(text, Style::Plain) => matches!(Plain::of(text), Plain::Text | Plain::LegacyBool(_)),
        Kind::List(_) | Kind::Map(_) => false,
    };
    if !fine {
        let mut problem = cx.wrong_type(node, what);
        problem = match &node.kind {
            Kind::Scalar(text, _) if !cx.is_secret() && !node.is_null() && text.len() <= 40 => {
                problem.help(format!("put it in quotes: \"{text}\""))
            }
            Kind::Scalar(..) if cx.is_secret() => problem.help("put it in quotes"),
            Kind::Scalar(..) | Kind::List(_) | Kind::Map(_) => problem,
        };
        cx.problem(problem);
        return None;
    }
    let text = node.as_str()?;
    if let Some(c) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        let message = format!("{} holds the control character U+{:04X}", cx.path(), u32::from(c));
        cx.problem(Diagnostic::new(Code::BadFormat, node.span, message).help("remove it"));
        return None;
    }
    Some(text)
}

/// Reads one of a few words.
pub(super) fn word<'n>(node: &'n Node, words: impl Iterator<Item = &'static str>, cx: &mut Cx<'_>) -> Option<&'n str> {
    let found = text(node, "text", cx)?;
    let words: Vec<_> = words.collect();
    if words.contains(&found) {
        return Some(found);
    }
    let shown: String = found.chars().take(40).collect();
    let problem = Diagnostic::new(Code::UnknownChoice, node.span, format!("{} cannot be `{shown}`", cx.path()));
    let list = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    cx.problem(match closest(found, words.iter().copied()) {
        Some(near) => problem.help(format!("did you mean `{near}`? Accepted: {list}")),
        None => problem.help(format!("accepted: {list}")),
    });
    None
}

impl Decode for String {
    const SHAPE: Shape = Shape::Text(&TextShape { what: "text", pattern: None, max: None });

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        text(node, "text", cx).map(str::to_owned)
    }
}

impl Decode for bool {
    const SHAPE: Shape = Shape::Boolean;

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        if let Kind::Scalar(text, Style::Plain) = &node.kind {
            match Plain::of(text) {
                Plain::Bool(value) => return Some(value),
                Plain::LegacyBool(value) => {
                    let message = format!("`{text}` is a boolean only to YAML 1.1 readers");
                    cx.problem(
                        Diagnostic::new(Code::LegacyBoolean, node.span, message).help(format!("write `{value}`")),
                    );
                    return Some(value);
                }
                Plain::Null | Plain::Integer | Plain::Float | Plain::Text => {}
            }
        }
        let problem = cx.wrong_type(node, "`true` or `false`");
        let quoted = node.as_str().map_or(Plain::Null, Plain::of);
        cx.problem(match quoted {
            Plain::Bool(value) | Plain::LegacyBool(value) => problem.help(format!("write `{value}` without quotes")),
            Plain::Null | Plain::Integer | Plain::Float | Plain::Text => problem.help("write `true` or `false`"),
        });
        None
    }
}

/// A whole number between two bounds, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Int<const MIN: i64, const MAX: i64>(pub i64);

impl<const MIN: i64, const MAX: i64> Decode for Int<MIN, MAX> {
    const SHAPE: Shape = Shape::Integer(MIN, MAX);

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let number = match &node.kind {
            Kind::Scalar(text, Style::Plain) if Plain::of(text) == Plain::Integer => Some(&**text),
            // `2.0` is an integer to JSON, and to the API server.
            Kind::Scalar(text, Style::Plain) if Plain::of(text) == Plain::Float => {
                text.split_once('.').filter(|(_, zeros)| zeros.bytes().all(|b| b == b'0')).map(|(whole, _)| whole)
            }
            _ => None,
        };
        let Some(text) = number else {
            let mut problem = cx.wrong_type(node, "a whole number");
            if node.as_str().is_some_and(|text| text.parse::<i64>().is_ok()) {
                problem = problem.help("remove the quotes");
            }
            cx.problem(problem);
            return None;
        };
        // Readers disagree on `010`: eight to kubectl, ten to others.
        let digits = text.trim_start_matches(['+', '-']);
        if digits.len() > 1 && digits.starts_with('0') {
            let message = format!("{} starts with a zero, which some readers take for octal or hexadecimal", cx.path());
            cx.problem(Diagnostic::new(Code::WrongType, node.span, message).help("write it in decimal digits"));
            return None;
        }
        match text.parse::<i64>() {
            Ok(value) if (MIN..=MAX).contains(&value) => Some(Self(value)),
            _ => {
                let message = format!("{} must be between {MIN} and {MAX}", cx.path());
                cx.problem(Diagnostic::new(Code::OutOfRange, node.span, message));
                None
            }
        }
    }
}

impl Decode for Quantity {
    const SHAPE: Shape = Shape::Quantity;

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let Kind::Scalar(text, _) = &node.kind else {
            let problem = cx.wrong_type(node, "a quantity such as `20Gi`");
            cx.problem(problem);
            return None;
        };
        // The earlier operator's files may say `K`; Kubernetes writes `k`.
        let spelling = match text.strip_suffix('K') {
            Some(number) => format!("{number}k"),
            None => text.to_string(),
        };
        match Self::parse(&spelling) {
            Ok(quantity) => Some(quantity),
            Err(error) => {
                let shown: String = text.chars().take(40).collect();
                let message = format!("{} is not a quantity: `{shown}` ({})", cx.path(), error.reason);
                let problem = Diagnostic::new(Code::BadQuantity, node.span, message);
                cx.problem(match error.suggestion {
                    Some(meant) if meant.ends_with(['k', 'M', 'G', 'T', 'P']) => problem.help(
                        format!("write `{meant}i` (powers of 1024) or `{meant}` (powers of 1000)")
                            .replace("ki`", "Ki`"),
                    ),
                    Some(meant) => problem.help(format!("write `{meant}`")),
                    None => problem.help("write a number and a suffix: `512Mi`, `20Gi`, `1Ti`"),
                });
                None
            }
        }
    }
}

/// A text that is printed nowhere, not even for debugging.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::ops::Deref for Secret {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

impl Decode for Secret {
    const SHAPE: Shape = String::SHAPE;

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        String::decode(node, cx).map(Self)
    }
}

/// The address of an image. One with user information or a query is hidden as soon as it is read.
#[derive(Clone)]
pub struct ImageAddress(pub String);

impl std::fmt::Debug for ImageAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&redact(&self.0))
    }
}

impl std::ops::Deref for ImageAddress {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Decode for ImageAddress {
    const SHAPE: Shape = String::SHAPE;

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let secret = node.as_str().is_none_or(is_secret_address);
        let read = |cx: &mut Cx<'_>| String::decode(node, cx);
        (if secret { cx.hiding(node, read) } else { read(cx) }).map(Self)
    }
}

/// A mapping from text to text, in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct TextMap(pub Vec<(Located<String>, Located<String>)>);

impl TextMap {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Located<String>> {
        self.0.iter().find(|(name, _)| name.value == key).map(|(_, value)| value)
    }
}

impl Decode for TextMap {
    const SHAPE: Shape = Shape::TextMap;

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            let problem = cx.wrong_type(node, "a mapping");
            cx.problem(problem);
            return None;
        };
        let mut pairs = Vec::with_capacity(entries.len());
        for entry in entries {
            let read = |cx: &mut Cx<'_>| cx.at_key(&entry.key, |cx| text(&entry.value, "text", cx));
            let value = if is_secret_key(&entry.key) { cx.hiding(&entry.value, read) } else { read(cx) };
            if let Some(value) = value {
                let key = Located::new(entry.key.to_string(), entry.key_span);
                pairs.push((key, Located::new(value.to_owned(), entry.value.span)));
            }
        }
        Some(Self(pairs))
    }
}

/// Declares a text with a form: a type, what it is called, the pattern of its schema and the check.
macro_rules! formed {
    ($($(#[doc = $doc:literal])+ $name:ident, $what:literal, $pattern:expr, $max:expr, $code:ident, $check:expr;)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $name(pub String);

            impl std::ops::Deref for $name {
                type Target = str;

                fn deref(&self) -> &str {
                    &self.0
                }
            }

            impl Decode for $name {
                const SHAPE: Shape = Shape::Text(&TextShape { what: $what, pattern: $pattern, max: $max });

                fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
                    let found = text(node, $what, cx)?;
                    let check: fn(&str) -> Result<(), String> = $check;
                    match check(found) {
                        Ok(()) => Some(Self(found.to_owned())),
                        Err(reason) => {
                            refuse(Code::$code, node.span, found, $what, &reason, cx);
                            None
                        }
                    }
                }
            }
        )+
    };
}

fn refuse(code: Code, span: Span, found: &str, what: &str, reason: &str, cx: &mut Cx<'_>) {
    if cx.is_secret() {
        cx.problem(Diagnostic::new(code, span, format!("{} is not {what}", cx.path())).help(reason));
        return;
    }
    // What follows a space or a line break may be the next field, swallowed: perhaps a secret.
    let (shown, more) = match found.split_once(char::is_whitespace) {
        Some((first, _)) => (first, " …"),
        None => (found, ""),
    };
    let shown: String = shown.chars().take(40).collect();
    let message = format!("{} is not {what}: `{shown}{more}`", cx.path());
    cx.problem(Diagnostic::new(code, span, message).help(reason));
}

const LABEL: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
const SUBDOMAIN: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

formed! {
    /// A DNS-1123 label.
    Label, "a DNS label", Some(LABEL), Some(63), BadName, check_label;
    /// A DNS-1123 subdomain, the form of most object names.
    ObjectName, "an object name", Some(SUBDOMAIN), Some(253), BadName, check_subdomain;
    /// `name` or `namespace/name`.
    NadName, "the name of a NetworkAttachmentDefinition", Some("^([a-z0-9]([-a-z0-9]*[a-z0-9])?/)?[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"), None, BadName, check_nad;
    /// The name of a network device of the host.
    HostDevice, "the name of a host network device", Some("^[A-Za-z0-9_.-]+$"), Some(15), BadName, check_device;
    /// The name of a user in the guest.
    UserName, "a user name", Some("^[A-Za-z_][A-Za-z0-9_.-]*[$]?$"), Some(32), BadName, check_user;
    /// The path of a program in the guest.
    AbsolutePath, "an absolute path", Some("^/[^\\n]*$"), Some(4096), BadFormat, check_path;
    /// A rule of sudo, without the user; or nothing.
    SudoRule, "a sudo rule", Some("^([^\\n=]+=[^\\n]+)?$"), Some(4096), BadFormat, check_sudo;
    /// The name of a group in the guest.
    GroupName, "a group name", Some("^[A-Za-z_][A-Za-z0-9_.-]*[$]?$"), Some(32), BadName, check_user;
}

/// Lower-case letters, digits and `-`, with a letter or digit at both ends.
fn is_dns_word(text: &str) -> bool {
    let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.bytes().all(|b| alphanumeric(&b) || b == b'-')
        && text.as_bytes().first().is_some_and(alphanumeric)
        && text.as_bytes().last().is_some_and(alphanumeric)
}

fn check_label(text: &str) -> Result<(), String> {
    if text.len() > 63 {
        return Err(format!("it has {} characters; at most 63 are allowed", text.len()));
    }
    if is_dns_word(text) {
        return Ok(());
    }
    let rule = "use lower-case letters, digits and `-`, with a letter or digit at both ends";
    Err(corrected(text).map_or_else(|| rule.to_owned(), |meant| format!("{rule}: `{meant}`")))
}

/// A label made of what can be kept of a text.
fn corrected(text: &str) -> Option<String> {
    let mapped: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let trimmed = mapped.trim_matches('-');
    (!trimmed.is_empty() && trimmed.len() <= 63 && text.is_ascii() && !text.contains('/')).then(|| trimmed.to_owned())
}

/// A DNS-1123 subdomain of at most 253 characters.
pub(crate) fn check_subdomain(text: &str) -> Result<(), String> {
    if text.len() > 253 {
        return Err(format!("it has {} characters; at most 253 are allowed", text.len()));
    }
    if text.split('.').all(is_dns_word) {
        return Ok(());
    }
    if text.is_empty() {
        return Err("leave the field out where no name is meant".to_owned());
    }
    Err("use lower-case letters, digits, `-` and `.`, with a letter or digit at both ends".to_owned())
}

fn check_nad(text: &str) -> Result<(), String> {
    match text.split_once('/') {
        Some((namespace, name)) => check_label(namespace).and_then(|()| check_subdomain(name)),
        None => check_subdomain(text),
    }
    .map_err(|_| "write `name`, or `namespace/name` for one of another namespace".to_owned())
}

fn check_device(text: &str) -> Result<(), String> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    if text.is_empty() || text.len() > 15 || text == "." || text == ".." || !text.bytes().all(fine) {
        return Err("Linux device names have 1 to 15 letters, digits, `_`, `.` or `-`".to_owned());
    }
    Ok(())
}

fn check_user(text: &str) -> Result<(), String> {
    let body = text.strip_suffix('$').unwrap_or(text);
    let first = body.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let fine = body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    if !first || !fine || text.len() > 32 {
        return Err(
            "start with a letter or `_`, then letters, digits, `_`, `.` or `-`; at most 32 characters".to_owned()
        );
    }
    Ok(())
}

fn check_path(text: &str) -> Result<(), String> {
    if text.starts_with('/') && !text.contains('\n') {
        return Ok(());
    }
    let word = text.bytes().all(|b| b.is_ascii_alphanumeric()) && !text.is_empty();
    Err(format!("write the whole path, such as `/bin/{}`", if word { text } else { "bash" }))
}

/// cloud-init writes the rule behind the user's name into a file of sudo; one that sudo cannot read breaks sudo.
fn check_sudo(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    let rule = "write one rule such as `ALL=(ALL) NOPASSWD:ALL`; for a user without sudo write `sudo: \"\"`";
    let Some((hosts, commands)) = text.split_once('=').filter(|_| !text.contains('\n')) else {
        return Err(rule.to_owned());
    };
    if hosts.split(',').any(|host| host.trim().contains(char::is_whitespace)) {
        return Err("leave the user out: cloud-init writes it before the rule".to_owned());
    }
    let balanced = commands.matches('(').count() == commands.matches(')').count();
    if hosts.trim().is_empty() || commands.trim().is_empty() || !balanced { Err(rule.to_owned()) } else { Ok(()) }
}
