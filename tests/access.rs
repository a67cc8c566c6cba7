//! The door to a cluster against a small server that behaves well, badly, or not at all.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use wukong::cluster::{
    Access, Change, Delete, Door, Limits, Notices, Purpose, Reason, Resource, Selector, Wanted, Write, checkup, fetch,
};

/// One request as it arrived: its first line, its headers in lower case, its body.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    head: String,
    pub(crate) body: String,
}

/// A server that answers the n-th request with what a function of n gives; an empty answer is a cut connection.
pub(crate) struct Server {
    address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(usize, &Seen) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (seen.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (log.clone(), answer.clone());
                thread::spawn(move || serve(stream, &log, &*answer));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// A kubeconfig for this server, with more of the cluster and of the user.
    pub(crate) fn kubeconfig(&self, cluster: &str, user: &str) -> (TempDir, Access) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        let text = format!(
            "current-context: c\nclusters: [{{name: k, cluster: {{server: 'http://{}'{cluster}}}}}]\n\
             users: [{{name: u, user: {{{user}}}}}]\n\
             contexts: [{{name: c, context: {{cluster: k, user: u, namespace: prod}}}}]\n",
            self.address
        );
        fs::write(&path, text).unwrap();
        (folder, Access { kubeconfig: Some(path), ..Access::default() })
    }

    pub(crate) async fn door(&self) -> (Door, Arc<Heard>) {
        let (_folder, access) = self.kubeconfig("", "");
        open(&access).await
    }
}

fn serve(stream: TcpStream, log: &Mutex<Vec<Seen>>, answer: &(dyn Fn(usize, &Seen) -> String + Send + Sync)) {
    let mut reader = BufReader::new(stream);
    if reader.fill_buf().unwrap().first() == Some(&5) {
        let place = socks(&mut reader);
        log.lock().unwrap().push(Seen { line: place, head: String::new(), body: String::new() });
    }
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    if line.starts_with("CONNECT") {
        while reader.read_line(&mut String::new()).unwrap() > 2 {}
        log.lock().unwrap().push(Seen { line: line.clone(), head: String::new(), body: String::new() });
        reader.get_mut().write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
        line.clear();
        reader.read_line(&mut line).unwrap();
    }
    let mut head = String::new();
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or(0) <= 2 {
            break;
        }
        head.push_str(&header.to_lowercase());
    }
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let seen = Seen { line: line.trim().to_owned(), head, body: crate::support::text(&body) };
    let count = {
        let mut log = log.lock().unwrap();
        log.push(seen.clone());
        log.len() - 1
    };
    let _ = reader.get_mut().write_all(answer(count, &seen).as_bytes());
}

/// The greeting of SOCKS 5 (RFC 1928), without a login; gives the place that is asked for.
fn socks(stream: &mut BufReader<TcpStream>) -> String {
    let mut take = |count: usize| {
        let mut bytes = vec![0; count];
        stream.read_exact(&mut bytes).unwrap();
        bytes
    };
    let methods = take(2)[1];
    take(methods.into());
    stream.get_mut().write_all(&[5, 0]).unwrap();
    let mut take = |count: usize| {
        let mut bytes = vec![0; count];
        stream.read_exact(&mut bytes).unwrap();
        bytes
    };
    assert_eq!(take(4), [5, 1, 0, 3], "a connection to a name");
    let length = take(1)[0];
    let name = crate::support::text(&take(length.into()));
    let port = take(2);
    stream.get_mut().write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
    format!("SOCKS {name}:{}", u16::from_be_bytes([port[0], port[1]]))
}

