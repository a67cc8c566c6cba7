//! YAML that reads the same under YAML 1.1 (kubectl, cloud-init) and 1.2.

use serde_json::Value;

/// One value as a YAML document, without a marker.
pub fn yaml(value: &Value) -> String {
    let options = serde_yaml::ser_options! {
        // Long text stays on one line: folding would make every change of a word a change of many lines.
        folded_wrap_chars: usize::MAX,
    };
    // A JSON value has text keys only, and writing to memory does not fail; there is nothing else to go wrong.
    serde_yaml::to_string_with_options(value, options).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Words that YAML 1.1 takes for something else than text; each must be quoted, as a key too.
    #[test]
    fn ambiguous_text_is_quoted() {
        for word in [
            "on",
            "off",
            "yes",
            "no",
            "y",
            "n",
            "Y",
            "N",
            "On",
            "NO",
            "true",
            "null",
            "~",
            "",
            "0123",
            "0777",
            "1e3",
            "12:30:45",
            "1:30",
            "1_000",
            "0x1f",
            "0o17",
            "0b11",
            "1.",
            ".5",
            ".inf",
            ".NaN",
            "2001-12-14",
            "=",
            "<<",
            "-",
            "+1",
            "190:20:30.15",
            "685_230.15",
            "089",
            "2001-12-14t21:59:43.10-05:00",
        ] {
            let text = yaml(&json!({ "k": word }));
            let value = text.trim_end().strip_prefix("k: ").unwrap();
            assert!(value.starts_with(['"', '\'']), "{word:?} is written as {value}");
            let text = yaml(&json!({ word: 1 }));
            assert!(text.starts_with(['"', '\'']), "key {word:?} is written as {text}");
        }
    }

    #[test]
    fn line_breaks_of_any_kind_survive() {
        for text in
            ["a\nb", "a\nb\n", "\na", "  a\nb", "a\r\nb", "a\u{2028}b", "a\u{85}b", "a\n\n", "\n", "a \nb", "\ta\nb"]
        {
            let written = yaml(&json!({ "k": text }));
            let mut report = crate::diagnostic::Report::default();
            let read = crate::source::documents(0, &written, &mut report);
            assert!(report.is_valid(), "{text:?} is written as {written:?}");
            assert_eq!(read[0].root.get("k").and_then(|node| node.as_str()), Some(text), "{written:?}");
        }
    }
}
