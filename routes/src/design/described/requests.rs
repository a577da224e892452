//! What the routes of design requests say of themselves: applications, and what supabase-js is met with.
//! Not here: what each table has; PostgREST's own documents say how it is asked.

use gateway::openapi::answers;
use serde_json::{Value, json};

/// The tables that are read.
const TABLES: [&str; 5] = [
    "design_requests",
    "design_request_states",
    "design_requests_current_state",
    "design_request_events",
    "design_request_answers_history",
];

/// Their path items.
pub(super) fn described() -> Vec<(&'static str, Value)> {
    vec![
        ("/api/design-applications", json!({"get": list(), "post": open()})),
        ("/api/design-applications/{id}", json!({"get": show(), "post": go_on()})),
        ("/rest/v1/{table}", json!({"get": read(), "post": insert()})),
        ("/rest/v1/rpc/add_design_request_event", json!({"post": add_event()})),
        ("/rest/v1/rpc/add_design_request_answer_history", json!({"post": add_answer()})),
    ]
}

fn list() -> Value {
    let narrowing = ["email", "current_status", "current_payment_status", "design_code"];
    let narrowing = narrowing.into_iter().chain(["product_id", "stripe_payment_intent_id"]);
    let parameters: Vec<_> = narrowing
        .chain(["cursor"])
        .map(|name| query(name, &json!({"type": "string"})))
        .chain([query("limit", &json!({"type": "integer", "minimum": 1}))])
        .collect();
    let page = json!({
        "type": "object",
        "properties": {
            "applications": {"type": "array", "items": application()},
            "next": {"type": "string", "description": "The `cursor` of the next page."},
        },
        "required": ["applications"],
    });
    json!({
        "operationId": "applications.list",
        "summary": "List applications",
        "tags": ["applications"],
        "parameters": parameters,
        "responses": answers(json!({"200": found("A page.", &page)}), &[]),
    })
}

fn open() -> Value {
    let wanted = json!({
        "type": "object",
        "properties": {
            "id": text(), "product_id": text(), "design_code": text(), "email": text(),
            "answers": asked(),
        },
        "additionalProperties": false,
    });
    let example = json!({
        "product_id": "sofa", "design_code": "D-7", "email": "ada@example.org",
        "answers": [{"question_id": "colour", "text": "Green"}],
    });
    json!({
        "operationId": "applications.open",
        "summary": "Create a request, answer its questions and, with an `email`, submit it",
        "description": "Needs the grants of the commands and those to read the answer \
            (`design-requests.current-state`, `design-requests.answers`).",
        "tags": ["applications"],
        "parameters": [key()],
        "requestBody": body(&wanted, &example),
        "responses": answers(
            json!({
                "200": found("It was there.", &application()),
                "201": found("It is new.", &application()),
            }),
            &[404, 409, 413, 415, 422, 504],
        ),
    })
}

fn show() -> Value {
    json!({
        "operationId": "applications.show",
        "summary": "Show an application with its answers and its product",
        "tags": ["applications"],
        "parameters": [id()],
        "responses": answers(
            json!({"200": found("The application.", &application())}),
            &[404],
        ),
    })
}

fn go_on() -> Value {
    let more = json!({
        "type": "object",
        "properties": {"email": text(), "answers": asked()},
        "additionalProperties": false,
    });
    let example = json!({"answers": [{"question_id": "size", "text": "Large"}]});
    json!({
        "operationId": "applications.go-on",
        "summary": "Hand in more answers and, with an `email`, submit",
        "tags": ["applications"],
        "parameters": [id(), key()],
        "requestBody": body(&more, &example),
        "responses": answers(
            json!({"200": found("The application.", &application())}),
            &[404, 409, 413, 415, 422, 504],
        ),
    })
}

fn read() -> Value {
    json!({
        "operationId": "supabase.read",
        "summary": "Read a table as supabase-js does",
        "description": "Filters, `select`, `order`, `limit` and `offset` are PostgREST's.",
        "tags": ["supabase"],
        "parameters": [table(&TABLES)],
        "responses": formed(&json!({"200": rows()})),
    })
}

