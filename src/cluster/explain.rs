//! Why no answer came, told from the causes that lie in one another.

use std::error::Error;
use std::io::ErrorKind;
use std::iter::successors;

use hyper_util::client::legacy;
use kube::client::AuthError;

use super::Asked;
use super::login::Login;
use super::refused::{CERTIFICATE, Reason, Refused, clean};
use super::retry::{Again, Failure};

/// The way that a request goes.
pub(super) struct Way {
    /// The address of the server, without secrets.
    pub server: String,
    /// The proxy, if there is one, without secrets.
    pub proxy: Option<String>,
    /// Who logs in.
    pub login: Login,
}

impl Way {
    /// What it means that a request brought no answer.
    pub(super) fn explain(&self, asked: &Asked, error: &(dyn Error + 'static)) -> Failure {
        let causes: Vec<&(dyn Error + 'static)> = successors(Some(error), |error| (*error).source()).collect();
        if let Some(error) = causes.iter().find_map(|cause| cause.downcast_ref::<AuthError>()) {
            return Failure::final_(Refused::new(Reason::Unauthorized, asked, &self.login.explain(error)));
        }
        let not_sent =
            causes.iter().any(|cause| cause.downcast_ref::<legacy::Error>().is_some_and(legacy::Error::is_connect));
        let (message, passes) = self.sentence(&causes);
        let again = match (passes, not_sent) {
            (false, _) => Again::Never,
            (true, true) => Again::Always,
            (true, false) => Again::IfRepeatable,
        };
        Failure { refused: Refused::new(Reason::Unreachable, asked, &message), again, after: None }
    }

    /// The sentence, and whether the cause may pass.
    fn sentence(&self, causes: &[&(dyn Error + 'static)]) -> (String, bool) {
        let texts: Vec<_> = causes.iter().map(ToString::to_string).collect();
        let holds = |word: &str| texts.iter().any(|text| text.contains(word));
        let kind =
            causes.iter().rev().find_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
        let last = clean(texts.last().map_or("", String::as_str));
        let server = &self.server;
        // What is connected to first.
        let end = self.proxy.as_ref().map_or_else(|| server.clone(), |proxy| format!("the proxy {proxy}"));
        if holds("invalid peer certificate") {
            let why = last.split("invalid peer certificate: ").last().unwrap_or_default();
            return (format!("{CERTIFICATE} {server} is not trusted: {why}"), false);
        }
        if holds("InvalidContentType") {
            return (format!("{server} does not speak TLS; does its address begin with `http://`?"), false);
        }
        if holds("tunnel error: proxy authorization required") {
            return (format!("{end} wants a user and a password"), false);
        }
        if holds("tunnel error: unsuccessful") || holds("SOCKS error") && !holds("underlying") {
            return (format!("{end} does not connect to {server}: {last}"), true);
        }
        let message = match kind {
            _ if holds("dns error") => format!("the name in {end} cannot be resolved"),
            Some(ErrorKind::ConnectionRefused) => format!("connection refused at {end}"),
            Some(ErrorKind::TimedOut) => format!("no connection to {end} in time"),
            Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof) => {
                format!("the connection to {end} was cut")
            }
            _ if holds("before message completed") || holds("unexpected EOF") || holds("end of file before") => {
                format!("the connection to {end} was cut")
            }
            _ => format!("no connection to {end}: {last}"),
        };
        (message, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_become_sentences() {
        let way = Way { server: "https://k:6443".to_owned(), proxy: None, login: Login::default() };
        let told = |error: std::io::Error| {
            let failure = way.explain(&Asked::path("get", "/version"), &error);
            (failure.refused.to_string(), failure.again)
        };
        let refused = told(ErrorKind::ConnectionRefused.into());
        assert_eq!(
            refused,
            ("cannot get /version: connection refused at https://k:6443".to_owned(), Again::IfRepeatable)
        );
        let (message, again) = told(std::io::Error::other("invalid peer certificate: UnknownIssuer"));
        assert_eq!(message, "cannot get /version: the certificate of https://k:6443 is not trusted: UnknownIssuer");
        assert_eq!(again, Again::Never);
    }
}
