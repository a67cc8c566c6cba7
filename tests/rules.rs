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
    assert_eq!(boot(&two(image, &format!("{empty}, boot: true"))), Some(1), "boot: true");
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

/// However many machines share the name of a claim, no second writer is overlooked.
#[test]
fn one_writer_among_many_namespaces() {
    let claim = |namespace: &str, name: &str| {
        disks("    - {name: a, existingPVC: {name: x}}\n")
            .replace("namespace: prod", &format!("namespace: {namespace}"))
            .replace("name: web,", &format!("name: {name},"))
    };
    let mut all: Vec<_> = (0..500).map(|n| claim(&format!("n{n}"), "one")).collect();
    assert!(codes(&all.join("---\n")).is_empty());
    all.push(claim("n499", "two"));
    assert_eq!(codes(&all.join("---\n")), ["WK308"]);
}

/// What a person may leave empty: documents, optional fields.
#[test]
fn nothing_is_no_problem() {
    for text in ["---\n", "---\n---\n", "# only a comment\n---\n", "null\n---\n", "~\n---\n"] {
        assert!(codes(&format!("{text}{}---\n", machine(""))).is_empty(), "{text:?}");
    }
    assert!(codes(&machine("  disks:\n  networks: null\n  cloudInitUser: ~\n")).is_empty());
    assert_eq!(codes(&machine("  disks: [~]\n")), ["WK102"]);
}

/// A mistake is told once: what depends on a part that could not be read is not complained about.
#[test]
fn one_mistake_is_one_message() {
    for (text, code) in [
        (disks("    - {name: a, size: 20 GB}\n"), "WK106"),
        (disks("    - {name: a, sise: 20Gi}\n"), "WK101"),
        (disks("    - {name: a, existingPVC: old}\n"), "WK102"),
        (machine("  networks: [{name: a, type: bridge, bridgeName: br/0}]\n"), "WK107"),
        (machine("  cloudInitUser: {name: a, pasword: hunter2}\n"), "WK101"),
        (machine("  cloudInitUser: {name: a, password: 123}\n"), "WK102"),
        (machine("").replace("cpu:", "cpus:"), "WK101"),
    ] {
        assert_eq!(codes(&text), [code], "{text}");
    }
}

/// What cloud-init and sudo would choke on is refused.
#[test]
fn users_that_cannot_work_are_refused() {
    for (fields, code) in [
        ("sudo: false", "WK102"),
        ("sudo: 'no'", "WK110"),
        ("sudo: \"ALL=(ALL) ALL\\nx ALL=(ALL) ALL\"", "WK110"),
        ("sudo: 'ubuntu ALL=(ALL) NOPASSWD:ALL'", "WK110"),
        ("sudo: '%sudo ALL=(ALL) ALL'", "WK110"),
        ("sudo: 'ALL=(ALL ALL'", "WK110"),
        ("password: '$1$wukong$/AL605Z72lSP/u574vB73/'", "WK505"),
        ("password: ", "WK109"),
        ("shell: bash", "WK110"),
        ("password: ''", "WK505"),
        ("passwordHash: ''", "WK505"),
    ] {
        let found = codes(&machine(&format!("  cloudInitUser: {{name: a, {fields}}}\n  sshKeySecret: k\n")));
        assert!(found.contains(&code), "{fields}: {found:?}");
    }
    for rule in ["ALL=(ALL) ALL", "ALL=(ALL:ALL) NOPASSWD:ALL", "ALL = ALL", "a, b=NOPASSWD: /usr/bin/x, /bin/y"] {
        let text = machine(&format!("  cloudInitUser: {{name: a, sudo: '{rule}'}}\n  sshKeySecret: k\n"));
        assert!(codes(&text).is_empty(), "{rule}: {:?}", codes(&text));
    }
    let none = machine("  cloudInitUser: {name: a, sudo: ''}\n  sshKeySecret: k\n");
    assert_eq!(value(&cloud_init(&none, "userdata"))["user"]["sudo"], Value::Null);
    let root = machine("  cloudInitUser: {name: root}\n  sshKeySecret: k\n");
    assert_eq!(value(&cloud_init(&root, "userdata"))["disable_root"], false);
    let open = machine("  cloudInitUser: {name: a, lockPasswd: false}\n  sshKeySecret: k\n");
    assert!(value(&cloud_init(&open, "userdata")).get("ssh_pwauth").is_none());
}

