//! A request as a value: it can be sent again, and says whether that is safe.

use serde_json::Value;

use super::Asked;

/// One request to the server.
#[derive(Clone)]
pub(super) struct Request {
    pub asked: Asked,
    pub method: http::Method,
    /// The path and the query, both encoded.
    pub address: String,
    pub accept: &'static str,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    /// Whether sending it twice has the effect of sending it once. If not, it is sent again only when the server
    /// certainly did nothing.
    pub repeatable: bool,
}

/// What the server shall answer with.
pub(super) const JSON: &str = "application/json";

impl Request {
    /// A request without a body.
    pub(super) fn new(asked: Asked, method: http::Method, path: String) -> Self {
        Self { asked, method, address: path, accept: JSON, content_type: JSON, body: Vec::new(), repeatable: true }
    }

    /// Adds a parameter.
    pub(super) fn query(mut self, key: &str, value: &str) -> Self {
        self.address.push(if self.address.contains('?') { '&' } else { '?' });
        self.address.push_str(&format!("{key}={}", encode(value)));
        self
    }

    /// Adds a parameter if there is a value.
    pub(super) fn maybe(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.query(key, value),
            None => self,
        }
    }

    /// Adds a body.
    pub(super) fn body(mut self, content_type: &'static str, body: &Value) -> Self {
        self.content_type = content_type;
        self.body = body.to_string().into_bytes();
        self
    }

    /// Marks a request whose second sending may do something else than the first.
    pub(super) const fn once(mut self) -> Self {
        self.repeatable = false;
        self
    }
}

/// A text as one piece of a path or a query.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    // A piece that is only dots would be taken for a way up.
    if !out.is_empty() && out.bytes().all(|byte| byte == b'.') { out.replace('.', "%2E") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_encoded() {
        let request = Request::new(Asked::default(), http::Method::GET, "/api/v1/pods".to_owned());
        let request = request.query("labelSelector", "a in (b,c)").maybe("continue", Some("x/=+")).maybe("y", None);
        assert_eq!(request.address, "/api/v1/pods?labelSelector=a%20in%20%28b%2Cc%29&continue=x%2F%3D%2B");
        assert_eq!(encode("生"), "%E7%94%9F");
        assert_eq!(encode(".."), "%2E%2E");
    }
}
