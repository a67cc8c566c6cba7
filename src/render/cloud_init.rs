//! User and network data for cloud-init, in a Secret: inline they would be limited to 2048 bytes and readable to all
//! who may see the machine. Both are built as data and serialised, never glued together.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Kind, Manifest};
use crate::machine::{Addressing, Machine, Nic, User};
use crate::text::yaml;

/// The key of the user data. Source: KubeVirt, pkg/cloud-init.
const USER_DATA: &str = "userdata";
/// The key of the network data. Source: as above.
const NETWORK_DATA: &str = "networkdata";

pub(super) fn manifest(machine: &Machine) -> Option<Manifest> {
    let mut data = Map::new();
    if machine.access.needs_user_data() {
        let document = machine.access.user.as_ref().map_or_else(|| json!({}), user_data);
        data.insert(USER_DATA.into(), json!(STANDARD.encode(format!("#cloud-config\n{}", yaml(&document)))));
    }
    if machine.has_network_data() {
        data.insert(NETWORK_DATA.into(), json!(STANDARD.encode(yaml(&network_data(&machine.nics)))));
    }
    if data.is_empty() {
        return None;
    }
    let purpose = format!("cloud-init of {}: read once, at the first boot", machine.name);
    let fields = json!({"type": "Opaque", "data": data});
    Some(super::manifest(machine, Kind::Secret, &machine.secret_name(), purpose, Map::new(), fields))
}

/// `user`, not `users`: it changes the image's default user, and keys that KubeVirt hands over go to that user alone.
fn user_data(user: &User) -> Value {
    let mut fields = Map::new();
    fields.insert("name".into(), json!(user.name));
    // Null takes away the rule that the image gives its user.
    fields.insert("sudo".into(), json!(user.sudo));
    if let Some(shell) = &user.shell {
        fields.insert("shell".into(), json!(shell));
    }
    if !user.groups.is_empty() {
        fields.insert("groups".into(), json!(user.groups));
    }
    if let Some(password) = &user.password {
        // Unlike `passwd`, it also reaches a user that the image has already.
        fields.insert("hashed_passwd".into(), json!(password.hash()));
    }
    fields.insert("lock_passwd".into(), json!(user.lock_password));
    let mut document = Map::new();
    document.insert("user".into(), Value::Object(fields));
    if user.has_password && !user.lock_password {
        document.insert("ssh_pwauth".into(), json!(true));
    }
    if user.name == "root" {
        // cloud-init otherwise lets root's keys print a message instead of logging in.
        document.insert("disable_root".into(), json!(false));
    }
    Value::Object(document)
}

/// Version 2 of cloud-init's network data. It replaces the image's own settings, so every card is in it.
fn network_data(nics: &[Nic]) -> Value {
    let mut ethernets = Map::new();
    for (index, nic) in nics.iter().enumerate() {
        // The key may become the device's name in the guest, which has at most 15 characters.
        ethernets.insert(format!("eth{index}"), ethernet(nic));
    }
    json!({"version": 2, "ethernets": ethernets})
}

fn ethernet(nic: &Nic) -> Value {
    let mut fields = Map::new();
    if let Some(mac) = &nic.mac {
        fields.insert("match".into(), json!({"macaddress": mac.value}));
    }
    match &nic.addressing {
        Some(Addressing::Static(given)) => {
            fields.insert("addresses".into(), json!([given.address.to_string()]));
            if let Some(gateway) = &given.gateway {
                let everything = if gateway.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
                fields.insert("routes".into(), json!([{"to": everything, "via": gateway.value.to_string()}]));
            }
            if !given.dns.is_empty() {
                let servers: Vec<_> = given.dns.iter().map(ToString::to_string).collect();
                fields.insert("nameservers".into(), json!({"addresses": servers}));
            }
        }
        Some(Addressing::Dhcp) | None => {
            fields.insert("dhcp4".into(), json!(true));
            if nic.addressing.is_none() && nic.binding != crate::machine::Binding::Pod {
                // Nobody said that there is a DHCP server; the guest must not wait for one at boot.
                fields.insert("optional".into(), json!(true));
            }
        }
    }
    Value::Object(fields)
}
