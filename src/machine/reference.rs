//! References to container images, completed as a container client would.

/// `ubuntu` → `docker.io/library/ubuntu:latest`; the tag is only added where a port could be read into the name.
pub(super) fn normalise(reference: &str) -> Result<String, String> {
    let (name, digest) = match reference.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (reference, None),
    };
    if let Some(digest) = digest {
        let fine = digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && is_lower_hex(hex))
            || digest.strip_prefix("sha512:").is_some_and(|hex| hex.len() == 128 && is_lower_hex(hex));
        if !fine {
            return Err(
                "a digest is `@sha256:` and 64 lower-case hex digits; credentials go into `imageSecret`".to_owned()
            );
        }
    }
    let (registry, path) = match name.split_once('/') {
        // Only a first part with a dot or a port, or `localhost`, is a registry. Source: distribution/reference.
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => ("docker.io", name),
    };
    let path = if registry == "docker.io" && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
    let (repository, tag) = match path.rsplit_once(':') {
        Some((repository, tag)) => (repository, Some(tag)),
        None => (path.as_str(), None),
    };
    check_registry(registry)?;
    let component = |part: &str| {
        let bytes = part.as_bytes();
        let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        edge(bytes.first())
            && edge(bytes.last())
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'))
    };
    if !repository.split('/').all(component) {
        return Err("the name has lower-case letters, digits, `.`, `_` and `-`, in parts divided by `/`".to_owned());
    }
    if let Some(tag) = tag {
        let fine = (1..=128).contains(&tag.len())
            && !tag.starts_with(['.', '-'])
            && tag.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if !fine {
            return Err("a tag has at most 128 letters, digits, `.`, `_` and `-`".to_owned());
        }
    }
    let suffix = match (tag, digest) {
        (_, Some(digest)) => format!("@{digest}"),
        (Some(tag), None) => format!(":{tag}"),
        (None, None) => ":latest".to_owned(),
    };
    Ok(format!("{registry}/{repository}{suffix}"))
}

/// A port that exists, in digits alone.
pub(super) fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn check_registry(registry: &str) -> Result<(), String> {
    let (host, port) = registry.rsplit_once(':').map_or((registry, None), |(host, port)| (host, Some(port)));
    let host_fine = !host.is_empty()
        && host.split('.').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !part.starts_with('-')
        });
    if !host_fine || port.is_some_and(|port| !is_port(port)) {
        return Err("the registry is not a host name with an optional port".to_owned());
    }
    Ok(())
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn references_are_completed_as_a_container_client_would() {
        let digest = format!("sha256:{}", "0".repeat(64));
        for (reference, full) in [
            ("ubuntu", "docker.io/library/ubuntu:latest"),
            ("ubuntu:22.04", "docker.io/library/ubuntu:22.04"),
            ("kubevirt/fedora", "docker.io/kubevirt/fedora:latest"),
            ("quay.io/containerdisks/ubuntu:24.04", "quay.io/containerdisks/ubuntu:24.04"),
            ("localhost/x", "localhost/x:latest"),
            ("registry:5000/x/y:1", "registry:5000/x/y:1"),
            ("docker.io/ubuntu", "docker.io/library/ubuntu:latest"),
        ] {
            assert_eq!(normalise(reference).as_deref(), Ok(full), "{reference}");
        }
        assert_eq!(normalise(&format!("x@{digest}")), Ok(format!("docker.io/library/x@{digest}")));
        for wrong in ["", "Ubuntu", "a//b", "x:", "x@sha256:12", "-x", "host:port/x", "a/b:c:d/e"] {
            assert!(normalise(wrong).is_err(), "{wrong}");
        }
    }
}
