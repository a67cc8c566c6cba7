//! Watching: what changes from a version on, one JSON object a line.

use std::fmt;
use std::time::Duration;

use http::Method;
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value;
use tokio::time::timeout;

use super::refused::Reason;
use super::request::Request;
use super::{Asked, Door, Refused, Resource, Selector};

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new, or new to the selector.
    Added,
    /// It is different.
    Modified,
    /// It is gone, or no longer selected; the object is its last state.
    Deleted,
    /// Nothing: the object holds only the version from which to go on.
    Bookmark,
}

/// One event of a watch.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What happened.
    pub change: Change,
    /// The object after it.
    pub object: Value,
}

/// A running watch.
pub struct Watch {
    door: Door,
    asked: Asked,
    body: Option<Body>,
    buffer: Vec<u8>,
    /// How much of the buffer is known to hold no line break.
    searched: usize,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("asked", &self.asked).finish_non_exhaustive()
    }
}

/// How long the server keeps a watch open, in seconds: less than most proxies do.
const OPEN: u64 = 290;

impl Door {
    /// Watches a kind from a version on. A watch ends from time to time; the caller then goes on from the last version
    /// that it saw, and lists again after [`Reason::Expired`].
    pub async fn watch(
        &self,
        kind: Resource,
        namespace: Option<&str>,
        selector: &Selector,
        resource_version: &str,
    ) -> Result<Watch, Refused> {
        let asked = Asked::of("watch", kind, namespace, None);
        let request = Request::new(asked.clone(), Method::GET, kind.path(namespace, None))
            .query("watch", "true")
            .query("allowWatchBookmarks", "true")
            .query("resourceVersion", resource_version)
            .query("timeoutSeconds", &OPEN.to_string())
            .maybe("labelSelector", selector.labels.as_deref())
            .maybe("fieldSelector", selector.fields.as_deref());
        let body = self.stream(request).await?;
        Ok(Watch { door: self.clone(), asked, body: Some(body), buffer: Vec::new(), searched: 0 })
    }
}

impl Watch {
    /// The next event, or nothing at the end, which a cut connection is too. Safe to cancel.
    pub async fn next(&mut self) -> Option<Result<Event, Refused>> {
        loop {
            if let Some(line) = self.line() {
                if line.trim_ascii().is_empty() {
                    continue;
                }
                let event = self.event(&line);
                if event.is_err() {
                    self.body = None;
                    self.buffer.clear();
                }
                return Some(event);
            }
            // The server ends a watch in time. If it does not, it or the way to it has gone.
            let frame = timeout(Duration::from_secs(OPEN + 30), self.body.as_mut()?.frame()).await;
            let Ok(Some(Ok(frame))) = frame else {
                self.body = None;
                return None;
            };
            if let Ok(data) = frame.into_data() {
                if self.buffer.len() + data.len() > self.door.answer_limit() {
                    self.body = None;
                    return Some(Err(Refused::new(Reason::Other, &self.asked, "an event is too large")));
                }
                self.buffer.extend_from_slice(&data);
            }
        }
    }

    /// Takes a whole line out of the buffer.
    fn line(&mut self) -> Option<Vec<u8>> {
        let Some(at) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            return None;
        };
        let rest = self.buffer.split_off(self.searched + at + 1);
        self.searched = 0;
        Some(std::mem::replace(&mut self.buffer, rest))
    }

    fn event(&self, line: &[u8]) -> Result<Event, Refused> {
        let Ok(mut event) = serde_json::from_slice::<Value>(line) else {
            return Err(Refused::new(Reason::Other, &self.asked, "an event is not JSON"));
        };
        let object = event.get_mut("object").map_or(Value::Null, Value::take);
        let change = match event["type"].as_str() {
            Some("ADDED") => Change::Added,
            Some("MODIFIED") => Change::Modified,
            Some("DELETED") => Change::Deleted,
            Some("BOOKMARK") => Change::Bookmark,
            _ => {
                let code = object["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(500);
                return Err(Refused::of_status(&self.asked, code, &object));
            }
        };
        Ok(Event { change, object })
    }
}
