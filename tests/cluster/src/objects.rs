//! Any kind of object, as JSON: apply, get, list, patch, delete, wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::discovery::{ApiResource, Scope, pinned_kind};
use kube::{Client, Error};
use serde_json::{Value, json};

/// A connection that knows the kinds it has met.
#[derive(Clone)]
pub struct Objects {
    /// The client below, for what is not covered here.
    pub client: Client,
    kinds: Arc<Mutex<HashMap<GroupVersionKind, (ApiResource, Scope)>>>,
}

/// What names one object.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Such as `kubevirt.io/v1`.
    pub api_version: String,
    /// Such as `VirtualMachine`.
    pub kind: String,
    /// Empty for what has none.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl Reference {
    /// A reference from its four parts.
    pub fn new(api_version: &str, kind: &str, namespace: &str, name: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The reference of an object that is at hand.
    pub fn of(object: &Value) -> Self {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        Self::new(text("/apiVersion"), text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

impl Objects {
    /// Uses this client.
    pub fn new(client: Client) -> Self {
        Self { client, kinds: Arc::default() }
    }

    async fn api(&self, reference: &Reference) -> kube::Result<Api<DynamicObject>> {
        let (group, version) = reference.api_version.split_once('/').unwrap_or(("", &reference.api_version));
        let kind = GroupVersionKind::gvk(group, version, &reference.kind);
        let known = self.kinds.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&kind).cloned();
        let (resource, scope) = match known {
            Some(known) => known,
            None => {
                let (resource, capabilities) = pinned_kind(&self.client, &kind).await?;
                let found = (resource, capabilities.scope);
                self.kinds.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(kind, found.clone());
                found
            }
        };
        Ok(match scope {
            Scope::Cluster => Api::all_with(self.client.clone(), &resource),
            Scope::Namespaced if reference.namespace.is_empty() => Api::all_with(self.client.clone(), &resource),
            Scope::Namespaced => Api::namespaced_with(self.client.clone(), &reference.namespace, &resource),
        })
    }

    /// The path of a kind below the API server's root, in all namespaces.
    pub(crate) async fn path(&self, api_version: &str, kind: &str) -> kube::Result<String> {
        Ok(self.api(&Reference::new(api_version, kind, "", "")).await?.resource_url().to_owned())
    }

    /// Server-side apply, forced, as kubectl does it with `--server-side --force-conflicts`.
    pub async fn apply(&self, object: &Value) -> kube::Result<Value> {
        self.apply_as(object, &PatchParams::apply("wukong-tests").force()).await
    }

    /// Server-side apply as a dry run: the whole admission, nothing kept.
    pub async fn try_out(&self, object: &Value) -> kube::Result<Value> {
        self.apply_as(object, &PatchParams::apply("wukong-tests").force().dry_run()).await
    }

    async fn apply_as(&self, object: &Value, params: &PatchParams) -> kube::Result<Value> {
        let reference = Reference::of(object);
        let api = self.api(&reference).await?;
        value(&api.patch(&reference.name, params, &Patch::Apply(object)).await?)
    }

    /// The object, if it exists.
    pub async fn get(&self, reference: &Reference) -> kube::Result<Option<Value>> {
        match self.api(reference).await?.get_opt(&reference.name).await? {
            Some(object) => value(&object).map(Some),
            None => Ok(None),
        }
    }

    /// All objects of a kind, in one namespace or (with an empty one) in all.
    pub async fn list(&self, api_version: &str, kind: &str, namespace: &str, labels: &str) -> kube::Result<Vec<Value>> {
        let reference = Reference::new(api_version, kind, namespace, "");
        let found = self.api(&reference).await?.list(&ListParams::default().labels(labels)).await?;
        let types = json!({"apiVersion": api_version, "kind": kind});
        let whole = |object: &DynamicObject| {
            let mut object = value(object)?;
            // A list names its kind once; every object is to be complete.
            for (key, value) in types.as_object().into_iter().flatten() {
                object[key] = value.clone();
            }
            Ok(object)
        };
        found.items.iter().map(whole).collect()
    }

    /// Puts a whole object in the place of the one that was read; refused if that has changed meanwhile.
    pub async fn replace(&self, object: &Value) -> kube::Result<Value> {
        let reference = Reference::of(object);
        let object = serde_json::from_value(object.clone()).map_err(Error::SerdeError)?;
        value(&self.api(&reference).await?.replace(&reference.name, &PostParams::default(), &object).await?)
    }

    /// A JSON merge patch; `part` is empty for the object itself, or `status`.
    pub async fn merge(&self, reference: &Reference, part: &str, change: &Value) -> kube::Result<Value> {
        let (api, params, patch) = (self.api(reference).await?, PatchParams::default(), Patch::Merge(change));
        let patched = match part {
            "" => api.patch(&reference.name, &params, &patch).await?,
            part => api.patch_subresource(part, &reference.name, &params, &patch).await?,
        };
        value(&patched)
    }

    /// A PUT to a path below the API server's root, such as a subresource of KubeVirt.
    pub async fn put(&self, path: &str, body: &Value) -> Result<String> {
        let request = hyper::Request::put(path).body(serde_json::to_vec(body)?)?;
        self.client.request_text(request).await.with_context(|| format!("PUT {path}"))
    }

    /// Deletes; an object that is not there is no error.
    pub async fn delete(&self, reference: &Reference) -> kube::Result<()> {
        match self.api(reference).await?.delete(&reference.name, &DeleteParams::default()).await {
            Ok(_) => Ok(()),
            Err(Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes an object away at once, whatever still holds it, as a kubelet does with a pod that has ended.
    pub(crate) async fn delete_now(&self, reference: &Reference) -> kube::Result<()> {
        let held = self.get(reference).await?.is_some_and(|object| object["metadata"]["finalizers"].is_array());
        if held {
            self.merge(reference, "", &json!({"metadata": {"finalizers": null}})).await?;
        }
        let at_once = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        self.api(reference).await?.delete(&reference.name, &at_once).await.map(|_| ())
    }

    /// Waits until the object (or its absence) is as wanted; the error shows how it was at the end.
    pub async fn wait(
        &self,
        reference: &Reference,
        limit: Duration,
        wanted: impl Fn(Option<&Value>) -> bool,
    ) -> Result<Option<Value>> {
        let deadline = Instant::now() + limit;
        loop {
            // A server that is busy for a moment is asked again.
            let seen = self.get(reference).await;
            match seen {
                Ok(object) if wanted(object.as_ref()) => return Ok(object),
                Err(error) if Instant::now() > deadline => {
                    return Err(error).with_context(|| reference.to_string());
                }
                Ok(object) if Instant::now() > deadline => {
                    let status = object.as_ref().map(|object| &object["status"]);
                    bail!("{reference} is not as wanted after {} s: {status:#?}", limit.as_secs());
                }
                _ => {}
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn value(object: &DynamicObject) -> kube::Result<Value> {
    serde_json::to_value(object).map_err(Error::SerdeError)
}

/// The documents of a YAML text.
pub fn documents(text: &str) -> Result<Vec<Value>> {
    Ok(serde_yaml::from_multiple::<Value>(text)?.into_iter().filter(|document| !document.is_null()).collect())
}
