//! Carries out a plan: the only writer of machines and their disks.
//!
//! The intent is recorded before the first object, so that a run that is killed at any point is finished by the next.
//! Every object is written only as it was seen; if it moved, the caller looks again.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::write::annotation;
use super::{Delete, Door, Reason, Refused, Resource, Write, grow};
use crate::facts::{Record, text};
use crate::plan::{LAST_APPLIED, Op, Plan, Step};

/// Set when the person wants no further writes.
#[derive(Debug, Default)]
pub struct Interrupt(AtomicBool);

impl Interrupt {
    /// No write begins after this.
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it was set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Why a plan was not carried out to its end.
#[derive(Debug, Clone)]
pub enum Stopped {
    /// The cluster moved since it was read: plan again.
    Moved(Box<Refused>),
    /// The server refused.
    Refused(Box<Refused>),
    /// The person wants no further writes.
    Interrupted,
}

/// How a plan is carried out.
#[derive(Clone, Copy)]
pub struct Carry<'a> {
    /// The way to the server.
    pub door: &'a Door,
    /// Whether the server only pretends.
    pub dry_run: bool,
    /// Ends it between two writes.
    pub interrupt: &'a Interrupt,
    /// Is told each object that was written.
    pub done: &'a (dyn Fn(&Step) + Sync),
}

impl Carry<'_> {
    /// Carries out all steps of a plan.
    ///
    /// # Errors
    /// Why it stopped. What was written stays, and is recorded.
    pub async fn out(&self, plan: &Plan) -> Result<(), Stopped> {
        if plan.is_empty() {
            return Ok(());
        }
        let manager = Record::manager(&plan.name);
        let mut version = plan.record_version.clone();
        let intent = plan.intent();
        if plan.before.as_ref() != Some(&intent) {
            version = self.record(plan, &intent, version.as_deref(), &manager).await?;
        }
        let mut after = plan.after.clone();
        for step in &plan.steps {
            if step.op == Op::Keep {
                continue;
            }
            self.go_on()?;
            let stored = self.step(plan, step, &manager).await?;
            if let Some(uid) = stored.as_ref().and_then(|stored| text(stored, "/metadata/uid")) {
                after.note(&step.api_version, &step.kind, &step.name, Some(uid));
            }
            (self.done)(step);
        }
        if after != intent {
            self.record(plan, &after, version.as_deref(), &manager).await?;
        }
        Ok(())
    }

    fn go_on(&self) -> Result<(), Stopped> {
        if self.interrupt.is_set() { Err(Stopped::Interrupted) } else { Ok(()) }
    }

    /// Writes the record as it was seen; gives its new version.
    async fn record(
        &self,
        plan: &Plan,
        record: &Record,
        version: Option<&str>,
        manager: &str,
    ) -> Result<Option<String>, Stopped> {
        if self.dry_run {
            return Ok(version.map(str::to_owned));
        }
        self.go_on()?;
        let mut object = record.config_map(&plan.name, &plan.namespace);
        let write = Write { manager, force: false, dry_run: false };
        let stored = match version {
            Some(version) => {
                object["metadata"]["resourceVersion"] = json!(version);
                self.door.replace(&object, &write).await
            }
            None => self.door.create(&object, &write).await,
        };
        let stored = match stored {
            Ok(stored) => stored,
            // After a cut, a repetition meets its own work.
            Err(refused) if matches!(refused.reason, Reason::Conflict | Reason::AlreadyExists) => {
                let found = self.door.get(Resource::ConfigMap, Some(&plan.namespace), &Record::name(&plan.name)).await;
                match found.map_err(stopped)? {
                    Some(found) if Record::read(&found).as_ref() == Ok(record) => found,
                    _ => return Err(Stopped::Moved(Box::new(refused))),
                }
            }
            Err(refused) => return Err(stopped(refused)),
        };
        Ok(text(&stored, "/metadata/resourceVersion").map(str::to_owned))
    }

    async fn step(&self, plan: &Plan, step: &Step, manager: &str) -> Result<Option<Value>, Stopped> {
        let write = Write { manager, force: step.force, dry_run: self.dry_run };
        let kind = Resource::of(&step.body);
        let namespace = Some(plan.namespace.as_str());
        let version = |live: &Value| live.pointer("/metadata/resourceVersion").cloned().unwrap_or(Value::Null);
        match (step.op, &step.live) {
            (Op::Keep, _) => Ok(None),
            (Op::Create, _) | (_, None) => {
                let mut body = step.body.clone();
                body["metadata"]["resourceVersion"] = json!(NO_VERSION);
                self.door.apply(&body, &write).await.map(Some).map_err(stopped)
            }
            (Op::Update | Op::Adopt, Some(live)) => {
                // A claim of a DataVolume is only noted.
                if step.only_noted() {
                    return Ok(Some(live.clone()));
                }
                if step.merges() {
                    return grow(self.door, &plan.namespace, step, &write).await.map(Some).map_err(stopped);
                }
                let mut body = step.body.clone();
                let mut seen = version(live);
                if !step.take_over.is_empty() && !self.dry_run {
                    seen = self.take_over(plan, step, live, &write).await?;
                }
                body["metadata"]["resourceVersion"] = seen;
                self.door.apply(&body, &write).await.map(Some).map_err(stopped)
            }
            (Op::Grow, Some(_)) => grow(self.door, &plan.namespace, step, &write).await.map(Some).map_err(stopped),
            (Op::Delete, Some(live)) => {
                let Some(kind) = kind else { return Ok(None) };
                let delete = Delete { uid: text(live, "/metadata/uid"), dry_run: self.dry_run, ..Delete::default() };
                self.door.delete(kind, namespace, &step.name, &delete).await.map(|_| None).map_err(stopped)
            }
        }
    }

    /// Takes the wanted fields from the managers of older tools, so that a field that leaves the file later also leaves
    /// the object. Fields that are not in the file stay theirs. Gives the new version.
    async fn take_over(&self, plan: &Plan, step: &Step, live: &Value, write: &Write<'_>) -> Result<Value, Stopped> {
        let mut entries =
            live.pointer("/metadata/managedFields").and_then(Value::as_array).cloned().unwrap_or_default();
        for entry in &mut entries {
            let older = entry["manager"].as_str().is_some_and(|name| step.take_over.iter().any(|taken| taken == name));
            if older && entry["subresource"].as_str().unwrap_or_default().is_empty() {
                release(&mut entry["fieldsV1"], &step.body);
            }
        }
        entries.retain(|entry| entry["fieldsV1"].as_object().is_some_and(|fields| !fields.is_empty()));
        // Fields that nobody owned before a first apply are given to `before-first-apply`, for ever.
        if entries.iter().all(|entry| entry["manager"] != write.manager)
            && let Some(own) = first_field(&step.body["spec"], &live["spec"])
        {
            entries.push(json!({
                "manager": write.manager, "operation": "Apply", "apiVersion": step.api_version,
                "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": own},
            }));
        }
        let mut patch = vec![
            json!({"op": "test", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]}),
            json!({"op": "replace", "path": "/metadata/managedFields", "value": entries}),
        ];
        if live.pointer("/metadata/annotations").is_some_and(|all| all.get(LAST_APPLIED).is_some()) {
            patch.push(json!({"op": "remove", "path": annotation(LAST_APPLIED)}));
        }
        let Some(kind) = Resource::of(&step.body) else { return Ok(Value::Null) };
        let stored = self.door.json_patch(kind, Some(&plan.namespace), &step.name, &json!(patch), write).await;
        let stored = stored.map_err(|refused| match refused.reason {
            // A failed test is an invalid patch to the server.
            Reason::Invalid => Stopped::Moved(Box::new(refused)),
            _ => stopped(refused),
        })?;
        Ok(stored["metadata"]["resourceVersion"].clone())
    }
}

