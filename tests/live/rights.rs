//! The roles of `plugin-manifests/rbac.yaml`: every command as a person who has one of them, and what the API server wrote
//! down about it. A right that no command used is one too many; a question that was refused is one too few.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use cluster::handler::guest;
use cluster::{Cluster, Reference, nodes};
use serde_json::{Value, json};

use crate::readme::Terminal;
use crate::safety::{Ran, file, wukong};
use crate::support::root;
use crate::world::{LONG, claim, condition, machine, vmi};

/// Where the users are: the API server writes down what they ask.
const USERS: &str = "rights";
/// Where they work.
const PLACE: &str = "rights-work";

/// Where a disk is copied from.
const GOLDEN: &str = "rights-golden";

/// A verb, a group, a resource with its subresource.
type Row = (String, String, String);

/// The shipped roles.
fn roles() -> Result<Vec<Value>> {
    let mut roles = cluster::documents(&fs::read_to_string(root().join("plugin-manifests/rbac.yaml"))?)?;
    let grower = cluster::documents(&fs::read_to_string(root().join("plugin-manifests/autoexpand.yaml"))?)?;
    roles.extend(grower.into_iter().filter(|object| object["kind"] == "ClusterRole"));
    Ok(roles)
}

fn texts(rule: &Value, key: &str) -> Vec<String> {
    rule[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What a role allows.
fn rows(roles: &[Value], name: &str) -> Result<BTreeSet<Row>> {
    let role = roles.iter().find(|role| role["metadata"]["name"] == name).with_context(|| format!("no role {name}"))?;
    let mut all = BTreeSet::new();
    for rule in role["rules"].as_array().into_iter().flatten() {
        for verb in texts(rule, "verbs") {
            for group in texts(rule, "apiGroups") {
                for resource in texts(rule, "resources") {
                    all.insert((verb.clone(), group.clone(), resource));
                }
            }
        }
    }
    Ok(all)
}

/// What the API server was asked by a user, or about a user by those who act for it: what it allowed, and what it refused.
fn asked(cluster: &Cluster, users: &[&str]) -> Result<(BTreeSet<Row>, BTreeSet<Row>)> {
    let (mut allowed, mut refused) = (BTreeSet::new(), BTreeSet::new());
    let ours = |name: &Value| {
        let name = name.as_str().and_then(|name| name.strip_prefix(&format!("system:serviceaccount:{USERS}:")));
        name.is_some_and(|name| users.contains(&name))
    };
    let full = |object: &Value| {
        let part = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
        match part("subresource") {
            subresource if subresource.is_empty() => part("resource"),
            subresource => format!("{}/{subresource}", part("resource")),
        }
    };
    for event in cluster.audit()? {
        let object = &event["objectRef"];
        if object["resource"] == "subjectaccessreviews" {
            let review = &event["requestObject"]["spec"];
            let of = &review["resourceAttributes"];
            if ours(&review["user"]) && of.is_object() {
                let part = |key: &str| of[key].as_str().unwrap_or_default().to_owned();
                let may = event["responseObject"]["status"]["allowed"] == true;
                let rows = if may { &mut allowed } else { &mut refused };
                rows.insert((part("verb"), part("group"), full(of)));
            }
            continue;
        }
        // Everybody who is logged in may ask what is served, and what he may do himself.
        if !ours(&event["user"]["username"]) || object.is_null() || object["apiGroup"] == "authorization.k8s.io" {
            continue;
        }
        let group = object["apiGroup"].as_str().unwrap_or_default().to_owned();
        let verb = event["verb"].as_str().unwrap_or_default().to_owned();
        // A list of all namespaces, instead of which one is asked for where that is refused, or a network is left alone.
        let everywhere = ["configmaps", "virtualmachines", "virtualmachineinstances"];
        let is_everywhere = object["resource"].as_str().is_some_and(|resource| everywhere.contains(&resource));
        let falls_back = verb == "list" && is_everywhere && object["namespace"].is_null();
        let decision = &event["annotations"]["authorization.k8s.io/decision"];
        if decision == "allow" {
            // Server-side apply that creates needs both.
            if verb == "patch" && event["responseStatus"]["code"] == 201 {
                allowed.insert(("create".to_owned(), group.clone(), full(object)));
            }
            allowed.insert((verb, group, full(object)));
        } else if !falls_back {
            refused.insert((verb, group, full(object)));
        }
    }
    Ok((allowed, refused))
}

fn shown(rows: &BTreeSet<Row>) -> String {
    let one = |(verb, group, resource): &Row| match group.as_str() {
        "" => format!("  {verb} {resource}\n"),
        group => format!("  {verb} {resource} ({group})\n"),
    };
    rows.iter().map(one).collect()
}

/// The people, by name, and what they are bound to.
struct People(BTreeMap<&'static str, PathBuf>);

impl People {
    async fn of(cluster: &Cluster) -> Result<Self> {
        let mut bound: BTreeMap<&'static str, Vec<(&str, &str)>> = BTreeMap::new();
        for (name, role, scope) in [
            ("viewer", "wukong-viewer", PLACE),
            ("operator", "wukong-operator", PLACE),
            ("operator", "wukong-operator", GOLDEN),
            ("migrator", "wukong-migrator", PLACE),
            ("viewer-of-all", "wukong-viewer", ""),
            ("operator-of-all", "wukong-operator", ""),
            ("migrator-of-all", "wukong-migrator", ""),
            ("grower", GROWS, ""),
            // Whose questions are not compared.
            ("stranger", "wukong-operator", ""),
        ] {
            let bound = bound.entry(name).or_default();
            if !scope.is_empty() && bound.is_empty() {
                bound.push(("wukong-cluster-reader", ""));
            }
            bound.push((role, scope));
        }
        let mut all = BTreeMap::new();
        for (name, bound) in bound {
            all.insert(name, cluster.bound_user(USERS, name, &bound).await?);
        }
        Ok(Self(all))
    }

    async fn run(&self, name: &str, args: &[&str]) -> Result<Ran> {
        let ran = wukong(self.0.get(name).context("nobody")?, args).await?;
        crate::world::note(&format!("{name}: {} -> {:?}", args.join(" "), ran.code));
        Ok(ran)
    }

    /// In the place of work.
    async fn here(&self, name: &str, args: &[&str]) -> Result<Ran> {
        self.run(name, &[args, &["-n", PLACE]].concat()).await
    }
}

const WEB: &str = "  disks:
    - {name: system, size: 5Gi, image: 'quay.io/containerdisks/fedora:42', storageClassName: longhorn}
    - {name: data, size: 5Gi, storagePolicy: fast}
  networks: [{name: lan, type: bridge, bridgeName: br0}]
  cloudInitUser: {name: admin, password: change-me-soon}
  startStrategy: {autoStart: false}
";

/// As a person would: looks, changes, moves. Each may do what the role says, and nothing of the next one.
pub async fn of_each_role_are_all_used_and_enough(cluster: &Cluster) -> Result<()> {
    if !cluster.set.kubevirt_since(6)? {
        // It takes no node by name, so that not all of a role can be used.
        return Ok(());
    }
    let roles = roles()?;
    for name in [USERS, PLACE, GOLDEN] {
        cluster.namespace(name).await?;
    }
    for role in &roles {
        cluster.objects.apply(role).await?;
    }
    let people = People::of(cluster).await?;
    // Volumes of every kind of storage, so that all of it is asked.
    cluster.backends().await?;
    for driver in DRIVERS {
        cluster.objects.apply(&volume(driver)).await?;
    }
    cluster.add_node(DEAD).await?;
    let node = Reference::new("v1", "Node", "", DEAD);
    let ready = |status: &'static str| {
        move |node: Option<&Value>| node.is_some_and(|node| condition(node, "Ready")["status"] == status)
    };
    cluster.objects.wait(&node, LONG, ready("True")).await?;
    crate::recovery::run_there(cluster, DEAD, LEFT, "longhorn").await?;
    cluster.lose_node(DEAD).await?;
    let policies = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": PLACE, "name": "wukong-storage-policies"},
        "data": {"fast": "longhorn"},
    });
    cluster.objects.apply(&policies).await?;

    operates(cluster, &people).await?;
    looks(cluster, &people).await?;
    cluster.objects.wait(&node, LONG, ready("Unknown")).await?;
    moves(cluster, &people).await?;
    let told = compare(cluster, &roles)?;
    ensure!(told.is_empty(), "{told}");
    is_refused(cluster, &people).await?;
    cluster.objects.delete(&crate::world::vm(LEFT)).await?;
    cluster.objects.delete(&node).await?;
    Ok(())
}

