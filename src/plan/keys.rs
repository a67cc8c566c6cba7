//! Secrets that a machine mounts: they must be there, and one with public keys must hold nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Note, Refusal};
use crate::facts::{Facts, kind};
use crate::machine::Machine;

/// Checks the Secrets with keys and password of a machine.
pub(super) fn check(machine: &Machine, namespace: &str, facts: &Facts, notes: &mut Vec<Note>) -> Result<(), Refusal> {
    let access = &machine.access;
    for (field, secret) in [("sshKeySecret", &access.key_secret), ("passwordSecret", &access.password_secret)] {
        let Some(name) = secret.as_ref().map(|secret| secret.value.as_str()) else { continue };
        let object = format!("Secret/{name}");
        match facts.get(kind::SECRET, namespace, name) {
            Some(secret) if field == "sshKeySecret" && holds_private_key(secret) => {
                let reason = "it holds a private key, and every file of it would be mounted into the guest".to_owned();
                let help = format!(
                    "make one with public keys only: kubectl create secret generic {name}-pub -n {namespace} --from-file=key=id_ed25519.pub"
                );
                return Err(Refusal { object, reason, help });
            }
            Some(_) => {}
            None => {
                let text = match facts.unknown(kind::SECRET, namespace) {
                    Some(unread) => format!("whether it exists is not known: {}", unread.reason),
                    None => format!("`{field}` names it, and it does not exist; the machine will wait for it"),
                };
                notes.push(Note { object, text });
            }
        }
    }
    Ok(())
}

fn holds_private_key(secret: &Value) -> bool {
    let values = secret["data"].as_object().into_iter().flatten();
    values.filter_map(|(_, value)| STANDARD.decode(value.as_str()?).ok()).any(|bytes| {
        let text = String::from_utf8_lossy(&bytes);
        text.contains("PRIVATE KEY") || text.contains("PuTTY-User-Key-File")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn private_keys_are_found() {
        let secret = |text: &str| json!({"data": {"key": STANDARD.encode(text)}});
        assert!(holds_private_key(&secret("-----BEGIN OPENSSH PRIVATE KEY-----\n")));
        assert!(!holds_private_key(&secret("ssh-ed25519 AAAA me@example")));
    }
}
