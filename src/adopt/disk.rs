//! The disks that lie in claims. What else a machine has as a disk stays as it is, and is not in the file.

use serde_json::Value;

use super::file::{Field, field, map};
use super::{Draft, image};
use crate::facts::{created_by_other, kind, path, strings, text};
use crate::machine::{CLOUD_INIT_DISK, MANAGED_LABEL};
use crate::quantity::Quantity;
use crate::spec::{AccessMode, VolumeMode, check_label, check_subdomain};

/// An entry of `disks`, and what is said above it.
type Entry = (Vec<String>, Vec<Field>);

/// A disk of a machine, with its volume.
struct Found<'a> {
    name: &'a str,
    device: &'a Value,
    volume: &'a Value,
    claim: &'a str,
}

/// What holds a disk's bytes, and in which form the file says so.
enum Form {
    /// A claim that the machine takes over.
    Own,
    /// The same, and what filled it.
    Image(Vec<Field>),
    /// A claim that the machine only uses, and why.
    Used { read_only: bool, why: String },
}

/// The disks of the file.
pub(super) fn entries(draft: &mut Draft<'_>) -> Vec<Entry> {
    let found = found(draft);
    let boots = found.iter().any(|disk| order(disk) == Some(1));
    found.iter().map(|disk| entry(disk, boots, draft)).collect()
}

fn entry(disk: &Found<'_>, boots: bool, draft: &Draft<'_>) -> Entry {
    let mut said = Vec::new();
    let mut fields = vec![field("name", disk.name)];
    let form = form(disk, draft);
    let by_default = match &form {
        Form::Own => false,
        Form::Image(_) => true,
        Form::Used { read_only, .. } => !read_only,
    };
    let boot = match order(disk) {
        Some(1) => Some(field("boot", true)),
        _ if by_default && !boots => {
            Some(field("boot", false).said("Without a boot order the firmware tries the disks in turn."))
        }
        _ => None,
    };
    match form {
        Form::Used { read_only, why } => {
            fields.extend(boot);
            let mut claim = vec![field("name", disk.claim)];
            claim.extend(read_only.then(|| field("readOnly", true)));
            fields.push(map("existingPVC", claim));
            said.push(format!("Used as it is: {why}."));
        }
        form => {
            let image = matches!(form, Form::Image(_));
            let (claim, volume) = (draft.get(kind::CLAIM, disk.claim), draft.get(kind::DATA_VOLUME, disk.claim));
            fields.extend(size(claim, volume).map(|size| field("size", size)));
            fields.extend(storage(claim, volume, "storageClassName").map(|class| field("storageClassName", class)));
            fields.extend(boot);
            match form {
                Form::Image(source) => fields.extend(source),
                _ => said.extend(filled(volume)),
            }
            let derived = format!("{}-{}", draft.name, disk.name);
            // An empty disk says which claim it is, so that nobody takes it for a new one.
            if !image || derived != disk.claim {
                fields.push(field("claimName", disk.claim));
            }
            let mode = claim.and_then(mode).filter(|mode| *mode != AccessMode::ReadWriteOnce);
            fields.extend(mode.map(|mode| field("accessMode", mode.as_str())));
            let known = VolumeMode::ALL.iter().map(|mode| mode.as_str());
            let volume_mode = storage(claim, volume, "volumeMode").filter(|mode| known.into_iter().any(|k| k == mode));
            // Kubernetes makes a file system where nothing is said; CDI makes what the class prefers.
            let volume_mode = volume_mode.filter(|mode| image || mode != VolumeMode::Filesystem.as_str());
            fields.extend(volume_mode.map(|mode| field("volumeMode", mode)));
            fields.extend(growth(claim));
        }
    }
    (said, fields)
}

