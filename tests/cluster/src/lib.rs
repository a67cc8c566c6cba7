//! The real control planes of Kubernetes, KubeVirt and CDI on this machine, for tests and for trying things out.
//!
//! etcd, kube-apiserver, kube-controller-manager, kube-scheduler, virt-api, virt-controller, CDI's API server and
//! controllers and local-path-provisioner are the real programs, built from Go modules (`go/`). What cannot run here
//! is simulated: kubelets (`kubelet`), virt-handler and its guests (`handler`), storage drivers other than local-path
//! (`storage`), CDI's pods (`workers`) and what they say. No byte of a disk exists; a word on each volume stands for
//! what is on it (`content`).
//!
//! A cluster lives in its own folder under `target/cluster`, listens on free ports of 127.0.0.1, and ends with the
//! process that started it, however that ends.

pub mod backends;
mod components;
pub mod content;
mod control_plane;
mod exports;
mod faults;
pub mod handler;
mod importer;
mod install;
mod kubelet;
mod monitoring;
pub mod nodes;
mod objects;
mod pki;
mod processes;
mod programs;
mod progress;
mod serve;
mod storage;
mod users;
mod versions;
mod watched;
mod workers;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::control_plane::ControlPlane;
use crate::pki::Identity;
use crate::programs::Programs;
use crate::watched::Watched;

pub use crate::exports::Exports;
pub use crate::faults::{Fault, FaultProxy};
pub use crate::monitoring::{Gate, Gatekeeper, Prometheus, own_address};
pub use crate::objects::{Objects, Reference, documents};
pub use crate::programs::{go_version, tool};
pub use crate::users::Right;
pub use crate::versions::Set;

/// A running cluster. Dropping it ends all its processes.
pub struct Cluster {
    plane: Mutex<ControlPlane>,
    simulation: Vec<JoinHandle<()>>,
    folder: PathBuf,
    lifeline: PathBuf,
    /// The versions that run.
    pub set: Set,
    /// A connection that may do everything.
    pub objects: Objects,
    // The last field: the lock is given back when everything has ended.
    _lock: File,
}

impl Cluster {
    /// Builds what is missing and starts a cluster under `target` (the folder `target` of a Cargo build). Must be called
    /// on a multi-threaded Tokio runtime that lives as long as the cluster.
    pub async fn start(set: Set, target: &Path) -> Result<Self> {
        let home = target.join("cluster");
        let prepare = move || -> Result<_> {
            let _one = programs::lock(&home)?;
            Ok((Programs::build(set, &home)?, own_folder(&home)?))
        };
        let (programs, (folder, lock)) = tokio::task::spawn_blocking(prepare).await??;
        let plane = ControlPlane::start(set, &programs, &folder).await?;
        let objects = plane.objects(Identity::Admin).await?;
        let handler = plane.objects(Identity::VirtHandler).await?;
        for node in nodes::NODES {
            nodes::add(&objects, node, false).await?;
        }
        let world = Watched::new(objects.clone());
        importer::serve(world.clone(), &plane.pki, plane.ports.progress).await?;
        handler::agents::serve(world.clone(), &plane.pki, plane.ports.agents).await?;
        let log = Arc::new(File::create(folder.join("simulation.log"))?);
        let pace = Duration::from_millis(250);
        let storage = objects.clone();
        let handlers = move |w: Arc<Watched>, o: Objects| {
            let storage = storage.clone();
            async move { handler::step(&w, &o, &storage).await }
        };
        let simulation = vec![
            forever(&log, &world, &handler, pace, handlers),
            forever(&log, &world, &objects, pace, |w, o| async move { kubelet::step(&w, &o).await }),
            forever(&log, &world, &objects, Duration::from_secs(5), |w, o| async move { kubelet::renew(&w, &o).await }),
            forever(&log, &world, &objects, pace, |w, o| async move { storage::step(&w, &o).await }),
            forever(
                &log,
                &world,
                &handler,
                Duration::from_secs(30),
                |w, o| async move { nodes::heartbeat(&w, &o).await },
            ),
        ];
        for node in nodes::NODES {
            let is_ready = |node: Option<&Value>| {
                let conditions = node.and_then(|node| node.pointer("/status/conditions")?.as_array());
                conditions.into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True")
            };
            objects.wait(&Reference::new("v1", "Node", "", node), Duration::from_mins(1), is_ready).await?;
        }
        let lifeline = programs.lifeline();
        Ok(Self { plane: Mutex::new(plane), simulation, folder, lifeline, set, objects, _lock: lock })
    }

