//! Who a machine is to its guest, over a deletion: the firmware's UUID. With another one cloud-init takes the old disk for
//! a new machine and runs its first boot again.

use serde_json::Value;
use uuid::Uuid;

use crate::facts::{Facts, kind, path, text};
use crate::machine::{Machine, firmware_uuid};

/// The annotation of a claim that keeps the UUID of the machine that was deleted, if it cannot be derived.
pub const FIRMWARE: &str = "vm.novasphere.dev/firmware-uuid";

/// From what KubeVirt up to 1.5 derives the UUID of a machine that has none, with the VirtualMachine's name. Source:
/// KubeVirt 1.5, pkg/virt-controller/watch/vm/vm.go, `firmwareUUIDns`.
const LEGACY: Uuid = Uuid::from_u128(0x6a1a_24a1_4061_4607_8bf4_a396_3d0c_5895);

/// The UUID of a machine that has to be kept: one that would not follow from its name.
pub(super) fn to_keep(vm: &Value, namespace: &str, wukong: &str) -> Option<String> {
    let uuid = match text(vm, "/spec/template/spec/domain/firmware/uuid").filter(|uuid| !uuid.is_empty()) {
        Some(uuid) => uuid.to_owned(),
        // Newer ones write it into the machine.
        None => Uuid::new_v5(&LEGACY, text(vm, "/metadata/name")?.as_bytes()).to_string(),
    };
    (uuid != firmware_uuid(Some(namespace), wukong)).then_some(uuid)
}

/// The UUID that the claim of a machine's boot disk, or of its first disk, kept for it.
pub(super) fn kept(machine: &Machine, namespace: &str, facts: &Facts) -> Option<String> {
    let disk = machine.disks.iter().find(|disk| disk.boot).or_else(|| machine.disks.first())?;
    let claim = facts.get(kind::CLAIM, namespace, &disk.claim)?;
    let kept = path(claim, &["metadata", "annotations", FIRMWARE])?.as_str()?;
    is_uuid(kept).then(|| kept.to_owned())
}

/// `8-4-4-4-12` hexadecimal digits. It comes from a cluster.
fn is_uuid(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_cannot_be_derived_is_kept() {
        let vm = |uuid: &str| json!({"spec": {"template": {"spec": {"domain": {"firmware": {"uuid": uuid}}}}}});
        assert_eq!(to_keep(&vm(&firmware_uuid(Some("n"), "web")), "n", "web"), None);
        assert_eq!(to_keep(&vm("1-2"), "n", "web").as_deref(), Some("1-2"));
        assert_eq!(to_keep(&json!({}), "n", "web"), None);
        // What KubeVirt derives for a machine of this name.
        let old = json!({"metadata": {"name": "testvm"}});
        assert_eq!(to_keep(&old, "n", "web").as_deref(), Some("5a9fc181-957e-5c32-9e5a-2de5e9673531"));
        assert!(is_uuid("a8465ac1-b1ce-4c22-a2d8-8fdadc79a0fd") && !is_uuid("x8465ac1-b1ce-4c22-a2d8-8fdadc79a0fd"));
    }
}
