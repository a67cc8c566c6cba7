//! The guest's own address: where it comes from, and whether it can work.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::Located;
use crate::spec::{IpConfig, IpMode};

/// How the guest gets an address.
#[derive(Debug, Clone)]
pub enum Addressing {
    /// From a DHCP server.
    Dhcp,
    /// Given.
    Static(StaticAddress),
}

/// An address that was given.
#[derive(Debug, Clone)]
pub struct StaticAddress {
    /// The address with its prefix length.
    pub address: Located<IpNet>,
    /// The gateway.
    pub gateway: Option<Located<IpAddr>>,
    /// The name servers.
    pub dns: Vec<IpAddr>,
}

/// How the guest gets its address, checked.
pub(super) fn resolve(config: &Located<IpConfig>, pod: bool, report: &mut Report) -> Option<Addressing> {
    let given = [
        ("address", config.address.as_ref().map(|field| field.span)),
        ("gateway", config.gateway.as_ref().map(|field| field.span)),
        ("dnsServers", config.dns_servers.first().map(|field| field.span)),
    ];
    if config.mode.value == IpMode::Dhcp {
        for (field, span) in given {
            if let Some(span) = span {
                report.push(Diagnostic::ignored(Code::NetworkFieldIgnored, field, span, "the DHCP server decides"));
            }
        }
        return Some(Addressing::Dhcp);
    }
    if pod {
        let message = "the pod network gives the guest its address; another one would reach nothing";
        report.push(
            Diagnostic::new(Code::StaticOnPod, config.mode.span, message)
                .help("use `mode: dhcp`, or put the address on a further network with `bridgeName`"),
        );
        return None;
    }
    let Some(text) = &config.address else {
        let message = "a static address needs `address`";
        report.push(
            Diagnostic::new(Code::BadAddress, config.mode.span, message)
                .help("for example `address: 192.168.1.10/24`")
                .absent(),
        );
        return None;
    };
    let address = Located::new(subnet(text, report)?, text.span);
    let gateway = match &config.gateway {
        Some(gateway) => Some(Located::new(check_gateway(gateway, &address, report)?, gateway.span)),
        None => None,
    };
    let dns = config.dns_servers.iter().filter_map(|server| ip(server, "name server", report)).collect();
    Some(Addressing::Static(StaticAddress { address, gateway, dns }))
}

/// An address with its prefix length that a card can have.
fn subnet(text: &Located<String>, report: &mut Report) -> Option<IpNet> {
    let mut bad = |message: String, help: &str| {
        report.push(Diagnostic::new(Code::BadAddress, text.span, message).help(help.to_owned()));
        None
    };
    // The standard library reads `010` as an error, where others take it for octal.
    let strict = text.value.split_once('/').is_some_and(|(ip, _)| ip.parse::<IpAddr>().is_ok());
    let Some(net) = text.value.parse::<IpNet>().ok().filter(|_| strict) else {
        return match text.value.parse::<IpAddr>() {
            Ok(ip) => {
                let length = if ip.is_ipv4() { 24 } else { 64 };
                bad("the address has no prefix length".to_owned(), &format!("for example `{ip}/{length}`"))
            }
            Err(_) => bad("not an address".to_owned(), "write address and prefix length: `192.168.1.10/24`"),
        };
    };
    if net.prefix_len() == 0 || matches!(net.addr(), IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
        return bad(
            format!("`{net}` is not an address in a network"),
            "write address and prefix length: `192.168.1.10/24`",
        );
    }
    let host_bits = net.max_prefix_len() - net.prefix_len();
    if net.addr().is_unspecified() || net.addr().is_multicast() || net.addr().is_loopback() {
        return bad(format!("`{}` is not an address for a card", net.addr()), "use an address of the network");
    }
    if host_bits > 1 && net.addr() == net.network() {
        return bad(format!("`{}` is the address of the network itself", net.addr()), "use an address inside it");
    }
    if host_bits > 1 && net.addr().is_ipv4() && net.addr() == net.broadcast() {
        return bad(format!("`{}` is the broadcast address of the network", net.addr()), "use an address inside it");
    }
    Some(net)
}

fn check_gateway(gateway: &Located<String>, address: &Located<IpNet>, report: &mut Report) -> Option<IpAddr> {
    let ip = ip(gateway, "gateway", report)?;
    let link_local = matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
    if !address.contains(&ip) && !link_local || ip.is_ipv4() != address.addr().is_ipv4() {
        let message = format!("the gateway `{ip}` is not in the subnet `{}`", address.trunc());
        report.push(
            Diagnostic::new(Code::BadAddress, gateway.span, message)
                .label(address.span, "the address")
                .help("a guest reaches only a gateway of its own subnet; check the prefix length"),
        );
        return None;
    }
    let wide = address.max_prefix_len() - address.prefix_len() > 1;
    if ip.is_ipv4() && wide && (ip == address.network() || ip == address.broadcast()) {
        let message =
            format!("`{ip}` is the first or last address of `{}`, which no gateway can have", address.trunc());
        report.push(Diagnostic::new(Code::BadAddress, gateway.span, message).label(address.span, "the address"));
        return None;
    }
    if ip == address.addr() {
        let message = "the gateway is the address of the machine itself";
        report.push(Diagnostic::new(Code::BadAddress, gateway.span, message).label(address.span, "the address"));
        return None;
    }
    Some(ip)
}

fn ip(text: &Located<String>, what: &str, report: &mut Report) -> Option<IpAddr> {
    let parsed = text.value.parse::<IpAddr>().ok().filter(|ip| !ip.is_unspecified() && !ip.is_multicast());
    if parsed.is_none() {
        let message = format!("not the address of a {what}");
        report.push(Diagnostic::new(Code::BadAddress, text.span, message).help("write it as `192.168.1.1`"));
    }
    parsed
}
