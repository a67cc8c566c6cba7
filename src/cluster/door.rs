//! The one place through which every request goes: how many at once, how often, how long, how large.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use http_body_util::BodyExt as _;
use kube::client::{Body, ClientBuilder};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::access::{self, Access};
use super::explain::Way;
use super::login::Login;
use super::refused::{Reason, clean};
use super::request::Request;
use super::retry::{Again, Failure};
use super::{Asked, Refused, warning};

/// What is heard on the way, besides answers.
pub trait Notices: Send + Sync {
    /// The server warns; each text is told once per door.
    fn warning(&self, text: &str);
    /// A request failed and is sent again after a wait.
    fn retry(&self, what: &str, reason: &str, after: Duration);
}

/// The way to one API server. Clones share everything.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    client: kube::Client,
    way: Way,
    notices: Arc<dyn Notices>,
    told: Mutex<HashSet<String>>,
    permits: Semaphore,
    request_timeout: Option<Duration>,
    answer: usize,
}

impl fmt::Debug for Door {
    /// Without anything that lets someone in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("server", &self.0.way.server).finish_non_exhaustive()
    }
}

/// How long the head of an answer may take. The server itself gives up after a minute.
const HEAD: Duration = Duration::from_secs(90);
/// How long an answer may pause.
const PAUSE: Duration = Duration::from_mins(1);

impl Door {
    /// Prepares the way; login plugins run, but nothing is sent yet.
    ///
    /// Fails if flags, kubeconfig and environment do not tell where the server is and who asks.
    pub async fn connect(access: &Access, notices: Arc<dyn Notices>) -> Result<Self> {
        let config = access::config(access)?;
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

    /// One try, up to the body of a good answer.
    async fn open(&self, request: &Request) -> Result<Body, Failure> {
        let asked = &request.asked;
        let mut message = http::Request::builder()
            .method(request.method.clone())
            .uri(&request.address)
            .header(http::header::ACCEPT, request.accept)
            .header(http::header::USER_AGENT, concat!("kubectl-wukong/", env!("CARGO_PKG_VERSION")));
        if !request.body.is_empty() {
            message = message.header(http::header::CONTENT_TYPE, request.content_type);
        }
        if asked.verb == "watch" {
            // Newer servers compress each event for itself, of which the client would only read the first.
            message = message.header(http::header::ACCEPT_ENCODING, "identity");
        }
        let message = message.body(Body::from(request.body.clone())).map_err(|_| {
            Failure::final_(Refused::new(
                Reason::Invalid,
                asked,
                "the name or the address holds a sign that is not allowed",
            ))
        })?;
        let response = match self.patiently(asked, HEAD, self.0.client.send(message)).await? {
            Ok(response) => response,
            Err(error) => return Err(self.0.way.explain(asked, &error)),
        };
        for header in response.headers().get_all(http::header::WARNING) {
            self.warn(&String::from_utf8_lossy(header.as_bytes()));
        }
        // What is announced need not be read. A compressed answer announces nothing.
        let length = response.headers().get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        if length.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| length > self.0.answer) {
            return Err(self.too_large(asked));
        }
        let status = response.status();
        if status.is_success() {
            return Ok(response.into_body());
        }
        let headers = response.headers();
        let header = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let retry_after = header(http::header::RETRY_AFTER).map(str::to_owned);
        let location = header(http::header::LOCATION).map(clean);
        let bytes = self.collect(asked, response.into_body()).await?;
        let mut told = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_redirection() {
            let to = location.map(|to| format!(", to `{to}`")).unwrap_or_default();
            let message = format!("{} redirects{to}; is it the address of an API server?", self.server());
            return Err(Failure::final_(Refused::new(Reason::Other, asked, &message)));
        }
        if told["message"].is_null() && !bytes.is_empty() && status != http::StatusCode::NOT_FOUND {
            told = serde_json::json!({ "message": self.plain(status.as_u16(), &bytes) });
        }
        let refused = Refused::of_status(asked, status.as_u16(), &told);
        Err(Failure::answered(refused, &told, retry_after.as_deref()))
    }

    /// What an error says that is no `Status`.
    fn plain(&self, code: u16, bytes: &[u8]) -> String {
        if is_page(bytes) {
            return format!("{} answered with status {code} and a web page", self.server());
        }
        let text: String = String::from_utf8_lossy(bytes).chars().take(300).collect();
        format!("the server answered with status {code}: {}", text.trim())
    }

    /// The JSON of a body.
    async fn read(&self, asked: &Asked, body: Body) -> Result<Value, Failure> {
        let bytes = self.collect(asked, body).await?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            let message = if is_page(&bytes) {
                let server = self.server();
                format!("{server} answered with a web page: the login of a proxy, or the address of something else")
            } else {
                format!(
                    "the answer of {} is not JSON (line {}, column {})",
                    self.server(),
                    error.line(),
                    error.column()
                )
            };
            Failure::final_(Refused::new(Reason::Other, asked, &message))
        })
    }

    /// All bytes of a body, up to the limit.
    async fn collect(&self, asked: &Asked, mut body: Body) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        while let Some(frame) = self.patiently(asked, PAUSE, body.frame()).await? {
            let frame = frame.map_err(|error| self.0.way.explain(asked, &error))?;
            if let Ok(data) = frame.into_data() {
                if bytes.len() + data.len() > self.0.answer {
                    return Err(self.too_large(asked));
                }
                bytes.extend_from_slice(&data);
            }
        }
        Ok(bytes)
    }

    fn too_large(&self, asked: &Asked) -> Failure {
        let message = format!("the answer is larger than {} MiB", self.0.answer >> 20);
        Failure::final_(Refused::new(Reason::Other, asked, &message))
    }

    /// Waits for the server, but not for one that has gone.
    async fn patiently<T>(
        &self,
        asked: &Asked,
        limit: Duration,
        answer: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        timeout(limit, answer).await.map_err(|_| Failure {
            refused: Refused::new(
                Reason::Timeout,
                asked,
                &format!("{} was silent for {} s", self.server(), limit.as_secs()),
            ),
            again: Again::IfRepeatable,
            after: None,
        })
    }

    fn warn(&self, header: &str) {
        for text in warning::texts(header) {
            let text = clean(&text);
            let new = self.0.told.lock().unwrap_or_else(PoisonError::into_inner).insert(text.clone());
            if new {
                self.0.notices.warning(&text);
            }
        }
    }
}

fn is_page(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"<")
}
