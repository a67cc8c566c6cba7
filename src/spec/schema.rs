//! The JSON Schema (draft 7) that lets editors complete and check a Wukong file.

use serde_json::{Map, Value, json};

use super::decode::Decode as _;
use super::shape::{ObjectShape, Shape, TextShape};
use super::wukong::{API_VERSION, KIND, Wukong};
use crate::text::plain;

/// Every spelling of a quantity that the decoder accepts.
pub(super) const QUANTITY: &str = "^[+]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+|[numkKMGTPE]|[KMGTPE]i)?$";

/// The longest name whose VirtualMachine, `<name>-vm`, can live-migrate.
pub(super) const MAX_NAME: u32 = 60;

/// The schema of a Wukong file, with descriptions.
pub fn json_schema() -> Value {
    let mut schema = value(&Wukong::SHAPE);
    schema["properties"]["apiVersion"] = json!({
        "type": "string", "const": API_VERSION, "description": field_doc("apiVersion"),
    });
    schema["properties"]["kind"] = json!({"type": "string", "const": KIND, "description": field_doc("kind")});
    schema["properties"]["metadata"]["properties"]["name"]["maxLength"] = json!(MAX_NAME);
    let mut root = Map::new();
    root.insert("$schema".into(), json!("http://json-schema.org/draft-07/schema#"));
    root.insert("title".into(), json!("Wukong"));
    if let Value::Object(fields) = schema {
        root.extend(fields);
    }
    Value::Object(root)
}

fn field_doc(key: &str) -> String {
    Wukong::OBJECT.fields.iter().find(|field| field.key == key).map(|field| plain(field.doc)).unwrap_or_default()
}

fn value(shape: &Shape) -> Value {
    match shape {
        Shape::Text(text) => text_value(text),
        Shape::Integer(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
        Shape::Boolean => json!({"type": "boolean"}),
        Shape::Quantity => json!({"type": ["string", "number"], "pattern": QUANTITY, "minimum": 0}),
        Shape::Choice(choices) => {
            let words: Vec<_> = choices.iter().map(|choice| choice.word).collect();
            // Editors show these beside the words.
            let docs: Vec<_> = choices.iter().map(|choice| plain(choice.doc)).collect();
            json!({"type": "string", "enum": words, "enumDescriptions": docs})
        }
        Shape::Object(object) => object_value(object),
        Shape::List(item, _) => json!({"type": "array", "items": value(item)}),
        Shape::TextMap => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Shape::Any => json!({}),
    }
}

fn object_value(object: &ObjectShape) -> Value {
    let mut properties = Map::new();
    for field in object.fields {
        let mut described = value(&field.shape);
        if !field.required {
            or_null(&mut described);
        }
        described["description"] = json!(plain(field.doc));
        if field.ignored {
            described["deprecated"] = json!(true);
        }
        properties.insert(field.key.to_owned(), described);
    }
    let required: Vec<_> = object.fields.iter().filter(|field| field.required).map(|field| field.key).collect();
    let mut schema = json!({
        "type": "object",
        "description": plain(object.doc),
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// A field that is not required may be there without a value.
fn or_null(schema: &mut Value) {
    let types = match schema["type"].take() {
        Value::String(one) => vec![json!(one), json!("null")],
        Value::Array(several) => several.into_iter().chain([json!("null")]).collect(),
        _ => {
            if let Value::Object(schema) = schema {
                schema.remove("type");
            }
            return;
        }
    };
    schema["type"] = Value::Array(types);
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.push(Value::Null);
    }
}

/// The constraints of a text; shared with the CRD.
pub(super) fn text_value(text: &TextShape) -> Value {
    let mut schema = json!({"type": "string"});
    if let Some(pattern) = text.pattern {
        schema["pattern"] = json!(pattern);
    }
    if let Some(max) = text.max {
        schema["maxLength"] = json!(max);
    }
    schema
}
