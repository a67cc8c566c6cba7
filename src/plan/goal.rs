//! Whether a machine is where it was sent: what is still missing, and what will never come.

use serde_json::Value;

use super::grow::mebibytes;
use super::lists::{LISTS, list};
use super::warned::{Since, why};
use crate::facts::{self, Facts, claim_of, has_ended, kind, text};
use crate::quantity::Quantity;
use crate::text::redact;

/// How far a machine is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// One line for the machine and one for each disk.
    pub lines: Vec<Line>,
    /// All of it.
    pub state: State,
}

/// How far a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The machine, or `disk NAME`.
    pub what: String,
    /// Where it is.
    pub state: State,
    /// In words: a percentage, a reason.
    pub detail: String,
}

/// Where something is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// There.
    Done,
    /// On its way, or at least not known to be lost.
    Waiting,
    /// It will not come by itself.
    Failed,
}

/// How often an importer must have failed before its words are believed.
pub(crate) const RESTARTS: u64 = 3;

/// A machine that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its namespace.
    pub namespace: String,
    /// Its VirtualMachine.
    pub vm: String,
    /// Its name as a person types it.
    pub shown: String,
    /// Where it was sent.
    pub to: To,
}

/// Where a machine was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// Where its run strategy sends it.
    Strategy,
    /// Running, whatever the strategy says.
    Run,
    /// Stopped, whatever the strategy says.
    Stop,
    /// Running as another instance than the one with this UID.
    RunAgain(String),
}

/// Looks at a VirtualMachine.
pub fn progress(facts: &Facts, sent: &Sent) -> Progress {
    let (namespace, machine) = (sent.namespace.as_str(), sent.vm.as_str());
    let Some(vm) = facts.get(kind::MACHINE, namespace, machine) else {
        let line = Line { what: machine.to_owned(), state: State::Failed, detail: "it does not exist".into() };
        return Progress { lines: vec![line], state: State::Failed };
    };
    let instance = facts.get(kind::INSTANCE, namespace, machine);
    let goal = match &sent.to {
        To::Strategy => goal(vm),
        To::Run | To::RunAgain(_) => Goal::On,
        To::Stop => Goal::Off,
    };
    let stays_off = goal == Goal::Off;
    let mut lines = Vec::new();
    for volume in list(vm, &LISTS[1]) {
        let Some(claim) = claim_of(volume) else { continue };
        let name = volume["name"].as_str().unwrap_or_default();
        let (state, detail) = disk(facts, namespace, claim, stays_off, instance);
        let detail = why(state, detail, facts, namespace, &Since::Ever, &|name| name == claim);
        lines.push(Line { what: format!("disk {name}"), state, detail });
    }
    let (state, detail) = match (&sent.to, instance) {
        (To::RunAgain(old), Some(instance)) if text(instance, "/metadata/uid") == Some(old) => {
            (State::Waiting, "still the one from before".to_owned())
        }
        _ => self::machine(vm, instance, goal),
    };
    // A launcher pod is called after its machine.
    let launcher = format!("virt-launcher-{machine}-");
    // What was wrong at an earlier start, or before it was sent away, is no reason now.
    let since = match instance {
        Some(instance) if stays_off => Since::of(text(instance, "/metadata/deletionTimestamp")),
        Some(instance) => Since::of(text(instance, "/metadata/creationTimestamp")),
        None => Since::Ever,
    };
    let detail = why(state, detail, facts, namespace, &since, &|name| name == machine || name.starts_with(&launcher));
    // What a machine says while its disks are filled is about them: KubeVirt calls a claim that comes missing.
    let filling = lines.iter().any(|line| line.state == State::Waiting);
    let state = if state == State::Failed && filling { State::Waiting } else { state };
    lines.insert(0, Line { what: machine.to_owned(), state, detail });
    let state = lines.iter().map(|line| line.state).max().unwrap_or(State::Done);
    Progress { lines, state }
}

