//! How large disks are, and how far they may grow.

use super::image::Source;
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::quantity::Quantity;
use crate::source::{Located, Span};
use crate::spec::Disk;

/// The smallest DataVolume that CDI accepts, in bytes. Source: CDI, datavolume-validate.go.
const MIN_BYTES: u64 = 1 << 20;

/// Growth by itself.
#[derive(Debug, Clone)]
pub struct Growth {
    /// The end of it, if there is one.
    pub max: Option<Quantity>,
}

/// A new disk needs a size of at least a mebibyte; a copy takes that of its source.
pub(super) fn check(disk: &Located<Disk>, source: Option<&Source>, report: &mut Report) {
    let copied = source.is_some_and(Source::is_copy);
    match &disk.size {
        None if copied => {}
        None => {
            let message = format!("the disk `{}` needs `size`", disk.name.0);
            report.push(
                Diagnostic::new(Code::DiskSize, disk.name.span, message).help("for example `size: 20Gi`").absent(),
            );
        }
        Some(size) => check_bytes(size, Code::DiskSize, report),
    }
}

/// A whole number of bytes, and as many as a disk needs.
pub(super) fn check_bytes(size: &Located<Quantity>, code: Code, report: &mut Report) {
    match size.units() {
        None => {
            let message = format!("`{}` is not a whole number of bytes", size.value);
            report.push(Diagnostic::new(code, size.span, message).help("write it with `Mi` or `Gi`"));
        }
        Some(bytes) if bytes < MIN_BYTES => {
            let message = format!("`{}` is {bytes} bytes; a disk has at least 1Mi", size.value);
            let problem = Diagnostic::new(code, size.span, message);
            report.push(match forgotten_suffix(size, bytes) {
                Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                None => problem,
            });
        }
        Some(_) => {}
    }
}

/// autoExpand and maxSize, checked.
pub(super) fn growth(disk: &Disk, existing: bool, report: &mut Report) -> Option<Growth> {
    let grows = disk.auto_expand.as_ref().filter(|grows| grows.value);
    let bad = |span: Span, message: &str, help: &str| Diagnostic::new(Code::BadGrowth, span, message).help(help);
    if let (Some(grows), true) = (grows, existing) {
        report.push(bad(
            grows.span,
            "an existing claim is never changed, so it cannot grow by itself",
            "remove `autoExpand`",
        ));
        return None;
    }
    if let Some(max) = &disk.max_size {
        check_bytes(max, Code::BadGrowth, report);
        if grows.is_none() {
            let message = "`maxSize` has no effect without `autoExpand: true`";
            report.push(
                Diagnostic::new(Code::DiskFieldIgnored, max.span, message).help("add `autoExpand: true`, or remove it"),
            );
        }
        if let Some(size) = disk.size.as_ref().filter(|size| size.value > max.value) {
            let problem = bad(max.span, "`maxSize` is smaller than `size`", "make it larger; disks never shrink");
            report.push(problem.label(size.span, "the size"));
        }
    }
    grows.map(|_| Growth { max: disk.max_size.as_ref().map(|max| max.value.clone()) })
}

/// What was probably meant by a number without a suffix: gibibytes, or mebibytes where that would be a lot.
pub(super) fn forgotten_suffix(size: &Quantity, bytes: u64) -> Option<String> {
    let digits = size.as_str().bytes().all(|b| b.is_ascii_digit()) && bytes > 0;
    digits.then(|| if bytes < 256 { format!("{bytes}Gi") } else { format!("{bytes}Mi") })
}
