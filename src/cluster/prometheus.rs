//! Asks Prometheus: at an address of its own, or through the API server, which passes requests on to a Service.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use http::{Method, Uri};
use kube::config::{AuthInfo, Cluster};
use serde_json::Value;

use super::access::{Access, build};
use super::kubeconfig::Chosen;
use super::refused::{Reason, clean};
use super::request::Request;
use super::{Asked, Door, Notices, Refused};
use crate::autoexpand::Query;

/// Where a Prometheus is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Its URL without the path; none for a Service, which is asked through the API server.
    server: Option<String>,
    /// What stands before `/api/v1`.
    prefix: String,
}

impl Address {
    /// Reads a URL, or `NAMESPACE/SERVICE:PORT` for a Service of the cluster.
    ///
    /// # Errors
    /// It is neither, or it holds more than an address.
    pub fn parse(address: &str) -> Result<Self, String> {
        if let Some(prefix) = service(address) {
            return Ok(Self { server: None, prefix });
        }
        let Some((scheme, rest)) = address.split_once("://") else {
            return Err(format!("`{}` is neither a URL nor NAMESPACE/SERVICE:PORT", clean(address)));
        };
        if rest.contains(['?', '#', '@']) {
            return Err("the address of Prometheus holds no query and no password; a token comes from a file".into());
        }
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let server = format!("{scheme}://{host}");
        let known = server.parse::<Uri>().is_ok_and(|url| {
            matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some_and(|host| !host.is_empty())
        });
        if !known {
            return Err(format!("`{}` is no address; write it as https://HOST:PORT", clean(&server)));
        }
        let path = path.trim_end_matches('/');
        let prefix = if path.is_empty() { String::new() } else { format!("/{path}") };
        Ok(Self { server: Some(server), prefix })
    }

    /// Whether others on the way can read what is sent there: without TLS, to another machine.
    fn is_open(&self) -> bool {
        let Some(url) = self.server.as_ref().and_then(|server| server.parse::<Uri>().ok()) else { return false };
        let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_lowercase();
        let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        url.scheme_str() != Some("https") && !here
    }

    /// Whether a token may be sent there. `in_the_open` is what a person allows.
    ///
    /// # Errors
    /// It may not, and the way out.
    pub fn takes_token(&self, in_the_open: bool) -> Result<(), String> {
        if self.server.is_none() {
            return Err("a token goes to a URL; a Service is asked with your rights in the cluster".into());
        }
        if self.is_open() && !in_the_open {
            return Err("a token is not sent over http:// to another machine, where others can read it on its way; \
                        take https://, or allow it with `--prometheus-token-over-http`"
                .into());
        }
        Ok(())
    }
}

/// A bearer token from a file.
#[derive(Clone)]
pub struct Token {
    text: String,
    file: PathBuf,
}

impl fmt::Debug for Token {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("file", &self.file).finish_non_exhaustive()
    }
}

/// The longest token, in bytes: no server takes a longer header.
const LONGEST: usize = 16 << 10;

impl Token {
    /// Reads a file, without the line break at its end.
    ///
    /// # Errors
    /// It cannot be read, or holds no token. No message repeats what it holds.
    pub fn read(file: &Path) -> Result<Self, String> {
        let problem = |why: &str| format!("the token file `{}` {why}", clean(&file.display().to_string()));
        let mut bytes = Vec::new();
        let limit = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(1);
        File::open(file)
            .and_then(|opened| opened.take(limit).read_to_end(&mut bytes))
            .map_err(|error| problem(&format!("cannot be read: {error}")))?;
        if bytes.len() > LONGEST {
            return Err(problem("is larger than 16 KiB, which no token is"));
        }
        let text = bytes.trim_ascii();
        if text.is_empty() {
            return Err(problem("is empty"));
        }
        match std::str::from_utf8(text) {
            Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Self { text: text.to_owned(), file: file.to_owned() })
            }
            _ => Err(problem("holds more than one word, or a character that no token has")),
        }
    }
}

/// The way to a Prometheus.
#[derive(Debug, Clone)]
pub struct Prometheus {
    door: Door,
    address: Address,
    /// Where the token is from, for messages.
    file: Option<PathBuf>,
}

impl Prometheus {
    /// Prepares the way. A Service is asked through `door`, with its rights (`get` of `services/proxy`), and gets no token,
    /// because the API server takes the credentials of who asks for its own. Of `access` only the limits are used: what
    /// lets someone into the cluster goes nowhere else.
    ///
    /// # Errors
    /// The address cannot be used.
    pub async fn connect(
        address: Address,
        token: Option<Token>,
        access: &Access,
        door: &Door,
        notices: Arc<dyn Notices>,
    ) -> Result<Self> {
        let Some(server) = address.server.clone() else {
            return Ok(Self { door: door.clone(), address, file: None });
        };
        let (text, file) = token.map(|token| (token.text, token.file)).unzip();
        let user = AuthInfo { token: text.map(Into::into), ..AuthInfo::default() };
        let cluster = Cluster { server: Some(server), ..Cluster::default() };
        let config = build(Chosen { cluster, user, namespace: None })?;
        Ok(Self { door: Door::with(config, access, notices).await?, address, file })
    }

    /// The samples of a time.
    ///
    /// # Errors
    /// It cannot be asked. An answer that says so is an answer.
    pub async fn range(&self, query: &Query) -> Result<Value, Refused> {
        let path = format!("{}/api/v1/query_range", self.address.prefix);
        let request = Request::new(Asked::path("get", &path), Method::GET, path)
            .query("query", &query.expression)
            .query("start", &query.start.to_string())
            .query("end", &query.end.to_string())
            .query("step", &query.step.to_string());
        self.door.send(request).await
    }

