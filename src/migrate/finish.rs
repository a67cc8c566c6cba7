//! The end of every move of disks: the Wukong's record follows, and the claims that are left are marked and kept.

use serde_json::{Map, Value, json};

use super::scene::Scene;
use super::step::{Act, Next};
use crate::facts::{End, Facts, Journey, Kept, Record, kind, path, text, volumes};
use crate::machine::MANAGED_LABEL;
use crate::plan::{MOVED_TO, moved_to, written_by};
use crate::render::is_keep;

/// What is left to do when the guest has its new disks. `before` is what the way of the move does first.
pub(super) fn next(journey: &Journey, scene: &Scene<'_>, before: impl FnOnce() -> Option<Next>) -> Next {
    if let Some(next) = before() {
        return next;
    }
    if let Some(next) = own(journey, scene) {
        return next;
    }
    if let Some(map) = record(journey, scene) {
        return Next::step(journey, "note the new claims in the Wukong's record", Act::Replace(map));
    }
    for moved in &journey.disks {
        let Some(claim) = scene.facts.get(kind::CLAIM, scene.namespace, &moved.from) else { continue };
        let same = text(claim, "/metadata/uid") == Some(moved.from_uid.as_str());
        if same && moved_to(claim) != Some(&moved.to) {
            let patch = json!({"metadata": {"uid": moved.from_uid, "annotations": {MOVED_TO: moved.to}}});
            let act = Act::Merge { kind: kind::CLAIM, name: moved.from.clone(), patch };
            return Next::step(journey, format!("mark the old claim {}", moved.from), act);
        }
    }
    let mut ended = journey.clone();
    for moved in &journey.disks {
        keep(
            &mut ended,
            Kept {
                claim: moved.from.clone(),
                uid: moved.from_uid.clone(),
                disk: moved.disk.clone(),
                to: moved.to.clone(),
                what: format!("disk {} before it moved to {}", moved.disk, moved.to),
                policy: moved.policy.clone(),
            },
        );
    }
    Next::end(End::Done, ended)
}

/// The new claims become the Wukong's, field by field, as if it had made them from its file.
fn own(journey: &Journey, scene: &Scene<'_>) -> Option<Next> {
    let wukong = journey.wukong.as_deref()?;
    journey.disks.iter().find_map(|moved| {
        let claim = scene.facts.get(kind::CLAIM, scene.namespace, &moved.to)?;
        if written_by(claim, wukong) {
            return None;
        }
        let kept = |part: &str, wanted: &dyn Fn(&str) -> bool| -> Map<String, Value> {
            let all = path(claim, &["metadata", part]).and_then(Value::as_object);
            let wanted = all.into_iter().flatten().filter(|(key, _)| wanted(key));
            wanted.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        let mut labels = kept("labels", &|key| key == MANAGED_LABEL);
        labels.insert(MANAGED_LABEL.into(), json!(wukong));
        let spec = &claim["spec"];
        let body = json!({
            "apiVersion": "v1", "kind": kind::CLAIM,
            "metadata": {
                "name": moved.to, "namespace": scene.namespace, "uid": claim["metadata"]["uid"],
                "labels": labels, "annotations": kept("annotations", &is_keep),
            },
            "spec": {
                "accessModes": spec["accessModes"], "resources": spec["resources"],
                "storageClassName": spec["storageClassName"], "volumeMode": spec["volumeMode"],
            },
        });
        Some(Next::step(journey, format!("make {} a claim of the Wukong", moved.to), Act::Apply(body)))
    })
}

/// The journey with the copies that nobody uses now.
pub(super) fn given_up(journey: &Journey, scene: &Scene<'_>) -> Journey {
    let mut ended = journey.clone();
    for moved in &journey.disks {
        for kind in [kind::CLAIM, kind::DATA_VOLUME] {
            let Some(object) = scene.facts.get(kind, scene.namespace, &moved.to) else { continue };
            let uid = text(object, "/metadata/uid").unwrap_or_default().to_owned();
            let what = format!("a copy of disk {} that was given up", moved.disk);
            if ended.kept.iter().all(|kept| kept.claim != moved.to) && super::target::is_of(object, moved) {
                let (claim, disk) = (moved.to.clone(), moved.disk.clone());
                keep(&mut ended, Kept { claim, uid, disk, what, ..Kept::default() });
            }
        }
    }
    ended
}

/// A claim is kept once.
fn keep(journey: &mut Journey, kept: Kept) {
    if journey.kept.iter().all(|known| known.claim != kept.claim) {
        journey.kept.push(kept);
    }
}

/// The Wukong's record with the new claims, unless it has them.
fn record(journey: &Journey, scene: &Scene<'_>) -> Option<Value> {
    let (wukong, namespace) = (journey.wukong.as_deref()?, scene.namespace);
    let map = scene.facts.get(kind::CONFIG_MAP, namespace, &Record::name(wukong))?;
    let before = Record::read(map).ok()?;
    let disks = journey.disks.iter().map(|moved| (moved.disk.as_str(), moved.from.as_str(), moved.to.as_str()));
    let after = repointed(&before, disks, scene.vm, scene.facts, namespace);
    (after != before).then(|| {
        let mut body = after.config_map(wukong, namespace);
        body["metadata"]["resourceVersion"] = map["metadata"]["resourceVersion"].clone();
        body
    })
}

/// A record in which disks have other claims: each as its name, the claim that it left and the claim that it has. The next
/// plan then takes the new claims for its own.
pub fn repointed<'a>(
    record: &Record,
    disks: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
    vm: &Value,
    facts: &Facts,
    namespace: &str,
) -> Record {
    let mut record = record.clone();
    for (disk, from, to) in disks {
        record.made.retain(|made| made.name != from || !matches!(made.kind.as_str(), kind::CLAIM | kind::DATA_VOLUME));
        if let Some(claim) = facts.get(kind::CLAIM, namespace, to) {
            record.note("v1", kind::CLAIM, to, text(claim, "/metadata/uid"));
        }
        if let Some(known) = record.claims.get_mut(disk) {
            to.clone_into(known);
        }
        let volume = volumes(vm).iter().find(|volume| volume["name"] == disk);
        if let (Some(volume), Some(entry)) = (volume, record.lists.get_mut("volumes").and_then(|all| all.get_mut(disk)))
        {
            *entry = volume.clone();
        }
    }
    record
}
