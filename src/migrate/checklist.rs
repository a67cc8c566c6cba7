//! What must hold before a machine or its disks move, kind by kind.

use serde_json::Value;

use super::check::Check;
use super::room;
use super::scene::{Disk, Scene};
use super::size::{bytes, guest_bytes};
use crate::facts::{Moved, Way, claim_of, condition, holds, kind, strings, text, volumes};
use crate::plan::{claim_user, migrates, readable, rolls_out, version};

/// What shall move, and where to.
pub(super) struct Course<'a> {
    pub way: Way,
    pub node: Option<&'a str>,
    /// The disks that move, with what they become; empty while no class is named.
    pub disks: &'a [Moved],
    /// Whether disks were named, so that others stay.
    pub named: bool,
    pub class: Option<&'a str>,
}

impl Course<'_> {
    fn moves(&self, disk: &Disk<'_>) -> bool {
        !self.named || self.disks.iter().any(|moved| moved.disk == disk.name)
    }
}

/// All lines for a way.
pub(super) fn checks(course: &Course<'_>, scene: &Scene<'_>) -> Vec<Check> {
    let mut all = Vec::new();
    all.extend(busy(scene));
    match course.way {
        Way::NodeLive => {
            all.push(runs(scene));
            all.push(migratable(scene));
            all.push(room::check(scene, course.node, &scene.disks.iter().collect::<Vec<_>>()));
            all.extend(course.node.map(|_| named_node(scene)));
        }
        Way::NodeOffline => {
            all.push(on(scene));
            all.extend(plugged_in(scene));
            all.push(room::check(scene, course.node, &scene.disks.iter().collect::<Vec<_>>()));
        }
        Way::StorageLive => {
            all.push(runs(scene));
            all.extend(updates(scene));
            all.push(storage_migratable(scene));
            all.extend(plugged_in(scene));
            all.extend(others(course, scene));
            all.extend(staying(course, scene));
            all.extend(kinds_of_disks(course, scene));
            let stay: Vec<_> = scene.disks.iter().filter(|disk| !course.moves(disk)).collect();
            all.push(room::check(scene, None, &stay));
            all.extend(class(course, scene));
            all.extend(sizes(course, scene));
        }
        Way::StorageOffline => {
            all.extend(plugged_in(scene));
            all.extend(others(course, scene));
            all.extend(copies(course, scene));
            all.extend(class(course, scene));
            all.extend(sizes(course, scene));
        }
    }
    all
}

/// Something else is going on with the machine.
fn busy(scene: &Scene<'_>) -> Vec<Check> {
    let mut all = Vec::new();
    for (pointer, what) in [("/status/snapshotInProgress", "snapshot"), ("/status/restoreInProgress", "restore")] {
        if let Some(name) = text(scene.vm, pointer) {
            let help = format!("wait until it has ended; `kubectl describe vm {}` tells more", vm_name(scene));
            all.push(Check::failed(format!("no {what} under way"), format!("{name} is"), help));
        }
    }
    if let Some(found) = scene.migrating() {
        let name = text(found, "/metadata/name").unwrap_or("?");
        let help = format!("wait for it, or end it: kubectl delete vmim {name} -n {}", scene.namespace);
        all.push(Check::failed("no migration under way", format!("{name} is"), help));
    }
    if holds(scene.vm, "ManualRecoveryRequired") {
        let help = "put the old claims back into spec.template.spec.volumes first";
        all.push(Check::failed("whole disks", "an earlier move of its disks broke off (ManualRecoveryRequired)", help));
    }
    all
}

fn vm_name<'a>(scene: &Scene<'a>) -> &'a str {
    text(scene.vm, "/metadata/name").unwrap_or("?")
}

fn runs(scene: &Scene<'_>) -> Check {
    match scene.node() {
        Some(node) if scene.runs() => Check::passed("it runs", format!("on {node}")),
        _ => match scene.facts.unknown(kind::INSTANCE, scene.namespace) {
            Some(unread) => Check::unknown("it runs", unread.reason.clone()),
            None => Check::failed("it runs", "it does not", "start it, or add --offline"),
        },
    }
}