/// Drivers of which the cluster has no volume otherwise.
const DRIVERS: [&str; 5] = [
    "kubevirt.io.hostpath-provisioner",
    "local.csi.openebs.io",
    "zfs.csi.openebs.io",
    "io.openebs.csi-mayastor",
    "linstor.csi.linbit.com",
];

fn volume(driver: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("rights-{driver}")},
        "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "rights",
            "persistentVolumeReclaimPolicy": "Retain", "csi": {"driver": driver, "volumeHandle": "rights"},
        },
    })
}

/// What differs between the roles and what was asked, as a list for people. Each role has all that those before it have, so
/// that what their people did counts too.
fn compare(cluster: &Cluster, roles: &[Value]) -> Result<String> {
    let (mut told, mut all) = (differences(cluster, roles, GROWS, &["grower"], &["grower"], &[])?, Vec::new());
    for (role, users, without) in [
        ("wukong-viewer", &["viewer", "viewer-of-all"][..], &UNREAD[..]),
        ("wukong-operator", &["operator", "operator-of-all"], &[]),
        ("wukong-migrator", &["migrator", "migrator-of-all"], &[]),
    ] {
        all.extend(users);
        told.push_str(&differences(cluster, roles, role, &all, users, without)?);
    }
    Ok(told)
}

