//! The network cards: binding, NetworkAttachmentDefinition, hardware address and the guest's own address.

use std::net::IpAddr;

use ipnet::IpNet;

use super::identity;
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::Located;
use crate::spec::{IpConfig, IpMode, Label, Network, NetworkType, Spec};

/// The name of the pod network.
const POD_NETWORK: &str = "default";
/// KubeVirt uses this address for the guest's gateway under masquerade.
const RESERVED_MAC: &str = "02:00:00:00:00:00";
/// KubeVirt takes at most 256 interfaces, the pod's among them.
const MAX_NETWORKS: usize = 255;

/// A network card with nothing left to decide.
#[derive(Debug)]
pub struct Nic {
    /// The network's name.
    pub name: String,
    /// How it is connected.
    pub binding: Binding,
    /// The hardware address, if one was given or is needed.
    pub mac: Option<Located<String>>,
    /// How the guest gets its address; `None` if nothing was said.
    pub addressing: Option<Addressing>,
}

/// How a card is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// The pod network, behind the pod's address, so that the machine can live-migrate.
    Pod,
    /// An existing NetworkAttachmentDefinition, bridged into the guest.
    Bridge(String),
    /// An existing NetworkAttachmentDefinition whose virtual function is handed to the guest.
    Sriov(String),
    /// A NetworkAttachmentDefinition that is rendered.
    Rendered {
        /// Its name.
        name: String,
        /// The CNI plugin: `bridge` or `ovs`.
        plugin: &'static str,
        /// The bridge on the host.
        bridge: String,
        /// The VLAN on it.
        vlan: Option<i64>,
    },
}

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
    pub gateway: Option<IpAddr>,
    /// The name servers.
    pub dns: Vec<IpAddr>,
}

impl Nic {
    /// Whether the guest only finds its address by network data. The first card asks for one by DHCP unaided.
    pub const fn needs_network_data(&self) -> bool {
        match self.addressing {
            Some(Addressing::Static(_)) => true,
            Some(Addressing::Dhcp) => !matches!(self.binding, Binding::Pod),
            None => false,
        }
    }
}

pub(super) fn resolve(spec: &Spec, machine: &Located<Label>, namespace: Option<&str>, report: &mut Report) -> Vec<Nic> {
    if let Some(extra) = spec.networks.get(MAX_NETWORKS) {
        report.push(Diagnostic::new(
            Code::OutOfRange,
            extra.span,
            format!("a machine has at most {MAX_NETWORKS} networks"),
        ));
    }
    unique_names(spec, report);
    let mut nics: Vec<_> = spec.networks.iter().filter_map(|network| one(network, machine, report)).collect();
    let replaced = spec.networks.iter().any(|network| network.name.0 == POD_NETWORK && !is_pod(network));
    match nics.iter().position(|nic| nic.binding == Binding::Pod) {
        Some(at) => {
            let pod = nics.remove(at);
            nics.insert(0, pod);
        }
        None if replaced => {}
        None => {
            let name = POD_NETWORK.to_owned();
            nics.insert(0, Nic { name, binding: Binding::Pod, mac: None, addressing: None });
        }
    }
    if nics.iter().any(Nic::needs_network_data) {
        derive_macs(&mut nics, machine, namespace, report);
    }
    unique_macs(&nics, report);
    nics
}

/// An entry called `default` is the pod network unless it names another one.
fn is_pod(network: &Network) -> bool {
    network.name.0 == POD_NETWORK
        && network.nad_name.is_none()
        && network.bridge_name.is_none()
        && network.vlan_id.is_none()
        && network.kind.as_ref().is_none_or(|kind| kind.value == NetworkType::Bridge)
}

fn one(network: &Located<Network>, machine: &Located<Label>, report: &mut Report) -> Option<Nic> {
    let before = report.errors();
    let binding = if is_pod(network) { Some(Binding::Pod) } else { attached(network, machine, report) };
    let mac = network.mac_address.as_ref().and_then(|mac| check_mac(mac, binding == Some(Binding::Pod), report));
    let addressing = network.ip_config.as_ref().and_then(|config| address(config, binding.as_ref(), report));
    let nic = Nic { name: network.name.0.clone(), binding: binding?, mac, addressing };
    (report.errors() == before).then_some(nic)
}