/// What KubeVirt itself says, and what is in the way in the words of the machine.
fn migratable(scene: &Scene<'_>) -> Check {
    let what = "KubeVirt can move it (LiveMigratable)";
    if scene.instance.is_none() {
        return Check::unknown(what, "it does not run");
    }
    match scene.condition("LiveMigratable") {
        Some((true, ..)) => Check::passed(what, "its disks, network and CPU allow it"),
        Some((false, reason, message)) => {
            let alone: Vec<_> = scene.disks.iter().filter(|disk| !disk.is_shared()).map(|disk| disk.name).collect();
            let help = match reason {
                "DisksNotLiveMigratable" => format!(
                    "disks {} are for one node at a time: --offline where the volumes can be reached from the other node, or move them with --to-storage-class",
                    alone.join(", ")
                ),
                "InterfaceNotLiveMigratable" => {
                    "the pod network must be bound with masquerade: set it and restart, or add --offline".to_owned()
                }
                "CPUModeLiveMigratable" => "choose a CPU model that other nodes have too, or add --offline".to_owned(),
                _ => "add --offline".to_owned(),
            };
            Check::failed(what, if message.is_empty() { reason } else { message }, help)
        }
        None => Check::unknown(what, "KubeVirt has not said so yet"),
    }
}

/// A node can be named from 1.6 on. Source: KubeVirt, api/core/v1/types.go, addedNodeSelector.
fn named_node(scene: &Scene<'_>) -> Check {
    let what = "a node can be named";
    match scene.kubevirt().and_then(version) {
        Some((numbers, name)) if numbers >= (1, 6) => Check::passed(what, format!("KubeVirt {name}")),
        Some((_, name)) => Check::failed(
            what,
            format!("KubeVirt {name} chooses the node itself; 1.6 is the first that lets one choose"),
            "add --offline, or let it choose: virtctl migrate, or kubectl wukong migrate -A --from-node",
        ),
        None => Check::unknown(what, "the version of KubeVirt is not known"),
    }
}

/// KubeVirt must hand the edit to the running machine, and migrate it by itself.
fn updates(scene: &Scene<'_>) -> Vec<Check> {
    let Some(kubevirt) = scene.kubevirt() else {
        let why = scene
            .facts
            .unknown(kind::KUBEVIRT, "")
            .map_or("there is no KubeVirt object".to_owned(), |u| u.reason.clone());
        return vec![Check::unknown("KubeVirt's settings", why)];
    };
    let edit = |patch: &str| format!("kubectl patch kubevirt -n kubevirt kubevirt --type merge -p '{patch}'");
    let rollout = if rolls_out(kubevirt) {
        Check::passed("changes reach running machines", "rollout strategy LiveUpdate")
    } else {
        let patch = r#"{"spec":{"configuration":{"vmRolloutStrategy":"LiveUpdate"}}}"#;
        Check::failed("changes reach running machines", "the rollout strategy is not LiveUpdate", edit(patch))
    };
    let method = if migrates(kubevirt) {
        Check::passed("KubeVirt migrates by itself", "workload update method LiveMigrate")
    } else {
        let patch = r#"{"spec":{"workloadUpdateStrategy":{"workloadUpdateMethods":["LiveMigrate"]}}}"#;
        Check::failed("KubeVirt migrates by itself", "its workload update methods lack LiveMigrate", edit(patch))
    };
    let due = match condition(scene.vm, "RestartRequired") {
        Some((true, _, message)) => Check::failed("no restart is due", message, "restart it first, or add --offline"),
        _ => Check::passed("no restart is due", ""),
    };
    vec![rollout, method, due]
}

fn storage_migratable(scene: &Scene<'_>) -> Check {
    let what = "KubeVirt can copy its disks (StorageLiveMigratable)";
    match scene.condition("StorageLiveMigratable") {
        _ if scene.instance.is_none() => Check::unknown(what, "it does not run"),
        Some((true, ..)) => Check::passed(what, ""),
        Some((false, _, message)) => Check::failed(what, message, "add --offline"),
        None => Check::unknown(what, "this version of KubeVirt does not say"),
    }
}

