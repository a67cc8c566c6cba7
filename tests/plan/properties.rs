//! Whatever a file changes and whatever a cluster holds: no panic, no byte lost, nothing of others dropped, and what was
//! applied is without difference.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use wukong::facts::Unread;
use wukong::plan::{Op, Plan, Wishes, compare};
use wukong::quantity::Quantity;

use super::world::{CLAIM, VM, VOLUME, World, machines};

/// A file, by what may change between two runs.
fn file(sizes: std::ops::Range<u32>) -> impl Strategy<Value = String> {
    let disk = move |name: &'static str| {
        let image = prop_oneof![
            Just(""),
            Just(", image: 'quay.io/containerdisks/fedora:42'"),
            Just(", image: 'https://images.example/x.qcow2'")
        ];
        let class = prop_oneof![Just(""), Just(", storageClassName: fast"), Just(", storageClassName: longhorn")];
        let mode = prop_oneof![3 => Just(""), 1 => Just(", volumeMode: Block")];
        let claim = prop_oneof![5 => Just(String::new()), 1 => Just(format!(", claimName: other-{name}"))];
        let fresh = (sizes.clone(), image, class, mode, claim).prop_map(move |(size, image, class, mode, claim)| {
            format!("  - {{name: {name}, size: {size}Gi{image}{class}{mode}{claim}}}\n")
        });
        let existing = Just(format!("  - {{name: {name}, existingPVC: {{name: old-{name}}}}}\n"));
        proptest::option::weighted(0.8, prop_oneof![6 => fresh, 1 => existing])
    };
    let network = prop_oneof![
        Just(""),
        Just("  - {name: lan, type: bridge, bridgeName: br0}\n"),
        Just("  - {name: lan, type: bridge, nadName: office}\n")
    ];
    let run = prop_oneof![Just("Always"), Just("Halted"), Just("Manual")];
    let place = prop_oneof![Just(""), Just("  highAvailability: {nodeSelector: {disk: ssd}}\n")];
    let user = prop_oneof![
        Just(""),
        Just("  cloudInitUser: {name: fedora, passwordHash: '$1$wukong$/AL605Z72lSP/u574vB73/'}\n")
    ];
    (1_u32..9, 1_u32..9, disk("system"), disk("data"), network, run, place, user).prop_map(
        |(cpu, memory, system, data, network, run, place, user)| {
            let disks = [system, data].into_iter().flatten().collect::<String>();
            let disks = if disks.is_empty() { disks } else { format!("  disks:\n{disks}") };
            format!(
                "apiVersion: vm.novasphere.dev/v1alpha1\nkind: Wukong\nmetadata: {{name: web, namespace: prod}}\nspec:\n  \
                 cpu: {cpu}\n  memory: {memory}Gi\n{disks}  networks:\n  - {{name: default}}\n{network}  \
                 startStrategy: {{runStrategy: {run}}}\n{place}{user}"
            )
        },
    )
}

fn wishes() -> impl Strategy<Value = Wishes> {
    any::<[bool; 6]>().prop_map(|[adopt, force_conflicts, start, stop, prune, strict_image]| Wishes {
        adopt,
        force_conflicts,
        start,
        stop,
        prune,
        strict_image,
    })
}

/// Anything that JSON can say.
fn junk() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z0-9./-]{0,8}".prop_map(Value::from),
        Just(json!("9999999Gi")),
        Just(json!({"name": "system"})),
        Just(json!([{"name": "data"}, {"name": "data"}, null, 7])),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("(name|spec|f:spec|metadata|status|x)", inner, 0..3)
                .prop_map(|fields| json!(fields)),
        ]
    })
}

/// Every place of a value, as JSON pointers.
fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    let below = |key: &str| format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| places(value, &below(key), out)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| places(value, &below(&index.to_string()), out));
        }
        _ => {}
    }
}

/// What happens to a cluster between two runs: a place of an object gets another value, or an object goes.
type Damage = (prop::sample::Index, prop::sample::Index, Option<Value>);

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let one = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), proptest::option::weighted(0.9, junk()));
    proptest::collection::vec(one, 0..6)
}

fn break_it(world: &mut World, damages: Vec<Damage>) {
    for (which, place, value) in damages {
        let mut objects: Vec<_> = world.all().collect();
        let object = which.get_mut(&mut objects);
        let mut pointers = Vec::new();
        places(object, "", &mut pointers);
        // The key of an object is where it lies, and stays.
        pointers.retain(|pointer| {
            !matches!(pointer.as_str(), "" | "/kind" | "/metadata" | "/metadata/name" | "/metadata/namespace")
        });
        if pointers.is_empty() {
            continue;
        }
        let pointer = place.get(&pointers);
        match (value, pointer.rsplit_once('/')) {
            (Some(value), _) => *object.pointer_mut(pointer).unwrap() = value,
            (None, Some((parent, key))) => {
                let key = key.replace("~1", "/").replace("~0", "~");
                if let Some(fields) = object.pointer_mut(parent).and_then(Value::as_object_mut) {
                    fields.remove(&key);
                }
            }
            (None, None) => {}
        }
    }
}

/// A cluster in which a file was applied, with the claims that any other file may name.
fn applied(text: &str) -> World {
    let mut world = World::applied(text);
    for name in ["old-system", "old-data"] {
        world.insert(super::world::claim("prod", name));
    }
    world
}

