//! Which VolumeSnapshotClass KubeVirt takes for a disk. A VirtualMachineSnapshot has no field for it.

use serde_json::Value;

use crate::facts::{Facts, kind, path, text};
use crate::text::word;

/// The annotation of the class that is taken where none is named.
const DEFAULT: &str = "snapshot.storage.kubernetes.io/is-default-class";

/// What KubeVirt takes for the claims of a StorageClass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// This class.
    Class(String),
    /// None: a disk of this class is left out. Why, and the way out.
    None(String, String),
    /// It cannot choose, and the whole snapshot fails. Why, and the way out.
    Fails(String, String),
    /// Not known here, because something could not be read.
    Unknown(String),
}

/// What KubeVirt takes: the class that the StorageProfile names, else the only one of the driver, else the one that is
/// marked as the default. Source: KubeVirt, pkg/storage/snapshot/snapshot.go, getVolumeSnapshotClassName.
pub fn choice(facts: &Facts, class: &str) -> Choice {
    for kind in [kind::CLASS, kind::PROFILE, kind::SNAPSHOT_CLASS] {
        if let Some(unread) = facts.unknown(kind, "") {
            return Choice::Unknown(unread.reason.clone());
        }
    }
    let Some(found) = facts.get(kind::CLASS, "", class) else {
        let why = format!("its StorageClass `{class}` does not exist");
        return Choice::None(why, "make the class again, or move the disk to one that exists".to_owned());
    };
    let profile = facts.get(kind::PROFILE, "", class);
    if let Some(named) =
        profile.and_then(|profile| text(profile, "/status/snapshotClass")).filter(|name| !name.is_empty())
    {
        return match facts.get(kind::SNAPSHOT_CLASS, "", named) {
            Some(_) => Choice::Class(named.to_owned()),
            None => {
                let why =
                    format!("the StorageProfile `{class}` names the VolumeSnapshotClass `{named}`, which is not there");
                Choice::None(why, format!("make it, or name another one: {}", name_it(class, "NAME")))
            }
        };
    }
    let driver = text(found, "/provisioner").unwrap_or_default();
    let all: Vec<_> = of_driver(facts, driver).collect();
    match all.as_slice() {
        [] => {
            let why = format!("no VolumeSnapshotClass is for its driver `{driver}`");
            Choice::None(why, "`kubectl get volumesnapshotclass` lists them; an administrator can make one".to_owned())
        }
        [one] => Choice::Class(name(one).to_owned()),
        many => {
            // The value is not looked at, and of two it takes the one that comes first to it.
            let marked: Vec<_> =
                many.iter().filter(|class| path(class, &["metadata", "annotations", DEFAULT]).is_some()).collect();
            match marked.as_slice() {
                [one] => Choice::Class(name(one).to_owned()),
                found => {
                    let names: Vec<_> = many.iter().map(|class| name(class)).collect();
                    let marked = if found.is_empty() { "none" } else { "more than one" };
                    let why = format!(
                        "{} are for its driver `{driver}`, and {marked} of them is marked as the default: KubeVirt cannot choose",
                        names.join(" and ")
                    );
                    let first = names.first().copied().unwrap_or_default();
                    Choice::Fails(why, format!("name one for all disks of the class: {}", name_it(class, first)))
                }
            }
        }
    }
}

/// Why another class than the one that KubeVirt takes cannot be had, or the command that makes it so.
pub(super) fn wish(facts: &Facts, class: &str, wanted: &str) -> String {
    let driver = facts.get(kind::CLASS, "", class).and_then(|class| text(class, "/provisioner")).unwrap_or_default();
    match facts.get(kind::SNAPSHOT_CLASS, "", wanted) {
        None => format!("there is no VolumeSnapshotClass `{wanted}`: `kubectl get volumesnapshotclass` lists them"),
        Some(found) if text(found, "/driver") != Some(driver) => {
            let other = text(found, "/driver").unwrap_or("?");
            format!("`{wanted}` is for the driver `{other}`, and this disk's is `{driver}`: it cannot be had for it")
        }
        Some(_) => format!("{} makes it so, for all disks of the class", name_it(class, wanted)),
    }
}

