//! What looks like a secret: keys whose values are one, addresses that carry one, password hashes.

use std::ops::Range;

/// What stands in place of a secret.
pub(crate) const MASK: &str = "••••••";

/// Parts of a word that make it speak of a secret. Misspelt words must be covered too, so these are stems.
const STEMS: [&str; 16] = [
    "passw",
    "pasw",
    "psw",
    "pword",
    "pwd",
    "pssw",
    "paasw",
    "psasw",
    "p4ss",
    "sword",
    "credential",
    "apikey",
    "privatekey",
    "accesskey",
    "kennwort",
    "密码",
];
/// Whole words that do so.
const WORDS: [&str; 12] =
    ["pass", "pw", "psd", "token", "secret", "secrets", "hash", "auth", "cred", "creds", "bearer", "passphrase"];
/// Whole keys under which secrets lie.
const CONTAINERS: [&str; 3] = ["stringdata", "userdata", "rootpw"];
/// Keys that hold the name of a Secret, or a switch, and are not secret themselves; and a word of sudo.
const HARMLESS: [&str; 7] =
    ["passwordsecret", "imagesecret", "sshkeysecret", "secretname", "secretref", "lockpasswd", "nopasswd"];

/// Whether the value of a key is probably a secret.
pub(crate) fn is_secret_key(key: &str) -> bool {
    if key.len() > 200 {
        return false;
    }
    let bare: String = key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if HARMLESS.contains(&bare.as_str()) {
        return false;
    }
    CONTAINERS.contains(&bare.as_str())
        || STEMS.iter().any(|stem| bare.contains(stem))
        || words(key).iter().any(|word| WORDS.contains(&word.as_str()))
}

/// The words of a key such as `api-token` or `apiToken`, in lower case.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in key.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() && after_lower {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase();
    }
    words
}

/// Whether a text that nobody could read may hold a secret.
pub(crate) fn mentions_secrets(text: &str) -> bool {
    let mut lower = text.to_lowercase();
    for harmless in HARMLESS {
        lower = lower.replace(harmless, "");
    }
    let told =
        STEMS.iter().chain(&CONTAINERS).chain(&["cloudinituser", "pw:", "passphrase"]).any(|stem| lower.contains(stem));
    told || lower.contains("://") && lower.contains(['@', '?'])
}

/// Whether the address of an image may carry user information or a query, which may be a signature. Errs on the side
/// of hiding.
pub(crate) fn is_secret_address(address: &str) -> bool {
    let user = address.rfind('@').is_some_and(|at| address[..at].contains(':') && !address[at..].starts_with("@sha"));
    user || address.contains('?')
}

/// Whether an address certainly carries credentials: user information in its authority, or a query that signs it.
pub(crate) fn has_credentials(address: &str) -> bool {
    const SIGNATURES: [&str; 5] = ["sig", "signature", "key", "x-amz-", "x-goog-"];
    let Some((_, rest)) = address.split_once("://") else { return false };
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let signed = query.to_lowercase().split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        SIGNATURES.iter().any(|known| name == *known || known.ends_with('-') && name.starts_with(known))
            || is_secret_key(name)
    });
    signed || path.split('/').next().unwrap_or_default().contains('@')
}

/// User information and queries of addresses, and what has the form of a crypt(3) hash. Ends are not searched for:
/// a password may hold any sign.
pub(crate) fn secret_parts(text: &str) -> Vec<Range<usize>> {
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
        // `user:password` whose `@` was forgotten.
        let authority = rest.split(['/', ' ', '"', '\'', '`']).next().unwrap_or_default();
        let named = authority.split_once(':').filter(|(name, _)| !name.starts_with('['));
        if named.is_some_and(|(_, port)| !port.is_empty() && port.parse::<u32>().is_err()) {
            parts.push(start..start + authority.len());
        }
    }
    parts.extend(crypt_hash(text));
    parts
}

/// A text without the secrets that can be told by their form.
pub(crate) fn redact(text: &str) -> String {
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
        for key in ["password", "pasword", "db-password", "Passwort", "apiToken", "pwd", "x-pw", "密码", "auth"] {
            assert!(is_secret_key(key), "{key}");
        }
        for key in [
            "passwordSecret",
            "secretName",
            "secretRef",
            "image",
            "name",
            "lockPasswd",
            "NOPASSWD",
            "author",
            "compass",
            "hashed",
            "disks",
        ] {
            assert!(!is_secret_key(key), "{key}");
        }
    }

    #[test]
    fn addresses() {
        for address in ["https://u:p@h/x", "https://u@h/x", "https://h/x?sig=1", "https://h/x?X-Amz-Signature=1"] {
            assert!(has_credentials(address), "{address}");
        }
        for address in ["https://h/x?raw=true", "https://h/@scope/x", "https://h/x?", "x@sha256:00", "quay.io/x@latest"]
        {
            assert!(!has_credentials(address), "{address}");
        }
        assert!(is_secret_address("user:pw@quay.io/x") && !is_secret_address("quay.io/x@latest"));
    }

    #[test]
    fn messages() {
        assert_eq!(redact("`https://user:pw/x`"), format!("`https://{MASK}/x`"));
        assert_eq!(redact("no `https://u:p/w@h/x`"), format!("no `https://{MASK}@h/x`"));
        assert_eq!(redact("https://h/x?sig=1,2"), format!("https://h/x?{MASK}"));
        assert_eq!(redact("a $6$salt$hash"), format!("a {MASK}"));
        assert_eq!(redact("did you mean `size`?"), "did you mean `size`?");
        assert_eq!(redact("docker://x@sha256:00"), "docker://x@sha256:00");
    }
}