/// The disks that a Wukong can speak of. The others are noted.
fn found<'a>(draft: &mut Draft<'a>) -> Vec<Found<'a>> {
    let vm = draft.vm;
    let volumes = vm.pointer("/spec/template/spec/volumes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let devices = vm.pointer("/spec/template/spec/domain/devices/disks").and_then(Value::as_array);
    let mut found: Vec<Found<'_>> = Vec::new();
    for device in devices.into_iter().flatten() {
        let Some(name) = text(device, "/name") else { continue };
        let Some(volume) = volumes.iter().find(|volume| text(volume, "/name") == Some(name)) else {
            draft.keep_disk(name, "it has no volume");
            continue;
        };
        let claim = text(volume, "/dataVolume/name").or_else(|| text(volume, "/persistentVolumeClaim/claimName"));
        let bus = text(device, "/disk/bus");
        let why = match claim {
            None => Some(source(volume)),
            Some(_) if device.get("cdrom").is_some() => Some("it is a CD-ROM"),
            Some(_) if device.get("lun").is_some() => Some("it is a LUN"),
            Some(_) if hot(volume) && bus != Some("virtio") => Some("it was plugged in while the machine ran"),
            Some(_) if name == CLOUD_INIT_DISK || check_label(name).is_err() => {
                Some("no disk of a Wukong can have its name")
            }
            Some(claim) if check_subdomain(claim).is_err() => Some("its claim has a name that no claim can have"),
            Some(_) if found.iter().any(|other| other.name == name) => Some("there is another disk of its name"),
            Some(_) => None,
        };
        match (why, claim) {
            (None, Some(claim)) => found.push(Found { name, device, volume, claim }),
            (why, _) => draft.keep_disk(name, why.unwrap_or_default()),
        }
    }
    for volume in volumes {
        let has_device = |name: &str| {
            vm.pointer("/spec/template/spec/domain/devices/disks")
                .and_then(Value::as_array)
                .is_some_and(|devices| devices.iter().any(|device| text(device, "/name") == Some(name)))
        };
        if let Some(name) = text(volume, "/name").filter(|name| !has_device(name)) {
            draft.keep_disk(name, "it has no entry among the devices");
        }
    }
    found
}

/// What a volume without a claim is.
fn source(volume: &Value) -> &'static str {
    const KNOWN: [(&str, &str); 8] = [
        ("cloudInitNoCloud", "it holds the guest's cloud-init data"),
        ("cloudInitConfigDrive", "it holds the guest's cloud-init data"),
        ("containerDisk", "it comes from a container image at every start, and keeps nothing"),
        ("emptyDisk", "it is empty at every start, and keeps nothing"),
        ("ephemeral", "it forgets what is written at every stop"),
        ("sysprep", "it holds the guest's answers for its setup"),
        ("hostDisk", "it is a file of the node"),
        ("secret", "it shows a Secret"),
    ];
    KNOWN.iter().find(|(key, _)| volume.get(key).is_some()).map_or("it lies in no claim", |(_, what)| what)
}

fn hot(volume: &Value) -> bool {
    ["/persistentVolumeClaim/hotpluggable", "/dataVolume/hotpluggable"]
        .iter()
        .any(|pointer| volume.pointer(pointer) == Some(&Value::Bool(true)))
}

fn order(disk: &Found<'_>) -> Option<u64> {
    disk.device.get("bootOrder").and_then(Value::as_u64)
}

