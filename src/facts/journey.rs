//! The record of a move: what was decided when it began, and how far it is. It lies in a ConfigMap beside the machine and
//! is written before every step, so that a run that was killed is continued or taken back by the next one.

use serde_json::{Map, Value, json};

use super::object::{claim_of, text};
use super::{Facts, RECORD_LABEL, Unusable, kind};

/// A move of a machine or of its disks.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and they are independent")]
pub struct Journey {
    /// The VirtualMachine.
    pub vm: String,
    /// Its UID: another machine of the same name is not moved.
    pub uid: String,
    /// Its Wukong, if it is one.
    pub wukong: Option<String>,
    /// How it moves.
    pub way: Way,
    /// When it began, as the API writes times.
    pub begun: String,
    /// The step that was begun last, in words.
    pub stage: String,
    /// Whether it is taken back.
    pub back: bool,
    /// How it ended.
    pub end: Option<End>,
    /// The node that was asked for.
    pub node: Option<String>,
    /// The node on which the machine was.
    pub source_node: Option<String>,
    /// The UID of the instance whose disks are copied: another one did not take what was copied along.
    pub instance: Option<String>,
    /// The VirtualMachineInstanceMigrations that were there before.
    pub earlier: Vec<String>,
    /// The VirtualMachineInstanceMigration.
    pub migration: Option<String>,
    /// Whether the machine ran.
    pub ran: bool,
    /// What its spec said of that: `runStrategy` or `running`.
    pub run: Value,
    /// The value of `updateVolumesStrategy`, if there was one.
    pub volumes_strategy: Option<String>,
    /// The nodes' hostname that its selector named, if it named one.
    pub selector: Option<String>,
    /// Entries of `dataVolumeTemplates` that were taken from the machine.
    pub templates: Vec<Value>,
    /// The generation of the VirtualMachine while its disks are copied: a start in between changes it.
    pub generation: Option<i64>,
    /// Whether a person said which disks are whole, where nothing else tells.
    pub forced: bool,
    /// Whether the machine was started on the disks that it moved to, or arrived there.
    pub started: bool,
    /// The disks that move.
    pub disks: Vec<Moved>,
    /// Claims that no machine uses any more, of this move and of earlier ones: kept until a person wants them gone.
    pub kept: Vec<Kept>,
}

/// How a machine moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To another node while it runs.
    NodeLive,
    /// To another node: stopped here, started there.
    NodeOffline,
    /// Its disks, while it runs.
    StorageLive,
    /// Its disks: stopped, copied, started.
    StorageOffline,
}

/// How a move ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is there.
    Done,
    /// It was taken back.
    Aborted,
}

/// A disk that moves.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Moved {
    /// The disk.
    pub disk: String,
    /// The claim that it leaves.
    pub from: String,
    /// The UID of that claim.
    pub from_uid: String,
    /// The claim that it moves to.
    pub to: String,
    /// The StorageClass of that.
    pub class: String,
    /// Its access mode.
    pub access_mode: String,
    /// Its volume mode.
    pub volume_mode: String,
    /// What it asks for, as a quantity.
    pub size: String,
    /// The reclaim policy of the volume behind the claim that it leaves, if the move changes it.
    pub policy: Option<String>,
    /// The entry among the machine's volumes, as it was.
    pub volume: Value,
}

/// A claim that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// The claim.
    pub claim: String,
    /// Its UID.
    pub uid: String,
    /// The disk that it held, or was to hold.
    pub disk: String,
    /// The claim to which that disk moved; empty if it is a copy that was given up.
    pub to: String,
    /// What it was, in words.
    pub what: String,
    /// The reclaim policy that its volume had before the move, if the move changed it.
    pub policy: Option<String>,
}

/// The value of the label that tells a journey from a record of what was made.
const LABEL: &str = "move-v1";
const KEY: &str = "move";
const VERSION: u64 = 1;

impl Way {
    const ALL: [(Self, &'static str); 4] = [
        (Self::NodeLive, "node-live"),
        (Self::NodeOffline, "node-offline"),
        (Self::StorageLive, "storage-live"),
        (Self::StorageOffline, "storage-offline"),
    ];

    /// Its name in the record and in JSON.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(way, _)| *way == self).map_or("", |(_, name)| name)
    }

    /// Whether disks move.
    pub const fn is_storage(self) -> bool {
        matches!(self, Self::StorageLive | Self::StorageOffline)
    }
}

