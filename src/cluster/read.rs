//! Reading: lists in pages, single objects, and questions about the server itself.

use http::Method;
use serde_json::{Value, json};

use super::refused::Reason;
use super::request::{JSON, Request, encode};
use super::{Asked, Door, Refused, Resource};

/// Which objects of a list are wanted; all by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    /// A label selector such as `app=web,tier!=db`.
    pub labels: Option<String>,
    /// A field selector such as `metadata.name=web`.
    pub fields: Option<String>,
}

/// How many objects come in one answer. The same as kubectl's.
const PAGE: &str = "500";

const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

impl Door {
    /// All objects of a kind, in a namespace or in all, each with its `apiVersion` and `kind`.
    pub async fn list(
        &self,
        kind: Resource,
        namespace: Option<&str>,
        selector: &Selector,
    ) -> Result<Vec<Value>, Refused> {
        self.pages(kind, namespace, selector, JSON, |object| object).await
    }

    /// As [`Door::list`], but of each object only a part is kept.
    pub async fn list_parts(
        &self,
        kind: Resource,
        namespace: Option<&str>,
        selector: &Selector,
        part: fn(&Value) -> Value,
    ) -> Result<Vec<Value>, Refused> {
        self.pages(kind, namespace, selector, JSON, |object| part(&object)).await
    }

    /// What the guest agent of an instance says about its file systems; nothing if there is none.
    pub async fn file_systems(&self, namespace: &str, name: &str) -> Result<Option<Value>, Refused> {
        let path = format!(
            "/apis/subresources.kubevirt.io/v1/namespaces/{}/virtualmachineinstances/{}/filesystemlist",
            encode(namespace),
            encode(name)
        );
        match self.send(Request::new(Asked::path("get", &path), Method::GET, path)).await {
            Ok(Value::Null) => Ok(None),
            Ok(found) => Ok(Some(found)),
            Err(refused) if refused.reason == Reason::NotFound => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    /// As [`Door::list`], but of each object only its metadata travels.
    pub async fn list_metadata(
        &self,
        kind: Resource,
        namespace: Option<&str>,
        selector: &Selector,
    ) -> Result<Vec<Value>, Refused> {
        self.pages(kind, namespace, selector, METADATA, |object| object).await
    }

    async fn pages(
        &self,
        kind: Resource,
        namespace: Option<&str>,
        selector: &Selector,
        accept: &'static str,
        part: impl Fn(Value) -> Value,
    ) -> Result<Vec<Value>, Refused> {
        let mut items = Vec::new();
        let mut token: Option<String> = None;
        let mut restarted = false;
        loop {
            let asked = Asked::of("list", kind, namespace, None);
            let mut request = Request::new(asked.clone(), Method::GET, kind.path(namespace, None))
                .query("limit", PAGE)
                .maybe("labelSelector", selector.labels.as_deref())
                .maybe("fieldSelector", selector.fields.as_deref())
                .maybe("continue", token.as_deref());
            request.accept = accept;
            let mut page = match self.send(request).await {
                // The place to go on from is forgotten after some minutes.
                Err(refused) if refused.reason == Reason::Expired && token.is_some() && !restarted => {
                    restarted = true;
                    token = None;
                    items.clear();
                    continue;
                }
                answer => answer?,
            };
            // An absent list would read as "there is nothing", which is a lie about somebody's disks.
            let found = match page.get_mut("items").map_or(Value::Null, Value::take) {
                Value::Array(found) => found,
                Value::Null if page["kind"].as_str().is_some_and(|kind| kind.ends_with("List")) => Vec::new(),
                _ => return Err(Refused::new(Reason::Other, &asked, "the answer is not a list")),
            };
            items.extend(found.into_iter().map(|item| part(named(kind, item))));
            match page["metadata"]["continue"].as_str() {
                None | Some("") => return Ok(items),
                Some(next) => token = Some(next.to_owned()),
            }
        }
    }

    /// One object, or nothing if it does not exist. Without a namespace it is looked for in that of the context.
    pub async fn get(&self, kind: Resource, namespace: Option<&str>, name: &str) -> Result<Option<Value>, Refused> {
        let namespace = namespace.unwrap_or(self.namespace());
        let asked = Asked::of("get", kind, Some(namespace), Some(name));
        if name.is_empty() {
            // The address would be that of the whole list.
            return Err(Refused::new(Reason::Invalid, &asked, "a name is missing"));
        }
        match self.send(Request::new(asked, Method::GET, kind.path(Some(namespace), Some(name)))).await {
            Ok(object) => Ok(Some(object)),
            Err(refused) if refused.reason == Reason::NotFound => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    /// The version of Kubernetes, such as `(1, 34)`.
    pub async fn server_version(&self) -> Result<(u32, u32), Refused> {
        let asked = Asked::path("get", "/version");
        let version = self.send(Request::new(asked.clone(), Method::GET, "/version".to_owned())).await?;
        // Some vendors write `34+`.
        let number = |key: &str| {
            let digits: String = version[key].as_str()?.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        number("major")
            .zip(number("minor"))
            .ok_or_else(|| Refused::new(Reason::Other, &asked, "the answer names no version of Kubernetes"))
    }

    /// Whether the person who asks may do something, in a namespace or in all. `resource` may name a subresource:
    /// `virtualmachines/start`.
    pub async fn may(&self, verb: &str, group: &str, resource: &str, namespace: Option<&str>) -> Result<bool, Refused> {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": verb,
                "group": group,
                "resource": resource,
                "subresource": subresource,
                "namespace": namespace.unwrap_or_default(),
            }},
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let request = Request::new(Asked::path("create", path), Method::POST, path.to_owned()).body(JSON, &review);
        Ok(self.send(request).await?["status"]["allowed"] == true)
    }
}

/// Lists leave out what every object in them is.
fn named(kind: Resource, mut item: Value) -> Value {
    if let Value::Object(fields) = &mut item {
        fields.shift_insert(0, "apiVersion".to_owned(), kind.api_version().into());
        fields.shift_insert(1, "kind".to_owned(), kind.kind().into());
    }
    item
}
