//! Writing. Every request here may be sent twice without harm, unless it says that it is sent once.

use http::Method;
use serde_json::{Value, json};

use super::refused::Reason;
use super::request::{JSON, Request};
use super::{Asked, Door, Refused, Resource};

/// How an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Write<'a> {
    /// Who writes: the field manager.
    pub manager: &'a str,
    /// Whether fields of other managers are taken over; only server-side apply asks.
    pub force: bool,
    /// Whether the server only pretends.
    pub dry_run: bool,
}

/// How an object is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delete<'a> {
    /// Only the object of this uid, so that a successor of the same name is safe.
    pub uid: Option<&'a str>,
    /// Only the object as it was seen.
    pub resource_version: Option<&'a str>,
    /// Whether what it owns stays.
    pub orphan: bool,
    /// Whether the server only pretends.
    pub dry_run: bool,
}

impl Door {
    /// Server-side apply; gives the stored object.
    pub async fn apply(&self, object: &Value, write: &Write<'_>) -> Result<Value, Refused> {
        let (kind, namespace, name) = self.place("patch", object)?;
        let request = self.patch(kind, Some(&namespace), &name, "application/apply-patch+yaml", object, write)?;
        self.send(if write.force { request.query("force", "true") } else { request }).await
    }

    /// Merges a JSON merge patch; gives the stored object. A `metadata.resourceVersion` in it is a condition.
    pub async fn merge(
        &self,
        kind: Resource,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
        write: &Write<'_>,
    ) -> Result<Value, Refused> {
        self.send(self.patch(kind, namespace, name, "application/merge-patch+json", patch, write)?).await
    }

    /// Applies a JSON patch whose tests fail once it was done, or that does no harm a second time; gives the stored
    /// object. A repetition after a cut may find its own work and answer that the patch is invalid.
    pub(super) async fn json_patch(
        &self,
        kind: Resource,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
        write: &Write<'_>,
    ) -> Result<Value, Refused> {
        self.send(self.patch(kind, namespace, name, "application/json-patch+json", patch, write)?).await
    }

    /// Creates an object; gives the stored one.
    ///
    /// Sent once if it has only a `generateName`. With a name, a repetition after a cut may find its own work and answer
    /// that the object exists.
    pub async fn create(&self, object: &Value, write: &Write<'_>) -> Result<Value, Refused> {
        let (kind, namespace) = self.kind("create", object)?;
        let name = object["metadata"]["name"].as_str();
        let asked = Asked::of("create", kind, Some(&namespace), name);
        let request = Request::new(asked, Method::POST, kind.path(Some(&namespace), None));
        let request = written(request, write).body(JSON, object);
        self.send(if name.is_some() { request } else { request.once() }).await
    }

    /// Replaces an object; gives the stored one. With a `metadata.resourceVersion` a repetition after a cut may find
    /// its own work and answer with a conflict.
    pub async fn replace(&self, object: &Value, write: &Write<'_>) -> Result<Value, Refused> {
        let (kind, namespace, name) = self.place("update", object)?;
        let asked = Asked::of("update", kind, Some(&namespace), Some(&name));
        let request = Request::new(asked, Method::PUT, kind.path(Some(&namespace), Some(&name)));
        self.send(written(request, write).body(JSON, object)).await
    }

    /// Deletes an object; `false` if there is none, or none any more.
    pub async fn delete(
        &self,
        kind: Resource,
        namespace: Option<&str>,
        name: &str,
        delete: &Delete<'_>,
    ) -> Result<bool, Refused> {
        let namespace = namespace.unwrap_or(self.namespace());
        let asked = Asked::of("delete", kind, Some(namespace), Some(name));
        // Without a name the address would be that of the whole list, and everything in it would go.
        some_name(&asked, name)?;
        let mut options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": if delete.orphan { "Orphan" } else { "Background" },
        });
        if let Some(uid) = delete.uid {
            options["preconditions"]["uid"] = uid.into();
        }
        if let Some(version) = delete.resource_version {
            options["preconditions"]["resourceVersion"] = version.into();
        }
        if delete.dry_run {
            options["dryRun"] = json!(["All"]);
        }
        let request = Request::new(asked, Method::DELETE, kind.path(Some(namespace), Some(name)));
        let request = request.body(JSON, &options);
        // Without a uid, a second try could meet a successor of the same name.
        match self.send(if delete.uid.is_some() { request } else { request.once() }).await {
            Ok(_) => Ok(true),
            Err(refused) if refused.reason == Reason::NotFound => Ok(false),
            Err(refused) => Err(refused),
        }
    }

    /// Calls a subresource such as `apis/subresources.kubevirt.io/v1/namespaces/NS/virtualmachines/NAME/start`; gives
    /// the answer, `null` if that is empty.
    ///
    /// Sent once: the second of two restarts would be one too many.
    pub async fn put_subresource(&self, path: &str, body: &Value) -> Result<Value, Refused> {
        let path = format!("/{}", path.trim_start_matches('/'));
        let mut request = Request::new(Asked::path("update", &path), Method::PUT, path);
        // KubeVirt answers these with nothing, and refuses who asks for JSON.
        request.accept = "*/*";
        self.send(request.body(JSON, body).once()).await
    }

    fn patch(
        &self,
        kind: Resource,
        namespace: Option<&str>,
        name: &str,
        content_type: &'static str,
        patch: &Value,
        write: &Write<'_>,
    ) -> Result<Request, Refused> {
        let namespace = namespace.unwrap_or(self.namespace());
        let asked = Asked::of("patch", kind, Some(namespace), Some(name));
        some_name(&asked, name)?;
        let request = Request::new(asked, Method::PATCH, kind.path(Some(namespace), Some(name)));
        Ok(written(request, write).body(content_type, patch))
    }

    /// The kind and the namespace of an object.
    fn kind(&self, verb: &'static str, object: &Value) -> Result<(Resource, String), Refused> {
        let kind = Resource::of(object).ok_or_else(|| {
            let told = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
            let asked = Asked { verb, resource: told("kind"), ..Asked::default() };
            let message = format!("`{} {}` is no kind that is written here", told("apiVersion"), told("kind"));
            Refused::new(Reason::Invalid, &asked, &message)
        })?;
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or(self.namespace());
        Ok((kind, namespace.to_owned()))
    }

    /// The kind, the namespace and the name of an object.
    fn place(&self, verb: &'static str, object: &Value) -> Result<(Resource, String, String), Refused> {
        let (kind, namespace) = self.kind(verb, object)?;
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        some_name(&Asked::of(verb, kind, Some(&namespace), None), name)?;
        Ok((kind, namespace, name.to_owned()))
    }
}

fn some_name(asked: &Asked, name: &str) -> Result<(), Refused> {
    if name.is_empty() { Err(Refused::new(Reason::Invalid, asked, "a name is missing")) } else { Ok(()) }
}

/// Where an annotation stands, as a JSON pointer.
pub(super) fn annotation(key: &str) -> String {
    format!("/metadata/annotations/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Unknown fields are refused instead of dropped in silence.
pub(super) fn written(request: Request, write: &Write<'_>) -> Request {
    let request = request.query("fieldManager", write.manager).query("fieldValidation", "Strict");
    if write.dry_run { request.query("dryRun", "All") } else { request }
}
