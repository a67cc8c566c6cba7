//! Each disk: where its content comes from, which claim holds it, how large and of which class it is.

use super::boot::Boot;
use super::image::{self, Source};
use super::options::Options;
use super::size::{self, Growth};
use super::{identity, options::PolicyClass};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::quantity::Quantity;
use crate::source::{Located, Span};
use crate::spec::{self, AccessMode, ExistingClaim, ImageAddress, Spec, VolumeMode};

/// The volume that holds cloud-init; no disk may have its name.
pub const CLOUD_INIT_DISK: &str = "cloudinit";
/// KubeVirt takes at most 256 volumes, and cloud-init may need one.
const MAX_DISKS: usize = 255;

/// A disk with nothing left to decide.
#[derive(Debug)]
pub struct Disk {
    /// The disk's name.
    pub name: String,
    /// Where the name stands in the file.
    pub name_span: Span,
    /// What the guest sees as the serial number.
    pub serial: String,
    /// Whether the firmware starts it.
    pub boot: bool,
    /// Whether the guest may only read it.
    pub read_only: bool,
    /// The claim that holds it, in the machine's namespace.
    pub claim: String,
    /// What the claim is made from.
    pub origin: Origin,
    /// The StorageClass, if one was named.
    pub class: Option<String>,
    /// Where the class, or the policy that chose it, stands in the file.
    pub class_span: Option<Span>,
    /// Whether a storage policy chose the class and the modes, rather than the disk.
    pub class_by_policy: bool,
    /// Who may use it at the same time.
    pub access_mode: AccessMode,
    /// File system or block device, if it was said.
    pub volume_mode: Option<VolumeMode>,
    /// What the guest sees, if it was said.
    pub size: Option<Quantity>,
    /// Whether, and how far, it may grow by itself.
    pub growth: Option<Growth>,
}

/// What a disk's claim is made from.
#[derive(Debug)]
pub enum Origin {
    /// Nothing: an existing claim of this namespace is used as it is.
    Existing,
    /// A new, empty claim.
    Empty,
    /// A DataVolume fills it.
    Imported {
        /// Where from.
        source: Source,
        /// The Secret with the credentials.
        secret: Option<String>,
        /// The ConfigMap with the certificate authority.
        certificates: Option<String>,
    },
}

impl Origin {
    /// Whether the claim was there before and is only used.
    pub const fn is_existing(&self) -> bool {
        matches!(self, Self::Existing)
    }
}

/// What a disk needs to know of its machine.
pub(super) struct Scope<'a> {
    pub name: &'a str,
    pub namespace: Option<&'a str>,
    pub options: &'a Options,
}

pub(super) fn resolve(spec: &Spec, boot: &Boot, scope: &Scope<'_>, report: &mut Report) -> Vec<Disk> {
    identity::unique_names("disk", spec.disks.iter().map(|disk| &disk.name), report);
    if let Some(extra) = spec.disks.get(MAX_DISKS) {
        let message = format!("a machine has at most {MAX_DISKS} disks");
        report.push(Diagnostic::new(Code::OutOfRange, extra.span, message));
    }
    let disks: Vec<_> = spec
        .disks
        .iter()
        .take(MAX_DISKS)
        .enumerate()
        .filter_map(|(index, disk)| {
            let is_boot = boot.disk == Some(index);
            let os_image = if is_boot { boot.image.as_ref() } else { None };
            one(disk, is_boot, os_image, scope, report)
        })
        .collect();
    unique_serials(&disks, report);
    disks
}