/// The binding of a card that is not on the pod network.
fn attached(network: &Located<Network>, machine: &Located<Label>, report: &mut Report) -> Option<Binding> {
    let Some(kind) = &network.kind else {
        let message = format!("the network `{}` needs `type`", network.name.0);
        report.push(
            Diagnostic::new(Code::NetworkIncomplete, network.name.span, message)
                .help("`bridge`, `ovs` or `sriov`; only the pod network, called `default`, needs none"),
        );
        return None;
    };
    match kind.value {
        NetworkType::Macvlan => {
            let message = "macvlan drops all frames that are not for its own address, so nothing reaches the guest";
            report.push(Diagnostic::new(Code::Macvlan, kind.span, message).help(
                "put the host's device into a Linux bridge and use `type: bridge` with `bridgeName`, or use `type: sriov`",
            ));
            None
        }
        NetworkType::Sriov => {
            if let Some(bridge) = &network.bridge_name {
                ignored("bridgeName", bridge.span, "an SR-IOV network is described by its definition", report);
            }
            vlan_without_bridge(network, report);
            let Some(nad) = &network.nad_name else {
                let message = format!("the SR-IOV network `{}` needs `nadName`", network.name.0);
                report
                    .push(Diagnostic::new(Code::NetworkIncomplete, network.name.span, message).help(
                        "name a NetworkAttachmentDefinition with the annotation k8s.v1.cni.cncf.io/resourceName",
                    ));
                return None;
            };
            Some(Binding::Sriov(nad.0.clone()))
        }
        NetworkType::Bridge | NetworkType::Ovs => bridged(network, kind.value, machine, report),
    }
}

fn bridged(
    network: &Located<Network>,
    kind: NetworkType,
    machine: &Located<Label>,
    report: &mut Report,
) -> Option<Binding> {
    match (&network.nad_name, &network.bridge_name) {
        (Some(nad), bridge) => {
            if let Some(bridge) = bridge {
                ignored(
                    "bridgeName",
                    bridge.span,
                    "`nadName` names a definition, which has its bridge already",
                    report,
                );
            }
            vlan_without_bridge(network, report);
            Some(Binding::Bridge(nad.0.clone()))
        }
        (None, Some(bridge)) => Some(Binding::Rendered {
            name: identity::nad_name(&machine.value, &network.name),
            plugin: if kind == NetworkType::Ovs { "ovs" } else { "bridge" },
            bridge: bridge.0.clone(),
            vlan: network.vlan_id.as_ref().map(|vlan| vlan.0),
        }),
        (None, None) => {
            let message = format!("the network `{}` needs `bridgeName` or `nadName`", network.name.0);
            report.push(
                Diagnostic::new(Code::NetworkIncomplete, network.name.span, message)
                    .help("`bridgeName` is a bridge on the nodes; `nadName` an existing NetworkAttachmentDefinition"),
            );
            None
        }
    }
}

/// A VLAN can only be set where the definition is rendered.
fn vlan_without_bridge(network: &Network, report: &mut Report) {
    if let Some(vlan) = &network.vlan_id {
        let message = "the VLAN of an existing definition is part of it and cannot be set here";
        report.push(
            Diagnostic::new(Code::BadVlan, vlan.span, message)
                .help("remove `vlanId` and set the VLAN in the NetworkAttachmentDefinition, or use `bridgeName`"),
        );
    }
}

fn ignored(field: &str, span: crate::source::Span, why: &str, report: &mut Report) {
    let message = format!("`{field}` has no effect: {why}");
    report.push(Diagnostic::new(Code::NetworkFieldIgnored, span, message).help("remove it"));
}

