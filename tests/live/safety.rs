//! What the tests of safety share: the real binary as a process, an inventory of all disks, and the state of a namespace.
//!
//! Whatever a test does to a run, the claims and volumes that were there before it are there after it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::task::Poll;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use cluster::{Cluster, FaultProxy};
use serde_json::{Map, Value, json};

use crate::support::text;
use crate::world::LONG;

/// How a run of the binary ended.
#[derive(Debug)]
pub struct Ran {
    /// None if it was killed.
    pub code: Option<i32>,
    /// What it printed.
    pub out: String,
    /// What it said besides.
    pub err: String,
}

impl Ran {
    /// Ends the test unless the run ended with this code; a panic is never a way to end.
    pub fn ended(self, code: i32) -> Result<Self> {
        ensure!(self.code == Some(code), "not {code}: {}", self.told());
        ensure!(!self.err.contains("panicked"), "{}", self.told());
        Ok(self)
    }

    /// Ends the test unless the run said this.
    pub fn said(self, words: &str) -> Result<Self> {
        ensure!(self.out.contains(words) || self.err.contains(words), "`{words}` is missing: {}", self.told());
        Ok(self)
    }

    /// Whether it worked; ends the test if it neither did nor said clearly why not.
    pub fn worked_or_told(&self) -> Result<bool> {
        ensure!(!self.err.contains("panicked"), "{}", self.told());
        match self.code {
            Some(0) => Ok(true),
            Some(4 | 5) if self.err.contains("error") => Ok(false),
            _ => bail!("neither done nor told: {}", self.told()),
        }
    }

    /// All of it, for people.
    pub fn told(&self) -> String {
        format!("exit {:?}\n{}\n{}", self.code, self.out, self.err)
    }
}

/// Starts the binary as this kubeconfig's user.
fn start(kubeconfig: &Path, args: &[&str]) -> Result<Child> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-wukong"));
    command.args(args).env_clear().env("KUBECONFIG", kubeconfig);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command.spawn()?)
}

/// Waits for its end, off the runtime; kills it if it takes longer than anything does.
async fn end(mut child: Child) -> Result<Ran> {
    let deadline = Instant::now() + LONG;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let output = child.wait_with_output()?;
    Ok(Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) })
}

/// Runs the binary to its end.
pub async fn wukong(kubeconfig: &Path, args: &[&str]) -> Result<Ran> {
    end(start(kubeconfig, args)?).await.with_context(|| args.join(" "))
}

