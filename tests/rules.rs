//! Rules of the contract that were learnt on real control planes, and those that no code or trap covers.

use serde_json::{Value, json};
use wukong::Options;

use crate::support::{cloud_init, codes, machine, manifests, object, read, value, vm};

fn disks(items: &str) -> String {
    machine(&format!("  disks:\n{items}"))
}

fn disk_devices(text: &str) -> Vec<Value> {
    vm(text)["spec"]["template"]["spec"]["domain"]["devices"]["disks"].as_array().unwrap().clone()
}

/// CDI hands labels and annotations on to claims, and pruners delete by them.
#[test]
fn keys_of_tools_reach_no_object() {
    let text = machine("").replace(
        "namespace: prod",
        "namespace: prod, labels: {app: web, applyset.kubernetes.io/part-of: x, kapp.k14s.io/app: x}, annotations: {argocd.argoproj.io/tracking-id: x, meta.helm.sh/release-name: x, example.com/a: b}",
    ) + "  disks: [{name: a, size: 1Gi}, {name: b, size: 1Gi, image: 'x/y:1'}]\n";
    for manifest in manifests(&text) {
        let text = manifest.object.to_string();
        for key in ["applyset", "kapp.k14s.io/app", "tracking-id", "meta.helm.sh"] {
            assert!(!text.contains(key), "{key} in {text}");
        }
        let is_machine = manifest.kind == wukong::render::Kind::VirtualMachine;
        assert_eq!(text.contains("\"app\""), is_machine);
        assert_eq!(text.contains("example.com/a"), is_machine);
        assert_eq!(manifest.object["metadata"]["labels"]["vm.novasphere.dev/wukong"], "web");
    }
}

/// A DataVolume's spec is immutable: a tool that applies a changed size would be refused.
#[test]
fn disks_are_kept_and_data_volumes_are_only_created() {
    let text = disks("    - {name: a, size: 1Gi}\n    - {name: b, size: 1Gi, image: 'x/y:1'}\n");
    let keep = [
        "argocd.argoproj.io/sync-options",
        "kustomize.toolkit.fluxcd.io/prune",
        "helm.sh/resource-policy",
        "client.lifecycle.config.k8s.io/deletion",
        "kapp.k14s.io/delete-strategy",
    ];
    let create =
        ["kustomize.toolkit.fluxcd.io/ssa", "client.lifecycle.config.k8s.io/mutation", "kapp.k14s.io/update-strategy"];
    let claim = object(&text, "PersistentVolumeClaim", "web-a");
    let volume = object(&text, "DataVolume", "web-b");
    for key in keep {
        assert!(
            claim["metadata"]["annotations"][key].is_string() && volume["metadata"]["annotations"][key].is_string()
        );
    }
    for key in create {
        assert!(
            claim["metadata"]["annotations"].get(key).is_none() && volume["metadata"]["annotations"][key].is_string()
        );
    }
    let bare = Options { no_keep_annotations: true, ..Options::default() };
    let loaded = read(&text, &bare);
    for manifest in wukong::render(&loaded.machines[0], &bare) {
        for key in keep.iter().chain(&create) {
            assert!(manifest.object["metadata"]["annotations"].get(*key).is_none(), "{key}");
        }
    }
}

/// virtio can be read-only; sata cannot. In another namespace the copy is writable, the device is not.
#[test]
fn read_only_claims() {
    let own = disks("    - {name: a, existingPVC: {name: old, readOnly: true}}\n");
    assert_eq!(disk_devices(&own)[0]["disk"], json!({"bus": "virtio", "readonly": true}));
    let volume = vm(&own)["spec"]["template"]["spec"]["volumes"][0].clone();
    assert_eq!(volume["persistentVolumeClaim"], json!({"claimName": "old", "readOnly": true}));
    let foreign = disks("    - {name: a, existingPVC: {name: old, namespace: images, readOnly: true}}\n");
    assert_eq!(disk_devices(&foreign)[0]["disk"], json!({"bus": "virtio", "readonly": true}));
    let volume = vm(&foreign)["spec"]["template"]["spec"]["volumes"][0].clone();
    assert_eq!(volume["dataVolume"], json!({"name": "web-a"}));
    let copy = object(&foreign, "DataVolume", "web-a");
    assert_eq!(copy["spec"]["source"], json!({"pvc": {"namespace": "images", "name": "old"}}));
}

