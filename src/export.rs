//! How a disk leaves the cluster as a file: what KubeVirt is asked to serve, how far it is, and where it serves it. Pure
//! functions from facts and objects.

use serde_json::{Value, json};

use crate::facts::{Facts, MANAGER, claim_of, condition, has_ended, kind, text, volumes};
use crate::plan::Refusal;
use crate::snapshot::{Phase, View};
use crate::status::Subject;
use crate::text::{command_line, word};

/// The group of VirtualMachineExport.
pub const GROUP: &str = "export.kubevirt.io";
/// Its kind.
pub const KIND: &str = "VirtualMachineExport";
/// The header that lets in whoever knows the token. Source: KubeVirt, pkg/storage/export/virt-exportserver.
pub const HEADER: &str = "x-kubevirt-export-token";

/// The versions that are spoken here, the best first.
const VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha1"];

/// Of what is served the version to speak; none if none of it is known here.
pub fn version(served: &[String]) -> Option<&'static str> {
    VERSIONS.into_iter().find(|known| served.iter().any(|served| served == known))
}

/// What a disk is taken from.
#[derive(Debug, Clone, Copy)]
pub enum Origin<'a> {
    /// A machine that does not run.
    Machine(&'a Subject, &'a Value),
    /// A snapshot of a machine, and what it holds.
    Snapshot(&'a View, &'a Value),
    /// A claim.
    Claim(&'a str),
}

/// A disk that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// What is exported, as the API names it: kind and name.
    pub source: Value,
    /// The disk's name.
    pub disk: String,
    /// Its claim, by which KubeVirt names it in its links.
    pub claim: String,
}

/// How a disk is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Byte for byte.
    Raw,
    /// Compressed on the way.
    Gzip,
}

impl Format {
    /// Its name in KubeVirt's links and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Gzip => "gzip",
        }
    }
}

/// Finds the disk.
///
/// # Errors
/// Why it cannot be taken, and the way out.
pub fn taken(facts: &Facts, namespace: &str, from: Origin<'_>, disk: Option<&str>) -> Result<Taken, Refusal> {
    let refuse = |object: String, reason: String, help: String| Refusal { object, reason, help };
    let reference = |group: &str, kind: &str, name: &str| json!({"apiGroup": group, "kind": kind, "name": name});
    match from {
        Origin::Claim(claim) => {
            let found = facts.get(kind::CLAIM, namespace, claim);
            if found.is_none() && facts.unknown(kind::CLAIM, namespace).is_none() {
                let help = format!("`kubectl get pvc -n {}` lists what is there", word(namespace));
                return Err(refuse(format!("claim {claim}"), format!("it does not exist in {namespace}"), help));
            }
            if let Some(user) = user(facts, namespace, claim) {
                let help = format!(
                    "stop it first ({}), or export a snapshot of it",
                    command_line("stop", &[&format!("vm/{user}")], namespace, "--wait")
                );
                return Err(refuse(
                    format!("claim {claim}"),
                    format!("the machine {user} runs and writes to it"),
                    help,
                ));
            }
            Ok(Taken { source: reference("", kind::CLAIM, claim), disk: claim.to_owned(), claim: claim.to_owned() })
        }
        Origin::Machine(subject, vm) => {
            let shown = subject.shown();
            if facts.get(kind::INSTANCE, namespace, &subject.vm).is_some_and(|instance| !has_ended(instance)) {
                let help = format!(
                    "stop it first: {}; or export a snapshot: {}, then {}",
                    subject.command("stop", "--wait"),
                    subject.command("snapshot create", "--name NAME --wait"),
                    command_line("export", &[], namespace, "--snapshot NAME")
                );
                return Err(refuse(
                    format!("VirtualMachine/{}", subject.vm),
                    "it runs, and its disks change meanwhile".into(),
                    help,
                ));
            }
            let all = volumes(vm).iter().filter_map(|volume| Some((text(volume, "/name")?, claim_of(volume)?)));
            let (disk, claim) = one(&shown, &all.collect::<Vec<_>>(), disk)?;
            Ok(Taken { source: reference("kubevirt.io", kind::MACHINE, &subject.vm), disk, claim })
        }
        Origin::Snapshot(view, content) => {
            if view.phase != Phase::Ready {
                let why = view.detail.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
                let help = format!("`{}` shows which are ready", command_line("snapshot list", &[], namespace, ""));
                return Err(refuse(
                    format!("VirtualMachineSnapshot/{}", view.name),
                    format!("it is not ready{why}"),
                    help,
                ));
            }
            let backups = content.pointer("/spec/volumeBackups").and_then(Value::as_array);
            let all = backups.into_iter().flatten().filter_map(|backup| {
                Some((text(backup, "/volumeName")?, text(backup, "/persistentVolumeClaim/metadata/name")?))
            });
            let (disk, claim) = one(&format!("the snapshot {}", view.name), &all.collect::<Vec<_>>(), disk)?;
            Ok(Taken { source: reference("snapshot.kubevirt.io", kind::SNAPSHOT, &view.name), disk, claim })
        }
    }
}

