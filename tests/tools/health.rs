//! How Argo CD and Flux judge objects with the checks that are shipped. The objects are recorded from the control planes
//! of the tests; what these cannot show is changed in one of them, and said.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::programs::built;
use crate::support::{entries, root, text, value};

/// A recorded object.
fn object(name: &str) -> Result<Value> {
    let path = root().join("tests/tools/health").join(format!("{name}.json"));
    serde_json::from_str(&fs::read_to_string(&path)?).with_context(|| path.display().to_string())
}

/// The script that is shipped for a kind, if there is one.
fn lua(object: &Value) -> Option<String> {
    let (group, _) = object["apiVersion"].as_str()?.split_once('/').unwrap_or_default();
    let kind = object["kind"].as_str()?;
    let name = if group.is_empty() { kind.to_owned() } else { format!("{group}_{kind}") };
    fs::read_to_string(root().join(format!("plugin-manifests/argocd/health/{name}.lua"))).ok()
}

/// The expressions that are shipped for a kind.
fn cel(object: &Value) -> Result<Value> {
    let file = fs::read_to_string(root().join("plugin-manifests/flux/healthcheck.yaml"))?;
    let kustomization = file.split("\n---\n").map(value).find(|document| document["kind"] == "Kustomization");
    let kustomization = kustomization.context("no Kustomization")?;
    let all = kustomization["spec"]["healthCheckExprs"].as_array().context("no expressions")?;
    let ours = |known: &&Value| known["kind"] == object["kind"] && known["apiVersion"] == object["apiVersion"];
    all.iter().find(ours).cloned().context("no expressions for this kind")
}

