//! Machines that were there before their file: made by virtctl, by hand, by the earlier operator, by this tool.

use serde_json::{Value, json};
use wukong::adopt::{Adoption, adopt};
use wukong::facts::Facts;
use wukong::plan::{Op, Wishes, compare};
use wukong::{Options, render};

use crate::support::{entries, read, root};

/// Reads the objects of `tests/adopt/NAME.json`, the machine first.
fn saved(name: &str) -> (Value, Facts) {
    let path = root().join("tests/adopt").join(format!("{name}.json"));
    let objects: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    (objects[0].clone(), facts(&objects))
}

fn facts(objects: &[Value]) -> Facts {
    let mut facts = Facts::default();
    for object in objects {
        facts.insert(object.clone());
    }
    facts
}

/// The whole promise: the file is valid without a warning, and its plan takes things over and changes nothing.
fn empty(adoption: &Adoption, vm: &Value, facts: &Facts) {
    assert!(adoption.is_clean(), "{:#?}\n{}", adoption.obstacles, adoption.file);
    let loaded = read(&adoption.file, &Options::default());
    assert!(loaded.report.is_valid(), "{}", adoption.file);
    let machine = &loaded.machines[0];
    assert_eq!(machine.name, adoption.name);
    assert_eq!(machine.vm_name(), vm["metadata"]["name"].as_str().unwrap());
    let plan = compare(machine, &Options::default(), facts, Wishes { adopt: true, ..Wishes::default() });
    assert!(plan.refusals.is_empty() && plan.conflicts.is_empty() && plan.questions.is_empty(), "{plan:?}");
    for step in &plan.steps {
        assert!(matches!(step.op, Op::Adopt | Op::Keep), "{:?} {}/{}", step.op, step.kind, step.name);
        let expected = step.expected.as_ref().unwrap();
        assert_eq!(expected["spec"]["template"]["spec"], step.live.as_ref().unwrap()["spec"]["template"]["spec"]);
    }
    // Once it was taken over, its own record must not make it different.
    let mut later = facts.clone();
    let mut record = plan.after.clone();
    for made in &mut record.made {
        made.uid.get_or_insert_with(|| "unknown".to_owned());
    }
    later.insert(record.config_map(&plan.name, &plan.namespace));
    for step in &plan.steps {
        let mut stored = step.expected.clone().unwrap();
        let manager = wukong::facts::Record::manager(&plan.name);
        let fields = fields(&step.body);
        stored["metadata"]["managedFields"] = json!([{"manager": manager, "operation": "Apply", "fieldsV1": fields}]);
        later.insert(stored);
    }
    let again = compare(machine, &Options::default(), &later, Wishes::default());
    assert!(!again.differs(), "{:?}\n{:?}", again.steps, again.refusals);
}

/// The fields of a value as the API server notes those of an apply.
fn fields(value: &Value) -> Value {
    let below = value.as_object().into_iter().flatten();
    below.map(|(key, value)| (format!("f:{key}"), fields(value))).collect()
}

fn told(adoption: &Adoption, part: &str) {
    assert!(adoption.notes.iter().any(|note| note.contains(part)), "{part}: {:#?}", adoption.notes);
}

fn blocked(adoption: &Adoption, field: &str) {
    let found = adoption.obstacles.iter().any(|obstacle| obstacle.field.contains(field) && !obstacle.help.is_empty());
    assert!(found && !adoption.is_clean(), "{field}: {:#?}\n{}", adoption.obstacles, adoption.file);
}

/// What this tool rendered, as a cluster would give it.
fn applied(text: &str) -> Vec<(Value, Vec<Value>)> {
    let mut options = Options::default();
    options.policies.extend(Options::parse_policy("fast=longhorn-ssd:ReadWriteMany:Block").ok());
    let loaded = read(text, &options);
    let machines = loaded.machines.iter().map(|machine| {
        let mut objects = Vec::new();
        for (number, manifest) in render(machine, &options).into_iter().enumerate() {
            let mut object = manifest.object;
            object["metadata"]["uid"] = json!(format!("uid-{number}"));
            object["metadata"]["namespace"] = json!(machine.namespace.as_deref().unwrap_or("default"));
            if object["kind"] == "DataVolume" {
                let mut claim = object.clone();
                claim["kind"] = json!("PersistentVolumeClaim");
                claim["apiVersion"] = json!("v1");
                claim["spec"] = object["spec"]["storage"].clone();
                if claim["spec"]["resources"].is_null() {
                    claim["spec"]["resources"] = json!({"requests": {"storage": "7Gi"}});
                }
                claim["spec"]["volumeMode"] = json!(claim["spec"]["volumeMode"].as_str().unwrap_or("Filesystem"));
                claim["metadata"]["ownerReferences"] = json!([{"kind": "DataVolume", "controller": true,
                    "name": object["metadata"]["name"], "uid": object["metadata"]["uid"]}]);
                claim["metadata"]["uid"] = json!(format!("claim-{number}"));
                claim["status"] = json!({"phase": "Bound"});
                objects.push(claim);
            }
            objects.push(object);
        }
        for disk in machine.disks.iter().filter(|disk| disk.origin.is_existing()) {
            objects.push(json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Bound"},
                "metadata": {"name": disk.claim, "uid": disk.claim,
                    "namespace": machine.namespace.as_deref().unwrap_or("default")},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}},
            }));
        }
        (objects.iter().find(|object| object["kind"] == "VirtualMachine").unwrap().clone(), objects)
    });
    machines.collect()
}

