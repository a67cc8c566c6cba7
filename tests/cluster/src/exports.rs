//! Exports of disks, as far as they can be here: KubeVirt's controller signs certificates with a key at a fixed place of a
//! computer, which a test must not write to, and ends where there is none.
//!
//! So a server stands before the API server, passes everything on, and keeps VirtualMachineExports to itself: they go
//! through the real admission as a dry run, get the status that KubeVirt would give them, and their disks are served to who
//! knows the token, by an address of this server's or by the API server's proxy of Services. What is served is no disk.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use kube::client::Body;
use kube::{Client, Config};
use serde_json::{Value, json};

use crate::faults::{forward, pem_to_der};
use crate::objects::{Objects, Reference};
use crate::pki::Pki;
use crate::serve::{self, Cut};

const GROUP: &str = "/apis/export.kubevirt.io/";
const PLURAL: &str = "virtualmachineexports";
const HEADER: &str = "x-kubevirt-export-token";

/// By namespace and name: the export, and the token of its Secret.
type Made = HashMap<(String, String), (Value, Option<String>)>;

type Answer = Response<Either<Body, Full<Bytes>>>;

/// A server before the API server, which serves disks.
pub struct Exports {
    state: Arc<State>,
    /// Its address, to be used as the address of the API server.
    pub server: String,
}

struct State {
    client: Client,
    objects: Objects,
    authority: String,
    /// Whether disks have an address outside of the cluster.
    outside: AtomicBool,
    made: Mutex<Made>,
    /// How many exports there have been.
    count: Mutex<usize>,
    tokens: Mutex<Vec<String>>,
    address: Mutex<String>,
}

impl Exports {
    /// What is served in place of a disk, byte for byte.
    pub fn bytes() -> Vec<u8> {
        (0..3_000_000_u32).map(|number| (number % 251).to_le_bytes()[0]).collect()
    }

    pub(crate) async fn start(pki: &Pki, server: &str, objects: Objects) -> Result<Self> {
        let mut config = Config::new(server.parse()?);
        config.root_cert = Some(vec![pem_to_der(&pki.authority)?]);
        config.default_retry = false;
        let state = Arc::new(State {
            client: Client::try_from(config)?,
            objects,
            authority: pki.authority.clone(),
            outside: AtomicBool::new(false),
            made: Mutex::default(),
            count: Mutex::default(),
            tokens: Mutex::default(),
            address: Mutex::default(),
        });
        let own = state.clone();
        let port = serve::start(pki, "server", 0, move |request| answer(own.clone(), request)).await?;
        let server = format!("https://127.0.0.1:{port}");
        server.clone_into(&mut state.address.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Self { state, server })
    }

    /// Whether disks have an address outside of the cluster, from now on.
    pub fn outside(&self, has: bool) {
        self.state.outside.store(has, Ordering::SeqCst);
    }

