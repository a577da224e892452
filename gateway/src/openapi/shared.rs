//! What many operations have in common: problems, headers, ways to be let in.

use infrastructure::problem::Problem;
use serde_json::{Map, Value, json};

use crate::problem::Fault;

/// The responses of an operation: the good ones, and the problems with these statuses besides those
/// that any guarded operation may answer with.
#[must_use]
pub fn answers(good: Value, problems: &[u16]) -> Value {
    let mut all = match good {
        Value::Object(good) => good,
        _ => Map::new(),
    };
    for status in [400, 401, 403, 429, 503].iter().chain(problems) {
        let named = json!({"$ref": format!("#/components/responses/{status}")});
        all.insert(status.to_string(), named);
    }
    Value::Object(all)
}

/// Every problem that is not a domain's own, by its status.
fn problems() -> impl Iterator<Item = (u16, &'static str, &'static str)> {
    Problem::ALL.iter().chain(Fault::ALL).copied()
}

pub(super) fn responses() -> Map<String, Value> {
    let mut statuses: Vec<u16> = problems().map(|(status, ..)| status).collect();
    statuses.push(422);
    statuses.sort_unstable();
    statuses.dedup();
    statuses.into_iter().map(|status| (status.to_string(), response(status))).collect()
}

fn response(status: u16) -> Value {
    let mut codes: Vec<_> = problems()
        .filter(|problem| problem.0 == status)
        .map(|(_, code, title)| format!("`{code}`: {title}."))
        .collect();
    if status == 422 {
        codes.push("Any other code: the domain's own rules refuse the command.".to_owned());
    }
    let mut response = json!({
        "description": codes.join("\n"),
        "content": {"application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    let header = |name: &str| json!({"$ref": format!("#/components/headers/{name}")});
    match status {
        401 => response["headers"] = json!({"WWW-Authenticate": header("WWW-Authenticate")}),
        429 => {
            response["headers"] = json!({
                "Retry-After": header("Retry-After"),
                "RateLimit": header("RateLimit"),
                "RateLimit-Policy": header("RateLimit-Policy"),
            });
        }
        503 => response["headers"] = json!({"Retry-After": header("Retry-After")}),
        _ => {}
    }
    response
}

pub(super) fn headers() -> Value {
    let text =
        |description: &str| json!({"description": description, "schema": {"type": "string"}});
    json!({
        "ETag": text("The version in quotes; `If-Match` of a command takes it."),
        "Location": text("Where to read what came of it."),
        "Command-Id": text("The id of the command in the log; the same for a repeat."),
        "WWW-Authenticate": text("How to be let in (RFC 6750)."),
        "RateLimit": text("How many requests are left, and in how many seconds all are."),
        "RateLimit-Policy": text("How many requests may come in how many seconds."),
        "Retry-After": {
            "description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
    })
}

pub(super) fn security() -> Value {
    let key = |name: &str, description: &str| json!({"type": "apiKey", "in": "header", "name": name, "description": description});
    json!({
        "token": {"type": "http", "scheme": "bearer",
            "description": "An API key, or a JSON Web Token of the issuer in the access file."},
        "key": key("X-Api-Key", "An API key, `hw_<id>_<secret>`."),
        "apikey": key("apikey", "The same, where supabase-js puts it."),
    })
}

fn header(name: &str, description: &str, schema: &Value) -> (String, Value) {
    let header =
        json!({"name": name, "in": "header", "description": description, "schema": schema});
    (name.to_owned(), header)
}

fn query(name: &str, description: &str, schema: &Value) -> (String, Value) {
    (
        name.to_owned(),
        json!({"name": name, "in": "query", "description": description, "schema": schema}),
    )
}

/// Parameters by the names under which operations refer to them.
pub(super) fn parameters() -> Map<String, Value> {
    let text = json!({"type": "string", "maxLength": 256});
    let position = json!({"type": "integer", "minimum": 0});
    let id = json!({"type": "string", "pattern": "^[A-Za-z0-9_=-]{1,128}$"});
    let mut all: Map<String, Value> = [
        header(
            "Idempotency-Key",
            "The same key of the same caller for the same aggregate is one command, for ever. One is \
             made where there is none, and named in the answer.",
            &json!({"type": "string"}),
        ),
        header("If-Match", "The version that was decided on, as an `ETag` says it; or `*`.", &text),
        header("If-None-Match", "`*`, where the aggregate must be new.", &text),
        header(
            "Prefer",
            "`respond-async` to hear of the end later, `wait=<seconds>` to wait no longer.",
            &text,
        ),
        header(
            "Deadline",
            "When the caller stops waiting.",
            &json!({"type": "string", "format": "date-time"}),
        ),
        header("X-Correlation-Id", "The conversation that it belongs to.", &text),
        header("X-Request-Id", "The request's id in answers, logs and events.", &text),
        header("Last-Event-ID", "The cursor behind which to go on, as a browser sends it.", &text),
        query("after", "Waits until the projection has reached this position.", &position),
        query(
            "wait_ms",
            "How long to wait for `after`.",
            &json!({"type": "integer", "minimum": 0, "maximum": 30_000, "default": 2_000}),
        ),
        query(
            "limit",
            "How many at most.",
            &json!({"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
        ),
        query("cursor", "The `next` of the page before.", &json!({"type": "string"})),
    ]
    .into_iter()
    .collect();
    all.insert(
        "id".to_owned(),
        json!({"name": "id", "in": "path", "required": true, "description": "Which one.", "schema": id}),
    );
    all
}

/// A parameter that several operations have, such as `limit` or `cursor`.
#[must_use]
pub fn parameter(name: &str) -> Value {
    json!({"$ref": format!("#/components/parameters/{name}")})
}

/// A schema of the document.
#[must_use]
pub fn schema(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A good answer with a body of JSON.
pub(super) fn body(description: &str, schema: &Value) -> Value {
    json!({"description": description, "content": {"application/json": {"schema": schema}}})
}
