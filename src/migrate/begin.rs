//! From a wish to a journey: every decision is made here, before the first write.

use serde_json::Value;

use super::check::Check;
use super::checklist::{Course, checks};
use super::scene::{Disk, Scene};
use super::size;
use super::step::{is_halted, run_of};
use super::swap::leaves;
use super::target;
use crate::facts::{Facts, Journey, Moved, Record, Way, kind, strings, text, volumes};
use crate::plan::Refusal;
use crate::status::{Subject, tool};
use crate::text::command_line;

/// What a person wants.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The node to go to.
    pub node: Option<String>,
    /// The class that disks shall have.
    pub class: Option<String>,
    /// The disks; all with claims that are not of the class already, if none is named.
    pub disks: Vec<String>,
    /// Whether it may be stopped.
    pub offline: bool,
    /// Another access mode than the class offers first.
    pub access_mode: Option<String>,
    /// Another volume mode.
    pub volume_mode: Option<String>,
    /// Whether a machine that a GitOps tool manages may be changed.
    pub unmanaged_ok: bool,
    /// The time, as the API writes it.
    pub now: String,
}

/// A journey that has not begun, with the checklist before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What is recorded when it begins.
    pub journey: Journey,
    /// What must hold.
    pub checks: Vec<Check>,
    /// The bytes that are copied at most.
    pub bytes: u64,
}

/// Decides how a machine moves.
///
/// # Errors
/// Why it cannot be decided. What stands in the way of the move is in the checklist.
pub fn begin(facts: &Facts, subject: &Subject, wish: &Wish) -> Result<Draft, Refusal> {
    let refuse = |reason: String, help: String| Refusal { object: subject.shown(), reason, help };
    let Some(scene) = Scene::of(facts, subject) else {
        let namespace = &subject.namespace;
        return Err(refuse(
            format!("there is no VirtualMachine {} in {namespace}", subject.vm),
            format!("`kubectl get vm -n {namespace}` lists them; vm/NAME names any of them"),
        ));
    };
    if let Some(tool) = tool(scene.vm).filter(|_| !wish.unmanaged_ok) {
        return Err(refuse(
            format!("{tool} manages it, and would put back what is changed in the middle of the move"),
            "pause the reconciliation of this machine, then add --unmanaged-ok; commit the printed change of the file before it goes on".into(),
        ));
    }
    if subject.wukong.is_none()
        && let Some(wukong) = wukong_of(facts, subject)
    {
        return Err(refuse(
            format!("it is the machine of the Wukong `{wukong}`, whose record must follow the move"),
            format!("name that: {}", command_line("migrate", &[&wukong], &subject.namespace, "")),
        ));
    }
    if let (Some(wukong), None) = (&subject.wukong, &subject.record)
        && let Some(Err(unusable)) =
            facts.get(kind::CONFIG_MAP, &subject.namespace, &Record::name(wukong)).map(Record::read)
    {
        return Err(refuse(
            format!("the record of what was made cannot be used: {}", unusable.0),
            format!("look at it: kubectl get configmap {} -n {} -o yaml", Record::name(wukong), subject.namespace),
        ));
    }
    let disks = match &wish.class {
        Some(class) => moved(&scene, subject, wish, class)?,
        None => Vec::new(),
    };
    let way = way(wish);
    let vm = scene.vm;
    let course = Course {
        way,
        node: wish.node.as_deref(),
        disks: &disks,
        named: way.is_storage(),
        class: wish.class.as_deref(),
    };
    let checks = checks(&course, &scene);
    let bytes = scene.disks.iter().filter(|disk| disks.iter().any(|moved| moved.disk == disk.name));
    let bytes = bytes.filter_map(|disk| size::guest_bytes(disk, facts)).fold(0, u64::saturating_add);
    let digits: String = wish.now.chars().filter(char::is_ascii_digit).collect();
    let mut journey = Journey {
        vm: subject.vm.clone(),
        uid: text(vm, "/metadata/uid").unwrap_or_default().to_owned(),
        wukong: subject.wukong.clone(),
        way,
        begun: wish.now.clone(),
        stage: "planned".into(),
        back: false,
        end: None,
        node: wish.node.clone(),
        source_node: scene.node().map(str::to_owned),
        instance: None,
        earlier: Vec::new(),
        migration: (way == Way::NodeLive).then(|| format!("{}-{digits}", subject.vm)),
        ran: !is_halted(vm) && scene.instance.is_some(),
        run: run_of(vm),
        volumes_strategy: text(vm, "/spec/updateVolumesStrategy").map(str::to_owned),
        selector: vm
            .pointer("/spec/template/spec/nodeSelector")
            .and_then(|all| all.get(super::node::HOSTNAME))
            .and_then(Value::as_str)
            .map(str::to_owned),
        templates: Vec::new(),
        generation: None,
        forced: false,
        started: false,
        disks,
        kept: Vec::new(),
    };
    let templates = vm.pointer("/spec/dataVolumeTemplates").and_then(Value::as_array).cloned().unwrap_or_default();
    journey.templates = templates.into_iter().filter(|template| leaves(template, &journey)).collect();
    let earlier = Journey::of(facts, &subject.namespace, &subject.vm).map_err(|unusable| {
        let name = Journey::name(&subject.vm);
        refuse(
            format!("the record of its last move cannot be used: {}", unusable.0),
            format!("look at it: kubectl get configmap {name} -n {} -o yaml", subject.namespace),
        )
    })?;
    if let Some(earlier) = earlier {
        journey.kept = earlier.kept;
        // A strategy that an earlier move had to leave is not the machine's own.
        if journey.volumes_strategy.as_deref() == Some("Migration") {
            journey.volumes_strategy = earlier.volumes_strategy;
        }
    }
    Ok(Draft { journey, checks, bytes })
}

