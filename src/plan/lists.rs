//! Disks, volumes, interfaces and networks: lists that server-side apply owns whole, merged by name.
//!
//! An entry that was not among those last applied was added by someone else, `virtctl addvolume` for one, and stays. The
//! order stays too: guests name their devices by it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::merge::{overlay, same};
use crate::facts::claim_of;

/// A list of named entries.
pub(super) struct Named {
    /// Its name in records and in what people read.
    pub name: &'static str,
    /// Where it lies in the machine.
    pub path: &'static [&'static str],
    /// Keys of which an entry has one: taking another one takes the first away.
    pub variants: &'static [&'static str],
}

/// The lists of a VirtualMachine that others add to while it runs.
pub(super) const LISTS: [Named; 4] = [
    Named {
        name: "disks",
        path: &["spec", "template", "spec", "domain", "devices", "disks"],
        variants: &["disk", "lun", "cdrom"],
    },
    Named {
        name: "volumes",
        path: &["spec", "template", "spec", "volumes"],
        variants: &[
            "persistentVolumeClaim",
            "dataVolume",
            "containerDisk",
            "cloudInitNoCloud",
            "cloudInitConfigDrive",
            "emptyDisk",
            "ephemeral",
            "configMap",
            "secret",
            "sysprep",
            "hostDisk",
            "serviceAccount",
            "downwardAPI",
            "downwardMetrics",
            "memoryDump",
        ],
    },
    Named {
        name: "interfaces",
        path: &["spec", "template", "spec", "domain", "devices", "interfaces"],
        variants: &["bridge", "masquerade", "sriov", "passt", "passtBinding", "slirp", "macvtap", "binding"],
    },
    Named {
        name: "networks",
        path: &["spec", "template", "spec", "networks"],
        variants: &["pod", "multus", "resourceClaim"],
    },
];

/// What a merge did.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Merged {
    /// The list to send.
    pub list: Vec<Value>,
    /// Names of entries of others, which stay.
    pub kept: Vec<String>,
    /// Names of entries that were applied and are wanted no more.
    pub removed: Vec<String>,
    /// Names of entries that are new.
    pub added: Vec<String>,
}

/// The name of an entry.
pub(super) fn name(entry: &Value) -> &str {
    entry["name"].as_str().unwrap_or_default()
}

/// A list as a value of `object`.
pub(super) fn list<'a>(object: &'a Value, named: &Named) -> &'a [Value] {
    let found = named.path.iter().try_fold(object, |value, key| value.get(key));
    found.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Merges the wanted entries into the live ones. `last` is what was last applied, by name.
pub(super) fn merge(live: &[Value], wanted: &[Value], last: &BTreeMap<String, Value>, named: &Named) -> Merged {
    let mut merged = Merged::default();
    for entry in live {
        let name = name(entry).to_owned();
        match wanted.iter().find(|wanted| self::name(wanted) == name) {
            Some(wanted) => merged.list.push(one(entry, wanted, last.get(&name), named)),
            None if last.contains_key(&name) => merged.removed.push(name),
            None => {
                merged.list.push(entry.clone());
                merged.kept.push(name);
            }
        }
    }
    for entry in wanted {
        if live.iter().all(|live| name(live) != name(entry)) {
            merged.added.push(name(entry).to_owned());
            merged.list.push(entry.clone());
        }
    }
    merged
}

/// One entry: what is wanted, over what is live, without what was applied and is wanted no more.
fn one(live: &Value, wanted: &Value, last: Option<&Value>, named: &Named) -> Value {
    if same_claim(live, wanted) {
        return live.clone();
    }
    let mut base = live.clone();
    if let Some(fields) = base.as_object_mut() {
        let gone = last.and_then(Value::as_object).into_iter().flat_map(Map::keys);
        for key in gone.filter(|key| wanted.get(key.as_str()).is_none()) {
            fields.shift_remove(key);
        }
        let chosen = named.variants.iter().find(|variant| wanted.get(**variant).is_some());
        if chosen.is_some() {
            fields.retain(|key, _| !named.variants.contains(&key.as_str()) || Some(&key.as_str()) == chosen);
        }
        // Inside of a variant as well: `readonly` that was taken back.
        for (key, wanted) in wanted.as_object().into_iter().flatten() {
            let last = last.and_then(|last| last.get(key)).and_then(Value::as_object);
            if let (Some(last), Some(fields)) = (last, fields.get_mut(key).and_then(Value::as_object_mut)) {
                fields.retain(|inner, _| wanted.get(inner).is_some() || !last.contains_key(inner));
            }
        }
    }
    overlay(&base, wanted)
}

