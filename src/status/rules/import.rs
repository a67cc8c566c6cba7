//! Disks that are filled from an image or from another disk.

use serde_json::Value;

use super::claim::has_default;
use crate::facts::{condition, kind, text};
use crate::plan::{RESTARTS, is_hopeless};
use crate::status::cause::Causes;
use crate::status::look::{Held, Look, prime};
use crate::status::time::{duration, since};
use crate::text::{command_line, redact, word};

/// How long an import may say nothing new. CDI writes each new percentage.
const SILENCE: i64 = 600;

pub(super) fn rule(look: &Look<'_>, causes: &mut Causes) {
    for disk in &look.disks {
        let (Some(volume), Some(phase)) = (disk.data_volume, disk.filling()) else { continue };
        // A claim that is lost says so; CDI then calls its DataVolume failed, filled as it was.
        let lost = disk.claim.is_some_and(|claim| text(claim, "/status/phase") == Some("Lost"));
        if lost || matches!(phase, "WaitForFirstConsumer" | "PendingPopulation") {
            continue;
        }
        one(look, disk, volume, phase, causes);
    }
}

fn one<'a>(look: &Look<'a>, disk: &Held<'a>, volume: &Value, phase: &str, causes: &mut Causes) {
    let about = disk.about();
    let restarts = volume.pointer("/status/restartCount").and_then(Value::as_u64).unwrap_or_default();
    let running = condition(volume, "Running").filter(|(holds, _, _)| !holds);
    let (reason, message) = running.map_or(("", ""), |(_, reason, message)| (reason, message));
    // Between two tries CDI says nothing; the last warning does.
    let message = match message {
        "" => look.claim_warning(disk, |reason, _| reason.starts_with("ErrImport")).unwrap_or_default(),
        told => told,
    };
    let said = redact(message);
    let words = message.to_lowercase();
    let any = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    let again = if progress(volume).starts_with("100") {
        "correct the file; the disk may hold data, so look at it before it is made anew".to_owned()
    } else {
        format!(
            "correct the file, then make the disk anew, which is empty so far: {} deletes the machine with this disk and keeps the others, {} makes both again",
            look.command("delete", &format!("--delete-data {}", word(disk.name))),
            command_line("apply -f FILE", &[], look.namespace, "--adopt")
        )
    };
    if reason == "ErrExceededQuota" {
        return causes.quota(&about, message);
    }
    if reason == "ImagePullFailed" || any(&["imagepullbackoff", "errimagepull"]) {
        let next = "check the image's name and that the cluster may pull it (`imageSecret`)".to_owned();
        causes.broken("import-image-pull", &about, format!("its image cannot be pulled: {said}"), next);
    } else if any(&["checksum", "digest"]) && any(&["mismatch", "does not match", "did not match"]) {
        causes.broken("import-checksum", &about, format!("the image is not the one of the checksum: {said}"), again);
    } else if any(&["too small to contain", "larger than", "no space left", "not enough space"]) {
        let next = format!("raise its `size`; {again}");
        causes.broken("import-too-large", &about, format!("the image is larger than the disk: {said}"), next);
    } else if let Some(why) = scratch(look, disk) {
        let next = "set `scratchSpaceStorageClass` in the CDI object to a class that makes file systems".to_owned();
        causes.broken("import-scratch", &about, format!("the importer has no scratch space: {why}"), next);
    } else if phase == "Failed" {
        let why = if said.is_empty() { "CDI gives no reason".to_owned() } else { said };
        causes.broken("import-failed", &about, format!("it could not be filled: {why}"), again);
    } else if words.contains("scratch") {
        // The first try finds out that it needs room to unpack; the second one gets it.
        causes.waiting(
            "import-scratch",
            &about,
            "the import begins again with scratch space".to_owned(),
            String::new(),
        );
    } else if restarts > 0 {
        let why = if said.is_empty() { "no reason yet".to_owned() } else { said };
        let text = format!("the import failed {restarts} times and is tried again: {why}");
        if restarts >= RESTARTS && is_hopeless(&words) {
            let next = format!("check the image's address; {again}");
            causes.broken("import-retrying", &about, text, next);
        } else {
            causes.waiting("import-retrying", &about, text, logs(look, disk));
        }
    } else if let Some(silence) = silence(volume, phase, look.now) {
        let text = format!("the import stands at {} since {}", progress(volume), duration(silence));
        causes.broken("import-stuck", &about, text, logs(look, disk));
    } else if disk.claim.is_some() && phase != "Pending" && !phase.is_empty() {
        let what = match progress(volume) {
            "N/A" => String::new(),
            percent => format!(", {percent}"),
        };
        causes.waiting("importing", &about, format!("it is being filled ({phase}{what})"), String::new());
    }
}

fn progress(volume: &Value) -> &str {
    text(volume, "/status/progress").unwrap_or("N/A")
}

fn logs(look: &Look<'_>, disk: &Held<'_>) -> String {
    let named = |claim| text(claim, "/metadata/annotations/cdi.kubevirt.io~1storage.import.importPodName");
    // Whoever may write to the claim may write this, and a person will paste it.
    let is_name = |pod: &&str| pod.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    match [disk.prime, disk.claim].into_iter().flatten().find_map(named).filter(is_name) {
        Some(pod) => format!("kubectl logs -n {} {pod}", look.namespace),
        None => format!("kubectl logs -n {} -l cdi.kubevirt.io=importer", look.namespace),
    }
}

/// How long an import has been silent, if that is too long.
fn silence(volume: &Value, phase: &str, now: i64) -> Option<i64> {
    // A server that does not tell the size gives no percentage.
    if phase != "ImportInProgress" || progress(volume) == "N/A" {
        return None;
    }
    let conditions = volume.pointer("/status/conditions").and_then(Value::as_array)?;
    let heard = conditions.iter().filter_map(|condition| since(condition, "/lastHeartbeatTime", now)).min();
    let written = volume.pointer("/metadata/managedFields").and_then(Value::as_array);
    let written = written.into_iter().flatten().filter_map(|entry| since(entry, "/time", now)).min();
    heard.into_iter().chain(written).min().filter(|silence| *silence >= SILENCE)
}

/// Why there is no room to unpack an image.
fn scratch(look: &Look<'_>, disk: &Held<'_>) -> Option<String> {
    let claim = disk.claim?;
    let names = [format!("{}-scratch", prime(claim)), format!("{}-scratch", disk.claim_name)];
    let scratch = names.iter().find_map(|name| look.facts.get(kind::CLAIM, look.namespace, name))?;
    if text(scratch, "/status/phase") == Some("Bound") {
        return None;
    }
    let name = text(scratch, "/metadata/name")?;
    let class = text(scratch, "/spec/storageClassName").filter(|class| !class.is_empty());
    match look.warning(name, |_, _| true) {
        Some(warning) => Some(format!("claim {name}: {}", redact(warning))),
        // That is no warning to Kubernetes.
        None if class.is_none() && !has_default(look) => {
            Some(format!("claim {name} has no class, and the cluster no default one"))
        }
        None => None,
    }
}
