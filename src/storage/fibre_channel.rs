//! A disk of a storage system, reached over Fibre Channel and made known by an administrator.

use super::{Backend, Driver, Erased, Growing, Holder, Place, Traced, command};
use crate::facts::strings;

pub(super) static BACKEND: Backend = Backend {
    name: "Fibre Channel",
    drivers: &[Driver::Named("fc"), Driver::Named("kubernetes.io/fc")],
    grows: Growing::Pretends("an administrator made the volume, and nothing resizes it"),
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    let targets = strings(traced.volume, "/spec/fc/targetWWNs");
    let disks = strings(traced.volume, "/spec/fc/wwids");
    let lun = traced.shown("/spec/fc/lun").unwrap_or_else(|| "0".to_owned());
    let list = |directory: &str, name: &str| {
        command("on the node that runs the machine", &format!("ls -l {directory} | grep -F"), &[name])
    };
    let (at, look) = if targets.is_empty() {
        // The kubelet writes an underscore where a name has a space.
        let look = disks.iter().map(|disk| list("/dev/disk/by-id", &format!("scsi-{}", disk.replace(' ', "_"))));
        (disks.first().map(|_| disks.join(", ")), look.collect())
    } else {
        let look = targets
            .iter()
            .map(|target| list("/dev/disk/by-path", &format!("fc-0x{}-lun-{lun}", target.to_lowercase())));
        (Some(format!("{} lun {lun}", targets.join(", "))), look.collect())
    };
    Place {
        at,
        look,
        erased: Erased::No(super::FAILED.to_owned()),
        ..Place::new(Holder::Server("a storage system".to_owned()))
    }
}