    /// Why it could not be asked, and the way out: what is said of API servers would lead nowhere here.
    pub fn explain(&self, refused: &Refused) -> (String, Option<String>) {
        let Some(server) = &self.address.server else {
            let why = match refused.code {
                Some(404) if refused.reason == Reason::NoSuchKind => {
                    format!("{}: no Prometheus answers there", refused.asked)
                }
                _ => refused.to_string(),
            };
            let help = match refused.reason {
                Reason::Unavailable => {
                    let namespace = refused.asked.namespace.as_deref().unwrap_or("NAMESPACE");
                    Some(format!("`kubectl get endpointslices -n {namespace}` tells whether anything answers there"))
                }
                _ => refused.help(),
            };
            return (why, help);
        };
        let server = clean(server);
        let help = |text: &str| Some(text.to_owned());
        match (refused.code, &refused.reason, &self.file) {
            (Some(code), Reason::Unauthorized | Reason::Forbidden, Some(file)) => {
                let file = clean(&file.display().to_string());
                (format!("{server} does not accept the token in `{file}` (status {code})"), None)
            }
            (Some(code), Reason::Unauthorized | Reason::Forbidden, None) => (
                format!("{server} wants to know who asks (status {code})"),
                help("`--prometheus-token-file FILE` sends a bearer token"),
            ),
            (Some(404), ..) => (
                format!("{server} has no Prometheus below `{}/`", clean(&self.address.prefix)),
                help("the address ends where `/api/v1/query_range` begins"),
            ),
            (Some(300..400), ..) => (
                refused.message.split(';').next().unwrap_or_default().to_owned(),
                help("no redirect is followed, so that a token stays with whom it is for; name the last address"),
            ),
            _ => (refused.to_string(), None),
        }
    }
}

/// The path to a Service: `monitoring/prometheus-k8s:9090`, or with `https:` before the Service's name.
fn service(address: &str) -> Option<String> {
    if address.contains("://") {
        return None;
    }
    let (namespace, rest) = address.split_once('/')?;
    let (name, port) = rest.rsplit_once(':')?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let (scheme, bare) = name.split_once(':').unwrap_or(("http", name));
    let fits = plain(namespace) && plain(bare) && plain(port) && matches!(scheme, "http" | "https");
    let target = format!("{scheme}:{bare}:{port}");
    // A colon stands in a path as it is.
    fits.then(|| format!("/api/v1/namespaces/{namespace}/services/{target}/proxy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_told_from_addresses() {
        let path = |address| service(address).unwrap_or_default();
        let through = "/api/v1/namespaces/monitoring/services";
        assert_eq!(path("monitoring/prometheus-k8s:9090"), format!("{through}/http:prometheus-k8s:9090/proxy"));
        assert_eq!(path("monitoring/https:thanos:web"), format!("{through}/https:thanos:web/proxy"));
        for other in ["http://prometheus:9090", "monitoring", "monitoring/x", "../x:1", "a/b:c/d", "a/ftp:b:1", ""] {
            assert_eq!(path(other), "", "{other}");
        }
    }

    #[test]
    fn addresses_are_read() {
        let parts = |address| Address::parse(address).map(|read| (read.server.unwrap_or_default(), read.prefix));
        assert_eq!(parts("https://p.example/a/b/"), Ok(("https://p.example".into(), "/a/b".into())));
        assert_eq!(parts("http://[::1]:9090"), Ok(("http://[::1]:9090".into(), String::new())));
        for bad in ["p.example", "ftp://p", "http://", "http://a b", "https://u:secret@p", "https://p?token=secret"] {
            let why = parts(bad).unwrap_err();
            assert!(!why.contains("secret"), "{why}");
        }
    }

    #[test]
    fn tokens_do_not_travel_in_the_open() {
        let takes = |address, allowed| Address::parse(address).unwrap().takes_token(allowed).is_ok();
        for safe in ["https://p.example", "http://localhost:9090", "http://127.0.0.9", "http://[::1]:9090"] {
            assert!(takes(safe, false), "{safe}");
        }
        for open in ["http://p.example", "http://10.0.0.1:9090", "http://127.0.0.1.example", "http://localhost.example"]
        {
            assert!(!takes(open, false) && takes(open, true), "{open}");
        }
        // Whoever asks through the API server has shown who he is.
        assert!(!takes("monitoring/prometheus:9090", true));
    }

    #[test]
    fn token_files_hold_one_token() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let read = |text: &[u8]| {
            std::fs::write(&file, text).unwrap();
            Token::read(&file).map(|token| token.text)
        };
        assert_eq!(read(b" abc.def-_~+/=\r\n").unwrap(), "abc.def-_~+/=");
        let long = vec![b'a'; LONGEST + 1];
        for (bad, why) in [
            (&b"\n"[..], "is empty"),
            (b"a-secret b", "more than one word"),
            (b"a-secret\nb", "more than one word"),
            (b"a-secret\xff", "more than one word"),
            (&long, "larger than"),
        ] {
            let told = read(bad).unwrap_err();
            assert!(told.contains(why) && !told.contains("secret"), "{told}");
        }
        let token = Token { text: "a-secret".into(), file: "f".into() };
        assert!(!format!("{token:?}").contains("a-secret"));
        // A file without an end.
        #[cfg(unix)]
        assert!(Token::read(Path::new("/dev/zero")).unwrap_err().contains("larger than"));
        assert!(Token::read(&folder.path().join("none")).unwrap_err().contains("cannot be read"));
    }
}
