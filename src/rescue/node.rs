//! How a node is, in the words of the cluster.

use serde_json::Value;

use super::mark::{Mark, TAINT};
use crate::facts::{Facts, kind, path, text};
use crate::status::time::{seconds, since};

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Whether it is there.
    pub presence: Presence,
    /// For how long it has been so, in seconds.
    pub since: Option<i64>,
    /// What the cluster says about it: a reason, or a message.
    pub why: String,
    /// Its taints, as kubectl writes them.
    pub taints: Vec<String>,
    /// How long ago its virt-handler was last heard, in seconds.
    pub heard: Option<i64>,
    /// Whether virt-handler goes on since the kubelet fell silent: its power is on.
    pub beats: bool,
    /// Which boot of it this is, if it told.
    pub boot: Option<String>,
    /// Whether somebody said that its power is off.
    pub out_of_service: OutOfService,
}

/// Whether a node is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is ready. `cordoned`: and takes no new pods.
    Ready {
        /// Whether a person keeps new pods away from it.
        cordoned: bool,
    },
    /// Its kubelet answers, and says that it is not ready: its power is on.
    Unready,
    /// Nothing is heard from it.
    Silent,
    /// It is not part of the cluster any more.
    Gone,
    /// Nodes may not be read.
    Unknown,
}

/// Whether a node has the taint by which Kubernetes takes it for switched off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutOfService {
    /// It does not.
    No,
    /// This tool set it, and noted this.
    Ours(Mark),
    /// Somebody else set it.
    Others,
}

impl Presence {
    /// In a word, for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ready { .. } => "ready",
            Self::Unready => "not-ready",
            Self::Silent => "silent",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
        }
    }
}

impl Node {
    /// What this tool noted when it set the taint.
    pub fn mark(&self) -> Option<&Mark> {
        match &self.out_of_service {
            OutOfService::Ours(mark) => Some(mark),
            OutOfService::No | OutOfService::Others => None,
        }
    }

    /// Whether it has the taint.
    pub fn is_out_of_service(&self) -> bool {
        self.out_of_service != OutOfService::No
    }

    /// Whether it is ready.
    pub const fn is_ready(&self) -> bool {
        matches!(self.presence, Presence::Ready { .. })
    }

    /// Whether it is back without having started anew: then its power was never off, and its guests ran on.
    pub fn never_restarted(&self) -> bool {
        let before = self.mark().and_then(|mark| mark.boot.as_ref());
        before.is_some() && before == self.boot.as_ref()
    }
}

/// A node as the facts have it.
pub(super) fn node(facts: &Facts, name: &str, now: i64) -> Node {
    match facts.get(kind::NODE, "", name) {
        Some(found) => Node::of(found, now),
        None => {
            let unread = facts.unknown(kind::NODE, "");
            Node {
                name: name.to_owned(),
                presence: if unread.is_some() { Presence::Unknown } else { Presence::Gone },
                since: None,
                why: unread.map(|unread| unread.reason.clone()).unwrap_or_default(),
                taints: Vec::new(),
                heard: None,
                beats: false,
                boot: None,
                out_of_service: OutOfService::No,
            }
        }
    }
}

impl Node {
    /// A node from the object that stands for it.
    pub fn of(found: &Value, now: i64) -> Self {
        let conditions = found.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
        let ready = conditions.into_iter().find(|condition| condition["type"] == "Ready").unwrap_or(&Value::Null);
        let cordoned = found.pointer("/spec/unschedulable") == Some(&Value::Bool(true));
        // A kubelet that falls silent cannot say so: the node's controller then writes Unknown, after 40 seconds.
        let presence = match ready["status"].as_str() {
            Some("True") => Presence::Ready { cordoned },
            Some("False") => Presence::Unready,
            _ => Presence::Silent,
        };
        let at = |time: Option<&str>| time.and_then(seconds);
        let heard = at(path(found, &["metadata", "annotations", "kubevirt.io/heartbeat"]).and_then(Value::as_str));
        let silent = at(text(ready, "/lastTransitionTime"));
        let words = ["/message", "/reason"].iter().find_map(|at| text(ready, at).filter(|words| !words.is_empty()));
        let taints = taints(found);
        let mark = path(found, &["metadata", "annotations", super::mark::ANNOTATION]).and_then(Value::as_str);
        let tainted = taints.iter().any(|taint| taint["key"] == TAINT);
        Self {
            name: text(found, "/metadata/name").unwrap_or_default().to_owned(),
            presence,
            since: since(ready, "/lastTransitionTime", now),
            why: words.unwrap_or_default().trim_end_matches('.').to_owned(),
            taints: taints.iter().map(shown).collect(),
            heard: heard.map(|then| now.saturating_sub(then).max(0)),
            beats: presence == Presence::Silent && heard.is_some_and(|heard| beats(heard, silent, now)),
            boot: text(found, "/status/nodeInfo/bootID").filter(|boot| !boot.is_empty()).map(str::to_owned),
            out_of_service: match (tainted, mark) {
                (true, Some(mark)) => OutOfService::Ours(Mark::read(mark)),
                (true, None) => OutOfService::Others,
                (false, _) => OutOfService::No,
            },
        }
    }
}

/// How much later than the silence of the kubelet a sign of life must be, in seconds: two clocks may differ by so much.
const LATER: i64 = 60;

/// How old the last sign of life of a virt-handler may be that goes on, in seconds. It gives one after 60 to 132 seconds,
/// and the time that this takes. Source: KubeVirt, pkg/virt-handler/heartbeat/heartbeat.go.
const YOUNG: i64 = 150;

/// Whether a sign of life of virt-handler says that the power of a silent node is on.
///
/// It must be later than the silence was noticed, or it may be from before the power was cut, and young, or the power may
/// be cut since. `heard` is by the clock of the node, `silent` by that of the node's controller, and `now` by the one of this
/// machine. A clock of the node that is fast, or one here that is slow, lets a person wait for longer. Of one that is fast
/// here a sign looks old: what it would prove is then not seen, and the word of the person counts alone.
fn beats(heard: i64, silent: Option<i64>, now: i64) -> bool {
    silent.is_none_or(|silent| heard.saturating_sub(silent) > LATER) && now.saturating_sub(heard) < YOUNG
}

/// The taints of a node.
pub(super) fn taints(node: &Value) -> &[Value] {
    node.pointer("/spec/taints").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// `node.kubernetes.io/unreachable:NoExecute`.
fn shown(taint: &Value) -> String {
    let part = |at: &str| text(taint, at).unwrap_or_default();
    let value = Some(part("/value")).filter(|value| !value.is_empty());
    format!("{}{}:{}", part("/key"), value.map(|value| format!("={value}")).unwrap_or_default(), part("/effect"))
}