fn one(
    disk: &Located<spec::Disk>,
    boot: bool,
    os_image: Option<&Located<ImageAddress>>,
    scope: &Scope<'_>,
    report: &mut Report,
) -> Option<Disk> {
    if disk.name.0 == CLOUD_INIT_DISK {
        let message = format!("the name `{CLOUD_INIT_DISK}` belongs to the disk with the cloud-init data");
        report.push(Diagnostic::new(Code::BadName, disk.name.span, message).help("choose another name"));
    }
    let (claim, origin) = origin(disk, os_image, scope, report)?;
    let read_only =
        disk.existing_pvc.as_ref().and_then(|claim| claim.read_only.as_ref()).is_some_and(|only| only.value);
    let policy = if origin.is_existing() { None } else { policy(disk, scope, report) };
    let access_mode = disk.access_mode.as_ref().map(|mode| mode.value).or(policy.and_then(|p| p.access_mode));
    let access_mode = access_mode.unwrap_or(AccessMode::ReadWriteOnce);
    if access_mode == AccessMode::ReadOnlyMany && !origin.is_existing() {
        let policy_span = disk.storage_policy.as_ref().map(|policy| policy.span);
        let span = disk.access_mode.as_ref().map(|mode| mode.span).or(policy_span).unwrap_or(disk.name.span);
        let message = "a disk that is made here is written to, so it cannot be ReadOnlyMany";
        report.push(
            Diagnostic::new(Code::ReadOnlyNewDisk, span, message)
                .help("share a finished disk with `existingPVC` and `readOnly: true`"),
        );
    }
    Some(Disk {
        serial: identity::serial(&disk.name),
        name: disk.name.0.clone(),
        name_span: disk.name.span,
        boot,
        read_only,
        claim,
        class: disk.storage_class_name.as_ref().map(|class| class.0.clone()).or(policy.map(|p| p.class.clone())),
        class_span: (disk.storage_class_name.as_ref().map(|class| class.span))
            .or_else(|| disk.storage_policy.as_ref().map(|policy| policy.span)),
        class_by_policy: policy.is_some(),
        access_mode,
        volume_mode: disk.volume_mode.as_ref().map(|mode| mode.value).or(policy.and_then(|p| p.volume_mode)),
        size: disk.size.as_ref().map(|size| size.value.clone()),
        growth: size::growth(disk, origin.is_existing(), report),
        origin,
    })
}

/// The claim that holds a disk, and what it is made from: `existingPVC`, else an image, else nothing.
fn origin(
    disk: &Located<spec::Disk>,
    os_image: Option<&Located<ImageAddress>>,
    scope: &Scope<'_>,
    report: &mut Report,
) -> Option<(String, Origin)> {
    let derived =
        || disk.claim_name.as_ref().map_or_else(|| identity::claim_name(scope.name, &disk.name), |c| c.0.clone());
    let existing = disk.existing_pvc.as_ref();
    let foreign = existing.and_then(|claim| foreign_namespace(claim, scope.namespace));
    Some(match (existing, foreign) {
        (Some(claim), None) => {
            fields_of_existing(disk, claim, report);
            (claim.name.0.clone(), Origin::Existing)
        }
        (Some(claim), Some(namespace)) => {
            loses(disk, report);
            copied_claim(claim, &namespace, scope.namespace, report);
            if let Some(size) = &disk.size {
                size::check_bytes(size, Code::DiskSize, report);
            }
            let source = Source::Claim(namespace, claim.name.0.clone());
            (derived(), Origin::Imported { source, secret: None, certificates: None })
        }
        (None, _) => match disk.image.as_ref().or(os_image) {
            Some(image) => {
                let secret = disk.image_secret.as_ref().map(|secret| secret.0.clone());
                let certificates = disk.image_cert_config_map.as_ref().map(|map| map.0.clone());
                let source = image::resolve(image, disk, report);
                size::check(disk, source.as_ref(), report);
                let source = source?;
                let secret = secret.filter(|_| !source.is_copy());
                let certificates = certificates.filter(|_| source.takes_certificates());
                (derived(), Origin::Imported { source, secret, certificates })
            }
            None => {
                fields_of_image(disk, "the disk has no image", report);
                size::check(disk, None, report);
                (derived(), Origin::Empty)
            }
        },
    })
}

/// The namespace of an existing claim, if it is another than the machine's.
fn foreign_namespace(claim: &ExistingClaim, own: Option<&str>) -> Option<String> {
    claim.namespace.as_ref().map(|namespace| namespace.0.clone()).filter(|namespace| Some(namespace.as_str()) != own)
}

fn copied_claim(claim: &ExistingClaim, namespace: &str, own: Option<&str>, report: &mut Report) {
    let span = claim.namespace.as_ref().map_or(claim.name.span, |namespace| namespace.span);
    let name = &claim.name.0;
    let problem = if own.is_some() {
        let message = format!(
            "a pod cannot mount the claim `{namespace}/{name}` from another namespace, so the disk is a copy of it"
        );
        Diagnostic::new(Code::ClonedClaim, span, message)
            .help("stop whatever writes to the original while it is copied; later changes of it are not seen")
    } else {
        let message = format!("the machine's namespace is not known, so the disk is a copy of `{namespace}/{name}`");
        Diagnostic::new(Code::ClonedClaim, span, message)
            .help(format!("say where the machine lives, with `namespace` in the metadata or `--namespace`; in `{namespace}` the claim itself would be used"))
    };
    report.push(problem);
}