#[test]
fn every_example_comes_back() {
    for path in entries(&root().join("examples")).iter().filter(|path| path.is_file()) {
        for (vm, objects) in applied(&std::fs::read_to_string(path).unwrap()) {
            let facts = facts(&objects);
            let adoption = adopt(&vm, &facts, None);
            empty(&adoption, &vm, &facts);
            // The same machine, apart from what only its cloud-init Secret says.
            let loaded = read(&adoption.file, &Options::default());
            let made = render(&loaded.machines[0], &Options::default()).pop().unwrap().object;
            let mut expected = vm.clone();
            let mut made = made["spec"].clone();
            // It follows from the namespace, which not every example names; the live one stays.
            let uuid = "/template/spec/domain/firmware/uuid";
            made.pointer_mut(uuid).unwrap().take();
            expected["spec"].pointer_mut(uuid).unwrap().take();
            if !adoption.file.contains("cloudInitUser") {
                for object in [&mut made, &mut expected["spec"]] {
                    object["template"]["spec"]["accessCredentials"].take();
                    for list in ["/template/spec/volumes", "/template/spec/domain/devices/disks"] {
                        if let Some(list) = object.pointer_mut(list).and_then(Value::as_array_mut) {
                            list.retain(|entry| entry["name"] != "cloudinit");
                        }
                    }
                }
            }
            // An empty disk's claim may be in use already: which form says so does not matter to the machine.
            assert_eq!(made, expected["spec"], "{}\n{}", path.display(), adoption.file);
        }
    }
}

#[test]
fn a_user_without_a_password_and_addresses_come_back() {
    let text = std::fs::read_to_string(root().join("examples/networks.yaml")).unwrap();
    let (vm, objects) = applied(&text).remove(0);
    let adoption = adopt(&vm, &facts(&objects), None);
    for part in
        ["bridgeName: br-lan", "vlanId: 200", "address: 192.168.1.10/24", "mode: dhcp", "sshKeySecret: networks-keys"]
    {
        assert!(adoption.file.contains(part), "{part}\n{}", adoption.file);
    }
}

#[test]
fn a_machine_of_virtctl() {
    let (vm, facts) = saved("virtctl");
    let adoption = adopt(&vm, &facts, None);
    empty(&adoption, &vm, &facts);
    told(&adoption, "dataVolumeTemplates");
    told(&adoption, "cloud-init data stays");
    told(&adoption, "`scratch`");
    let all = format!("{adoption:?}");
    assert!(!all.contains("hunter2") && !all.contains("I2Nsb3Vk"), "{all}");
    assert!(adoption.file.contains("vmName: fedora-01\n") && adoption.file.contains("name: fedora-01\n"));
    assert!(adoption.file.contains("image: docker://quay.io/containerdisks/fedora:42"), "{}", adoption.file);
    assert_eq!(adopt(&vm, &facts, Some("web")).name, "web");
    let renamed = adopt(&vm, &facts, Some("web"));
    empty(&renamed, &vm, &facts);
}

#[test]
fn a_machine_of_kubectl() {
    let (vm, facts) = saved("kubectl");
    let adoption = adopt(&vm, &facts, None);
    empty(&adoption, &vm, &facts);
    for part in
        ["nadName: networks/office", "macAddress: 02:00:5e:00:53:01", "claimName: db-data", "type: sriov", "cores: 2"]
    {
        assert!(adoption.file.contains(part), "{part}\n{}", adoption.file);
    }
    told(&adoption, "spec.template.spec.domain.clock");
    told(&adoption, "`app-config`");
}

