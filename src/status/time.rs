//! Times of a cluster.

use jiff::Timestamp;
use serde_json::Value;

use crate::facts::text;

/// A time as the API writes it, in seconds since 1970.
pub(crate) fn seconds(time: &str) -> Option<i64> {
    time.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

/// How long ago a time of an object was, in seconds.
pub(crate) fn since(object: &Value, pointer: &str, now: i64) -> Option<i64> {
    text(object, pointer).and_then(seconds).map(|then| now.saturating_sub(then).max(0))
}

/// A duration as people say it: `40s`, `12m`, `3h`, `9d`.
pub(crate) fn duration(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let all = [0, 119, 120, 7199, 7200, 172_799, 172_800].map(duration);
        assert_eq!(all, ["0s", "119s", "2m", "119m", "2h", "47h", "2d"]);
        assert_eq!(seconds("1970-01-01T00:01:00Z"), Some(60));
        assert_eq!(seconds("yesterday"), None);
    }
}
