//! A real Prometheus beside the cluster, what it scrapes, and gates before it.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, LOCATION};
use hyper::{Request, Response, StatusCode};
use kube::{Client, Config};
use serde_json::Value;

use crate::components::prometheus;
use crate::faults::forward;
use crate::processes::{Process, free_ports};
use crate::serve::{self, Cut};

/// How long it may take on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);

/// A running Prometheus. It ends when this is dropped.
pub struct Prometheus {
    process: Mutex<Process>,
    exported: Arc<Mutex<Option<String>>>,
    client: Client,
    /// Its address.
    pub address: String,
}

/// What stands before a Prometheus.
#[derive(Clone, Debug)]
pub enum Gate {
    /// Everybody is passed on.
    Open,
    /// Only who has this bearer token.
    Token(String),
    /// Nobody: everybody is sent to this address.
    Elsewhere(String),
}

/// A running gate.
pub struct Gatekeeper {
    /// Its address.
    pub address: String,
    /// Its port.
    pub port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Gatekeeper {
    /// The requests so far, as `METHOD PATH`.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An address of this machine that is not the loopback: an object of the API server may name only such a one.
pub fn own_address() -> Result<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    // Nothing is sent: this only asks for the way there, which is an address of documentation (RFC 5737).
    socket.connect((Ipv4Addr::new(198, 51, 100, 1), 9)).context("this machine has only a loopback address")?;
    match socket.local_addr()?.ip() {
        IpAddr::V4(address) if !address.is_loopback() => Ok(address),
        other => bail!("this machine has only the address {other}"),
    }
}

impl Prometheus {
    /// Starts one in a folder of its own; returns when it answers.
    pub(crate) async fn start(lifeline: &Path, folder: PathBuf) -> Result<Self> {
        let found = std::process::Command::new("prometheus").arg("--version").output();
        found.context("prometheus is not on the PATH; Debian has it in the package prometheus")?;
        std::fs::create_dir_all(&folder)?;
        let exported: Arc<Mutex<Option<String>>> = Arc::new(Mutex::new(Some(String::new())));
        let own = exported.clone();
        let metrics = serve::plain(Ipv4Addr::LOCALHOST.into(), move |_: Request<Incoming>| {
            let text = own.lock().unwrap_or_else(PoisonError::into_inner).clone();
            async move {
                let mut response = Response::new(Full::new(Bytes::from(text.clone().unwrap_or_default())));
                if text.is_none() {
                    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                }
                Ok::<_, Cut>(response)
            }
        })
        .await?;
        // KubeVirt's ServiceMonitor keeps the labels of its metrics too.
        let settings = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
             scrape_configs:\n  - job_name: kubevirt\n    honor_labels: true\n    static_configs: [{{targets: ['127.0.0.1:{metrics}']}}]\n"
        );
        std::fs::write(folder.join("prometheus.yml"), settings)?;
        let [port] = free_ports()?;
        let process = Mutex::new(Process::start(lifeline, &prometheus(port), &folder)?);
        let address = format!("http://127.0.0.1:{port}");
        let mut config = Config::new(address.parse()?);
        config.proxy_url = None;
        config.default_retry = false;
        let started = Self { process, exported, client: Client::try_from(config)?, address };
        let ready = async || {
            let request = Request::get("/-/ready").body(Vec::new())?;
            Ok(started.client.request_text(request).await.is_ok())
        };
        started.wait("it is ready", ready).await?;
        Ok(started)
    }

    /// What it finds at its next scrapes; none is a scrape that fails.
    pub fn export(&self, metrics: Option<String>) {
        *self.exported.lock().unwrap_or_else(PoisonError::into_inner) = metrics;
    }

    /// The value of an expression, if it has exactly one.
    pub async fn ask(&self, expression: &str) -> Result<Option<f64>> {
        let escaped: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let request = Request::get(format!("/api/v1/query?query={escaped}")).body(Vec::new())?;
        let answer: Value = self.client.request(request).await?;
        ensure!(answer["status"] == "success", "{expression}: {answer}");
        let found = answer["data"]["result"].as_array().context("no vector")?;
        let [one] = found.as_slice() else { return Ok(None) };
        Ok(one["value"][1].as_str().and_then(|value| value.parse().ok()))
    }

    /// Waits until an expression has a value.
    pub async fn until(&self, expression: &str) -> Result<f64> {
        self.wait(expression, async || Ok(self.ask(expression).await?.is_some())).await?;
        self.ask(expression).await?.with_context(|| format!("{expression} has gone again"))
    }

    async fn wait(&self, what: &str, condition: impl AsyncFn() -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while !condition().await? {
            self.process.lock().unwrap_or_else(PoisonError::into_inner).check()?;
            ensure!(Instant::now() < deadline, "waited {} s for Prometheus until {what}", LIMIT.as_secs());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// A gate before it, on an address of this machine.
    pub async fn gate(&self, host: IpAddr, gate: Gate) -> Result<Gatekeeper> {
        let (client, seen) = (self.client.clone(), Arc::<Mutex<Vec<String>>>::default());
        let own = seen.clone();
        let answer = move |mut request: Request<Incoming>| {
            let line = format!("{} {}", request.method(), request.uri().path());
            own.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            let (client, gate) = (client.clone(), gate.clone());
            async move {
                let told = request.headers_mut().remove(AUTHORIZATION);
                let turned_away = |status| {
                    let mut response = Response::new(Either::Right(Full::new(Bytes::from("not here\n"))));
                    *response.status_mut() = status;
                    response
                };
                match gate {
                    Gate::Token(token) if told.as_ref().is_none_or(|told| *told != format!("Bearer {token}")) => {
                        Ok(turned_away(StatusCode::UNAUTHORIZED))
                    }
                    Gate::Elsewhere(address) => {
                        let mut response = turned_away(StatusCode::TEMPORARY_REDIRECT);
                        let place = format!("{address}{}", request.uri());
                        response.headers_mut().insert(LOCATION, place.parse().map_err(|_| Cut)?);
                        Ok(response)
                    }
                    Gate::Open | Gate::Token(_) => forward(client, request, None).await,
                }
            }
        };
        let port = serve::plain(host, answer).await?;
        Ok(Gatekeeper { address: format!("http://{host}:{port}"), port, seen })
    }
}
