//! The one cluster of a test run, and what tests do with it.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use cluster::{Cluster, Reference, Set};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wukong::{Input, Options, Report};

/// Longer than anything takes on a busy machine; what is wanted ends the waiting.
pub const LONG: Duration = Duration::from_mins(3);

/// The runtime, and the cluster once it has started.
pub struct World {
    runtime: Runtime,
    cluster: OnceLock<Result<Cluster, String>>,
    starting: Mutex<()>,
    /// Why the tests cannot run.
    pub missing: Option<String>,
}

impl Default for World {
    /// Looks for the tools that are needed; starts nothing yet.
    fn default() -> Self {
        let go = cluster::go_version().map(|_| ()).map_err(|error| format!("{error:#}"));
        let kubectl = kubectl().args(["version", "--client"]).output();
        let kubectl = kubectl.map_err(|error| format!("`kubectl` is not on the PATH: {error}"));
        Self {
            runtime: Runtime::new().unwrap(),
            cluster: OnceLock::new(),
            starting: Mutex::new(()),
            missing: go.and(kubectl.map(|_| ())).err(),
        }
    }
}

impl World {
    fn cluster(&self) -> Result<&Cluster> {
        if let Some(missing) = &self.missing {
            bail!("{missing}");
        }
        // One test starts it, the others wait; nobody else may start a second one meanwhile.
        let _one = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = self.cluster.get_or_init(|| {
            let started = Set::chosen().and_then(|set| self.runtime.block_on(Cluster::start(set, target())));
            started.map_err(|error| format!("{error:#}"))
        });
        cluster.as_ref().map_err(|error| anyhow!("the cluster did not start: {error}"))
    }

    /// Runs a test.
    pub fn run(&self, test: &impl AsyncFn(&Cluster) -> Result<()>) -> Result<(), String> {
        let cluster = self.cluster().map_err(|error| error.to_string())?;
        let result = self.runtime.block_on(test(cluster));
        // A component that has ended explains every other failure.
        cluster.check().and(result).map_err(|error| format!("{error:#}"))
    }

    /// Ends the cluster, if it was started.
    pub fn end(&self) {
        if let Some(Ok(cluster)) = self.cluster.get() {
            cluster.end();
        }
    }
}

/// The folder `target` of this build.
pub fn target() -> &'static Path {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    temporary.parent().unwrap_or(temporary)
}

/// kubectl, which keeps what it learns of a server below `target`: another server may have this port tomorrow.
pub fn kubectl() -> Command {
    let mut command = Command::new("kubectl");
    command.env("KUBECACHEDIR", target().join("cluster/kubectl"));
    command
}

/// The options of a machine in a namespace, with the storage policy that the examples use.
pub fn options(namespace: &str) -> Options {
    let policy = Options::parse_policy("fast=longhorn-ssd:ReadWriteMany:Block").unwrap();
    Options { namespace: Some(namespace.to_owned()), policies: vec![policy], ..Options::default() }
}

/// What a valid text renders in a namespace.
pub fn render(text: &str, namespace: &str) -> Result<Vec<Value>> {
    let options = options(namespace);
    let loaded = wukong::load(vec![Input::new("test.yaml", text)], &options);
    let problems: Vec<_> = loaded.report.problems().iter().map(|problem| &problem.message).collect();
    if !loaded.report.is_valid() {
        bail!("{problems:?}");
    }
    Ok(loaded.machines.iter().flat_map(|machine| wukong::render(machine, &options)).map(|m| m.object).collect())
}

/// Makes a namespace and applies what a machine called `web` renders in it. `spec` is YAML, two spaces deep.
pub async fn apply_machine(cluster: &Cluster, namespace: &str, spec: &str) -> Result<()> {
    cluster.namespace(namespace).await?;
    for object in render(&machine(spec), namespace)? {
        cluster.objects.apply(&object).await.with_context(|| Reference::of(&object).to_string())?;
    }
    Ok(())
}

/// A machine called `web` with this spec.
pub fn machine(spec: &str) -> String {
    format!(
        "apiVersion: vm.novasphere.dev/v1alpha1\nkind: Wukong\nmetadata: {{name: web}}\nspec:\n  cpu: 1\n  memory: 1Gi\n{spec}"
    )
}

/// The VirtualMachine of the machine called `web`.
pub fn vm(namespace: &str) -> Reference {
    Reference::new("kubevirt.io/v1", "VirtualMachine", namespace, "web-vm")
}

/// Its running instance.
pub fn vmi(namespace: &str) -> Reference {
    Reference::new("kubevirt.io/v1", "VirtualMachineInstance", namespace, "web-vm")
}

/// A claim.
pub fn claim(namespace: &str, name: &str) -> Reference {
    Reference::new("v1", "PersistentVolumeClaim", namespace, name)
}

/// Waits until the machine called `web` is in a state such as `Running`; gives the VirtualMachine.
pub async fn until_state(cluster: &Cluster, namespace: &str, state: &str) -> Result<Value> {
    until(cluster, &vm(namespace), "/status/printableStatus", &json!(state)).await
}

/// Waits until a field of an object has a value; gives the object.
pub async fn until(cluster: &Cluster, reference: &Reference, pointer: &str, value: &Value) -> Result<Value> {
    let wanted = |object: Option<&Value>| object.and_then(|object| object.pointer(pointer)) == Some(value);
    let found = cluster.objects.wait(reference, LONG, wanted).await;
    found.with_context(|| format!("waiting for {pointer} = {value}"))?.context("gone")
}

/// Waits until an object is gone.
pub async fn until_gone(cluster: &Cluster, reference: &Reference) -> Result<()> {
    cluster.objects.wait(reference, LONG, |object| object.is_none()).await.map(|_| ())
}

/// The documents of a YAML or JSON text as kubectl reads them; a List is its items.
pub fn objects(text: &str) -> Vec<Value> {
    let mut report = Report::default();
    let documents = wukong::source::documents(0, text, &mut report);
    let values = documents.iter().map(|document| wukong::source::kubectl_value(&document.root));
    values
        .flat_map(|value| match value {
            Value::Object(ref list) if list.get("kind") == Some(&json!("List")) => {
                value["items"].as_array().cloned().unwrap_or_default()
            }
            value => vec![value],
        })
        .filter(|value| value["kind"].is_string())
        .collect()
}

/// A condition of an object.
pub fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    conditions.iter().find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

/// A line of a table in the output of the tests.
pub fn note(line: &str) {
    eprintln!("{line}");
}
