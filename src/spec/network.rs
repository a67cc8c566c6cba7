//! One network of the machine.

use super::leaf::Int;
use super::name::{HostDevice, Label, NadName};
use super::object::{choice, object};

object! {
    /// One network card of the machine. The one called `default` is the pod network, unless it names another.
    pub struct Network {
        /// The network's name, unique in the machine.
        required name ("name"): Label,
        /// The kind of network. The pod network needs none.
        optional kind ("type"): NetworkType,
        /// An existing NetworkAttachmentDefinition: `name` or `namespace/name`.
        optional nad_name ("nadName"): NadName,
        /// The VLAN on the host's bridge.
        optional vlan_id ("vlanId"): Int<1, 4094>,
        /// The bridge on the host. A NetworkAttachmentDefinition for it is rendered.
        optional bridge_name ("bridgeName"): HostDevice,
        /// The hardware address. Without one it is derived where it is needed, the same on every render.
        optional mac_address ("macAddress"): String,
        /// The address of the guest.
        optional ip_config ("ipConfig"): IpConfig,
    }
    ignored {
        /// Setting up the network of the nodes is not this tool's job; prepare the bridge on each node.
        "physicalInterface",
        /// Setting up the network of the nodes is not this tool's job; give the node its address there.
        "nodeIP",
    }
    rules {
        "self.name == 'default' || has(self.nadName) || has(self.bridgeName)" => "a network needs nadName or bridgeName",
        "!has(self.type) || self.type != 'macvlan'" => "macvlan passes no traffic to a guest",
        "self.name == 'default' || has(self.type)" => "a network needs type",
    }
}

object! {
    /// How the guest gets its address.
    pub struct IpConfig {
        /// Where the address comes from.
        required mode ("mode"): IpMode,
        /// The address with its prefix length, such as `192.168.1.10/24`.
        optional address ("address"): String,
        /// The gateway, in the same subnet.
        optional gateway ("gateway"): String,
        /// The name servers.
        list dns_servers ("dnsServers"): String,
    }
    rules {
        "self.mode != 'static' || has(self.address)" => "a static address is missing",
    }
}

choice! {
    /// The kind of a network.
    pub enum NetworkType {
        /// A Linux bridge on the host.
        Bridge = "bridge",
        /// A macvlan device of the host. It passes no traffic to a guest and is refused.
        Macvlan = "macvlan",
        /// A virtual function of an SR-IOV card.
        Sriov = "sriov",
        /// An Open vSwitch bridge on the host.
        Ovs = "ovs",
    }
}

choice! {
    /// Where the guest's address comes from.
    pub enum IpMode {
        /// Given here.
        Static = "static",
        /// From a DHCP server on the network.
        Dhcp = "dhcp",
    }
}
