//! Carries out the way back to a snapshot: halt, let KubeVirt restore, release the new claims, write the record, look that
//! every old claim is still there, start again. A run that is killed at any point is finished by the next one.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::arrival::end;
use super::remove::gone;
use super::runtime::{interrupted, pause};
use super::{Door, Reason, Refused, Resource, Write};
use crate::facts::{MANAGER, Record, is_going, path, text};
use crate::plan::carried;
use crate::snapshot::{self, RUNS, Restoration, Restored, SETTLED, agreed, corrected, restored};
use crate::status::Subject;

/// Why a machine is not back. What is left is done by the same command again.
#[derive(Debug)]
pub enum Broken {
    /// The server refused.
    Refused(Box<Refused>),
    /// The guest did not stop, or KubeVirt was not done, in time.
    TimedOut(String),
    /// KubeVirt failed, or the restore was taken back.
    Failed(String),
    /// The name of the restore went to that of somebody else.
    NameTaken(String),
    /// Going on would delete a disk, or one that had to stay is not there.
    Unsafe(String),
    /// The person wanted to wait no longer.
    Interrupted,
}

impl From<Refused> for Broken {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

/// A disk that is back: as it was planned, and its new claim.
#[derive(Debug)]
pub struct Back {
    /// As it was planned.
    pub disk: snapshot::Back,
    /// The new claim.
    pub claim: Value,
}

const PAUSE: Duration = Duration::from_millis(500);

/// How often a record that others write meanwhile is written again.
const TRIES: usize = 5;

struct Way<'a> {
    door: &'a Door,
    subject: &'a Subject,
    plan: &'a Restoration,
    manager: String,
    end: Option<Instant>,
    tell: &'a (dyn Fn(&str) + Sync),
}