/// What nobody of `all` used of a role, and what `users` were refused, but for what they are known to be `without`.
fn differences(
    cluster: &Cluster,
    roles: &[Value],
    role: &str,
    all: &[&str],
    users: &[&str],
    without: &[[&str; 3]],
) -> Result<String> {
    let has = rows(roles, role)?;
    let (used, _) = asked(cluster, all)?;
    let (_, few) = asked(cluster, users)?;
    let known = |rows: &[[&str; 3]], row: &Row| rows.contains(&[&row.0, &row.1, &row.2]);
    let many: BTreeSet<_> = has.difference(&used).filter(|row| !known(&UNSEEN, row)).cloned().collect();
    let few: BTreeSet<_> = few.into_iter().filter(|row| !known(without, row)).collect();
    let mut told = String::new();
    for (words, rows) in [("too many: no command used", many), ("too few: a command was refused", few)] {
        if !rows.is_empty() {
            told.push_str(&format!("{role} has {words}\n{}", shown(&rows)));
        }
    }
    Ok(told)
}

/// The role of what grows disks by itself; it is nobody else's.
const GROWS: &str = "wukong-autoexpand";

/// What a viewer is refused: cloud-init is then not compared.
const UNREAD: [[&str; 3]; 1] = [["get", "", "secrets"]];

/// What no test can bring about: a restore is only withdrawn where somebody gives the machine templates between two requests.
const UNSEEN: [[&str; 3]; 1] = [["delete", "snapshot.kubevirt.io", "virtualmachinerestores"]];

