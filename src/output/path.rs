//! File names for `--output-dir`: stable, one per object, and never outside the directory.

/// The file of one object: `NAMESPACE_KIND_NAME.yaml`, without the namespace where there is none. Kubernetes names have no
/// underscore, so only objects of one kind in two API groups can meet.
///
/// `None` if a part could lead elsewhere or is no name; objects that pass through have not been checked otherwise.
pub fn file_name(namespace: Option<&str>, kind: &str, name: &str, extension: &str) -> Option<String> {
    let safe = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
    };
    let kind = kind.to_ascii_lowercase();
    let parts: Vec<_> = namespace.into_iter().chain([kind.as_str(), name]).collect();
    let file = format!("{}.{extension}", parts.join("_"));
    // 255 bytes is the limit of every common file system; the longest valid names together exceed it.
    (parts.iter().all(|part| safe(part)) && file.len() <= 255).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn names_cannot_leave_the_directory() {
        assert_eq!(
            file_name(Some("prod"), "Secret", "web-cloud-init", "yaml").as_deref(),
            Some("prod_secret_web-cloud-init.yaml")
        );
        assert_eq!(file_name(None, "Secret", "a.b", "json").as_deref(), Some("secret_a.b.json"));
        for (namespace, kind, name) in [
            (None, "Secret", "../x"),
            (None, "Secret", "a/b"),
            (None, "../Secret", "x"),
            (Some(".."), "Secret", "x"),
            (None, "Secret", ".hidden"),
            (None, "Secret", "a\0b"),
            (None, "Secret", "a\\b"),
            (None, "", "x"),
        ] {
            assert_eq!(file_name(namespace, kind, name, "yaml"), None, "{namespace:?} {kind} {name}");
        }
    }
}
