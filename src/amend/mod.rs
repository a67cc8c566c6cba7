//! Changes of disks in the text of a Wukong file: a few words in place, with every comment and every other byte as it was.

mod check;
mod quote;
#[cfg(test)]
mod tests;

use check::{is_so, is_text};
use quote::Quote;

use crate::Report;
use crate::source::{Document, Entry, Kind, Node, documents};

/// What a disk is from now on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// The disk.
    pub disk: String,
    /// The claim that holds it.
    pub claim: String,
    /// Its StorageClass, if that changed.
    pub class: Option<String>,
    /// Its access mode, if that changed.
    pub access_mode: Option<String>,
    /// Its volume mode, if that changed.
    pub volume_mode: Option<String>,
}

/// What an access mode is where a file says nothing.
const DEFAULT_MODE: &str = "ReadWriteOnce";
const DEFAULT_VOLUME: &str = "Filesystem";

/// A part of the text and what stands there instead.
struct Edit {
    start: usize,
    end: usize,
    text: String,
}

/// Why nothing is written.
const FORM: &str = "its form cannot be changed in place";

/// The text of a file with these changes in the Wukong of this name.
///
/// # Errors
/// Why the text cannot be changed in place: then a person has to.
pub fn amended(text: &str, wukong: &str, changes: &[Change]) -> Result<String, String> {
    let before = read(text).ok_or("it is not valid YAML")?;
    let at = meant(&before, wukong).ok_or_else(|| format!("it does not hold exactly one Wukong `{wukong}`"))?;
    let disks = disks(&before[at].root);
    let mut edits = Vec::new();
    for change in changes {
        let mut named = disks.iter().filter(|disk| is_called(disk, &change.disk));
        let disk = named.next().ok_or_else(|| format!("it has no disk `{}`", change.disk))?;
        if named.next().is_some() {
            return Err(format!("it has several disks `{}`", change.disk));
        }
        edits.extend(edits_of(text, disk, change)?);
    }
    edits.sort_by_key(|edit| edit.start);
    if edits.windows(2).any(|pair| pair[0].end > pair[1].start) {
        return Err("the same words stand for several disks (an alias)".into());
    }
    let mut out = text.to_owned();
    for edit in edits.iter().rev() {
        out.replace_range(edit.start..edit.end, &edit.text);
    }
    let is_so = read(&out).is_some_and(|after| is_so(&before, &after, at, changes));
    if is_so { Ok(out) } else { Err(FORM.into()) }
}

/// All documents, if none has a problem.
fn read(text: &str) -> Option<Vec<Document>> {
    let mut report = Report::default();
    let all = documents(0, text, &mut report);
    (report.errors() == 0).then_some(all)
}

/// Which document is the Wukong, if exactly one is.
fn meant(all: &[Document], wukong: &str) -> Option<usize> {
    let is_meant = |document: &Document| {
        let name = document.root.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Node::as_str);
        document.root.get("kind").and_then(Node::as_str) == Some("Wukong") && name == Some(wukong)
    };
    let mut found = (0..all.len()).filter(|at| is_meant(&all[*at]));
    found.next().filter(|_| found.next().is_none())
}

fn disks(root: &Node) -> &[Node] {
    root.get("spec").and_then(|spec| spec.get("disks")).and_then(Node::items).unwrap_or_default()
}

fn is_called(disk: &Node, name: &str) -> bool {
    disk.get("name").and_then(Node::as_str) == Some(name)
}

/// The claim that a disk is said to be, if it is one that was there before.
fn existing(disk: &Node) -> Option<&Node> {
    disk.get("existingPVC").filter(|claim| !claim.is_null())
}

