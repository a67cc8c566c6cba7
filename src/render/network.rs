//! A NetworkAttachmentDefinition for a bridge of the nodes.

use serde_json::{Map, json};

use super::{Kind, Manifest};
use crate::machine::{Machine, Nic};

/// The version of the CNI specification that every plugin in question speaks.
const CNI_VERSION: &str = "0.3.1";

pub(super) fn manifest(
    machine: &Machine,
    nic: &Nic,
    name: &str,
    plugin: &str,
    bridge: &str,
    vlan: Option<i64>,
) -> Manifest {
    let mut config = json!({"cniVersion": CNI_VERSION, "name": name, "type": plugin, "bridge": bridge});
    if let Some(vlan) = vlan {
        config["vlan"] = json!(vlan);
    }
    if plugin == "bridge" {
        // Without addresses from the plugin the guest sees the plain network and sets its own address.
        config["ipam"] = json!({});
    }
    let purpose = format!("network {} of {}: bridge {bridge}", nic.name, machine.name);
    let fields = json!({"spec": {"config": config.to_string()}});
    super::manifest(machine, Kind::NetworkAttachmentDefinition, name, purpose, Map::new(), fields)
}
