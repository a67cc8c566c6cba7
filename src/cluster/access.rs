//! Where the server is and who asks: flags, kubeconfig, environment and the service account of a pod, in kubectl's order.

use std::env;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use kube::Config;
use kube::config::{AuthInfo, Cluster, ExecAuthCluster};

use super::kubeconfig::{self, Chosen};
use super::pem::certificates;
use super::proxy;
use super::refused::clean;

/// What flags say about the way to the server; nothing by default, as for kubectl without flags.
#[derive(Clone, Default)]
pub struct Access {
    /// The only kubeconfig to read.
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig.
    pub context: Option<String>,
    /// The cluster of the kubeconfig.
    pub cluster: Option<String>,
    /// The user of the kubeconfig.
    pub user: Option<String>,
    /// The address of the server.
    pub server: Option<String>,
    /// A bearer token. It replaces all credentials of the kubeconfig, client certificates too.
    pub token: Option<String>,
    /// The file of the certificates that the server's is signed with.
    pub certificate_authority: Option<PathBuf>,
    /// The file of the client's certificate.
    pub client_certificate: Option<PathBuf>,
    /// The file of the client's key.
    pub client_key: Option<PathBuf>,
    /// The name in the server's certificate.
    pub tls_server_name: Option<String>,
    /// Whether any certificate of the server will do.
    pub insecure_skip_tls_verify: bool,
    /// The user to act as.
    pub impersonate: Option<String>,
    /// The groups to act as.
    pub impersonate_groups: Vec<String>,
    /// The uid to act as.
    pub impersonate_uid: Option<String>,
    /// How long one request may take, with all its tries. Without it, only silence ends a try.
    pub request_timeout: Option<Duration>,
    /// How much is asked at once.
    pub limits: Limits,
}

/// What a run may ask of the server and of its own memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests at the same time.
    pub requests: usize,
    /// The largest answer, in bytes.
    pub answer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { requests: 16, answer: 256 << 20 }
    }
}

impl fmt::Debug for Access {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("kubeconfig", &self.kubeconfig)
            .field("context", &self.context)
            .field("cluster", &self.cluster)
            .field("user", &self.user)
            .field("server", &self.server.as_deref().map(clean))
            .field("token", &self.token.as_ref().map(|_| crate::text::MASK))
            .field("impersonate", &self.impersonate)
            .field("request_timeout", &self.request_timeout)
            .finish_non_exhaustive()
    }
}

/// Everything that a client must know.
pub(super) fn config(access: &Access) -> Result<Config> {
    let mut chosen = find(access)?;
    override_cluster(access, &mut chosen.cluster);
    override_user(access, &mut chosen.user)?;
    build(chosen)
}

/// The kubeconfig, else the service account of this pod, else the flags alone.
fn find(access: &Access) -> Result<Chosen> {
    if let Some(path) = &access.kubeconfig {
        return kubeconfig::choose(&kubeconfig::read_named(path)?, access);
    }
    let places = kubeconfig::usual_places();
    if let Some(kubeconfig) = kubeconfig::read_all(&places)? {
        return kubeconfig::choose(&kubeconfig, access);
    }
    if let Ok(config) = Config::incluster() {
        let authority = config.root_cert_file.map(|path| path.display().to_string());
        let cluster = Cluster {
            server: Some(config.cluster_url.to_string()),
            certificate_authority: authority,
            ..Cluster::default()
        };
        return Ok(Chosen { cluster, user: config.auth_info, namespace: Some(config.default_namespace) });
    }
    if access.server.is_some() {
        return Ok(Chosen::default());
    }
    let places: Vec<_> = places.iter().map(|place| format!("`{}`", place.display())).collect();
    let places = if places.is_empty() { "no home directory".to_owned() } else { places.join(", ") };
    bail!("no kubeconfig found (looked at {places}); name one with `--kubeconfig FILE` or set `KUBECONFIG`")
}

fn override_cluster(access: &Access, cluster: &mut Cluster) {
    if access.insecure_skip_tls_verify || access.certificate_authority.is_some() {
        cluster.insecure_skip_tls_verify = Some(access.insecure_skip_tls_verify);
        cluster.certificate_authority = access.certificate_authority.as_ref().map(|path| path.display().to_string());
        cluster.certificate_authority_data = None;
    }
    // A name that was meant for another address would only mislead.
    if access.server.is_some() || access.tls_server_name.is_some() {
        cluster.tls_server_name.clone_from(&access.tls_server_name);
    }
    if let Some(server) = &access.server {
        cluster.server = Some(server.clone());
    }
}

