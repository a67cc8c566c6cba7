//! What storage policies stand for in a cluster: a ConfigMap of the namespace, or a label on a StorageClass.

use serde_json::Value;

use super::{Door, Reason, Refused, Resource, Selector};
use crate::facts::text;
use crate::machine::{Options, PolicyClass};
use crate::spec::StoragePolicy;

/// The ConfigMap of a namespace: `fast: longhorn-ssd` or `fast: ceph:ReadWriteMany:Block`.
const CONFIG_MAP: &str = "wukong-storage-policies";
/// The label of a StorageClass.
const LABEL: &str = "vm.novasphere.dev/storage-policy";

/// A policy, its class, and the namespace where it holds; none for all.
pub type Policy = (Option<String>, StoragePolicy, PolicyClass);

/// Reads the policies of a cluster; `own` is the namespace that is asked if not all may be. What may not be read is left out: files then say that no class is known.
///
/// # Errors
/// The server cannot be reached, or a policy is not clear.
pub async fn policies(door: &Door, own: &str) -> Result<Result<Vec<Policy>, String>, Refused> {
    let mut policies = Vec::new();
    for found in config_maps(door, own).await? {
        let namespace = text(&found, "/metadata/namespace").unwrap_or_default();
        for (name, class) in found["data"].as_object().into_iter().flatten() {
            let class = class.as_str().unwrap_or_default();
            match Options::parse_policy(&format!("{name}={class}")) {
                Ok((policy, class)) => policies.push((Some(namespace.to_owned()), policy, class)),
                Err(reason) => return Ok(Err(format!("ConfigMap/{CONFIG_MAP} in {namespace}: `{name}`: {reason}"))),
            }
        }
    }
    let selector = Selector { labels: Some(LABEL.to_owned()), fields: None };
    let classes = match door.list(Resource::StorageClass, None, &selector).await {
        Ok(classes) => classes,
        Err(refused) if refused.reason == Reason::Forbidden => Vec::new(),
        Err(refused) => return Err(refused),
    };
    Ok(labelled(&classes).map(|labelled| {
        policies.extend(labelled);
        policies
    }))
}

/// The ConfigMaps of all namespaces, or that of one where only this may be read.
async fn config_maps(door: &Door, own: &str) -> Result<Vec<Value>, Refused> {
    let selector = Selector { labels: None, fields: Some(format!("metadata.name={CONFIG_MAP}")) };
    match door.list(Resource::ConfigMap, None, &selector).await {
        Err(refused) if refused.reason == Reason::Forbidden => {}
        all => return all,
    }
    match door.get(Resource::ConfigMap, Some(own), CONFIG_MAP).await {
        Ok(found) => Ok(found.into_iter().collect()),
        Err(refused) if refused.reason == Reason::Forbidden => Ok(Vec::new()),
        Err(refused) => Err(refused),
    }
}

/// The policies of labelled classes. Two classes for one policy are an error: which one is meant is not known.
fn labelled(classes: &[Value]) -> Result<Vec<Policy>, String> {
    let mut policies: Vec<Policy> = Vec::new();
    for class in classes {
        let name = text(class, "/metadata/name").unwrap_or_default();
        let policy = class.pointer("/metadata/labels").and_then(|labels| labels[LABEL].as_str()).unwrap_or_default();
        let (policy, class) = Options::parse_policy(&format!("{policy}={name}"))
            .map_err(|reason| format!("StorageClass/{name}: label {LABEL}: {reason}"))?;
        if let Some((_, _, first)) = policies.iter().find(|(_, known, _)| *known == policy) {
            return Err(format!(
                "the StorageClasses {} and {name} both have the label {LABEL}={}; take it from one of them",
                first.class,
                policy.as_str()
            ));
        }
        policies.push((None, policy, class));
    }
    Ok(policies)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_has_one_class() {
        let class = |name: &str| json!({"metadata": {"name": name, "labels": {LABEL: "fast"}}});
        assert_eq!(labelled(&[class("a")]).unwrap()[0].2.class, "a");
        assert!(labelled(&[class("a"), class("b")]).unwrap_err().contains("a and b"));
    }
}