/// The same claim, once as a claim and once as a DataVolume: nothing to change.
fn same_claim(live: &Value, wanted: &Value) -> bool {
    let claim = claim_of(live);
    let read_only = |volume: &Value| volume.pointer("/persistentVolumeClaim/readOnly") == Some(&Value::Bool(true));
    claim.is_some()
        && claim == claim_of(wanted)
        && read_only(live) == read_only(wanted)
        && live.get("dataVolume").is_some() != wanted.get("dataVolume").is_some()
        || same(live, wanted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn last(entries: &[Value]) -> BTreeMap<String, Value> {
        entries.iter().map(|entry| (name(entry).to_owned(), entry.clone())).collect()
    }

    #[test]
    fn entries_of_others_stay() {
        let (system, old) = (json!({"name": "system", "disk": {"bus": "virtio"}}), json!({"name": "old", "disk": {}}));
        let hot = json!({"name": "hot", "disk": {"bus": "scsi"}, "serial": "hot"});
        let new = json!({"name": "new", "disk": {"bus": "virtio"}});
        let live = [system.clone(), old.clone(), hot.clone()];
        let merged = merge(&live, &[system.clone(), new.clone()], &last(&[system.clone(), old]), &LISTS[0]);
        assert_eq!(merged.list, [system, hot, new]);
        assert_eq!(
            (merged.kept, merged.removed, merged.added),
            (vec!["hot".into()], vec!["old".into()], vec!["new".into()])
        );
    }

    #[test]
    fn what_others_added_to_an_entry_stays_and_what_was_taken_back_goes() {
        let live = json!({"name": "a", "bridge": {}, "macAddress": "02:00:00:00:00:01", "bootOrder": 1});
        let before = json!({"name": "a", "bridge": {}, "bootOrder": 1});
        let wanted = json!({"name": "a", "bridge": {}});
        let merged = merge(&[live], &[wanted], &last(&[before]), &LISTS[2]);
        assert_eq!(merged.list, [json!({"name": "a", "bridge": {}, "macAddress": "02:00:00:00:00:01"})]);
        let live = json!({"name": "a", "disk": {"bus": "virtio", "readonly": true, "pciAddress": "x"}});
        let before = json!({"name": "a", "disk": {"bus": "virtio", "readonly": true}});
        let wanted = json!({"name": "a", "disk": {"bus": "virtio"}});
        let merged = merge(&[live], &[wanted], &last(&[before]), &LISTS[0]);
        assert_eq!(merged.list, [json!({"name": "a", "disk": {"bus": "virtio", "pciAddress": "x"}})]);
    }

    #[test]
    fn another_variant_takes_the_first_away() {
        let live = json!({"name": "a", "containerDisk": {"image": "x"}});
        let wanted = json!({"name": "a", "dataVolume": {"name": "y"}});
        assert_eq!(merge(&[live], std::slice::from_ref(&wanted), &BTreeMap::new(), &LISTS[1]).list, [wanted]);
    }

    #[test]
    fn a_claim_is_a_claim() {
        let live = json!({"name": "a", "persistentVolumeClaim": {"claimName": "y"}});
        let wanted = json!({"name": "a", "dataVolume": {"name": "y"}});
        assert_eq!(merge(std::slice::from_ref(&live), &[wanted], &BTreeMap::new(), &LISTS[1]).list, [live]);
    }
}
