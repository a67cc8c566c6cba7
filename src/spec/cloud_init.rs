//! The first user of the guest.

use super::leaf::Secret;
use super::name::{AbsolutePath, GroupName, ObjectName, SudoRule, UserName};
use super::object::object;

object! {
    /// The user that cloud-init sets up at the first boot. Public keys of `sshKeySecret` are for this user.
    pub struct CloudInitUser {
        /// The user's name.
        required name ("name"): UserName,
        /// A plain password. It is hashed before it is written anywhere; prefer passwordHash or passwordSecret.
        secret password ("password"): Secret,
        /// A password hash in crypt(3) form, such as `openssl passwd -6` prints.
        secret password_hash ("passwordHash"): Secret,
        /// A Secret whose key is the user's name and whose value is the password. The guest agent sets it, so the
        /// image must have one.
        guarded password_secret ("passwordSecret"): ObjectName,
        /// The sudo rule. Default `ALL=(ALL) NOPASSWD:ALL`; empty for a user without sudo.
        optional sudo ("sudo"): SudoRule,
        /// The login shell. Default: the image's.
        optional shell ("shell"): AbsolutePath,
        /// The groups, in place of those that the image gives its user. Default: the image's.
        list groups ("groups"): GroupName,
        /// Whether logging in with a password is off. Default: only without a password.
        guarded lock_passwd ("lockPasswd"): bool,
    }
}