/// An existing claim is used as it is: fields that would make or change one are errors or have no effect.
fn fields_of_existing(disk: &Located<spec::Disk>, claim: &Located<ExistingClaim>, report: &mut Report) {
    if let Some(size) = &disk.size {
        let message = "an existing claim has its size already";
        report.push(
            Diagnostic::new(Code::DiskSize, size.span, message)
                .label(claim.span, "the existing claim")
                .help("remove `size`"),
        );
    }
    if let Some(name) = disk.claim_name.as_ref().filter(|name| name.0 != claim.name.0) {
        let message = "`claimName` names another claim than `existingPVC`";
        report.push(
            Diagnostic::new(Code::SourceIgnored, name.span, message)
                .label(claim.name.span, "the existing claim")
                .help("remove one of them"),
        );
    }
    loses(disk, report);
    let made = [
        ("storageClassName", disk.storage_class_name.as_ref().map(|field| field.span)),
        ("accessMode", disk.access_mode.as_ref().map(|field| field.span)),
        ("volumeMode", disk.volume_mode.as_ref().map(|field| field.span)),
        ("storagePolicy", disk.storage_policy.as_ref().map(|field| field.span)),
    ];
    ignore(&made, "an existing claim is used as it is", report);
}

/// `existingPVC` wins over `image`.
fn loses(disk: &spec::Disk, report: &mut Report) {
    if let (Some(image), Some(claim)) = (&disk.image, &disk.existing_pvc) {
        let message = "`image` is ignored: `existingPVC` wins";
        report.push(
            Diagnostic::new(Code::SourceIgnored, image.span, message)
                .label(claim.span, "the source that is used")
                .help("remove one of them"),
        );
    }
    fields_of_image(disk, "the disk comes from a claim", report);
}

/// Fields that only an imported image has.
fn fields_of_image(disk: &spec::Disk, why: &str, report: &mut Report) {
    let fields = [
        ("imageSecret", disk.image_secret.as_ref().map(|field| field.span)),
        ("imageCertConfigMap", disk.image_cert_config_map.as_ref().map(|field| field.span)),
        ("imageChecksum", disk.image_checksum.as_ref().map(|field| field.span)),
    ];
    ignore(&fields, why, report);
}

fn ignore(fields: &[(&str, Option<Span>)], why: &str, report: &mut Report) {
    for (field, span) in fields {
        if let Some(span) = span {
            report.push(Diagnostic::ignored(Code::DiskFieldIgnored, field, *span, why));
        }
    }
}

fn policy<'o>(disk: &spec::Disk, scope: &Scope<'o>, report: &mut Report) -> Option<&'o PolicyClass> {
    let policy = disk.storage_policy.as_ref()?;
    if let Some(class) = &disk.storage_class_name {
        let message = "`storagePolicy` and `storageClassName` both choose the class";
        report.push(
            Diagnostic::new(Code::StoragePolicy, policy.span, message)
                .label(class.span, "the class")
                .help("remove one of them"),
        );
        return None;
    }
    let found = scope.options.policy(policy.value, scope.namespace);
    if found.is_none() {
        let word = policy.value.as_str();
        report.push(
            Diagnostic::new(Code::StoragePolicy, policy.span, format!("no class is known for the policy `{word}`"))
                .help(format!("say which: `--storage-policy {word}=CLASS`")),
        );
    }
    found
}

fn unique_serials(disks: &[Disk], report: &mut Report) {
    for (index, disk) in disks.iter().enumerate() {
        let twin = disks[..index].iter().find(|earlier| earlier.serial == disk.serial && earlier.name != disk.name);
        if let Some(twin) = twin {
            let message = format!("the guest would see the serial `{}` on two disks", disk.serial);
            report.push(
                Diagnostic::new(Code::SerialCollision, disk.name_span, message)
                    .label(twin.name_span, "the other disk")
                    .help("rename one of them"),
            );
        }
    }
}
