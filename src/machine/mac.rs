//! Hardware addresses: given or derived, each once.

use super::identity;
use super::nic::Nic;
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::Located;
use crate::spec::Label;

/// KubeVirt uses this address for the guest's gateway under masquerade.
const RESERVED_MAC: &str = "02:00:00:00:00:00";

/// A hardware address in its usual form, if it can be one of a card.
pub(super) fn check(mac: &Located<String>, pod: bool, report: &mut Report) -> Option<Located<String>> {
    let mut bad = |message: &str, help: &str| {
        report.push(Diagnostic::new(Code::BadAddress, mac.span, message).help(help));
        None
    };
    let normal = mac.value.replace('-', ":").to_ascii_lowercase();
    let octets: Vec<_> =
        normal.split(':').map(|part| u8::from_str_radix(part, 16).ok().filter(|_| part.len() == 2)).collect();
    let (6, Some(octets)) = (octets.len(), octets.into_iter().collect::<Option<Vec<_>>>()) else {
        return bad("not a hardware address", "write six pairs of hex digits: `02:1a:2b:3c:4d:5e`");
    };
    if octets[0] & 1 == 1 {
        return bad("a group address cannot belong to a card", "the first byte must be even, such as `02`");
    }
    if octets.iter().all(|octet| *octet == 0) {
        return bad("the address is all zeros", "leave `macAddress` out to have one derived");
    }
    if pod && normal == RESERVED_MAC {
        return bad("KubeVirt keeps this address for the gateway of the pod network", "choose another");
    }
    Some(Located::new(normal, mac.span))
}

/// Once network data is rendered, it names every card by its hardware address.
pub(super) fn derive(nics: &mut [Nic], machine: &Located<Label>, namespace: Option<&str>, report: &mut Report) {
    let mut derived = false;
    for nic in nics.iter_mut().filter(|nic| nic.mac.is_none()) {
        derived = true;
        nic.mac = Some(Located::new(identity::mac(namespace, &machine.value, &nic.name), machine.span));
    }
    if derived && namespace.is_none() {
        let message =
            "hardware addresses are derived without a namespace, so a machine of this name elsewhere gets the same";
        report.push(
            Diagnostic::new(Code::MacWithoutNamespace, machine.span, message)
                .help("add `namespace` to the metadata, or pass `--namespace`"),
        );
    }
}

/// No two cards of a machine have one address.
pub(super) fn unique(nics: &[Nic], report: &mut Report) {
    let macs: Vec<_> = nics.iter().filter_map(|nic| nic.mac.as_ref()).collect();
    for (index, mac) in macs.iter().enumerate() {
        if let Some(first) = macs[..index].iter().find(|earlier| earlier.value == mac.value) {
            let message = format!("two cards of the machine have the hardware address `{}`", mac.value);
            report.push(
                Diagnostic::new(Code::DuplicateAddress, mac.span, message)
                    .label(first.span, "first here")
                    .help("give each card its own"),
            );
        }
    }
}