/// The disk that is meant: the one that is named, or the only one.
fn one(of: &str, all: &[(&str, &str)], disk: Option<&str>) -> Result<(String, String), Refusal> {
    let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
    let found = match (disk, all) {
        (Some(disk), all) => all.iter().find(|(name, _)| *name == disk),
        (None, [one]) => Some(one),
        (None, _) => None,
    };
    let known = if names.is_empty() {
        "it has no disks with a claim".to_owned()
    } else {
        format!("its disks are {}", names.join(", "))
    };
    found.map(|(disk, claim)| ((*disk).to_owned(), (*claim).to_owned())).ok_or_else(|| Refusal {
        object: of.to_owned(),
        reason: disk.map_or_else(|| "it is not said which disk".to_owned(), |disk| format!("it has no disk {disk}")),
        help: format!("{known}; --disk names one"),
    })
}

/// A machine that runs and has a claim.
fn user<'f>(facts: &'f Facts, namespace: &'f str, claim: &str) -> Option<&'f str> {
    let uses = |instance: &&Value| {
        !has_ended(instance) && volumes(instance).iter().any(|volume| claim_of(volume) == Some(claim))
    };
    facts.all(kind::INSTANCE, namespace).find(uses).and_then(|instance| text(instance, "/metadata/name"))
}

/// The VirtualMachineExport to ask for. `ttl` is how many seconds it lives if nobody deletes it.
pub fn body(version: &str, namespace: &str, name: &str, taken: &Taken, ttl: u64) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/{version}"),
        "kind": KIND,
        "metadata": {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/managed-by": MANAGER}},
        "spec": {"source": taken.source, "tokenSecretRef": name, "ttlDuration": format!("{ttl}s")},
    })
}

/// The Secret with its token, which goes with it.
pub fn secret(export: &Value, token: &str) -> Value {
    let metadata = &export["metadata"];
    json!({
        "apiVersion": "v1",
        "kind": kind::SECRET,
        "metadata": {
            "name": metadata["name"], "namespace": metadata["namespace"],
            "labels": {"app.kubernetes.io/managed-by": MANAGER},
            "ownerReferences": [{
                "apiVersion": export["apiVersion"], "kind": KIND, "name": metadata["name"], "uid": metadata["uid"],
            }],
        },
        "type": "Opaque",
        "stringData": {"token": token},
    })
}

/// How far an export is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It serves.
    Ready,
    /// Not yet, and why.
    Waiting(String),
    /// It never will, and why.
    Over(String),
}

/// How far an export is, in the words of its conditions.
pub fn state(export: &Value) -> State {
    let told = [condition(export, "Ready"), condition(export, "PVCReady")].into_iter().flatten();
    let words: Vec<_> = told
        .filter(|(holds, _, _)| !holds)
        .map(|(_, reason, message)| if message.is_empty() { reason.to_owned() } else { format!("{reason}: {message}") })
        .filter(|words| !words.is_empty())
        .collect();
    let phase = text(export, "/status/phase").unwrap_or("Pending");
    let detail = if words.is_empty() { phase.to_owned() } else { words.join("; ") };
    match phase {
        "Ready" => State::Ready,
        "Terminated" | "Skipped" => State::Over(format!("{phase}: {detail}")),
        _ => State::Waiting(detail),
    }
}

/// Where a disk is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The address.
    pub url: String,
    /// The certificates that sign the server's, as PEM.
    pub authority: String,
    /// The way through the API server, for what is served inside of the cluster only.
    pub path: Option<String>,
}

