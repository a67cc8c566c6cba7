//! Where an imported disk's content comes from: the address as the importer needs it.

use super::reference::{self, is_port};
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::source::{Located, Span};
use crate::spec::{Disk, ImageAddress, check_label, check_subdomain};
use crate::text::{has_credentials, redact};

/// A source that CDI can import or clone from.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// A container image that holds the disk, as `docker://REGISTRY/NAME:TAG` or `oci-archive:PATH`.
    Registry(String),
    /// An HTTP server, with the checksum of the file.
    Http(String, Option<String>),
    /// Google Cloud Storage.
    Gcs(String),
    /// An object in an S3 bucket, by the `https` address of its endpoint.
    S3(String),
    /// Another claim: its namespace and name.
    Claim(String, String),
    /// A VolumeSnapshot: its namespace and name.
    Snapshot(String, String),
}

impl Source {
    /// Whether it is copied inside the cluster: it needs no credentials, and brings its size.
    pub const fn is_copy(&self) -> bool {
        matches!(self, Self::Claim(..) | Self::Snapshot(..))
    }

    /// Whether CDI takes a certificate authority for it. Source: CDI, the DataVolume types.
    pub(super) const fn takes_certificates(&self) -> bool {
        matches!(self, Self::Registry(_) | Self::Http(..) | Self::S3(_))
    }
}

impl std::fmt::Debug for Source {
    /// Without the credentials that an address may carry.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Registry(url) | Self::Http(url, _) | Self::Gcs(url) | Self::S3(url) => f.write_str(&redact(url)),
            Self::Claim(namespace, name) => write!(f, "pvc:{namespace}/{name}"),
            Self::Snapshot(namespace, name) => write!(f, "snapshot:{namespace}/{name}"),
        }
    }
}

/// What is accepted, for messages.
const ACCEPTED: &str = "accepted: `docker://REF` or a bare reference such as `ubuntu:22.04`, `https://…`, `http://…`, \
    `gs://…`, `s3://…` with imageSecret, `oci-archive:PATH`, `pvc:NAMESPACE/NAME`, `snapshot:NAMESPACE/NAME`";

/// Checksum algorithms and the number of hex digits of each. Source: CDI, doc/datavolumes.md.
const CHECKSUMS: [(&str, usize); 4] = [("md5", 32), ("sha1", 40), ("sha256", 64), ("sha512", 128)];

/// Reads the image of a disk. `image` may come from `osImage` instead of the disk.
pub(super) fn resolve(image: &Located<ImageAddress>, disk: &Disk, report: &mut Report) -> Option<Source> {
    let source = parse(image, disk, report)?;
    check_extras(&source, disk, report);
    warn_of_secrets(image, &source, report);
    Some(source)
}