    /// How many exports there are, and how many there have been.
    pub fn count(&self) -> (usize, usize) {
        let made = self.state.made.lock().unwrap_or_else(PoisonError::into_inner).len();
        (made, *self.state.count.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The tokens that were ever used.
    pub fn tokens(&self) -> Vec<String> {
        self.state.tokens.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Answer, Cut> {
    let path = request.uri().path().to_owned();
    let parts: Vec<_> = path.trim_matches('/').split('/').collect();
    if let Some(refusal) = refused(&state, &request, &parts).await? {
        return Ok(refusal);
    }
    if path.starts_with(GROUP) && parts.get(5) == Some(&PLURAL) {
        let (namespace, name) = (parts[4].to_owned(), parts.get(6).map(|name| (*name).to_owned()));
        return match (request.method().as_str(), name) {
            ("POST", None) => create(&state, request, &namespace).await,
            ("GET", Some(name)) => Ok(state.seen(&namespace, &name).await),
            ("DELETE", Some(name)) => {
                state.made.lock().unwrap_or_else(PoisonError::into_inner).remove(&(namespace, name));
                Ok(of_json(StatusCode::OK, &json!({"kind": "Status", "apiVersion": "v1", "status": "Success"})))
            }
            _ => forward(state.client.clone(), request, None).await,
        };
    }
    match parts[..] {
        ["api", "export.kubevirt.io", _, "namespaces", namespace, PLURAL, name, "volumes", _, file] => {
            Ok(state.disk(&request, namespace, name, file))
        }
        ["api", "v1", "namespaces", namespace, "services", service, "proxy", "volumes", _, file] => {
            let name = service.strip_prefix("https:virt-export-").and_then(|rest| rest.strip_suffix(":443"));
            Ok(state.disk(&request, namespace, name.unwrap_or_default(), file))
        }
        ["api", "v1", "namespaces", namespace, "secrets"] if request.method() == "POST" => {
            let namespace = namespace.to_owned();
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
            let secret: Value = serde_json::from_slice(&body).unwrap_or_default();
            let name = secret["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let token = secret["stringData"]["token"].as_str().map(str::to_owned);
            if let Some(made) = state.made.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&(namespace, name)) {
                state.tokens.lock().unwrap_or_else(PoisonError::into_inner).extend(token.clone());
                made.1 = token;
            }
            send(&state.client, head, body).await
        }
        _ => forward(state.client.clone(), request, None).await,
    }
}

/// What the real server answers to who may not ask for what is answered here.
async fn refused(state: &State, request: &Request<Incoming>, parts: &[&str]) -> Result<Option<Answer>, Cut> {
    let made = parts.get(1) == Some(&"export.kubevirt.io") && parts.len() == 7;
    let served = parts.get(4) == Some(&"services") && parts.get(6) == Some(&"proxy");
    if !made && !served {
        return Ok(None);
    }
    let mut asked = Request::builder().method(request.method()).uri(request.uri().clone()).body(()).map_err(|_| Cut)?;
    for (name, value) in request.headers().iter().filter(|(name, _)| !name.as_str().starts_with("content-")) {
        asked.headers_mut().insert(name.clone(), value.clone());
    }
    let answer = send(&state.client, asked.into_parts().0, Bytes::new()).await?;
    Ok(Some(answer).filter(|answer| answer.status() == StatusCode::FORBIDDEN))
}

/// Asks the real server whether it would take it, and keeps what it answers.
async fn create(state: &State, request: Request<Incoming>, namespace: &str) -> Result<Answer, Cut> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let query = head.uri.query().map_or_else(String::new, |query| format!("{query}&"));
    head.uri = format!("{}?{query}dryRun=All", head.uri.path()).parse().map_err(|_| Cut)?;
    let answer = send(&state.client, head, body).await?;
    let (head, body) = answer.into_parts();
    let bytes = match body {
        Either::Left(body) => body.collect().await.map_err(|_| Cut)?.to_bytes(),
        Either::Right(body) => body.collect().await.map_err(|_| Cut)?.to_bytes(),
    };
    if head.status.is_success() {
        let export: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let name = export["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let mut made = state.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.insert((namespace.to_owned(), name), (export, None));
        *state.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }
    Ok(Response::from_parts(head, Either::Right(Full::new(bytes))))
}

async fn send(client: &Client, mut head: hyper::http::request::Parts, body: Bytes) -> Result<Answer, Cut> {
    head.headers.remove("host");
    head.headers.remove("content-length");
    let path = head.uri.path_and_query().cloned().ok_or(Cut)?;
    head.uri = path.to_string().parse().map_err(|_| Cut)?;
    let answer = client.send(Request::from_parts(head, Body::from(body.to_vec()))).await.map_err(|_| Cut)?;
    Ok(answer.map(Either::Left))
}

impl State {
    /// An export with the status that KubeVirt's controller would give it.
    async fn seen(&self, namespace: &str, name: &str) -> Answer {
        let key = (namespace.to_owned(), name.to_owned());
        let found =
            self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&key).map(|(export, _)| export.clone());
        let Some(mut export) = found else {
            return of_json(
                StatusCode::NOT_FOUND,
                &json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}),
            );
        };
        let claims = self.claims(namespace, &export["spec"]["source"]).await;
        let side = |base: &str| {
            let one = |claim: &String| {
                let url = |file: &str| format!("{base}/volumes/{claim}/{file}");
                json!({"name": claim, "formats": [
                    {"format": "raw", "url": url("disk.img")}, {"format": "gzip", "url": url("disk.img.gz")},
                ]})
            };
            json!({"cert": self.authority, "volumes": claims.iter().map(one).collect::<Value>()})
        };
        let mut links = json!({"internal": side(&format!("https://virt-export-{name}.{namespace}.svc"))});
        if self.outside.load(Ordering::SeqCst) {
            let address = self.address.lock().unwrap_or_else(PoisonError::into_inner).clone();
            links["external"] =
                side(&format!("{address}/api/export.kubevirt.io/v1beta1/namespaces/{namespace}/{PLURAL}/{name}"));
        }
        export["status"] = json!({"phase": "Ready", "serviceName": format!("virt-export-{name}"), "links": links});
        of_json(StatusCode::OK, &export)
    }

    /// The claims of a source.
    async fn claims(&self, namespace: &str, source: &Value) -> Vec<String> {
        let name = source["name"].as_str().unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let get = async |version: &str, kind: &str, name: &str| {
            let found = self.objects.get(&Reference::new(version, kind, namespace, name)).await;
            found.ok().flatten().unwrap_or_default()
        };
        match source["kind"].as_str() {
            Some("VirtualMachine") => {
                let vm = get("kubevirt.io/v1", "VirtualMachine", name).await;
                let volumes = vm["spec"]["template"]["spec"]["volumes"].as_array().cloned().unwrap_or_default();
                let claim = |volume: &Value| {
                    text(&volume["persistentVolumeClaim"]["claimName"]).or_else(|| text(&volume["dataVolume"]["name"]))
                };
                volumes.iter().filter_map(claim).collect()
            }
            Some("VirtualMachineSnapshot") => {
                let api = "snapshot.kubevirt.io/v1beta1";
                let snapshot = get(api, "VirtualMachineSnapshot", name).await;
                let content = text(&snapshot["status"]["virtualMachineSnapshotContentName"]).unwrap_or_default();
                let content = get(api, "VirtualMachineSnapshotContent", &content).await;
                let backups = content["spec"]["volumeBackups"].as_array().cloned().unwrap_or_default();
                backups.iter().filter_map(|one| text(&one["persistentVolumeClaim"]["metadata"]["name"])).collect()
            }
            _ => vec![name.to_owned()],
        }
    }

    /// What is served, to who knows the token.
    fn disk(&self, request: &Request<Incoming>, namespace: &str, name: &str, file: &str) -> Answer {
        let key = (namespace.to_owned(), name.to_owned());
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let token = made.get(&key).and_then(|(_, token)| token.clone());
        let given = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
        let status =
            if token.is_some() && given == token.as_deref() { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        let mut bytes = if status == StatusCode::OK { Exports::bytes() } else { Vec::new() };
        // Nobody unpacks it.
        if file == "disk.img.gz" {
            bytes.reverse();
        }
        let mut answer = Response::new(Either::Right(Full::new(Bytes::from(bytes))));
        *answer.status_mut() = status;
        answer
    }
}

fn of_json(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Response::new(Either::Right(Full::new(Bytes::from(body.to_string()))));
    *answer.status_mut() = status;
    let json = hyper::header::HeaderValue::from_static("application/json");
    answer.headers_mut().insert("content-type", json);
    answer
}
