//! What anyone may write into a volume.

use super::*;

/// Every source and attribute that a backend asks for, with the same value.
fn full_of(driver: &str, value: &Value) -> Value {
    let keys = [
        "pool",
        "imageName",
        "clusterID",
        "fsName",
        "subvolumePath",
        "server",
        "share",
        "subdir",
        "onDelete",
        "portal",
        "iqn",
        "lun",
        "path",
        "dsm",
        "protocol",
        "source",
        "baseDir",
        "numberOfReplicas",
        "skuName",
        "storagePool",
        "node_attach_driver",
        "openebs.io/volgroup",
        "openebs.io/poolname",
        "repl",
        "backend",
        "staticVolume",
    ];
    let attributes: Value = keys.iter().map(|key| ((*key).to_owned(), value.clone())).collect();
    let source = json!({"path": value, "server": value, "targetPortal": value, "portals": [value], "iqn": value,
        "lun": value, "targetWWNs": [value], "wwids": [value], "volumeID": value, "pdName": value, "diskURI": value,
        "shareName": value, "volumePath": value, "endpoints": value, "pool": value, "image": value});
    let mut spec: Value = SOURCES.iter().map(|field| ((*field).to_owned(), source.clone())).collect();
    spec["csi"] = json!({"driver": driver, "volumeHandle": value, "volumeAttributes": attributes});
    spec["volumeMode"] = value.clone();
    let expression = json!({"key": value, "operator": "In", "values": [value, value]});
    spec["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}, value]}});
    json!({"metadata": {"name": value, "annotations": {"pv.kubernetes.io/provisioned-by": value}}, "spec": spec})
}

#[test]
fn no_volume_stops_a_backend() {
    let long = "x".repeat(10_000);
    let values = [
        json!(null),
        json!(1),
        json!(-1.5),
        json!(["a"]),
        json!({"a": 1}),
        json!(""),
        json!("-rf"),
        json!("#####"),
        json!("/////"),
        json!("::::"),
        json!("aws://"),
        json!("[a"),
        json!("projects/p/zones/z/disks/"),
        json!("0001-ffff-"),
        json!("\u{1b}[31m\r\n\0"),
        json!("$(reboot); `reboot` 'x' \"y\""),
        json!("ß€😀"),
        json!(long),
    ];
    let facts = facts(&[]);
    let related = Related::of(&facts);
    for known in BACKENDS.into_iter().chain([&unknown::BACKEND]) {
        for value in &values {
            let volume = full_of(known.name, value);
            let class = json!({"parameters": {"repl": value, "archiveOnDelete": value}, "provisioner": value});
            for volume in [&json!({}), value, &volume, &json!({"spec": volume["spec"]["csi"]})] {
                driver(volume, Some(value), Some(&class));
                let place = known.place(&Traced { related: &related, volume, claim: Some(value), class: Some(&class) });
                for look in &place.look {
                    assert!(is_one_command(look), "{look}");
                }
            }
        }
    }
}

/// Whether nothing of a command is run that a cluster wrote: outside of quotes stands nothing that a shell acts on, but
/// for the pipe to grep.
fn is_one_command(look: &str) -> bool {
    let (_, command) = look.split_once(": ").unwrap();
    let bare: String = command.replace(r"'\''", "").split('\'').step_by(2).collect();
    let bare = bare.replace(" | grep -F", "");
    command.matches('\'').count() % 2 == 0 && !bare.contains(['$', '`', ';', '|', '&', '\n', '"', '<', '>', '\u{1b}'])
}

#[test]
fn secrets_of_a_foreign_driver_are_hidden() {
    let attributes = json!({"password": "hunter2", "url": "https://u:hunter2@h/x", "size": "3"});
    let volume = csi("csi.example.com", "v-1", &attributes);
    assert!(!keep(&volume)["spec"]["csi"]["volumeAttributes"]["password"].to_string().contains("hunter2"));
    let storage_class = class("csi.example.com", &json!({"restuserkey": "hunter2", "repl": "3"}));
    assert_eq!(keep(&storage_class)["parameters"], json!({"repl": "3"}));
    let (name, place) = ask(&[], None, &volume);
    assert_eq!(name, "a driver that is not known here");
    assert_eq!((place.holder.clone(), place.at.as_deref()), (Holder::Unknown, Some("v-1")));
    assert_eq!(place.erased, Erased::Unknown);
    let shown = format!("{:?}", place.details);
    // A caller may bring a volume that facts did not keep.
    let facts = facts(&[]);
    let related = Related::of(&facts);
    let whole = unknown::BACKEND.place(&Traced { related: &related, volume: &volume, claim: None, class: None });
    assert_eq!(format!("{:?}", whole.details), shown);
    assert!(shown.contains("size=3") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_foreign_driver_with_a_known_source_is_shown_with_it() {
    let export = made("example.com/nfs", &json!({"nfs": {"server": "nas", "path": "/vm"}}));
    let (_, place) = ask(&[], None, &export);
    assert_eq!((place.holder, place.at.as_deref()), (server("nas"), Some("nas:/vm/disk.img")));
    assert_eq!(place.erased, Erased::Unknown);
    let bound = tied(csi("csi.example.com", "v-1", &json!({})), "csi.example.com/node", &["worker-2"]);
    assert_eq!(ask(&[], None, &bound).1.holder, node("worker-2"));
}
