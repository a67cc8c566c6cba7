//! The traps of the field, each with a test that names it. Those that only a cluster can spring are listed in the
//! README with the reason why rendering cannot fall into them.

use serde_json::{Value, json};
use wukong::Options;

use crate::support::{cloud_init, codes, machine, manifests, object, read, value, vm};

fn disks(items: &str) -> String {
    machine(&format!("  disks:\n{items}"))
}

fn networks(items: &str) -> String {
    machine(&format!("  networks:\n{items}"))
}

#[test]
fn trap_01_registry_addresses_carry_the_docker_scheme() {
    for (image, url) in [
        ("ubuntu:22.04", "docker://docker.io/library/ubuntu:22.04"),
        ("docker://ubuntu:22.04", "docker://docker.io/library/ubuntu:22.04"),
        ("quay.io/containerdisks/fedora:42", "docker://quay.io/containerdisks/fedora:42"),
    ] {
        let volume =
            object(&disks(&format!("    - {{name: a, size: 1Gi, image: '{image}'}}\n")), "DataVolume", "web-a");
        assert_eq!(volume["spec"]["source"], json!({"registry": {"url": url}}));
    }
    let s3 = disks("    - {name: a, size: 1Gi, image: 's3://bucket/x', imageSecret: keys}\n");
    let url = &object(&s3, "DataVolume", "web-a")["spec"]["source"]["s3"]["url"];
    assert_eq!(url, "https://s3.us-east-1.amazonaws.com/bucket/x");
}

#[test]
fn trap_02_only_run_strategy_is_used() {
    let spec = &vm(&machine("  startStrategy: {runStrategy: Always}\n"))["spec"];
    assert_eq!(spec["runStrategy"], "Always");
    assert!(spec.get("running").is_none());
}

#[test]
fn trap_03_the_boot_disk_alone_has_a_boot_order() {
    let image = "image: 'quay.io/x/y:1'";
    let rendered = vm(&disks(&format!(
        "    - {{name: a, size: 1Gi, {image}}}\n    - {{name: b, size: 1Gi, {image}, boot: true}}\n"
    )));
    let orders: Vec<_> =
        devices(&rendered)["disks"].as_array().unwrap().iter().map(|disk| disk["bootOrder"].clone()).collect();
    assert_eq!(orders, [Value::Null, json!(1)]);
}

fn devices(vm: &Value) -> &Value {
    &vm["spec"]["template"]["spec"]["domain"]["devices"]
}

#[test]
fn trap_04_a_plain_password_is_hashed() {
    let text = machine("  cloudInitUser: {name: a, password: hunter2}\n");
    let user = &value(&cloud_init(&text, "userdata"))["user"];
    assert!(user["hashed_passwd"].as_str().unwrap().starts_with("$6$"));
    assert!(user.get("passwd").is_none() && user.get("plain_text_passwd").is_none());
    assert_eq!(user["lock_passwd"], false);
}

#[test]
fn trap_05_user_data_is_serialised_and_lies_in_a_secret() {
    let text = machine(
        "  cloudInitUser:\n    name: a\n    sudo: \"ALL=(ALL) ALL: #x\"\n    shell: \"/bin/sh # not a comment\"\n  sshKeySecret: k\n",
    );
    let data = cloud_init(&text, "userdata");
    assert!(data.starts_with("#cloud-config\n"));
    let read = value(&data);
    assert_eq!(read["user"]["sudo"], "ALL=(ALL) ALL: #x");
    assert_eq!(read["user"]["shell"], "/bin/sh # not a comment");
    let volume = &vm(&text)["spec"]["template"]["spec"]["volumes"][0];
    assert_eq!(volume["cloudInitNoCloud"], json!({"secretRef": {"name": "web-cloud-init"}}));
}

#[test]
fn trap_06_static_addresses_are_network_data_matched_by_hardware_address() {
    let text = networks(
        "    - {name: lan, type: bridge, bridgeName: br0, macAddress: '02:AA:00:00:00:01', ipConfig: {mode: static, address: 10.0.0.5/24, gateway: 10.0.0.1, dnsServers: [10.0.0.2]}}\n",
    );
    let data = value(&cloud_init(&text, "networkdata"));
    assert_eq!(data["version"], 2);
    assert_eq!(data["ethernets"]["eth0"]["dhcp4"], true, "the pod network is in it too");
    assert_eq!(
        data["ethernets"]["eth1"],
        json!({
            "match": {"macaddress": "02:aa:00:00:00:01"},
            "addresses": ["10.0.0.5/24"],
            "routes": [{"to": "0.0.0.0/0", "via": "10.0.0.1"}],
            "nameservers": {"addresses": ["10.0.0.2"]},
        })
    );
    let rendered = vm(&text);
    for (index, interface) in devices(&rendered)["interfaces"].as_array().unwrap().iter().enumerate() {
        let matched = &data["ethernets"][format!("eth{index}")]["match"]["macaddress"];
        assert_eq!(interface["macAddress"], *matched);
    }
    let volume = &rendered["spec"]["template"]["spec"]["volumes"][0]["cloudInitNoCloud"];
    assert_eq!(*volume, json!({"networkDataSecretRef": {"name": "web-cloud-init"}}));
}

