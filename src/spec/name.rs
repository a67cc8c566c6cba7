//! Texts with a form of their own: names of objects, devices, users and groups, paths, rules.

use super::decode::{Cx, Decode};
use super::leaf::text;
use super::shape::{Shape, TextShape};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Node, Span};

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
    /// The name of a VirtualMachine: a migration carries it as the value of a label, which has at most 63 characters.
    VmName, "the name of a VirtualMachine", Some(SUBDOMAIN), Some(63), BadName, check_vm;
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

/// A DNS-1123 label.
pub(crate) fn check_label(text: &str) -> Result<(), String> {
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

fn check_vm(text: &str) -> Result<(), String> {
    if text.len() > 63 {
        return Err(format!("it has {} characters; one with more than 63 cannot live-migrate", text.len()));
    }
    check_subdomain(text)
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
