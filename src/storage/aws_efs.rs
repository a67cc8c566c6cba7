//! Amazon EFS: a file system in the zones of a region.

use super::{Backend, Driver, Erased, Growing, Holder, Place, Traced, command};

pub(super) static BACKEND: Backend = Backend {
    name: "Amazon EFS",
    drivers: &[Driver::Named("efs.csi.aws.com")],
    grows: Growing::Pretends("the file system is elastic and has no size"),
    kinds: &[],
    locate,
};

fn locate(traced: &Traced<'_>) -> Place {
    // `fs-…`, then perhaps a directory and an access point: `fs-1:/vm:fsap-2`.
    let handle = traced.handle();
    let mut parts = handle.strip_prefix("efs:").unwrap_or(handle).split(':');
    let system = parts.next().filter(|id| !id.is_empty());
    let rest: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    let point = rest.iter().find(|part| part.starts_with("fsap-")).copied();
    let directory = rest.iter().find(|part| !part.starts_with("fsap-")).copied();
    let describe = |of: &str, id: &str| command("anywhere", &format!("aws efs describe-{of}-id"), &[id]);
    let mut place = Place {
        at: system.map(|system| match directory {
            Some(directory) => format!("{system}:/{}", traced.disk(directory).trim_start_matches('/')),
            // Where an access point leads is written down only at Amazon.
            None => point.map_or_else(|| format!("{system}:{}", traced.disk("/")), |point| format!("{system}:{point}")),
        }),
        look: system.iter().map(|id| describe("file-systems --file-system", id)).collect(),
        ..Place::new(Holder::Region(None))
    };
    if let Some(point) = point {
        place.details.push(("access point", point.to_owned()));
        place.look.push(describe("access-points --access-point", point));
        // It depends on an option of the driver's.
        place.erased = Erased::Unknown;
        place.notes.push("its access point goes, its directory only with --delete-access-point-root-dir".to_owned());
    } else {
        place.erased = Erased::No("without an access point there is nothing that the driver deletes".to_owned());
    }
    place.notes.push("a file system of the type One Zone lies in one zone only".to_owned());
    place
}
