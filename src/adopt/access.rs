//! Who may log in and the guest's own addresses, where this tool's Secret says it and no secret value is needed to say
//! it again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::file::{Field, field, list, map};
use super::{Draft, probe};
use crate::diagnostic::Report;
use crate::facts::{kind, text};
use crate::machine::CLOUD_INIT_DISK;
use crate::render::Kind;
use crate::source::{documents, kubectl_value};

/// An entry of `networks`, and what is said above it.
type Entry = (Vec<String>, Vec<Field>);

/// What the Secret says, as fields of the spec, and the networks with their addresses; none unless all of it comes out
/// the same.
pub(super) fn fields(draft: &Draft<'_>, networks: &[Entry]) -> Option<(Vec<Field>, Vec<Entry>)> {
    let name = format!("{}-cloud-init", draft.name);
    let volumes = draft.vm.pointer("/spec/template/spec/volumes")?.as_array()?;
    let volume = volumes.iter().find(|volume| text(volume, "/name") == Some(CLOUD_INIT_DISK))?;
    let named = |pointer: &str| text(volume, pointer) == Some(&name);
    let (user, network) =
        (named("/cloudInitNoCloud/secretRef/name"), named("/cloudInitNoCloud/networkDataSecretRef/name"));
    if !user && !network {
        return None;
    }
    let data = draft.get(kind::SECRET, &name)?.get("data")?;
    let mut spec = Vec::new();
    if user {
        spec.push(login(&document(&data["userdata"])?, draft)?);
        spec.extend(credential(draft, "sshPublicKey").map(|secret| field("sshKeySecret", secret)));
    }
    let mut networks = networks.to_vec();
    if network {
        let cards = document(&data["networkdata"])?;
        for (_, entry) in &mut networks {
            let mac = mac(draft, entry)?;
            let mut cards = cards.get("ethernets")?.as_object()?.values();
            let card = cards.find(|card| text(card, "/match/macaddress") == Some(&mac))?;
            entry.extend(addresses(card));
        }
    }
    let mut all = spec.clone();
    all.push(list("networks", networks.clone()));
    let made = probe::render(&draft.name, &draft.namespace, &[], all);
    let same = |kind: Kind, pointer: &str, live: Option<&Value>| {
        let object = made.iter().find(|manifest| manifest.kind == kind);
        object.is_some_and(|manifest| manifest.object.pointer(pointer) == live)
    };
    let credentials = "/spec/template/spec/accessCredentials";
    let fine = same(Kind::Secret, "/data", Some(data))
        && same(Kind::VirtualMachine, credentials, draft.vm.pointer(credentials));
    fine.then(|| (spec.into_iter().filter(|field| !field.is_empty()).collect(), networks))
}

/// The YAML of a Secret's value.
fn document(value: &Value) -> Option<Value> {
    let text = String::from_utf8(STANDARD.decode(value.as_str()?).ok()?).ok()?;
    let mut report = Report::default();
    let documents = documents(0, &text, &mut report);
    documents.first().filter(|_| report.is_valid()).map(|document| kubectl_value(&document.root))
}

/// The user; nothing below it if there is none. A password's hash is a secret, and ends it.
fn login(document: &Value, draft: &Draft<'_>) -> Option<Field> {
    let none = Map::new();
    let user = document.get("user").and_then(Value::as_object).unwrap_or(&none);
    let mut fields = Vec::new();
    for (key, value) in user {
        match (key.as_str(), value) {
            ("name", Value::String(name)) => fields.push(field("name", name.as_str())),
            // What is written where the file says nothing need not be said.
            ("sudo", Value::String(rule)) if rule == "ALL=(ALL) NOPASSWD:ALL" => {}
            ("sudo", Value::String(rule)) => fields.push(field("sudo", rule.as_str())),
            ("sudo", Value::Null) => fields.push(field("sudo", "")),
            ("shell", Value::String(shell)) => fields.push(field("shell", shell.as_str())),
            ("groups", Value::Array(_)) => fields.push(field("groups", value.clone())),
            ("lock_passwd", Value::Bool(_)) => {}
            _ => return None,
        }
    }
    fields.extend(credential(draft, "userPassword").map(|secret| field("passwordSecret", secret)));
    let has_password = credential(draft, "userPassword").is_some();
    let lock = user.get("lock_passwd").and_then(Value::as_bool).filter(|locked| *locked == has_password);
    fields.extend(lock.map(|lock| field("lockPasswd", lock)));
    Some(map("cloudInitUser", fields))
}

/// The Secret of an access credential.
fn credential<'a>(draft: &Draft<'a>, kind: &str) -> Option<&'a str> {
    let all = draft.vm.pointer("/spec/template/spec/accessCredentials").and_then(Value::as_array)?;
    all.iter().find_map(|one| text(one.get(kind)?, "/source/secret/secretName"))
}

fn mac(draft: &Draft<'_>, entry: &[Field]) -> Option<String> {
    let name = entry.first()?.text()?;
    let cards = draft.vm.pointer("/spec/template/spec/domain/devices/interfaces")?.as_array()?;
    let card = cards.iter().find(|card| text(card, "/name") == Some(name))?;
    text(card, "/macAddress").map(str::to_owned)
}

/// How the guest gets an address, if it was said.
fn addresses(card: &Value) -> Option<Field> {
    let Some(address) = text(card, "/addresses/0") else {
        let asked = card.get("dhcp4") == Some(&Value::Bool(true)) && card.get("optional").is_none();
        return asked.then(|| map("ipConfig", vec![field("mode", "dhcp")]));
    };
    let mut fields = vec![field("mode", "static"), field("address", address)];
    fields.extend(text(card, "/routes/0/via").map(|gateway| field("gateway", gateway)));
    fields.extend(card.pointer("/nameservers/addresses").map(|servers| field("dnsServers", servers.clone())));
    Some(map("ipConfig", fields))
}
