//! What guest agents say about file systems, as virt-handler passes it on to virt-api.

use std::sync::Arc;

use anyhow::Result;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use serde_json::{Value, json};

use super::{guest, list};
use crate::content::Disks;
use crate::pki::Pki;
use crate::serve::{self, Cut};
use crate::watched::Watched;

/// Answers for all virt-handlers on one port.
pub(crate) async fn serve(world: Arc<Watched>, pki: &Pki, port: u16) -> Result<()> {
    let answer = move |request: Request<Incoming>| {
        let world = world.clone();
        async move {
            let parts: Vec<_> = request.uri().path().trim_matches('/').split('/').collect();
            let items = match parts[..] {
                ["v1", "namespaces", namespace, "virtualmachineinstances", name, "filesystemlist"] => {
                    file_systems(&world, namespace, name).await
                }
                _ => Vec::new(),
            };
            let body = json!({"metadata": {}, "items": items}).to_string();
            let response = Response::builder().header("content-type", "application/json");
            response.body(Full::new(Bytes::from(body))).map_err(|_| Cut)
        }
    };
    serve::start(pki, "virt-handler", port, answer).await.map(|_| ())
}

async fn file_systems(world: &Watched, namespace: &str, name: &str) -> Vec<Value> {
    let all = world.all("kubevirt.io/v1", "VirtualMachineInstance").await.unwrap_or_default();
    let Ok(disks) = Disks::see(world).await else { return Vec::new() };
    let is = |object: &Value| object["metadata"]["namespace"] == namespace && object["metadata"]["name"] == name;
    let Some(machine) = all.iter().find(|object| is(object)) else { return Vec::new() };
    let used = machine["metadata"]["annotations"][guest::USED].as_str();
    let used: Value = used.and_then(|used| serde_json::from_str(used).ok()).unwrap_or_default();
    let one = |(disk, told): (&String, &Value)| {
        let has_name = |object: &&Value| object["name"] == disk.as_str();
        let own = list(&machine["spec"]["domain"]["devices"]["disks"]).iter().find(has_name)?;
        let target = list(&machine["status"]["volumeStatus"]).iter().find(has_name)?["target"].as_str()?;
        let volume = list(&machine["spec"]["volumes"]).iter().find(has_name)?;
        let claim = match &volume["persistentVolumeClaim"]["claimName"] {
            Value::Null => &volume["dataVolume"]["name"],
            claim => claim,
        };
        let total = told["totalBytes"].as_u64().or_else(|| {
            let capacity = &disks.claim(&json!(namespace), claim)?["status"]["capacity"]["storage"];
            bytes(capacity.as_str()?)
        })?;
        Some(json!({
            "diskName": format!("{target}1"), "mountPoint": told["mountPoint"], "fileSystemType": "ext4",
            "usedBytes": told["usedBytes"], "totalBytes": total,
            "disk": [{"serial": own["serial"], "busType": "virtio"}],
        }))
    };
    used.as_object().into_iter().flatten().filter_map(one).collect()
}

/// A size as this cluster's drivers write it.
fn bytes(size: &str) -> Option<u64> {
    let units = [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10), ("", 0)];
    let (suffix, shift) = units.into_iter().find(|(suffix, _)| size.ends_with(suffix))?;
    size.strip_suffix(suffix)?.parse::<u64>().ok()?.checked_shl(shift)
}
