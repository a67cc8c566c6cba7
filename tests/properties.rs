//! Properties: any valid file renders, rendering is stable, what is written reads the same, quantities keep their
//! value, and no bytes make it panic.

use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};
use wukong::quantity::Quantity;
use wukong::spec::json_schema;
use wukong::text::yaml;
use wukong::{Options, render};

use crate::support::{read, value};

fn label() -> impl Strategy<Value = String> {
    "[a-z]([a-z0-9-]{0,12}[a-z0-9])?"
}

fn quantity() -> impl Strategy<Value = String> {
    prop_oneof![
        (1_u64..2000).prop_map(|n| format!("{n}Gi")),
        (2_u64..900_000).prop_map(|n| format!("{n}Mi")),
        (1_u64..900).prop_map(|n| format!("{n}.5Gi")),
        (2_u64..900_000).prop_map(|n| format!("{n}M")),
        (2_000_000_u64..9_000_000_000).prop_map(|n| n.to_string()),
        (7_u32..12).prop_map(|n| format!("1e{n}")),
    ]
}

/// Text of every kind that a label value or a command may hold, the ambiguous words among it.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("on".to_owned()),
        Just("no".to_owned()),
        Just("0123".to_owned()),
        Just("1e3".to_owned()),
        Just("12.5".to_owned()),
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("1_000".to_owned()),
        Just("0x1F".to_owned()),
        Just(String::new()),
        "[A-Za-z0-9]([A-Za-z0-9_.-]{0,20}[A-Za-z0-9])?",
    ]
}

fn disk() -> impl Strategy<Value = Value> {
    let image = prop_oneof![
        Just("quay.io/containerdisks/fedora:42"),
        Just("ubuntu:22.04"),
        Just("https://images.example/x.qcow2"),
        Just("gs://bucket/x"),
        Just("pvc:images/golden"),
        Just("snapshot:images/golden"),
        Just("oci-archive:/x.tar"),
    ];
    let modes = proptest::option::of(prop_oneof![Just("ReadWriteOnce"), Just("ReadWriteMany")]);
    let source = prop_oneof![
        quantity().prop_map(|size| json!({"size": size})),
        (quantity(), image).prop_map(|(size, image)| json!({"size": size, "image": image})),
        Just(json!({"existingPVC": {"name": "CLAIM", "readOnly": true}})),
        Just(json!({"existingPVC": {"name": "CLAIM", "namespace": "images"}})),
    ];
    (source, modes, any::<bool>(), label()).prop_map(|(mut disk, mode, block, class)| {
        if disk.get("size").is_some() {
            disk["storageClassName"] = json!(class);
            if let Some(mode) = mode {
                disk["accessMode"] = json!(mode);
            }
            if block {
                disk["volumeMode"] = json!("Block");
            }
        }
        disk
    })
}

fn network() -> impl Strategy<Value = Value> {
    let address = (1_u8..250, 16_u8..29).prop_map(|(host, prefix)| {
        json!({"mode": "static", "address": format!("10.{host}.7.{host}/{prefix}"), "dnsServers": ["9.9.9.9"]})
    });
    let config = proptest::option::of(prop_oneof![Just(json!({"mode": "dhcp"})), address]);
    let kind = prop_oneof![
        Just(json!({"type": "bridge", "bridgeName": "br0"})),
        Just(json!({"type": "ovs", "bridgeName": "br1", "vlanId": 7})),
        Just(json!({"type": "bridge", "nadName": "other/lan"})),
        Just(json!({"type": "sriov", "nadName": "fast"})),
    ];
    (kind, config).prop_map(|(mut network, config)| {
        if let Some(config) = config {
            network["ipConfig"] = config;
        }
        network
    })
}