/// An answer with a body of JSON.
pub(crate) fn answer(code: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

pub(crate) fn ok(body: &Value) -> String {
    answer(200, "", &body.to_string())
}

fn version() -> String {
    ok(&json!({"major": "1", "minor": "34+"}))
}

/// What was heard on the way.
#[derive(Default)]
pub(crate) struct Heard {
    warnings: Mutex<Vec<String>>,
    retries: Mutex<Vec<String>>,
    tried: Mutex<Vec<String>>,
}

impl Heard {
    fn retries(&self) -> Vec<String> {
        self.retries.lock().unwrap().clone()
    }
}

impl Notices for Heard {
    fn warning(&self, text: &str) {
        self.warnings.lock().unwrap().push(text.to_owned());
    }

    fn retry(&self, what: &str, reason: &str, after: Duration) {
        self.retries.lock().unwrap().push(format!("{what}: {reason} ({after:?})"));
    }

    fn tried(&self, method: &str, address: &str, status: Option<u16>, _: Duration) {
        self.tried.lock().unwrap().push(format!("{method} {address} {status:?}"));
    }
}

async fn open(access: &Access) -> (Door, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    (Door::connect(access, heard.clone()).await.unwrap(), heard)
}

const WRITE: Write<'_> = Write { manager: "me", force: true, dry_run: true };

#[tokio::test]
async fn lists_come_in_pages_and_begin_again_once() {
    let server = Server::start(|count, _| {
        let page = |name: &str, next: &str| {
            ok(&json!({"kind": "PodList", "metadata": {"continue": next}, "items": [{"metadata": {"name": name}}]}))
        };
        match count {
            0 => page("old", "one"),
            1 => answer(410, "", r#"{"kind": "Status", "reason": "Expired", "message": "too old"}"#),
            2 => page("a", "two"),
            _ => page("b", ""),
        }
    });
    let (door, _) = server.door().await;
    let selector = Selector { labels: Some("app=web".to_owned()), fields: None };
    let pods = door.list(Resource::Pod, Some("prod"), &selector).await.unwrap();
    let told: Vec<_> = pods.iter().map(|pod| (pod["kind"].as_str(), pod["metadata"]["name"].as_str())).collect();
    assert_eq!(told, [(Some("Pod"), Some("a")), (Some("Pod"), Some("b"))]);
    let lines: Vec<_> = server.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines[3], "GET /api/v1/namespaces/prod/pods?limit=500&labelSelector=app%3Dweb&continue=two HTTP/1.1");
    assert!(!lines[2].contains("continue"));
}

#[tokio::test]
async fn a_list_that_is_none_is_not_empty() {
    let server = Server::start(|_, _| ok(&json!({"kind": "Pod"})));
    let refused = server.door().await.0.list(Resource::Pod, None, &Selector::default()).await.unwrap_err();
    assert_eq!(refused.reason, Reason::Other);
}

#[tokio::test]
async fn passing_failures_are_repeated_and_heard() {
    let server = Server::start(|count, _| match count {
        0 => answer(429, "", "{}"),
        1 => answer(503, "", "{}"),
        2 => String::new(),
        _ => version(),
    });
    let (door, heard) = server.door().await;
    assert_eq!((door.server_version().await.unwrap(), door.namespace()), ((1, 34), "prod"));
    let retries = heard.retries();
    assert_eq!(retries.len(), 3, "{retries:?}");
    assert!(retries[0].contains("429") && retries[2].contains("was cut"), "{retries:?}");
    let tried = heard.tried.lock().unwrap().clone();
    let address = format!("GET http://{}/version", server.address);
    let answers = ["Some(429)", "Some(503)", "None", "Some(200)"];
    assert_eq!(tried, answers.map(|answer| format!("{address} {answer}")));
}

#[tokio::test]
async fn failures_that_stay_end_after_five_tries() {
    let server = Server::start(|_, _| {
        let message = r#"{"message": "failed calling webhook \"v\": connect: connection refused"}"#;
        answer(500, "", message)
    });
    let (door, heard) = server.door().await;
    let refused = door.server_version().await.unwrap_err();
    assert_eq!((refused.reason, server.seen().len(), heard.retries().len()), (Reason::Unavailable, 5, 4));
}

#[tokio::test]
async fn what_must_not_happen_twice_is_sent_once() {
    let server = Server::start(|_, _| String::new());
    let (door, _) = server.door().await;
    let path = "apis/subresources.kubevirt.io/v1/namespaces/prod/virtualmachines/web/restart";
    assert_eq!(door.put_subresource(path, &json!({})).await.unwrap_err().reason, Reason::Unreachable);
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "x"}});
    assert!(door.create(&pod, &WRITE).await.is_err());
    assert!(door.delete(Resource::Pod, None, "x", &Delete::default()).await.is_err());
    assert_eq!(server.seen().len(), 3);
    // The address without a name is that of all objects.
    assert!(door.delete(Resource::Pod, None, "", &Delete::default()).await.is_err());
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn objects_are_written_as_asked() {
    let server = Server::start(|_, seen| match &seen.line[..3] {
        "DEL" => answer(404, "", r#"{"reason": "NotFound", "details": {"name": "x"}}"#),
        "PUT" => answer(202, "", ""),
        _ => ok(&json!({"stored": true})),
    });
    let (door, _) = server.door().await;
    let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}});
    assert_eq!(door.apply(&object, &WRITE).await.unwrap()["stored"], true);
    let delete = Delete { uid: Some("u"), orphan: true, ..Delete::default() };
    assert_eq!(door.delete(Resource::Secret, Some("a"), "x", &delete).await, Ok(false));
    let path = "apis/subresources.kubevirt.io/v1/namespaces/prod/virtualmachines/web/start";
    assert_eq!(door.put_subresource(path, &json!({})).await, Ok(Value::Null));
    let seen = server.seen();
    let line =
        "PATCH /api/v1/namespaces/prod/secrets/x?fieldManager=me&fieldValidation=Strict&dryRun=All&force=true HTTP/1.1";
    assert_eq!(seen[0].line, line);
    assert!(
        seen[0].head.contains("content-type: application/apply-patch+yaml")
            && serde_json::from_str::<Value>(&seen[0].body).unwrap() == object
    );
    assert!(seen[1].body.contains(r#""uid":"u""#) && seen[1].body.contains("Orphan"), "{}", seen[1].body);
}

#[tokio::test]
async fn warnings_are_heard_once() {
    let server =
        Server::start(|_, _| answer(200, "Warning: 299 - \"old \\\"field\\\"\"\r\n", r#"{"major":"1","minor":"2"}"#));
    let (door, heard) = server.door().await;
    door.server_version().await.unwrap();
    door.server_version().await.unwrap();
    assert_eq!(*heard.warnings.lock().unwrap(), ["old \"field\""]);
}

#[cfg(unix)]
fn script(folder: &Path, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join("plugin");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[cfg(unix)]
#[tokio::test]
async fn login_plugins_give_tokens_or_reasons() {
    let server = Server::start(|_, _| version());
    let exec = |command: &str| {
        format!("exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: '{command}'}}")
    };
    let folder = tempfile::tempdir().unwrap();
    let plugin = script(
        folder.path(),
        "#!/bin/sh\necho '{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \
         \"status\": {\"token\": \"from-plugin\"}}'\n",
    );
    let (_folder, access) = server.kubeconfig("", &exec(&plugin));
    open(&access).await.0.server_version().await.unwrap();
    assert!(server.seen()[0].head.contains("authorization: bearer from-plugin"));

    let plugin = script(folder.path(), "#!/bin/sh\necho hunter2\necho 'please log in' >&2\nexit 3\n");
    for (command, told) in [(plugin.as_str(), "please log in"), ("no-such-plugin", "`no-such-plugin`")] {
        let (_folder, access) = server.kubeconfig("", &exec(command));
        let error = Door::connect(&access, Arc::new(Heard::default())).await.unwrap_err();
        let error = format!("{error:#} {error:?}");
        assert!(error.contains(told) && !error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn another_person_is_played_by_headers() {
    let server = Server::start(|_, _| version());
    let (_folder, mut access) = server.kubeconfig("", "token: t, as: a, as-user-extra: {k: [v]}");
    access.impersonate = Some("alice".to_owned());
    access.impersonate_groups = vec!["g".to_owned(), "h".to_owned()];
    access.impersonate_uid = Some("42".to_owned());
    open(&access).await.0.server_version().await.unwrap();
    let head = &server.seen()[0].head;
    for header in ["user: alice", "group: g", "group: h", "uid: 42", "extra-k: v"] {
        assert!(head.contains(&format!("impersonate-{header}\r\n")), "{head}");
    }
    assert!(head.contains("authorization: bearer t\r\n"));
}

#[tokio::test]
async fn a_proxy_of_the_kubeconfig_is_used() {
    let proxy = Server::start(|_, _| version());
    let server = Server { address: "cluster.example:80".to_owned(), seen: Arc::default() };
    let (_folder, access) = server.kubeconfig(&format!(", proxy-url: 'http://{}'", proxy.address), "");
    open(&access).await.0.server_version().await.unwrap();
    assert!(proxy.seen()[0].line.starts_with("CONNECT cluster.example:80"), "{:?}", proxy.seen());
}

#[tokio::test]
async fn a_socks_proxy_is_used() {
    let proxy = Server::start(|_, _| version());
    let server = Server { address: "cluster.example:80".to_owned(), seen: Arc::default() };
    let (_folder, access) = server.kubeconfig(&format!(", proxy-url: 'socks5://{}'", proxy.address), "");
    open(&access).await.0.server_version().await.unwrap();
    assert_eq!(proxy.seen()[0].line, "SOCKS cluster.example:80");
}

/// `{"major": "1", "minor": "34+"}`, compressed by gzip.
const COMPRESSED: [u8; 45] = [
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 202, 77, 204, 202, 47, 82, 178, 82, 80, 50, 84, 210, 81, 80, 202, 205,
    204, 131, 240, 140, 77, 180, 149, 106, 1, 65, 141, 88, 43, 30, 0, 0, 0,
];

#[tokio::test]
async fn compressed_answers_are_read() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server { address: listener.local_addr().unwrap().to_string(), seen: Arc::default() };
    let asked = thread::spawn(move || {
        let mut reader = BufReader::new(listener.accept().unwrap().0);
        let mut head = String::new();
        while reader.read_line(&mut head).unwrap() > 2 {}
        let headers = "HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nConnection: close\r\n";
        let headers = format!("{headers}Content-Length: {}\r\n\r\n", COMPRESSED.len());
        reader.get_mut().write_all(&[headers.as_bytes(), &COMPRESSED].concat()).unwrap();
        head.to_lowercase()
    });
    let found = server.door().await.0.server_version().await.unwrap();
    assert_eq!(found, (1, 34));
    assert!(asked.join().unwrap().contains("accept-encoding: gzip\r\n"));
}

/// Tokens without a signature that have ended, and that will.
const ENDED: &str = "eyJhbGciOiAibm9uZSJ9.eyJleHAiOiAxMDAwMDAwMDAwfQ.c2ln";
const FRESH: &str = "eyJhbGciOiAibm9uZSJ9.eyJleHAiOiA0MTAyNDQ0ODAwfQ.c2ln";

#[tokio::test]
async fn openid_connect_gives_a_token_or_a_reason() {
    let server = Server::start(|_, _| version());
    let config = |token: &str| {
        format!(
            "auth-provider: {{name: oidc, config: {{idp-issuer-url: 'https://127.0.0.1:1', client-id: wukong, \
             client-secret: hunter2, refresh-token: hunter3, id-token: '{token}'}}}}"
        )
    };
    let (_folder, access) = server.kubeconfig("", &config(FRESH));
    open(&access).await.0.server_version().await.unwrap();
    let bearer = format!("authorization: bearer {}\r\n", FRESH.to_lowercase());
    assert!(server.seen()[0].head.contains(&bearer), "{:?}", server.seen());

    // Nobody is at home who could renew it.
    let (_folder, access) = server.kubeconfig("", &config(ENDED));
    let error = open(&access).await.0.server_version().await.unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(told.contains("has expired") && told.contains("log in again"), "{told}");
    assert!(!told.contains("hunter") && !told.contains(ENDED), "{told}");
    assert_eq!(server.seen().len(), 1, "{:?}", server.seen());
}

#[tokio::test]
async fn a_request_takes_no_longer_than_it_may() {
    let server = Server::start(|_, _| {
        thread::sleep(Duration::from_secs(5));
        version()
    });
    let (_folder, access) = server.kubeconfig("", "");
    let access = Access { request_timeout: Some(Duration::from_millis(300)), ..access };
    let started = Instant::now();
    let refused = open(&access).await.0.server_version().await.unwrap_err();
    assert_eq!(refused.reason, Reason::Timeout);
    assert!(started.elapsed() < Duration::from_secs(3) && refused.help().unwrap().contains("--request-timeout"));
}

#[tokio::test]
async fn nobody_at_home_is_told_with_the_address() {
    let server = Server { address: "127.0.0.1:1".to_owned(), seen: Arc::default() };
    let (_folder, access) = server.kubeconfig("", "token: hunter2");
    let access = Access { request_timeout: Some(Duration::from_millis(500)), ..access };
    let (door, heard) = open(&access).await;
    let refused = door.server_version().await.unwrap_err();
    assert_eq!(refused.to_string(), "cannot get /version: connection refused at http://127.0.0.1:1");
    assert!(!heard.retries().is_empty() && !format!("{refused:?} {door:?}").contains("hunter2"));
}

#[tokio::test]
async fn answers_that_are_no_answers() {
    let server = Server::start(|count, _| match count {
        0 => answer(200, "", "<!doctype html><title>Log in</title>"),
        1 => answer(200, "", "{\"major\": "),
        2 => answer(302, "Location: https://login\r\n", ""),
        3 => "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".to_owned(),
        _ => format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\"{}\"", "x".repeat(2 << 20)),
    });
    let (_folder, access) = server.kubeconfig("", "");
    let (door, _) = open(&Access { limits: Limits { answer: 1 << 20, ..Limits::default() }, ..access }).await;
    for told in
        ["a web page", "is not JSON (line 1", "redirects, to `https://login`", "larger than 1 MiB", "larger than 1 MiB"]
    {
        let refused = door.server_version().await.unwrap_err().to_string();
        assert!(refused.contains(told), "{told}: {refused}");
    }
    assert_eq!(server.seen().len(), 5);
}

#[tokio::test]
async fn a_watch_gives_events_until_it_ends() {
    let server = Server::start(|_, _| {
        let lines = r#"{"type": "ADDED", "object": {"metadata": {"name": "a"}}}
{"type": "BOOKMARK", "object": {}}
{"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}
"#;
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{lines}")
    });
    let (door, _) = server.door().await;
    let mut watch = door.watch(Resource::Pod, Some("prod"), &Selector::default(), "7").await.unwrap();
    let first = watch.next().await.unwrap().unwrap();
    assert_eq!((first.change, first.object["metadata"]["name"].as_str()), (Change::Added, Some("a")));
    assert_eq!(watch.next().await.unwrap().unwrap().change, Change::Bookmark);
    assert_eq!(watch.next().await.unwrap().unwrap_err().reason, Reason::Expired);
    assert!(watch.next().await.is_none());
    assert!(server.seen()[0].line.contains("watch=true") && server.seen()[0].line.contains("resourceVersion=7"));
}

#[tokio::test]
async fn missing_kinds_and_objects_and_permissions() {
    let server = Server::start(|count, _| match count {
        0 => answer(404, "", "404 page not found"),
        1 => answer(404, "", r#"{"reason": "NotFound", "details": {"name": "x"}, "message": "no x"}"#),
        _ => ok(&json!({"status": {"allowed": true}})),
    });
    let (door, _) = server.door().await;
    let refused = door.list(Resource::DataVolume, None, &Selector::default()).await.unwrap_err();
    assert_eq!(refused.reason, Reason::NoSuchKind);
    assert_eq!(door.get(Resource::Pod, None, "x").await, Ok(None));
    assert_eq!(door.may("update", "subresources.kubevirt.io", "virtualmachines/start", None).await, Ok(true));
    assert!(server.seen()[2].body.contains(r#""subresource":"start""#));
}

/// A proxy that hides pods must not make them look like none: who uses a claim would be nobody.
#[tokio::test]
async fn what_every_cluster_has_is_never_missing() {
    for (hidden, missing) in
        [("pods", true), ("persistentvolumes", true), ("virtualmachineinstances", true), ("datavolumes", false)]
    {
        let server = Server::start(move |_, seen| {
            let path = seen.line.split(' ').nth(1).unwrap().split('?').next().unwrap();
            if path.ends_with(&format!("/{hidden}")) {
                return answer(404, "", "404 page not found");
            }
            ok(&json!({"kind": "SomeList", "items": []}))
        });
        let (door, _) = server.door().await;
        let namespaces = ["prod".to_owned()].into();
        let read = fetch(&door, &Wanted { namespaces, purpose: Purpose::Move, ..Wanted::default() }).await;
        let told = read.map(|_| ()).map_err(|refused| refused.reason);
        assert_eq!(told, if missing { Err(Reason::NoSuchKind) } else { Ok(()) }, "{hidden}");
    }
}

#[tokio::test]
async fn a_door_is_shared_between_tasks() {
    let server = Server::start(|_, _| version());
    let (door, _) = server.door().await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let door = door.clone();
            tokio::spawn(async move { door.server_version().await })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn a_checkup_takes_refusals_for_answers() {
    let server = Server::start(|_, seen| {
        let path = seen.line.split(' ').nth(1).unwrap().split('?').next().unwrap();
        match path {
            "/version" => version(),
            "/apis/kubevirt.io/v1" => ok(&json!({"resources": [{"name": "virtualmachines"}]})),
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => {
                ok(&json!({"status": {"allowed": seen.body.contains("\"list\"")}}))
            }
            "/apis/storage.k8s.io/v1/storageclasses" => {
                ok(&json!({"kind": "StorageClassList", "items": [{"metadata": {"name": "fast"}}]}))
            }
            "/api/v1/nodes" => {
                let status = json!({"kind": "Status", "reason": "Forbidden", "message": "you cannot list nodes"});
                answer(403, "", &status.to_string())
            }
            _ => answer(404, "", "404 page not found"),
        }
    });
    let (door, _) = server.door().await;
    let (facts, server) = checkup(&door, "prod").await.unwrap();
    assert_eq!((server.kubernetes, server.namespace.as_str()), (Ok((1, 34)), "prod"));
    assert_eq!((&server.kinds["VirtualMachine"], &server.kinds["DataVolume"]), (&Ok(true), &Ok(false)));
    assert!(facts.unknown("Node", "").is_some_and(|unread| unread.reason.contains("cannot list nodes")));
    assert!(facts.unknown("CDI", "").is_none() && facts.all_of("CDI").next().is_none());
    assert_eq!(facts.all_of("StorageClass").count(), 1);
    assert!(server.rights.len() > 30);
    assert!(server.rights.iter().all(|(right, may)| *may == Ok(right.verb == "list")));
}

#[tokio::test]
async fn a_checkup_of_nobody_is_an_error() {
    let (door, _) = Server::start(|_, _| answer(401, "", "{}")).door().await;
    assert_eq!(checkup(&door, "prod").await.unwrap_err().reason, Reason::Unauthorized);
}