fn parse(image: &Located<ImageAddress>, disk: &Disk, report: &mut Report) -> Option<Source> {
    let text = image.value.0.as_str();
    let refuse = |reason: String, report: &mut Report| {
        report.push(Diagnostic::new(Code::BadImage, image.span, reason).help(ACCEPTED));
        None
    };
    if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return refuse("an image address is one word without spaces".to_owned(), report);
    }
    for (scheme, is_claim) in [("pvc:", true), ("snapshot:", false)] {
        if let Some(rest) = text.strip_prefix(scheme) {
            return match namespaced(rest) {
                Some((namespace, name)) if is_claim => Some(Source::Claim(namespace, name)),
                Some((namespace, name)) => Some(Source::Snapshot(namespace, name)),
                None => refuse(format!("`{scheme}` needs a namespace and a name: `{scheme}NAMESPACE/NAME`"), report),
            };
        }
    }
    if let Some(path) = text.strip_prefix("oci-archive:") {
        if path.is_empty() {
            return refuse("`oci-archive:` needs a path".to_owned(), report);
        }
        let message = "an `oci-archive:` path is opened inside the importer pod, not on this computer";
        let help = "push the image to a registry and use `docker://…`, unless the importer has this file";
        report.push(Diagnostic::new(Code::ArchivePath, image.span, message).help(help));
        return Some(Source::Registry(text.to_owned()));
    }
    if text.starts_with(['/', '.', '~']) || text.contains('\\') {
        return local_file(image.span, report);
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return match misspelt_scheme(text) {
            Some(help) => {
                let message = "neither an address nor a container image";
                report.push(Diagnostic::new(Code::BadImage, image.span, message).help(help));
                None
            }
            None => registry(text, image.span, report),
        };
    };
    if scheme == "file" {
        return local_file(image.span, report);
    }
    let host = host(rest);
    if host.is_empty() || host.starts_with(':') {
        return refuse(format!("the address has no host after `{}://`", shown_scheme(scheme)), report);
    }
    if ["http", "https", "gs", "s3"].contains(&scheme)
        && let Some(reason) = bad_address(host, rest)
    {
        return refuse(reason.to_owned(), report);
    }
    match scheme {
        "docker" => registry(rest, image.span, report),
        "gs" if rest.split_once('/').is_none_or(|(_, object)| object.is_empty()) => {
            refuse("a `gs://` image is `gs://BUCKET/OBJECT`".to_owned(), report)
        }
        "oci" => refuse("a container image starts with `docker://`".to_owned(), report),
        "http" | "https" => {
            Some(Source::Http(text.to_owned(), disk.image_checksum.as_ref().map(|checksum| checksum.value.clone())))
        }
        "gs" => Some(Source::Gcs(text.to_owned())),
        "s3" => s3(rest, image.span, disk, report),
        other => {
            let reason = match other.to_ascii_lowercase().as_str() {
                lower if lower != other && ["docker", "http", "https", "gs", "s3"].contains(&lower) => {
                    format!("the scheme is written in lower case: `{lower}://`")
                }
                _ => format!("nothing imports from `{}://`", shown_scheme(other)),
            };
            refuse(reason, report)
        }
    }
}

fn local_file(span: Span, report: &mut Report) -> Option<Source> {
    let message = "the cluster cannot read files of this computer";
    let help =
        "serve the file by HTTP, push it to a registry, or upload it with `virtctl image-upload` and use `existingPVC`";
    report.push(Diagnostic::new(Code::BadImage, span, message).help(help));
    None
}

/// What was probably meant by a bare word that is no container reference, if it can be told.
fn misspelt_scheme(text: &str) -> Option<String> {
    const FILES: [&str; 9] = [".img", ".qcow2", ".raw", ".iso", ".vmdk", ".vdi", ".vhd", ".xz", ".gz"];
    for scheme in ["http", "https", "docker", "gs", "s3"] {
        if let Some(rest) = text.strip_prefix(scheme).and_then(|rest| rest.strip_prefix(':')) {
            // `docker:24` is an image and a tag.
            if rest.contains('/') {
                return Some(format!("write `{scheme}://{}`", rest.trim_start_matches('/')));
            }
        }
    }
    let file = FILES.iter().any(|ending| text.to_ascii_lowercase().ends_with(ending));
    file.then(|| {
        let address = if text.contains('/') { text } else { "HOST/PATH" };
        format!("a disk image on a server is `https://{address}`; for a container image of this name write `docker://{text}`")
    })
}

/// The host, with its port, of what stands behind `://`.
fn host(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// What Go's address parser, which CDI uses, refuses, and ports that do not exist.
fn bad_address(host: &str, rest: &str) -> Option<&'static str> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    let mut escapes = rest.split('%').skip(1);
    let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let name_fine = match inner {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')),
    };
    if !name_fine {
        Some("the host of the address is no host name")
    } else if port.is_some_and(|port| !is_port(port)) {
        Some("the port of the address is not between 1 and 65535")
    } else if escapes.any(|escape| !escape.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)))
    {
        Some("a `%` in an address stands before two hex digits; write `%25` for the sign itself")
    } else {
        None
    }
}

fn shown_scheme(scheme: &str) -> String {
    scheme.chars().take(20).collect()
}

/// `namespace/name`, both well formed.
fn namespaced(text: &str) -> Option<(String, String)> {
    let (namespace, name) = text.split_once('/')?;
    let fine = check_label(namespace).is_ok() && check_subdomain(name).is_ok();
    fine.then(|| (namespace.to_owned(), name.to_owned()))
}

