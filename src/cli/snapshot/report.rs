//! One snapshot in words.

use serde_json::Value;

use crate::amend::Change;
use crate::cli::Exit;
use crate::cli::target::Target as _;
use crate::cli::terminal::Terminal;
use crate::cluster::Back;
use crate::facts::{Facts, kind, text, volumes};
use crate::snapshot::{Phase, View, consistency, views};
use crate::status::Subject;
use crate::text::sanitize;

/// How it is, how consistent, and what it holds.
pub(super) fn report(view: &View) -> String {
    let mut lines = vec![format!("snapshot {} of {}: {}", view.name, view.shown, state(view))];
    if matches!(view.phase, Phase::Ready) {
        lines.push(format!("  {}", consistency(&view.indications)));
    }
    if !view.included.is_empty() {
        lines.push(format!("  in it: {}", view.included.join(", ")));
    }
    if !view.missing.is_empty() {
        lines.push(format!("  not in it: {}", view.missing.join(", ")));
    }
    lines.iter().map(|line| format!("{}\n", sanitize(line))).collect()
}

/// How far it is.
pub(super) fn state(view: &View) -> String {
    let word = match view.phase {
        Phase::Ready => "ready",
        Phase::Waiting => "in progress",
        Phase::Failed => "failed",
        Phase::Going => "being deleted",
    };
    view.detail.as_ref().map_or_else(|| word.to_owned(), |detail| format!("{word}: {detail}"))
}

/// A name that Kubernetes takes.
pub(super) fn name(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if text.len() <= 63 && text.chars().all(good) && edge(text.chars().next()) && edge(text.chars().last()) {
        Ok(text.to_owned())
    } else {
        Err("use at most 63 lower-case letters, digits, `-` and `.`".to_owned())
    }
}

/// Says that there is no such snapshot, and which ones there are.
pub(super) fn missing(target: &Subject, name: &str, facts: &Facts, terminal: &Terminal) -> Exit {
    if let Some(unread) = facts.unknown(kind::SNAPSHOT, &target.namespace) {
        terminal.error(&unread.reason);
        return Exit::Cluster;
    }
    terminal.error(&format!("{} has no snapshot {name} in {}", target.shown(), target.namespace));
    let all: Vec<_> = views(facts, Some(target), &[], 0).into_iter().map(|view| view.name).collect();
    if all.is_empty() {
        terminal.help(&format!("it has none; `{}` takes one", target.command("snapshot create", "")));
    } else {
        terminal.help(&format!("its snapshots are {}", all.join(", ")));
    }
    Exit::Cluster
}

/// What the file of a machine has to say from now on, so that it agrees.
pub(super) fn changes(back: &[Back], facts: &Facts, target: &Subject) -> Vec<Change> {
    let vm = target.machine(facts).unwrap_or(&Value::Null);
    let change = |Back { disk, claim }: &Back| {
        // The state of the TPM comes back too, and is in no file.
        let is_disk = disk.recorded || volumes(vm).iter().any(|volume| text(volume, "/name") == Some(&disk.disk));
        let name = text(claim, "/metadata/name").filter(|_| is_disk)?;
        let old = disk.old.as_ref().and_then(|old| facts.get(kind::CLAIM, &target.namespace, old));
        let changed = |at: &str| {
            let is = text(claim, at).filter(|is| old.is_some_and(|old| text(old, at) != Some(is)));
            is.map(str::to_owned)
        };
        Some(Change {
            disk: disk.disk.clone(),
            claim: name.to_owned(),
            class: changed("/spec/storageClassName"),
            access_mode: changed("/spec/accessModes/0"),
            volume_mode: changed("/spec/volumeMode"),
        })
    };
    back.iter().filter_map(change).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::snapshot;

    #[test]
    fn a_file_gets_what_differs_and_no_state_of_a_tpm() {
        let mut facts = Facts::default();
        let volume = |name: &str| json!({"name": name, "persistentVolumeClaim": {"claimName": format!("web-{name}")}});
        facts.insert(json!({
            "kind": "VirtualMachine", "metadata": {"namespace": "n", "name": "web-vm"},
            "spec": {"template": {"spec": {"volumes": [volume("data"), volume("shop")]}}},
        }));
        let claim = |name: &str, class: &str| {
            json!({
                "kind": "PersistentVolumeClaim", "metadata": {"namespace": "n", "name": name},
                "spec": {"storageClassName": class, "accessModes": ["ReadWriteOnce"], "volumeMode": "Block"},
            })
        };
        facts.insert(claim("web-data", "old"));
        facts.insert(claim("web-shop", "new"));
        let back = |disk: &str, recorded: bool| Back {
            disk: snapshot::Back {
                disk: disk.into(),
                source: format!("web-{disk}"),
                old: Some(format!("web-{disk}")),
                new: None,
                image: false,
                recorded,
            },
            claim: claim(&format!("web-{disk}-r1"), "new"),
        };
        let target = Subject { namespace: "n".into(), vm: "web-vm".into(), wukong: Some("web".into()), record: None };
        let all = [back("data", true), back("shop", false), back("persistent-state-for-web", false)];
        let found = changes(&all, &facts, &target);
        let change = |disk: &str, class: Option<&str>| Change {
            disk: disk.into(),
            claim: format!("web-{disk}-r1"),
            class: class.map(Into::into),
            ..Change::default()
        };
        assert_eq!(found, [change("data", Some("new")), change("shop", None)]);
    }
}
