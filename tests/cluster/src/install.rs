//! What the operators of KubeVirt and CDI would have installed, bent to processes on 127.0.0.1.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::objects::{Objects, Reference, documents};
use crate::versions::Set;

/// Kinds that this project uses but whose controllers cannot run here.
const REDUCED: &str = include_str!("../manifests/definitions.yaml");
/// The KubeVirt and CDI objects, classes, nodes: the cluster as an administrator would set it up.
const SETTINGS: &str = include_str!("../manifests/settings.yaml");

/// What a component's program prints about itself, kept beside it: only to start, KubeVirt's needs seven seconds of work.
pub(crate) fn manifests(program: &Path) -> Result<Vec<Value>> {
    let kept = program.with_extension("json");
    if let Ok(text) = fs::read(&kept) {
        return serde_json::from_slice(&text).with_context(|| kept.display().to_string());
    }
    let output = Command::new(program).arg("manifests").output().with_context(|| program.display().to_string())?;
    if !output.status.success() {
        bail!("{} manifests: {}", program.display(), String::from_utf8_lossy(&output.stderr));
    }
    let all = serde_json::from_slice(&output.stdout)?;
    // Another run may read it at any time: it is there as a whole or not at all.
    let part = program.with_extension(format!("json-{}", std::process::id()));
    fs::write(&part, &output.stdout)?;
    fs::rename(&part, &kept)?;
    Ok(all)
}

fn is(object: &Value, kind: &str) -> bool {
    object["kind"] == kind
}

/// Applies all CRDs, waits for them, then applies the rest but webhooks and API services, which need a server.
pub(crate) async fn definitions(objects: &Objects, parts: impl Iterator<Item = &Value>) -> Result<()> {
    let parts: Vec<_> = documents(REDUCED)?.into_iter().chain(parts.cloned()).collect();
    for namespace in ["kubevirt", "cdi", "local-path-storage", "longhorn-system"] {
        objects.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})).await?;
    }
    let (definitions, others): (Vec<_>, Vec<_>) =
        parts.iter().partition(|object| is(object, "CustomResourceDefinition"));
    for definition in &definitions {
        objects.apply(definition).await.with_context(|| Reference::of(definition).to_string())?;
    }
    for definition in &definitions {
        let established = |object: Option<&Value>| {
            let conditions = object.and_then(|object| object.pointer("/status/conditions")?.as_array());
            conditions.into_iter().flatten().any(|c| c["type"] == "Established" && c["status"] == "True")
        };
        objects.wait(&Reference::of(definition), Duration::from_secs(30), established).await?;
    }
    for object in others {
        if object.get("webhooks").is_none() && !is(object, "APIService") {
            objects.apply(object).await.with_context(|| Reference::of(object).to_string())?;
        }
    }
    Ok(())
}

/// What the components read when they start.
pub(crate) async fn configuration(objects: &Objects, authority: &str, set: Set) -> Result<()> {
    for mut object in documents(SETTINGS)? {
        if set == Set::Other && is(&object, "KubeVirt") {
            // Newer ones always show guests that their disks grow.
            let gates = object.pointer_mut("/spec/configuration/developerConfiguration/featureGates");
            gates.and_then(Value::as_array_mut).context("no feature gates")?.push(json!("ExpandDisks"));
        }
        objects.apply(&object).await.with_context(|| Reference::of(&object).to_string())?;
    }
    let bundles = [
        ("kubevirt", "kubevirt-ca", "ca-bundle"),
        ("cdi", "cdi-uploadserver-signer-bundle", "ca-bundle.crt"),
        ("cdi", "cdi-uploadserver-client-signer-bundle", "ca-bundle.crt"),
    ];
    for (namespace, name, key) in bundles {
        let metadata = json!({"namespace": namespace, "name": name});
        let bundle = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {key: authority}});
        objects.apply(&bundle).await?;
    }
    // What the operators would write; virt-api waits for the first.
    let kubevirt = Reference::new("kubevirt.io/v1", "KubeVirt", "kubevirt", "kubevirt");
    let status = json!({"status": {
        "phase": "Deployed", "observedDeploymentConfig": "{}", "defaultArchitecture": "amd64",
        "observedKubeVirtVersion": set.kubevirt()?,
    }});
    objects.merge(&kubevirt, "status", &status).await?;
    let cdi = Reference::new("cdi.kubevirt.io/v1beta1", "CDI", "", "cdi");
    let status = json!({"status": {"phase": "Deployed", "observedVersion": set.cdi()?}});
    // This kind has no part of its own for its status.
    objects.merge(&cdi, "", &status).await?;
    Ok(())
}

