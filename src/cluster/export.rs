//! Lets KubeVirt serve a disk, and fetches it: from outside of the cluster where there is an address for that, else
//! through the API server, which passes the request on to the Service of the exporter.
//!
//! `virtctl` forwards a port to the exporter's pod instead; both need a right, and this one needs no second connection.
//! The API server does not verify the certificate of what it passes on to, as a forwarded port cannot either: the token
//! goes to whatever pod the Service selects.

use std::env;
use std::fmt;
use std::time::Duration;

use http::Method;
use http_body_util::BodyExt as _;
use kube::Config;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::arrival::end;
use super::pem::certificates;
use super::proxy;
use super::refused::clean;
use super::request::{JSON, Request, encode};
use super::runtime::{interrupted, pause};
use super::write::written;
use super::{Asked, Door, Reason, Refused, Write};
use crate::export::Taken;
use crate::export::{GROUP, HEADER, Link, State, body, secret, state};
use crate::facts::{MANAGER, text};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    /// The version of the API that the server speaks.
    pub version: &'static str,
    /// The namespace.
    pub namespace: &'a str,
    /// The disk.
    pub taken: &'a Taken,
    /// After how many seconds KubeVirt ends it by itself.
    pub ttl: u64,
}

/// An export, and what lets its maker in.
pub struct Served {
    /// The VirtualMachineExport.
    pub export: Value,
    token: String,
}

impl fmt::Debug for Served {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("name", &self.export["metadata"]["name"]).finish_non_exhaustive()
    }
}

/// Why a disk was not fetched.
#[derive(Debug)]
pub enum Unfetched {
    /// The server refused.
    Refused(Box<Refused>),
    /// KubeVirt does not serve it, and why.
    NotServed(String),
    /// It is not ready in time, and what it waits for.
    TimedOut(String),
    /// The way to the exporter failed.
    Broken(String),
    /// What was fetched cannot be written.
    Unwritten(String),
    /// The person wanted to wait no longer.
    Interrupted,
}