/// The API server accepts these in a VirtualMachine, and no pod can ever be made of it.
#[test]
fn tolerations_that_no_pod_may_have_are_refused() {
    for toleration in ["{key: 'a b', operator: Exists}", "{key: a/b/c, operator: Exists}", "{key: a, value: 'x y'}"] {
        assert_eq!(codes(&machine(&format!("  highAvailability: {{tolerations: [{toleration}]}}\n"))), ["WK208"]);
    }
}

#[test]
fn image_addresses_that_cdi_refuses_are_refused() {
    for image in [
        "http://host:abc/x",
        "http://host:99999/x",
        "http://host:80:80/x",
        "http://[::1/x",
        "https://host/%zz",
        "https://ho%zzst/x",
        "gs://bucket",
        "s3://b/k%zz",
        "file:///x.img",
        "ftp://host/x",
        "oci://host/x",
        "http:/host/x",
        "noble.img",
        "cloud.example.com/noble.qcow2",
        "pvc:old",
        "snapshot:a/b/c",
        "https://",
        "HTTP://host/x",
    ] {
        let text = disks(&format!("    - {{name: a, size: 1Gi, image: '{image}', imageSecret: k}}\n"));
        assert!(codes(&text).contains(&"WK303"), "{image}: {:?}", codes(&text));
    }
    for image in ["https://[2001:db8::1]:8443/x", "docker:24", "http://host/a%20b", "https://host/x.img?a=b"] {
        let text = disks(&format!("    - {{name: a, size: 1Gi, image: '{image}'}}\n"));
        assert!(!codes(&text).contains(&"WK303"), "{image}: {:?}", codes(&text));
    }
}

#[test]
fn a_secret_of_the_person_is_never_overwritten() {
    assert_eq!(codes(&machine("  sshKeySecret: web-cloud-init\n")), ["WK315"]);
    let keys = |name: &str, namespace: &str, secret: &str| {
        machine(&format!("  sshKeySecret: {secret}\n"))
            .replace("name: web, namespace: prod", &format!("name: {name}, namespace: {namespace}"))
    };
    let all = [keys("web", "prod", "k"), keys("web", "test", "k"), keys("b", "prod", "web-cloud-init")];
    assert_eq!(codes(&all.join("---\n")), ["WK315"]);
}

/// CDI copies a claim while nothing may write to it.
#[test]
fn copies_of_claims_in_use() {
    let copy = disks("    - {name: a, image: 'pvc:prod/gold'}\n");
    let user = |fields: &str, more: &str| {
        disks(&format!("    - {{name: g, existingPVC: {{name: gold{fields}}}}}\n")).replace("name: web,", "name: db,")
            + more
    };
    let both = |other: String| codes(&format!("{copy}---\n{other}"));
    assert_eq!(both(user("", "")), ["WK319"]);
    assert!(both(user(", readOnly: true", "")).is_empty());
    assert!(both(user("", "  startStrategy: {autoStart: false}\n")).is_empty());
    assert_eq!(codes(&disks("    - {name: a, image: 'pvc:prod/web-a'}\n")), ["WK318"]);
}

#[test]
fn only_credentials_in_addresses_are_warned_of() {
    for (image, warned) in [
        ("https://u:p@h/x", true),
        ("https://h/x?X-Amz-Signature=1", true),
        ("https://h/x?raw=true", false),
        ("https://h/@scope/x", false),
    ] {
        let text = disks(&format!("    - {{name: a, size: 1Gi, image: '{image}'}}\n"));
        assert_eq!(codes(&text).contains(&"WK316"), warned, "{image}");
    }
}

