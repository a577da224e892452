//! Histories, states, the stream of events, health, and this description itself.

use infrastructure::aggregates::Catalogue;
use serde_json::{Value, json};

use super::shared::{answers, body, parameter, schema};

pub(super) fn paths(catalogue: &[Catalogue]) -> impl Iterator<Item = (String, Value)> {
    let names: Vec<_> = catalogue.iter().map(|entry| entry.aggregate).collect();
    let kinds: Vec<_> = catalogue
        .iter()
        .flat_map(|entry| {
            entry.events.iter().map(move |kind| format!("{}.{}", entry.aggregate, kind.name))
        })
        .collect();
    let aggregate = json!({
        "name": "aggregate", "in": "path", "required": true, "description": "The type.",
        "schema": {"type": "string", "enum": names},
    });
    [
        ("/v1/aggregates/{aggregate}/{id}", state(&aggregate)),
        ("/v1/aggregates/{aggregate}/{id}/events", history(&aggregate)),
        ("/v1/aggregates/{aggregate}/{id}/export", export(&aggregate)),
        ("/v1/events", stream(&names, &kinds)),
        ("/openapi.json", spec()),
        ("/healthz", health("health.live", "Whether this process answers")),
        ("/readyz", health("health.ready", "Whether the service behind it answers")),
    ]
    .into_iter()
    .map(|(path, get)| (path.to_owned(), json!({ "get": get })))
}

fn query(name: &str, schema: &Value, description: &str) -> Value {
    json!({"name": name, "in": "query", "description": description, "schema": schema})
}

fn state(aggregate: &Value) -> Value {
    let version = json!({"type": "integer", "minimum": 1});
    let time = json!({"type": "string", "format": "date-time"});
    json!({
        "operationId": "aggregates.state",
        "summary": "An aggregate as it is, or as it was",
        "tags": ["histories"],
        "parameters": [
            aggregate, parameter("id"),
            query("version", &version, "As of this version."),
            query("at", &time, "As of this time; not together with `version`."),
        ],
        "responses": answers(
            json!({
                "200": body("What its history adds up to.", &schema("State")),
                "304": {"description": "It is as `If-None-Match` knows it."},
            }),
            &[404],
        ),
    })
}

fn history(aggregate: &Value) -> Value {
    let page = json!({
        "type": "object",
        "properties": {
            "events": {"type": "array", "items": schema("Event")},
            "next": {"type": ["string", "null"]},
        },
        "required": ["events"],
    });
    json!({
        "operationId": "aggregates.events",
        "summary": "The history of an aggregate, page by page",
        "tags": ["histories"],
        "parameters": [aggregate, parameter("id"), parameter("limit"), parameter("cursor")],
        "responses": answers(json!({"200": body("Its events, the oldest first.", &page)}), &[404]),
    })
}

fn export(aggregate: &Value) -> Value {
    json!({
        "operationId": "aggregates.export",
        "summary": "The history of an aggregate as a document that can be checked",
        "description": "JSON lines: whose history it is, each commit with its stored bytes, its hash and \
            the chain of hashes up to there, and the head. Without a head it is not whole. \
            `headwater history verify` checks it.",
        "tags": ["histories"],
        "parameters": [
            aggregate, parameter("id"),
            query("events", &json!({"type": "boolean", "default": false}),
                "Show the events beside the bytes."),
        ],
        "responses": answers(
            json!({"200": {
                "description": "The document.",
                "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
            }}),
            &[404],
        ),
    })
}

fn stream(aggregates: &[&str], kinds: &[String]) -> Value {
    let one = json!({"type": "string", "enum": aggregates});
    let several =
        json!({"type": "array", "maxItems": 64, "items": {"type": "string", "enum": kinds}});
    json!({
        "operationId": "events.stream",
        "summary": "Events as they come (server-sent events)",
        "description": "Each has the cursor as its id, the type as its event, and an `Event` as its \
            data. Who comes back with `Last-Event-ID` goes on behind it.",
        "tags": ["histories"],
        "parameters": [
            query("aggregate", &one, "Only events of this type of aggregate."),
            query("id", &json!({"type": "string"}), "Only events of this aggregate."),
            query("type", &several, "Only events of these types."),
            query("from", &json!({"type": "string", "default": "end"}),
                "`start`, `end`, or the cursor behind which to begin."),
            parameter("Last-Event-ID"),
        ],
        "responses": answers(
            json!({"200": {
                "description": "A stream that does not end.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            }}),
            &[404],
        ),
    })
}

fn spec() -> Value {
    json!({
        "operationId": "openapi",
        "summary": "This description",
        "tags": ["about"],
        "responses": answers(json!({"200": body("OpenAPI 3.1.", &json!({"type": "object"}))}), &[]),
    })
}

fn health(id: &str, summary: &str) -> Value {
    let answer = body("Yes.", &json!({"type": "object"}));
    json!({
        "operationId": id,
        "summary": summary,
        "tags": ["about"],
        "security": [],
        "responses": {"200": answer, "503": {"$ref": "#/components/responses/503"}},
    })
}