/// KubeVirt lets one claim be written to twice, in one machine and by two.
#[test]
fn one_writer_per_claim() {
    assert_eq!(
        codes(&disks("    - {name: a, existingPVC: {name: x}}\n    - {name: b, existingPVC: {name: x}}\n")),
        ["WK308"]
    );
    let own = disks("    - {name: a, size: 1Gi}\n");
    let other = disks("    - {name: a, existingPVC: {name: web-a}}\n").replace("name: web,", "name: db,");
    assert_eq!(codes(&format!("{own}---\n{other}")), ["WK308"], "a claim that another machine makes");
    let reader = disks("    - {name: a, existingPVC: {name: x, readOnly: true}}\n").replace("name: web,", "name: db,");
    let writer = disks("    - {name: a, existingPVC: {name: x}}\n");
    assert_eq!(codes(&format!("{writer}---\n{reader}")), ["WK308"], "a reader beside a writer");
    let elsewhere = writer.replace("prod", "test").replace("name: web,", "name: db,");
    assert!(codes(&format!("{writer}---\n{elsewhere}")).is_empty());
}

/// A machine that is deleted and made again on its kept disks must be the same to cloud-init.
#[test]
fn the_identity_depends_on_namespace_and_name_alone() {
    let uuid = |text: &str| vm(text)["spec"]["template"]["spec"]["domain"]["firmware"]["uuid"].clone();
    assert_eq!(uuid(&machine("")), uuid(&disks("    - {name: a, size: 1Gi}\n")));
    assert_ne!(uuid(&machine("")), uuid(&machine("").replace("prod", "test")));
}

/// Keys reach the guest only through a NoCloud volume, and there only the default user.
#[test]
fn keys_need_a_cloud_init_volume_and_the_default_user() {
    let alone = machine("  sshKeySecret: keys\n");
    assert_eq!(cloud_init(&alone, "userdata"), "#cloud-config\n{}\n");
    let spec = vm(&alone)["spec"]["template"]["spec"].clone();
    assert_eq!(
        spec["accessCredentials"],
        json!([{"sshPublicKey": {
        "source": {"secret": {"secretName": "keys"}}, "propagationMethod": {"noCloud": {}}}}])
    );
    let user = value(&cloud_init(&machine("  cloudInitUser: {name: a}\n  sshKeySecret: keys\n"), "userdata"));
    assert_eq!(user["user"]["name"], "a");
    assert_eq!(user["user"]["lock_passwd"], true, "without a password");
    assert!(user.get("users").is_none() && user.get("ssh_pwauth").is_none());
}

#[test]
fn a_password_from_a_secret_leaves_no_hash() {
    let text = machine("  cloudInitUser: {name: a, passwordSecret: login}\n");
    assert!(!cloud_init(&text, "userdata").contains("passwd:") || !cloud_init(&text, "userdata").contains('$'));
    let credentials = vm(&text)["spec"]["template"]["spec"]["accessCredentials"].clone();
    assert_eq!(credentials[0]["userPassword"]["source"]["secret"]["secretName"], "login");
    assert_eq!(value(&cloud_init(&text, "userdata"))["ssh_pwauth"], true);
}

#[test]
fn the_salt_is_stable_and_belongs_to_one_machine() {
    let hash = |text: &str| value(&cloud_init(text, "userdata"))["user"]["hashed_passwd"].clone();
    let text = machine("  cloudInitUser: {name: a, password: hunter2}\n");
    assert_eq!(hash(&text), hash(&text));
    assert_ne!(hash(&text), hash(&text.replace("prod", "test")));
    assert_ne!(hash(&text), hash(&text.replace("name: a,", "name: b,")));
}

#[test]
fn the_boot_rule() {
    let boot = |text: &str| disk_devices(text).iter().position(|disk| disk.get("bootOrder").is_some());
    let (empty, image) = ("size: 1Gi", "size: 1Gi, image: 'x/y:1'");
    let two = |a: &str, b: &str| disks(&format!("    - {{name: a, {a}}}\n    - {{name: b, {b}}}\n"));
    assert_eq!(boot(&two(&format!("{image}"), &format!("{empty}, boot: true"))), Some(1), "boot: true");
    assert_eq!(boot(&two(empty, image)), Some(1), "the first with an image");
    assert_eq!(boot(&(two(empty, empty) + "  osImage: x/y:1\n")), Some(0), "osImage");
    assert_eq!(
        boot(&(two("existingPVC: {name: x}", empty) + "  osImage: x/y:1\n")),
        Some(1),
        "osImage, not onto a claim"
    );
    assert_eq!(
        boot(&two("existingPVC: {name: x, readOnly: true}", "existingPVC: {name: y}")),
        Some(1),
        "a writable claim"
    );
    assert_eq!(boot(&two(empty, empty)), None, "empty disks");
    assert_eq!(boot(&two(&format!("{image}, boot: false"), image)), Some(1), "boot: false");
}