/// Where a disk is served in a format: outside if anywhere, else inside.
///
/// # Errors
/// What is served instead.
pub fn link(export: &Value, claim: &str, format: Format) -> Result<Link, String> {
    let mut other = Vec::new();
    for side in ["external", "internal"] {
        let Some(links) = export.pointer(&format!("/status/links/{side}")) else { continue };
        let all = links["volumes"].as_array().into_iter().flatten();
        let formats = all.filter(|volume| volume["name"] == claim).filter_map(|volume| volume["formats"].as_array());
        for served in formats.flatten() {
            let url = text(served, "/url").unwrap_or_default().to_owned();
            if served["format"] == format.word() {
                let authority = text(links, "/cert").unwrap_or_default().to_owned();
                let path = if side == "internal" {
                    Some(through_api(export, &url).ok_or("its link cannot be read")?)
                } else {
                    None
                };
                return Ok(Link { url, authority, path });
            }
            other.extend(text(served, "/format").map(str::to_owned));
        }
    }
    other.dedup();
    Err(match other.as_slice() {
        [] => format!("nothing is served for the claim {claim}"),
        other => format!("the claim {claim} is served as {}, not as {}", other.join(", "), format.word()),
    })
}

/// The address of a link of the cluster as one of the API server, which passes it on to the Service.
fn through_api(export: &Value, url: &str) -> Option<String> {
    let (_, path) = url.strip_prefix("https://")?.split_once('/')?;
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
    let good =
        |path: &str| path.chars().all(|c| c.is_ascii_alphanumeric() || "-._/".contains(c)) && !path.contains("..");
    let namespace = text(export, "/metadata/namespace").filter(|name| plain(name))?;
    let service = text(export, "/status/serviceName").filter(|name| plain(name))?;
    good(path).then(|| format!("/api/v1/namespaces/{namespace}/services/https:{service}:443/proxy/{path}"))
}