#[test]
fn trap_07_a_bad_quantity_is_an_error_and_k_means_k() {
    let with = |memory: &str| machine("").replace("memory: 2Gi", &format!("memory: {memory}"));
    assert_eq!(codes(&with("8GB")), ["WK106"]);
    assert_eq!(codes(&with("lots")), ["WK106"]);
    let guest = &vm(&with("2097152K"))["spec"]["template"]["spec"]["domain"]["memory"]["guest"];
    assert_eq!(guest, "2097152k");
}

#[test]
fn trap_08_the_binding_follows_the_type() {
    let text = networks(
        "    - {name: a, type: bridge, nadName: a}\n    - {name: b, type: ovs, bridgeName: br1, vlanId: 7}\n    - {name: c, type: sriov, nadName: c}\n",
    );
    let rendered = vm(&text);
    let interfaces = devices(&rendered)["interfaces"].as_array().unwrap();
    let bindings: Vec<_> =
        interfaces.iter().map(|interface| interface.as_object().unwrap().keys().nth(1).unwrap().as_str()).collect();
    assert_eq!(bindings, ["masquerade", "bridge", "bridge", "sriov"]);
    let config = object(&text, "NetworkAttachmentDefinition", "web-b")["spec"]["config"].as_str().unwrap().to_owned();
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!((&config["type"], &config["vlan"], &config["bridge"]), (&json!("ovs"), &json!(7), &json!("br1")));
    assert_eq!(codes(&networks("    - {name: a, type: macvlan, bridgeName: eth0}\n")), ["WK402"]);
}

#[test]
fn trap_09_network_names_do_not_come_from_definitions() {
    let text = networks("    - {name: lan, type: bridge, nadName: other/dotted.name}\n");
    let spec = &vm(&text)["spec"]["template"]["spec"];
    assert_eq!(spec["networks"][1], json!({"name": "lan", "multus": {"networkName": "other/dotted.name"}}));
    // A network called `default` is the pod network, once.
    let text = networks("    - {name: default, type: bridge, ipConfig: {mode: dhcp}}\n");
    assert_eq!(vm(&text)["spec"]["template"]["spec"]["networks"], json!([{"name": "default", "pod": {}}]));
}

#[test]
fn trap_11_no_multus_annotation_and_no_second_address_plan() {
    let text =
        networks("    - {name: lan, type: bridge, bridgeName: br0, ipConfig: {mode: static, address: 10.0.0.5/24}}\n");
    let rendered = vm(&text).to_string();
    assert!(!rendered.contains("k8s.v1.cni.cncf.io"), "{rendered}");
    let config = object(&text, "NetworkAttachmentDefinition", "web-lan")["spec"]["config"].as_str().unwrap().to_owned();
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["ipam"], json!({}));
}

#[test]
fn trap_12_the_cloud_init_volume_has_its_disk() {
    let rendered = vm(&machine("  sshKeySecret: k\n"));
    assert_eq!(devices(&rendered)["disks"], json!([{"name": "cloudinit", "disk": {"bus": "virtio"}}]));
    assert_eq!(codes(&disks("    - {name: cloudinit, size: 1Gi}\n")), ["WK107"]);
}

#[test]
fn trap_13_everything_is_rendered_at_once_without_an_order_to_wait_for() {
    let text = disks("    - {name: a, size: 1Gi}\n    - {name: b, size: 1Gi, image: 'x/y:1'}\n");
    let kinds: Vec<_> = manifests(&text).iter().map(|manifest| manifest.kind.as_str()).collect();
    assert_eq!(kinds, ["PersistentVolumeClaim", "DataVolume", "VirtualMachine"]);
    for manifest in manifests(&text) {
        let text = manifest.object.to_string();
        for wait in ["sync-wave", "depends-on", "hook", "bind.immediate"] {
            assert!(!text.contains(wait), "{wait} in {text}");
        }
    }
}

#[test]
fn trap_14_data_volumes_use_storage_so_that_the_image_fits() {
    let volume = object(
        &disks("    - {name: a, size: 20Gi, image: 'x/y:1', volumeMode: Block, accessMode: ReadWriteMany}\n"),
        "DataVolume",
        "web-a",
    );
    assert!(volume["spec"].get("pvc").is_none());
    assert_eq!(
        volume["spec"]["storage"],
        json!({
            "accessModes": ["ReadWriteMany"],
            "volumeMode": "Block",
            "resources": {"requests": {"storage": "20Gi"}},
        })
    );
}

