//! Facts as a file: the same look, and no secret.

use serde_json::{Value, json};
use wukong::facts::{Facts, keep};
use wukong::output::{Detail, statuses};
use wukong::status::{Index, status, subject};
use wukong::text::{Styles, Width};

use super::world::{NOW, World, told};

/// What no file of facts may hold.
const SECRET: &str = "hunter2-hunter2";

#[test]
fn a_file_tells_the_same() {
    let mut world = World::starting();
    world.edit("PersistentVolumeClaim", "web-data", "/status/phase", json!("Lost"));
    let file = world.facts().to_file(NOW);
    let (facts, now) = Facts::from_file(&file).unwrap();
    let status = status(&Index::of(&facts), &subject("web", "prod", &facts), now);
    assert_eq!(told(&status), told(&world.status()));
    for bad in [json!([]), json!({"kind": "WukongFacts", "version": 2}), json!({"kind": "WukongFacts", "version": 1})] {
        Facts::from_file(&bad).unwrap_err();
    }
}

/// Puts a secret at every place of an object at which a rule does not look.
fn salted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut all: serde_json::Map<_, _> =
                fields.iter().map(|(key, value)| (key.clone(), salted(value))).collect();
            all.insert("userData".into(), json!(SECRET));
            Value::Object(all)
        }
        Value::Array(items) => items.iter().map(salted).collect(),
        other => other.clone(),
    }
}

#[test]
fn no_secret_gets_into_a_file() {
    let mut world = World::running();
    let cloud_init = json!({"name": "cloudinit", "cloudInitNoCloud": {
        "userData": SECRET, "userDataBase64": SECRET, "networkData": SECRET, "networkDataBase64": SECRET,
    }});
    world.edit("VirtualMachine", "web-vm", "/spec/template/spec/volumes/2", cloud_init.clone());
    world.edit("VirtualMachineInstance", "web-vm", "/spec/volumes/2", cloud_init);
    for (kind, name) in
        [("VirtualMachine", "web-vm"), ("PersistentVolumeClaim", "web-data"), ("DataVolume", "web-system")]
    {
        world.edit(
            kind,
            name,
            "/metadata/annotations",
            json!({"kubectl.kubernetes.io/last-applied-configuration": SECRET, "note": SECRET}),
        );
    }
    world.edit(
        "DataVolume",
        "web-system",
        "/spec/source",
        json!({"http": {"url": format!("https://user:{SECRET}@x/y"), "extraHeaders": [SECRET]}}),
    );
    world.edit(
        "Pod",
        "virt-launcher-web-vm-x",
        "/spec/containers",
        json!([{"env": [{"name": "ACCESS_KEY", "value": SECRET}]}]),
    );
    world.warn("web-data", "Failed", &format!("cannot read https://user:{SECRET}@host/image?X-Amz-Signature={SECRET}"));
    world.add(json!({"kind": "Secret", "metadata": {"name": "s", "namespace": "prod"}, "data": {"password": SECRET}}));
    world.add(json!({"kind": "ConfigMap", "metadata": {"name": "c", "namespace": "prod"}, "data": {"other": SECRET}}));
    world.record(|record| {
        let entry = json!({"name": "cloudinit", "cloudInitNoCloud": {"userData": SECRET}});
        record.lists.entry("volumes".into()).or_default().insert("cloudinit".into(), entry);
    });
    let file = world.facts().to_file(NOW).to_string();
    assert!(!file.contains(SECRET), "{}", &file[file.find(SECRET).unwrap().saturating_sub(200)..][..400]);

    // Wherever else someone puts it: only status and the listed fields are kept whole.
    for object in &World::running().0 {
        let mut object = salted(object);
        object.as_object_mut().unwrap().remove("status");
        for (key, whole) in
            [("metadata", &["labels", "ownerReferences"][..]), ("spec", &["claimRef", "resources", "template"][..])]
        {
            for part in whole {
                if let Some(fields) = object[key].as_object_mut() {
                    fields.remove(*part);
                }
            }
        }
        let volumes = object["spec"]["volumes"].as_array_mut();
        for volume in volumes.into_iter().flatten() {
            for part in ["dataVolume", "persistentVolumeClaim"] {
                volume.as_object_mut().unwrap().remove(part);
            }
        }
        assert!(!keep(&object).to_string().contains(SECRET), "{}", keep(&object));
    }
}

#[test]
fn words_of_strangers_cannot_move_the_cursor() {
    let mut world = World::starting();
    world.edit("PersistentVolumeClaim", "web-data", "/status", json!({"phase": "Pending"}));
    world.warn("web-data", "ProvisioningFailed", "\u{1b}[2J\u{1b}]0;owned\u{7}\rall is well\u{202e}");
    world.edit("VirtualMachine", "web-vm", "/status/printableStatus", json!("Run\u{1b}[31mning"));
    let shown = statuses(&[world.status()], Detail::Full, false, &Styles::default(), Width::Terminal(120));
    let bad = shown.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
    assert_eq!(bad, None, "{shown:?}");
}

#[test]
fn what_a_file_was_not_saved_for_is_not_known() {
    let mut facts = World::running().facts();
    for kind in ["VirtualMachine", "PersistentVolumeClaim", "VolumeSnapshot"] {
        facts.asked(kind);
    }
    let (mut facts, _) = Facts::from_file(&facts.to_file(NOW)).unwrap();
    facts.need(["VirtualMachine", "VolumeSnapshot", "CSIDriver"]);
    let gaps: Vec<_> = facts.gaps().iter().map(|gap| gap.kind.as_str()).collect();
    assert_eq!(gaps, ["CSIDriver"]);
    // A file that somebody wrote holds all that there is.
    let mut file = World::running().facts().to_file(NOW);
    file.as_object_mut().unwrap().remove("asked");
    let (mut facts, _) = Facts::from_file(&file).unwrap();
    facts.need(["CSIDriver"]);
    assert!(facts.gaps().is_empty());
}
