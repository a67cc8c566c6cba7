//! What looks like a secret: keys whose values are one, addresses that carry one, password hashes.

use std::ops::Range;

/// What stands in place of a secret.
pub const MASK: &str = "••••••";

/// Parts of a key that make its value a secret. Misspelt keys must be covered too, so these are stems.
const STEMS: [&str; 22] = [
    "pass",
    "pasw",
    "psw",
    "pword",
    "pwd",
    "passw",
    "paswd",
    "psswd",
    "pssw",
    "paasw",
    "apssw",
    "psasw",
    "p4ss",
    "pasd",
    "hash",
    "token",
    "credential",
    "apikey",
    "privatekey",
    "secret",
    "kennwort",
    "密码",
];
/// Keys that hold the name of a Secret, or a switch, and are not secret themselves.
const HARMLESS: [&str; 4] = ["passwordsecret", "imagesecret", "sshkeysecret", "lockpasswd"];
/// Whole keys under which secrets lie.
const CONTAINERS: [&str; 4] = ["stringdata", "pw", "psd", "userdata"];

/// Whether the value of a key is probably a secret.
pub fn is_secret_key(key: &str) -> bool {
    if key.len() > 200 {
        return false;
    }
    let bare: String = key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    !HARMLESS.contains(&bare.as_str())
        && (CONTAINERS.contains(&bare.as_str()) || bare.ends_with("pw") || STEMS.iter().any(|stem| bare.contains(stem)))
}

/// Whether a text speaks of secrets at all, keys with harmless values included.
pub fn mentions_secrets(text: &str) -> bool {
    let lower = text.to_lowercase();
    STEMS.iter().chain(&CONTAINERS).chain(&["cloudinit"]).any(|stem| lower.contains(stem))
}

/// Whether the address of an image carries user information or a query, which may be a signature.
pub fn is_secret_address(address: &str) -> bool {
    let without_digest = address.replace("@sha256:", "").replace("@sha512:", "");
    without_digest.contains(['@', '?'])
}

/// User information and queries of addresses, and what has the form of a crypt(3) hash. Ends are not searched for:
/// a password may hold any sign.
pub fn secret_parts(text: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        let rest = &text[start..];
        if let Some(user) = rest.rfind('@').filter(|at| !rest[*at..].starts_with("@sha")) {
            parts.push(start..start + user);
        }
        if let Some(query) = rest.find('?') {
            parts.push(start + query + 1..text.len());
        }
    }
    parts.extend(crypt_hash(text));
    parts
}

/// A text without the secrets that can be told by their form.
pub fn redact(text: &str) -> String {
    let parts = secret_parts(text);
    if parts.is_empty() {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut masked = false;
    for (at, c) in text.char_indices() {
        let secret = parts.iter().any(|part| part.contains(&at));
        if !secret {
            out.push(c);
        } else if !masked {
            out.push_str(MASK);
        }
        masked = secret;
    }
    out
}

/// `$6$salt$…`, wherever it stands, to the end of the text.
fn crypt_hash(text: &str) -> Option<Range<usize>> {
    let (at, _) = text.match_indices('$').find(|(at, _)| {
        let rest = &text[at + 1..];
        rest.find('$')
            .is_some_and(|next| (1..=8).contains(&next) && rest[..next].bytes().all(|b| b.is_ascii_alphanumeric()))
    })?;
    Some(at..text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        for key in ["password", "pasword", "db-password", "Passwort", "apiToken", "pwd", "密码"] {
            assert!(is_secret_key(key), "{key}");
        }
        for key in ["passwordSecret", "image", "name", "lockPasswd", "storageClassName", "disks"] {
            assert!(!is_secret_key(key), "{key}");
        }
    }

    #[test]
    fn messages() {
        assert_eq!(redact("no `https://u:p/w@h/x`"), format!("no `https://{MASK}@h/x`"));
        assert_eq!(redact("https://h/x?sig=1,2"), format!("https://h/x?{MASK}"));
        assert_eq!(redact("a $6$salt$hash"), format!("a {MASK}"));
        assert_eq!(redact("did you mean `size`?"), "did you mean `size`?");
        assert_eq!(redact("docker://x@sha256:00"), "docker://x@sha256:00");
    }
}