/// Who has a role is refused what the next one is for, by the API server, and is told which right is missing.
async fn is_refused(cluster: &Cluster, people: &People) -> Result<()> {
    cluster.objects.apply(&bare()).await?;
    let new = file(cluster, "rights-new", &machine(MOVING).replace("{name: web}", "{name: new}"))?;
    let image = cluster.folder().join("files/rights-refused.img").display().to_string();
    let mut wrong = Vec::new();
    for (args, missing) in [
        (&["apply", "-f", &new][..], "create configmaps"),
        (&["start", "vm/bare"], "update virtualmachines"),
        (&["stop", "web"], "update virtualmachines"),
        (&["restart", "web", "--yes"], "update virtualmachines"),
        (&["expand", "copy", "--disk", "system", "--size", "50Gi"], "patch persistentvolumeclaims"),
        (&["delete", "web", "--yes"], "patch virtualmachines"),
        (&["snapshot", "create", "copy", "--name", "two"], "create virtualmachinesnapshots"),
        (&["snapshot", "delete", "web", "of-web", "--yes"], "delete virtualmachinesnapshots"),
        (&["snapshot", "restore", "web", "of-web", "--stop", "--yes"], "get virtualmachinesnapshotcontents"),
        (&["export", "--claim", "web-system", "--output", &image], "create virtualmachineexports"),
    ] {
        let ran = people.here("viewer", args).await?;
        let told =
            [format!("cannot {missing}"), "kubectl auth can-i".to_owned()].iter().all(|words| ran.err.contains(words));
        if ran.code != Some(4) || !told {
            wrong.push(format!("{}: not refused for want of the right to {missing}: {}", args.join(" "), ran.told()));
        }
    }
    // The checklist of a move asks beforehand.
    let node = nodes::NODES[0];
    for args in [&["--to-node", node][..], &["--to-storage-class", "longhorn"]] {
        for name in ["viewer", "operator"] {
            people.here(name, &[&["migrate", "web", "--yes"], args].concat()).await?.ended(5)?.said("you may not")?;
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Where a machine was when its node died.
const LEFT: &str = "rights-left";
const DEAD: &str = "worker-rights";

/// A machine that no file tells of, with its disk in a template of its own.
fn bare() -> Value {
    let resources = json!({"requests": {"storage": "5Gi"}});
    let storage = json!({"storageClassName": "longhorn", "accessModes": ["ReadWriteOnce"], "resources": resources});
    json!({
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"namespace": PLACE, "name": "bare"},
        "spec": {
            "runStrategy": "Manual",
            "dataVolumeTemplates": [{"metadata": {"name": "legacy"}, "spec": {"source": {"blank": {}}, "storage": storage}}],
            "template": {"spec": {
                "domain": {"memory": {"guest": "1Gi"}, "devices": {
                    "disks": [{"name": "data", "disk": {"bus": "virtio"}}],
                    "interfaces": [{"name": "default", "masquerade": {}}],
                }},
                "networks": [{"name": "default", "pod": {}}],
                "volumes": [{"name": "data", "dataVolume": {"name": "legacy"}}],
            }},
        },
    })
}

fn golden() -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": GOLDEN, "name": "golden"},
        "spec": {
            "storageClassName": "longhorn", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}},
        },
    })
}