    /// The folder of this run: logs, kubeconfig, certificates.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A kubeconfig file that may do everything.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.kubeconfig")
    }

    /// An error if a component has ended, with the end of its log.
    pub fn check(&self) -> Result<()> {
        self.plane.lock().unwrap_or_else(std::sync::PoisonError::into_inner).check()
    }

    /// Ends all processes. What is left in the folder (logs, certificates) is removed by the next start.
    pub fn end(&self) {
        self.plane.lock().unwrap_or_else(std::sync::PoisonError::into_inner).end();
    }

    /// Makes a namespace.
    pub async fn namespace(&self, name: &str) -> Result<()> {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.objects.apply(&namespace).await.with_context(|| format!("namespace {name}"))?;
        Ok(())
    }

    /// Adds a node for one test: it has the taint [`nodes::OWN`] with its name.
    pub async fn add_node(&self, name: &str) -> Result<()> {
        nodes::add(&self.objects, name, true).await
    }

    /// Silences the kubelet of a node. The real controllers notice it after 40 seconds.
    pub async fn lose_node(&self, name: &str) -> Result<()> {
        nodes::lose(&self.objects, name).await
    }

    /// Brings the kubelet of a node back.
    pub async fn find_node(&self, name: &str) -> Result<()> {
        nodes::find(&self.objects, name).await
    }

    /// A user who may do exactly this, in one namespace and in the cluster; gives the path of a kubeconfig.
    pub async fn user(&self, namespace: &str, name: &str, own: &[Right], cluster: &[Right]) -> Result<PathBuf> {
        let token = users::create(&self.objects, namespace, name, own, cluster).await?;
        let path = self.write_kubeconfig(&format!("users/{namespace}/{name}"), None, &token)?;
        let text = fs::read_to_string(&path)?;
        let user = Objects::new(control_plane::client(&serde_json::from_str(&text)?).await?);
        users::until_allowed(&user, namespace, own, cluster).await?;
        Ok(path)
    }

    /// A user who is bound to ClusterRoles that are there: by name, each in one namespace, or in the whole cluster where
    /// that is empty. Gives the path of a kubeconfig.
    pub async fn bound_user(&self, namespace: &str, name: &str, roles: &[(&str, &str)]) -> Result<PathBuf> {
        let token = users::bind(&self.objects, namespace, name, roles).await?;
        let path = self.write_kubeconfig(&format!("users/{namespace}/{name}"), None, &token)?;
        let text = fs::read_to_string(&path)?;
        let user = Objects::new(control_plane::client(&serde_json::from_str(&text)?).await?);
        for (role, scope) in roles {
            let rights = users::rights_of(&self.objects, role).await?;
            users::until_allowed(&user, scope, &rights, &[]).await?;
        }
        Ok(path)
    }

    /// What the API server wrote down of the users of the namespace `rights`, and of questions about users: the events of
    /// its audit log so far.
    pub fn audit(&self) -> Result<Vec<Value>> {
        let text = fs::read_to_string(self.folder.join(components::AUDIT_LOG))?;
        // The last line may be half written.
        let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        lines.map(|line| serde_json::from_str(line).context("the audit log")).collect()
    }

    /// A proxy that misbehaves on command, and a kubeconfig of an administrator behind it.
    pub async fn faults(&self, name: &str) -> Result<(FaultProxy, PathBuf)> {
        let (server, pki) = {
            let plane = self.plane.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            (plane.server(), plane.pki.clone())
        };
        let proxy = FaultProxy::start(&pki, &server).await?;
        let path = self.write_kubeconfig(&format!("faults/{name}"), Some(&proxy.server), pki.token(Identity::Admin))?;
        Ok((proxy, path))
    }

    /// A Prometheus that scrapes what a test gives it.
    pub async fn prometheus(&self, name: &str) -> Result<Prometheus> {
        Prometheus::start(&self.lifeline, self.folder.join(format!("prometheus-{name}"))).await
    }

    /// A server that serves disks, and a kubeconfig of an administrator behind it.
    pub async fn exports(&self, name: &str) -> Result<(Exports, PathBuf)> {
        self.exports_to(name, &self.kubeconfig()).await
    }

    /// A server that serves disks, and a kubeconfig behind it of the user of another one.
    pub async fn exports_to(&self, name: &str, user: &Path) -> Result<(Exports, PathBuf)> {
        let (server, pki) = {
            let plane = self.plane.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            (plane.server(), plane.pki.clone())
        };
        let exports = Exports::start(&pki, &server, self.objects.clone()).await?;
        let user: Value = serde_json::from_str(&fs::read_to_string(user)?)?;
        let token = user.pointer("/users/0/user/token").and_then(Value::as_str).context("no token")?;
        let path = self.write_kubeconfig(&format!("exports/{name}"), Some(&exports.server), token)?;
        Ok((exports, path))
    }

    fn write_kubeconfig(&self, name: &str, server: Option<&str>, token: &str) -> Result<PathBuf> {
        let plane = self.plane.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let text = control_plane::kubeconfig(server.unwrap_or(&plane.server()), &plane.pki, token).to_string();
        let path = self.folder.join(format!("{name}.kubeconfig"));
        fs::create_dir_all(path.parent().unwrap_or(&self.folder))?;
        fs::write(&path, text)?;
        Ok(path)
    }

    /// Makes what the examples of this project refer to: golden images and networks in namespaces of their own, keys and
    /// claims in `namespace`.
    pub async fn world(&self, namespace: &str) -> Result<()> {
        for mut object in documents(include_str!("../manifests/world.yaml"))? {
            let namespaced = !matches!(object["kind"].as_str(), Some("Namespace" | "StorageClass"));
            if namespaced && object["metadata"]["namespace"].is_null() {
                object["metadata"]["namespace"] = json!(namespace);
            }
            self.objects.apply(&object).await.with_context(|| Reference::of(&object).to_string())?;
        }
        Ok(())
    }

    /// Loads claims, volumes and classes of storage backends that cannot run here; gives the names of the claims, which
    /// lie in the namespace [`backends::NAMESPACE`].
    pub async fn backends(&self) -> Result<Vec<String>> {
        self.namespace(backends::NAMESPACE).await?;
        backends::load(&self.objects).await
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for task in &self.simulation {
            task.abort();
        }
    }
}