/// The disks that move, with what they become.
fn moved(scene: &Scene<'_>, subject: &Subject, wish: &Wish, class: &str) -> Result<Vec<Moved>, Refusal> {
    let refuse = |reason: String, help: String| Refusal { object: subject.shown(), reason, help };
    let names: Vec<_> = scene.disks.iter().map(|disk| disk.name).collect();
    if let Some(missing) = wish.disks.iter().find(|wanted| !names.contains(&wanted.as_str())) {
        return Err(refuse(
            format!("it has no disk {missing} with a claim"),
            format!("its disks are {}", names.join(", ")),
        ));
    }
    let (offered_access, offered_volume) = offered(class, scene.facts);
    let access_mode = wish.access_mode.clone().unwrap_or(offered_access);
    let volume_mode = wish.volume_mode.clone().unwrap_or(offered_volume);
    let there = |disk: &Disk<'_>| {
        disk.class() == Some(class)
            && disk.access_modes().contains(&access_mode.as_str())
            && disk.claim.and_then(|claim| text(claim, "/spec/volumeMode")).unwrap_or("Filesystem") == volume_mode
    };
    let mut taken = Vec::new();
    let mut all = Vec::new();
    for disk in &scene.disks {
        let wanted = if wish.disks.is_empty() { !there(disk) } else { wish.disks.iter().any(|name| name == disk.name) };
        if !wanted {
            continue;
        }
        let guest = size::guest_bytes(disk, scene.facts).unwrap_or_default();
        let mut size = size::request(guest, &volume_mode, class, scene.facts);
        if wish.offline
            && let Some(claim) = disk.claim
        {
            // CDI refuses to copy into a claim that asks for less than the old one does.
            size = size::at_least(&size, claim);
        }
        let to = target::name(disk.claim_name, &taken, scene.facts, scene.namespace);
        taken.push(to.clone());
        let volume = volumes(scene.vm).iter().find(|volume| volume["name"] == disk.name).cloned().unwrap_or_default();
        all.push(Moved {
            volume,
            disk: disk.name.to_owned(),
            from: disk.claim_name.to_owned(),
            from_uid: disk.claim.and_then(|claim| text(claim, "/metadata/uid")).unwrap_or_default().to_owned(),
            to,
            class: class.to_owned(),
            access_mode: access_mode.clone(),
            volume_mode: volume_mode.clone(),
            size,
            // Only while nothing runs is the old volume made to stay; live, its claim is not touched.
            policy: disk
                .volume
                .and_then(|volume| text(volume, "/spec/persistentVolumeReclaimPolicy"))
                .filter(|policy| wish.offline && *policy != "Retain")
                .map(str::to_owned),
        });
    }
    if all.is_empty() {
        return Err(refuse(
            format!("all its disks are of {class} already, with {access_mode} and {volume_mode}"),
            "nothing is to be done".into(),
        ));
    }
    Ok(all)
}

/// The modes that CDI knows to be best for a class; where it knows none, those that every class has.
fn offered(class: &str, facts: &Facts) -> (String, String) {
    let profile = facts.get(kind::PROFILE, "", class);
    let set = profile.and_then(|profile| profile.pointer("/status/claimPropertySets/0"));
    let access = set.and_then(|set| strings(set, "/accessModes").first().map(|mode| (*mode).to_owned()));
    let volume = set.and_then(|set| text(set, "/volumeMode")).map(str::to_owned);
    (access.unwrap_or_else(|| "ReadWriteOnce".into()), volume.unwrap_or_else(|| "Filesystem".into()))
}

/// Whether a journey that is under way is the one that is wished for.
pub fn is_same(journey: &Journey, wish: &Wish) -> bool {
    let disks =
        wish.disks.is_empty() || wish.disks.iter().all(|name| journey.disks.iter().any(|disk| disk.disk == *name));
    let all = |wanted: &Option<String>, of: fn(&Moved) -> &String| {
        wanted.as_ref().is_none_or(|wanted| journey.disks.iter().all(|disk| of(disk) == wanted))
    };
    journey.way == way(wish)
        && (wish.node.is_none() || wish.node == journey.node)
        && disks
        && all(&wish.class, |disk| &disk.class)
        && all(&wish.access_mode, |disk| &disk.access_mode)
        && all(&wish.volume_mode, |disk| &disk.volume_mode)
}

const fn way(wish: &Wish) -> Way {
    match (wish.class.is_some(), wish.offline) {
        (false, false) => Way::NodeLive,
        (false, true) => Way::NodeOffline,
        (true, false) => Way::StorageLive,
        (true, true) => Way::StorageOffline,
    }
}

/// A Wukong whose record names a machine: moved by the machine's name, its record would go on naming the old claims.
fn wukong_of(facts: &Facts, subject: &Subject) -> Option<String> {
    let machine = facts.get(kind::MACHINE, &subject.namespace, &subject.vm)?;
    let uid = text(machine, "/metadata/uid")?;
    facts.all(kind::CONFIG_MAP, &subject.namespace).find_map(|map| {
        let name = text(map, "/metadata/name")?.strip_prefix("wukong-")?;
        let made = Record::read(map).ok()?.made(kind::MACHINE, &subject.vm)?.uid.clone();
        (made.as_deref() == Some(uid)).then(|| name.to_owned())
    })
}
