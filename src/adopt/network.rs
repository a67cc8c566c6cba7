//! The network cards.

use serde_json::Value;

use super::file::{Field, field, list};
use super::{Draft, probe};
use crate::facts::{kind, text};
use crate::render::Kind;
use crate::spec::{check_label, check_subdomain};

/// An entry of `networks`, and what is said above it.
type Entry = (Vec<String>, Vec<Field>);

/// The networks of the file; none where the pod network alone needs no word.
pub(super) fn entries(draft: &mut Draft<'_>) -> Vec<Entry> {
    let template = draft.vm.pointer("/spec/template/spec");
    let all = |pointer: &str| {
        template.and_then(|template| template.pointer(pointer)).and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
    };
    let cards = all("/domain/devices/interfaces");
    let mut entries: Vec<Entry> = Vec::new();
    let mut names = Vec::new();
    for network in all("/networks") {
        let Some(name) = text(network, "/name") else { continue };
        let card = cards.iter().find(|card| text(card, "/name") == Some(name)).unwrap_or(&Value::Null);
        let attached = if network.get("pod").is_some() { pod(name) } else { attached(name, network, card, draft) };
        match attached.filter(|_| check_label(name).is_ok() && !names.contains(&name)) {
            Some(fields) => {
                names.push(name);
                let mut entry = vec![field("name", name)];
                entry.extend(fields);
                entry.extend(mac(card).map(|mac| field("macAddress", mac)));
                entries.push((Vec::new(), entry));
            }
            None => draft.keep_network(name),
        }
    }
    let plain = matches!(entries.as_slice(), [(_, fields)] if fields.len() == 1);
    if plain { Vec::new() } else { entries }
}

/// The pod network is called `default`.
fn pod(name: &str) -> Option<Vec<Field>> {
    (name == "default").then(Vec::new)
}

fn attached(name: &str, network: &Value, card: &Value, draft: &Draft<'_>) -> Option<Vec<Field>> {
    let nad = text(network, "/multus/networkName")?;
    let fine = match nad.split_once('/') {
        Some((namespace, nad)) => check_label(namespace).is_ok() && check_subdomain(nad).is_ok(),
        None => check_subdomain(nad).is_ok(),
    };
    if card.get("sriov").is_none()
        && let Some(own) = own(name, nad, draft)
    {
        return Some(own);
    }
    let form = if card.get("sriov").is_some() { "sriov" } else { "bridge" };
    fine.then(|| vec![field("type", form), field("nadName", nad)])
}

/// A definition that a Wukong of this name renders: the file says the bridge, and the definition follows.
fn own(name: &str, nad: &str, draft: &Draft<'_>) -> Option<Vec<Field>> {
    if nad != format!("{}-{name}", draft.name) {
        return None;
    }
    let config = text(draft.get(kind::NETWORK, nad)?, "/spec/config")?;
    let parsed: Value = serde_json::from_str(config).ok()?;
    let mut fields = vec![field("type", text(&parsed, "/type")?), field("bridgeName", text(&parsed, "/bridge")?)];
    fields.extend(parsed["vlan"].as_u64().map(|vlan| field("vlanId", vlan)));
    let mut entry = vec![field("name", name)];
    entry.extend_from_slice(&fields);
    let made = probe::render(&draft.name, &draft.namespace, &[], vec![list("networks", vec![(Vec::new(), entry)])]);
    let definition = made.iter().find(|manifest| manifest.kind == Kind::NetworkAttachmentDefinition)?;
    (text(&definition.object, "/spec/config") == Some(config)).then_some(fields)
}

/// An address in the spelling in which it would be written. Another one stays without a word.
fn mac(card: &Value) -> Option<&str> {
    let mac = text(card, "/macAddress")?;
    let octets: Vec<_> = mac.split(':').collect();
    let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let fine = octets.len() == 6 && octets.iter().all(|octet| octet.len() == 2 && octet.bytes().all(lower));
    fine.then_some(mac)
}
