//! What a Wukong applied to a claim, for the claim that takes its place: the next plan then finds its own fields there.

use serde_json::{Value, json};

use super::owned::{at, owners};
use crate::facts::Record;

/// The fields that a Wukong applied to `old`, as an object to apply to `new`. Labels and annotations are the old ones, what
/// says how the claim is made is the new one's: none of it changes. Nothing if it applied nothing.
pub fn carried(old: &Value, new: &Value, wukong: &str) -> Option<Value> {
    let manager = Record::manager(wukong);
    let own = owners(old).into_iter().filter(|owner| owner.applies && owner.manager == manager);
    let mut body = json!({
        "apiVersion": new["apiVersion"], "kind": new["kind"],
        "metadata": {"name": new["metadata"]["name"], "namespace": new["metadata"]["namespace"]},
    });
    let mut any = false;
    for path in own.flat_map(|owner| owner.paths) {
        let from = match path.first().map(String::as_str) {
            Some("metadata") => old,
            Some("spec") => new,
            _ => continue,
        };
        let Some(value) = at(from, &path).filter(|value| !value.is_null()) else { continue };
        let mut place = &mut body;
        for key in &path {
            place = &mut place[key.as_str()];
        }
        *place = value.clone();
        any = true;
    }
    any.then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_fields_are_carried_over() {
        let old = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": "web-data", "namespace": "n", "labels": {"a": "1", "theirs": "2"},
                "managedFields": [
                    {"manager": "kubectl-wukong/web", "operation": "Apply", "fieldsV1": {
                        "f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:resources": {"f:requests": {"f:storage": {}}}},
                    }},
                    {"manager": "other", "operation": "Update", "fieldsV1": {"f:metadata": {"f:labels": {"f:theirs": {}}}}},
                ],
            },
            "spec": {"resources": {"requests": {"storage": "5Gi"}}},
        });
        let mut new = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "web-data-r1", "namespace": "n"},
            "spec": {"resources": {"requests": {"storage": "6Gi"}}}});
        let body = carried(&old, &new, "web").unwrap();
        assert_eq!(body["metadata"], json!({"name": "web-data-r1", "namespace": "n", "labels": {"a": "1"}}));
        assert_eq!(body["spec"]["resources"]["requests"]["storage"], "6Gi");
        new["spec"] = json!({});
        assert_eq!(carried(&old, &new, "other"), None);
    }
}
