//! What a snapshot of a machine holds of each of its volumes, and what it leaves out.

use serde_json::Value;

use super::class::{Choice, choice};
use crate::facts::{Facts, claim_of, is_going, kind, text, volumes as of_machine};
use crate::storage::{self, BACKENDS, Related, Traced};
use crate::text::{command_line, word};

/// A volume of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its name in the machine.
    pub name: String,
    /// Its claim, if it has one.
    pub claim: Option<String>,
    /// The StorageClass of the claim.
    pub class: Option<String>,
    /// What a snapshot does with it.
    pub fate: Fate,
}

/// What a snapshot does with a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is in it.
    Included {
        /// The VolumeSnapshotClass; none if it is not known here.
        class: Option<String>,
        /// How long the snapshot lasts: a clause.
        lasts: String,
    },
    /// It is not, and has data of the machine.
    LeftOut {
        /// Why.
        why: String,
        /// The way out.
        help: String,
    },
    /// It is not, and has nothing that lasts.
    Passing,
    /// With it the whole snapshot fails.
    Fails {
        /// Why.
        why: String,
        /// The way out.
        help: String,
    },
}

/// The label of a claim with the state of a machine's TPM and firmware. Source: KubeVirt, pkg/storage/backend-storage.
const STATE: &str = "persistent-state-for";

/// The claim with the state of a machine's TPM and firmware, which stands in no list of the machine.
pub(super) fn state<'f>(facts: &'f Facts, namespace: &'f str, vm: &'f str) -> Option<&'f Value> {
    let label = |claim: &&Value| claim.pointer("/metadata/labels").is_some_and(|labels| labels[STATE] == vm);
    // Before the label there was the name.
    facts
        .all(kind::CLAIM, namespace)
        .find(label)
        .or_else(|| facts.get(kind::CLAIM, namespace, &format!("{STATE}-{vm}")))
}

/// All volumes of a machine, in its order; last the state of its TPM and firmware, and what only its instance has.
pub fn volumes(facts: &Facts, vm: &Value) -> Vec<Volume> {
    let part = |at: &str| text(vm, at).unwrap_or_default();
    let (namespace, name) = (part("/metadata/namespace"), part("/metadata/name"));
    let related = Related::of(facts);
    let scope = Scope { facts, related: &related, vm, namespace };
    let own = of_machine(vm);
    let mut all: Vec<_> = own.iter().map(|volume| scope.one(volume)).collect();
    if let Some(claim) = state(facts, namespace, name).and_then(|claim| text(claim, "/metadata/name")) {
        all.push(scope.claimed(&format!("state of {name}"), claim));
    }
    let instance = facts.get(kind::INSTANCE, namespace, name).map(of_machine).unwrap_or_default();
    for volume in instance.iter().filter(|volume| own.iter().all(|known| known["name"] != volume["name"])) {
        let mut plugged = scope.one(volume);
        if !matches!(plugged.fate, Fate::Passing) {
            plugged.fate = Fate::LeftOut {
                why: "it is plugged into the running machine alone, and KubeVirt takes what its VirtualMachine has"
                    .into(),
                help: format!(
                    "make it last: virtctl addvolume {} --volume-name={} --persist",
                    word(name),
                    word(&plugged.name)
                ),
            };
        }
        all.push(plugged);
    }
    all
}

struct Scope<'f> {
    facts: &'f Facts,
    related: &'f Related<'f>,
    vm: &'f Value,
    namespace: &'f str,
}