/// What Argo CD and Flux say of an object; nothing of Argo CD for a kind without a script.
fn judged(judge: &Path, object: &Value) -> Result<(Option<String>, String, String)> {
    let question = json!({"lua": lua(object), "cel": cel(object)?, "objects": [object]});
    let mut child = Command::new(judge).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().context("no input")?.write_all(question.to_string().as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{}", text(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    let word = |key: &str| answer[key].as_str().map(str::to_owned);
    Ok((word("argo"), word("message").unwrap_or_default(), word("flux").context("no answer of Flux")?))
}

/// Changes of a recorded object, as JSON pointers and values; `null` removes a field.
type Edits = &'static [(&'static str, &'static str)];

fn edited(name: &str, edits: Edits) -> Result<Value> {
    let mut object = object(name)?;
    for (pointer, new) in edits {
        let (parent, key) = pointer.rsplit_once('/').context("no pointer")?;
        let at = object.pointer_mut(parent).with_context(|| format!("{name} has no {parent}"))?;
        match (serde_json::from_str(new)?, at.as_object_mut()) {
            (Value::Null, Some(fields)) => drop(fields.remove(key)),
            (new, _) => at[key] = new,
        }
    }
    Ok(object)
}

pub fn objects_are_judged() -> Result<()> {
    const PAUSED: Edits = &[("/status/printableStatus", "\"Paused\"")];
    let cases: [(&str, Edits, Option<&str>, &str, &str); 35] = [
        ("vm-running", &[], Some("Healthy"), "Running", "Current"),
        ("vm-halted", &[], Some("Healthy"), "stopped, as it should be", "Current"),
        ("vm-halted", &[("/spec/runStrategy", "\"Manual\"")], Some("Healthy"), "stopped", "Current"),
        ("vm-halted", &[("/spec/runStrategy", "\"Always\"")], Some("Progressing"), "will be started", "InProgress"),
        ("vm-halted", &[("/spec/runStrategy", "\"Once\"")], Some("Progressing"), "will be started", "InProgress"),
        ("vm-halted", &[("/status", "null")], Some("Progressing"), "has not looked", "Unknown"),
        ("vm-running", &[("/spec/runStrategy", "\"Halted\"")], Some("Progressing"), "will be stopped", "InProgress"),
        ("vm-once", &[], Some("Healthy"), "shut itself down", "Current"),
        ("vm-once", &[("/spec/runStrategy", "\"Always\"")], Some("Progressing"), "will be started", "InProgress"),
        ("vm-importing", &[], Some("Progressing"), "Not all of the VMI's DVs are ready", "InProgress"),
        ("vm-failing", &[], Some("Degraded"), "DataVolumeError", "Failed"),
        ("vm-unschedulable", &[], Some("Degraded"), "0/2 nodes are available", "InProgress"),
        ("vm-claimless", &[], Some("Degraded"), "ErrorPvcNotFound: ", "Failed"),
        ("vm-consumer", &[], Some("Healthy"), "stopped", "Current"),
        ("vm-crashing", &[], Some("Progressing"), "Starting: ", "InProgress"),
        // The simulated guests crash after their start, which KubeVirt does not count.
        (
            "vm-crashing",
            &[("/status/printableStatus", "\"CrashLoopBackOff\"")],
            Some("Degraded"),
            "CrashLoop",
            "Failed",
        ),
        ("vm-crashing", &[("/status/printableStatus", "\"ErrImagePull\"")], Some("Degraded"), "ErrImagePull", "Failed"),
        // Nobody pauses a simulated guest.
        ("vm-running", PAUSED, Some("Suspended"), "paused", "InProgress"),
        ("vm-running", &[("/status/conditions/0/status", "\"False\"")], Some("Progressing"), "Running", "InProgress"),
        ("vm-running", &[("/status/conditions/1/type", "\"Failure\"")], Some("Degraded"), "Running", "Failed"),
        (
            "vm-running",
            &[("/status/conditions/1/type", "\"ManualRecoveryRequired\"")],
            Some("Degraded"),
            "Run",
            "Failed",
        ),
        ("vm-leaving", &[], Some("Progressing"), "is being deleted", "InProgress"),
        ("vm-migrating", &[("/metadata/generation", "1")], Some("Healthy"), "Migrating", "Current"),
        ("vmi-running", &[], None, "", "Current"),
        ("vmi-once", &[], None, "", "Current"),
        ("vmi-running", &[("/status/phase", "\"Scheduling\"")], None, "", "InProgress"),
        ("vmi-running", &[("/status/phase", "\"Failed\"")], None, "", "Failed"),
        ("dv-imported", &[], Some("Healthy"), "filled", "Current"),
        ("dv-importing", &[], Some("Progressing"), "ImportInProgress 37.00%", "InProgress"),
        ("dv-failing", &[], Some("Degraded"), "got 404", "Failed"),
        ("dv-consumer", &[], Some("Healthy"), "when its machine starts", "Current"),
        ("dv-consumer", &[("/status/phase", "\"PendingPopulation\"")], Some("Healthy"), "when its", "Current"),
        ("claim-running", &[], Some("Healthy"), "Bound", "Current"),
        ("claim-consumer", &[], Some("Healthy"), "when its machine starts", "Current"),
        ("claim-consumer", &[("/metadata/labels", "{}")], Some("Progressing"), "Pending", "InProgress"),
    ];
    let judge = built("health", "health")?;
    for (name, edits, argo, message, flux) in cases {
        let said = judged(&judge, &edited(name, edits)?)?;
        let right = said.0.as_deref() == argo && said.1.contains(message) && said.2 == flux;
        ensure!(right, "{name} {edits:?}: {said:?}, not {argo:?}, {message}, {flux}");
    }
    Ok(())
}

/// A machine that was changed while it runs, or that migrates, has an observed generation that stays behind. Argo CD's
/// check does not look at it. Flux looks before it asks any expression, so the instance is what it is to wait for.
pub fn generations_fool_nobody() -> Result<()> {
    let judge = built("health", "health")?;
    for name in ["changed", "migrating"] {
        let machine = object(&format!("vm-{name}"))?;
        ensure!(machine["metadata"]["generation"] != machine["status"]["observedGeneration"], "{name} fools nobody");
        let said = judged(&judge, &machine)?;
        ensure!(said.0.as_deref() == Some("Healthy") && said.2 == "InProgress", "{name}: {said:?}");
    }
    let changed = judged(&judge, &object("vm-changed")?)?;
    ensure!(changed.1.contains("wait for a restart"), "{changed:?}");
    ensure!(judged(&judge, &object("vmi-changed")?)?.2 == "Current");
    let file = fs::read_to_string(root().join("plugin-manifests/flux/healthcheck.yaml"))?;
    ensure!(
        file.contains("\n  wait: false\n")
            && file.contains("{apiVersion: kubevirt.io/v1, kind: VirtualMachineInstance, ")
    );
    Ok(())
}

/// The names of the scripts are the keys of argocd-cm, and each says so.
pub fn a_file_is_what_argo_looks_up() -> Result<()> {
    let paths = entries(&root().join("plugin-manifests/argocd/health"));
    ensure!(paths.len() == 3, "{paths:?}");
    for path in paths {
        let key = path.file_stem().and_then(|stem| stem.to_str()).context("no name")?;
        let script = fs::read_to_string(&path)?;
        ensure!(script.starts_with(&format!("-- In argocd-cm: resource.customizations.health.{key}\n")), "{key}");
    }
    Ok(())
}
