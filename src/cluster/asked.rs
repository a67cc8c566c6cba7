//! What was asked of the server, in the words of its permissions, so that a person can repeat the question.

use std::fmt;

use super::Resource;

/// One question to the server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// The verb of the permission: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`.
    pub verb: &'static str,
    /// The resource with its group, such as `virtualmachines.kubevirt.io`, or a path such as `/version`.
    pub resource: String,
    /// The subresource, such as `start`.
    pub subresource: Option<String>,
    /// The namespace; nothing for objects of the cluster, and for all namespaces.
    pub namespace: Option<String>,
    /// The name of the object; nothing for a list.
    pub name: Option<String>,
}

impl Asked {
    /// A question about objects of a kind.
    pub(super) fn of(verb: &'static str, kind: Resource, namespace: Option<&str>, name: Option<&str>) -> Self {
        Self {
            verb,
            resource: kind.full_name(),
            subresource: None,
            namespace: namespace.filter(|_| kind.namespaced()).map(str::to_owned),
            name: name.map(str::to_owned),
        }
    }

    /// A question about an address that belongs to no kind, or to a subresource of one.
    pub(super) fn path(verb: &'static str, path: &str) -> Self {
        let parts: Vec<_> = path.trim_matches('/').split('/').collect();
        if let ["apis", group, _, "namespaces", namespace, plural, name, subresource] = parts[..] {
            return Self {
                verb,
                resource: format!("{plural}.{group}"),
                subresource: Some(subresource.to_owned()),
                namespace: Some(namespace.to_owned()),
                name: Some(name.to_owned()),
            };
        }
        if let ["api", _, "namespaces", namespace, plural, name, subresource, ..] = parts[..] {
            return Self {
                verb,
                resource: plural.to_owned(),
                subresource: Some(subresource.to_owned()),
                namespace: Some(namespace.to_owned()),
                name: Some(name.to_owned()),
            };
        }
        Self { verb, resource: format!("/{}", path.trim_matches('/')), ..Self::default() }
    }

    /// The command that asks whether it is allowed.
    pub(super) fn can_i(&self) -> String {
        let mut command = format!("kubectl auth can-i {} {}", self.verb, self.resource);
        if let Some(subresource) = &self.subresource {
            command.push_str(&format!(" --subresource={subresource}"));
        }
        match &self.namespace {
            Some(namespace) => command.push_str(&format!(" -n {namespace}")),
            None if self.verb == "list" || self.verb == "watch" => command.push_str(" -A"),
            None => {}
        }
        command
    }
}

impl fmt::Display for Asked {
    /// ``patch virtualmachines.kubevirt.io `prod/web` ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if let Some(subresource) = &self.subresource {
            write!(f, "/{subresource}")?;
        }
        match (&self.namespace, &self.name) {
            (Some(namespace), Some(name)) => write!(f, " `{namespace}/{name}`"),
            (None, Some(name)) => write!(f, " `{name}`"),
            (Some(namespace), None) => write!(f, " in `{namespace}`"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_read_well_and_can_be_repeated() {
        let list = Asked::of("list", Resource::PersistentVolume, Some("prod"), None);
        assert_eq!(list.to_string(), "list persistentvolumes");
        assert_eq!(list.can_i(), "kubectl auth can-i list persistentvolumes -A");
        let patch = Asked::of("patch", Resource::VirtualMachine, Some("prod"), Some("web"));
        assert_eq!(patch.to_string(), "patch virtualmachines.kubevirt.io `prod/web`");
        let start = Asked::path("update", "apis/subresources.kubevirt.io/v1/namespaces/prod/virtualmachines/web/start");
        assert_eq!(start.to_string(), "update virtualmachines.subresources.kubevirt.io/start `prod/web`");
        let can_i = "kubectl auth can-i update virtualmachines.subresources.kubevirt.io --subresource=start -n prod";
        assert_eq!(start.can_i(), can_i);
        let through =
            Asked::path("get", "/api/v1/namespaces/monitoring/services/http:prometheus:9090/proxy/api/v1/query_range");
        assert_eq!(through.to_string(), "get services/proxy `monitoring/http:prometheus:9090`");
        assert_eq!(through.can_i(), "kubectl auth can-i get services --subresource=proxy -n monitoring");
        assert_eq!(Asked::path("get", "/version").to_string(), "get /version");
    }
}
