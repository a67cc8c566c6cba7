//! Facts in an order in which thousands of machines are looked at, each without a search through all objects.

use std::collections::HashMap;

use serde_json::Value;

use crate::facts::{Facts, claim_of, has_ended, is_helper, kind, last_seen, text, volumes};

/// What is asked for again and again, by what it is about. Names are with their namespace.
pub struct Index<'a> {
    pub(super) facts: &'a Facts,
    events: HashMap<Place<'a>, Vec<&'a Value>>,
    launchers: HashMap<Place<'a>, Vec<&'a Value>>,
    migrations: HashMap<Place<'a>, Vec<&'a Value>>,
    users: HashMap<Place<'a>, Vec<User<'a>>>,
}

type Place<'a> = (&'a str, &'a str);

/// Someone who holds a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct User<'a> {
    pub(super) kind: &'static str,
    pub(super) name: &'a str,
    pub(super) writes: bool,
}

impl<'a> Index<'a> {
    /// Puts facts in order.
    pub fn of(facts: &'a Facts) -> Self {
        let mut index = Self {
            facts,
            events: HashMap::new(),
            launchers: HashMap::new(),
            migrations: HashMap::new(),
            users: HashMap::new(),
        };
        for event in facts.all_of(kind::EVENT) {
            index.events.entry(place(event, "/involvedObject/name")).or_default().push(event);
        }
        for events in index.events.values_mut() {
            events.sort_by_key(|event| last_seen(event));
        }
        for migration in facts.all_of(kind::MIGRATION) {
            index.migrations.entry(place(migration, "/spec/vmiName")).or_default().push(migration);
        }
        for migrations in index.migrations.values_mut() {
            migrations.sort_by_key(|migration| text(migration, "/metadata/creationTimestamp"));
        }
        for pod in facts.all_of(kind::POD) {
            match text(pod, "/metadata/labels/kubevirt.io~1created-by") {
                Some(uid) => {
                    let namespace = text(pod, "/metadata/namespace").unwrap_or_default();
                    index.launchers.entry((namespace, uid)).or_default().push(pod);
                }
                None if !is_helper(pod) => index.hold(kind::POD, pod),
                None => {}
            }
        }
        for kind in [kind::MACHINE, kind::INSTANCE] {
            for machine in facts.all_of(kind) {
                index.hold(kind, machine);
            }
        }
        index
    }

    /// Notes the claims that an object holds.
    fn hold(&mut self, kind: &'static str, object: &'a Value) {
        let (namespace, name) = place(object, "/metadata/name");
        if has_ended(object) {
            return;
        }
        for volume in volumes(object) {
            if let Some(claim) = claim_of(volume) {
                let writes = writes(object, volume);
                self.users.entry((namespace, claim)).or_default().push(User { kind, name, writes });
            }
        }
    }

    /// The warnings about an object, the last one last.
    pub(super) fn events(&self, namespace: &'a str, name: &'a str) -> &[&'a Value] {
        self.events.get(&(namespace, name)).map_or(&[], Vec::as_slice)
    }

    /// The pods in which an instance runs or ran.
    pub(super) fn launchers(&self, namespace: &'a str, instance: &'a str) -> &[&'a Value] {
        self.launchers.get(&(namespace, instance)).map_or(&[], Vec::as_slice)
    }

    /// The migrations of an instance, the last one last.
    pub(super) fn migrations(&self, namespace: &'a str, name: &'a str) -> &[&'a Value] {
        self.migrations.get(&(namespace, name)).map_or(&[], Vec::as_slice)
    }

    /// Who holds a claim.
    pub(super) fn users(&self, namespace: &'a str, claim: &'a str) -> &[User<'a>] {
        self.users.get(&(namespace, claim)).map_or(&[], Vec::as_slice)
    }
}

fn place<'a>(object: &'a Value, name: &str) -> Place<'a> {
    (text(object, "/metadata/namespace").unwrap_or_default(), text(object, name).unwrap_or_default())
}

/// Whether a machine or a pod writes to a volume alone: a CD-ROM is only read unless it says otherwise, and who shares a
/// disk on purpose has said so.
fn writes(object: &Value, volume: &Value) -> bool {
    let disks = ["/spec/template/spec/domain/devices/disks", "/spec/domain/devices/disks"];
    let mut disks = disks.iter().filter_map(|at| object.pointer(at).and_then(Value::as_array)).flatten();
    let disk = disks.find(|disk| disk["name"] == volume["name"]);
    let shares = disk.is_some_and(|disk| {
        let cdrom = disk.get("cdrom").is_some_and(|cdrom| cdrom["readonly"] != Value::Bool(false));
        cdrom || disk["shareable"] == true
    });
    !shares && volume.pointer("/persistentVolumeClaim/readOnly") != Some(&Value::Bool(true))
}