/// CDI addresses an object as `https://ENDPOINT/BUCKET/KEY` and takes the signing region from the endpoint's name
/// (source: CDI, pkg/importer/s3-datasource.go). A first part with a dot or a port is an endpoint; without one the
/// bucket is Amazon's, in the region of its oldest endpoint.
fn s3(rest: &str, span: Span, disk: &Disk, report: &mut Report) -> Option<Source> {
    if disk.image_secret.is_none() {
        let message = "an `s3://` image needs `imageSecret`, a Secret with accessKeyId and secretKey";
        report.push(
            Diagnostic::new(Code::SourceIncomplete, span, message)
                .help("a public object can be read by its `https://` address"),
        );
        return None;
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let own_endpoint = host.contains(['.', ':']);
    let (endpoint, path) = if own_endpoint { (host, path) } else { ("s3.us-east-1.amazonaws.com", rest) };
    let complete = path.split_once('/').is_some_and(|(bucket, key)| !bucket.is_empty() && !key.is_empty());
    if !complete || rest.contains(['@', '?', '#']) {
        let message = "an `s3://` image is `s3://BUCKET/KEY` or `s3://ENDPOINT/BUCKET/KEY`";
        let help = "for example `s3://s3.eu-central-1.amazonaws.com/BUCKET/KEY`; credentials go into `imageSecret`";
        report.push(Diagnostic::new(Code::BadImage, span, message).help(help));
        return None;
    }
    Some(Source::S3(format!("https://{endpoint}/{path}")))
}

/// A container reference, completed as a container client would: CDI takes `docker://ubuntu:22.04` for a host and a
/// port.
fn registry(reference: &str, span: Span, report: &mut Report) -> Option<Source> {
    match reference::normalise(reference) {
        Ok(full) => Some(Source::Registry(format!("docker://{full}"))),
        Err(reason) => {
            report
                .push(Diagnostic::new(Code::BadImage, span, format!("not a container image: {reason}")).help(ACCEPTED));
            None
        }
    }
}

/// imageSecret, imageCertConfigMap and imageChecksum fit only some sources.
fn check_extras(source: &Source, disk: &Disk, report: &mut Report) {
    let mut ignored = |field: &str, span: Span, why: &str| {
        report.push(Diagnostic::ignored(Code::DiskFieldIgnored, field, span, why));
    };
    if let (Some(secret), true) = (&disk.image_secret, source.is_copy()) {
        ignored("imageSecret", secret.span, "a copy inside the cluster needs no credentials");
    }
    if let (Some(map), false) = (&disk.image_cert_config_map, source.takes_certificates()) {
        ignored("imageCertConfigMap", map.span, "CDI takes it only for registries, HTTP and S3");
    }
    if let Some(checksum) = &disk.image_checksum {
        if !matches!(source, Source::Http(..)) {
            ignored("imageChecksum", checksum.span, "CDI checks it only for HTTP; name a registry image by its digest");
        } else if let Some(reason) = bad_checksum(checksum) {
            report.push(
                Diagnostic::new(Code::BadFormat, checksum.span, reason)
                    .help("write `sha256:` and the 64 hex digits that `sha256sum` prints"),
            );
        }
    }
}

fn bad_checksum(text: &str) -> Option<String> {
    let Some((algorithm, hex)) = text.split_once(':') else {
        return Some("a checksum starts with its algorithm".to_owned());
    };
    let Some((_, digits)) = CHECKSUMS.iter().find(|(known, _)| *known == algorithm) else {
        return Some("the algorithm is one of md5, sha1, sha256, sha512".to_owned());
    };
    if hex.len() == *digits && hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    Some(format!("a {algorithm} checksum has {digits} hex digits"))
}

fn warn_of_secrets(image: &Located<ImageAddress>, source: &Source, report: &mut Report) {
    if has_credentials(&image.value) && matches!(source, Source::Http(..) | Source::Gcs(_) | Source::S3(_)) {
        let message = "the address holds credentials, readable to all who may see the DataVolume";
        report.push(
            Diagnostic::new(Code::SecretInUrl, image.span, message)
                .help("put credentials into a Secret and name it in `imageSecret`"),
        );
    }
}