async fn operates(cluster: &Cluster, people: &People) -> Result<()> {
    let operator = async |args: &[&str]| people.here("operator", args).await;
    let text = machine(WEB);
    let web = &file(cluster, "rights-web", &text)?;
    // As others make them.
    cluster.objects.apply(&bare()).await?;
    operator(&["validate", "-f", web, "--stage", "production", "--server-side"]).await?.ended(0)?;
    operator(&["apply", "-f", web, "--wait"]).await?.ended(0)?;
    let less = text.lines().filter(|line| !line.contains("networks:") && !line.contains("cloudInitUser:"));
    let less = file(cluster, "rights-less", &less.collect::<Vec<_>>().join("\n"))?;
    operator(&["apply", "-f", &less, "--prune", "--yes"])
        .await?
        .ended(0)?
        .said("deleted Secret")?
        .said("is not known")?;
    operator(&["apply", "-f", web]).await?.ended(0)?;
    operator(&["start", "web", "--wait"]).await?.ended(0)?;
    // It is asked how full its file systems are, which only a guest that runs can tell.
    people.here("viewer", &["status", "web"]).await?.ended(0)?;
    operator(&["restart", "web", "--yes", "--wait"]).await?.ended(0)?;
    operator(&["expand", "web", "--disk", "data", "--size", "6Gi"]).await?.ended(0)?;
    operator(&["stop", "web", "--wait"]).await?.ended(0)?;
    operator(&["start", "vm/bare", "--wait"]).await?.ended(0)?;
    operator(&["stop", "vm/bare", "--wait"]).await?.ended(0)?;

    for name in ["web", "vm/bare"] {
        operator(&["snapshot", "create", name, "--name", &format!("of-{}", &name[name.len() - 3..]), "--wait"])
            .await?
            .ended(0)?;
    }
    operator(&["snapshot", "restore", "vm/bare", "of-are", "--yes"]).await?.ended(0)?;
    operator(&["snapshot", "restore", "web", "of-web", "--yes", "--write", web]).await?.ended(0)?;
    let (_exports, exporting) = cluster.exports_to("rights", people.0.get("operator").context("nobody")?).await?;
    let place = |name: &str| cluster.folder().join("files").join(name).display().to_string();
    let whole = place("rights.img");
    wukong(&exporting, &["export", "web", "-n", PLACE, "--disk", "data", "--output", &whole]).await?.ended(0)?;
    let of_snapshot =
        ["export", "--snapshot", "of-web", "-n", PLACE, "--disk", "data", "--output", &place("rights.gz")];
    wukong(&exporting, &of_snapshot).await?.ended(0)?;
    operator(&["snapshot", "delete", "vm/bare", "of-are", "--yes"]).await?.ended(0)?;
    operator(&["adopt", "vm/bare", "--apply"]).await?.ended(0)?;

    cluster.objects.apply(&golden()).await?;
    let copy = "  disks: [{name: system, size: 5Gi, image: 'pvc:rights-golden/golden', storageClassName: longhorn}]\n";
    let copy = machine(copy).replace("{name: web}", "{name: copy}");
    operator(&["apply", "-f", &file(cluster, "rights-copy", &copy)?]).await?.ended(0)?;
    let gone = text.replace("{name: web}", "{name: gone}");
    operator(&["apply", "-f", &file(cluster, "rights-gone", &gone)?, "--wait"]).await?.ended(0)?;
    let delete = ["delete", "gone", "--yes", "--delete-data", "system", "--delete-data", "data"];
    people.here("operator-of-all", &delete).await?.ended(0)?.said("deleted NetworkAttachmentDefinition gone-lan")?;
    Ok(())
}

async fn looks(cluster: &Cluster, people: &People) -> Result<()> {
    let web = &file(cluster, "rights-web-2", &machine(WEB))?;
    let viewer = async |args: &[&str]| people.here("viewer", args).await;
    viewer(&["diff", "-f", web]).await?.ended(1)?;
    viewer(&["status"]).await?.ended(0)?;
    viewer(&["status", "web"]).await?.ended(0)?;
    viewer(&["where-is-my-data", "web"]).await?.ended(0)?;
    viewer(&["doctor"]).await?.ended(0)?;
    viewer(&["doctor", "--stage", "production"]).await?.ended(0)?;
    viewer(&["snapshot", "list"]).await?.ended(0)?;
    viewer(&["migrate", "web"]).await?.ended(0)?;
    viewer(&["adopt", "vm/bare"]).await?.ended(0)?;
    people.run("viewer-of-all", &["status", "-A"]).await?.ended(0)?;
    people.run("viewer-of-all", &["where-is-my-data", "-A"]).await?.ended(0)?;
    Ok(())
}

const MOVING: &str = "  disks: [{name: root, size: 5Gi, storageClassName: longhorn-migratable, accessMode: ReadWriteMany, volumeMode: Block, autoExpand: true}]\n";

/// What a disk has grown by is known of the claim that it has moved to.
async fn told_after(cluster: &Cluster, name: &str) -> Result<()> {
    let found = cluster.objects.get(&claim(PLACE, name)).await?.context("gone")?;
    let grown = found["metadata"]["annotations"][wukong::autoexpand::GROWN].as_str();
    ensure!(grown.is_some_and(|grown| grown.contains("15Gi")), "{found}");
    Ok(())
}

