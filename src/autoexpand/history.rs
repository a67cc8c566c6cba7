//! What was done to a claim by itself. It is written in the same request that makes the claim ask for more, so that one
//! is never there without the other.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fullness::FileSystem;
use crate::facts::{bytes_at, path};

/// The annotation of a claim that tells its last growths, the newest last, as a JSON list.
pub const GROWN: &str = "vm.novasphere.dev/grown";

/// So many growths are told.
const LENGTH: usize = 5;

/// One growth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grown {
    /// Seconds since 1970.
    pub at: i64,
    /// What the claim asked for before, in bytes.
    pub from: u64,
    /// What it asked for then.
    pub to: u64,
    /// How large the guest's file system was, in bytes.
    pub total: u64,
}

/// The last growth of a claim.
///
/// # Errors
/// The annotation cannot be read, so that nothing is known of the last growth.
pub(super) fn last(claim: &Value) -> Result<Option<Grown>, ()> {
    let Some(all) = entries(claim)? else { return Ok(None) };
    let Some(entry) = all.last() else { return Ok(None) };
    let at = entry["at"].as_str().and_then(|at| at.parse::<Timestamp>().ok()).ok_or(())?.as_second();
    let total = entry["fileSystem"]["total"].as_u64().ok_or(())?;
    let (Some(from), Some(to)) = (bytes_at(entry, "/from"), bytes_at(entry, "/to")) else { return Err(()) };
    Ok(Some(Grown { at, from, to, total }))
}

/// The annotation with one growth more.
pub(super) fn with(claim: &Value, at: i64, from: &str, to: &str, because: &FileSystem) -> String {
    let mut all = entries(claim).ok().flatten().unwrap_or_default();
    let at = Timestamp::from_second(at).unwrap_or_default().to_string();
    let file_system = json!({"mount": because.mount, "used": because.used, "total": because.total});
    all.push(json!({"at": at, "from": from, "to": to, "fileSystem": file_system}));
    let older = all.len().saturating_sub(LENGTH);
    Value::Array(all.split_off(older)).to_string()
}

fn entries(claim: &Value) -> Result<Option<Vec<Value>>, ()> {
    let Some(text) = path(claim, &["metadata", "annotations", GROWN]) else { return Ok(None) };
    let list = text.as_str().and_then(|text| serde_json::from_str::<Vec<Value>>(text).ok());
    list.map(Some).ok_or(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(text: &str) -> Value {
        json!({"metadata": {"annotations": {GROWN: text}}})
    }

    #[test]
    fn growths_are_told_and_found() {
        let system = FileSystem { mount: "/".into(), used: 9, total: 10 };
        let mut found = json!({});
        for turn in 0..7 {
            found = claim(&with(&found, 60 * turn, "1Gi", "2Gi", &system));
        }
        assert_eq!(entries(&found).unwrap().unwrap().len(), LENGTH);
        assert_eq!(last(&found), Ok(Some(Grown { at: 360, from: 1 << 30, to: 2 << 30, total: 10 })));
        assert_eq!(last(&json!({})), Ok(None));
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_nothing() {
        for text in ["", "{}", "[{}]", "[1]", "[{\"at\": \"yesterday\"}]"] {
            assert_eq!(last(&claim(text)), Err(()), "{text}");
        }
    }
}