#[test]
fn a_machine_of_the_earlier_operator() {
    let (mut vm, facts) = saved("operator");
    let adoption = adopt(&vm, &facts, None);
    // Deleting the operator's object would take the machine along.
    blocked(&adoption, "VirtualMachine/web-vm");
    assert_eq!(adoption.name, "web");
    vm["metadata"].as_object_mut().unwrap().shift_remove("ownerReferences");
    let mut released = facts.clone();
    released.insert(vm.clone());
    let adoption = adopt(&vm, &released, None);
    empty(&adoption, &vm, &released);
    assert!(!adoption.file.contains("vmName"));
}

#[test]
fn an_instance_type_is_in_the_way() {
    let (mut vm, facts) = saved("virtctl");
    let template = vm.pointer_mut("/spec/template/spec/domain").unwrap().as_object_mut().unwrap();
    template.shift_remove("memory");
    vm["spec"]["instancetype"] = json!({"kind": "VirtualMachineClusterInstancetype", "name": "u1.small"});
    let adoption = adopt(&vm, &facts, None);
    blocked(&adoption, "spec.instancetype");
    blocked(&adoption, "domain.memory");
    assert!(adoption.obstacles.iter().any(|obstacle| obstacle.help.contains("virtctl expand")));
    assert!(adoption.file.contains("# In the way: spec.instancetype: ") && !adoption.file.contains("changes nothing"));
    // A running instance knows what the type says.
    let mut facts = facts.clone();
    facts.insert(json!({"kind": "VirtualMachineInstance", "metadata": {"name": "fedora-01", "namespace": "prod"},
        "spec": {"domain": {"cpu": {"sockets": 2, "cores": 1, "threads": 1}, "memory": {"guest": "8Gi"}}}}));
    assert!(adopt(&vm, &facts, None).file.contains("cpu: 2\n  memory: 8Gi\n"));
}

#[test]
fn other_buses_and_bindings_are_in_the_way() {
    let (mut vm, facts) = saved("kubectl");
    vm["spec"]["template"]["spec"]["domain"]["devices"]["disks"][0]["disk"]["bus"] = json!("sata");
    blocked(&adopt(&vm, &facts, None), "disks[system].disk.bus");
    let (mut vm, facts) = saved("kubectl");
    vm["spec"]["template"]["spec"]["domain"]["devices"]["interfaces"][0] = json!({"name": "default", "bridge": {}});
    blocked(&adopt(&vm, &facts, None), "interfaces[default]");
}

#[test]
fn a_cdrom_stays_without_a_word() {
    let (mut vm, facts) = saved("kubectl");
    let spec = &mut vm["spec"]["template"]["spec"];
    let disks = spec["domain"]["devices"]["disks"].as_array_mut().unwrap();
    disks.push(json!({"name": "iso", "cdrom": {"bus": "sata"}, "bootOrder": 2}));
    let volumes = spec["volumes"].as_array_mut().unwrap();
    volumes.push(json!({"name": "iso", "persistentVolumeClaim": {"claimName": "installer"}}));
    let mut facts = facts.clone();
    facts.insert(vm.clone());
    let adoption = adopt(&vm, &facts, None);
    empty(&adoption, &vm, &facts);
    told(&adoption, "`iso` is not in the file and stays as it is: it is a CD-ROM");
}

#[test]
fn the_older_form_of_the_run_strategy_stays() {
    for (running, strategy) in [(true, "Always"), (false, "Halted")] {
        let (mut vm, facts) = saved("kubectl");
        let spec = vm["spec"].as_object_mut().unwrap();
        spec.shift_remove("runStrategy");
        spec.insert("running".into(), json!(running));
        let mut facts = facts.clone();
        facts.insert(vm.clone());
        let adoption = adopt(&vm, &facts, None);
        empty(&adoption, &vm, &facts);
        assert!(adoption.file.contains(&format!("runStrategy: {strategy}")));
    }
}

/// KubeVirt chooses the pod network of a machine that names none, and not every choice is a Wukong's.
#[test]
fn an_unsaid_pod_network_is_what_the_cluster_makes_of_it() {
    let (mut vm, mut facts) = saved("virtctl");
    let spec = vm["spec"]["template"]["spec"].as_object_mut().unwrap();
    spec.shift_remove("networks");
    spec["domain"]["devices"].as_object_mut().unwrap().shift_remove("interfaces");
    facts.insert(vm.clone());
    blocked(&adopt(&vm, &facts, None), "devices.interfaces");
    facts.insert(json!({"kind": "KubeVirt", "metadata": {"name": "kubevirt", "namespace": "kubevirt"},
        "spec": {"configuration": {"network": {"defaultNetworkInterface": "masquerade"}}}}));
    empty(&adopt(&vm, &facts, None), &vm, &facts);
    facts.insert(json!({"kind": "VirtualMachineInstance", "metadata": {"name": "fedora-01", "namespace": "prod"},
        "spec": {"domain": {"devices": {"interfaces": [{"name": "default", "bridge": {}}]}}}}));
    blocked(&adopt(&vm, &facts, None), "devices.interfaces");
}