fn insert() -> Value {
    let row = json!({
        "type": "object",
        "properties": {
            "id": text(), "product_id": text(), "design_code": text(), "email": text(),
            "status": {"enum": ["DRAFT", null]},
        },
        "additionalProperties": false,
    });
    json!({
        "operationId": "supabase.insert",
        "summary": "Create a request by inserting its row",
        "tags": ["supabase"],
        "parameters": [table(&TABLES[..1])],
        "requestBody": body(&row, &json!({"product_id": "sofa", "design_code": "D-7", "status": "DRAFT"})),
        "responses": formed(&json!({"201": rows()})),
    })
}

fn add_event() -> Value {
    let example = json!({
        "p_request_id": "r-1", "p_event_type": "REQUEST_SUBMITTED",
        "p_event_data": {"email": "ada@example.org"}, "p_created_by": "ada@example.org",
    });
    let fields = json!({
        "p_request_id": {"type": "string"}, "p_event_type": {"type": "string"},
        "p_event_data": {"type": ["object", "null"]}, "p_created_by": text(),
        "p_metadata": {"type": ["object", "null"]},
    });
    function("add-event", "Add an event to a request", &fields, &example)
}

fn add_answer() -> Value {
    let example = json!({
        "p_request_id": "r-1", "p_question_id": "colour", "p_answer_text": "Green",
        "p_created_by": "ada@example.org",
    });
    let fields = json!({
        "p_request_id": {"type": "string"}, "p_question_id": {"type": "string"},
        "p_answer_text": text(), "p_answer_file_url": text(), "p_answer_options": {},
        "p_created_by": text(),
    });
    function("add-answer", "Add an answer to a question of a request", &fields, &example)
}

fn function(name: &str, summary: &str, fields: &Value, example: &Value) -> Value {
    let given = json!({"type": "object", "properties": fields});
    json!({
        "operationId": format!("supabase.{name}"),
        "summary": summary,
        "tags": ["supabase"],
        "requestBody": body(&given, example),
        "responses": formed(&json!({
            "200": found("The id of the event or of the answer.", &json!({"type": "string"})),
        })),
    })
}

/// The answers of routes below `/rest/v1`: what goes wrong comes in PostgREST's form.
fn formed(good: &Value) -> Value {
    let problem = json!({
        "type": "object",
        "properties": {
            "code": {"type": "string"}, "message": {"type": "string"},
            "details": text(), "hint": text(),
        },
        "required": ["code", "message"],
    });
    let mut all = good.clone();
    all["default"] = found("What is wrong, as PostgREST says it.", &problem);
    all
}

fn found(description: &str, schema: &Value) -> Value {
    json!({"description": description, "content": {"application/json": {"schema": schema}}})
}

fn rows() -> Value {
    found("The rows.", &json!({"type": ["array", "object"], "items": {"type": "object"}}))
}

fn body(schema: &Value, example: &Value) -> Value {
    let content = json!({"application/json": {"schema": schema, "example": example}});
    json!({"required": true, "content": content})
}

/// An application, by what it goes by; the rest is that of the table `design_requests_current_state`.
fn application() -> Value {
    json!({
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "The request's, as in the path."},
            "request_id": {"type": "string", "description": "The same."},
            "event_id": {"type": "string", "description": "Of the event by which it began."},
            "current_status": {"type": "string"},
            "current_payment_status": {"type": "string"},
            "answers": {"type": "array", "items": {"type": "object"}},
        },
        "required": ["id", "request_id", "current_status", "current_payment_status"],
    })
}

fn asked() -> Value {
    let answer = json!({
        "type": "object",
        "properties": {
            "question_id": {"type": "string"}, "text": text(), "file_url": text(), "options": {},
            "provenance": {"type": ["object", "null"]},
        },
        "required": ["question_id"],
        "additionalProperties": false,
    });
    json!({"type": "array", "items": answer})
}

fn text() -> Value {
    json!({"type": ["string", "null"]})
}

fn query(name: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "query", "schema": schema})
}

fn id() -> Value {
    json!({"name": "id", "in": "path", "required": true, "schema": {"type": "string"}})
}

fn table(names: &[&str]) -> Value {
    json!({"name": "table", "in": "path", "required": true, "schema": {"enum": names}})
}

fn key() -> Value {
    json!({
        "name": "Idempotency-Key", "in": "header",
        "description": "A repeat under the same key finishes what was begun.",
        "schema": {"type": "string", "maxLength": 255},
    })
}
