//! A proxy before the API server that misbehaves on command.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use kube::client::Body;
use kube::{Client, Config};
use serde_json::json;

use crate::pki::Pki;
use crate::serve::{self, Cut};

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The answer is an error of this HTTP status (409, 429, 500, …), as the API server words it.
    Status(u16),
    /// The connection is cut before the API server sees the request.
    Cut,
    /// The API server does what was asked, but the connection is cut before the answer comes back.
    CutAfter,
    /// The request waits before it goes on.
    Delay(Duration),
}

/// Which requests a fault befalls, and how often.
#[derive(Clone, Debug)]
struct Rule {
    method: String,
    path: String,
    /// How many requests pass before the first that meets the fault.
    skip: usize,
    times: usize,
    fault: Fault,
}

/// A running proxy. Requests that no rule names pass through, watches included; connections that are upgraded (consoles)
/// do not.
pub struct FaultProxy {
    rules: Arc<Mutex<VecDeque<Rule>>>,
    seen: Arc<Mutex<Vec<String>>>,
    /// Its address, to be used as the address of the API server.
    pub server: String,
}

impl FaultProxy {
    /// Stands for all methods but GET.
    pub const WRITE: &str = "writes";

    pub(crate) async fn start(pki: &Pki, server: &str) -> Result<Self> {
        let mut config = Config::new(server.parse()?);
        config.root_cert = Some(vec![pem_to_der(&pki.authority)?]);
        // Callers bring their own credentials, and are to see every refusal of the API server.
        config.default_retry = false;
        let client = Client::try_from(config)?;
        let rules: Arc<Mutex<VecDeque<Rule>>> = Arc::default();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (own_rules, own_seen) = (rules.clone(), seen.clone());
        let answer = move |request: Request<Incoming>| {
            let line = format!("{} {}", request.method(), request.uri());
            own_seen.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            let fault = next(&own_rules, request.method().as_str(), &request.uri().to_string());
            forward(client.clone(), request, fault)
        };
        let port = serve::start(pki, "server", 0, answer).await?;
        Ok(Self { rules, seen, server: format!("https://127.0.0.1:{port}") })
    }

    /// The next `times` requests of this method whose path or query contains this text meet the fault. `*` is any method,
    /// [`FaultProxy::WRITE`] any that writes. Rules are tried in the order in which they were given.
    pub fn fail(&self, method: &str, path: &str, times: usize, fault: Fault) {
        self.fail_after(0, method, path, times, fault);
    }

    /// As [`FaultProxy::fail`], but the first `skip` of these requests pass.
    pub fn fail_after(&self, skip: usize, method: &str, path: &str, times: usize, fault: Fault) {
        let rule = Rule { method: method.to_owned(), path: path.to_owned(), skip, times, fault };
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).push_back(rule);
    }

    /// Forgets all rules.
    pub fn heal(&self) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// All requests so far, as `METHOD URL`.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests so far were to write, those that met a fault included.
    pub fn writes(&self) -> usize {
        self.seen().iter().filter(|line| !line.starts_with("GET ")).count()
    }
}

fn next(rules: &Mutex<VecDeque<Rule>>, method: &str, url: &str) -> Option<Fault> {
    let mut rules = rules.lock().unwrap_or_else(PoisonError::into_inner);
    for rule in rules.iter_mut().filter(|rule| rule.times > 0 && url.contains(&rule.path)) {
        let meant = match rule.method.as_str() {
            "*" => true,
            FaultProxy::WRITE => method != "GET",
            wanted => wanted == method,
        };
        if meant && rule.skip == 0 {
            rule.times -= 1;
            return Some(rule.fault);
        }
        rule.skip -= usize::from(meant);
    }
    None
}

pub(crate) async fn forward(
    client: Client,
    request: Request<Incoming>,
    fault: Option<Fault>,
) -> Result<Response<Either<Body, Full<Bytes>>>, Cut> {
    match fault {
        Some(Fault::Status(code)) => return Ok(refused(code)),
        Some(Fault::Cut) => return Err(Cut),
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        Some(Fault::CutAfter) | None => {}
    }
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    // The client below adds its own.
    parts.headers.remove("host");
    parts.headers.remove("content-length");
    let path = parts.uri.path_and_query().cloned().ok_or(Cut)?;
    parts.uri = path.to_string().parse().map_err(|_| Cut)?;
    let answer = client.send(Request::from_parts(parts, Body::from(body.to_vec()))).await.map_err(|_| Cut)?;
    if fault == Some(Fault::CutAfter) {
        return Err(Cut);
    }
    Ok(answer.map(Either::Left))
}

/// An error as the API server words it, with the wait that goes with too many requests.
fn refused(code: u16) -> Response<Either<Body, Full<Bytes>>> {
    let reason = match code {
        409 => "Conflict",
        429 => "TooManyRequests",
        500 => "InternalError",
        503 => "ServiceUnavailable",
        _ => "Unknown",
    };
    let status = json!({
        "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure", "code": code, "reason": reason,
        "message": format!("the fault proxy answers {code}"),
    });
    let mut response = Response::new(Either::Right(Full::new(Bytes::from(status.to_string()))));
    *response.status_mut() = hyper::StatusCode::from_u16(code).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    if code == 429 {
        headers.insert("retry-after", hyper::header::HeaderValue::from_static("1"));
    }
    response
}

pub(crate) fn pem_to_der(pem: &str) -> Result<Vec<u8>> {
    use tokio_rustls::rustls::pki_types::CertificateDer;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    Ok(CertificateDer::from_pem_slice(pem.as_bytes())?.to_vec())
}
