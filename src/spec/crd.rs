//! A structural CustomResourceDefinition, for validation where Wukongs are kept in a cluster.
//!
//! This tool has no controller; the definition lets an API server refuse what could not be rendered.

use serde_json::{Map, Value, json};

use super::schema::{MAX_NAME, QUANTITY, text_value};
use super::shape::{ObjectShape, Shape};
use super::wukong::{GROUP, KIND, Spec};
use crate::text::plain;

/// The most items of a list: KubeVirt allows 256 volumes and interfaces, of which this tool adds one.
const MAX_ITEMS: u32 = 255;
/// The longest free text. The API server needs a bound to estimate the cost of the rules.
const MAX_TEXT: u32 = 4096;

/// The CustomResourceDefinition of the Wukong kind.
pub fn crd() -> Value {
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let schema = json!({
        "type": "object",
        "description": plain(super::wukong::Wukong::OBJECT.doc),
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object", "properties": {
                "name": {"type": "string", "maxLength": MAX_NAME, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},
            }},
            "spec": object_value(&Spec::OBJECT),
            "status": open,
        },
    });
    let column = |name: &str, kind: &str, path: &str| json!({"name": name, "type": kind, "jsonPath": path});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("wukongs.{GROUP}")},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": KIND, "listKind": format!("{KIND}List"), "plural": "wukongs", "singular": "wukong"},
            "versions": [{
                "name": "v1alpha1",
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "additionalPrinterColumns": [
                    column("CPU", "integer", ".spec.cpu"),
                    column("Memory", "string", ".spec.memory"),
                    column("Age", "date", ".metadata.creationTimestamp"),
                ],
                "schema": {"openAPIV3Schema": schema},
            }],
        },
    })
}

fn value(shape: &Shape) -> Value {
    match shape {
        Shape::Text(text) => {
            let mut schema = text_value(text);
            if text.max.is_none() {
                schema["maxLength"] = json!(MAX_TEXT);
            }
            schema
        }
        Shape::Integer(min, max) => json!({"type": "integer", "format": "int64", "minimum": min, "maximum": max}),
        Shape::Boolean => json!({"type": "boolean"}),
        Shape::Quantity => json!({
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": true,
            "pattern": QUANTITY,
            "maxLength": 64,
        }),
        Shape::Choice(choices) => {
            json!({"type": "string", "enum": choices.iter().map(|choice| choice.word).collect::<Vec<_>>()})
        }
        Shape::Object(object) => object_value(object),
        Shape::List(item, key) => {
            let mut schema = json!({"type": "array", "maxItems": MAX_ITEMS, "items": value(item)});
            match key {
                Some(key) => {
                    schema["x-kubernetes-list-type"] = json!("map");
                    schema["x-kubernetes-list-map-keys"] = json!([key]);
                }
                None => schema["x-kubernetes-list-type"] = json!("atomic"),
            }
            schema
        }
        Shape::TextMap => json!({
            "type": "object",
            "maxProperties": MAX_ITEMS,
            "additionalProperties": {"type": "string", "maxLength": MAX_TEXT},
        }),
        Shape::Any => json!({"x-kubernetes-preserve-unknown-fields": true}),
    }
}

fn object_value(object: &ObjectShape) -> Value {
    let mut properties = Map::new();
    for field in object.fields {
        let mut described = value(&field.shape);
        if !field.required {
            described["nullable"] = json!(true);
        }
        described["description"] = json!(plain(field.doc));
        properties.insert(field.key.to_owned(), described);
    }
    let mut schema = json!({"type": "object", "description": plain(object.doc), "properties": properties});
    let required: Vec<_> = object.fields.iter().filter(|field| field.required).map(|field| field.key).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if !object.rules.is_empty() {
        let rules = object.rules.iter().map(|(rule, message)| json!({"rule": rule, "message": message}));
        schema["x-kubernetes-validations"] = rules.collect();
    }
    schema
}
