//! kubectl's own flags for the way to the server, and what is heard on that way.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::terminal::Terminal;
use crate::cluster::{Access, Limits, Notices};

/// Which server, and as whom. Names and forms are kubectl's; `-h` shows the two that most people need.
#[derive(Clone, clap::Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct AccessArgs {
    /// The kubeconfig file to use, and no other.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig to use.
    #[arg(long, value_name = "NAME", value_parser = named)]
    context: Option<String>,

    /// The cluster of the kubeconfig to use.
    #[arg(long, value_name = "NAME", value_parser = named, hide_short_help = true)]
    cluster: Option<String>,

    /// The user of the kubeconfig to use.
    #[arg(long, value_name = "NAME", value_parser = named, hide_short_help = true)]
    user: Option<String>,

    /// The address of the API server.
    #[arg(short = 's', long, value_name = "URL", value_parser = named, hide_short_help = true)]
    server: Option<String>,

    /// A bearer token, in place of the credentials of the kubeconfig.
    #[arg(long, value_name = "TOKEN", hide_short_help = true)]
    token: Option<String>,

    /// The name in the server's certificate, if it is not that of its address.
    #[arg(long, value_name = "NAME", value_parser = named, hide_short_help = true)]
    tls_server_name: Option<String>,

    /// Accept any certificate of the server, which lets others read and change everything.
    #[arg(long, hide_short_help = true)]
    insecure_skip_tls_verify: bool,

    /// The file of the certificates that sign the server's.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    certificate_authority: Option<PathBuf>,

    /// The file of the client's certificate.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    client_certificate: Option<PathBuf>,

    /// The file of the client's key.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    client_key: Option<PathBuf>,

    /// The user to act as.
    #[arg(long = "as", value_name = "USER", value_parser = named, hide_short_help = true)]
    act_as: Option<String>,

    /// A group to act as. May be given several times.
    #[arg(long = "as-group", value_name = "GROUP", value_parser = named, hide_short_help = true)]
    as_groups: Vec<String>,

    /// The uid to act as.
    #[arg(long, value_name = "UID", value_parser = named, hide_short_help = true)]
    as_uid: Option<String>,

    /// How long one request may take: `30s`, `1m`, `1h30m`, or seconds; 0 means as long as it needs.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0", hide_default_value = true)]
    #[arg(hide_short_help = true)]
    request_timeout: Duration,

    /// How much to tell of the requests: from 6 on, each with its answer and its time.
    #[arg(short = 'v', long = "v", value_name = "N", default_value_t = 0, hide_default_value = true)]
    #[arg(hide_short_help = true)]
    verbosity: u8,
}

impl std::fmt::Debug for AccessArgs {
    /// Without the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.access().fmt(f)
    }
}

impl AccessArgs {
    /// What the flags say, as a value.
    pub(super) fn access(&self) -> Access {
        Access {
            kubeconfig: self.kubeconfig.clone().filter(|path| !path.as_os_str().is_empty()),
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            server: self.server.clone(),
            token: self.token.clone(),
            certificate_authority: self.certificate_authority.clone(),
            client_certificate: self.client_certificate.clone(),
            client_key: self.client_key.clone(),
            tls_server_name: self.tls_server_name.clone(),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            impersonate: self.act_as.clone(),
            impersonate_groups: self.as_groups.clone(),
            impersonate_uid: self.as_uid.clone(),
            request_timeout: Some(self.request_timeout).filter(|limit| !limit.is_zero()),
            limits: Limits::default(),
        }
    }
}

/// Tells on standard error what the server says besides its answers.
pub(super) struct Heard {
    terminal: Terminal,
    requests: bool,
    /// When a reason was last told: many requests fail at once for one reason.
    told: Mutex<HashMap<String, Instant>>,
}

impl Heard {
    /// Tells it on a terminal; whether each request is told is up to the flags.
    pub(super) fn on(terminal: Terminal, access: &AccessArgs) -> Self {
        Self { terminal, requests: access.verbosity >= REQUESTS, told: Mutex::default() }
    }
}

