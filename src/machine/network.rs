//! The network cards: which there are, and how each is connected.

use super::address::{self, Addressing};
use super::nic::{Binding, Nic};
use super::{identity, mac};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::Located;
use crate::spec::{Label, Network, NetworkType, Spec};

/// The name of the pod network.
const POD_NETWORK: &str = "default";
/// KubeVirt takes at most 256 interfaces, the pod's among them.
const MAX_NETWORKS: usize = 255;

pub(super) fn resolve(spec: &Spec, machine: &Located<Label>, namespace: Option<&str>, report: &mut Report) -> Vec<Nic> {
    if let Some(extra) = spec.networks.get(MAX_NETWORKS) {
        report.push(Diagnostic::new(
            Code::OutOfRange,
            extra.span,
            format!("a machine has at most {MAX_NETWORKS} networks"),
        ));
    }
    identity::unique_names("network", spec.networks.iter().map(|network| &network.name), report);
    let mut nics: Vec<_> =
        spec.networks.iter().take(MAX_NETWORKS).filter_map(|network| one(network, machine, report)).collect();
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
        mac::derive(&mut nics, machine, namespace, report);
    }
    mac::unique(&nics, report);
    one_gateway(&nics, report);
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
    let mac = network.mac_address.as_ref().and_then(|mac| mac::check(mac, binding == Some(Binding::Pod), report));
    let addressing =
        network.ip_config.as_ref().and_then(|config| address::resolve(config, binding == Some(Binding::Pod), report));
    let nic = Nic { name: network.name.0.clone(), binding: binding?, mac, addressing };
    (report.errors() == before).then_some(nic)
}

/// The binding of a card that is not on the pod network.
fn attached(network: &Located<Network>, machine: &Located<Label>, report: &mut Report) -> Option<Binding> {
    let kind = match &network.kind {
        Some(kind) => kind.clone(),
        // The earlier operator's files name the type of the pod network's place nowhere.
        None if network.name.0 == POD_NETWORK => Located::new(NetworkType::Bridge, network.name.span),
        None => {
            let message = format!("the network `{}` needs `type`", network.name.0);
            report.push(
                Diagnostic::new(Code::NetworkIncomplete, network.name.span, message)
                    .help("`bridge`, `ovs` or `sriov`; only a network called `default` needs none")
                    .absent(),
            );
            return None;
        }
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
                report.push(Diagnostic::ignored(
                    Code::NetworkFieldIgnored,
                    "bridgeName",
                    bridge.span,
                    "an SR-IOV network is described by its definition",
                ));
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
                report.push(Diagnostic::ignored(
                    Code::NetworkFieldIgnored,
                    "bridgeName",
                    bridge.span,
                    "`nadName` names a definition, which has its bridge already",
                ));
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
                    .help("`bridgeName` is a bridge on the nodes; `nadName` an existing NetworkAttachmentDefinition")
                    .absent(),
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

/// Two default routes of one family lead the answers of one network out through the other.
fn one_gateway(nics: &[Nic], report: &mut Report) {
    let gateways: Vec<_> = nics
        .iter()
        .filter_map(|nic| match &nic.addressing {
            Some(Addressing::Static(given)) => given.gateway.as_ref(),
            Some(Addressing::Dhcp) | None => None,
        })
        .collect();
    for (index, gateway) in gateways.iter().enumerate() {
        if let Some(first) = gateways[..index].iter().find(|first| first.is_ipv4() == gateway.is_ipv4()) {
            let message = "a second gateway makes a second default route; which one is used is up to the guest";
            report.push(
                Diagnostic::new(Code::TwoGateways, gateway.span, message)
                    .label(first.span, "the first gateway")
                    .help("keep the gateway of one network; others need none to reach their own subnet"),
            );
        }
    }
}