impl Journey {
    /// The machine as a person would type it.
    pub fn shown(&self) -> String {
        self.wukong.clone().unwrap_or_else(|| format!("vm/{}", self.vm))
    }

    /// The name of the ConfigMap of a machine's move. The name of a Wukong has no dots, so that no record has this name.
    pub fn name(vm: &str) -> String {
        format!("wukong.move.{vm}")
    }

    /// The move of a machine, if there is one.
    ///
    /// # Errors
    /// It cannot be read. It must not be written over: what is kept would be forgotten.
    pub fn of(facts: &Facts, namespace: &str, vm: &str) -> Result<Option<Self>, Unusable> {
        facts.get(kind::CONFIG_MAP, namespace, &Self::name(vm)).map(Self::read).transpose()
    }

    /// Whether it is under way.
    pub const fn is_open(&self) -> bool {
        self.end.is_none()
    }

    /// Reads a ConfigMap.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(config_map: &Value) -> Result<Self, Unusable> {
        let bad = |what: &str| Unusable(what.to_owned());
        let body = text(config_map, "/data/move").ok_or_else(|| bad("it has no key `move`"))?;
        let body: Value = serde_json::from_str(body).map_err(|error| bad(&format!("it is not JSON: {error}")))?;
        match body["version"].as_u64() {
            Some(VERSION) => {}
            Some(_) => return Err(bad("it was written by a newer version of this tool")),
            None => return Err(bad("it has no version")),
        }
        let maybe = |key: &str| body[key].as_str().map(str::to_owned);
        let must =
            |key: &str| maybe(key).filter(|text| !text.is_empty()).ok_or_else(|| bad(&format!("it has no {key}")));
        let yes = |key: &str| body[key] == true;
        let way = must("way")?;
        let way = Way::ALL.into_iter().find(|(_, name)| *name == way).ok_or_else(|| bad("its way is not known"))?.0;
        let part = |object: &Value, key: &str| object[key].as_str().unwrap_or_default().to_owned();
        let each = |key: &str| body[key].as_array().cloned().unwrap_or_default();
        let disks = each("disks");
        let disks = disks.iter().map(|disk| Moved {
            disk: part(disk, "disk"),
            from: part(disk, "from"),
            from_uid: part(disk, "fromUid"),
            to: part(disk, "to"),
            class: part(disk, "class"),
            access_mode: part(disk, "accessMode"),
            volume_mode: part(disk, "volumeMode"),
            size: part(disk, "size"),
            policy: disk["policy"].as_str().map(str::to_owned),
            volume: disk["volume"].clone(),
        });
        let disks: Vec<_> = disks.collect();
        if disks.iter().any(|disk| disk.disk.is_empty() || disk.from.is_empty() || disk.to.is_empty()) {
            return Err(bad("a disk of it has no name or no claim"));
        }
        // What it says becomes patches of the machine: nothing else may stand there.
        let run = &body["run"];
        let known = ["Always", "RerunOnFailure", "Manual", "Halted", "Once", "WaitAsReceiver"];
        let strategy = run["runStrategy"].as_str().is_some_and(|strategy| known.contains(&strategy));
        if run.as_object().is_none_or(|fields| fields.len() != 1) || !(strategy || run["running"].is_boolean()) {
            return Err(bad("its run strategy is none"));
        }
        let own = |disk: &Moved| {
            let entry = &disk.volume;
            entry.is_null() || entry["name"] == disk.disk.as_str() && claim_of(entry) == Some(&disk.from)
        };
        if !disks.iter().all(own) {
            return Err(bad("a volume of it is not that of its disk"));
        }
        let template = |template: &Value| disks.iter().any(|disk| template["metadata"]["name"] == disk.from.as_str());
        if !each("templates").iter().all(template) {
            return Err(bad("a template of it is not that of a disk"));
        }
        let name = text(config_map, "/metadata/name");
        if name.is_some_and(|name| Some(name) != body["vm"].as_str().map(Self::name).as_deref()) {
            return Err(bad("it is about another machine"));
        }
        let kept = each("kept");
        let kept = kept.iter().map(|kept| Kept {
            claim: part(kept, "claim"),
            uid: part(kept, "uid"),
            disk: part(kept, "disk"),
            to: part(kept, "to"),
            what: part(kept, "what"),
            policy: kept["policy"].as_str().map(str::to_owned),
        });
        Ok(Self {
            vm: must("vm")?,
            uid: must("uid")?,
            wukong: maybe("wukong"),
            way,
            begun: maybe("begun").unwrap_or_default(),
            stage: maybe("stage").unwrap_or_default(),
            back: yes("back"),
            end: match body["end"].as_str() {
                Some("done") => Some(End::Done),
                Some(_) => Some(End::Aborted),
                None => None,
            },
            node: maybe("node"),
            source_node: maybe("sourceNode"),
            instance: maybe("instance"),
            earlier: each("earlier").iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
            migration: maybe("migration"),
            ran: yes("ran"),
            run: body["run"].clone(),
            volumes_strategy: maybe("volumesStrategy"),
            selector: maybe("selector"),
            templates: each("templates"),
            generation: body["generation"].as_i64(),
            forced: yes("forced"),
            started: yes("started"),
            disks,
            kept: kept.collect(),
        })
    }

    /// As JSON: what the record says, and what people read.
    pub fn value(&self) -> Value {
        let disks: Vec<_> = self.disks.iter().map(Moved::value).collect();
        let kept: Vec<_> = self.kept.iter().map(Kept::value).collect();
        let body = json!({
            "version": VERSION, "vm": self.vm, "uid": self.uid, "wukong": self.wukong, "way": self.way.name(),
            "begun": self.begun, "stage": self.stage, "back": self.back,
            "end": self.end.map(|end| match end { End::Done => "done", End::Aborted => "aborted" }),
            "node": self.node, "sourceNode": self.source_node, "instance": self.instance, "earlier": self.earlier,
            "migration": self.migration, "ran": self.ran,
            "run": self.run, "volumesStrategy": self.volumes_strategy, "selector": self.selector,
            "templates": self.templates, "generation": self.generation, "forced": self.forced, "started": self.started,
            "disks": disks, "kept": kept,
        });
        body.as_object()
            .into_iter()
            .flatten()
            .filter(|(_, value)| !value.is_null())
            .map(own)
            .collect::<Map<_, _>>()
            .into()
    }

    /// The ConfigMap to write.
    pub fn config_map(&self, namespace: &str) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": Self::name(&self.vm), "namespace": namespace, "labels": {RECORD_LABEL: LABEL}},
            "data": {KEY: self.value().to_string()},
        })
    }
}

