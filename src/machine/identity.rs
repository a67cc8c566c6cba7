//! Names, namespace, UUID, serial numbers and hardware addresses: derived, and the same on every render.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::Options;
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::{Located, Span};
use crate::spec::{Label, Metadata, Wukong};

/// The label on everything that is rendered: a way to find things, never a proof of ownership.
pub const MANAGED_LABEL: &str = "vm.novasphere.dev/wukong";

/// The longest VirtualMachine name that can live-migrate: a migration carries it as a label value.
const MAX_VM_NAME: usize = 63;
/// The longest name of any object.
const MAX_OBJECT_NAME: usize = 253;

/// The namespace of UUIDs derived by this tool: the UUIDv5 of `vm.novasphere.dev` in the DNS namespace.
const UUID_ROOT: &str = "vm.novasphere.dev";

/// The name of the VirtualMachine of a Wukong.
pub fn vm_name(machine: &str) -> String {
    format!("{machine}-vm")
}

pub(super) fn secret_name(machine: &str) -> String {
    format!("{machine}-cloud-init")
}

pub(super) fn claim_name(machine: &str, disk: &str) -> String {
    format!("{machine}-{disk}")
}

pub(super) fn nad_name(machine: &str, network: &str) -> String {
    format!("{machine}-{network}")
}

/// The firmware UUID: a machine that is deleted and made again on its kept disks is the same to its guest, so
/// cloud-init does not run its first boot a second time.
pub fn uuid(namespace: Option<&str>, name: &str) -> String {
    let root = Uuid::new_v5(&Uuid::NAMESPACE_DNS, UUID_ROOT.as_bytes());
    Uuid::new_v5(&root, format!("{}/{name}", namespace.unwrap_or_default()).as_bytes()).to_string()
}

/// A locally administered, individual hardware address.
pub(super) fn mac(namespace: Option<&str>, machine: &str, network: &str) -> String {
    let digest = Sha256::digest(format!("{}/{machine}/{network}", namespace.unwrap_or_default()));
    // The second-lowest bit of the first byte says "locally administered", the lowest "group".
    let mut octets: Vec<_> = digest[..6].to_vec();
    octets[0] = octets[0] & 0b1111_1100 | 0b10;
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(":")
}

/// A serial number that survives virtio, which keeps 20 bytes: the name, or its beginning and a hash of all of it.
pub(super) fn serial(disk: &str) -> String {
    if disk.len() <= 20 {
        return disk.to_owned();
    }
    let digest = Sha256::digest(disk);
    let hash: String = digest[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{hash}", &disk[..11])
}

/// The namespace of the document, else that of the command line. Two different ones are an error.
pub(super) fn namespace(metadata: &Metadata, options: &Options, report: &mut Report) -> Option<String> {
    match (&metadata.namespace, &options.namespace) {
        (Some(own), Some(asked)) if own.0 != *asked => {
            let message = format!("the file says namespace `{}`, the command line `{asked}`", own.0);
            report.push(
                Diagnostic::new(Code::NamespaceMismatch, own.span, message)
                    .help(format!("run with `--namespace {}`, or change the file", own.0)),
            );
            Some(own.0.clone())
        }
        (Some(own), _) => Some(own.0.clone()),
        (None, asked) => asked.clone().or_else(|| options.fallback_namespace.clone()),
    }
}

/// Checks that every derived name fits.
pub(super) fn check_names(wukong: &Located<Wukong>, report: &mut Report) {
    let name = &wukong.metadata.name;
    let vm = vm_name(&name.value);
    // A given name was checked when it was read.
    if vm.len() > MAX_VM_NAME && wukong.spec.vm_name.is_none() {
        let over = vm.len() - MAX_VM_NAME;
        let s = if over == 1 { "" } else { "s" };
        let message =
            format!("the VirtualMachine would be called `{vm}`, {over} character{s} over the limit for live migration");
        let help = format!("shorten the name to {} characters", MAX_VM_NAME - "-vm".len());
        report.push(Diagnostic::new(Code::NameTooLong, name.span, message).help(help));
    }
    if name.value.0 == "storage-policies" {
        let message = "the name `storage-policies` belongs to the ConfigMap of the storage policies";
        report.push(Diagnostic::new(Code::BadName, name.span, message).help("choose another name"));
    }
    let mut check = |derived: String, span: Span| {
        if derived.len() > MAX_OBJECT_NAME {
            let message = format!("the derived name `{derived}` has {} characters", derived.len());
            report.push(
                Diagnostic::new(Code::NameTooLong, span, message)
                    .help(format!("at most {MAX_OBJECT_NAME} are allowed")),
            );
        }
    };
    check(secret_name(&name.value), name.span);
    for disk in &wukong.spec.disks {
        check(claim_name(&name.value, &disk.name), disk.name.span);
    }
    for network in &wukong.spec.networks {
        check(nad_name(&name.value, &network.name), network.name.span);
    }
}

/// Disks and networks are known by their names.
pub(super) fn unique_names<'a>(kind: &str, names: impl Iterator<Item = &'a Located<Label>>, report: &mut Report) {
    let mut seen = HashMap::new();
    for name in names {
        if let Some(first) = seen.insert(&name.0, name.span) {
            report.push(
                Diagnostic::new(Code::DuplicateName, name.span, format!("two {kind}s are called `{}`", name.0))
                    .label(first, "first here")
                    .help("rename one of them"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_stable_and_well_formed() {
        assert_eq!(uuid(Some("prod"), "web"), uuid(Some("prod"), "web"));
        assert_ne!(uuid(Some("prod"), "web"), uuid(Some("test"), "web"));
        assert_eq!(Uuid::parse_str(&uuid(None, "web")).unwrap().get_version_num(), 5);
        let mac = mac(Some("prod"), "web", "lan");
        assert_eq!(mac.len(), 17);
        assert_eq!(u8::from_str_radix(&mac[..2], 16).unwrap() & 0b11, 0b10);
    }

    #[test]
    fn serials_fit_virtio() {
        assert_eq!(serial("data"), "data");
        assert_eq!(serial("exactly-twenty-chars"), "exactly-twenty-chars");
        let long = serial("a-disk-with-a-rather-long-name");
        assert_eq!(long.len(), 20);
        assert!(long.starts_with("a-disk-with-"));
    }
}