fn bytes(object: &Value) -> Option<Quantity> {
    object.pointer("/spec/resources/requests/storage")?.as_str().and_then(|text| Quantity::parse(text).ok())
}

fn names(object: &Value, pointer: &str) -> Vec<String> {
    let list = object.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|entry| Some(entry.get("name")?.as_str()?.to_owned())).collect()
}

/// What no plan may ever do.
fn harmless(plan: &Plan) {
    for step in &plan.steps {
        if step.op == Op::Delete {
            assert!(["Secret", "NetworkAttachmentDefinition"].contains(&step.kind.as_str()), "{}", step.kind);
        }
        if [CLAIM, VOLUME].contains(&step.kind.as_str()) && step.op != Op::Create {
            let live = step.live.as_ref().unwrap();
            for sent in [Some(&step.body), step.expected.as_ref()].into_iter().flatten() {
                if let (Some(before), Some(after)) = (bytes(live), bytes(sent)) {
                    assert!(after >= before, "{before} -> {after}");
                }
            }
        }
        if step.kind == VM && step.op != Op::Create {
            let last = plan.before.as_ref().map(|record| record.lists.clone()).unwrap_or_default();
            let live = step.live.as_ref().unwrap();
            for (list, pointer) in [
                ("disks", "/spec/template/spec/domain/devices/disks"),
                ("volumes", "/spec/template/spec/volumes"),
                ("interfaces", "/spec/template/spec/domain/devices/interfaces"),
                ("networks", "/spec/template/spec/networks"),
            ] {
                let sent: BTreeSet<_> = names(&step.body, pointer).into_iter().collect();
                for name in names(live, pointer) {
                    let ours = last.get(list).is_some_and(|last| last.contains_key(&name));
                    assert!(ours || sent.contains(&name), "{list}: {name} is dropped");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_was_applied_is_without_difference(before in file(5..12), after in file(10..40), wishes in wishes()) {
        let mut world = applied(&before);
        let plan = world.plan_with(&after, wishes);
        harmless(&plan);
        if plan.refusals.is_empty() {
            world.apply(&plan);
            // The claim of a new DataVolume is only there now: the record may learn of it, and nothing else happens.
            let again = world.plan(&after);
            prop_assert!(!again.differs() && again.conflicts.is_empty(), "{:?}", again);
            world.apply(&again);
            let again = world.plan(&after);
            prop_assert!(again.is_empty(), "{:?}", again);
        }
    }

    #[test]
    fn a_broken_cluster_costs_no_byte(before in file(5..12), after in file(10..40), wishes in wishes(), damages in damage()) {
        let mut world = applied(&before);
        break_it(&mut world, damages);
        harmless(&world.plan_with(&after, wishes));
    }

    #[test]
    fn what_cannot_be_read_costs_no_byte(
        text in file(5..40),
        wishes in wishes(),
        kinds in proptest::sample::subsequence(
            vec![VM, VOLUME, CLAIM, "Secret", "ConfigMap", "NetworkAttachmentDefinition", "Pod", "StorageClass", "KubeVirt"],
            1..9,
        ),
    ) {
        let mut world = applied(&text);
        for kind in &kinds {
            world.forbid(kind);
        }
        let plan = world.plan_with(&text, wishes);
        harmless(&plan);
        // Nothing is made whose place could not be seen.
        let created = plan.steps.iter().filter(|step| step.op == Op::Create);
        let blind: Vec<_> = created.filter(|step| kinds.contains(&step.kind.as_str())).map(|step| &step.name).collect();
        prop_assert!(blind.is_empty() || !plan.refusals.is_empty(), "{:?}", blind);
        for made in plan.before.iter().flat_map(|record| &record.made) {
            let gone = plan.steps.iter().any(|step| step.op == Op::Delete && step.name == made.name);
            prop_assert!(gone || plan.after.made(&made.kind, &made.name).is_some(), "{} is forgotten", made.name);
        }
    }

    #[test]
    fn any_object_at_all_is_survived(text in file(5..40), objects in proptest::collection::vec((0_usize..14, junk()), 0..12), wishes in wishes()) {
        const KINDS: [&str; 14] = [
            VM, VOLUME, CLAIM, "Secret", "ConfigMap", "NetworkAttachmentDefinition", "Pod", "StorageClass", "KubeVirt",
            "VirtualMachineInstance", "ResourceQuota", "CDIConfig", "PersistentVolume", "Other",
        ];
        let (machines, options) = machines(&text);
        let mut facts = World::new().facts();
        for (kind, junk) in objects {
            for name in ["web-vm", "web-data", "web-system", "web-cloud-init", "wukong-web", "web-lan", "fast"] {
                let mut object = json!({"kind": KINDS[kind], "metadata": {"name": name, "namespace": "prod"}});
                for (key, value) in junk.as_object().into_iter().flatten() {
                    match key.as_str() {
                        "metadata" => object["metadata"]["labels"] = value.clone(),
                        "name" => object["metadata"]["managedFields"] = value.clone(),
                        "f:spec" => object["data"] = json!({"record": value.to_string()}),
                        key => object[key] = value.clone(),
                    }
                }
                facts.insert(object);
            }
            facts.insert(junk);
        }
        facts.unread(Unread { kind: String::new(), namespace: None, reason: String::new() });
        harmless(&compare(&machines[0], &options, &facts, wishes));
    }
}
