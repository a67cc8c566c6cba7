//! Starts the components in order, each when the one before it is ready.

use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;

use crate::components::{Component, Place, Ports};
use crate::install;
use crate::objects::Objects;
use crate::pki::{Identity, Pki};
use crate::processes::Process;
use crate::programs::Programs;
use crate::versions::Set;

/// How long a component may take to be ready on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);

/// The running components, and how to reach them.
pub(crate) struct ControlPlane {
    processes: Vec<Process>,
    pub(crate) pki: Pki,
    pub(crate) ports: Ports,
}

impl ControlPlane {
    /// Starts everything in a folder of its own; returns when a machine goes through the whole admission.
    pub(crate) async fn start(set: Set, programs: &Programs, folder: &Path) -> Result<Self> {
        let (pki, ports) = (Pki::create(&folder.join("pki"))?, Ports::free()?);
        let place = Place { set, programs, folder, pki: &pki, ports };
        let mut running = Self { processes: Vec::new(), pki: pki.clone(), ports };
        for identity in Identity::ALL {
            let text = running.kubeconfig(identity).to_string();
            std::fs::write(folder.join(format!("{}.kubeconfig", identity.name())), text)?;
        }
        std::fs::write(folder.join("audit.yaml"), include_str!("../manifests/audit.yaml"))?;
        running.run(&place, &place.etcd())?;
        running.run(&place, &place.api_server())?;
        let objects = running.objects(Identity::Admin).await?;
        running.until("kube-apiserver is ready", async || ready(&objects).await).await?;
        running.run(&place, &place.controller_manager())?;
        running.run(&place, &place.scheduler())?;

        let kubevirt = install::manifests(&place.virt_api().program)?;
        let cdi = install::manifests(&place.cdi().program)?;
        install::definitions(&objects, kubevirt.iter().chain(&cdi)).await?;
        install::configuration(&objects, &pki.authority, set).await?;
        install::loopback(&objects, &[ports.virt_api, ports.cdi]).await?;
        install::local_path(&objects, folder).await?;
        for component in [place.virt_api(), place.virt_controller(), place.cdi(), place.local_path()] {
            running.run(&place, &component)?;
        }
        let listens = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
        running.until("the webhooks listen", async || Ok(listens(ports.virt_api) && listens(ports.cdi))).await?;
        install::routes(&objects, &kubevirt, ports.virt_api, &pki.authority).await?;
        install::routes(&objects, &cdi, ports.cdi, &pki.authority).await?;
        running.until("a machine is admitted", async || install::admits(&objects).await).await?;
        Ok(running)
    }

    fn run(&mut self, place: &Place<'_>, component: &Component) -> Result<()> {
        self.processes.push(Process::start(&place.programs.lifeline(), component, place.folder)?);
        Ok(())
    }

    /// Waits for a condition, and fails at once when a component ends.
    async fn until(&mut self, what: &str, mut condition: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        loop {
            self.check()?;
            let error = match condition().await {
                Ok(true) => return Ok(()),
                Ok(false) => None,
                Err(error) => Some(error),
            };
            if Instant::now() > deadline {
                let why = error.map_or(String::new(), |error| format!(": {error:#}"));
                bail!("waited {} s until {what}{why}", LIMIT.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// An error if a component has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.processes.iter_mut().try_for_each(Process::check)
    }

    /// The address of the API server.
    pub(crate) fn server(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.api)
    }

    /// Ends all components.
    pub(crate) fn end(&mut self) {
        self.processes.clear();
    }

    /// A kubeconfig for an identity, as JSON, which is YAML.
    pub(crate) fn kubeconfig(&self, identity: Identity) -> serde_json::Value {
        kubeconfig(&self.server(), &self.pki, self.pki.token(identity))
    }

    /// A connection with an identity.
    pub(crate) async fn objects(&self, identity: Identity) -> Result<Objects> {
        Ok(Objects::new(client(&self.kubeconfig(identity)).await?))
    }
}

/// A kubeconfig with a bearer token.
pub(crate) fn kubeconfig(server: &str, pki: &Pki, token: &str) -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {
            "server": server, "certificate-authority": pki.path("ca.crt").display().to_string(),
        }}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    })
}

/// A client from a kubeconfig that is at hand.
pub(crate) async fn client(kubeconfig: &serde_json::Value) -> Result<Client> {
    let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig.clone())?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    // Nothing here is reached through a proxy that the environment may name.
    config.proxy_url = None;
    Client::try_from(config).context("no client")
}

async fn ready(objects: &Objects) -> Result<bool> {
    let request = hyper::Request::get("/readyz").body(Vec::new())?;
    Ok(objects.client.request_text(request).await? == "ok")
}