impl From<Refused> for Unfetched {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

/// Takes each piece of what is fetched; what it says ends it.
pub type Sink<'a> = dyn FnMut(&[u8]) -> Result<(), String> + Send + 'a;

const PAUSE: Duration = Duration::from_millis(500);
/// How long an exporter may be silent.
const SILENCE: Duration = Duration::from_mins(1);
/// How long a token is: as those that KubeVirt makes. Source: KubeVirt, pkg/util, GenerateVMExportToken.
const LETTERS: usize = 20;

/// Asks KubeVirt to serve a disk. What was made goes with [`withdraw`].
///
/// # Errors
/// The server refused; nothing is left then.
pub async fn offer(door: &Door, order: &Order<'_>) -> Result<Served, Refused> {
    let write = Write { manager: MANAGER, force: false, dry_run: false };
    let asked = |name: &str| Asked { name: Some(name.to_owned()), ..question("create", order.namespace) };
    let random = |length| {
        random(length).ok_or_else(|| Refused::new(Reason::Other, &asked(""), "this computer gives no random numbers"))
    };
    let name = format!("wukong-{}", random(10)?.to_lowercase());
    let token = random(LETTERS)?;
    let body = body(order.version, order.namespace, &name, order.taken, order.ttl);
    let path = path(order.version, order.namespace, None);
    let request = written(Request::new(asked(&name), Method::POST, path), &write).body(JSON, &body);
    let mut export = door.send(request.once()).await?;
    export["apiVersion"] = body["apiVersion"].clone();
    let served = Served { export, token };
    match door.create(&secret(&served.export, &served.token), &write).await {
        Ok(_) => Ok(served),
        Err(refused) => {
            // The first refusal says more than a second one.
            let _ = withdraw(door, &served).await;
            Err(refused)
        }
    }
}

/// Takes back an export; its Secret and its pod go with it.
///
/// # Errors
/// The server refused: it ends by itself later.
pub async fn withdraw(door: &Door, served: &Served) -> Result<(), Refused> {
    let part = |at: &str| text(&served.export, at).unwrap_or_default();
    let (name, namespace) = (part("/metadata/name"), part("/metadata/namespace"));
    let asked = Asked { name: Some(name.to_owned()), ..question("delete", namespace) };
    let options = json!({
        "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
        "preconditions": {"uid": part("/metadata/uid")},
    });
    let request = Request::new(asked, Method::DELETE, path(version(&served.export), namespace, Some(name)));
    match door.send(request.body(JSON, &options)).await {
        Err(refused) if refused.reason != Reason::NotFound => Err(refused),
        _ => Ok(()),
    }
}

/// Waits until KubeVirt serves; `show` hears what it waits for.
///
/// # Errors
/// Why it does not.
pub async fn ready(
    door: &Door,
    served: &mut Served,
    time: Duration,
    show: &mut (dyn FnMut(&str) + Send),
) -> Result<(), Unfetched> {
    let part = |at: &str| text(&served.export, at).unwrap_or_default().to_owned();
    let (name, namespace) = (part("/metadata/name"), part("/metadata/namespace"));
    let address = path(version(&served.export), &namespace, Some(&name));
    let look = async {
        let end = end(time);
        let mut told = String::new();
        loop {
            let asked = Asked { name: Some(name.clone()), ..question("get", &namespace) };
            let found = door.send(Request::new(asked, Method::GET, address.clone())).await?;
            match state(&found) {
                State::Ready => return Ok(found),
                State::Over(why) => return Err(Unfetched::NotServed(why)),
                State::Waiting(detail) => {
                    if detail != told {
                        show(&detail);
                        told = detail;
                    }
                }
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return Err(Unfetched::TimedOut(told));
            }
            pause(PAUSE).await;
        }
    };
    served.export = tokio::select! {
        found = look => found?,
        () = interrupted() => return Err(Unfetched::Interrupted),
    };
    Ok(())
}

/// Fetches what is served, piece by piece.
///
/// # Errors
/// Why it did not come to its end. The token is in none of it.
pub async fn fetch_disk(door: &Door, served: &Served, link: &Link, sink: &mut Sink<'_>) -> Result<(), Unfetched> {
    let fetched = async {
        let (client, address) = match &link.path {
            Some(path) => (door.0.client.clone(), path.clone()),
            None => outside(link)?,
        };
        let mut body = open(&client, &address, &served.token).await?;
        loop {
            let frame = timeout(SILENCE, body.frame()).await;
            let frame = frame.map_err(|_| broken(&format!("the exporter was silent for {} s", SILENCE.as_secs())))?;
            let Some(frame) = frame else { return Ok(()) };
            let frame = frame.map_err(|error| broken(&format!("the connection broke: {error}")))?;
            if let Ok(data) = frame.into_data() {
                sink(&data).map_err(Unfetched::Unwritten)?;
            }
        }
    };
    tokio::select! {
        done = fetched => done,
        () = interrupted() => Err(Unfetched::Interrupted),
    }
}

/// A client for an address outside of the cluster, which trusts those who sign for it and nobody else.
fn outside(link: &Link) -> Result<(kube::Client, String), Unfetched> {
    let unusable = |why: &str| broken(&format!("the link of the export cannot be used: {why}"));
    let uri: http::Uri = link.url.parse().map_err(|_| unusable("it is no address"))?;
    let host = uri.authority().ok_or_else(|| unusable("it names no server"))?;
    // The token would be read on the way.
    if uri.scheme_str() != Some("https") {
        return Err(unusable("it is not encrypted"));
    }
    let server: http::Uri = format!("https://{host}").parse().map_err(|_| unusable("it names no server"))?;
    let address = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
    let proxy = proxy::choose(&server, None, |name| env::var(name).ok()).map_err(|why| unusable(&why))?;
    let mut config = Config::new(server);
    config.proxy_url = proxy;
    if !link.authority.trim().is_empty() {
        config.root_cert = Some(certificates(link.authority.as_bytes()).map_err(|error| unusable(&error.to_string()))?);
    }
    let client = kube::Client::try_from(config).map_err(|error| unusable(&error.to_string()))?;
    Ok((client, address))
}

async fn open(client: &kube::Client, address: &str, token: &str) -> Result<Body, Unfetched> {
    let message = http::Request::get(address)
        .header(http::header::ACCEPT, "*/*")
        // What is compressed is the file itself.
        .header(http::header::ACCEPT_ENCODING, "identity")
        .header(http::header::USER_AGENT, concat!("kubectl-wukong/", env!("CARGO_PKG_VERSION")))
        .header(HEADER, token)
        .body(Body::empty())
        .map_err(|_| broken("the link of the export holds a sign that is not allowed"))?;
    let sent = timeout(SILENCE, client.send(message)).await.map_err(|_| broken("the exporter does not answer"))?;
    let response = sent.map_err(|error| {
        let mut words = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(below) = cause {
            words = format!("{words}: {below}");
            cause = below.source();
        }
        broken(&format!("the exporter is not reached: {words}"))
    })?;
    let (parts, body) = response.into_parts();
    if parts.status.is_success() {
        return Ok(body);
    }
    // A status of the API server says which right is missing.
    let bytes = timeout(SILENCE, http_body_util::Limited::new(body, 1 << 16).collect()).await;
    let text = bytes.ok().and_then(Result::ok).map(|bytes| String::from_utf8_lossy(&bytes.to_bytes()).into_owned());
    let status: Value = text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let words = status["message"].as_str().unwrap_or_default();
    Err(broken(&format!("the exporter is not reached: status {} {words}", parts.status.as_u16())))
}

fn broken(words: &str) -> Unfetched {
    Unfetched::Broken(clean(words).trim_end().to_owned())
}

fn question(verb: &'static str, namespace: &str) -> Asked {
    Asked {
        verb,
        resource: format!("virtualmachineexports.{GROUP}"),
        namespace: Some(namespace.to_owned()),
        ..Asked::default()
    }
}

fn version(export: &Value) -> &str {
    text(export, "/apiVersion").and_then(|version| version.rsplit_once('/')).map_or("v1beta1", |(_, version)| version)
}

fn path(version: &str, namespace: &str, name: Option<&str>) -> String {
    let list = format!("/apis/{GROUP}/{version}/namespaces/{}/virtualmachineexports", encode(namespace));
    name.map_or(list.clone(), |name| format!("{list}/{}", encode(name)))
}

/// Letters and digits that nobody can guess.
fn random(length: usize) -> Option<String> {
    const SIGNS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).ok()?;
    // 32 signs: no byte is more likely than another.
    Some(bytes.iter().map(|byte| char::from(SIGNS[usize::from(byte % 32)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_different() {
        let all: std::collections::BTreeSet<_> = (0..100).filter_map(|_| random(LETTERS)).collect();
        assert_eq!(all.len(), 100);
        assert!(all.iter().all(|token| token.len() == 20 && token.bytes().all(|byte| byte.is_ascii_alphanumeric())));
    }

    #[test]
    fn a_token_is_not_shown_and_not_sent_in_the_open() {
        let served = Served { export: json!({"metadata": {"name": "x"}}), token: "t0ken".into() };
        assert!(!format!("{served:?}").contains("t0ken"));
        let link = Link { url: "http://h/p".into(), authority: String::new(), path: None };
        assert!(matches!(outside(&link), Err(Unfetched::Broken(why)) if why.contains("not encrypted")));
    }
}