fn own((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

impl Moved {
    /// As JSON, for the record and for people.
    pub fn value(&self) -> Value {
        json!({
            "disk": self.disk, "from": self.from, "fromUid": self.from_uid, "to": self.to, "class": self.class,
            "accessMode": self.access_mode, "volumeMode": self.volume_mode, "size": self.size,
            "policy": self.policy, "volume": self.volume,
        })
    }
}

impl Kept {
    /// As JSON.
    pub fn value(&self) -> Value {
        json!({
            "claim": self.claim, "uid": self.uid, "disk": self.disk, "to": self.to, "what": self.what,
            "policy": self.policy,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journey_survives_the_way_through_a_config_map() {
        let journey = Journey {
            vm: "web-vm".into(),
            uid: "1".into(),
            wukong: Some("web".into()),
            way: Way::StorageLive,
            begun: "2026-01-01T00:00:00Z".into(),
            stage: "copy".into(),
            back: true,
            end: Some(End::Aborted),
            node: Some("n2".into()),
            source_node: Some("n1".into()),
            instance: Some("i".into()),
            earlier: vec!["e".into()],
            migration: Some("m".into()),
            ran: true,
            run: json!({"runStrategy": "Always"}),
            volumes_strategy: Some("Migration".into()),
            selector: Some("n1".into()),
            templates: vec![json!({"metadata": {"name": "b"}})],
            generation: Some(3),
            forced: true,
            started: true,
            disks: vec![Moved { disk: "a".into(), from: "b".into(), to: "c".into(), ..Moved::default() }],
            kept: vec![Kept {
                claim: "b".into(),
                uid: "2".into(),
                disk: "a".into(),
                to: "c".into(),
                what: "w".into(),
                policy: Some("Delete".into()),
            }],
        };
        assert_eq!(Journey::read(&journey.config_map("prod")).unwrap(), journey);
    }

    #[test]
    fn what_is_no_journey_is_told() {
        for body in [
            "{",
            "{}",
            "{\"version\":2}",
            "{\"version\":1}",
            "{\"version\":1,\"way\":\"x\",\"vm\":\"a\",\"uid\":\"1\"}",
        ] {
            assert!(Journey::read(&json!({"data": {"move": body}})).is_err(), "{body}");
        }
    }
}
