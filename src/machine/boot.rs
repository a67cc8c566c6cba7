//! Which disk the firmware starts, and what `osImage` means.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::Located;
use crate::spec::{Disk, ImageAddress, Spec};

/// What was decided.
#[derive(Debug, Default)]
pub(super) struct Boot {
    /// The index of the boot disk.
    pub disk: Option<usize>,
    /// The image that the boot disk takes from `osImage`.
    pub image: Option<Located<ImageAddress>>,
    /// `osImage`, if it is the name of an operating system.
    pub os_name: Option<String>,
}

/// `boot: true`; else the first disk with an image; else, if `osImage` is an image, the first disk that is not an
/// existing claim; else the first existing claim that is writable; else none. `boot: false` takes a disk out.
pub(super) fn choose(spec: &Spec, report: &mut Report) -> Boot {
    let os_image = spec.os_image.as_ref().filter(|os| !os.is_empty());
    let is_image = |text: &str| text.contains('/') || has_scheme(text);
    let image = os_image.filter(|os| is_image(os));
    let os_name = os_image.filter(|os| !is_image(os)).map(|os| os.value.0.clone());
    let marked: Vec<_> = positions(spec, |disk| disk.boot.as_ref().is_some_and(|boot| boot.value));
    if let [first, second, ..] = marked[..] {
        let span = |index: usize| spec.disks[index].boot.as_ref().map_or(spec.disks[index].span, |boot| boot.span);
        let message = format!(
            "the disks `{}` and `{}` both say `boot: true`",
            spec.disks[first].name.0, spec.disks[second].name.0
        );
        report.push(
            Diagnostic::new(Code::TwoBootDisks, span(second), message)
                .label(span(first), "the first boot disk")
                .help("the machine starts from one disk; remove `boot: true` from the other"),
        );
    }
    let may_boot = |disk: &Disk| disk.boot.as_ref().is_none_or(|boot| boot.value);
    let first = |fits: &dyn Fn(&Disk) -> bool| positions(spec, |disk| may_boot(disk) && fits(disk)).first().copied();
    let disk = marked
        .first()
        .copied()
        .or_else(|| first(&|disk| disk.image.is_some() && disk.existing_pvc.is_none()))
        .or_else(|| image.and_then(|_| first(&|disk| disk.existing_pvc.is_none())))
        .or_else(|| first(&is_writable_claim));
    let takes_image = disk.is_some_and(|at| spec.disks[at].image.is_none() && spec.disks[at].existing_pvc.is_none());
    if let (Some(os), false) = (image, takes_image) {
        let reason = match disk {
            Some(at) => format!("the boot disk `{}` has its own content", spec.disks[at].name.0),
            None => "no disk boots".to_owned(),
        };
        report.push(
            Diagnostic::new(Code::OsImageUnused, os.span, format!("osImage is not used: {reason}"))
                .help("remove osImage, or the source of the boot disk")
                .absent(),
        );
    }
    // A disk that says which claim it is may be full.
    let unclaimed = disk.is_some_and(|at| spec.disks[at].claim_name.is_none());
    if let (Some(at), None, true, 1) = (disk, image, takes_image && unclaimed, marked.len()) {
        let message =
            format!("the boot disk `{}` is empty, so the machine finds nothing to start", spec.disks[at].name.0);
        report.push(
            Diagnostic::new(Code::EmptyBootDisk, spec.disks[at].name.span, message)
                .help("give it an `image`, or install a system on it from elsewhere")
                .absent(),
        );
    }
    Boot { disk, image: image.filter(|_| takes_image).cloned(), os_name }
}

fn is_writable_claim(disk: &Disk) -> bool {
    disk.existing_pvc.as_ref().is_some_and(|claim| claim.read_only.as_ref().is_none_or(|read_only| !read_only.value))
}

fn positions(spec: &Spec, fits: impl Fn(&Disk) -> bool) -> Vec<usize> {
    spec.disks.iter().enumerate().filter(|(_, disk)| fits(disk)).map(|(index, _)| index).collect()
}

/// The schemes without `//` that an image may have.
fn has_scheme(text: &str) -> bool {
    ["pvc:", "snapshot:", "oci-archive:"].iter().any(|scheme| text.starts_with(scheme))
}
