//! What a machine has and its file does not say. Server-side apply leaves it alone.

use serde_json::Value;

/// Fields that KubeVirt fills in at every machine, and lists that are told entry by entry.
const KNOWN: [&str; 10] = [
    "spec.running",
    "spec.dataVolumeTemplates",
    "spec.instancetype",
    "spec.template.metadata.creationTimestamp",
    "spec.template.metadata.labels",
    "spec.template.metadata.annotations",
    "spec.template.spec.domain.devices.disks",
    "spec.template.spec.domain.devices.interfaces",
    "spec.template.spec.networks",
    "spec.template.spec.volumes",
];

/// The names of the fields of a machine that are not sent, the outermost of each; never their values.
pub(super) fn fields(live: &Value, sent: &Value) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(spec) = live.get("spec") {
        walk("spec", spec, sent.get("spec"), &mut out);
    }
    out
}

fn walk(at: &str, live: &Value, sent: Option<&Value>, out: &mut Vec<String>) {
    if KNOWN.contains(&at) || is_nothing(live) {
        return;
    }
    match (live, sent) {
        (Value::Object(fields), Some(sent)) if sent.is_object() => {
            for (key, value) in fields {
                walk(&format!("{at}.{key}"), value, sent.get(key), out);
            }
        }
        (_, Some(_)) => {}
        (_, None) => out.push(at.to_owned()),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(is_nothing),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_outermost_field_is_named() {
        let live = json!({"spec": {"running": true, "preference": {"name": "x"}, "template": {"spec": {
            "domain": {"clock": {"utc": {}, "timer": {"rtc": {"a": 1}}}, "cpu": {"cores": 1, "model": "host"}, "devices": {}},
            "volumes": [1],
        }}}});
        let sent = json!({"spec": {"template": {"spec": {"domain": {"cpu": {"cores": 1}, "devices": {}}}}}});
        let expected = ["spec.preference", "spec.template.spec.domain.clock", "spec.template.spec.domain.cpu.model"];
        assert_eq!(fields(&live, &sent), expected);
    }
}
