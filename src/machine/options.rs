//! What the command line adds to the files.

use crate::spec::{AccessMode, StoragePolicy, VolumeMode, check_subdomain};

/// Everything outside the files that decides what is rendered.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The namespace for documents that name none; a document that names another is an error.
    pub namespace: Option<String>,
    /// The namespace for documents that name none, where `namespace` is not given: that of the context.
    pub fallback_namespace: Option<String>,
    /// What each storage policy stands for.
    pub policies: Vec<(StoragePolicy, PolicyClass)>,
    /// What each stands for in the cluster, where the command line does not say: in one namespace, or in all.
    pub cluster_policies: Vec<(Option<String>, StoragePolicy, PolicyClass)>,
    /// Leaves out the annotations that keep other tools from deleting disks.
    pub no_keep_annotations: bool,
    /// Whether documents of another kind are wanted, too. What is no object of Kubernetes is then left out with a
    /// warning; else it is an error, since it may be a Wukong that lacks its `kind`.
    pub others_wanted: bool,
}

/// What a storage policy stands for: a class, and modes that the class needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyClass {
    /// The StorageClass.
    pub class: String,
    /// The access mode, unless the disk names one.
    pub access_mode: Option<AccessMode>,
    /// The volume mode, unless the disk names one.
    pub volume_mode: Option<VolumeMode>,
}

impl Options {
    /// Reads a mapping such as `fast=longhorn-ssd` or `fast=ceph:ReadWriteMany:Block`.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what the form is.
    pub fn parse_policy(text: &str) -> Result<(StoragePolicy, PolicyClass), String> {
        let form = "write POLICY=CLASS or POLICY=CLASS:ACCESSMODE:VOLUMEMODE, for example fast=longhorn-ssd";
        let (policy, rest) = text.split_once('=').ok_or_else(|| form.to_owned())?;
        let known = |words: Vec<&str>| words.join(", ");
        let policy = *StoragePolicy::ALL.iter().find(|known| known.as_str() == policy).ok_or_else(|| {
            format!("the policies are {}", known(StoragePolicy::ALL.iter().map(|p| p.as_str()).collect()))
        })?;
        let mut parts = rest.splitn(3, ':');
        let class = parts.next().unwrap_or_default();
        check_subdomain(class).map_err(|reason| format!("`{class}` is not the name of a StorageClass: {reason}"))?;
        let access_mode = match parts.next().filter(|mode| !mode.is_empty()) {
            Some(word) => Some(*AccessMode::ALL.iter().find(|mode| mode.as_str() == word).ok_or_else(|| {
                format!("the access modes are {}", known(AccessMode::ALL.iter().map(|m| m.as_str()).collect()))
            })?),
            None => None,
        };
        let volume_mode = match parts.next().filter(|mode| !mode.is_empty()) {
            Some(word) => Some(*VolumeMode::ALL.iter().find(|mode| mode.as_str() == word).ok_or_else(|| {
                format!("the volume modes are {}", known(VolumeMode::ALL.iter().map(|m| m.as_str()).collect()))
            })?),
            None => None,
        };
        Ok((policy, PolicyClass { class: class.to_owned(), access_mode, volume_mode }))
    }

    /// What a policy stands for in a namespace.
    pub fn policy(&self, policy: StoragePolicy, namespace: Option<&str>) -> Option<&PolicyClass> {
        // The last mention wins, as with every flag; then the namespace's own word, then that of all.
        let flag = self.policies.iter().rev().find(|(known, _)| *known == policy).map(|(_, class)| class);
        let of = |place: Option<&str>| {
            let mut all = self.cluster_policies.iter();
            all.find(|(holds, known, _)| *known == policy && holds.as_deref() == place).map(|(_, _, class)| class)
        };
        flag.or_else(|| namespace.and_then(|_| of(namespace))).or_else(|| of(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_name_a_class_and_perhaps_modes() {
        let (policy, class) = Options::parse_policy("fast=ceph:ReadWriteMany:Block").unwrap();
        assert_eq!(policy, StoragePolicy::Fast);
        assert_eq!(class.class, "ceph");
        assert_eq!(class.access_mode, Some(AccessMode::ReadWriteMany));
        assert_eq!(class.volume_mode, Some(VolumeMode::Block));
        assert!(Options::parse_policy("fast=a").unwrap().1.access_mode.is_none());
        for wrong in ["fast", "quick=a", "fast=", "fast=A", "fast=a:RWX", "fast=a:ReadWriteMany:Raw"] {
            assert!(Options::parse_policy(wrong).is_err(), "{wrong}");
        }
    }
}