/// How a person fetches what is served, without seeing the token.
pub fn fetch_commands(export: &Value, link: &Link, file: &str) -> Vec<String> {
    let part = |at: &str| word(text(export, at).unwrap_or_default());
    let (name, namespace) = (part("/metadata/name"), part("/metadata/namespace"));
    let token =
        format!("\"{HEADER}: $(kubectl get secret {name} -n {namespace} -o jsonpath='{{.data.token}}' | base64 -d)\"");
    let mut lines = Vec::new();
    match &link.path {
        None => {
            let ca = format!(
                "kubectl get virtualmachineexport {name} -n {namespace} -o jsonpath='{{.status.links.external.cert}}' > ca.pem"
            );
            lines.push(ca);
            lines.push(format!("curl --cacert ca.pem -H {token} -o {} {}", word(file), word(&link.url)));
        }
        Some(_) => {
            let service = part("/status/serviceName");
            let path =
                link.url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
            lines.push(format!("kubectl port-forward service/{service} 18443:443 -n {namespace} &"));
            lines.push(format!("curl -k -H {token} -o {} https://127.0.0.1:18443/{}", word(file), word(path)));
        }
    }
    lines.push(format!("kubectl delete virtualmachineexport {name} -n {namespace}"));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject { namespace: "n".into(), vm: "web-vm".into(), wukong: Some("web".into()), record: None }
    }

    fn vm() -> Value {
        json!({"kind": "VirtualMachine", "metadata": {"namespace": "n", "name": "web-vm"}, "spec": {"template": {"spec": {"volumes": [
            {"name": "system", "dataVolume": {"name": "web-system"}}, {"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}}, {"name": "cloudinit", "cloudInitNoCloud": {}},
        ]}}}})
    }

    #[test]
    fn a_disk_is_found_and_a_machine_that_runs_is_left_alone() {
        let mut facts = Facts::default();
        let (subject, vm) = (subject(), vm());
        let take = |facts: &Facts, disk| taken(facts, "n", Origin::Machine(&subject, &vm), disk);
        let found = take(&facts, Some("data")).unwrap();
        assert_eq!((found.claim.as_str(), found.source["kind"].as_str()), ("web-data", Some("VirtualMachine")));
        assert!(take(&facts, None).unwrap_err().help.contains("its disks are system, data"));
        assert!(take(&facts, Some("none")).unwrap_err().reason.contains("no disk none"));
        facts.insert(json!({"kind": "VirtualMachineInstance", "metadata": {"namespace": "n", "name": "web-vm"},
            "spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "web-data"}}]}}));
        let refused = take(&facts, Some("data")).unwrap_err();
        assert!(refused.help.contains("kubectl wukong stop web") && refused.help.contains("--snapshot"), "{refused:?}");
        facts.insert(json!({"kind": "PersistentVolumeClaim", "metadata": {"namespace": "n", "name": "web-data"}}));
        assert!(taken(&facts, "n", Origin::Claim("web-data"), None).unwrap_err().reason.contains("web-vm runs"));
        assert!(taken(&facts, "n", Origin::Claim("none"), None).unwrap_err().reason.contains("does not exist"));
    }

    #[test]
    fn versions_are_those_of_the_server() {
        let served = |all: &[&str]| version(&all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        assert_eq!(served(&["v1beta1", "v1alpha1"]), Some("v1beta1"));
        assert_eq!(served(&["v1alpha1"]), Some("v1alpha1"));
        assert_eq!(served(&["v1beta1", "v1"]), Some("v1"));
        assert_eq!(served(&["v9"]), None);
    }

    fn export(links: &Value) -> Value {
        json!({"metadata": {"name": "x", "namespace": "n"}, "status": {"phase": "Ready", "serviceName": "virt-export-x", "links": links}})
    }

    #[test]
    fn links_outside_come_first_and_those_inside_go_through_the_api() {
        let side = |host: &str| {
            json!({"cert": "PEM", "volumes": [{"name": "web-data", "formats": [
                {"format": "raw", "url": format!("https://{host}/volumes/web-data/disk.img")},
                {"format": "gzip", "url": format!("https://{host}/volumes/web-data/disk.img.gz")},
            ]}]})
        };
        let inside = export(&json!({"internal": side("virt-export-x.n.svc")}));
        let found = link(&inside, "web-data", Format::Gzip).unwrap();
        assert_eq!(
            found.path.as_deref(),
            Some("/api/v1/namespaces/n/services/https:virt-export-x:443/proxy/volumes/web-data/disk.img.gz")
        );
        assert!(fetch_commands(&inside, &found, "d.gz")[0].contains("port-forward service/virt-export-x"));
        let both = export(&json!({"internal": side("virt-export-x.n.svc"), "external": side("outside.example")}));
        let found = link(&both, "web-data", Format::Raw).unwrap();
        assert_eq!((found.url.as_str(), found.path), ("https://outside.example/volumes/web-data/disk.img", None));
        assert!(link(&both, "other", Format::Raw).unwrap_err().contains("nothing is served"));
        let archive = export(
            &json!({"internal": {"volumes": [{"name": "c", "formats": [{"format": "tar.gz", "url": "https://a/b"}]}]}}),
        );
        assert!(link(&archive, "c", Format::Raw).unwrap_err().contains("served as tar.gz, not as raw"));
        let bad = export(
            &json!({"internal": {"volumes": [{"name": "c", "formats": [{"format": "raw", "url": "https://a/../../secrets"}]}]}}),
        );
        assert!(link(&bad, "c", Format::Raw).is_err());
    }

    #[test]
    fn waiting_is_told_in_the_words_of_the_conditions() {
        let mut export = json!({"status": {"phase": "Pending", "conditions": [{"type": "Ready", "status": "False", "reason": "InUse", "message": "it runs"}]}});
        assert_eq!(state(&export), State::Waiting("InUse: it runs".into()));
        export["status"]["phase"] = json!("Skipped");
        assert!(matches!(state(&export), State::Over(why) if why.starts_with("Skipped")));
        export["status"]["phase"] = json!("Ready");
        assert_eq!(state(&export), State::Ready);
        assert_eq!(state(&json!({})), State::Waiting("Pending".into()));
    }

    #[test]
    fn the_secret_goes_with_the_export_and_commands_do_not_show_it() {
        let made = secret(
            &json!({"apiVersion": "export.kubevirt.io/v1", "metadata": {"name": "x", "namespace": "n", "uid": "7"}}),
            "t0ken",
        );
        assert_eq!(made["metadata"]["ownerReferences"][0]["uid"], "7");
        let link = Link { url: "https://h/p".into(), authority: String::new(), path: None };
        assert!(!fetch_commands(&export(&json!({})), &link, "f").concat().contains("t0ken"));
    }
}
