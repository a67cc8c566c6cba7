//! Whether a text that was changed says what was wanted, and everything else as before.

use crate::source::{Document, Entry, Kind, Node, kubectl_value};

use super::{Change, DEFAULT_MODE, DEFAULT_VOLUME, disks, existing, is_called};

/// What may differ in a disk that changed.
const FIELDS: [&str; 5] = ["claimName", "storageClassName", "storagePolicy", "accessMode", "volumeMode"];

/// Whether the documents differ by these changes in the Wukong at this place, and by nothing else.
pub(super) fn is_so(before: &[Document], after: &[Document], at: usize, changes: &[Change]) -> bool {
    let same_document = |(number, (before, after)): (usize, (&Document, &Document))| {
        let (before, after) = (&before.root, &after.root);
        if number == at { is_amended(before, after, changes) } else { is_same(before, after) }
    };
    before.len() == after.len() && before.iter().zip(after).enumerate().all(same_document)
}

fn is_amended(before: &Node, after: &Node, changes: &[Change]) -> bool {
    let same_disk = |(before, after): (&Node, &Node)| {
        let change = changes.iter().find(|change| is_called(before, &change.disk));
        change.map_or_else(|| is_same(before, after), |change| is_changed(before, after, change))
    };
    let (old, new) = (disks(before), disks(after));
    let spec = |before: &Node, after: &Node| is_same_but(before, after, &["disks"]);
    is_same_but(before, after, &["spec"])
        && before.get("spec").zip(after.get("spec")).is_some_and(|(before, after)| spec(before, after))
        && old.len() == new.len()
        && old.iter().zip(new).all(same_disk)
}

/// Whether a disk is what was wanted, and nothing else of it differs.
fn is_changed(before: &Node, after: &Node, change: &Change) -> bool {
    if let Some(old) = existing(before) {
        return is_same_but(before, after, &["existingPVC"])
            && after.get("existingPVC").is_some_and(|new| {
                is_same_but(old, new, &["name"]) && new.get("name").is_some_and(|name| is_text(name, &change.claim))
            });
    }
    let is = |key: &str, wanted: Option<&str>, default: Option<&str>| {
        let Some(wanted) = wanted else { return is_same_entry(before.get(key), after.get(key)) };
        after.get(key).map_or(default == Some(wanted), |is| is_text(is, wanted))
    };
    let policy = match change.class {
        Some(_) => after.get("storagePolicy").is_none(),
        None => is_same_entry(before.get("storagePolicy"), after.get("storagePolicy")),
    };
    is_same_but(before, after, &FIELDS)
        && policy
        && is("claimName", Some(&change.claim), None)
        && is("storageClassName", change.class.as_deref(), None)
        && is("accessMode", change.access_mode.as_deref(), Some(DEFAULT_MODE))
        && is("volumeMode", change.volume_mode.as_deref(), Some(DEFAULT_VOLUME))
}

/// Whether a value is this text to every reader.
pub(super) fn is_text(node: &Node, text: &str) -> bool {
    kubectl_value(node).as_str() == Some(text)
}

fn is_same_entry(before: Option<&Node>, after: Option<&Node>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => is_same(before, after),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Whether two values are written with the same words, wherever they stand.
fn is_same(before: &Node, after: &Node) -> bool {
    match (&before.kind, &after.kind) {
        (Kind::Scalar(before, style), Kind::Scalar(after, now)) => before == after && style == now,
        (Kind::List(before), Kind::List(after)) => {
            before.len() == after.len() && before.iter().zip(after).all(|(before, after)| is_same(before, after))
        }
        (Kind::Map(_), Kind::Map(_)) => is_same_but(before, after, &[]),
        (Kind::Scalar(..) | Kind::List(_) | Kind::Map(_), _) => false,
    }
}

/// The same for two mappings, but for these keys.
fn is_same_but(before: &Node, after: &Node, keys: &[&str]) -> bool {
    let (Kind::Map(before), Kind::Map(after)) = (&before.kind, &after.kind) else { return false };
    let is_compared = |entry: &&Entry| !keys.contains(&&*entry.key);
    let (mut before, mut after) = (before.iter().filter(is_compared), after.iter().filter(is_compared));
    loop {
        match (before.next(), after.next()) {
            (None, None) => return true,
            (Some(before), Some(after)) => {
                if before.key != after.key || !is_same(&before.value, &after.value) {
                    return false;
                }
            }
            (Some(_), None) | (None, Some(_)) => return false,
        }
    }
}
