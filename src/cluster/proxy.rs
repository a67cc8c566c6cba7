//! Which proxy lies on the way to the server, by the rules of Go, and so of kubectl.
//!
//! kube has rules of its own: version 5 compares `NO_PROXY` with the address of the proxy instead of the server's, and
//! fails on an empty entry.

use std::net::IpAddr;

use http::Uri;
use ipnet::IpNet;

/// Finds the proxy. `named` is the `proxy-url` of a kubeconfig, which holds in any case; otherwise the environment
/// decides, read through `variable`.
///
/// Fails with an address that is no proxy; the message does not repeat it, because it may hold a password.
pub(super) fn choose(
    server: &Uri,
    named: Option<&str>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Uri>, String> {
    if let Some(proxy) = named.filter(|proxy| !proxy.is_empty()) {
        return parse(proxy).map(Some).ok_or_else(|| problem("`proxy-url` of the kubeconfig"));
    }
    let first = |names: [&'static str; 2]| {
        names.into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()).map(|value| (name, value)))
    };
    let variables =
        if server.scheme_str() == Some("http") { ["HTTP_PROXY", "http_proxy"] } else { ["HTTPS_PROXY", "https_proxy"] };
    let Some((name, proxy)) = first(variables) else { return Ok(None) };
    if bypassed(server, &first(["NO_PROXY", "no_proxy"]).map_or_else(String::new, |(_, value)| value)) {
        return Ok(None);
    }
    parse(&proxy).map(Some).ok_or_else(|| problem(&format!("`{name}`")))
}

fn problem(place: &str) -> String {
    format!("{place} is not the address of a proxy; write it as `http://HOST:PORT`, `https://…` or `socks5://…`")
}

fn parse(proxy: &str) -> Option<Uri> {
    let whole = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    // In both forms the proxy resolves the name.
    let uri: Uri = whole.replacen("socks5h://", "socks5://", 1).parse().ok()?;
    (matches!(uri.scheme_str(), Some("http" | "https" | "socks5")) && uri.host().is_some()).then_some(uri)
}

/// Whether the environment sends this server no proxy's way.
fn bypassed(server: &Uri, no_proxy: &str) -> bool {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']).trim_end_matches('.').to_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    // Go never sends these through a proxy.
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    let port = server.port_u16().unwrap_or(if server.scheme_str() == Some("http") { 80 } else { 443 });
    no_proxy.split(',').map(|entry| entry.trim().to_lowercase()).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        if let Ok(net) = entry.parse::<IpNet>() {
            return address.is_some_and(|address| net.contains(&address));
        }
        if let Ok(excepted) = entry.trim_matches(['[', ']']).parse::<IpAddr>() {
            return address == Some(excepted);
        }
        let (name, wanted) = match entry.rsplit_once(':') {
            Some((name, digits)) => (name, digits.parse().ok()),
            None => (entry.as_str(), None),
        };
        if wanted.is_some_and(|wanted: u16| wanted != port) {
            return false;
        }
        if let Ok(excepted) = name.trim_matches(['[', ']']).parse::<IpAddr>() {
            return address == Some(excepted);
        }
        // `example.org` stands for itself and all below it, `.example.org` and `*.example.org` only for these.
        let name = name.strip_prefix('*').unwrap_or(name);
        match name.strip_prefix('.') {
            Some(_) => host.ends_with(name),
            None => host == name || host.ends_with(&format!(".{name}")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(server: &str, named: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        choose(&server.parse().unwrap(), named, variable).unwrap().map(|proxy| proxy.to_string())
    }

    #[test]
    fn the_environment_decides_by_the_scheme_of_the_server() {
        let both = [("HTTPS_PROXY", "proxy:3128"), ("HTTP_PROXY", "http://plain:80"), ("https_proxy", "http://late")];
        assert_eq!(chosen("https://k.example:6443", None, &both).unwrap(), "http://proxy:3128/");
        assert_eq!(chosen("http://k.example", None, &both).unwrap(), "http://plain/".replace("plain/", "plain:80/"));
        assert_eq!(
            chosen("https://k.example", None, &[("HTTPS_PROXY", ""), ("https_proxy", "a:1")]).unwrap(),
            "http://a:1/"
        );
        assert_eq!(chosen("https://k.example", None, &[("HTTP_PROXY", "a:1")]), None);
        assert_eq!(chosen("https://127.0.0.1:6443", None, &both), None);
        assert_eq!(chosen("https://[::1]:6443", None, &both), None);
        assert_eq!(chosen("https://localhost", None, &both), None);
    }

    #[test]
    fn the_kubeconfig_decides_alone() {
        let environment = [("HTTPS_PROXY", "proxy:1"), ("NO_PROXY", "*")];
        assert_eq!(chosen("https://localhost", Some("socks5://s:1080"), &environment).unwrap(), "socks5://s:1080/");
        assert_eq!(chosen("https://k", Some("socks5h://s:1080"), &[]).unwrap(), "socks5://s:1080/");
    }

    #[test]
    fn exceptions() {
        for (server, no_proxy, bypass) in [
            ("https://k.example", "k.example", true),
            ("https://K.Example", "k.example", true),
            ("https://a.k.example", "k.example", true),
            ("https://ak.example", "k.example", false),
            ("https://k.example", ".k.example", false),
            ("https://a.k.example", ".k.example", true),
            ("https://a.k.example", "*.k.example", true),
            ("https://k.example:6443", "k.example:6443", true),
            ("https://k.example:6443", "k.example:443", false),
            ("https://k.example", "k.example:443", true),
            ("https://10.1.2.3", "10.0.0.0/8", true),
            ("https://11.1.2.3", "10.0.0.0/8", false),
            ("https://10.1.2.3:6443", "10.1.2.3", true),
            ("https://10.1.2.3:6443", "10.1.2.3:6443", true),
            ("https://[fd00::1]:6443", "fd00::/8", true),
            ("https://[fd00::1]:6443", "[fd00::1]:6443", true),
            ("https://k.example", "*", true),
            ("https://k.example", "a, ,k.example,", true),
            // The address of the proxy is no reason: kube compares with it.
            ("https://k.example", "proxy", false),
        ] {
            let found = chosen(server, None, &[("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", no_proxy)]);
            assert_eq!(found.is_none(), bypass, "{server} {no_proxy}");
        }
    }

    #[test]
    fn a_bad_proxy_is_told_without_its_password() {
        let problem = choose(&"https://k".parse().unwrap(), Some("ftp://me:secret@proxy"), |_| None).unwrap_err();
        assert!(problem.contains("proxy-url") && !problem.contains("secret"), "{problem}");
    }
}
