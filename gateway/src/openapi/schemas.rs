//! What bodies are made of that every context has.

use serde_json::{Map, Value, json};

use super::shared::schema;

pub(super) fn all() -> Map<String, Value> {
    let all = [problem(), answers_of_commands(), reads()];
    all.into_iter().filter_map(|part| part.as_object().cloned()).flatten().collect()
}

fn version() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn problem() -> Value {
    json!({
        "Problem": {
            "type": "object",
            "description": "RFC 9457. Branch on `code`.",
            "properties": {
                "title": {"type": "string"},
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "code": {"type": "string"},
                "detail": {"type": "string"},
                "request_id": {"type": "string"},
            },
            "required": ["title", "status", "code", "detail"],
        },
    })
}

fn answers_of_commands() -> Value {
    json!({
        "Reply": {
            "type": "object",
            "properties": {
                "status": {"type": "string", "enum": ["committed", "unchanged", "replayed"]},
                "aggregate": {"type": "string"},
                "id": {"type": "string"},
                "version": version(),
                "position": {"type": "integer", "minimum": 0, "description": "A place in the log."},
                "events": {"type": "array", "items": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string", "format": "uuid"},
                        "type": {"type": "string"},
                        "version": version(),
                    },
                    "required": ["id", "type", "version"],
                }},
            },
            "required": ["status", "aggregate", "id", "version", "position", "events"],
        },
        "Pending": {
            "type": "object",
            "properties": {"status": {"const": "pending"}, "command_id": {"type": "string"}},
            "required": ["status", "command_id"],
        },
        "Outcome": {
            "type": "object",
            "properties": {
                "status": {"type": "string",
                    "enum": ["pending", "committed", "unchanged", "replayed", "refused"]},
                "command_id": {"type": "string"},
                "time": time(),
                "reply": schema("Reply"),
                "problem": schema("Problem"),
            },
            "required": ["status", "command_id"],
        },
    })
}

fn reads() -> Value {
    json!({
        "Event": {
            "type": "object",
            "properties": {
                "cursor": {"type": "string", "description": "`<position>.<index>`"},
                "event_id": {"type": "string", "format": "uuid"},
                "type": {"type": "string"},
                "id": {"type": "string", "description": "The aggregate's id."},
                "version": version(),
                "schema_version": {"type": "integer", "minimum": 1},
                "time": time(),
                "command_id": {"type": "string", "description": "Of the command that made it."},
                "command_hash": {"type": "string"},
                "correlation_id": {"type": "string"},
                "causation_id": {"type": "string"},
                "user_id": {"type": "string"},
                "session_id": {"type": "string"},
                "request_id": {"type": "string"},
                "hops": {"type": "integer", "minimum": 0},
                "traceparent": {"type": "string"},
                "sealed": {"type": "string", "description": "What of it could not be opened."},
                "erased": {"type": "string", "description": "What of it is erased."},
                "data": {"description": "As it was stored."},
                "data_base64": {"type": "string", "description": "The same, where it is binary."},
            },
            "required": ["cursor", "event_id", "type", "id", "version", "schema_version", "time",
                "command_id", "command_hash", "correlation_id", "hops"],
        },
        "State": {
            "type": "object",
            "properties": {
                "aggregate": {"type": "string"},
                "id": {"type": "string"},
                "version": version(),
                "time": time(),
                "state": {"description": "What the history adds up to."},
            },
            "required": ["aggregate", "id", "version", "time", "state"],
        },
    })
}
