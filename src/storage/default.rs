//! The class that is taken where none is named.

use serde_json::Value;

use crate::facts::path;

/// The annotation of the class that Kubernetes takes.
pub(crate) const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
/// The annotation of the class that CDI takes before it. Source: CDI, doc/datavolumes.md.
pub(crate) const VIRT_DEFAULT: &str = "storageclass.kubevirt.io/is-default-virt-class";

/// Whether a class has one of these annotations.
pub(crate) fn is_marked(class: &Value, annotation: &str) -> bool {
    path(class, &["metadata", "annotations", annotation]).is_some_and(|mark| mark == "true")
}