/// Where its run strategy sends a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// It shall run.
    On,
    /// It shall not.
    Off,
    /// People start and stop it.
    Any,
}

/// Where a VirtualMachine is sent.
pub(crate) fn goal(vm: &Value) -> Goal {
    match (text(vm, "/spec/runStrategy"), vm.pointer("/spec/running").and_then(Value::as_bool)) {
        (Some("Halted"), _) | (None, Some(false)) => Goal::Off,
        (Some("Manual"), _) => Goal::Any,
        _ => Goal::On,
    }
}

fn machine(vm: &Value, instance: Option<&Value>, goal: Goal) -> (State, String) {
    let shown = text(vm, "/status/printableStatus").unwrap_or("new");
    let word = shown.to_owned();
    match (goal, instance) {
        (Goal::Off, None) if shown == "Stopped" || shown == "new" => (State::Done, "Stopped".into()),
        (Goal::Off, Some(instance)) if has_ended(instance) => (State::Done, "Stopped".into()),
        (Goal::Off, _) => (State::Waiting, word),
        (Goal::Any, _) => (State::Done, word),
        (Goal::On, Some(instance)) if text(instance, "/status/phase") == Some("Running") => {
            let ready = condition(instance, "Ready");
            match ready {
                Some((true, _)) | None => (State::Done, "Running".into()),
                Some((false, why)) => (State::Waiting, format!("Running, not ready: {why}")),
            }
        }
        // Started once, and it is over.
        (Goal::On, Some(instance))
            if text(vm, "/spec/runStrategy") == Some("Once")
                && text(instance, "/status/phase") == Some("Succeeded") =>
        {
            (State::Done, "Succeeded".into())
        }
        (Goal::On, _) => {
            let lost = matches!(
                shown,
                "CrashLoopBackOff" | "ErrorPvcNotFound" | "DataVolumeError" | "ErrImagePull" | "ImagePullBackOff"
            );
            let why =
                condition(vm, "Failure").map(|(_, why)| why).or_else(|| condition(vm, "Ready").map(|(_, why)| why));
            let detail = why.filter(|why| !why.is_empty()).map_or(word.clone(), |why| format!("{word}: {why}"));
            (if lost { State::Failed } else { State::Waiting }, detail)
        }
    }
}

/// Whether a condition holds, and its words.
fn condition(object: &Value, name: &str) -> Option<(bool, String)> {
    let (holds, reason, message) = facts::condition(object, name)?;
    Some((holds, redact(if message.is_empty() { reason } else { message })))
}

fn disk(facts: &Facts, namespace: &str, claim: &str, stays_off: bool, instance: Option<&Value>) -> (State, String) {
    let volume = facts.get(kind::DATA_VOLUME, namespace, claim);
    let found = facts.get(kind::CLAIM, namespace, claim);
    if let Some(volume) = volume {
        let phase = text(volume, "/status/phase").unwrap_or_default();
        let waits_for_pod = matches!(phase, "WaitForFirstConsumer" | "PendingPopulation");
        match phase {
            "Succeeded" => {}
            "Failed" => {
                let why = condition(volume, "Running").map(|(_, why)| why).unwrap_or_default();
                return (State::Failed, format!("the import failed: {why}"));
            }
            _ if waits_for_pod && stays_off => return (State::Done, "is made at the first start".into()),
            _ => {
                let restarts = volume.pointer("/status/restartCount").and_then(Value::as_u64).unwrap_or_default();
                let percent = text(volume, "/status/progress").filter(|progress| progress.ends_with('%'));
                let mut detail = match percent {
                    Some(percent) => format!("{phase} {percent}"),
                    None if phase.is_empty() => "Pending".to_owned(),
                    None => phase.to_owned(),
                };
                if restarts > 0 {
                    let why = condition(volume, "Running").filter(|(holds, _)| !holds).map(|(_, why)| why);
                    detail
                        .push_str(&format!(", failed {restarts} times: {}", why.as_deref().unwrap_or("no reason yet")));
                    if restarts >= RESTARTS && why.is_some_and(|why| cannot_heal(&why)) {
                        return (State::Failed, detail);
                    }
                }
                return (State::Waiting, detail);
            }
        }
    }
    let Some(found) = found else {
        return (if volume.is_some() { State::Waiting } else { State::Failed }, "its claim does not exist".into());
    };
    match text(found, "/status/phase") {
        Some("Bound") => {}
        Some("Lost") => return (State::Failed, "the volume of its claim is gone".into()),
        _ if stays_off => return (State::Done, "is made at the first start".into()),
        phase => return (State::Waiting, format!("its claim is {}", phase.unwrap_or("new"))),
    }
    growth(found, instance).line()
}

