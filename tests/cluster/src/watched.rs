//! What the simulation looks at: all objects of a kind, kept up to date by a watch instead of asked for again and again.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use futures_util::TryStreamExt as _;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::Request;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::objects::Objects;

/// Objects by namespace and name; none before the first list.
type All = Option<BTreeMap<(String, String), Arc<Value>>>;

/// A connection that remembers the kinds it has been asked for. Dropping it ends its watches.
pub(crate) struct Watched {
    objects: Objects,
    kinds: Mutex<HashMap<(&'static str, &'static str), Kind>>,
}

struct Kind {
    all: watch::Receiver<All>,
    task: JoinHandle<()>,
}

impl Watched {
    pub(crate) fn new(objects: Objects) -> Arc<Self> {
        Arc::new(Self { objects, kinds: Mutex::default() })
    }

    /// All objects of a kind, as they were a moment ago.
    pub(crate) async fn all(&self, api_version: &'static str, kind: &'static str) -> Result<Vec<Arc<Value>>> {
        let mut all = {
            let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
            let known = kinds.entry((api_version, kind)).or_insert_with(|| {
                let (sender, all) = watch::channel(None);
                Kind { all, task: tokio::spawn(keep(self.objects.clone(), api_version, kind, sender)) }
            });
            known.all.clone()
        };
        let all = all.wait_for(Option::is_some).await?;
        Ok(all.iter().flat_map(BTreeMap::values).cloned().collect())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        for kind in self.kinds.lock().unwrap_or_else(PoisonError::into_inner).values() {
            kind.task.abort();
        }
    }
}

/// Follows a kind for ever: a watch that ends for any reason begins with a new list.
async fn keep(objects: Objects, api_version: &str, kind: &str, all: watch::Sender<All>) {
    loop {
        // The reason does not matter: a server that has gone away or a version that is too old.
        let _ = follow(&objects, api_version, kind, &all).await;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn follow(objects: &Objects, api_version: &str, kind: &str, all: &watch::Sender<All>) -> Result<()> {
    let path = objects.path(api_version, kind).await?;
    let request = Request::new(&path).list(&ListParams::default())?;
    let mut list: Value = objects.client.request(request).await?;
    let version = list["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
    let items = list["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
    let whole = |mut object: Value| {
        // A list names its kind once; every object is to be complete.
        object["apiVersion"] = api_version.into();
        object["kind"] = kind.into();
        (key(&object), Arc::new(object))
    };
    all.send_replace(Some(items.into_iter().map(whole).collect()));
    let request = Request::new(&path).watch(&WatchParams::default(), &version)?;
    let mut events = pin!(objects.client.request_events::<Value>(request).await?);
    while let Some(event) = events.try_next().await? {
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                all.send_modify(|all| _ = all.get_or_insert_default().insert(key(&object), Arc::new(object)));
            }
            WatchEvent::Deleted(object) => {
                all.send_modify(|all| _ = all.get_or_insert_default().remove(&key(&object)));
            }
            WatchEvent::Bookmark(_) => {}
            WatchEvent::Error(status) => anyhow::bail!("{status:?}"),
        }
    }
    Ok(())
}

fn key(object: &Value) -> (String, String) {
    let part = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
    (part("namespace"), part("name"))
}