/// Repeats a step. A failed one (a server that goes away) is written down and taken again.
fn forever<F, Fut>(log: &Arc<File>, world: &Arc<Watched>, objects: &Objects, pace: Duration, step: F) -> JoinHandle<()>
where
    F: Fn(Arc<Watched>, Objects) -> Fut + Send + 'static,
    Fut: Future<Output = Result<()>> + Send,
{
    let (log, world, objects) = (log.clone(), world.clone(), objects.clone());
    tokio::spawn(async move {
        loop {
            if let Err(error) = step(world.clone(), objects.clone()).await {
                let _ = writeln!(&*log, "{} {error:#}", handler::now());
            }
            tokio::time::sleep(pace).await;
        }
    })
}

/// A new folder for one run, which only its owner can read: there are keys in it. Folders of runs that have ended are
/// removed first; a run that lives holds the lock of its folder. Whoever calls it holds the lock of `home`.
fn own_folder(home: &Path) -> Result<(PathBuf, File)> {
    let runs = home.join("runs");
    fs::create_dir_all(&runs)?;
    for entry in fs::read_dir(&runs)?.flatten() {
        let lives = File::open(entry.path().join("lock")).is_ok_and(|lock| lock.try_lock().is_err());
        if !lives {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let free = (0..1000).map(|count| runs.join(format!("{}-{count}", std::process::id()))).find(|path| !path.exists());
    let folder = free.context("no free name for the folder of this run")?;
    fs::create_dir_all(&folder)?;
    #[cfg(unix)]
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let lock = File::create(folder.join("lock"))?;
    lock.try_lock().context("another run has this folder")?;
    Ok((folder, lock))
}
