//! Which versions of which components: the `go.mod` files say it, this only reads them.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

/// The environment variable that chooses a set.
const VARIABLE: &str = "WUKONG_CLUSTER";

/// A set of component versions that are tested together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// What CI runs: the versions on which the rules of this project were checked.
    Default,
    /// A newer Kubernetes with an older KubeVirt.
    Other,
}

impl Set {
    /// The set that `WUKONG_CLUSTER` names; without it, the default one.
    pub fn chosen() -> Result<Self> {
        match env::var(VARIABLE).as_deref() {
            Err(_) | Ok("" | "default") => Ok(Self::Default),
            Ok("other") => Ok(Self::Other),
            Ok(unknown) => bail!("{VARIABLE} is `{unknown}`; it can be `default` or `other`"),
        }
    }

    /// The module file of a component in this set. Components with one version have one file.
    pub(crate) fn module_file(self, component: &str) -> &'static str {
        match (self, component) {
            (Self::Other, "kubernetes" | "virt" | "local-path") => "other.mod",
            _ => "go.mod",
        }
    }

    /// The version of Kubernetes, such as `v1.34.4`.
    pub fn kubernetes(self) -> Result<String> {
        self.required("kubernetes", "k8s.io/kubernetes")
    }

    /// The version of KubeVirt, such as `v1.7.0`.
    pub fn kubevirt(self) -> Result<String> {
        self.required("virt", "kubevirt.io/kubevirt")
    }

    /// Whether its KubeVirt is at least a minor version: some of what this project does needs a newer one.
    pub fn kubevirt_since(self, minor: u32) -> Result<bool> {
        let version = self.kubevirt()?;
        let found = version.strip_prefix("v1.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
        Ok(found.with_context(|| format!("KubeVirt {version} is no v1"))? >= minor)
    }

    /// The version of CDI, such as `v1.61.1`.
    pub fn cdi(self) -> Result<String> {
        self.required("virt", "kubevirt.io/containerized-data-importer")
    }

    fn required(self, component: &str, module: &str) -> Result<String> {
        let path = folder(component).join(self.module_file(component));
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let mut lines = text.lines().map(|line| line.trim().trim_start_matches("require "));
        let version = lines.find_map(|line| line.strip_prefix(module)?.strip_prefix(' '));
        let version = version.and_then(|rest| rest.split_whitespace().next());
        version.map(str::to_owned).with_context(|| format!("{} does not require {module}", path.display()))
    }
}

/// The Go module of a component.
pub(crate) fn folder(component: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("go").join(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_the_module_files() {
        for set in [Set::Default, Set::Other] {
            for version in [set.kubernetes(), set.kubevirt(), set.cdi()] {
                assert!(version.unwrap().starts_with("v1."));
            }
        }
        assert_ne!(Set::Default.kubernetes().unwrap(), Set::Other.kubernetes().unwrap());
        assert_ne!(Set::Default.kubevirt().unwrap(), Set::Other.kubevirt().unwrap());
        assert!(Set::Default.kubevirt_since(7).unwrap() && !Set::Other.kubevirt_since(6).unwrap());
    }
}
