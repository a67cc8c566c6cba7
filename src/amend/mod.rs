//! Changes of disks in the text of a Wukong file: a few words in place, with every comment and every other byte as it was.

use crate::Report;
use crate::source::{Entry, Kind, Node, documents};

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

/// The text of a file with these changes in the Wukong of this name.
///
/// # Errors
/// Why the text cannot be changed in place: then a person has to.
pub fn amended(text: &str, wukong: &str, changes: &[Change]) -> Result<String, String> {
    let mut report = Report::default();
    let all = documents(0, text, &mut report);
    if report.errors() > 0 {
        return Err("it is not valid YAML".into());
    }
    let is_meant = |root: &Node| {
        let name = root.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Node::as_str);
        root.get("kind").and_then(Node::as_str) == Some("Wukong") && name == Some(wukong)
    };
    let mut found = all.iter().filter(|document| is_meant(&document.root));
    let (Some(document), None) = (found.next(), found.next()) else {
        return Err(format!("it does not hold exactly one Wukong `{wukong}`"));
    };
    let disks = document.root.get("spec").and_then(|spec| spec.get("disks")).and_then(Node::items).unwrap_or_default();
    let mut edits = Vec::new();
    for change in changes {
        let disk = disks.iter().find(|disk| disk.get("name").and_then(Node::as_str) == Some(&change.disk));
        let disk = disk.ok_or_else(|| format!("it has no disk `{}`", change.disk))?;
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
    if is_so(&out, wukong, changes) { Ok(out) } else { Err("its form cannot be changed in place".into()) }
}

/// Whether a text says what was wanted.
fn is_so(text: &str, wukong: &str, changes: &[Change]) -> bool {
    let mut report = Report::default();
    let all = documents(0, text, &mut report);
    let name = |root: &Node| root.get("metadata").and_then(|m| m.get("name")).and_then(Node::as_str) == Some(wukong);
    let Some(document) = all.iter().find(|document| name(&document.root)) else { return false };
    let disks = document.root.get("spec").and_then(|spec| spec.get("disks")).and_then(Node::items).unwrap_or_default();
    report.errors() == 0
        && changes.iter().all(|change| {
            let disk = disks.iter().find(|disk| disk.get("name").and_then(Node::as_str) == Some(&change.disk));
            disk.is_some_and(|disk| {
                let says = |key: &str| disk.get(key).and_then(Node::as_str);
                let existing = disk.get("existingPVC").and_then(|claim| claim.get("name")).and_then(Node::as_str);
                if existing.is_some() {
                    return existing == Some(&change.claim);
                }
                let is = |key: &str, wanted: &Option<String>, default: &str| {
                    wanted.as_deref().is_none_or(|wanted| says(key).unwrap_or(default) == wanted)
                };
                says("claimName") == Some(&change.claim)
                    && is("storageClassName", &change.class, "")
                    && is("accessMode", &change.access_mode, DEFAULT_MODE)
                    && is("volumeMode", &change.volume_mode, DEFAULT_VOLUME)
                    && (change.class.is_none() || disk.get("storagePolicy").is_none())
            })
        })
}

fn edits_of(text: &str, disk: &Node, change: &Change) -> Result<Vec<Edit>, String> {
    if let Some(existing) = disk.get("existingPVC") {
        let name = existing.get("name").ok_or("its existingPVC has no name")?;
        return Ok(vec![value(name, &change.claim)]);
    }
    let mut edits = Vec::new();
    let mut added: Vec<(&str, &str)> = Vec::new();
    let set = |key: &'static str, wanted: &'_ str, default: Option<&str>| match disk.get(key) {
        Some(node) if node.as_str() == Some(wanted) => None,
        Some(node) => Some(Ok(value(node, wanted))),
        None if default == Some(wanted) => None,
        None => Some(Err(key)),
    };
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
            edits.push(whole(policy, &format!("storageClassName: {wanted}")));
            continue;
        }
        match set(key, wanted, default) {
            Some(Ok(edit)) => edits.push(edit),
            Some(Err(key)) => added.push((key, wanted)),
            None => {}
        }
    }
    if !added.is_empty() {
        edits.push(insertion(text, disk, &added)?);
    }
    Ok(edits)
}

fn value(node: &Node, text: &str) -> Edit {
    Edit { start: node.span.start as usize, end: node.span.end as usize, text: text.to_owned() }
}

fn whole(entry: &Entry, text: &str) -> Edit {
    Edit { start: entry.key_span.start as usize, end: entry.value.span.end as usize, text: text.to_owned() }
}

