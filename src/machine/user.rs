//! Who may log in: the first user, the password as a hash, the keys.

use sha_crypt::{PasswordHasher as _, ShaCrypt};
use sha2::{Digest as _, Sha256};

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::{Located, Span};
use crate::spec::{CloudInitUser, ObjectName, Secret, Spec};

/// The sudo rule of a user that names none.
const SUDO: &str = "ALL=(ALL) NOPASSWD:ALL";
/// Bytes of salt; sixteen characters in a hash, the most that SHA-512 crypt uses.
const SALT_BYTES: usize = 12;

/// The longest password, in bytes. Linux-PAM cuts what is longer, and hashing it would take long.
const MAX_PASSWORD: usize = 512;

/// Who may log in.
#[derive(Debug, Default)]
pub struct Access {
    /// The user that cloud-init sets up.
    pub user: Option<User>,
    /// The Secret with public keys.
    pub key_secret: Option<Located<String>>,
    /// The Secret with the user's password, set by the guest agent.
    pub password_secret: Option<Located<String>>,
}

/// The user that cloud-init sets up.
pub struct User {
    /// The name.
    pub name: String,
    /// The password, if there is one.
    pub password: Option<Password>,
    /// The sudo rule; `None` for a user without one.
    pub sudo: Option<String>,
    /// The login shell.
    pub shell: Option<String>,
    /// The groups, in place of the image's.
    pub groups: Vec<String>,
    /// Whether logging in with a password is off.
    pub lock_password: bool,
    /// Whether there is a password to log in with.
    pub has_password: bool,
}

/// A password. It is printed nowhere; what is rendered is [`Password::hash`].
#[derive(Clone)]
pub struct Password(Kept);

#[derive(Clone)]
enum Kept {
    Hash(String),
    Plain { text: String, salt: [u8; SALT_BYTES] },
}

impl Password {
    /// The hash in crypt(3) form. A plain password is hashed with SHA-512 crypt and a salt from namespace, machine and
    /// user: the same on every render. It takes a millisecond, so it is done when it is needed.
    pub fn hash(&self) -> String {
        match &self.0 {
            Kept::Hash(hash) => hash.clone(),
            // Only rounds out of range can fail, and these are the method's own; `!` is the hash of no password.
            Kept::Plain { text, salt } => ShaCrypt::SHA512
                .hash_password_with_salt(text.as_bytes(), salt)
                .map_or_else(|_| "!".to_owned(), |hash| hash.to_string()),
        }
    }
}

impl std::fmt::Debug for User {
    /// Without the hash: a debug print may end up in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Access {
    /// Whether there is anything to tell cloud-init. Keys reach a guest only through its cloud-init disk.
    pub const fn needs_user_data(&self) -> bool {
        self.user.is_some() || self.key_secret.is_some()
    }
}

pub(super) fn resolve(spec: &Spec, machine: &str, namespace: Option<&str>, report: &mut Report) -> Access {
    let name = |secret: &Located<ObjectName>| Located::new(secret.0.clone(), secret.span);
    let key_secret = spec.ssh_key_secret.as_ref().map(name);
    let Some(user) = &spec.cloud_init_user else { return Access { key_secret, ..Access::default() } };
    let password = password(user, machine, namespace, report);
    let password_secret = user.password_secret.as_ref().map(name).filter(|_| password.is_none());
    let has_password = password.is_some() || password_secret.is_some();
    let lock_password = user.lock_passwd.as_ref().map_or(!has_password, |lock| lock.value);
    let refused = !has_password && (user.password.is_some() || user.password_hash.is_some());
    if key_secret.is_none() && (!has_password || lock_password) && !refused {
        let message = match (has_password, lock_password) {
            (true, true) => "the password is locked and there is no key, so nobody can log in",
            _ => "the user has neither password nor key, so nobody can log in",
        };
        report.push(
            Diagnostic::new(Code::NoWayIn, user.name.span, message)
                .help(if has_password {
                    "add `sshKeySecret` to the spec, or write `lockPasswd: false`"
                } else {
                    "add `sshKeySecret` to the spec, or `passwordHash` or `passwordSecret` to the user"
                })
                .absent(),
        );
    }
    let user = User {
        name: user.name.0.clone(),
        password,
        sudo: match &user.sudo {
            Some(rule) => Some(rule.0.clone()).filter(|rule| !rule.is_empty()),
            None => Some(SUDO.to_owned()),
        },
        shell: user.shell.as_ref().map(|shell| shell.0.clone()),
        groups: user.groups.iter().map(|group| group.0.clone()).collect(),
        lock_password,
        has_password,
    };
    Access { user: Some(user), key_secret, password_secret }
}