/// Runs the binary behind a proxy, and kills it as soon as its write after the first `writes` is on the way, which never
/// arrives. A run with fewer writes ends by itself.
pub async fn killed(proxy: &FaultProxy, kubeconfig: &Path, args: &[&str], writes: usize) -> Result<Ran> {
    let before = proxy.writes();
    proxy.fail_after(writes, FaultProxy::WRITE, "", usize::MAX, cluster::Fault::Delay(Duration::from_hours(1)));
    let mut child = start(kubeconfig, args)?;
    while child.try_wait()?.is_none() {
        if proxy.writes() > before + writes {
            // SIGKILL: nothing of it can clean up.
            child.kill()?;
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    proxy.heal();
    end(child).await
}

/// Runs the binary behind a proxy, and sends it what Ctrl-C sends while its write after the first `writes` is on the way,
/// which then arrives.
pub async fn interrupted(proxy: &FaultProxy, kubeconfig: &Path, args: &[&str], writes: usize) -> Result<Ran> {
    let before = proxy.writes();
    proxy.fail_after(writes, FaultProxy::WRITE, "", 1, cluster::Fault::Delay(Duration::from_secs(2)));
    let mut child = start(kubeconfig, args)?;
    while child.try_wait()?.is_none() {
        if proxy.writes() > before + writes {
            let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status()?;
            ensure!(killed.success(), "no signal was sent");
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let ran = end(child).await;
    proxy.heal();
    ran
}

/// Writes a file of this run; gives its path.
pub fn file(cluster: &Cluster, name: &str, text: &str) -> Result<String> {
    let path = cluster.folder().join("files").join(format!("{name}.yaml"));
    fs::create_dir_all(path.parent().context("no folder")?)?;
    fs::write(&path, text)?;
    Ok(path.display().to_string())
}

/// A user with all rights.
pub fn admin(cluster: &Cluster) -> PathBuf {
    cluster.kubeconfig()
}

/// The claims and volumes of a namespace.
pub struct Inventory {
    namespace: String,
    claims: BTreeMap<String, Value>,
    volumes: BTreeMap<String, Value>,
}

impl Inventory {
    /// Looks. What CDI makes for the time of an import is nobody's disk.
    pub async fn of(cluster: &Cluster, namespace: &str) -> Result<Self> {
        let name = |object: &Value| object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let lasting = |name: &str| !name.starts_with("prime-") && !name.ends_with("-scratch");
        let claims = cluster.objects.list("v1", "PersistentVolumeClaim", namespace, "").await?;
        let volumes = cluster.objects.list("v1", "PersistentVolume", "", "").await?;
        let own = |volume: &Value| {
            let claim = &volume["spec"]["claimRef"];
            claim["namespace"] == namespace && claim["name"].as_str().is_some_and(lasting)
        };
        Ok(Self {
            namespace: namespace.to_owned(),
            claims: claims.into_iter().map(|claim| (name(&claim), claim)).filter(|(name, _)| lasting(name)).collect(),
            volumes: volumes.into_iter().filter(own).map(|volume| (name(&volume), volume)).collect(),
        })
    }

    /// How many claims there are.
    pub fn len(&self) -> usize {
        self.claims.len()
    }

    /// Leaves out a claim that shall go, and its volume.
    pub fn forget(&mut self, claim: &str) {
        self.claims.remove(claim);
        self.volumes.retain(|_, volume| volume["spec"]["claimRef"]["name"] != claim);
    }

    /// Ends the test unless every claim and volume is still there: the same, not going, bound as before, not smaller.
    pub async fn still_there(&self, cluster: &Cluster) -> Result<()> {
        let now = Self::of(cluster, &self.namespace).await?;
        let storage = |object: &Value, pointer: &str| -> u64 {
            let text = object.pointer(pointer).and_then(Value::as_str).unwrap_or("0");
            wukong::quantity::Quantity::parse(text).ok().and_then(|size| size.units()).unwrap_or_default()
        };
        for (all, found, size) in [
            (&self.claims, &now.claims, "/status/capacity/storage"),
            (&self.volumes, &now.volumes, "/spec/capacity/storage"),
        ] {
            for (name, before) in all {
                let Some(after) = found.get(name) else { bail!("{}/{name} is lost", self.namespace) };
                ensure!(before["metadata"]["uid"] == after["metadata"]["uid"], "{name} is another one");
                ensure!(after["metadata"]["deletionTimestamp"].is_null(), "{name} is being deleted");
                let bound = before["status"]["phase"] == "Bound";
                ensure!(!bound || after["status"]["phase"] == "Bound", "{name} is {}", after["status"]["phase"]);
                ensure!(storage(before, size) <= storage(after, size), "{name} shrank");
            }
        }
        Ok(())
    }
}

/// What people see of a namespace: all that a run wrote, without what differs from namespace to namespace.
pub async fn state(cluster: &Cluster, namespace: &str) -> Result<Value> {
    let kinds = [
        ("v1", "ConfigMap", wukong::facts::RECORD_LABEL),
        ("v1", "Secret", ""),
        ("v1", "PersistentVolumeClaim", ""),
        ("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition", ""),
        ("cdi.kubevirt.io/v1beta1", "DataVolume", ""),
        ("kubevirt.io/v1", "VirtualMachine", ""),
    ];
    let mut all = Map::new();
    for (version, kind, labels) in kinds {
        for object in cluster.objects.list(version, kind, namespace, labels).await? {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            if !name.starts_with("prime-") {
                all.insert(format!("{kind}/{name}"), told(&object));
            }
        }
    }
    Ok(Value::Object(all))
}

fn told(object: &Value) -> Value {
    let mut spec = object["spec"].clone();
    if let Some(fields) = spec.as_object_mut() {
        // The volume has another name everywhere, the source of a claim is CDI's.
        for key in ["volumeName", "dataSource", "dataSourceRef"] {
            fields.shift_remove(key);
        }
    }
    // Both are made from the namespace and the name.
    if let Some(firmware) = spec.pointer_mut("/template/spec/domain/firmware") {
        *firmware = Value::Null;
    }
    // Controllers write theirs when they come to it.
    let own = |key: &str| !key.contains("kubernetes.io") && !key.contains("kubevirt.io");
    let pairs = |name: &str| -> Map<String, Value> {
        let pairs = object["metadata"][name].as_object().cloned().unwrap_or_default();
        pairs.into_iter().filter(|(key, _)| own(key)).collect()
    };
    let record = object.pointer("/data/record").and_then(Value::as_str);
    let mut record: Value = record.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    for made in record["objects"].as_array_mut().into_iter().flatten() {
        made["uid"] = json!(made["uid"].is_string());
    }
    let mut record = record;
    normal(&mut spec);
    normal(&mut record);
    let data: Vec<_> = object["data"].as_object().into_iter().flat_map(Map::keys).collect();
    json!({
        "labels": pairs("labels"), "annotations": pairs("annotations"), "spec": spec, "record": record, "data": data,
    })
}

/// Hardware addresses are made from the namespace; an entry that came later stands behind the others.
fn normal(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.shift_remove("macAddress");
            fields.values_mut().for_each(normal);
        }
        Value::Array(items) => {
            items.iter_mut().for_each(normal);
            items.sort_by_key(|item| item["name"].as_str().unwrap_or_default().to_owned());
        }
        _ => {}
    }
}

/// Ends the test unless two states are the same; shows the first object that is not.
pub fn same(one: &Value, other: &Value) -> Result<()> {
    let keys = |value: &Value| value.as_object().into_iter().flat_map(Map::keys).cloned().collect::<Vec<_>>();
    let (mut a, mut b) = (keys(one), keys(other));
    a.sort();
    b.sort();
    ensure!(a == b, "other objects: {a:?} and {b:?}");
    for key in &a {
        ensure!(one[key] == other[key], "{key} differs:\n{:#}\n{:#}", one[key], other[key]);
    }
    Ok(())
}

/// Waits until all claims of these names are bound.
pub async fn bound(cluster: &Cluster, namespace: &str, claims: &[&str]) -> Result<()> {
    for name in claims {
        crate::world::until(cluster, &crate::world::claim(namespace, name), "/status/phase", &json!("Bound")).await?;
    }
    Ok(())
}

/// Runs futures side by side; the first error is the result, once all have ended.
pub async fn all<T>(futures: impl IntoIterator<Item = impl Future<Output = Result<T>>>) -> Result<Vec<T>> {
    let mut running: Vec<_> = futures.into_iter().map(|future| Some(Box::pin(future))).collect();
    let mut results: Vec<Option<Result<T>>> = running.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, result) in running.iter_mut().zip(&mut results) {
            if let Some(Poll::Ready(value)) = future.as_mut().map(|future| Pin::new(future).poll(context)) {
                *result = Some(value);
                *future = None;
            }
        }
        if running.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    results.into_iter().flatten().collect()
}
