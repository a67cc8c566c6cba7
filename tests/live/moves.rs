//! Machines and disks that move with `migrate`, on the real control planes: to the end, killed and taken back at every
//! step, and refused before the first one.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cluster::handler::guest;
use cluster::{Cluster, Reference, Right, content, nodes};
use serde_json::{Value, json};

use crate::changes::{file, said};
use crate::safety::Inventory;
use crate::support::{root, wukong};
use crate::world::{LONG, condition, machine, render, until, until_gone, until_state, vm, vmi};

/// A disk with an image and an empty one, on local storage.
const LOCAL: &str = "  disks:
    - name: system # the operating system
      size: 5Gi
      image: https://images.test/system.qcow2
      storageClassName: local-path
    - {name: data, size: 3Gi, storageClassName: local-path}
";

const SHARED: &str = "  disks: [{name: system, size: 5Gi, storageClassName: longhorn-migratable, accessMode: ReadWriteMany, volumeMode: Block}]\n";

/// A machine that runs, with a file of its own.
struct Moving<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    file: String,
    /// What is on each disk.
    contents: Vec<(&'static str, String)>,
}

impl<'a> Moving<'a> {
    async fn start(cluster: &'a Cluster, namespace: &'a str, spec: &str, disks: &[&'static str]) -> Result<Self> {
        cluster.namespace(namespace).await?;
        let file = file(namespace, "web.yaml", spec)?;
        said(cluster, &["apply", "-f", &file, "-n", namespace], 0)?;
        until_state(cluster, namespace, "Running").await?;
        let mut moving = Self { cluster, namespace, file, contents: Vec::new() };
        for &disk in disks {
            let content = moving.written(&format!("web-{disk}")).await?;
            moving.contents.push((disk, content));
        }
        Ok(moving)
    }

    /// What is on a claim, once something is.
    async fn written(&self, claim: &str) -> Result<String> {
        let end = Instant::now() + LONG;
        loop {
            match content::content(&self.cluster.objects, self.namespace, claim).await? {
                Some(content) if content != content::BLANK => return Ok(content),
                _ => ensure!(Instant::now() < end, "nothing is written on {claim}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn migrate(&self, args: &[&str], code: i32) -> Result<String> {
        // A move that waits for ever ends the test with what it waits for.
        let limit: &[&str] = if args.contains(&"--timeout") { &[] } else { &["--timeout", "5m"] };
        said(self.cluster, &[&["migrate", "web", "-n", self.namespace], args, limit].concat(), code)
    }

    fn begin(&self, args: &[&str]) -> Result<Child> {
        let mut command = wukong(&root(), [&["migrate", "web", "-n", self.namespace], args].concat());
        command.env("KUBECONFIG", self.cluster.kubeconfig()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(command.spawn()?)
    }

    /// The record of the move.
    async fn journey(&self) -> Result<Value> {
        let map = Reference::new("v1", "ConfigMap", self.namespace, "wukong.move.web-vm");
        let found = self.cluster.objects.get(&map).await?;
        let body = found.as_ref().and_then(|found| found["data"]["move"].as_str());
        Ok(body.map(serde_json::from_str).transpose()?.unwrap_or(Value::Null))
    }

    /// Runs until the record says another step than `stage`, then kills it. Gives the new step, or nothing if it ended by
    /// itself and well.
    async fn killed_after(&self, args: &[&str], stage: &str) -> Result<Option<String>> {
        let mut run = self.begin(args)?;
        loop {
            let journey = self.journey().await?;
            let now = journey["stage"].as_str().unwrap_or_default();
            if !now.is_empty() && now != stage && journey["end"].is_null() {
                run.kill()?;
                run.wait()?;
                return Ok(Some(now.to_owned()));
            }
            if let Some(status) = run.try_wait()? {
                ensure!(status.success(), "{args:?} ended with {status} at {journey}");
                return Ok(None);
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    /// Begins a live move of all disks, and kills the run in the middle of the copy.
    async fn copying(&self) -> Result<()> {
        let mut run = self.begin(&["--to-storage-class", "longhorn", "--yes"])?;
        let copies = |found: Option<&Value>| {
            found.is_some_and(|found| found["status"]["migrationState"]["startTimestamp"].is_string())
        };
        let found = self.cluster.objects.wait(&vmi(self.namespace), LONG, copies).await;
        run.kill()?;
        run.wait()?;
        found.map(|_| ())?;
        Ok(())
    }

    /// The claims that the machine has now, by disk.
    async fn claims(&self) -> Result<Vec<(String, String)>> {
        let vm = self.cluster.objects.get(&vm(self.namespace)).await?.context("no machine")?;
        let volumes = vm["spec"]["template"]["spec"]["volumes"].as_array().cloned().unwrap_or_default();
        let one = |volume: &Value| {
            let claim =
                volume["persistentVolumeClaim"]["claimName"].as_str().or(volume["dataVolume"]["name"].as_str())?;
            Some((volume["name"].as_str()?.to_owned(), claim.to_owned()))
        };
        Ok(volumes.iter().filter_map(one).collect())
    }

    /// The machine runs, and its disks hold what they held.
    async fn whole(&self) -> Result<()> {
        until_state(self.cluster, self.namespace, "Running").await?;
        let claims = self.claims().await?;
        for (disk, content) in &self.contents {
            let (_, claim) = claims.iter().find(|(name, _)| name == disk).context("a disk is gone")?;
            let is = content::content(&self.cluster.objects, self.namespace, claim).await?;
            ensure!(is.as_ref() == Some(content), "disk {disk} on {claim} holds {is:?}, not {content}");
        }
        Ok(())
    }

    /// The file is without a difference.
    fn same(&self) -> Result<()> {
        said(self.cluster, &["diff", "-f", &self.file, "-n", self.namespace], 0).map(|_| ())
    }
}

const DISKS: [&str; 2] = ["system", "data"];

/// From local-path to Longhorn and back, with a kill in the middle of each: no difference afterwards, and the claims that
/// were left are as they were until a person wants them gone.
async fn there_and_back(cluster: &Cluster, namespace: &str, offline: &[&str]) -> Result<()> {
    let moving = Moving::start(cluster, namespace, LOCAL, &DISKS).await?;
    let before = Inventory::of(cluster, namespace).await?;
    let middle = if offline.is_empty() { "tell the machine" } else { "copy" };
    for class in ["longhorn", "local-path"] {
        let wish = [&["--to-storage-class", class, "--yes", "--write", &moving.file], offline].concat();
        let mut stage = String::new();
        while !stage.starts_with(middle) {
            stage = moving.killed_after(&wish, &stage).await?.with_context(|| format!("no kill at `{middle}`"))?;
        }
        let report = moving.migrate(&wish, 0)?;
        ensure!(report.contains("has moved") && !report.contains('✗'), "{report}");
        moving.whole().await?;
        moving.same()?;
        before.still_there(cluster).await?;
    }
    let claims = moving.claims().await?;
    ensure!(claims == [("system".into(), "web-system-m3".into()), ("data".into(), "web-data-m3".into())], "{claims:?}");
    for (disk, content) in &moving.contents {
        for old in [format!("web-{disk}"), format!("web-{disk}-m2")] {
            let is = content::content(&cluster.objects, namespace, &old).await?;
            ensure!(is.as_ref() == Some(content), "{old} holds {is:?}");
        }
    }
    // Nothing is deleted without a word, and then what was shown.
    moving.migrate(&["--cleanup"], 5)?;
    before.still_there(cluster).await?;
    let shown = moving.migrate(&["--cleanup", "--yes"], 0)?;
    ensure!(
        ["web-system", "web-system-m2", "web-data", "web-data-m2"].iter().all(|claim| shown.contains(claim)),
        "{shown}"
    );
    moving.whole().await?;
    moving.same()?;
    let left = cluster.objects.list("v1", "PersistentVolumeClaim", namespace, "").await?;
    ensure!(left.len() == 2, "{}", left.len());
    Ok(())
}

pub async fn live_there_and_back(cluster: &Cluster) -> Result<()> {
    there_and_back(cluster, "moves-live", &[]).await
}

pub async fn offline_there_and_back(cluster: &Cluster) -> Result<()> {
    there_and_back(cluster, "moves-off", &["--offline"]).await
}

/// Killed as soon as each step is recorded, done or not, and run again.
pub async fn killed_at_every_step(cluster: &Cluster) -> Result<()> {
    for (namespace, wish) in [
        ("moves-killed-live", &["--to-storage-class", "longhorn", "--yes"][..]),
        ("moves-killed-off", &["--to-storage-class", "longhorn", "--yes", "--offline"]),
    ] {
        let moving = Moving::start(cluster, namespace, LOCAL, &DISKS).await?;
        let before = Inventory::of(cluster, namespace).await?;
        let (mut stages, mut stage) = (Vec::new(), String::new());
        while let Some(next) = moving.killed_after(wish, &stage).await? {
            before.still_there(cluster).await?;
            stages.push(next.clone());
            stage = next;
        }
        ensure!(stages.len() >= 5, "{stages:?}");
        moving.whole().await?;
        before.still_there(cluster).await?;
    }
    Ok(())
}

/// Taken back after one step, after two, and so on, until it cannot be taken back any more.
pub async fn taken_back_at_every_step(cluster: &Cluster) -> Result<()> {
    for (namespace, wish) in [
        ("moves-back-live", &["--to-storage-class", "longhorn", "--yes"][..]),
        ("moves-back-off", &["--to-storage-class", "longhorn", "--yes", "--offline"]),
    ] {
        let moving = Moving::start(cluster, namespace, LOCAL, &DISKS).await?;
        let before = Inventory::of(cluster, namespace).await?;
        if wish.len() == 3 {
            // The copy does not end by itself, so that it is always met.
            let hangs = json!({"metadata": {"annotations": {guest::MIGRATION: "hangs"}}});
            cluster.objects.merge(&vmi(namespace), "", &hangs).await?;
        }
        let mut met = Vec::new();
        for turn in 1..=6 {
            let mut stage = String::new();
            for _ in 0..turn {
                match moving.killed_after(wish, &stage).await? {
                    Some(next) => stage = next,
                    None => break,
                }
                // A step that waits for a long time is the last one that can be met.
                if stage.starts_with("tell the machine") || stage.starts_with("let the machine") {
                    break;
                }
            }
            let reported = moving.migrate(&["--abort", "--yes"], 0)?;
            ensure!(reported.contains("taken back"), "{reported}");
            moving.whole().await?;
            moving.same()?;
            before.still_there(cluster).await?;
            let claims = moving.claims().await?;
            ensure!(
                claims == [("system".into(), "web-system".into()), ("data".into(), "web-data".into())],
                "{claims:?}"
            );
            // All that the attempt made is named, and goes when it is told to.
            let all = cluster.objects.list("v1", "PersistentVolumeClaim", namespace, "").await?;
            for made in
                all.iter().filter_map(|claim| claim["metadata"]["name"].as_str()).filter(|name| name.contains("-m"))
            {
                ensure!(reported.contains(made), "{made} is not named: {reported}");
            }
            moving.migrate(&["--cleanup", "--yes"], 0)?;
            ensure!(cluster.objects.list("v1", "PersistentVolumeClaim", namespace, "").await?.len() == 2);
            let ended = stage.starts_with("tell the machine") || stage.starts_with("let the machine");
            met.push(stage);
            if ended {
                break;
            }
        }
        ensure!(met.len() >= 3, "{met:?}");
    }
    Ok(())
}

/// KubeVirt starts a guest that ends on the way again, on the empty claims: it is stopped, and comes back on its old disks.
pub async fn a_guest_that_ends_on_the_way(cluster: &Cluster) -> Result<()> {
    let namespace = "moves-ended";
    let moving = Moving::start(cluster, namespace, LOCAL, &DISKS).await?;
    let before = Inventory::of(cluster, namespace).await?;
    let hangs = json!({"metadata": {"annotations": {guest::MIGRATION: "hangs"}}});
    let first = cluster.objects.merge(&vmi(namespace), "", &hangs).await?["metadata"]["uid"].clone();
    moving.copying().await?;
    cluster.objects.delete(&vmi(namespace)).await?;
    let another = |found: Option<&Value>| {
        found.is_some_and(|found| found["metadata"]["uid"] != first && found["status"]["phase"] == "Running")
    };
    cluster.objects.wait(&vmi(namespace), LONG, another).await?;
    let stuck = moving.migrate(&["--continue"], 4)?;
    // KubeVirt deletes the migrations of an instance that is gone: only a person can tell, after a look at both.
    ensure!(stuck.contains("web-data (old) and web-data-m2 (new)") && stuck.contains("--force"), "{stuck}");
    moving.migrate(&["--abort", "--yes"], 5)?;
    moving.migrate(&["--abort", "--force", "--yes"], 0)?;
    moving.whole().await?;
    moving.same()?;
    before.still_there(cluster).await
}

/// What is in the way is found before anything is written.
pub async fn refused_before_the_first_step(cluster: &Cluster) -> Result<()> {
    let namespace = "moves-refused";
    let moving = Moving::start(cluster, namespace, LOCAL, &[]).await?;
    let missing = moving.migrate(&["--to-storage-class", "none", "--yes"], 5)?;
    ensure!(missing.contains("there is none of that name"), "{missing}");
    let node = moving.migrate(&["--to-node", "nowhere", "--yes"], 5)?;
    ensure!(node.contains("there is no such node"), "{node}");
    let one = moving.migrate(&["--to-storage-class", "longhorn", "--disk", "data", "--yes"], 5)?;
    ensure!(one.contains("--disk system"), "{one}");
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small", "namespace": namespace},
        "spec": {"hard": {"requests.storage": "10Gi"}},
    });
    let quota = Reference::of(&cluster.objects.apply(&quota).await?);
    cluster.objects.wait(&quota, LONG, |quota| quota.is_some_and(|quota| quota["status"]["used"].is_object())).await?;
    let full = moving.migrate(&["--to-storage-class", "longhorn", "--offline", "--yes"], 5)?;
    ensure!(full.contains("room in the quota"), "{full}");
    cluster.objects.delete(&quota).await?;
    // Without a word of a person, and for one who may only look.
    moving.migrate(&["--to-storage-class", "longhorn"], 5)?;
    let read = |group: &str, resources: &str| Right::to("get,list", group, resources);
    let own = [
        read("kubevirt.io", "virtualmachines,virtualmachineinstances,virtualmachineinstancemigrations"),
        read("cdi.kubevirt.io", "datavolumes"),
        read("", "persistentvolumeclaims,configmaps,pods,resourcequotas"),
    ];
    let of_cluster = [read("", "nodes,persistentvolumes"), read("storage.k8s.io", "storageclasses")];
    let viewer = cluster.user(namespace, "viewer", &own, &of_cluster).await?;
    let output = wukong(&root(), ["migrate", "web", "-n", namespace, "--to-storage-class", "longhorn", "--yes"])
        .env("KUBECONFIG", viewer)
        .output()?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.code() == Some(5) && told.contains("you may not"), "{told}");
    ensure!(moving.journey().await?.is_null(), "something was recorded");
    ensure!(cluster.objects.list("v1", "PersistentVolumeClaim", namespace, "").await?.len() == 2);
    Ok(())
}

/// To another node while it runs, taken back on the way, and stopped and started there.
pub async fn to_another_node(cluster: &Cluster) -> Result<()> {
    let namespace = "moves-node";
    let moving = Moving::start(cluster, namespace, SHARED, &["system"]).await?;
    let node = async || -> Result<String> {
        let found = cluster.objects.get(&vmi(namespace)).await?.context("no instance")?;
        Ok(found["status"]["nodeName"].as_str().context("no node")?.to_owned())
    };
    let source = node().await?;
    let other = nodes::NODES.into_iter().find(|other| *other != source).context("no other node")?;
    let live = ["--to-node", other, "--yes"];
    if cluster.set.kubevirt_since(6)? {
        let hangs = |word: Value| json!({"metadata": {"annotations": {guest::MIGRATION: word}}});
        cluster.objects.merge(&vmi(namespace), "", &hangs(json!("hangs"))).await?;
        let late = moving.migrate(&[&live[..], &["--timeout", "5s"]].concat(), 6)?;
        ensure!(late.contains("--continue"), "{late}");
        let again = moving.migrate(&["--to-storage-class", "longhorn", "--yes"], 5)?;
        ensure!(again.contains("another move"), "{again}");
        moving.migrate(&["--abort", "--yes"], 0)?;
        ensure!(node().await? == source);
        cluster.objects.merge(&vmi(namespace), "", &hangs(Value::Null)).await?;
        let moved = moving.migrate(&live, 0)?;
        ensure!(moved.contains(&format!("it runs: on {other}")) && !moved.contains('✗'), "{moved}");
    } else {
        let refused = moving.migrate(&live, 5)?;
        ensure!(refused.contains("1.6 is the first that lets one") && node().await? == source, "{refused}");
        moving.migrate(&[&live[..], &["--offline"]].concat(), 0)?;
    }
    ensure!(node().await? == other);
    moving.whole().await?;
    moving.same()?;
    // And back, stopped and started, with nothing left of it in the machine.
    let back = moving.migrate(&["--to-node", &source, "--offline", "--yes"], 0)?;
    ensure!(back.contains(&format!("it runs: on {source}")), "{back}");
    moving.whole().await?;
    moving.same()
}

/// The node to which a guest is being copied dies: the guest is on its old disks, and the move is taken back.
pub async fn a_target_node_that_dies(cluster: &Cluster) -> Result<()> {
    let namespace = "moves-dies";
    let of = |name: &str| Reference::new("v1", "Node", "", name);
    let label = json!({"metadata": {"labels": {"moves-dies": "yes"}}});
    cluster.objects.merge(&of(nodes::NODES[0]), "", &label).await?;
    let there = format!(
        "  highAvailability: {{nodeSelector: {{moves-dies: 'yes'}}, tolerations: [{{key: {}, operator: Equal, value: worker-dies}}]}}\n",
        nodes::OWN
    );
    let moving = Moving::start(cluster, namespace, &(LOCAL.to_owned() + &there), &DISKS).await?;
    let before = Inventory::of(cluster, namespace).await?;
    cluster.add_node("worker-dies").await?;
    cluster.objects.merge(&of("worker-dies"), "", &label).await?;
    let ready = |status: &'static str| {
        move |node: Option<&Value>| node.is_some_and(|node| condition(node, "Ready")["status"] == status)
    };
    cluster.objects.wait(&of("worker-dies"), LONG, ready("True")).await?;
    let hangs = json!({"metadata": {"annotations": {guest::MIGRATION: "hangs"}}});
    cluster.objects.merge(&vmi(namespace), "", &hangs).await?;
    moving.copying().await?;
    until(cluster, &vmi(namespace), "/status/migrationState/targetNode", &json!("worker-dies")).await?;
    cluster.lose_node("worker-dies").await?;
    cluster.objects.wait(&of("worker-dies"), LONG, ready("Unknown")).await?;
    let reported = moving.migrate(&["--abort", "--yes"], 0)?;
    ensure!(reported.contains("web-system-m2") && reported.contains("web-data-m2"), "{reported}");
    moving.whole().await?;
    moving.same()?;
    before.still_there(cluster).await?;
    cluster.find_node("worker-dies").await?;
    cluster.objects.wait(&of("worker-dies"), LONG, ready("True")).await?;
    cluster.objects.delete(&vm(namespace)).await?;
    until_gone(cluster, &vmi(namespace)).await?;
    cluster.objects.delete(&of("worker-dies")).await?;
    Ok(())
}

/// A machine that cannot be moved stays, with the reason, and the others go.
pub async fn a_node_is_emptied(cluster: &Cluster) -> Result<()> {
    let namespace = "moves-away";
    cluster.add_node("worker-away").await?;
    let node = Reference::new("v1", "Node", "", "worker-away");
    let ready = |node: Option<&Value>| node.is_some_and(|node| condition(node, "Ready")["status"] == "True");
    cluster.objects.wait(&node, LONG, ready).await?;
    cluster.namespace(namespace).await?;
    let there = json!({"spec": {"template": {"spec": {
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
            "weight": 100, "preference": {"matchExpressions": [{
                "key": "kubernetes.io/hostname", "operator": "In", "values": ["worker-away"],
            }]},
        }]}},
        "tolerations": [{"key": nodes::OWN, "operator": "Equal", "value": "worker-away"}],
    }}}});
    for (name, spec) in
        [("shared", SHARED), ("local", "  disks: [{name: system, size: 1Gi, storageClassName: local-path}]\n")]
    {
        let text = machine(spec).replace("name: web", &format!("name: {name}"));
        for mut object in render(&text, namespace)? {
            if object["kind"] == "VirtualMachine" {
                for (key, value) in there["spec"]["template"]["spec"].as_object().into_iter().flatten() {
                    object["spec"]["template"]["spec"][key] = value.clone();
                }
            }
            cluster.objects.apply(&object).await?;
        }
        let vmi = Reference::new("kubevirt.io/v1", "VirtualMachineInstance", namespace, &format!("{name}-vm"));
        until(cluster, &vmi, "/status/phase", &json!("Running")).await?;
        until(cluster, &vmi, "/status/nodeName", &json!("worker-away")).await?;
        let known =
            |object: Option<&Value>| object.is_some_and(|object| !condition(object, "LiveMigratable").is_null());
        cluster.objects.wait(&vmi, LONG, known).await?;
    }
    let plan = said(cluster, &["migrate", "--from-node", "worker-away", "-n", namespace, "--dry-run"], 5)?;
    ensure!(plan.contains("move moves-away/shared") && plan.contains("stay moves-away/local"), "{plan}");
    let plan = said(cluster, &["migrate", "-A", "--from-node", "worker-away", "--dry-run"], 5)?;
    ensure!(plan.contains("move moves-away/shared") && plan.contains("stay moves-away/local"), "{plan}");
    said(cluster, &["migrate", "--from-node", "worker-away", "-n", namespace, "--yes"], 5)?;
    for (name, moved) in [("shared", true), ("local", false)] {
        let vmi = Reference::new("kubevirt.io/v1", "VirtualMachineInstance", namespace, &format!("{name}-vm"));
        let found = cluster.objects.get(&vmi).await?.context("no instance")?;
        ensure!((found["status"]["nodeName"] != "worker-away") == moved, "{name}");
    }
    for name in ["shared", "local"] {
        let of = |kind: &str| Reference::new("kubevirt.io/v1", kind, namespace, &format!("{name}-vm"));
        cluster.objects.delete(&of("VirtualMachine")).await?;
        until_gone(cluster, &of("VirtualMachineInstance")).await?;
    }
    cluster.objects.delete(&node).await?;
    Ok(())
}