/// A claim that others have a part in is only used; so is one that is not there, or it would be made.
fn form(disk: &Found<'_>, draft: &Draft<'_>) -> Form {
    let (claim, volume) = (draft.get(kind::CLAIM, disk.claim), draft.get(kind::DATA_VOLUME, disk.claim));
    let used = |why: String| Form::Used { read_only: false, why };
    let yes = |value: Option<&Value>| value == Some(&Value::Bool(true));
    if yes(disk.volume.pointer("/persistentVolumeClaim/readOnly")) && yes(disk.device.pointer("/disk/readonly")) {
        return Form::Used { read_only: true, why: "the machine only reads it".to_owned() };
    }
    let image = volume.and_then(image::of);
    let Some(claim) = claim else {
        return match image {
            Some(image) if size(None, volume).is_some() => Form::Image(image),
            _ => used("its claim was not seen".to_owned()),
        };
    };
    let other = path(claim, &["metadata", "labels", MANAGED_LABEL])
        .and_then(Value::as_str)
        .filter(|wukong| *wukong != draft.name);
    let owner = created_by_other(claim).filter(|owner| {
        !owner.starts_with("DataVolume ") && Some(owner.as_str()) != Some(&format!("VirtualMachine {}", draft.vm_name))
    });
    if yes(disk.device.get("shareable")) {
        used("it is shared with other machines".to_owned())
    } else if mode(claim).is_none() && !strings(claim, "/spec/accessModes").is_empty() {
        used("its claim can only be read, or has modes that are not known here".to_owned())
    } else if let Some(other) = other {
        used(format!("it belongs to the Wukong {other}"))
    } else if let Some(owner) = owner {
        used(format!("its claim belongs to {owner}"))
    } else if size(Some(claim), volume).is_none() {
        used("its claim says no size".to_owned())
    } else {
        image.map_or(Form::Own, Form::Image)
    }
}

/// The access mode that a disk is written with.
fn mode(claim: &Value) -> Option<AccessMode> {
    let modes = strings(claim, "/spec/accessModes");
    let known = AccessMode::ALL.iter().filter(|mode| **mode != AccessMode::ReadOnlyMany);
    known.copied().find(|mode| modes.first() == Some(&mode.as_str())).or_else(|| {
        AccessMode::ALL.iter().copied().find(|mode| *mode != AccessMode::ReadOnlyMany && modes.contains(&mode.as_str()))
    })
}

/// What filled a disk, where a Wukong cannot say it.
fn filled(volume: Option<&Value>) -> Option<String> {
    let volume = volume?;
    let (kind, _) = volume.pointer("/spec/source")?.as_object()?.iter().find(|(_, body)| !body.is_null())?;
    (kind != "blank")
        .then(|| format!("Filled once by the DataVolume of the claim's name, from `{kind}`; its bytes stay."))
}

/// What the guest sees: the DataVolume's size, unless its claim was grown far beyond; else the claim's.
fn size(claim: Option<&Value>, volume: Option<&Value>) -> Option<String> {
    let read = |object: Option<&Value>, pointers: &[&str]| {
        let text = pointers.iter().find_map(|pointer| text(object?, pointer))?;
        let bytes = Quantity::parse(text).ok()?.units().filter(|bytes| *bytes > 0)?;
        Some((text.to_owned(), bytes))
    };
    let asked = read(volume, &["/spec/storage/resources/requests/storage", "/spec/pvc/resources/requests/storage"]);
    let there = read(claim, &["/spec/resources/requests/storage"]);
    match (asked, there) {
        // CDI makes a claim larger than its disk by the share that a file system needs; an eighth is more than that.
        (Some((text, bytes)), Some((_, claim))) if claim >= bytes && claim - bytes <= bytes / 8 => Some(text),
        (_, Some((text, _))) => Some(text),
        (Some((text, _)), None) => Some(text),
        (None, None) => None,
    }
}

/// A setting of a claim, else of the DataVolume that will make it.
fn storage(claim: Option<&Value>, volume: Option<&Value>, key: &str) -> Option<String> {
    let of = |object: Option<&Value>, pointer: &str| text(object?, &format!("{pointer}/{key}")).map(str::to_owned);
    let found = of(claim, "/spec").or_else(|| of(volume, "/spec/storage")).or_else(|| of(volume, "/spec/pvc"));
    found.filter(|name| check_subdomain(name).is_ok() || key == "volumeMode")
}

/// Growth by itself, as this tool notes it on a claim.
fn growth(claim: Option<&Value>) -> Vec<Field> {
    let note =
        |key: &str| claim.and_then(|claim| text(claim, &format!("/metadata/annotations/vm.novasphere.dev~1{key}")));
    if note("auto-expand") != Some("true") {
        return Vec::new();
    }
    let max = note("max-size").filter(|max| Quantity::parse(max).is_ok());
    std::iter::once(field("autoExpand", true)).chain(max.map(|max| field("maxSize", max))).collect()
}