/// One machine's typing error does not hide that it shares a claim.
#[test]
fn machines_with_errors_are_checked_against_others() {
    let one = disks("    - {name: a, existingPVC: {name: x}}\n");
    let two = one.replace("name: web,", "name: db,").replace("memory: 2Gi", "memory: 8");
    let mut found = codes(&format!("{one}---\n{two}"));
    assert_eq!(found.pop(), Some("WK308"));
    assert_eq!(found, ["WK204"]);
}

/// The rules for names hold for machines whose namespace is not known, too.
#[test]
fn names_of_machines_without_a_namespace() {
    let bare = |text: String| text.replace(", namespace: prod", "");
    let one = disks("    - {name: b-c, size: 1Gi}\n").replace("name: web", "name: a");
    let two = disks("    - {name: c, size: 1Gi}\n").replace("name: web", "name: a-b");
    assert_eq!(codes(&format!("{one}---\n{}", bare(two))), ["WK315"]);
    assert_eq!(codes(&format!("{}---\n{}", machine(""), bare(machine("")))), ["WK206"]);
}

/// A machine whose namespace is not known may be in any, so its claims may be anybody's.
#[test]
fn claims_of_machines_without_a_namespace() {
    let with = disks("    - {name: a, existingPVC: {name: x}}\n");
    let without = with.replace(", namespace: prod", "").replace("name: web}", "name: db}");
    assert_eq!(codes(&format!("{with}---\n{without}")), ["WK308"]);
}

#[test]
fn addresses_that_cannot_work_are_refused() {
    let with = |fields: &str| {
        codes(&machine(&format!(
            "  networks: [{{name: a, type: bridge, nadName: a, ipConfig: {{mode: static, {fields}}}}}]\n"
        )))
    };
    for fields in [
        "address: 10.0.0.5",
        "address: 10.0.0.0/24",
        "address: 10.0.0.255/24",
        "address: 10.0.0.5/0",
        "address: 010.0.0.5/24",
        "address: 10.0.0.5/33",
        "address: '::ffff:10.0.0.1/120'",
        "address: 127.0.0.1/8",
        "address: 224.0.0.1/4",
        "address: 10.0.0.5/24, gateway: 10.0.0.255",
        "address: 10.0.0.5/24, gateway: 10.0.0.5",
        "address: 10.0.0.5/24, gateway: 'fd00::1'",
        "address: 10.0.0.5/24, dnsServers: [here]",
    ] {
        assert_eq!(with(fields), ["WK404"], "{fields}");
    }
    for fields in
        ["address: 10.0.0.0/31, gateway: 10.0.0.1", "address: 10.0.0.5/32", "address: 'fd00::5/64', gateway: 'fe80::1'"]
    {
        assert!(with(fields).is_empty(), "{fields}: {:?}", with(fields));
    }
}

#[test]
fn hardware_addresses_are_checked_and_written_in_one_way() {
    let with =
        |mac: &str| machine(&format!("  networks: [{{name: a, type: bridge, nadName: a, macAddress: '{mac}'}}]\n"));
    for mac in [
        "01:00:5e:00:00:01",
        "00:00:00:00:00:00",
        "02:00:00:00:00",
        "02:00:00:00:00:0g",
        "0200.0000.0001",
        "ff:ff:ff:ff:ff:ff",
    ] {
        assert_eq!(codes(&with(mac)), ["WK404"], "{mac}");
    }
    for mac in ["02-AB-00-00-00-01", "02:AB:00:00:00:01"] {
        let devices = vm(&with(mac))["spec"]["template"]["spec"]["domain"]["devices"].clone();
        assert_eq!(devices["interfaces"][1]["macAddress"], "02:ab:00:00:00:01");
    }
    let reserved = machine("  networks: [{name: default, macAddress: '02:00:00:00:00:00'}]\n");
    assert_eq!(codes(&reserved), ["WK404"], "the gateway of the pod network");
}