/// Takes a machine back. `tell` hears of each step.
///
/// # Errors
/// Why it stopped.
pub async fn restore(
    door: &Door,
    subject: &Subject,
    plan: &Restoration,
    timeout: Duration,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<Vec<Back>, Broken> {
    let manager = plan.wukong.as_deref().map_or_else(|| MANAGER.to_owned(), Record::manager);
    let way = Way { door, subject, plan, manager, end: end(timeout), tell };
    tokio::select! {
        outcome = way.go() => outcome,
        () = interrupted() => Err(Broken::Interrupted),
    }
}

impl Way<'_> {
    async fn go(&self) -> Result<Vec<Back>, Broken> {
        if self.plan.stop {
            self.halt().await?;
        }
        if !self.plan.body.is_null() {
            self.begin().await?;
        }
        let restore = self.done().await?;
        let back = self.settle(&restore).await?;
        self.remember(&back).await?;
        self.kept(&back).await?;
        self.start_again().await?;
        let patch = json!({"metadata": {"uid": restore["metadata"]["uid"], "annotations": {SETTLED: "true"}}});
        self.door.merge(Resource::Restore, self.namespace(), &self.plan.name, &patch, &self.write(false)).await?;
        Ok(back.into_iter().map(|(disk, claim, _)| Back { disk, claim }).collect())
    }

    #[expect(clippy::unnecessary_wraps, reason = "requests are of a namespace or of none")]
    fn namespace(&self) -> Option<&str> {
        Some(&self.subject.namespace)
    }

    fn write(&self, force: bool) -> Write<'_> {
        Write { manager: &self.manager, force, dry_run: false }
    }

    /// The machine, as it is now.
    async fn machine(&self) -> Result<Value, Broken> {
        let found = self.door.get(Resource::VirtualMachine, self.namespace(), &self.subject.vm).await?;
        found.ok_or_else(|| Broken::Failed(format!("the VirtualMachine {} is gone", self.subject.vm)))
    }

    /// Stops the machine, and notes on it what it was meant to do: a later run starts it again.
    async fn halt(&self) -> Result<(), Broken> {
        let vm = self.machine().await?;
        let old = vm.pointer("/spec/running").is_some_and(Value::is_boolean);
        let strategy = if old { "running" } else { text(&vm, "/spec/runStrategy").unwrap_or("Halted") };
        let spec = if old { json!({"running": false}) } else { json!({"runStrategy": "Halted"}) };
        let mut patch = json!({"metadata": {"uid": vm["metadata"]["uid"]}, "spec": spec});
        if strategy != "Halted" && path(&vm, &["metadata", "annotations", RUNS]).is_none() {
            patch["metadata"]["annotations"] = json!({RUNS: strategy});
        }
        self.door
            .merge(Resource::VirtualMachine, self.namespace(), &self.subject.vm, &patch, &self.write(false))
            .await?;
        (self.tell)("stopping");
        let kind = Resource::VirtualMachineInstance;
        if gone(self.door, kind, self.namespace(), &self.subject.vm, None, self.end).await? {
            return Ok(());
        }
        Err(Broken::TimedOut(format!("the guest of {} did not stop in time; nothing is restored yet", self.subject.vm)))
    }

    /// Asks for the restore, of a machine of which KubeVirt would delete nothing.
    async fn begin(&self) -> Result<(), Broken> {
        let (vm, mut machine) = (&self.subject.vm, self.machine().await?);
        if has_templates(&machine) && self.plan.release {
            let patch = json!({
                "metadata": {"uid": machine["metadata"]["uid"], "resourceVersion": machine["metadata"]["resourceVersion"]},
                "spec": {"dataVolumeTemplates": null},
            });
            machine =
                self.door.merge(Resource::VirtualMachine, self.namespace(), vm, &patch, &self.write(false)).await?;
            (self.tell)("its dataVolumeTemplates are taken out: their DataVolumes stay");
        }
        if has_templates(&machine) {
            return Err(Broken::Unsafe(format!(
                "{vm} has dataVolumeTemplates again, of which KubeVirt would delete the DataVolumes: something else writes it"
            )));
        }
        match self.door.create(&self.plan.body, &self.write(false)).await {
            // After a cut, a repetition meets its own work. Whether it is that, is looked at before it is waited for.
            Err(refused) if refused.reason == Reason::AlreadyExists => {}
            other => {
                other?;
                (self.tell)(&format!("asked KubeVirt for the restore {}", self.plan.name));
            }
        }
        Ok(())
    }

    /// Waits for KubeVirt.
    async fn done(&self) -> Result<Value, Broken> {
        let name = &self.plan.name;
        let mut told = String::new();
        loop {
            let found = self.door.get(Resource::Restore, self.namespace(), name).await?;
            let found = found.ok_or_else(|| Broken::Failed(format!("the restore {name} was deleted")))?;
            let seen = restored(&found);
            if seen.vm != self.subject.vm || seen.snapshot != self.plan.snapshot {
                return Err(self.name_taken(&seen).await);
            }
            let going = found.pointer("/status/deletedDataVolumes").and_then(Value::as_array);
            if let Some(going) = going.filter(|going| !going.is_empty() && !seen.done) {
                let delete = super::Delete { uid: text(&found, "/metadata/uid"), ..super::Delete::default() };
                self.door.delete(Resource::Restore, self.namespace(), name, &delete).await?;
                let names: Vec<_> = going.iter().filter_map(Value::as_str).collect();
                return Err(Broken::Unsafe(format!(
                    "KubeVirt was about to delete the DataVolumes {}; the restore {name} was taken back",
                    names.join(", ")
                )));
            }
            if seen.done {
                return Ok(found);
            }
            if seen.failed {
                return Err(Broken::Failed(format!("the restore {name} failed: {}", seen.detail)));
            }
            if seen.detail != told {
                (self.tell)(&seen.detail);
                told = seen.detail;
            }
            if self.end.is_some_and(|end| Instant::now() >= end) {
                return Err(Broken::TimedOut(format!("KubeVirt is not done with the restore {name}: {told}")));
            }
            pause(PAUSE).await;
        }
    }

    /// Another run, or a person, was faster with a restore of the planned name: none of it is taken for this one's.
    async fn name_taken(&self, other: &Restored) -> Broken {
        let vm = &self.subject.vm;
        let mut what = format!(
            "the restore {} is somebody else's: it takes {} back to {}, not {vm} to {}",
            other.name, other.vm, other.snapshot, self.plan.snapshot
        );
        if other.vm == *vm && !other.done {
            // Its own run starts the machine at its end, or the next one does.
            what.push_str(&format!("; until that is done, {vm} stays as it is"));
        } else if self.start_again().await.is_err() {
            what.push_str(&format!("; {vm} was stopped, and could not be started again"));
        }
        Broken::NameTaken(what)
    }

    /// Releases the new claims, and takes over of the old ones what this tool applied to them.
    async fn settle(&self, restore: &Value) -> Result<Vec<(snapshot::Back, Value, Option<Value>)>, Broken> {
        let mut back = Vec::new();
        for (volume, name) in restored(restore).claims {
            let Some(disk) = self.plan.disks.iter().find(|disk| disk.disk == volume) else { continue };
            let mut claim = self.claim(&name).await?;
            let mut tries = 0;
            while let Some(patch) = corrected(&claim, disk.image) {
                let kind = Resource::PersistentVolumeClaim;
                claim = match self.door.merge(kind, self.namespace(), &name, &patch, &self.write(false)).await {
                    // Its status moved.
                    Err(refused) if refused.reason == Reason::Conflict && tries < TRIES => self.claim(&name).await?,
                    other => other?,
                };
                tries += 1;
            }
            let mut made = None;
            for kind in [Resource::PersistentVolumeClaim, Resource::DataVolume] {
                let new = self.door.get(kind, self.namespace(), &name).await?;
                let old = match disk.old.as_deref().unwrap_or(&disk.source) {
                    same if same == name => None,
                    old => self.door.get(kind, self.namespace(), old).await?,
                };
                let body = self.plan.wukong.as_deref().zip(old.as_ref()).zip(new.as_ref());
                if let Some(body) = body.and_then(|((wukong, old), new)| carried(old, new, wukong)) {
                    self.door.apply(&body, &self.write(true)).await?;
                }
                made = new;
            }
            back.push((disk.clone(), claim, made));
        }
        Ok(back)
    }

    async fn claim(&self, name: &str) -> Result<Value, Broken> {
        let found = self.door.get(Resource::PersistentVolumeClaim, self.namespace(), name).await?;
        found.ok_or_else(|| Broken::Unsafe(format!("the new claim {name} is not there")))
    }

    /// Brings the record into agreement.
    async fn remember(&self, back: &[(snapshot::Back, Value, Option<Value>)]) -> Result<(), Broken> {
        let Some(wukong) = &self.plan.wukong else { return Ok(()) };
        let disks: Vec<_> =
            back.iter().map(|(disk, claim, volume)| (disk.disk.as_str(), claim, volume.as_ref())).collect();
        let mut tries = 0;
        loop {
            let found = self.door.get(Resource::ConfigMap, self.namespace(), &Record::name(wukong)).await?;
            let Some(found) = found else { return Ok(()) };
            let unusable =
                |reason: crate::facts::Unusable| Broken::Failed(format!("the record of {wukong}: {}", reason.0));
            let before = Record::read(&found).map_err(unusable)?;
            let after = agreed(&before, &disks);
            if after == before {
                return Ok(());
            }
            let mut object = after.config_map(wukong, &self.subject.namespace);
            object["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"].clone();
            match self.door.replace(&object, &self.write(false)).await {
                Err(refused) if refused.reason == Reason::Conflict && tries < TRIES => tries += 1,
                other => {
                    other?;
                    (self.tell)("the record knows the new claims");
                    return Ok(());
                }
            }
        }
    }

    /// Looks that nothing was deleted.
    async fn kept(&self, back: &[(snapshot::Back, Value, Option<Value>)]) -> Result<(), Broken> {
        for claim in &self.plan.kept {
            let found = self.door.get(Resource::PersistentVolumeClaim, self.namespace(), claim).await?;
            if found.as_ref().is_none_or(is_going) {
                return Err(Broken::Unsafe(format!("the claim {claim} had to stay, and is not there")));
            }
        }
        let missing = self.plan.disks.iter().find(|disk| back.iter().all(|(known, _, _)| known.disk != disk.disk));
        missing.map_or(Ok(()), |disk| Err(Broken::Failed(format!("KubeVirt did not give disk {} back", disk.disk))))
    }

    /// Starts the machine, if it ran before.
    async fn start_again(&self) -> Result<(), Broken> {
        let vm = self.machine().await?;
        let Some(strategy) = path(&vm, &["metadata", "annotations", RUNS]).and_then(Value::as_str) else {
            return Ok(());
        };
        let spec = match strategy {
            "running" => json!({"running": true}),
            strategy => json!({"runStrategy": strategy}),
        };
        let patch = json!({"metadata": {"uid": vm["metadata"]["uid"], "annotations": {RUNS: null}}, "spec": spec});
        let name = &self.subject.vm;
        self.door.merge(Resource::VirtualMachine, self.namespace(), name, &patch, &self.write(false)).await?;
        if strategy == "Manual" {
            let namespace = &self.subject.namespace;
            let call = format!("apis/subresources.kubevirt.io/v1/namespaces/{namespace}/virtualmachines/{name}/start");
            self.door.put_subresource(&call, &json!({})).await?;
        }
        (self.tell)("starting again");
        Ok(())
    }
}

fn has_templates(vm: &Value) -> bool {
    vm.pointer("/spec/dataVolumeTemplates").and_then(Value::as_array).is_some_and(|all| !all.is_empty())
}
