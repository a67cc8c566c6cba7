//! Users who may do exactly what a test says.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::objects::{Objects, Reference};

/// What a user may do: verbs on resources of one group.
#[derive(Clone, Debug)]
pub struct Right {
    verbs: Vec<String>,
    group: String,
    resources: Vec<String>,
}

impl Right {
    /// Lists separated by commas; the core group is empty. `Right::to("get,list", "kubevirt.io", "virtualmachines")`.
    pub fn to(verbs: &str, group: &str, resources: &str) -> Self {
        let list = |text: &str| text.split(',').map(str::to_owned).collect();
        Self { verbs: list(verbs), group: group.to_owned(), resources: list(resources) }
    }

    fn rule(&self) -> Value {
        json!({"apiGroups": [self.group], "resources": self.resources, "verbs": self.verbs})
    }
}

/// Makes a service account with rights in its namespace and in the whole cluster; gives its token.
pub(crate) async fn create(
    objects: &Objects,
    namespace: &str,
    name: &str,
    own: &[Right],
    cluster: &[Right],
) -> Result<String> {
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": namespace, "name": name},
    });
    objects.apply(&account).await?;
    let subjects = subjects(namespace, name);
    for (kind, scope, rights) in [("Role", namespace, own), ("ClusterRole", "", cluster)] {
        // Names of namespaces and accounts hold no colon, so two users cannot share a role.
        let full = format!("{namespace}:{name}");
        let mut metadata = json!({"name": full});
        if !scope.is_empty() {
            metadata["namespace"] = json!(scope);
        }
        let rules: Value = rights.iter().map(Right::rule).collect();
        let api = "rbac.authorization.k8s.io/v1";
        let role = json!({"apiVersion": api, "kind": kind, "metadata": metadata, "rules": rules});
        objects.apply(&role).await?;
        let binding = json!({
            "apiVersion": api, "kind": format!("{kind}Binding"), "metadata": metadata, "subjects": subjects,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": full},
        });
        objects.apply(&binding).await?;
    }
    token(objects, namespace, name).await
}

fn subjects(namespace: &str, name: &str) -> Value {
    json!([{"kind": "ServiceAccount", "namespace": namespace, "name": name}])
}

/// Makes a service account and binds it to ClusterRoles, each in a namespace, or in all where that is empty; gives its
/// token.
pub(crate) async fn bind(objects: &Objects, namespace: &str, name: &str, roles: &[(&str, &str)]) -> Result<String> {
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": namespace, "name": name},
    });
    objects.apply(&account).await?;
    for (role, scope) in roles {
        let mut metadata = json!({"name": format!("{namespace}:{name}:{role}")});
        if !scope.is_empty() {
            metadata["namespace"] = json!(scope);
        }
        let kind = if scope.is_empty() { "ClusterRoleBinding" } else { "RoleBinding" };
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata,
            "subjects": subjects(namespace, name),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        });
        objects.apply(&binding).await?;
    }
    token(objects, namespace, name).await
}

/// The rights of a ClusterRole that is there.
pub(crate) async fn rights_of(objects: &Objects, role: &str) -> Result<Vec<Right>> {
    let reference = Reference::new("rbac.authorization.k8s.io/v1", "ClusterRole", "", role);
    let found = objects.get(&reference).await?.with_context(|| format!("there is no {reference}"))?;
    let texts = |rule: &Value, key: &str| -> Vec<String> {
        let all = rule[key].as_array().into_iter().flatten();
        all.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut rights = Vec::new();
    // What is allowed by name is not asked for: the whole role is known at once.
    for rule in found["rules"].as_array().into_iter().flatten().filter(|rule| rule["resourceNames"].is_null()) {
        for group in texts(rule, "apiGroups") {
            let (verbs, resources) = (texts(rule, "verbs"), texts(rule, "resources"));
            rights.push(Right { verbs, group, resources });
        }
    }
    Ok(rights)
}

async fn token(objects: &Objects, namespace: &str, name: &str) -> Result<String> {
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
    let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let request =
        hyper::Request::post(path).header("content-type", "application/json").body(body.to_string().into())?;
    let answer: Value = objects
        .client
        .request(request)
        .await
        .with_context(|| format!("no token for {}", Reference::new("v1", "ServiceAccount", namespace, name)))?;
    answer["status"]["token"].as_str().map(str::to_owned).context("no token")
}

/// Waits until the API server knows all of it: it learns of roles a moment after they are made.
pub(crate) async fn until_allowed(user: &Objects, namespace: &str, own: &[Right], cluster: &[Right]) -> Result<()> {
    let scoped = own.iter().map(|right| (namespace, right)).chain(cluster.iter().map(|right| ("", right)));
    for (scope, right) in scoped {
        let attributes = json!({
            "namespace": scope, "verb": right.verbs[0], "group": right.group, "resource": right.resources[0],
        });
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        });
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
            let request = hyper::Request::post(path).header("content-type", "application/json");
            let answer: Value = user.client.request(request.body(review.to_string().into())?).await?;
            if answer["status"]["allowed"] == true {
                break;
            }
            if Instant::now() > deadline {
                bail!("the API server does not know of the right to {attributes}: {}", answer["status"]);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}
