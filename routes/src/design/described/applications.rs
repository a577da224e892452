//! What the routes of applications say of themselves. What they take is found by asking its readers, and
//! what they answer is made of the read model's columns.

use gateway::openapi::{answers, column, parameter, row, schema};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::parts::{body, found, many, query};
use crate::design::{
    applications::{ANSWERS_MAX, Application, More, NARROWING, SHOWN},
    service::PROJECTION,
};

/// One with its answers.
const WHOLE: &str = "application";
/// One as a list has it.
const LISTED: &str = "application.listed";

/// What they answer.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let [state, answers] = SHOWN;
    let listed = json!({
        "allOf": [row(PROJECTION, state)],
        "properties": {
            "id": {"type": "string", "description": "The request's, as in the path."},
            "request_id": {"type": "string", "description": "The same."},
            "event_id": {"type": "string", "description": "Of the event by which it began."},
        },
        "required": ["event_id"],
    });
    let whole = json!({
        "allOf": [schema(LISTED)],
        "properties": {"answers": many(&row(PROJECTION, answers))},
        "required": ["answers"],
    });
    vec![(LISTED, listed), (WHOLE, whole)]
}

/// Their path items.
pub(super) fn paths() -> Vec<(&'static str, Value)> {
    vec![
        ("/api/design-applications", json!({"get": list(), "post": open()})),
        ("/api/design-applications/{id}", json!({"get": show(), "post": go_on()})),
    ]
}

fn list() -> Value {
    let [state, _] = SHOWN;
    let narrowing = NARROWING.iter().map(|name| query(name, &column(PROJECTION, state, name), ""));
    let parameters = narrowing.chain(["limit", "cursor"].map(parameter)).collect::<Vec<_>>();
    let page = json!({
        "type": "object",
        "properties": {
            "applications": many(&schema(LISTED)),
            "next": {"type": "string", "description": "The `cursor` of the next page."},
        },
        "required": ["applications"],
    });
    json!({
        "operationId": "applications.list",
        "summary": "List applications",
        "tags": ["applications"],
        "parameters": parameters,
        "responses": answers(json!({"200": found("A page.", &page)}), &[504]),
    })
}

fn open() -> Value {
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
        "requestBody": taken::<Application>(&example),
        "responses": answers(
            json!({
                "200": found("It was there.", &schema(WHOLE)),
                "201": found("It is new.", &schema(WHOLE)),
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
        "parameters": [parameter("id")],
        "responses": answers(
            json!({"200": found("The application.", &schema(WHOLE))}),
            &[404, 504],
        ),
    })
}

fn go_on() -> Value {
    let example = json!({
        "email": "ada@example.org", "answers": [{"question_id": "size", "text": "Large"}],
    });
    json!({
        "operationId": "applications.go-on",
        "summary": "Hand in more answers and, with an `email`, submit",
        "tags": ["applications"],
        "parameters": [parameter("id"), key()],
        "requestBody": taken::<More>(&example),
        "responses": answers(
            json!({"200": found("The application.", &schema(WHOLE))}),
            &[404, 409, 413, 415, 422, 504],
        ),
    })
}

fn taken<T: DeserializeOwned>(example: &Value) -> Value {
    let mut schema = kit::schema::of::<T>(Some(example));
    schema["properties"]["answers"]["maxItems"] = ANSWERS_MAX.into();
    body(&schema, example)
}

fn key() -> Value {
    json!({
        "name": "Idempotency-Key", "in": "header",
        "description": "A repeat under the same key finishes what was begun.",
        "schema": {"type": "string", "maxLength": 255},
    })
}
