//! What the descriptions of several routes are made of.

use serde_json::{Value, json};

/// An answer with a body of JSON.
pub(super) fn found(description: &str, schema: &Value) -> Value {
    json!({"description": description, "content": {"application/json": {"schema": schema}}})
}

/// A body of JSON that must be there.
pub(super) fn body(schema: &Value, example: &Value) -> Value {
    let content = json!({"application/json": {"schema": schema, "example": example}});
    json!({"required": true, "content": content})
}

pub(super) fn query(name: &str, schema: &Value, description: &str) -> Value {
    json!({"name": name, "in": "query", "schema": schema, "description": description})
}

pub(super) fn many(of: &Value) -> Value {
    json!({"type": "array", "items": of})
}

pub(super) fn text_or_null() -> Value {
    json!({"type": ["string", "null"]})
}