#[test]
fn trap_15_the_access_mode_is_always_written() {
    for (disk, kind) in [
        ("size: 1Gi", "PersistentVolumeClaim"),
        ("size: 1Gi, image: 'x/y:1'", "DataVolume"),
        ("image: 'pvc:a/b'", "DataVolume"),
    ] {
        let spec = object(&disks(&format!("    - {{name: a, {disk}}}\n")), kind, "web-a")["spec"].clone();
        let storage = spec.get("storage").unwrap_or(&spec).clone();
        assert_eq!(storage["accessModes"], json!(["ReadWriteOnce"]));
    }
}

#[test]
fn trap_16_the_identity_is_part_of_the_file_and_defaults_are_not() {
    let rendered = vm(&machine(""));
    let spec = &rendered["spec"]["template"]["spec"];
    assert!(spec["domain"]["firmware"]["uuid"].is_string());
    assert!(spec.get("architecture").is_none());
    assert!(spec["domain"].get("machine").is_none());
}

#[test]
fn trap_17_cpus_are_sockets_and_odd_memory_is_told() {
    let domain = &vm(&machine(""))["spec"]["template"]["spec"]["domain"];
    assert_eq!(domain["cpu"], json!({"sockets": 2, "cores": 1, "threads": 1}));
    assert_eq!(codes(&machine("").replace("2Gi", "8G")), ["WK203"]);
    assert_eq!(codes(&machine("").replace("2Gi", "512Mi")), ["WK203"]);
}

#[test]
fn trap_19_disks_stand_apart_from_the_machine() {
    let text = disks("    - {name: a, size: 1Gi}\n    - {name: b, size: 1Gi, image: 'x/y:1'}\n");
    for manifest in manifests(&text) {
        assert!(manifest.object["metadata"].get("ownerReferences").is_none());
        assert!(manifest.object["metadata"].get("finalizers").is_none());
        assert!(manifest.object["spec"].get("dataVolumeTemplates").is_none());
    }
}

#[test]
fn trap_20_two_disks_never_share_a_derived_claim() {
    let one = disks("    - {name: b-c, size: 1Gi}\n").replace("name: web", "name: a");
    let two = disks("    - {name: c, size: 1Gi}\n").replace("name: web", "name: a-b");
    assert_eq!(codes(&format!("{one}---\n{two}")), ["WK315"]);
    let elsewhere = two.replace("namespace: prod", "namespace: test");
    assert!(codes(&format!("{one}---\n{elsewhere}")).is_empty());
}

#[test]
fn trap_22_high_availability_settings_arrive() {
    let text = machine(
        "  highAvailability:\n    restartPolicy: OnFailure\n    antiAffinity: true\n    tolerations: [{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 30}]\n",
    );
    let rendered = vm(&text);
    let spec = &rendered["spec"]["template"]["spec"];
    assert_eq!(rendered["spec"]["runStrategy"], "RerunOnFailure");
    assert_eq!(spec["tolerations"][0]["tolerationSeconds"], 30);
    let term = &spec["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][0];
    assert_eq!(term["podAffinityTerm"]["topologyKey"], "kubernetes.io/hostname");
    let expression = json!([{"key": "vm.novasphere.dev/wukong", "operator": "Exists"}]);
    assert_eq!(term["podAffinityTerm"]["labelSelector"]["matchExpressions"], expression);
    assert_eq!(rendered["spec"]["template"]["metadata"]["labels"]["vm.novasphere.dev/wukong"], "web");
}

#[test]
fn trap_23_no_data_volume_templates_that_could_drift() {
    let text = disks("    - {name: b, size: 1Gi, image: 'x/y:1'}\n");
    assert!(vm(&text)["spec"].get("dataVolumeTemplates").is_none());
    let volume = &vm(&text)["spec"]["template"]["spec"]["volumes"][0];
    assert_eq!(*volume, json!({"name": "b", "dataVolume": {"name": "web-b"}}));
}

#[test]
fn trap_24_no_update_strategy_is_left_on_migration() {
    assert!(vm(&machine(""))["spec"].get("updateVolumesStrategy").is_none());
}

#[test]
fn trap_25_quantities_keep_their_spelling_and_secrets_stay_out_of_messages() {
    let text = disks("    - {name: a, size: 1024Mi}\n");
    let claim = object(&text, "PersistentVolumeClaim", "web-a");
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "1024Mi");
    let loaded = read(&machine("  cloudInitUser: {name: a, password: hunter2}\n"), &Options::default());
    assert!(!format!("{:?}", loaded.machines).contains("$6$"));
    let shown =
        wukong::diagnostic::Excerpts::new(&loaded.report, &loaded.sources, wukong::text::Styles::default(), 100);
    assert!(!shown.to_string().contains("hunter2"));
}
