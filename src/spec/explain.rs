//! Documentation of a field, in the form of `kubectl explain`.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;

use super::decode::{Decode as _, closest};
use super::shape::{FieldShape, Shape};
use super::wukong::{API_VERSION, GROUP, KIND, Spec, Wukong};
use crate::text::{Styles, plain, wrap};

/// A path that leads to no field.
#[derive(Debug, PartialEq, Eq)]
pub struct ExplainError {
    /// The part of the path that does not exist.
    pub part: String,
    /// Where it was looked for; empty at the top.
    pub parent: String,
    /// The field that was probably meant.
    pub near: Option<String>,
}

/// Explains the field at a path such as `spec.disks.image`; the empty path is the document itself.
///
/// `recursive` lists all fields below it, without their documentation. Lines are at most `width` cells wide.
///
/// # Errors
/// An [`ExplainError`] if the path leads to no field.
pub fn explain(path: &str, recursive: bool, styles: Styles, width: usize) -> Result<String, ExplainError> {
    let root = FieldShape {
        key: "",
        doc: Wukong::OBJECT.doc,
        required: true,
        secret: false,
        ignored: false,
        shape: Wukong::SHAPE,
    };
    let mut field = &root;
    let mut parent = String::new();
    let lead = path.trim_start_matches(['.', '$']);
    let lead = ["wukong.", "wukongs.", "Wukong."].iter().find_map(|kind| lead.strip_prefix(kind)).unwrap_or(lead);
    let lead = if matches!(lead, "wukong" | "wukongs" | "Wukong") { "" } else { lead };
    for part in lead.split('.').filter(|part| !part.is_empty()) {
        let name = part.split('[').next().unwrap_or(part);
        field = field.shape.fields().iter().find(|candidate| candidate.key == name).ok_or_else(|| ExplainError {
            part: name.to_owned(),
            parent: parent.clone(),
            near: near(name, &parent, field),
        })?;
        if !parent.is_empty() {
            parent.push('.');
        }
        parent.push_str(name);
    }
    Ok(page(field, recursive, styles, width))
}

/// The path that was probably meant.
fn near(name: &str, parent: &str, field: &FieldShape) -> Option<String> {
    // Most fields are those of `spec`, and a person may have left that out.
    if parent.is_empty() && Spec::OBJECT.fields.iter().any(|candidate| candidate.key == name) {
        return Some(format!("spec.{name}"));
    }
    let key = closest(name, field.shape.fields().iter().map(|candidate| candidate.key))?;
    Some(if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") })
}

fn page(field: &FieldShape, recursive: bool, styles: Styles, width: usize) -> String {
    let head = |word: &str| format!("{word:<13}").style(styles.strong).to_string();
    let version = API_VERSION.trim_start_matches(GROUP).trim_start_matches('/');
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}{GROUP}", head("GROUP:"));
    let _ = writeln!(out, "{}{KIND}", head("KIND:"));
    let _ = writeln!(out, "{}{version}\n", head("VERSION:"));
    if !field.key.is_empty() {
        let _ = writeln!(
            out,
            "{} {} <{}>{}\n",
            "FIELD:".style(styles.strong),
            field.key.style(styles.name),
            field.shape.type_name(),
            required(field)
        );
    }
    let _ = writeln!(out, "{}", "DESCRIPTION:".style(styles.strong));
    let _ = writeln!(out, "{}\n", wrap(&plain(field.doc), width, 4));
    if let Shape::Choice(choices) = field.shape {
        let _ = writeln!(out, "{}", "VALUES:".style(styles.strong));
        let width = choices.iter().map(|choice| choice.word.len()).max().unwrap_or(0);
        for choice in choices {
            let _ = writeln!(
                out,
                "  {}{:gap$}  {}",
                choice.word.style(styles.name),
                "",
                plain(choice.doc),
                gap = width - choice.word.len()
            );
        }
        out.push('\n');
    }
    if !field.shape.fields().is_empty() {
        let _ = writeln!(out, "{}", "FIELDS:".style(styles.strong));
        fields(field.shape.fields(), recursive, 2, &Page { styles, width }, &mut out);
    }
    format!("{}\n", out.trim_end())
}

/// How a page looks.
struct Page {
    styles: Styles,
    width: usize,
}

fn fields(shapes: &[FieldShape], recursive: bool, depth: usize, look: &Page, out: &mut String) {
    for field in shapes.iter().filter(|field| !field.ignored) {
        let _ = writeln!(
            out,
            "{:depth$}{} <{}>{}",
            "",
            field.key.style(look.styles.name),
            field.shape.type_name(),
            required(field)
        );
        if recursive {
            fields(field.shape.fields(), true, depth + 2, look, out);
        } else {
            let _ = writeln!(out, "{}\n", wrap(&plain(field.doc), look.width, depth + 2));
        }
    }
}

const fn required(field: &FieldShape) -> &'static str {
    if field.required { " -required-" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_can_be_explained() {
        fn walk(fields: &[FieldShape], path: &str) {
            for field in fields {
                let path = if path.is_empty() { field.key.to_owned() } else { format!("{path}.{}", field.key) };
                let page = explain(&path, false, Styles::default(), 100).unwrap();
                assert!(page.contains(plain(field.doc).split_whitespace().next().unwrap()), "{path}");
                walk(field.shape.fields(), &path);
            }
        }
        walk(Wukong::OBJECT.fields, "");
    }

    #[test]
    fn a_wrong_path_says_where_and_what_was_meant() {
        let error = explain("spec.disk.image", false, Styles::default(), 100).unwrap_err();
        assert_eq!(error, ExplainError { part: "disk".into(), parent: "spec".into(), near: Some("spec.disks".into()) });
    }
}