/// The password's hash: passwordHash, else password hashed. passwordSecret is used only if neither is given.
fn password(user: &CloudInitUser, machine: &str, namespace: Option<&str>, report: &mut Report) -> Option<Password> {
    let mut wins = |winner: &str, losers: &[(&str, Option<Span>)]| {
        for (loser, span) in losers {
            if let Some(span) = *span {
                let message = format!("`{loser}` is ignored: `{winner}` wins");
                report.push(Diagnostic::new(Code::PasswordIgnored, span, message).help("remove one of them"));
            }
        }
    };
    let secret = user.password_secret.as_ref().map(|secret| secret.span);
    if let Some(hash) = &user.password_hash {
        wins(
            "passwordHash",
            &[("password", user.password.as_ref().map(|plain| plain.span)), ("passwordSecret", secret)],
        );
        if check_typeable(hash, report) && !is_plausible(hash) {
            let message = "this does not look like a password hash; cloud-init would write it to /etc/shadow as it is";
            report.push(Diagnostic::new(Code::ImplausibleHash, hash.span, message).help(
                "make one with `openssl passwd -6`, or write the password to a Secret and name it in `passwordSecret`",
            ));
        }
        return Some(Password(Kept::Hash(hash.0.clone())));
    }
    let plain = user.password.as_ref()?;
    wins("password", &[("passwordSecret", secret)]);
    if !check_typeable(plain, report) {
        return None;
    }
    if is_plausible(plain) {
        let message = "this is a password hash, and would be hashed once more";
        report.push(Diagnostic::new(Code::BadPassword, plain.span, message).help("write it as `passwordHash`"));
        return None;
    }
    report.push(
        Diagnostic::new(
            Code::PlainPassword,
            plain.span,
            "a plain password in a file is readable to all who have the file",
        )
        .help("use `passwordHash` (made with `openssl passwd -6`) or `passwordSecret`; it is hashed for now"),
    );
    let digest = Sha256::digest(format!("{}/{machine}/{}", namespace.unwrap_or_default(), user.name.0));
    let mut salt = [0; SALT_BYTES];
    salt.copy_from_slice(&digest[..SALT_BYTES]);
    Some(Password(Kept::Plain { text: plain.0.clone(), salt }))
}

/// A password, or a hash, that is empty or has a line break lets in nobody, or everybody.
fn check_typeable(secret: &Located<Secret>, report: &mut Report) -> bool {
    let (problem, help) = if secret.is_empty() {
        ("the password is empty", "for a user without a password remove the field")
    } else if secret.contains(['\n', '\r']) {
        (
            "the password holds a line break, which nobody can type",
            "write it on one line; a block that starts with `|` ends with a line break, one with `|-` does not",
        )
    } else if secret.len() > MAX_PASSWORD {
        ("the password is longer than any system accepts", "use at most 512 bytes")
    } else {
        return true;
    };
    report.push(Diagnostic::new(Code::BadPassword, secret.span, problem).help(help));
    false
}

/// Whether a text has the form of a crypt(3) hash of a method that Linux knows.
fn is_plausible(hash: &str) -> bool {
    // Method, characters of its digest. Source: crypt(5) of libxcrypt.
    const METHODS: [(&str, usize); 7] =
        [("1", 22), ("5", 43), ("6", 86), ("2a", 53), ("2b", 53), ("2y", 53), ("y", 43)];
    let Some((method, rest)) = hash.strip_prefix('$').and_then(|rest| rest.split_once('$')) else { return false };
    let Some((_, length)) = METHODS.iter().find(|(known, _)| *known == method) else {
        return matches!(method, "gy" | "7" | "md5" | "sha1");
    };
    let digest = rest.rsplit('$').next().unwrap_or_default();
    digest.len() == *length && digest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::is_plausible;

    #[test]
    fn hashes_are_judged_by_their_form() {
        assert!(is_plausible("$1$7.t8q8zZ$59I1IiMXy5w3gIl5Yrn/4/"));
        assert!(is_plausible(&format!("$6$rounds=4096$salt${}", "a".repeat(86))));
        assert!(is_plausible(&format!("$2b$10${}", "a".repeat(53))));
        assert!(!is_plausible("$6$rounds=4096$salt$hashed_password_here"));
        assert!(!is_plausible("hunter2"));
        assert!(!is_plausible(""));
    }
}