prop_compose! {
    fn spec()(
        cpu in 1_u8..=64,
        memory in 1_u16..500,
        disks in prop::collection::vec(disk(), 0..6),
        networks in prop::collection::vec(network(), 0..4),
        user in proptest::option::of((label(), word())),
        run in proptest::option::of(prop_oneof![Just("Always"), Just("RerunOnFailure"), Just("Manual"), Just("Halted"), Just("Once")]),
        spread in any::<bool>(),
        selector in word(),
    ) -> Value {
        let named = |(index, mut item): (usize, Value), kind: &str| {
            item["name"] = json!(format!("{kind}{index}"));
            if item["existingPVC"].is_object() {
                item["existingPVC"]["name"] = json!(format!("claim-{index}"));
            }
            item
        };
        // Every card has an address of its own.
        let networks: Vec<_> = networks.into_iter().enumerate().map(|(index, mut network)| {
            if network["ipConfig"]["mode"] == "static" {
                network["ipConfig"]["address"] = json!(format!("10.{index}.7.{}/24", index + 1));
            }
            named((index, network), "net")
        }).collect();
        let disks: Vec<_> = disks.into_iter().enumerate().map(|item| named(item, "disk")).collect();
        let mut spec = json!({"cpu": cpu, "memory": format!("{memory}Gi"), "disks": disks, "networks": networks});
        if let Some((name, shell)) = user {
            spec["cloudInitUser"] = json!({"name": name, "shell": format!("/bin/{shell}"), "passwordSecret": "login"});
        }
        if let Some(run) = run {
            spec["startStrategy"] = json!({"runStrategy": run});
        }
        spec["highAvailability"] = json!({"antiAffinity": spread, "nodeSelector": {"zone": selector}});
        spec
    }
}

fn document(name: &str, label: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "vm.novasphere.dev/v1alpha1",
        "kind": "Wukong",
        "metadata": {"name": name, "namespace": "prod", "labels": {"app": label}},
        "spec": spec,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_valid_file_renders_and_reads_back(name in label(), app in word(), spec in spec()) {
        let document = document(&name, &app, &spec);
        let options = Options::default();
        let loaded = read(&yaml(&document), &options);
        let problems: Vec<_> = loaded.report.problems().iter().map(|p| format!("{} {}", p.code, p.message)).collect();
        prop_assert!(loaded.report.is_valid(), "{problems:?}\n{}", yaml(&document));
        let manifests = render(&loaded.machines[0], &options);
        // The same machine as JSON, and once more: the same objects.
        let again = read(&document.to_string(), &options);
        prop_assert_eq!(&manifests, &render(&again.machines[0], &options));
        for manifest in &manifests {
            // As kubectl reads what was written, with the rules of YAML 1.1.
            prop_assert_eq!(&value(&wukong::output::Format::Yaml.part(&manifest.object, Some(&manifest.purpose))), &manifest.object);
        }
    }

    #[test]
    fn the_schema_agrees_with_the_decoder(name in label(), app in word(), spec in spec()) {
        // Compiled once: a debug build needs longer for it than for all that it checks.
        static SCHEMA: LazyLock<Validator> = LazyLock::new(|| jsonschema::draft7::new(&json_schema()).unwrap());
        let errors: Vec<_> = SCHEMA.iter_errors(&document(&name, &app, &spec)).map(|e| e.to_string()).collect();
        prop_assert!(errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn any_text_is_written_so_that_it_reads_the_same(text in any::<String>()) {
        let written = yaml(&json!({"k": [text.clone()], text.clone(): 1}));
        let expected = json!({"k": [text.clone()], text.clone(): 1});
        if text != "k" && text != "<<" {
            prop_assert_eq!(value(&written), expected, "{}", written);
        }
    }

    #[test]
    fn quantities_keep_value_and_spelling(text in quantity()) {
        let quantity = Quantity::parse(&text).unwrap();
        prop_assert_eq!(quantity.to_string(), text);
        prop_assert_eq!(&Quantity::parse(quantity.as_str()).unwrap(), &quantity);
        if let Some(units) = quantity.units() {
            prop_assert_eq!(Quantity::parse(&units.to_string()).unwrap(), quantity);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let loaded = read(&text, &Options::default());
        let excerpts = wukong::diagnostic::Excerpts::new(&loaded.report, &loaded.sources, wukong::text::Styles::default(), 100);
        let _ = excerpts.to_string();
    }

    /// Mutations of a real file reach deeper than random text.
    #[test]
    fn no_mutation_makes_it_panic(at in 0_usize..1000, length in 0_usize..30, with in ".{0,12}") {
        let original = include_str!("../examples/networks.yaml");
        let start = original.floor_char_boundary(at % original.len());
        let end = original.floor_char_boundary((start + length).min(original.len())).max(start);
        let text = format!("{}{with}{}", &original[..start], &original[end..]);
        let options = Options::default();
        let loaded = read(&text, &options);
        let _ = wukong::diagnostic::Excerpts::new(&loaded.report, &loaded.sources, wukong::text::Styles::default(), 100).to_string();
        let _ = wukong::diagnostic::to_sarif(&loaded.report, &loaded.sources, "0").to_string();
        for machine in &loaded.machines {
            let _ = render(machine, &options);
        }
    }
}
