//! When a request is sent again, and after which wait.

use std::time::Duration;

use serde_json::Value;

use super::Refused;
use super::refused::{Reason, webhook_is_down};

/// How often a request is sent at most.
pub(super) const TRIES: u32 = 5;

/// The longest wait that a server can ask for: a person watches.
const LONGEST: Duration = Duration::from_secs(10);

/// What a failed try says of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It would fail again.
    Never,
    /// The server did nothing: every request may be sent again.
    Always,
    /// The server may have done it: only what may be done twice is sent again.
    IfRepeatable,
}

/// A try that failed.
pub(super) struct Failure {
    pub refused: Refused,
    pub again: Again,
    /// How long the server asks to wait.
    pub after: Option<Duration>,
}

impl Failure {
    /// A failure that no second try can mend.
    pub(super) const fn final_(refused: Refused) -> Self {
        Self { refused, again: Again::Never, after: None }
    }

    /// A failure told by an answer.
    pub(super) fn answered(refused: Refused, status: &Value, retry_after: Option<&str>) -> Self {
        let header = retry_after.and_then(|text| text.trim().parse().ok());
        let seconds: Option<u64> = header.or_else(|| status["details"]["retryAfterSeconds"].as_u64());
        let after = seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs);
        let again = match refused.code {
            // Refused at the gate.
            Some(429) => Again::Always,
            Some(500) if webhook_is_down(status) => Again::Always,
            Some(500) if after.is_some() || refused.reason == Reason::Timeout => Again::IfRepeatable,
            // A proxy, an aggregated API or etcd on the way: it may have arrived.
            Some(502..=504) => Again::IfRepeatable,
            _ => Again::Never,
        };
        Self { refused, again, after }
    }

    /// How long to wait before the next try, the first being number 1; nothing if there shall be none.
    pub(super) fn wait(&self, tried: u32, repeatable: bool) -> Option<Duration> {
        let allowed = match self.again {
            Again::Never => false,
            Again::Always => true,
            Again::IfRepeatable => repeatable,
        };
        let pause = [200, 500, 1250, 3000].get(tried as usize - 1).copied().map(Duration::from_millis)?;
        (allowed && tried < TRIES).then(|| self.after.map_or(pause, |after| after.min(LONGEST)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Asked;
    use serde_json::json;

    fn failure(code: u16, status: &Value, header: Option<&str>) -> Failure {
        Failure::answered(Refused::of_status(&Asked::default(), code, status), status, header)
    }

    #[test]
    fn waits_grow_and_end() {
        let busy = failure(503, &json!({}), None);
        let waits: Vec<_> = (1..=5).map(|tried| busy.wait(tried, true).map(|wait| wait.as_millis())).collect();
        assert_eq!(waits, [Some(200), Some(500), Some(1250), Some(3000), None]);
        assert_eq!(busy.wait(1, false), None);
    }

    #[test]
    fn the_server_may_ask_for_more_but_not_for_too_much() {
        let wait = |header| failure(429, &json!({}), Some(header)).wait(1, false).unwrap().as_millis();
        assert_eq!(
            (wait("1"), wait("3600"), wait("Wed, 21 Oct 2015 07:28:00 GMT"), wait("0")),
            (1000, 10_000, 200, 200)
        );
        let status = json!({"details": {"retryAfterSeconds": 2}});
        assert_eq!(failure(500, &status, None).wait(1, true), Some(Duration::from_secs(2)));
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for code in [400, 401, 403, 404, 409, 410, 422, 500, 501] {
            assert_eq!(failure(code, &json!({}), None).again, Again::Never, "{code}");
        }
        let webhook = json!({"message": "failed calling webhook \"x\": Post: connect: connection refused"});
        assert_eq!(failure(500, &webhook, None).again, Again::Always);
        let denied = json!({"message": "failed calling webhook \"x\": x509: unknown authority"});
        assert_eq!(failure(500, &denied, None).again, Again::Never);
    }
}