/// A hardware address in its usual form, if it can be one of a card.
fn check_mac(mac: &Located<String>, pod: bool, report: &mut Report) -> Option<Located<String>> {
    let mut bad = |message: &str, help: &str| {
        report.push(Diagnostic::new(Code::BadAddress, mac.span, message).help(help));
        None
    };
    let normal = mac.value.replace('-', ":").to_ascii_lowercase();
    let octets: Vec<_> =
        normal.split(':').map(|part| u8::from_str_radix(part, 16).ok().filter(|_| part.len() == 2)).collect();
    let (6, Some(octets)) = (octets.len(), octets.into_iter().collect::<Option<Vec<_>>>()) else {
        return bad("not a hardware address", "write six pairs of hex digits: `02:1a:2b:3c:4d:5e`");
    };
    if octets[0] & 1 == 1 {
        return bad("a group address cannot belong to a card", "the first byte must be even, such as `02`");
    }
    if octets.iter().all(|octet| *octet == 0) {
        return bad("the address is all zeros", "leave `macAddress` out to have one derived");
    }
    if pod && normal == RESERVED_MAC {
        return bad("KubeVirt keeps this address for the gateway of the pod network", "choose another");
    }
    Some(Located::new(normal, mac.span))
}

fn address(config: &Located<IpConfig>, binding: Option<&Binding>, report: &mut Report) -> Option<Addressing> {
    let given = [
        ("address", config.address.as_ref().map(|field| field.span)),
        ("gateway", config.gateway.as_ref().map(|field| field.span)),
        ("dnsServers", config.dns_servers.first().map(|field| field.span)),
    ];
    if config.mode.value == IpMode::Dhcp {
        for (field, span) in given {
            if let Some(span) = span {
                ignored(field, span, "the DHCP server decides", report);
            }
        }
        return Some(Addressing::Dhcp);
    }
    if binding == Some(&Binding::Pod) {
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
            Diagnostic::new(Code::BadAddress, config.mode.span, message).help("for example `address: 192.168.1.10/24`"),
        );
        return None;
    };
    let address = Located::new(subnet(text, report)?, text.span);
    let gateway = match &config.gateway {
        Some(gateway) => Some(check_gateway(gateway, &address, report)?),
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
    let Ok(net) = text.value.parse::<IpNet>() else {
        return match text.value.parse::<IpAddr>() {
            Ok(ip) => {
                let length = if ip.is_ipv4() { 24 } else { 64 };
                bad("the address has no prefix length".to_owned(), &format!("for example `{ip}/{length}`"))
            }
            Err(_) => bad("not an address".to_owned(), "write address and prefix length: `192.168.1.10/24`"),
        };
    };
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

/// Once network data is rendered, it names every card by its hardware address.
fn derive_macs(nics: &mut [Nic], machine: &Located<Label>, namespace: Option<&str>, report: &mut Report) {
    let mut derived = false;
    for nic in nics.iter_mut().filter(|nic| nic.mac.is_none()) {
        derived = true;
        nic.mac = Some(Located::new(identity::mac(namespace, &machine.value, &nic.name), machine.span));
    }
    if derived && namespace.is_none() {
        let message =
            "hardware addresses are derived without a namespace, so a machine of this name elsewhere gets the same";
        report.push(
            Diagnostic::new(Code::MacWithoutNamespace, machine.span, message)
                .help("add `namespace` to the metadata, or pass `--namespace`"),
        );
    }
}

fn unique_names(spec: &Spec, report: &mut Report) {
    for (index, network) in spec.networks.iter().enumerate() {
        if let Some(first) = spec.networks[..index].iter().find(|earlier| earlier.name.0 == network.name.0) {
            let message = format!("two networks are called `{}`", network.name.0);
            report.push(
                Diagnostic::new(Code::DuplicateName, network.name.span, message)
                    .label(first.name.span, "first here")
                    .help("rename one of them"),
            );
        }
    }
}

fn unique_macs(nics: &[Nic], report: &mut Report) {
    let macs: Vec<_> = nics.iter().filter_map(|nic| nic.mac.as_ref()).collect();
    for (index, mac) in macs.iter().enumerate() {
        if let Some(first) = macs[..index].iter().find(|earlier| earlier.value == mac.value) {
            let message = format!("two cards of the machine have the hardware address `{}`", mac.value);
            report.push(
                Diagnostic::new(Code::DuplicateAddress, mac.span, message)
                    .label(first.span, "first here")
                    .help("give each card its own"),
            );
        }
    }
}