fn edits_of(text: &str, disk: &Node, change: &Change) -> Result<Vec<Edit>, String> {
    if let Some(existing) = existing(disk) {
        let name = existing.entry("name").ok_or("its existingPVC has no name")?;
        return Ok(vec![value(text, disk, name, &change.claim)?]);
    }
    let mut edits = Vec::new();
    let mut added: Vec<(&str, &str)> = Vec::new();
    let wanted = [
        ("claimName", Some(change.claim.as_str()), None),
        ("storageClassName", change.class.as_deref(), None),
        ("accessMode", change.access_mode.as_deref(), Some(DEFAULT_MODE)),
        ("volumeMode", change.volume_mode.as_deref(), Some(DEFAULT_VOLUME)),
    ];
    for (key, wanted, default) in wanted {
        let Some(wanted) = wanted else { continue };
        // A policy chooses the class; whoever chooses it by name takes the policy's place.
        if let (true, Some(policy)) = (key == "storageClassName", disk.entry("storagePolicy")) {
            edits.push(value(text, disk, policy, wanted)?);
            let (start, end) = (policy.key_span.start as usize, policy.key_span.end as usize);
            edits.push(Edit { start, end, text: Quote::at(text, start).ok_or(FORM)?.around(key) });
            continue;
        }
        match disk.entry(key) {
            Some(entry) if is_text(&entry.value, wanted) => {}
            Some(entry) => edits.push(value(text, disk, entry, wanted)?),
            None if default == Some(wanted) => {}
            None => added.push((key, wanted)),
        }
    }
    if !added.is_empty() {
        edits.push(insertion(text, disk, &added)?);
    }
    Ok(edits)
}

/// Another value of an entry, quoted as the old one was.
fn value(text: &str, disk: &Node, entry: &Entry, wanted: &str) -> Result<Edit, String> {
    let (key, old) = (own(disk, entry)?, &entry.value);
    let Kind::Scalar(..) = old.kind else { return Err(FORM.into()) };
    let (start, end) = (old.span.start as usize, old.span.end as usize);
    if old.is_null() && start == end {
        // No value at all: what stands behind the key is its colon.
        let colon = text[key..].find(':').map(|at| key + at + 1).ok_or(FORM)?;
        let quote = Quote::at(text, entry.key_span.start as usize).ok_or(FORM)?;
        return Ok(Edit { start: colon, end: colon, text: format!(" {}", quote.around(wanted)) });
    }
    let quote = match Quote::at(text, start).ok_or(FORM)? {
        // A word of JSON such as `null`.
        Quote::Plain => Quote::at(text, entry.key_span.start as usize).ok_or(FORM)?,
        quote => quote,
    };
    Ok(Edit { start, end, text: quote.around(wanted) })
}

/// The byte behind the key of an entry that is written in this disk, and whose value is.
fn own(disk: &Node, entry: &Entry) -> Result<usize, String> {
    let (key, value) = (entry.key_span, entry.value.span);
    // What an alias stands for was written before it; what is merged was written elsewhere.
    let is_own = disk.span.start <= key.start && key.end <= value.start && value.end <= disk.span.end;
    if is_own {
        Ok(key.end as usize)
    } else {
        Err(format!("`{}` of a disk is written elsewhere (an alias or a merge)", entry.key))
    }
}

/// New entries after that of the name: on lines of their own, or between braces.
fn insertion(text: &str, disk: &Node, added: &[(&str, &str)]) -> Result<Edit, String> {
    let entry = disk.entry("name").ok_or("a disk has no name")?;
    own(disk, entry)?;
    let (start, end) = (entry.key_span.start as usize, entry.value.span.end as usize);
    let quote = Quote::at(text, start).ok_or(FORM)?;
    let pair = |(key, value): &(&str, &str)| format!("{}: {}", quote.around(key), quote.around(value));
    if text[disk.span.start as usize..].starts_with('{') {
        return Ok(Edit { start: end, end, text: added.iter().map(|added| format!(", {}", pair(added))).collect() });
    }
    let is_break = |c: char| c == '\n' || c == '\r';
    let line = text[..start].rfind(is_break).map_or(0, |at| at + 1);
    // The dash of the list, if it stands on the same line, is a column like any other.
    let indent = " ".repeat(text[line..start].chars().count());
    let after = text[end..].find(is_break).map_or(text.len(), |at| end + at);
    let lines_end = match (text[after..].starts_with("\r\n"), text[after..].starts_with('\r')) {
        (true, _) => "\r\n",
        (false, true) => "\r",
        (false, false) if after == text.len() && text.contains("\r\n") => "\r\n",
        (false, false) => "\n",
    };
    let lines: String = added.iter().map(|added| format!("{lines_end}{indent}{}", pair(added))).collect();
    Ok(Edit { start: after, end: after, text: lines })
}
