//! The last warning about an object that is on its way.

use serde_json::Value;

use super::State;
use crate::facts::{Facts, kind, last_seen, text};
use crate::text::redact;

/// From when on a warning counts.
pub(super) enum Since<'a> {
    /// Always.
    Ever,
    /// From a second on: some times have parts of one, and some do not.
    Second(&'a str),
    /// Not yet.
    Never,
}

impl<'a> Since<'a> {
    /// From a time as the API writes it; never if there is none.
    pub(super) fn of(time: Option<&'a str>) -> Self {
        time.and_then(|time| time.get(..19)).map_or(Self::Never, Self::Second)
    }

    fn counts(&self, time: &str) -> bool {
        match self {
            Self::Ever => true,
            Self::Second(since) => time.get(..19).is_some_and(|time| time >= *since),
            Self::Never => false,
        }
    }
}

/// Adds the last warning about an object that is not there yet.
pub(super) fn why(
    state: State,
    detail: String,
    facts: &Facts,
    namespace: &str,
    since: &Since<'_>,
    about: &dyn Fn(&str) -> bool,
) -> String {
    if state == State::Done {
        return detail;
    }
    let time = |event: &Value| last_seen(event).unwrap_or_default().to_owned();
    let told = facts
        .all(kind::EVENT, namespace)
        .filter(|event| about(text(event, "/involvedObject/name").unwrap_or_default()))
        .filter(|event| since.counts(&time(event)));
    match told.max_by_key(|event| time(event)).and_then(|event| text(event, "/message")) {
        Some(message) if !detail.contains(message) => format!("{detail} ({})", redact(message.trim())),
        _ => detail,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::{Sent, To, progress};

    #[test]
    fn what_was_wrong_before_is_no_reason() {
        let mut facts = Facts::default();
        facts.insert(json!({
            "kind": kind::EVENT, "metadata": {"name": "e", "namespace": "n"}, "message": "no node",
            "lastTimestamp": "2026-01-01T00:00:10Z", "involvedObject": {"name": "web-vm"},
        }));
        let told =
            |since: &Since<'_>| why(State::Waiting, "Running".into(), &facts, "n", since, &|name| name == "web-vm");
        assert_eq!(told(&Since::Ever), "Running (no node)");
        assert_eq!(told(&Since::of(Some("2026-01-01T00:00:10.5Z"))), "Running (no node)");
        assert_eq!(told(&Since::of(Some("2026-01-01T00:00:11Z"))), "Running");
        assert_eq!(told(&Since::of(None)), "Running");
    }

    /// A machine that is asked to stop was started a while ago, with difficulties.
    #[test]
    fn a_warning_of_its_start_is_no_reason_that_a_machine_has_not_stopped() {
        let mut facts = Facts::default();
        facts.insert(json!({
            "kind": kind::MACHINE, "metadata": {"name": "web-vm", "namespace": "n"},
            "spec": {"runStrategy": "Halted"}, "status": {"printableStatus": "Running"},
        }));
        facts.insert(json!({
            "kind": kind::EVENT, "metadata": {"name": "e", "namespace": "n"}, "message": "no node fits",
            "lastTimestamp": "2026-01-01T00:00:05Z", "involvedObject": {"name": "virt-launcher-web-vm-x"},
        }));
        let mut told = |going: Value| {
            let metadata = json!({
                "name": "web-vm", "namespace": "n", "creationTimestamp": "2026-01-01T00:00:00Z", "deletionTimestamp": going,
            });
            facts.insert(json!({"kind": kind::INSTANCE, "metadata": metadata, "status": {"phase": "Running"}}));
            let sent = Sent { namespace: "n".into(), vm: "web-vm".into(), shown: "web".into(), to: To::Strategy };
            progress(&facts, &sent).lines[0].detail.contains("no node fits")
        };
        assert!(!told(Value::Null) && !told(json!("2026-01-01T00:01:00Z")) && told(json!("2026-01-01T00:00:04Z")));
    }
}