/// A size as people write it, where that loses nothing.
fn shown(size: &Quantity) -> String {
    let whole = size.units().filter(|bytes| bytes.is_multiple_of(1 << 20));
    whole.map_or_else(|| size.to_string(), mebibytes)
}

/// Words of an importer that trying again does not change.
fn cannot_heal(why: &str) -> bool {
    let why = why.to_lowercase();
    is_hopeless(&why) || ["checksum", "larger than"].iter().any(|word| why.contains(word))
}

/// Words, in lower case, of a server or an image to which an importer goes in vain.
pub(crate) fn is_hopeless(words: &str) -> bool {
    ["404", "not found", "manifest unknown", "unauthorized", "403", "no such host", "unsupported"]
        .iter()
        .any(|part| words.contains(part))
}

/// The size of a claim by which a running machine makes its disk. Source: KubeVirt, pkg/storage/types.
fn known_to(instance: &Value, claim: &str) -> Option<Quantity> {
    let volumes = instance.pointer("/status/volumeStatus").and_then(Value::as_array)?;
    let info = volumes.iter().map(|volume| &volume["persistentVolumeClaimInfo"]);
    let info = info.into_iter().find(|info| info["claimName"] == claim)?;
    text(info, "/capacity/storage").and_then(|text| Quantity::parse(text).ok())
}

/// Where a claim is on its way to the size that it asks for. The words are those for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Growth {
    /// It is there.
    There(String),
    /// It is, and its running machine does not know it yet.
    Guest(String),
    /// The next start of the machine makes it larger.
    NextStart(String),
    /// The node on which the machine runs has to.
    Node(String),
    /// The storage's controller has to.
    Controller(String),
    /// It does not come, and why.
    Failed(String, String),
}

impl Growth {
    /// Whether it is waited for, and its words.
    pub fn line(self) -> (State, String) {
        match self {
            Self::There(words) | Self::NextStart(words) => (State::Done, words),
            Self::Guest(words) | Self::Node(words) | Self::Controller(words) => (State::Waiting, words),
            Self::Failed(words, why) => (State::Failed, format!("{words}: {why}")),
        }
    }
}