#[test]
fn a_given_name_is_the_machines_and_nobody_elses() {
    let one = crate::support::machine("  vmName: fedora.old\n");
    assert_eq!(crate::support::manifests(&one).pop().unwrap().name, "fedora.old");
    let other = one.replace("name: web,", "name: fedora,");
    assert!(crate::support::codes(&format!("{one}---\n{other}")).contains(&"WK315"));
    for wrong in ["Fedora", "a_b", &"a".repeat(64)] {
        assert!(!crate::support::codes(&one.replace("fedora.old", wrong)).is_empty(), "{wrong}");
    }
}

/// A claim that is not there must not be made, whatever the form of the file.
#[test]
fn nothing_is_created() {
    let (vm, _) = saved("kubectl");
    let adoption = adopt(&vm, &facts(std::slice::from_ref(&vm)), None);
    blocked(&adoption, "disk system");
    let loaded = read(&adoption.file, &Options::default());
    let wishes = Wishes { adopt: true, ..Wishes::default() };
    let plan = compare(&loaded.machines[0], &Options::default(), &facts(std::slice::from_ref(&vm)), wishes);
    assert!(plan.steps.iter().all(|step| step.op != Op::Create), "{:?}", plan.steps);
}

/// Two machines that write to one claim are not taken over silently.
#[test]
fn a_second_writer_is_in_the_way() {
    let (vm, mut facts) = saved("kubectl");
    let mut other = vm.clone();
    other["metadata"]["name"] = json!("other");
    facts.insert(other);
    blocked(&adopt(&vm, &facts, None), "disk ");
}

/// Every value of a machine replaced by something else: no panic, no terminal escape, and never a file that would make
/// or delete something and is called clean.
#[test]
fn hostile_machines() {
    let long = "9".repeat(400);
    let hostile = [
        json!("a\"b\n\u{1b}[31m: {x} #\u{202e}"),
        json!(u64::MAX),
        json!(-1),
        json!(1e300),
        json!(null),
        json!([]),
        json!({}),
        json!([null, 1, {"name": null}, {"name": "x"}]),
        json!({"name": "\u{1b}]0;x\u{7}"}),
        json!(true),
        json!(""),
        json!(long),
        json!("../../etc/passwd"),
        json!("99999999999999999999Ei"),
    ];
    for name in ["virtctl", "kubectl", "operator"] {
        let (vm, facts) = saved(name);
        for (turn, pointer) in pointers(&vm).into_iter().enumerate() {
            // Each place meets some of the values, and each value many places.
            for value in hostile.iter().cycle().skip(turn).step_by(5).take(2) {
                let mut broken = vm.clone();
                *broken.pointer_mut(&pointer).unwrap() = value.clone();
                let adoption = adopt(&broken, &facts, None);
                let all = format!("{}{:?}{:?}", adoption.file, adoption.notes, adoption.obstacles);
                let quiet = |text: &str| !text.contains(['\u{1b}', '\u{202e}', '\u{7}']);
                assert!(quiet(&all) && adoption.notes.iter().all(|note| quiet(note)), "{pointer} {value}\n{all}");
                let plain = |text: &str| !text.contains('\n');
                assert!(adoption.notes.iter().all(|note| plain(note)), "{pointer} {value}");
                assert!(adoption.obstacles.iter().all(|o| plain(&o.field) && plain(&o.reason) && plain(&o.help)));
                let loaded = read(&adoption.file, &Options::default());
                assert!(loaded.report.is_valid() || !adoption.is_clean(), "{pointer} {value}\n{}", adoption.file);
            }
        }
    }
    for vm in [json!(null), json!(1), json!([]), json!({"metadata": 1, "spec": "x"})] {
        assert!(!adopt(&vm, &Facts::default(), Some("no\nname")).is_clean());
    }
}

/// All places of a value.
fn pointers(value: &Value) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut below = |key: String, value: &Value| {
        let key = key.replace('~', "~0").replace('/', "~1");
        out.extend(pointers(value).into_iter().map(|rest| format!("/{key}{rest}")));
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| below(key.clone(), value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, value)| below(at.to_string(), value)),
        _ => {}
    }
    out
}
