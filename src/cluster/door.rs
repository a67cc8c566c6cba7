//! The one place through which every request goes: how many at once, how often, how long.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use kube::client::{Body, ClientBuilder};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::Refused;
use super::access::{self, Access};
use super::explain::Way;
use super::login::Login;
use super::refused::{Reason, clean};
use super::request::Request;
use super::retry::Failure;

/// What is heard on the way, besides answers.
pub trait Notices: Send + Sync {
    /// The server warns; each text is told once per door.
    fn warning(&self, text: &str);
    /// A request failed and is sent again after a wait.
    fn retry(&self, what: &str, reason: &str, after: Duration);
    /// A try was answered with a status, or not at all, after a time. The address holds no secret.
    fn tried(&self, _method: &str, _address: &str, _status: Option<u16>, _after: Duration) {}
}

/// The way to one API server. Clones share everything.
#[derive(Clone)]
pub struct Door(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) client: kube::Client,
    pub(super) way: Way,
    pub(super) notices: Arc<dyn Notices>,
    pub(super) told: Mutex<HashSet<String>>,
    permits: Semaphore,
    request_timeout: Option<Duration>,
    pub(super) answer: usize,
}

impl fmt::Debug for Door {
    /// Without anything that lets someone in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("server", &self.0.way.server).finish_non_exhaustive()
    }
}

impl Door {
    /// Prepares the way; login plugins run, but nothing is sent yet.
    ///
    /// Fails if flags, kubeconfig and environment do not tell where the server is and who asks.
    pub async fn connect(access: &Access, notices: Arc<dyn Notices>) -> Result<Self> {
        Self::with(access::config(access)?, access, notices).await
    }

    /// As [`Door::connect`]; of `access` only the limits are used.
    pub(super) async fn with(config: kube::Config, access: &Access, notices: Arc<dyn Notices>) -> Result<Self> {
        let address = |url: &http::Uri| {
            let host = url.authority().map_or("", |authority| authority.as_str());
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{}://{host}", url.scheme_str().unwrap_or("http"))
        };
        let way = Way {
            server: address(&config.cluster_url),
            proxy: config.proxy_url.as_ref().map(address),
            login: Login::of(&config.auth_info),
        };
        // A login plugin may wait for a browser; the other tasks go on meanwhile.
        let built = tokio::task::spawn_blocking(move || ClientBuilder::try_from(config).map(ClientBuilder::build));
        let client = match built.await? {
            Ok(client) => client,
            Err(kube::Error::Auth(error)) => return Err(anyhow!(way.login.explain(&error))),
            Err(kube::Error::RustlsTls(error)) => {
                return Err(anyhow!(
                    "the certificates of the kubeconfig cannot be used: {}",
                    clean(&error.to_string())
                ));
            }
            Err(error) => return Err(anyhow!("the kubeconfig cannot be used: {}", clean(&error.to_string()))),
        };
        Ok(Self(Arc::new(Inner {
            client,
            way,
            notices,
            told: Mutex::default(),
            permits: Semaphore::new(access.limits.requests.clamp(1, Semaphore::MAX_PERMITS)),
            request_timeout: access.request_timeout.filter(|limit| !limit.is_zero()),
            answer: access.limits.answer,
        })))
    }

    /// The namespace of the context; `default` if it names none.
    pub fn namespace(&self) -> &str {
        self.0.client.default_namespace()
    }

    /// The address of the server.
    pub fn server(&self) -> &str {
        &self.0.way.server
    }

    /// The largest answer, in bytes.
    pub(super) fn answer_limit(&self) -> usize {
        self.0.answer
    }

    /// Sends a request until it is answered, and gives the JSON of the answer; `null` if that is empty.
    pub(super) async fn send(&self, request: Request) -> Result<Value, Refused> {
        self.persist(&request, || async {
            let body = self.open(&request).await?;
            self.read(&request.asked, body).await
        })
        .await
    }

    /// Sends a request until it is answered, and gives the answer as it comes.
    pub(super) async fn stream(&self, request: Request) -> Result<Body, Refused> {
        self.persist(&request, || self.open(&request)).await
    }

    /// Repeats a try while that is safe, may help, and time is left.
    async fn persist<T, F>(&self, request: &Request, once: impl Fn() -> F) -> Result<T, Refused>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let late = || Refused::new(Reason::Timeout, &request.asked, "no answer in time");
        // A server that is busy is left alone during the waits too. The semaphore is never closed.
        let _permit = self.0.permits.acquire().await.map_err(|_| late())?;
        let started = Instant::now();
        let mut tried = 0;
        loop {
            let tried_once = match self.0.request_timeout {
                Some(limit) => match timeout(limit.saturating_sub(started.elapsed()), once()).await {
                    Ok(done) => done,
                    Err(_) => return Err(late()),
                },
                None => once().await,
            };
            let failure = match tried_once {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            tried += 1;
            let Some(wait) = failure.wait(tried, request.repeatable) else { return Err(failure.refused) };
            if self.0.request_timeout.is_some_and(|limit| started.elapsed() + wait >= limit) {
                return Err(failure.refused);
            }
            self.0.notices.retry(&request.asked.to_string(), &failure.refused.message, wait);
            sleep(wait).await;
        }
    }
}