/// From this level on kubectl tells of requests too.
const REQUESTS: u8 = 6;

/// How long the same reason is not told again.
const QUIET: Duration = Duration::from_secs(1);

impl Notices for Heard {
    fn warning(&self, text: &str) {
        self.terminal.warning(text);
    }

    fn retry(&self, what: &str, reason: &str, after: Duration) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let quiet = told.get(reason).is_some_and(|last| now.duration_since(*last) < after.min(QUIET));
        if !quiet {
            told.insert(reason.to_owned(), now);
            self.terminal.progress("retrying", &format!("in {:.1} s: cannot {what}: {reason}", after.as_secs_f64()));
        }
    }

    fn tried(&self, method: &str, address: &str, status: Option<u16>, after: Duration) {
        if self.requests {
            let status = status.map_or("no answer".to_owned(), |status| status.to_string());
            let text = format!("{method} {address}: {status} after {} ms", after.as_millis());
            self.terminal.progress("request", &text);
        }
    }
}

fn named(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// A duration as Go writes it: numbers with units, or, as kubectl allows, seconds alone.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, f64); 7] =
        [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let problem = || "write it as `30s`, `1m`, `1h30m`, or as seconds; 0 means as long as it needs".to_owned();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map(Duration::from_secs).map_err(|_| problem());
    }
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(problem)?;
        let number: f64 = rest[..end].parse().map_err(|_| problem())?;
        rest = &rest[end..];
        let unit = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let (_, factor) = UNITS.into_iter().find(|(name, _)| *name == &rest[..unit]).ok_or_else(problem)?;
        seconds += number * factor;
        rest = &rest[unit..];
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| problem())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args as _, FromArgMatches as _};

    fn parse(flags: &[&str]) -> AccessArgs {
        let command = AccessArgs::augment_args(clap::Command::new("x").no_binary_name(true));
        AccessArgs::from_arg_matches(&command.try_get_matches_from(flags).unwrap()).unwrap()
    }

    #[test]
    fn durations_are_those_of_kubectl() {
        for (text, milliseconds) in [
            ("0", 0),
            ("30", 30_000),
            ("30s", 30_000),
            ("1m", 60_000),
            ("1h30m", 5_400_000),
            ("1.5s", 1500),
            ("5ms", 5),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "s", "1x", "-1s", "1m30", "1..s", "99999999999999999999", "1e9s", "."] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn flags_are_those_of_kubectl() {
        let access = parse(&[
            "--kubeconfig=f",
            "--context=c",
            "--cluster=k",
            "--user=u",
            "-s",
            "https://h",
            "--token=hunter2",
            "--tls-server-name=n",
            "--insecure-skip-tls-verify",
            "--certificate-authority=ca",
            "--client-certificate=cc",
            "--client-key=ck",
            "--as=a",
            "--as-group=g",
            "--as-group=h",
            "--as-uid=i",
            "--request-timeout=1m",
            "-v=6",
        ]);
        assert!(!format!("{access:?}").contains("hunter2"));
        assert_eq!(access.verbosity, 6);
        let access = access.access();
        assert_eq!(access.server.as_deref(), Some("https://h"));
        assert_eq!(access.impersonate_groups, ["g", "h"]);
        assert_eq!(access.request_timeout, Some(Duration::from_mins(1)));
        assert!(access.insecure_skip_tls_verify);
        assert_eq!(parse(&[]).access().request_timeout, None);
    }

    #[test]
    fn the_short_help_is_short() {
        let mut command = AccessArgs::augment_args(clap::Command::new("x"));
        let short = command.render_help().to_string();
        assert!(short.contains("--context") && short.contains("Cluster:") && !short.contains("--as-uid"), "{short}");
        assert!(command.render_long_help().to_string().contains("--as-uid"));
    }
}