async fn moves(cluster: &Cluster, people: &People) -> Result<()> {
    let operator = async |args: &[&str]| people.here("operator", args).await;
    operator(&["delete", "web", "--yes", "--delete-data", "system", "--delete-data", "data"]).await?.ended(0)?;
    operator(&["delete", "bare", "--yes"]).await?.ended(0)?;
    let migrator = async |args: &[&str]| people.here("migrator", args).await;
    let path = file(cluster, "rights-moving", &machine(MOVING))?;
    migrator(&["apply", "-f", &path, "--wait"]).await?.ended(0)?;
    let full = json!({"root": {"mountPoint": "/", "usedBytes": (5_u64 << 30) - 1}}).to_string();
    cluster.objects.merge(&vmi(PLACE), "", &json!({"metadata": {"annotations": {guest::USED: full}}})).await?;
    let grown = |claim: &Value| claim["status"]["capacity"]["storage"] == "15Gi";
    let end = std::time::Instant::now() + LONG;
    // What the agent answers follows a watch.
    while !cluster.objects.get(&claim(PLACE, "web-root")).await?.as_ref().is_some_and(grown) {
        people.here("grower", &["expand", "--auto"]).await?.ended(0)?;
        ensure!(std::time::Instant::now() < end, "the disk does not grow");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let found = cluster.objects.get(&vmi(PLACE)).await?.context("no instance")?;
    let source = found["status"]["nodeName"].as_str().context("no node")?.to_owned();
    let other = nodes::NODES.into_iter().find(|other| *other != source).context("no other node")?;
    let hangs = |word: Value| json!({"metadata": {"annotations": {guest::MIGRATION: word}}});
    cluster.objects.merge(&vmi(PLACE), "", &hangs(json!("hangs"))).await?;
    migrator(&["migrate", "web", "--to-node", other, "--yes", "--timeout", "5s"]).await?.ended(6)?;
    migrator(&["migrate", "web", "--abort", "--yes"]).await?.ended(0)?;
    cluster.objects.merge(&vmi(PLACE), "", &hangs(Value::Null)).await?;
    migrator(&["migrate", "web", "--to-node", other, "--yes"]).await?.ended(0)?;
    let all = people.run("migrator-of-all", &["migrate", "-A", "--from-node", "worker-none", "--dry-run"]).await?;
    all.ended(4)?;
    migrator(&["migrate", "web", "--to-storage-class", "longhorn", "--yes"]).await?.ended(0)?;
    told_after(cluster, "web-root-m2").await?;
    people.run("migrator-of-all", &["migrate", "web", "-n", PLACE, "--cleanup", "--yes"]).await?.ended(0)?;
    people
        .run(
            "migrator-of-all",
            &["migrate", "web", "-n", PLACE, "--to-storage-class", "local-path", "--offline", "--yes"],
        )
        .await?
        .ended(0)?;
    told_after(cluster, "web-root-m3").await?;
    people.run("migrator-of-all", &["migrate", "web", "-n", PLACE, "--cleanup", "--yes"]).await?.ended(0)?;
    // A volume that nobody detaches, so that there is something to wait for.
    let claim = crate::world::until(cluster, &claim(LEFT, "web-data"), "/status/phase", &json!("Bound")).await?;
    let held = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": "csi-rights"},
        "spec": {
            "attacher": "nobody", "nodeName": DEAD, "source": {"persistentVolumeName": claim["spec"]["volumeName"]},
        },
    });
    cluster.objects.apply(&held).await?;
    let dead = ["recover-node", DEAD, "--powered-off", "--yes", "--timeout", "1s"];
    people.run("stranger", &dead).await?.ended(4)?.said("cannot get nodes")?;
    people.run("migrator-of-all", &dead).await?.ended(6)?;
    cluster.objects.delete(&Reference::of(&held)).await?;
    Ok(())
}

/// A person of a group, bound with the commands of the README, is what these words say, and not more.
pub async fn are_bound_as_the_readme_says(cluster: &Cluster) -> Result<()> {
    cluster.namespace("prod").await?;
    let terminal = Terminal::open(cluster, "rights")?;
    tokio::task::block_in_place(|| terminal.follow("live::rights::are_bound_as_the_readme_says"))
}