/// The classes of a driver.
fn of_driver<'f>(facts: &'f Facts, driver: &str) -> impl Iterator<Item = &'f Value> {
    facts.all_of(kind::SNAPSHOT_CLASS).filter(move |class| text(class, "/driver") == Some(driver))
}

fn name(class: &Value) -> &str {
    text(class, "/metadata/name").unwrap_or_default()
}

/// The command that names a class. CDI copies it into the status of the profile. Source: CDI, doc/storageprofile.md.
fn name_it(class: &str, wanted: &str) -> String {
    let patch = serde_json::json!({"spec": {"snapshotClass": wanted}}).to_string();
    format!("kubectl patch storageprofile {} --type=merge -p {}", word(class), word(&patch))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::facts::Unread;

    fn facts(classes: &[(&str, &str, bool)], profile: Option<&str>) -> Facts {
        let mut facts = Facts::default();
        facts.insert(json!({"kind": "StorageClass", "metadata": {"name": "fast"}, "provisioner": "d"}));
        for (name, driver, marked) in classes {
            let annotations = if *marked { json!({DEFAULT: "true"}) } else { json!({}) };
            facts.insert(json!({
                "kind": "VolumeSnapshotClass", "driver": driver, "metadata": {"name": name, "annotations": annotations},
            }));
        }
        if let Some(profile) = profile {
            facts.insert(json!({
                "kind": "StorageProfile", "metadata": {"name": "fast"}, "status": {"snapshotClass": profile},
            }));
        }
        facts
    }

    #[test]
    fn the_choice_is_kubevirts() {
        let taken = |facts: &Facts| match choice(facts, "fast") {
            Choice::Class(name) => name,
            other => format!("{other:?}"),
        };
        assert_eq!(taken(&facts(&[("a", "d", false), ("x", "other", true)], None)), "a");
        assert_eq!(taken(&facts(&[("a", "d", false), ("b", "d", true)], None)), "b");
        assert_eq!(taken(&facts(&[("a", "d", false), ("b", "d", true)], Some("a"))), "a");
        assert_eq!(taken(&facts(&[("a", "d", false), ("x", "other", false)], Some("x"))), "x");
    }

    #[test]
    fn without_a_choice_it_is_told_why() {
        let Choice::Fails(why, help) = choice(&facts(&[("a", "d", false), ("b", "d", false)], None), "fast") else {
            panic!("it chose")
        };
        assert!(why.starts_with("a and b are for its driver `d`, and none"), "{why}");
        assert!(
            help.contains(r#"kubectl patch storageprofile fast --type=merge -p '{"spec":{"snapshotClass":"a"}}'"#),
            "{help}"
        );
        assert!(matches!(choice(&facts(&[("a", "d", true), ("b", "d", true)], None), "fast"), Choice::Fails(..)));
        assert!(matches!(choice(&facts(&[], None), "fast"), Choice::None(..)));
        assert!(matches!(choice(&facts(&[("a", "d", false)], Some("gone")), "fast"), Choice::None(..)));
        assert!(matches!(choice(&facts(&[], None), "none"), Choice::None(..)));
        let mut blind = facts(&[("a", "d", false)], None);
        blind.unread(Unread { kind: kind::SNAPSHOT_CLASS.into(), namespace: None, reason: "forbidden".into() });
        assert_eq!(choice(&blind, "fast"), Choice::Unknown("forbidden".into()));
    }

    #[test]
    fn another_class_is_made_so_where_that_is_possible() {
        let facts = facts(&[("a", "d", false), ("b", "d", true), ("x", "other", false)], None);
        assert!(wish(&facts, "fast", "a").contains("kubectl patch storageprofile fast"));
        assert!(wish(&facts, "fast", "x").contains("is for the driver `other`"));
        assert!(wish(&facts, "fast", "gone").contains("there is no VolumeSnapshotClass"));
    }
}
