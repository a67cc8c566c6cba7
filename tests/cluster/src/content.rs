//! What is on disks. No byte of a disk exists here: a word on each volume stands for all of them.
//!
//! Importers write where they read from, copies write what their source has, and the guest of a running machine writes
//! its own word on a disk that is empty. So a test sees whether a disk carries what it should, and where it was lost.

use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};

use crate::objects::{Objects, Reference};
use crate::watched::Watched;

/// The annotation of a PersistentVolume that stands for its bytes.
pub const CONTENT: &str = "data.wukong.test/content";
/// The annotation of a DataVolume or claim that tells how a copy to it goes: `hangs` or `fails`. A copy that hangs goes
/// on when the annotation of its claim is taken away.
pub const COPY: &str = "data.wukong.test/copy";
/// The content of a disk on which nobody has written.
pub const BLANK: &str = "blank";

/// What is on the volume of a claim; nothing without a volume, or if nobody has touched it.
pub async fn content(objects: &Objects, namespace: &str, claim: &str) -> kube::Result<Option<String>> {
    let Some(volume) = volume_of(objects, namespace, claim).await? else { return Ok(None) };
    Ok(of(&volume).map(str::to_owned))
}

/// What is on a volume (or on what a snapshot keeps).
pub(crate) fn of(volume: &Value) -> Option<&str> {
    volume["metadata"]["annotations"][CONTENT].as_str()
}

/// Puts something on the volume of a claim, whatever was there. A claim without a volume takes nothing.
pub(crate) async fn write(objects: &Objects, namespace: &str, claim: &str, content: &str) -> kube::Result<()> {
    if let Some(volume) = volume_of(objects, namespace, claim).await? {
        let change = json!({"metadata": {"annotations": {CONTENT: content}}});
        objects.merge(&Reference::of(&volume), "", &change).await?;
    }
    Ok(())
}

/// Puts on a claim what is on another one.
pub(crate) async fn copy(objects: &Objects, namespace: &str, from: (&str, &str), to: &str) -> kube::Result<()> {
    match content(objects, from.0, from.1).await? {
        Some(content) => write(objects, namespace, to, &content).await,
        None => Ok(()),
    }
}

async fn volume_of(objects: &Objects, namespace: &str, claim: &str) -> kube::Result<Option<Value>> {
    let claim = objects.get(&Reference::new("v1", "PersistentVolumeClaim", namespace, claim)).await?;
    let Some(name) = claim.as_ref().and_then(|claim| claim["spec"]["volumeName"].as_str()) else { return Ok(None) };
    objects.get(&Reference::new("v1", "PersistentVolume", "", name)).await
}

/// All claims and volumes, as they were a moment ago.
pub(crate) struct Disks {
    pub(crate) claims: Vec<Arc<Value>>,
    pub(crate) volumes: Vec<Arc<Value>>,
}

impl Disks {
    pub(crate) async fn see(world: &Watched) -> Result<Self> {
        let claims = world.all("v1", "PersistentVolumeClaim").await?;
        Ok(Self { claims, volumes: world.all("v1", "PersistentVolume").await? })
    }

    pub(crate) fn claim(&self, namespace: &Value, name: &Value) -> Option<&Value> {
        let found = self
            .claims
            .iter()
            .find(|claim| claim["metadata"]["name"] == *name && claim["metadata"]["namespace"] == *namespace);
        found.map(Arc::as_ref)
    }

    pub(crate) fn volume(&self, claim: &Value) -> Option<&Value> {
        let name = claim["spec"]["volumeName"].as_str()?;
        self.volumes.iter().find(|volume| volume["metadata"]["name"] == name).map(Arc::as_ref)
    }
}

/// A guest writes on a disk that is still empty, as it was a moment ago. If somebody else was faster, it looks again.
pub(crate) async fn first_write(objects: &Objects, volume: &Value, content: &str) -> kube::Result<()> {
    if of(volume).is_some_and(|content| content != BLANK) {
        return Ok(());
    }
    let version = &volume["metadata"]["resourceVersion"];
    let change = json!({"metadata": {"annotations": {CONTENT: content}, "resourceVersion": version}});
    match objects.merge(&Reference::of(volume), "", &change).await {
        Err(kube::Error::Api(status)) if status.code == 409 || status.code == 404 => Ok(()),
        other => other.map(|_| ()),
    }
}

/// How a copy to a claim goes, if not well.
pub(crate) fn trouble(claim: &Value) -> Option<&str> {
    claim["metadata"]["annotations"][COPY].as_str().filter(|trouble| !trouble.is_empty())
}
