//! JSON: one List with all objects, whatever their number, so that scripts see one shape.

use std::io::{self, Write};

use serde_json::Value;

/// One object, indented, with a line break at the end.
pub fn one(object: &Value) -> String {
    // Values have text keys only and memory does not fail; `{:#}` cannot go wrong.
    format!("{object:#}\n")
}

/// A Kubernetes List, written object by object.
///
/// # Errors
/// Those of the writer.
pub fn write_list(objects: impl Iterator<Item = Value>, out: &mut impl Write) -> io::Result<()> {
    write!(out, "{{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"List\",\n  \"items\": [")?;
    let mut first = true;
    for object in objects {
        let separator = if std::mem::take(&mut first) { "" } else { "," };
        let text = format!("{object:#}").replace('\n', "\n    ");
        write!(out, "{separator}\n    {text}")?;
    }
    let end = if first { "]" } else { "\n  ]" };
    writeln!(out, "{end}\n}}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_written_as_it_would_be_whole() {
        for items in [vec![], vec![json!({"a": [1, {"b": "x\ny"}]}), json!({"c": {}})]] {
            let mut out = Vec::new();
            write_list(items.clone().into_iter(), &mut out).unwrap();
            let whole = one(&json!({"apiVersion": "v1", "kind": "List", "items": items}));
            assert_eq!(String::from_utf8(out).unwrap(), whole);
        }
    }
}