fn override_user(access: &Access, user: &mut AuthInfo) -> Result<()> {
    if let Some(token) = access.token.as_ref().filter(|token| !token.is_empty()) {
        *user = AuthInfo {
            token: Some(token.clone().into()),
            impersonate: user.impersonate.take(),
            impersonate_uid: user.impersonate_uid.take(),
            impersonate_groups: user.impersonate_groups.take(),
            impersonate_user_extra: user.impersonate_user_extra.take(),
            ..AuthInfo::default()
        };
    }
    if let Some(path) = &access.client_certificate {
        user.client_certificate = Some(path.display().to_string());
        user.client_certificate_data = None;
    }
    if let Some(path) = &access.client_key {
        user.client_key = Some(path.display().to_string());
        user.client_key_data = None;
    }
    if let Some(name) = &access.impersonate {
        user.impersonate = Some(name.clone());
    }
    if !access.impersonate_groups.is_empty() {
        user.impersonate_groups = Some(access.impersonate_groups.clone());
    }
    if let Some(uid) = &access.impersonate_uid {
        user.impersonate_uid = Some(uid.clone());
    }
    let more = user.impersonate_groups.as_ref().is_some_and(|groups| !groups.is_empty())
        || user.impersonate_uid.is_some()
        || user.impersonate_user_extra.as_ref().is_some_and(|extra| !extra.is_empty());
    if more && user.impersonate.as_deref().is_none_or(str::is_empty) {
        bail!("groups and a uid to act as need a user to act as; add `--as USER`");
    }
    Ok(())
}

/// Builds what kube wants to know. kube's own way from a kubeconfig is not taken, because it reads proxies from the
/// environment by rules of its own.
pub(super) fn build(chosen: Chosen) -> Result<Config> {
    let Chosen { cluster, mut user, namespace } = chosen;
    let Some(server) = cluster.server.as_deref().filter(|server| !server.is_empty()) else {
        bail!("the kubeconfig names no server for this cluster; name one with `--server URL`")
    };
    let secure = cluster.insecure_skip_tls_verify == Some(true)
        || cluster.certificate_authority.is_some()
        || cluster.certificate_authority_data.is_some()
        || user.client_certificate.is_some()
        || user.client_certificate_data.is_some();
    let url = match server.contains("://") {
        true => server.to_owned(),
        false if secure => format!("https://{server}"),
        false => format!("http://{server}"),
    };
    let url: http::Uri = match url.parse() {
        Ok(url) => url,
        Err(error) => bail!("the address of the server, `{}`, is not a URL: {error}", clean(server)),
    };
    if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none() {
        bail!("the address of the server, `{}`, must be `https://HOST:PORT`", clean(server));
    }
    let described = ExecAuthCluster::try_from(&cluster).context("the kubeconfig cannot be used")?;
    let mut config = Config::new(url);
    config.proxy_url = proxy::choose(&config.cluster_url, cluster.proxy_url.as_deref(), |name| env::var(name).ok())
        .map_err(|problem| anyhow!(problem))?;
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify == Some(true);
    config.root_cert = match &described.certificate_authority_data {
        Some(pem) => Some(certificates(pem)?),
        // Without TLS, and where any certificate will do, the machine's own list is not needed: it may be missing.
        None if config.accept_invalid_certs || config.cluster_url.scheme_str() == Some("http") => Some(Vec::new()),
        None => None,
    };
    if cluster.certificate_authority_data.is_none() {
        config.root_cert_file = cluster.certificate_authority.as_ref().map(PathBuf::from);
    }
    config.default_namespace = namespace.unwrap_or_else(|| "default".to_owned());
    config.disable_compression = cluster.disable_compression.unwrap_or(false);
    config.tls_server_name = cluster.tls_server_name.filter(|name| !name.is_empty());
    // kube would try for minutes without a word.
    config.default_retry = false;
    if let Some(exec) = user.exec.as_mut().filter(|exec| exec.provide_cluster_info) {
        exec.cluster = Some(described);
    }
    trim_token(&mut user);
    config.auth_info = user;
    Ok(config)
}

/// kube sends the token of a file as it stands, and a line break at its end would make it no header. Such a file was
/// written by a person and does not change: its token is taken as it is now.
fn trim_token(user: &mut AuthInfo) {
    let file = user.token_file.as_ref().filter(|_| user.token.is_none());
    let Some(text) = file.and_then(|file| fs::read_to_string(file).ok()) else { return };
    if text.trim() != text {
        user.token = Some(text.trim().to_owned().into());
        user.token_file = None;
    }
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