#[test]
fn os_image_is_an_image_or_a_name() {
    let image = disks("    - {name: a, size: 1Gi}\n") + "  osImage: x/y:1\n";
    assert_eq!(object(&image, "DataVolume", "web-a")["spec"]["source"]["registry"]["url"], "docker://docker.io/x/y:1");
    let name = machine("  osImage: debian12\n");
    assert_eq!(vm(&name)["spec"]["template"]["metadata"]["annotations"]["vm.kubevirt.io/os"], "debian12");
}

#[test]
fn policies_choose_a_class_and_the_file_its_modes() {
    let options = Options {
        policies: vec![Options::parse_policy("fast=ceph:ReadWriteMany:Block").unwrap()],
        ..Options::default()
    };
    let rendered = |text: &str| {
        let loaded = read(text, &options);
        wukong::render(&loaded.machines[0], &options)[0].object["spec"].clone()
    };
    let spec = rendered(&disks("    - {name: a, size: 1Gi, storagePolicy: fast}\n"));
    assert_eq!(
        (&spec["storageClassName"], &spec["accessModes"], &spec["volumeMode"]),
        (&json!("ceph"), &json!(["ReadWriteMany"]), &json!("Block"))
    );
    let spec = rendered(&disks(
        "    - {name: a, size: 1Gi, storagePolicy: fast, accessMode: ReadWriteOnce, volumeMode: Filesystem}\n",
    ));
    assert_eq!((&spec["accessModes"], &spec["volumeMode"]), (&json!(["ReadWriteOnce"]), &json!("Filesystem")));
}

#[test]
fn a_default_network_of_its_own_takes_the_place_of_the_pod_network() {
    let networks = |items: &str| {
        let spec = vm(&machine(&format!("  networks:\n{items}")))["spec"]["template"]["spec"].clone();
        spec["networks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|network| network["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(networks("    - {name: lan, type: bridge, nadName: x}\n"), ["default", "lan"]);
    assert_eq!(networks("    - {name: lan, type: bridge, nadName: x}\n    - {name: default}\n"), ["default", "lan"]);
    assert_eq!(
        networks("    - {name: lan, type: bridge, nadName: x}\n    - {name: default, type: bridge, nadName: y}\n"),
        ["lan", "default"]
    );
    let replaced = vm(&machine("  networks:\n    - {name: default, type: bridge, bridgeName: br0}\n"));
    assert!(!replaced.to_string().contains("\"pod\""));
}

#[test]
fn the_spread_group_has_three_sources() {
    let selector = |labels: &str| {
        let text = machine("  highAvailability: {antiAffinity: true}\n")
            .replace("namespace: prod", &format!("namespace: prod{labels}"));
        vm(&text)["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][0]["podAffinityTerm"]["labelSelector"].clone()
    };
    let both = ", labels: {app.kubernetes.io/name: shop, vm.novasphere.dev/spread-group: db}";
    assert_eq!(selector(both), json!({"matchLabels": {"vm.novasphere.dev/spread-group": "db"}}));
    assert_eq!(
        selector(", labels: {app.kubernetes.io/name: shop}"),
        json!({"matchLabels": {"app.kubernetes.io/name": "shop"}})
    );
    assert!(selector("")["matchExpressions"].is_array());
}

#[test]
fn defaults_of_a_machine_without_a_word() {
    let spec = vm(&machine(""))["spec"].clone();
    assert_eq!(spec["runStrategy"], "Always");
    assert_eq!(spec["template"]["spec"]["evictionStrategy"], "LiveMigrateIfPossible");
    assert_eq!(spec["template"]["spec"]["terminationGracePeriodSeconds"], 180);
    assert!(spec["template"]["spec"].get("volumes").is_none(), "an empty machine");
}

#[test]
fn growth_is_noted_on_the_claim() {
    let claim = object(
        &disks("    - {name: a, size: 1Gi, autoExpand: true, maxSize: 5Gi}\n"),
        "PersistentVolumeClaim",
        "web-a",
    );
    assert_eq!(claim["metadata"]["annotations"]["vm.novasphere.dev/auto-expand"], "true");
    assert_eq!(claim["metadata"]["annotations"]["vm.novasphere.dev/max-size"], "5Gi");
}