/// Every disk of one node has to move, or the machine cannot.
fn staying(course: &Course<'_>, scene: &Scene<'_>) -> Option<Check> {
    let alone = |disk: &&Disk<'_>| !course.moves(disk) && disk.access_modes().contains(&"ReadWriteOnce");
    let left: Vec<_> = scene.disks.iter().filter(alone).map(|disk| disk.name).collect();
    (course.named).then(|| {
        let what = "all disks of one node move together";
        if left.is_empty() {
            return Check::passed(what, "");
        }
        let flags: Vec<_> = left.iter().map(|disk| format!("--disk {disk}")).collect();
        Check::failed(
            what,
            format!("{} would stay, and a machine moves only with all its ReadWriteOnce disks", left.join(", ")),
            format!("add {}, or --offline", flags.join(" ")),
        )
    })
}

fn kinds_of_disks(course: &Course<'_>, scene: &Scene<'_>) -> Vec<Check> {
    let moving = scene.disks.iter().filter(|disk| course.moves(disk));
    let bad = moving.filter_map(|disk| {
        let why = match disk.device {
            Some(device) if device["shareable"] == true => "it is shareable",
            // KubeVirt copies neither, and exchanges their claims all the same.
            // Source: KubeVirt, pkg/virt-launcher/virtwrap/live-migration-source.go, getDiskTargetsForMigration.
            Some(device) if device.get("cdrom").is_some() => "KubeVirt does not copy a CD-ROM",
            Some(device) if device["disk"]["readonly"] == true || disk.read_only => {
                "KubeVirt does not copy what is only read"
            }
            Some(device) if device.get("lun").is_some() => "it is a LUN",
            None => "it is a file system, not a disk",
            Some(_) => return None,
        };
        Some(Check::failed(format!("disk {} can be copied while it is used", disk.name), why, "add --offline"))
    });
    bad.collect()
}

/// A machine that is off starts where the scheduler puts it.
fn on(scene: &Scene<'_>) -> Check {
    match scene.instance {
        Some(_) => runs(scene),
        None => Check::failed(
            "it runs",
            "it is off: no node has it",
            "name the node in its file (highAvailability.nodeSelector), and start it",
        ),
    }
}

/// Disks that only the running instance has are lost to it when it is stopped, and keep KubeVirt from copying the others.
fn plugged_in(scene: &Scene<'_>) -> Option<Check> {
    let all = scene.instance.map_or(&[][..], volumes);
    let alone =
        |volume: &&Value| claim_of(volume).is_some() && scene.disks.iter().all(|disk| volume["name"] != disk.name);
    let names: Vec<_> = all.iter().filter(alone).filter_map(|volume| volume["name"].as_str()).collect();
    (!names.is_empty()).then(|| {
        let why = format!("{} is plugged in, and not in the machine's spec", names.join(", "));
        Check::failed(
            "all disks are the machine's",
            why,
            "add it for good (virtctl addvolume --persist), or take it out first",
        )
    })
}

/// Whoever else writes to a disk would go on writing to the old claim.
fn others(course: &Course<'_>, scene: &Scene<'_>) -> Vec<Check> {
    let moving = scene.disks.iter().filter(|disk| course.moves(disk));
    let used = moving
        .filter_map(|disk| Some((disk, claim_user(disk.claim_name, scene.namespace, vm_name(scene), scene.facts)?)));
    let help = "stop that first: what it writes would stay behind";
    used.map(|(disk, user)| Check::failed(format!("nobody else uses disk {}", disk.name), format!("{user} does"), help))
        .collect()
}

/// What an offline copy needs.
fn copies(course: &Course<'_>, scene: &Scene<'_>) -> Vec<Check> {
    let mut all = Vec::new();
    if scene.facts.all_of(kind::CDI_CONFIG).next().is_none() && scene.facts.unknown(kind::CDI_CONFIG, "").is_none() {
        all.push(Check::failed("CDI copies", "CDI is not installed", "install it: copies are DataVolumes"));
    }
    for disk in scene.disks.iter().filter(|disk| course.moves(disk)) {
        if disk.device.is_some_and(|device| device["shareable"] == true) {
            let help = "move it by hand when all its machines are off";
            all.push(Check::failed(format!("disk {} is its own", disk.name), "other machines share it", help));
        }
    }
    if let Some(class) = course.class {
        let strategy =
            scene.facts.get(kind::PROFILE, "", class).and_then(|profile| text(profile, "/status/cloneStrategy"));
        let how = match strategy {
            Some("csi-clone") => "the driver clones, if it has the old volume too; else CDI copies",
            Some("snapshot") => "through a snapshot, if the driver has the old volume too; else CDI copies",
            _ => "CDI copies every byte through two pods",
        };
        all.push(Check::passed("how it is copied", how));
    }
    all
}