impl Scope<'_> {
    fn one(&self, volume: &Value) -> Volume {
        let name = text(volume, "/name").unwrap_or_default();
        if let Some(claim) = claim_of(volume) {
            return self.claimed(name, claim);
        }
        let fate = if let Some(claim) = text(volume, "/memoryDump/claimName") {
            // It is in the snapshot if it can be, and nobody misses it: a restore leaves it out.
            return Volume { fate: Fate::Passing, ..self.claimed(name, claim) };
        } else if volume.get("hostDisk").is_some() {
            Fate::LeftOut {
                why: "it is a file of a node, of which nothing takes snapshots".to_owned(),
                help: "copy it on the node, or move it into a claim".to_owned(),
            }
        } else {
            Fate::Passing
        };
        Volume { name: name.to_owned(), claim: None, class: None, fate }
    }

    fn claimed(&self, name: &str, claim: &str) -> Volume {
        let found = self.facts.get(kind::CLAIM, self.namespace, claim);
        let class = found.and_then(|found| text(found, "/spec/storageClassName")).filter(|class| !class.is_empty());
        Volume {
            name: name.to_owned(),
            claim: Some(claim.to_owned()),
            class: class.map(str::to_owned),
            fate: self.fate(name, claim, found, class),
        }
    }

    fn fate(&self, name: &str, claim: &str, found: Option<&Value>, class: Option<&str>) -> Fate {
        let namespace = self.namespace;
        let fails = |why: String, help: String| Fate::Fails { why, help };
        let Some(found) = found else {
            return match self.facts.unknown(kind::CLAIM, namespace) {
                Some(_) => self.by_kubevirt(name),
                None => fails(
                    format!("its claim {claim} does not exist: KubeVirt waits for it until the deadline"),
                    format!(
                        "`{}` says where it is; `kubectl get pvc -n {namespace}` lists what is there",
                        command_line("where-is-my-data", &[], namespace, "")
                    ),
                ),
            };
        };
        if is_going(found) {
            let help = format!("save it first: kubectl get pvc {} -n {namespace} -o yaml", word(claim));
            return fails(format!("its claim {claim} is being deleted"), help);
        }
        if text(found, "/status/phase") != Some("Bound") {
            let phase = text(found, "/status/phase").unwrap_or("not bound");
            return fails(
                format!("its claim {claim} is {phase}: KubeVirt waits for it until the deadline, and takes nothing"),
                "start the machine once, so that its disks are made and filled".to_owned(),
            );
        }
        if let Some(phase) = self.filling(found) {
            return fails(
                format!("its claim {claim} is being filled ({phase}): KubeVirt waits for it until the deadline"),
                format!("`kubectl get dv -n {namespace}` says how far it is"),
            );
        }
        let Some(class) = class else {
            return Fate::LeftOut {
                why: format!("its claim {claim} has no StorageClass, by which KubeVirt chooses a VolumeSnapshotClass"),
                help: "copy it into a claim that has one".to_owned(),
            };
        };
        let volume = text(found, "/spec/volumeName").and_then(|volume| self.facts.get(kind::VOLUME, "", volume));
        match choice(self.facts, class) {
            Choice::Unknown(_) => self.by_kubevirt(name),
            Choice::None(why, help) => Fate::LeftOut { why, help },
            Choice::Fails(why, help) => fails(why, help),
            Choice::Class(taken) => {
                let driver = self.facts.get(kind::SNAPSHOT_CLASS, "", &taken).and_then(|class| text(class, "/driver"));
                let serves = volume.and_then(|volume| text(volume, "/spec/csi/driver"));
                if let (Some(_), true) = (volume, serves != driver) {
                    let is = serves.map_or("no CSI driver".to_owned(), |serves| format!("the driver `{serves}`"));
                    return fails(
                        format!(
                            "its volume is of {is}, and KubeVirt takes the VolumeSnapshotClass `{taken}` for it, of the driver `{}`",
                            driver.unwrap_or("?")
                        ),
                        "move the disk to a class whose driver takes snapshots".to_owned(),
                    );
                }
                Fate::Included { lasts: self.lasts(found, volume, class, &taken), class: Some(taken) }
            }
        }
    }

    /// What KubeVirt itself says beforehand, where the objects by which it decides cannot be read.
    fn by_kubevirt(&self, name: &str) -> Fate {
        let all = self.vm.pointer("/status/volumeSnapshotStatuses").and_then(Value::as_array);
        let told = all.into_iter().flatten().find(|status| status["name"] == name);
        match told {
            Some(status) if status["enabled"] == true => Fate::Included {
                class: None,
                lasts: "KubeVirt says that it can; its class is not known here".to_owned(),
            },
            told => Fate::LeftOut {
                why: told
                    .and_then(|status| text(status, "/reason"))
                    .unwrap_or("KubeVirt does not say that it can")
                    .to_owned(),
                help: "ask for the right to list volumesnapshotclasses, storageclasses and storageprofiles".to_owned(),
            },
        }
    }

    /// The phase of the DataVolume that still fills a claim.
    fn filling(&self, claim: &Value) -> Option<String> {
        let name = text(claim, "/metadata/name").unwrap_or_default();
        let volume = self.facts.get(kind::DATA_VOLUME, self.namespace, name)?;
        let owns = crate::facts::is_owned_by(claim, kind::DATA_VOLUME, name);
        let phase = text(volume, "/status/phase").unwrap_or("Pending");
        (owns && phase != "Succeeded").then(|| phase.to_owned())
    }

    /// How long a snapshot of a volume lasts, as its driver keeps it.
    fn lasts(&self, claim: &Value, volume: Option<&Value>, class: &str, taken: &str) -> String {
        // Of Longhorn's classes, those of this type copy to a place of backups. Source: Longhorn, CSI snapshot support.
        let taken = self.facts.get(kind::SNAPSHOT_CLASS, "", taken);
        if taken.and_then(|class| text(class, "/parameters/type")) == Some("bak") {
            return "a backup: it outlives the volume".to_owned();
        }
        let class = self.facts.get(kind::CLASS, "", class);
        let Some(volume) = volume else { return "whether it outlives its volume is not known".to_owned() };
        let backend = storage::backend(storage::driver(volume, Some(claim), class).unwrap_or_default());
        if !BACKENDS.iter().any(|known| std::ptr::eq(*known, backend)) {
            return "whether it outlives its volume is not known: its driver is not known here".to_owned();
        }
        let traced = Traced { related: self.related, volume, claim: Some(claim), class };
        if backend.place(&traced).snapshots_survive {
            format!("{}: it outlives the volume", backend.name)
        } else {
            format!("{}: it goes with the volume, and is no backup", backend.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts() -> Facts {
        let mut facts = Facts::default();
        facts.insert(
            json!({"kind": "StorageClass", "metadata": {"name": "longhorn"}, "provisioner": "driver.longhorn.io"}),
        );
        facts.insert(
            json!({"kind": "StorageClass", "metadata": {"name": "local"}, "provisioner": "rancher.io/local-path"}),
        );
        facts.insert(
            json!({"kind": "VolumeSnapshotClass", "metadata": {"name": "snaps"}, "driver": "driver.longhorn.io"}),
        );
        for (name, class, driver) in
            [("web-system", "longhorn", "driver.longhorn.io"), ("web-old", "longhorn", "other")]
        {
            claim(&mut facts, name, class, "Bound");
            facts.insert(json!({"kind": "PersistentVolume", "metadata": {"name": format!("pv-{name}")}, "spec": {"csi": {"driver": driver}}}));
        }
        claim(&mut facts, "web-data", "local", "Bound");
        claim(&mut facts, "web-new", "longhorn", "Pending");
        facts
    }

    fn claim(facts: &mut Facts, name: &str, class: &str, phase: &str) {
        facts.insert(json!({
            "kind": "PersistentVolumeClaim", "metadata": {"namespace": "n", "name": name},
            "spec": {"storageClassName": class, "volumeName": format!("pv-{name}")}, "status": {"phase": phase},
        }));
    }

    fn machine(volumes: &Value) -> Value {
        json!({"kind": "VirtualMachine", "metadata": {"namespace": "n", "name": "web-vm"}, "spec": {"template": {"spec": {"volumes": volumes}}}})
    }

    #[test]
    fn each_volume_is_told() {
        let all = volumes(
            &facts(),
            &machine(&json!([
                {"name": "system", "dataVolume": {"name": "web-system"}},
                {"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}},
                {"name": "new", "persistentVolumeClaim": {"claimName": "web-new"}},
                {"name": "old", "persistentVolumeClaim": {"claimName": "web-old"}},
                {"name": "gone", "persistentVolumeClaim": {"claimName": "web-gone"}},
                {"name": "host", "hostDisk": {"path": "/srv/disk.img"}},
                {"name": "cloudinit", "cloudInitNoCloud": {}},
            ])),
        );
        let told: Vec<_> = all
            .iter()
            .map(|volume| match &volume.fate {
                Fate::Included { class, lasts } => format!("{} in {} {lasts}", volume.name, class.as_deref().unwrap()),
                Fate::LeftOut { why, .. } => format!("{} out {why}", volume.name),
                Fate::Fails { why, .. } => format!("{} fails {why}", volume.name),
                Fate::Passing => format!("{} passing", volume.name),
            })
            .collect();
        assert_eq!(told[0], "system in snaps Longhorn: it goes with the volume, and is no backup");
        assert_eq!(told[1], "data out no VolumeSnapshotClass is for its driver `rancher.io/local-path`");
        assert!(told[2].starts_with("new fails its claim web-new is Pending"), "{}", told[2]);
        assert!(told[3].starts_with("old fails its volume is of the driver `other`"), "{}", told[3]);
        assert!(told[4].starts_with("gone fails its claim web-gone does not exist"), "{}", told[4]);
        assert!(told[5].starts_with("host out it is a file of a node"), "{}", told[5]);
        assert_eq!(told[6], "cloudinit passing");
    }

    #[test]
    fn what_kubevirt_says_counts_where_classes_cannot_be_read() {
        let mut facts = facts();
        facts.unread(crate::facts::Unread { kind: kind::SNAPSHOT_CLASS.into(), namespace: None, reason: "no".into() });
        let mut vm = machine(&json!([
            {"name": "system", "dataVolume": {"name": "web-system"}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}},
        ]));
        vm["status"] = json!({"volumeSnapshotStatuses": [
            {"name": "system", "enabled": true}, {"name": "data", "enabled": false, "reason": "No VolumeSnapshotClass"},
        ]});
        let all = volumes(&facts, &vm);
        assert!(matches!(&all[0].fate, Fate::Included { class: None, .. }));
        assert!(matches!(&all[1].fate, Fate::LeftOut { why, .. } if why == "No VolumeSnapshotClass"));
    }

    #[test]
    fn what_only_the_instance_has_is_left_out() {
        let mut facts = facts();
        let plugged = json!([{"name": "plugged", "persistentVolumeClaim": {"claimName": "web-system"}}]);
        facts.insert(json!({"kind": "VirtualMachineInstance", "metadata": {"namespace": "n", "name": "web-vm"}, "spec": {"volumes": plugged}}));
        let all = volumes(&facts, &machine(&json!([])));
        assert!(matches!(&all[0].fate, Fate::LeftOut { why, .. } if why.contains("running machine alone")));
    }
}