/// A Service through which the API server reaches processes on this machine: the only kind that may name a loopback
/// address is one with an external name.
pub(crate) async fn loopback(objects: &Objects, ports: &[u16]) -> Result<()> {
    let ports: Vec<_> = ports.iter().map(|port| json!({"name": format!("p{port}"), "port": port})).collect();
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "loopback", "namespace": "kubevirt"},
        "spec": {"type": "ExternalName", "externalName": "localhost", "ports": ports},
    });
    objects.apply(&service).await?;
    Ok(())
}

/// Points webhooks and API services of a component to its port.
pub(crate) async fn routes(objects: &Objects, parts: &[Value], port: u16, authority: &str) -> Result<()> {
    for object in parts {
        let mut object = object.clone();
        if is(&object, "APIService") {
            object["spec"]["service"] = json!({"namespace": "kubevirt", "name": "loopback", "port": port});
            object["spec"]["insecureSkipTLSVerify"] = json!(true);
            object["spec"].as_object_mut().context("an API service without spec")?.remove("caBundle");
        } else if let Some(webhooks) = object.get_mut("webhooks").and_then(Value::as_array_mut) {
            for webhook in webhooks {
                let path = webhook.pointer("/clientConfig/service/path").and_then(Value::as_str).unwrap_or_default();
                let url = format!("https://127.0.0.1:{port}{path}");
                webhook["clientConfig"] = json!({"url": url, "caBundle": base64(authority)});
            }
        } else {
            continue;
        }
        objects.apply(&object).await.with_context(|| Reference::of(&object).to_string())?;
    }
    Ok(())
}

/// Bytes as JSON carries them to the API server.
fn base64(text: &str) -> Value {
    serde_json::to_value(k8s_openapi::ByteString(text.as_bytes().to_vec())).unwrap_or_default()
}

/// local-path-provisioner reads its settings from files and from a ConfigMap.
pub(crate) async fn local_path(objects: &Objects, folder: &Path) -> Result<()> {
    let paths = json!({"nodePathMap": [
        {"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["/opt/local-path-provisioner"]},
    ]});
    fs::write(folder.join("local-path.json"), paths.to_string())?;
    let helper = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "helper-pod"}, "spec": {
        "restartPolicy": "Never", "containers": [{"name": "helper-pod", "image": "busybox"}],
    }});
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"namespace": "local-path-storage", "name": "local-path-config"},
        "data": {
            "config.json": paths.to_string(), "helperPod.yaml": helper.to_string(),
            "setup": "mkdir -m 0777 -p \"$VOL_DIR\"", "teardown": "rm -rf \"$VOL_DIR\"",
        },
    });
    objects.apply(&settings).await?;
    Ok(())
}

/// Whether the whole way of a machine through admission works: KubeVirt's and CDI's webhooks, the subresources, and the
/// settings.
pub(crate) async fn admits(objects: &Objects) -> Result<bool> {
    let metadata = json!({"namespace": "default", "name": "first"});
    let machine = json!({
        "apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": metadata,
        "spec": {"runStrategy": "Halted", "template": {"spec": {"domain": {
            "devices": {}, "memory": {"guest": "64Mi"},
        }}}},
    });
    let volume = json!({
        "apiVersion": "cdi.kubevirt.io/v1beta1", "kind": "DataVolume", "metadata": metadata,
        "spec": {"source": {"blank": {}}, "storage": {"resources": {"requests": {"storage": "1Gi"}}}},
    });
    let admitted = objects.try_out(&machine).await?;
    objects.try_out(&volume).await?;
    let request = hyper::Request::get("/apis/subresources.kubevirt.io/v1").body(Vec::new())?;
    objects.client.request_text(request).await?;
    // CDI's controller has taken over what the administrator set; until then an import waits for no pod.
    let config = Reference::new("cdi.kubevirt.io/v1beta1", "CDIConfig", "", "config");
    let configured = objects.get(&config).await?.is_some_and(|config| config["spec"]["featureGates"].is_array());
    // The mutating webhook fills the architecture.
    Ok(configured && admitted.pointer("/spec/template/spec/architecture").is_some())
}
