//! Asks Prometheus: at an address of its own, or through the API server, which passes requests on to a Service.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use http::Method;
use kube::config::{AuthInfo, Cluster};
use serde_json::Value;

use super::access::{Access, build};
use super::kubeconfig::Chosen;
use super::request::Request;
use super::{Asked, Door, Notices, Refused};
use crate::autoexpand::Query;

/// The way to a Prometheus.
#[derive(Debug, Clone)]
pub struct Prometheus {
    door: Door,
    /// What stands before `/api/v1`.
    prefix: String,
}

impl Prometheus {
    /// Prepares the way. `address` is a URL, or `NAMESPACE/SERVICE:PORT` for one that is asked through `door`, with its
    /// rights (`get` of `services/proxy`). The file holds a bearer token, and is read now; a Service in the cluster gets
    /// none, because the API server takes the credentials of who asks for its own. Of `access` only the limits are used:
    /// what lets someone into the cluster goes nowhere else.
    ///
    /// # Errors
    /// The address is neither, or the token cannot be read.
    pub async fn connect(
        address: &str,
        token: Option<&Path>,
        access: &Access,
        door: &Door,
        notices: Arc<dyn Notices>,
    ) -> Result<Self> {
        if let Some(prefix) = service(address) {
            if token.is_some() {
                bail!("a token goes to a URL; a Service is asked with your rights in the cluster");
            }
            return Ok(Self { door: door.clone(), prefix });
        }
        let Some((_, rest)) = address.split_once("://") else {
            bail!("`{}` is neither a URL nor NAMESPACE/SERVICE:PORT", super::refused::clean(address));
        };
        let path = rest.split_once('/').map_or("", |(_, path)| path).trim_end_matches('/');
        let prefix = if path.is_empty() { String::new() } else { format!("/{path}") };
        if rest.contains(['?', '#', '@']) {
            bail!("the address of Prometheus holds no query and no password; a token comes from a file");
        }
        let server = address.strip_suffix('/').unwrap_or(address);
        let server = server.strip_suffix(prefix.as_str()).unwrap_or(server);
        let read = |path: &Path| {
            fs::read_to_string(path).with_context(|| format!("cannot read the token in `{}`", path.display()))
        };
        let token = token.map(read).transpose()?;
        let user = AuthInfo { token: token.map(|token| token.trim().to_owned().into()), ..AuthInfo::default() };
        let cluster = Cluster { server: Some(server.to_owned()), ..Cluster::default() };
        let config = build(Chosen { cluster, user, namespace: None })?;
        Ok(Self { door: Door::with(config, access, notices).await?, prefix })
    }

    /// The samples of a time.
    ///
    /// # Errors
    /// It cannot be asked. An answer that says so is an answer.
    pub async fn range(&self, query: &Query) -> Result<Value, Refused> {
        let path = format!("{}/api/v1/query_range", self.prefix);
        let request = Request::new(Asked::path("get", &path), Method::GET, path)
            .query("query", &query.expression)
            .query("start", &query.start.to_string())
            .query("end", &query.end.to_string())
            .query("step", &query.step.to_string());
        self.door.send(request).await
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
}