fn class(course: &Course<'_>, scene: &Scene<'_>) -> Vec<Check> {
    let Some(class) = course.class else { return Vec::new() };
    let what = format!("StorageClass {class}");
    if let Some(unread) = scene.facts.unknown(kind::CLASS, "") {
        return vec![Check::unknown(what, unread.reason.clone())];
    }
    let Some(found) = scene.facts.get(kind::CLASS, "", class) else {
        let names: Vec<_> = scene.facts.all_of(kind::CLASS).filter_map(|class| text(class, "/metadata/name")).collect();
        return vec![Check::failed(what, "there is none of that name", format!("there are {}", names.join(", ")))];
    };
    let provisioner = text(found, "/provisioner").unwrap_or("?");
    if provisioner == "kubernetes.io/no-provisioner" {
        let help = "choose a class with a provisioner; volumes made by hand are bound by hand";
        return vec![Check::failed(what, "it has no provisioner: nobody makes volumes for it", help)];
    }
    let mut all = vec![Check::passed(what, format!("made by {provisioner}"))];
    if let Some(moved) = course.disks.first() {
        let sets = scene.facts.get(kind::PROFILE, "", class);
        let sets = sets.and_then(|profile| profile.pointer("/status/claimPropertySets")).and_then(Value::as_array);
        let offers = |set: &Value| {
            strings(set, "/accessModes").contains(&moved.access_mode.as_str())
                && text(set, "/volumeMode").is_none_or(|mode| mode == moved.volume_mode)
        };
        let modes = format!("{} {}", moved.access_mode, moved.volume_mode);
        all.push(match sets.filter(|sets| !sets.is_empty()) {
            Some(sets) if sets.iter().any(offers) => Check::passed("its modes", modes),
            Some(_) => {
                Check::unknown("its modes", format!("CDI does not know {modes} for this class; the driver decides"))
            }
            None => Check::unknown("its modes", format!("CDI does not know this class; asked for are {modes}")),
        });
    }
    all
}

/// Sizes, what is not bound, and the quota.
fn sizes(course: &Course<'_>, scene: &Scene<'_>) -> Vec<Check> {
    let mut all = Vec::new();
    let mut sum = 0_u64;
    for moved in course.disks {
        let Some(disk) = scene.disks.iter().find(|disk| disk.name == moved.disk) else { continue };
        let what = format!("disk {}", moved.disk);
        let asked = bytes(&moved.size).unwrap_or_default();
        sum = sum.saturating_add(asked);
        let bound = disk.claim.and_then(|claim| text(claim, "/status/phase"));
        match (bound, guest_bytes(disk, scene.facts)) {
            (Some("Bound"), Some(guest)) => {
                let detail = format!("{} of data at most, into a claim of {}", readable(guest), moved.size);
                all.push(Check::passed(what, detail));
            }
            (Some("Bound"), None) => {
                all.push(Check::failed(what, "its size cannot be read", "look at its claim with kubectl"));
            }
            (phase, _) => {
                let why = format!("its claim {} is {}", disk.claim_name, phase.unwrap_or("not there"));
                all.push(Check::failed(what, why, "start the machine once, so that it is bound"));
            }
        }
    }
    if let Some(class) = course.class.filter(|_| sum > 0) {
        for quota in scene.facts.all(kind::QUOTA, scene.namespace) {
            for resource in
                ["requests.storage".to_owned(), format!("{class}.storageclass.storage.k8s.io/requests.storage")]
            {
                let part = |field: &str| {
                    let value = quota.pointer("/status").and_then(|status| status[field][&resource].as_str())?;
                    bytes(value)
                };
                if let (Some(hard), Some(used)) = (part("hard"), part("used"))
                    && used.saturating_add(sum) > hard
                {
                    let name = text(quota, "/metadata/name").unwrap_or("?");
                    let left = readable(hard.saturating_sub(used));
                    let why = format!("{} are needed beside the old disks, and {name} has {left} left", readable(sum));
                    all.push(Check::failed(
                        "room in the quota",
                        why,
                        "ask for a larger quota, or move fewer disks at once",
                    ));
                }
            }
        }
    }
    all
}
