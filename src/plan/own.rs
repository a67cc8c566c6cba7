//! Whose an object is. Nothing that this Wukong did not make is taken silently.

use serde_json::Value;

use super::{Refusal, Wishes};
use crate::facts::{Facts, Record, created_by_other, is_going, kind, text};
use crate::machine::MANAGED_LABEL;
use crate::text::command_line;

/// How an object that is there stands to a Wukong.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It made it.
    Own,
    /// It did not make it, and takes it because it was asked to.
    Adopted,
}

/// Judges an object of a wanted name.
pub(super) fn standing(
    object: &Value,
    wukong: &str,
    record: Option<&Record>,
    wishes: Wishes,
    facts: &Facts,
) -> Result<Standing, Refusal> {
    let part = |pointer: &str| text(object, pointer).unwrap_or_default();
    let (kind, name, uid) = (part("/kind"), part("/metadata/name"), part("/metadata/uid"));
    let namespace = part("/metadata/namespace");
    let refuse = |reason: String, help: String| Refusal { object: format!("{kind}/{name}"), reason, help };
    if is_going(object) {
        let help = "wait until it is gone, then apply again; its finalizers say what it waits for";
        return Err(refuse("it is being deleted".into(), help.into()));
    }
    // Also one that this Wukong made: the record of an older state may name it still.
    if let Some(to) = super::moving::moved_to(object) {
        return Err(refuse(
            format!("its disk has moved to {to}, and this is what it left"),
            super::moving::left_help(to, wukong, namespace, name),
        ));
    }
    // A claim of a DataVolume belongs to that, and goes the same way.
    let carrier = created_by_other(object).filter(|owner| !(kind == kind::CLAIM && owner.starts_with("DataVolume ")));
    if let Some(owner) = carrier.filter(|_| kind == kind::MACHINE) {
        return Err(refuse(
            format!("it is controlled by {owner}, which would undo changes and takes it along when it is deleted"),
            format!(
                "release it first: stop the controller of {owner}, remove the owner reference from the {kind}, then --adopt"
            ),
        ));
    }
    let made = record.and_then(|record| record.made(kind, name));
    match made.map(|made| made.uid.as_deref()) {
        Some(Some(known)) if known == uid => return Ok(Standing::Own),
        // Meant to be made when a run was interrupted. It is ours if our field manager wrote it.
        Some(None) if written_by(object, wukong) => return Ok(Standing::Own),
        _ => {}
    }
    // The claim of a DataVolume that this Wukong made.
    if kind == kind::CLAIM {
        let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        let by_data_volume = owners.into_iter().flatten().any(|owner| {
            let volume = text(owner, "/name").and_then(|name| facts.get(kind::DATA_VOLUME, namespace, name));
            volume.is_some_and(|volume| {
                text(volume, "/metadata/uid") == text(owner, "/uid")
                    && matches!(standing(volume, wukong, record, wishes, facts), Ok(Standing::Own))
            })
        });
        if by_data_volume {
            return Ok(Standing::Own);
        }
    }
    if wishes.adopt {
        return Ok(Standing::Adopted);
    }
    let other = object.pointer("/metadata/labels").and_then(|labels| labels[MANAGED_LABEL].as_str());
    let reason = match (made.is_some(), other.filter(|other| *other != wukong)) {
        (_, Some(other)) => format!("it exists, and belongs to the Wukong `{other}`"),
        (true, None) => "it exists, but is another one than was made: it was deleted and made again".into(),
        (false, None) => "it exists, and was not made by this Wukong".into(),
    };
    let help = match other.filter(|other| *other != wukong) {
        Some(_) => "choose another name; `claimName` of a disk says which claim holds it".to_owned(),
        None => format!(
            "look at it with `kubectl get` and `{}`; --adopt takes it over",
            command_line("diff -f FILE", &[], namespace, "--adopt")
        ),
    };
    Err(refuse(reason, help))
}

/// Whether this Wukong's field manager applied an object.
pub(crate) fn written_by(object: &Value, wukong: &str) -> bool {
    let manager = Record::manager(wukong);
    super::owned::owners(object).iter().any(|owner| owner.applies && owner.manager == manager)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claim(label: &str, uid: &str) -> Value {
        json!({"kind": "PersistentVolumeClaim", "metadata": {
            "name": "a-b-c", "namespace": "n", "uid": uid, "labels": {MANAGED_LABEL: label},
        }})
    }

    #[test]
    fn a_uid_is_the_proof() {
        let facts = Facts::default();
        let mut record = Record::default();
        let judge = |object: &Value, record: &Record, adopt: bool| {
            standing(object, "a", Some(record), Wishes { adopt, ..Wishes::default() }, &facts)
        };
        assert!(judge(&claim("a", "1"), &record, false).is_err());
        record.note("v1", "PersistentVolumeClaim", "a-b-c", Some("1"));
        assert_eq!(judge(&claim("a", "1"), &record, false), Ok(Standing::Own));
        let again = judge(&claim("a", "2"), &record, false).unwrap_err();
        assert!(again.reason.contains("made again"));
        assert!(judge(&claim("a-b", "2"), &record, false).unwrap_err().reason.contains("`a-b`"));
        assert_eq!(judge(&claim("a-b", "2"), &record, true), Ok(Standing::Adopted));
    }

    #[test]
    fn an_interrupted_run_is_finished_and_a_meeting_of_names_is_not() {
        let facts = Facts::default();
        let mut record = Record::default();
        record.note("v1", "PersistentVolumeClaim", "a-b-c", None);
        let mut object = claim("a", "1");
        assert!(standing(&object, "a", Some(&record), Wishes::default(), &facts).is_err());
        object["metadata"]["managedFields"] = json!([{"manager": Record::manager("a-b"), "operation": "Apply"}]);
        assert!(standing(&object, "a", Some(&record), Wishes::default(), &facts).is_err());
        object["metadata"]["managedFields"] = json!([{"manager": Record::manager("a"), "operation": "Apply"}]);
        assert_eq!(standing(&object, "a", Some(&record), Wishes::default(), &facts), Ok(Standing::Own));
    }

    #[test]
    fn what_another_object_controls_is_not_taken() {
        let vm = json!({"kind": "VirtualMachine", "metadata": {"name": "a-vm", "namespace": "n", "uid": "1",
            "ownerReferences": [{"kind": "Wukong", "name": "a", "controller": true}]}});
        let wishes = Wishes { adopt: true, ..Wishes::default() };
        assert!(standing(&vm, "a", None, wishes, &Facts::default()).unwrap_err().reason.contains("Wukong a"));
    }
}
