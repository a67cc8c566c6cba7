//! What a DataVolume was filled from, in the words of a Wukong.

use serde_json::Value;

use super::file::{Field, field};
use super::probe;
use crate::facts::text;
use crate::text::has_credentials;

/// The fields that name the source of a DataVolume; none where a Wukong would not say exactly the same.
pub(super) fn of(volume: &Value) -> Option<Vec<Field>> {
    let source = volume.pointer("/spec/source")?;
    let (kind, body) = source.as_object()?.iter().find(|(_, body)| !body.is_null())?;
    let url = text(body, "/url");
    // An address that carries credentials stays where it is.
    if url.is_some_and(has_credentials) {
        return None;
    }
    let place = || Some(format!("{}/{}", text(body, "/namespace")?, text(body, "/name")?));
    let image = match kind.as_str() {
        "registry" | "http" | "gcs" => url?.to_owned(),
        "s3" => format!("s3://{}", url?.strip_prefix("https://")?),
        "pvc" => format!("pvc:{}", place()?),
        "snapshot" => format!("snapshot:{}", place()?),
        _ => return None,
    };
    let mut fields = vec![field("image", image)];
    for (key, pointer) in
        [("imageSecret", "/secretRef"), ("imageCertConfigMap", "/certConfigMap"), ("imageChecksum", "/checksum")]
    {
        fields.extend(text(body, pointer).filter(|name| !name.is_empty()).map(|name| field(key, name)));
    }
    says_the_same(&fields, source).then_some(fields)
}

/// Whether these fields make a DataVolume with this source.
fn says_the_same(fields: &[Field], source: &Value) -> bool {
    let mut disk = vec![field("name", "disk"), field("size", "1Gi")];
    disk.extend_from_slice(fields);
    let spec = super::file::list("disks", vec![(Vec::new(), disk)]);
    let made = probe::render("probe", "probe", &[], vec![spec]);
    made.iter().any(|manifest| manifest.object.pointer("/spec/source") == Some(&without_nulls(source)))
}

fn without_nulls(value: &Value) -> Value {
    match value.as_object() {
        Some(fields) => {
            let said = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(said.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
        }
        None => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_comes_out_the_same_is_said() {
        let image =
            |source: Value| of(&json!({"spec": {"source": source}})).map(|fields| super::super::file::write(&fields));
        assert_eq!(
            image(json!({"registry": {"url": "docker://quay.io/containerdisks/fedora:42"}})).as_deref(),
            Some("image: docker://quay.io/containerdisks/fedora:42\n")
        );
        assert_eq!(
            image(json!({"s3": {"url": "https://minio.example.com/b/k", "secretRef": "keys"}})).as_deref(),
            Some("image: s3://minio.example.com/b/k\nimageSecret: keys\n")
        );
        assert_eq!(image(json!({"pvc": {"namespace": "a", "name": "b"}})).as_deref(), Some("image: pvc:a/b\n"));
        for other in [
            json!({"registry": {"url": "docker://fedora:42"}}),
            json!({"registry": {"url": "docker://quay.io/a/b:1", "pullMethod": "node"}}),
            json!({"http": {"url": "https://user:pass@example.com/x.img"}}),
            json!({"http": {"url": "https://example.com/x.img", "extraHeaders": ["a: b"]}}),
            json!({"upload": {}}),
            json!({"http": 3}),
            json!([]),
        ] {
            assert_eq!(image(other.clone()), None, "{other}");
        }
    }
}