/// The version of an empty store, which no object ever has. With it, server-side apply makes an object but answers with a
/// conflict where one has come meanwhile: its lists would be replaced, and disks taken from a machine.
/// Source: Kubernetes, staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go, Update.
const NO_VERSION: &str = "1";

fn stopped(refused: Refused) -> Stopped {
    match refused.reason {
        Reason::Conflict => Stopped::Moved(Box::new(refused)),
        _ => Stopped::Refused(Box::new(refused)),
    }
}

/// One field that is wanted and there, as `managedFields` has it.
fn first_field(wanted: &Value, live: &Value) -> Option<Value> {
    wanted.as_object()?.iter().find_map(|(key, value)| {
        let live = live.get(key)?;
        let name = format!("f:{key}");
        if value.is_object() {
            first_field(value, live).map(|below| json!({name: below}))
        } else {
            Some(json!({name: {}}))
        }
    })
}

/// Removes the fields that `body` has from a manager's fields.
fn release(fields: &mut Value, body: &Value) {
    let Some(fields) = fields.as_object_mut() else { return };
    let Some(wanted) = body.as_object() else { return };
    for (key, value) in wanted {
        let name = format!("f:{key}");
        let Some(below) = fields.get_mut(&name) else { continue };
        if value.is_object() && below.as_object().is_some_and(|below| !below.is_empty()) {
            release(below, value);
        } else {
            *below = json!({});
        }
        if below.as_object().is_none_or(|below| below.keys().all(|key| key == ".")) {
            fields.shift_remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_field_is_enough() {
        let wanted = json!({"new": 1, "template": {"spec": {"gone": 1, "volumes": []}}});
        let live = json!({"template": {"spec": {"volumes": []}}});
        assert_eq!(first_field(&wanted, &live), Some(json!({"f:template": {"f:spec": {"f:volumes": {}}}})));
        assert_eq!(first_field(&json!({"a": 1}), &live), None);
    }

    #[test]
    fn only_wanted_fields_are_taken_over() {
        let mut fields = json!({
            "f:metadata": {"f:labels": {".": {}, "f:a": {}, "f:mine": {}}},
            "f:spec": {"f:runStrategy": {}, "f:template": {"f:spec": {"f:volumes": {}, "f:hostname": {}}}},
        });
        let body = json!({
            "metadata": {"labels": {"a": "1"}},
            "spec": {"runStrategy": "Always", "template": {"spec": {"volumes": []}}},
        });
        release(&mut fields, &body);
        assert_eq!(
            fields,
            json!({
                "f:metadata": {"f:labels": {".": {}, "f:mine": {}}},
                "f:spec": {"f:template": {"f:spec": {"f:hostname": {}}}},
            })
        );
    }
}