/// New entries after that of the name: on lines of their own, or between braces.
fn insertion(text: &str, disk: &Node, added: &[(&str, &str)]) -> Result<Edit, String> {
    let entry = disk.entry("name").ok_or("a disk has no name")?;
    let Kind::Map(_) = &disk.kind else { return Err("a disk is no mapping".into()) };
    let end = entry.value.span.end as usize;
    let json = text[disk.span.start as usize..].starts_with('{');
    if json {
        let quoted = text[entry.key_span.start as usize..].starts_with('"');
        let pair = |(key, value): &(&str, &str)| {
            if quoted { format!(", \"{key}\": \"{value}\"") } else { format!(", {key}: {value}") }
        };
        return Ok(Edit { start: end, end, text: added.iter().map(pair).collect() });
    }
    let start = entry.key_span.start as usize;
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    // The dash of the list, if it stands on the same line, is a column like any other.
    let indent = " ".repeat(text[line..start].chars().count());
    let after = text[end..].find('\n').map_or(text.len(), |at| end + at);
    let lines: String = added.iter().map(|(key, value)| format!("\n{indent}{key}: {value}")).collect();
    Ok(Edit { start: after, end: after, text: lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change() -> Change {
        Change {
            disk: "data".into(),
            claim: "web-data-m2".into(),
            class: Some("longhorn".into()),
            access_mode: Some("ReadWriteMany".into()),
            volume_mode: Some("Block".into()),
        }
    }

    fn file(disk: &str) -> String {
        format!(
            "# mine\nkind: Wukong\nmetadata: {{name: web}}\nspec:\n  disks:\n    - name: system # first\n      size: 5Gi\n{disk}  memory: 1Gi # keep\n"
        )
    }

    #[test]
    fn a_block_keeps_its_comments() {
        let text = file("    - name: data # the shop\n      storageClassName: local-path # old\n      size: 1Gi\n");
        let new = amended(&text, "web", &[change()]).unwrap();
        let disk = "    - name: data # the shop\n      claimName: web-data-m2\n      accessMode: ReadWriteMany\n      volumeMode: Block\n      storageClassName: longhorn # old\n      size: 1Gi\n";
        assert_eq!(new, file(disk));
        assert_eq!(amended(&new, "web", &[change()]).unwrap(), new);
    }

    #[test]
    fn braces_and_json_stay() {
        let new = amended(&file("    - {name: data, storagePolicy: fast, size: 1Gi}\n"), "web", &[change()]).unwrap();
        assert!(new.contains("{name: data, claimName: web-data-m2, accessMode: ReadWriteMany, volumeMode: Block, storageClassName: longhorn, size: 1Gi}"), "{new}");
        let json = r#"{"kind":"Wukong","metadata":{"name":"web"},"spec":{"disks":[{"name":"data","size":"1Gi"}]}}"#;
        let new = amended(json, "web", &[change()]).unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(&new).is_ok(), "{new}");
    }

    #[test]
    fn modes_that_are_the_default_are_not_written() {
        let back =
            Change { access_mode: Some("ReadWriteOnce".into()), volume_mode: Some("Filesystem".into()), ..change() };
        let new = amended(&file("    - name: data\n      size: 1Gi\n"), "web", std::slice::from_ref(&back)).unwrap();
        assert!(!new.contains("Mode"), "{new}");
        let new = amended(&file("    - name: data\n      accessMode: ReadWriteMany\n"), "web", &[back]).unwrap();
        assert!(new.contains("accessMode: ReadWriteOnce"), "{new}");
    }

    #[test]
    fn what_cannot_be_changed_is_told() {
        assert!(amended("kind: Wukong\nmetadata: {name: other}\n", "web", &[change()]).is_err());
        assert!(amended(&file(""), "web", &[change()]).unwrap_err().contains("data"));
        assert!(amended("a: [", "web", &[change()]).is_err());
        let alias =
            "kind: Wukong\nmetadata: {name: web}\nspec:\n  disks:\n    - &d {name: data, size: 1Gi}\n    - *d\n";
        let _ = amended(alias, "web", &[change()]);
    }

    #[test]
    fn an_existing_claim_is_named_anew() {
        let new = amended(&file("    - name: data\n      existingPVC: {name: old}\n"), "web", &[change()]).unwrap();
        assert!(new.contains("existingPVC: {name: web-data-m2}") && !new.contains("longhorn"), "{new}");
    }
}
