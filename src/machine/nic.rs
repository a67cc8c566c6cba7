//! A network card: how it is connected, and its addresses.

use super::address::Addressing;
use crate::source::Located;

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

impl Nic {
    /// Whether the guest only finds its address by network data. On the pod network it asks by DHCP unaided.
    pub const fn needs_network_data(&self) -> bool {
        match self.addressing {
            Some(Addressing::Static(_)) => true,
            Some(Addressing::Dhcp) => !matches!(self.binding, Binding::Pod),
            None => false,
        }
    }
}
