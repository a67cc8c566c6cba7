//! StorageClasses: which one is taken, and what each can do.

use serde_json::Value;

use super::{Checks, Server, and, list};
use crate::advice::{self, Snapshots};
use crate::facts::{Facts, kind, text};
use crate::storage::{DEFAULT, VIRT_DEFAULT, is_marked};

pub(super) fn look(facts: &Facts, server: &Server, checks: &mut Checks) {
    if !checks.were_read("StorageClasses", kind::CLASS, facts) {
        return;
    }
    let classes: Vec<&Value> = facts.all_of(kind::CLASS).collect();
    if classes.is_empty() {
        let breaks = "no disk gets a volume, unless an administrator makes each by hand";
        return checks.broken("there is no StorageClass".to_owned(), breaks, "install a storage driver".to_owned());
    }
    defaults(&classes, checks);
    if !server.lacks(kind::DATA_VOLUME) {
        profiles(facts, checks);
    }
    if !server.lacks(kind::VOLUME_SNAPSHOT) {
        snapshots(&classes, facts, checks);
    }
    growth(&classes, checks);
}

fn name(object: &Value) -> &str {
    text(object, "/metadata/name").unwrap_or_default()
}

fn marked<'a>(classes: &[&'a Value], annotation: &str) -> Vec<&'a str> {
    classes.iter().filter(|class| is_marked(class, annotation)).map(|class| name(class)).collect()
}

/// An empty disk is a claim, which gets the default of Kubernetes; a disk with an image is a DataVolume, which gets that
/// for virtualisation first. Source: CDI, doc/datavolumes.md.
fn defaults(classes: &[&Value], checks: &mut Checks) {
    let (plain, virt) = (marked(classes, DEFAULT), marked(classes, VIRT_DEFAULT));
    for (all, annotation, words) in [(&plain, DEFAULT, "default"), (&virt, VIRT_DEFAULT, "default for virtualisation")]
    {
        if let [first, rest @ ..] = all.as_slice()
            && !rest.is_empty()
        {
            let rest = rest.join(" ");
            checks.warning(
                format!("{} are each the {words}", list("class", "classes", all)),
                "a disk without `storageClassName` gets the class that was made last, which can change",
                format!("keep one, such as {first}: kubectl annotate storageclass {rest} {annotation}-"),
            );
        }
    }
    match (plain.as_slice(), virt.as_slice()) {
        ([], []) => checks.warning(
            "no StorageClass is the default".to_owned(),
            "a disk gets no volume unless its file says `storageClassName` or `storagePolicy`",
            format!("kubectl annotate storageclass {} {DEFAULT}=true --overwrite", choice(classes)),
        ),
        ([], [virt, ..]) => checks.warning(
            format!("class {virt} is the default for virtualisation, and no class is the default of Kubernetes"),
            "empty disks get no volume unless their file says `storageClassName`; disks with an `image` do",
            format!("kubectl annotate storageclass {virt} {DEFAULT}=true --overwrite"),
        ),
        ([plain], [virt]) if plain != virt => checks.note(
            format!("class {plain} is the default, and class {virt} that for virtualisation"),
            "empty disks get the first, and disks with an `image` the second, unless their file says `storageClassName`",
            String::new(),
        ),
        ([plain], [] | [_]) => checks.ok(format!("class {plain} is the default")),
        _ => {}
    }
}

/// The class that a command names: the only one, or a place for the choice.
fn choice<'a>(classes: &[&'a Value]) -> &'a str {
    if let [only] = classes { name(only) } else { "CLASS" }
}

/// Classes of which CDI does not know who may use a volume at the same time.
fn profiles(facts: &Facts, checks: &mut Checks) {
    if !checks.were_read("StorageProfiles", kind::PROFILE, facts) {
        return;
    }
    let lacks = |profile: &&Value| {
        let first = profile.pointer("/status/claimPropertySets/0/accessModes").and_then(Value::as_array);
        first.is_none_or(Vec::is_empty)
    };
    // A profile outlives its class for a moment.
    let lives = |profile: &&Value| facts.get(kind::CLASS, "", name(profile)).is_some();
    let all: Vec<&str> = facts.all_of(kind::PROFILE).filter(lives).filter(lacks).map(name).collect();
    let [first, ..] = all.as_slice() else {
        return checks.ok("CDI knows the access modes of all classes".to_owned());
    };
    checks.note(
        format!("CDI knows no access mode for {}", list("class", "classes", &all)),
        "a DataVolume without accessModes gets no claim there; this tool writes them always, ReadWriteOnce unless \
         the file says `accessMode`",
        format!(
            "for other DataVolumes: kubectl patch storageprofile {first} --type merge -p \
             '{{\"spec\":{{\"claimPropertySets\":[{{\"accessModes\":[\"ReadWriteOnce\"]}}]}}}}'"
        ),
    );
}

fn snapshots(classes: &[&Value], facts: &Facts, checks: &mut Checks) {
    if !checks.were_read("VolumeSnapshotClasses", kind::SNAPSHOT_CLASS, facts) {
        return;
    }
    let mut drivers: Vec<&str> = classes.iter().filter_map(|class| text(class, "/provisioner")).collect();
    drivers.sort_unstable();
    drivers.dedup();
    let mut fine = Vec::new();
    for driver in drivers {
        let users: Vec<&str> = classes
            .iter()
            .filter(|class| text(class, "/provisioner") == Some(driver))
            .map(|class| name(class))
            .collect();
        let users = list("class", "classes", &users);
        match advice::snapshots(driver, facts) {
            Snapshots::Taken => fine.push(driver),
            Snapshots::Unknown => {}
            Snapshots::NoClass => checks.warning(
                format!("no VolumeSnapshotClass is for driver {driver}"),
                &format!("disks of {users} cannot be snapshotted"),
                format!("make a VolumeSnapshotClass with driver: {driver}, if the driver takes snapshots"),
            ),
            Snapshots::NoDriver => checks.note(
                format!("{driver} is no driver of CSI, and takes no snapshots"),
                &format!("disks of {users} cannot be snapshotted"),
                String::new(),
            ),
        }
    }
    if !fine.is_empty() {
        let verb = if fine.len() == 1 { "takes" } else { "take" };
        checks.ok(format!("{} {verb} snapshots", and(&fine)));
    }
}

fn growth(classes: &[&Value], checks: &mut Checks) {
    let mut fine = Vec::new();
    for class in classes {
        match advice::no_growth(class) {
            None => fine.push(name(class)),
            Some(lack) => checks.note(
                format!("disks of class {} cannot grow: {}", name(class), lack.how),
                "`expand` and a larger `size` are refused",
                lack.mend,
            ),
        }
    }
    if !fine.is_empty() {
        checks.ok(format!("disks of {} can grow", list("class", "classes", &fine)));
    }
}