/// Whether a claim has the size that it asks for, and its running machine knows it.
pub fn growth(claim: &Value, instance: Option<&Value>) -> Growth {
    let quantity = |pointer: &str| text(claim, pointer).and_then(|text| Quantity::parse(text).ok());
    let (Some(asked), Some(has)) = (quantity("/spec/resources/requests/storage"), quantity("/status/capacity/storage"))
    else {
        return Growth::There("Bound".into());
    };
    if has >= asked {
        let name = text(claim, "/metadata/name").unwrap_or_default();
        return match instance.and_then(|instance| known_to(instance, name)).filter(|known| *known < has) {
            Some(known) => Growth::Guest(format!("{}; the machine still knows {}", shown(&has), shown(&known))),
            None => Growth::There(format!("Bound, {}", shown(&has))),
        };
    }
    let (asked, has) = (shown(&asked), shown(&has));
    let grows = format!("grows from {has} to {asked}");
    let failed = ["ControllerResizeError", "NodeResizeError"];
    let failure = failed.iter().find_map(|name| condition(claim, name).filter(|(holds, _)| *holds));
    if let Some((_, why)) = failure {
        return Growth::Failed(grows, why);
    }
    let waits_for_node = condition(claim, "FileSystemResizePending").is_some_and(|(holds, _)| holds);
    match (waits_for_node, instance.is_some()) {
        (true, false) => Growth::NextStart(format!("{has}; grows to {asked} at the next start")),
        (true, true) => Growth::Node(format!("{grows}: waits for the node")),
        (false, _) => Growth::Controller(grows),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(strategy: &str, shown: &str, volume: Option<Value>, claim: &str) -> Facts {
        let mut facts = Facts::default();
        facts.insert(json!({
            "kind": "VirtualMachine", "metadata": {"name": "web-vm", "namespace": "n"},
            "spec": {"runStrategy": strategy, "template": {"spec": {"volumes": [{"name": "a", "dataVolume": {"name": "web-a"}}]}}},
            "status": {"printableStatus": shown},
        }));
        facts.insert(json!({
            "kind": "PersistentVolumeClaim", "metadata": {"name": "web-a", "namespace": "n"}, "status": {"phase": claim},
        }));
        if let Some(status) = volume {
            facts.insert(
                json!({"kind": "DataVolume", "metadata": {"name": "web-a", "namespace": "n"}, "status": status}),
            );
        }
        facts
    }

    fn sent() -> Sent {
        Sent { namespace: "n".into(), vm: "web-vm".into(), shown: "web".into(), to: To::Strategy }
    }

    fn state(facts: &Facts) -> State {
        progress(facts, &sent()).state
    }

    #[test]
    fn a_stopped_machine_that_shall_be_stopped_is_there() {
        assert_eq!(state(&facts("Halted", "Stopped", None, "Bound")), State::Done);
        let waits = json!({"phase": "PendingPopulation"});
        assert_eq!(state(&facts("Halted", "Stopped", Some(waits.clone()), "Pending")), State::Done);
        assert_eq!(state(&facts("Always", "Provisioning", Some(waits), "Pending")), State::Waiting);
    }

    #[test]
    fn the_last_warning_tells_why() {
        let mut facts = facts("Always", "Provisioning", None, "Pending");
        for (time, message) in [("2026-01-02T00:00:00Z", "no space left"), ("2026-01-01T00:00:00Z", "slow")] {
            facts.insert(json!({
                "kind": "Event", "metadata": {"name": time, "namespace": "n"}, "message": message,
                "lastTimestamp": time, "involvedObject": {"name": "web-a"},
            }));
        }
        assert_eq!(progress(&facts, &sent()).lines[1].detail, "its claim is Pending (no space left)");
    }

    #[test]
    fn only_what_cannot_heal_is_lost() {
        let failing = |restarts: u64, why: &str| {
            let running = json!([{"type": "Running", "status": "False", "reason": "Error", "message": why}]);
            facts(
                "Always",
                "DataVolumeError",
                Some(json!({"phase": "ImportInProgress", "restartCount": restarts, "conditions": running})),
                "Bound",
            )
        };
        assert_eq!(state(&failing(5, "connection reset")), State::Waiting);
        assert_eq!(state(&failing(1, "404 Not Found")), State::Waiting);
        assert_eq!(state(&failing(3, "404 Not Found")), State::Failed);
        // During an import KubeVirt says that a claim is missing.
        let importing = json!({"phase": "ImportInProgress", "progress": "12.5%"});
        let progress = progress(&facts("Always", "ErrorPvcNotFound", Some(importing), "Bound"), &sent());
        assert_eq!(progress.state, State::Waiting);
        assert_eq!(progress.lines[1].detail, "ImportInProgress 12.5%");
    }
}
