//! What a server serves: the fields of a kind, and the versions of a group. Versions of its software are not guessed at.

use std::collections::BTreeSet;

use http::Method;
use serde_json::Value;

use super::request::{Request, encode};
use super::{Asked, Door, Reason, Refused, Resource};

impl Door {
    /// The fields of the spec of a kind, as the server's OpenAPI document has them; none if it has none of the kind.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub async fn spec_fields(&self, kind: Resource) -> Result<BTreeSet<String>, Refused> {
        let path = format!("/openapi/v3/apis/{}", kind.api_version());
        let request = Request::new(Asked::path("get", &path), Method::GET, path);
        let document = match self.send(request).await {
            Ok(document) => document,
            // Without it nothing is taken for granted.
            Err(refused) if matches!(refused.reason, Reason::NotFound | Reason::NoSuchKind | Reason::Forbidden) => {
                Value::Null
            }
            Err(refused) => return Err(refused),
        };
        let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
        let is_kind = |schema: &&Value| {
            let kinds = schema["x-kubernetes-group-version-kind"].as_array();
            kinds.into_iter().flatten().any(|known| known["kind"] == kind.kind() && known["group"] == kind.group())
        };
        let found = schemas.into_iter().flat_map(serde_json::Map::values).find(is_kind);
        let fields = found.and_then(|schema| schema.pointer("/properties/spec/properties")).and_then(Value::as_object);
        Ok(fields.into_iter().flat_map(serde_json::Map::keys).cloned().collect())
    }

    /// The versions in which a group is served, the server's favourite first; none if it is not served.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub async fn versions(&self, group: &str) -> Result<Vec<String>, Refused> {
        let path = format!("/apis/{}", encode(group));
        let found = match self.send(Request::new(Asked::path("get", &path), Method::GET, path)).await {
            Ok(found) => found,
            Err(refused) if matches!(refused.reason, Reason::NotFound | Reason::NoSuchKind) => return Ok(Vec::new()),
            Err(refused) => return Err(refused),
        };
        let name = |version: &Value| version["version"].as_str().map(str::to_owned);
        let mut all: Vec<_> = name(&found["preferredVersion"]).into_iter().collect();
        for version in found["versions"].as_array().into_iter().flatten().filter_map(name) {
            if !all.contains(&version) {
                all.push(version);
            }
        }
        Ok(all)
    }
}
