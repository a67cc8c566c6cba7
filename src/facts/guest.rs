//! What the agent of a guest says about its file systems.

use serde_json::Value;

use super::object::text;

/// The file systems on a disk of a machine. The guest names a disk by its serial; where it has none, by the device that
/// KubeVirt has attached it as. `told` is what [`super::kind::USAGE`] holds.
pub fn file_systems<'f>(vm: &Value, instance: &Value, told: &'f Value, disk: &str) -> Vec<&'f Value> {
    let disks = vm.pointer("/spec/template/spec/domain/devices/disks").and_then(Value::as_array);
    let serial = disks.into_iter().flatten().find(|found| found["name"] == disk).and_then(|disk| text(disk, "/serial"));
    let status = instance.pointer("/status/volumeStatus").and_then(Value::as_array);
    let target = status.into_iter().flatten().find(|status| status["name"] == disk);
    let target = target.and_then(|status| text(status, "/target")).filter(|target| !target.is_empty());
    let all = told.get("items").and_then(Value::as_array);
    let on = |system: &&Value| match serial {
        Some(serial) => {
            // virtio hands on 20 bytes of it; SCSI and SATA have the name of the device before it. Source: qemu-ga tells
            // udev's ID_SERIAL.
            let same = |found: &str| {
                let behind = found.strip_suffix(serial).is_some_and(|before| before.ends_with("HARDDISK_"));
                !found.is_empty() && (found == serial || serial.get(..20) == Some(found) || behind)
            };
            let on = system["disk"].as_array().into_iter().flatten();
            on.into_iter().any(|disk| disk["serial"].as_str().is_some_and(same))
        }
        None => target.zip(text(system, "/diskName")).is_some_and(|(target, device)| is_on(device, target)),
    };
    all.into_iter().flatten().filter(on).collect()
}

/// Whether a device of a guest, such as `vda1`, is a disk or one of its partitions.
pub fn is_on(device: &str, disk: &str) -> bool {
    let device = device.trim_start_matches("/dev/");
    let Some(partition) = device.strip_prefix(disk) else { return false };
    // `nvme0n1p2` is a partition of `nvme0n1`, and `nvme0n12` another disk.
    let number = if disk.ends_with(|last: char| last.is_ascii_digit()) {
        partition.strip_prefix('p').unwrap_or(if partition.is_empty() { "" } else { "?" })
    } else {
        partition
    };
    number.chars().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn partitions_belong_to_their_disk() {
        for (device, disk) in [("vda", "vda"), ("vda1", "vda"), ("/dev/vda14", "vda"), ("nvme0n1p2", "nvme0n1")] {
            assert!(is_on(device, disk), "{device} {disk}");
        }
        for (device, disk) in [("vdaa", "vda"), ("vdb1", "vda"), ("nvme0n12", "nvme0n1"), ("dm-0", "vda"), ("", "vda")]
        {
            assert!(!is_on(device, disk), "{device} {disk}");
        }
    }

    #[test]
    fn serials_come_before_devices() {
        let vm = |disk: Value| json!({"spec": {"template": {"spec": {"domain": {"devices": {"disks": [disk]}}}}}});
        let instance = json!({"status": {"volumeStatus": [{"name": "data", "target": "vdb"}]}});
        let told = json!({"items": [
            {"diskName": "vda1", "disk": [{"serial": "0123456789abcdef0123"}]},
            {"diskName": "vdb1", "disk": [{"serial": ""}]},
        ]});
        let names = |vm: &Value| -> Vec<_> {
            file_systems(vm, &instance, &told, "data").iter().map(|found| found["diskName"].clone()).collect()
        };
        assert_eq!(names(&vm(json!({"name": "data", "serial": "0123456789abcdef0123456"}))), ["vda1"]);
        assert_eq!(names(&vm(json!({"name": "data"}))), ["vdb1"]);
        assert!(names(&vm(json!({"name": "data", "serial": "other"}))).is_empty());
        let scsi = json!({"items": [{"diskName": "sda1", "disk": [{"serial": "0QEMU_QEMU_HARDDISK_data"}]}]});
        let found =
            |serial: &str| file_systems(&vm(json!({"name": "data", "serial": serial})), &instance, &scsi, "data").len();
        assert_eq!((found("data"), found("ata"), found("other")), (1, 0, 0));
    }
}
