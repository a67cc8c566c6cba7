//! Where bytes lie, in the lines that a person reads, and what would destroy them.

mod fates;
mod fleet;
mod trails;

use serde_json::{Value, json};
use wukong::facts::{Facts, keep};
use wukong::locate::{Atlas, Event, Located, Trail, locate};
use wukong::status::subject;

use crate::status::world::World;

/// The machine `web`, whose disks lie on local-path: `system` from a DataVolume, `data` in a claim.
fn local() -> World {
    let mut world = World::running();
    world.edit("StorageClass", "fast", "/provisioner", json!("rancher.io/local-path"));
    for claim in ["web-system", "web-data"] {
        world.edit("PersistentVolumeClaim", claim, "/spec/volumeMode", json!("Filesystem"));
        let path = format!("/var/lib/rancher/k3s/storage/pv-{claim}_prod_{claim}");
        local_volume(&mut world, &format!("pv-{claim}"), &path, "n1");
    }
    world
}

/// Makes a volume one of local-path.
pub fn local_volume(world: &mut World, name: &str, path: &str, node: &str) {
    world.edit(
        "PersistentVolume",
        name,
        "/metadata/annotations",
        json!({"pv.kubernetes.io/provisioned-by": "rancher.io/local-path"}),
    );
    let claim = world.object("PersistentVolume", name)["spec"]["claimRef"].clone();
    world.edit(
        "PersistentVolume",
        name,
        "/spec",
        json!({
            "claimRef": claim, "capacity": {"storage": "20Gi"}, "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Delete", "storageClassName": "fast", "volumeMode": "Filesystem",
            "local": {"path": path},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]},
            ]}]}},
        }),
    );
    world.edit("Node", "n1", "/metadata/labels", json!({"kubernetes.io/hostname": "n1"}));
}

/// What is told of `web`. Only what is kept of the objects counts, or a file of facts would tell something else.
fn look(world: &World) -> Located {
    let facts = world.facts();
    let all = locate(&Atlas::of(&facts), &subject("web", "prod", &facts));
    let mut kept = Facts::default();
    world.0.iter().for_each(|object| kept.insert(keep(object)));
    world.1.iter().for_each(|unread| kept.unread(unread.clone()));
    assert_eq!(
        locate(&Atlas::of(&kept), &subject("web", "prod", &kept)),
        all,
        "fields are looked at that are not kept"
    );
    all
}

fn disk<'a>(machine: &'a Located, name: &str) -> &'a Trail {
    machine.disks.iter().find(|disk| disk.name == name).unwrap_or_else(|| panic!("no disk {name}: {machine:#?}"))
}

/// The fate of a disk and why: `lost: policy Delete: …`.
fn fate(world: &World, name: &str, event: Event) -> String {
    let machine = look(world);
    let told = disk(&machine, name).verdict(event);
    told.map_or("-".to_owned(), |verdict| format!("{}: {}", verdict.fate.word(), verdict.why))
}

/// The objects on the way of a disk: `Kind name: state`.
fn hops(trail: &Trail) -> Vec<String> {
    trail.hops.iter().map(|hop| format!("{} {}: {}", hop.kind, hop.name, hop.state)).collect()
}

/// The owner of an object, by kind and name.
fn owner(kind: &str, name: &str, uid: &str) -> Value {
    json!({"apiVersion": "v1", "kind": kind, "name": name, "uid": uid, "controller": true})
}

/// The picture of the README is the one that its facts give.
#[test]
fn the_picture_of_the_readme_is_true() {
    let folder = crate::support::root().join("examples/where-is-my-data");
    let facts = folder.join("facts.json");
    let args = ["where-is-my-data", "-n", "shop", "-o", "svg", "--facts", facts.to_str().unwrap()];
    let drawn = crate::support::run(&folder, &args);
    assert_eq!(crate::support::text(&drawn.stdout), std::fs::read_to_string(folder.join("shop.svg")).unwrap());
}
