//! One try of a request: what is sent, what comes back, and what is made of an answer that is none.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;
use tokio::time::timeout;

use super::refused::{Reason, clean};
use super::request::Request;
use super::retry::{Again, Failure};
use super::{Asked, Door, Refused, warning};

/// How long the head of an answer may take. The server itself gives up after a minute.
const HEAD: Duration = Duration::from_secs(90);
/// How long an answer may pause.
const PAUSE: Duration = Duration::from_mins(1);

impl Door {
    /// One try, up to the body of a good answer.
    pub(super) async fn open(&self, request: &Request) -> Result<Body, Failure> {
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
        let sent = Instant::now();
        let answer = self.patiently(asked, HEAD, self.0.client.send(message)).await;
        let status = answer.as_ref().ok().and_then(|answer| Some(answer.as_ref().ok()?.status().as_u16()));
        let address = format!("{}{}", self.server(), request.address);
        self.0.notices.tried(request.method.as_str(), &address, status, sent.elapsed());
        let response = match answer? {
            Ok(response) => response,
            Err(error) => return Err(self.0.way.explain(asked, &error)),
        };
        let (parts, body) = response.into_parts();
        for header in parts.headers.get_all(http::header::WARNING) {
            self.warn(&String::from_utf8_lossy(header.as_bytes()));
        }
        // What is announced need not be read. A compressed answer announces nothing.
        let length = parts.headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        if length.and_then(|length| length.parse::<usize>().ok()).is_some_and(|length| length > self.0.answer) {
            return Err(self.too_large(asked));
        }
        let status = parts.status;
        if status.is_success() {
            return Ok(body);
        }
        let header = |name| parts.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let retry_after = header(http::header::RETRY_AFTER).map(str::to_owned);
        let location = header(http::header::LOCATION).map(clean);
        let bytes = self.collect(asked, body).await?;
        let mut told = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_redirection() {
            let to = location.map(|to| format!(", to `{to}`")).unwrap_or_default();
            let message = format!("{} redirects{to}; is it the address of an API server?", self.server());
            let refused = Refused { code: Some(status.as_u16()), ..Refused::new(Reason::Other, asked, &message) };
            return Err(Failure::final_(refused));
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
    pub(super) async fn read(&self, asked: &Asked, body: Body) -> Result<Value, Failure> {
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
