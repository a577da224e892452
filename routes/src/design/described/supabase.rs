//! What the routes for supabase-js say of themselves: a path for each table, made of its columns, and one
//! for each function, made of what it takes. Not here: how a table is asked; PostgREST's own documents say.

use gateway::openapi::{column, schema};
use serde_json::{Map, Value, json};
use strum::VariantNames as _;

use super::parts::{body, found, many, query, text_or_null};
use crate::design::{
    rest::{ADD_ANSWER, ADD_EVENT, EventType, Function, INSERTED, INSERTS, Relation, TABLES},
    service::PROJECTION,
};

/// Parameters of every table, with what PostgREST says they are.
const ASKED: [(&str, &str); 4] = [
    ("select", "Columns, as `id,status` or `state:current_status`."),
    ("order", "Columns, as `created_at.desc`."),
    ("limit", "How many at most."),
    ("offset", "How many to leave out first."),
];

/// The rows of each table.
pub(super) fn schemas() -> impl Iterator<Item = (String, Value)> {
    TABLES.iter().map(|table| {
        let properties = table
            .columns
            .iter()
            .map(|shown| (shown.name.to_owned(), column(PROJECTION, table.query, shown.source)));
        let properties: Map<_, _> = properties.collect();
        // None must be there: `select` names those that are wanted.
        (named(table), json!({"type": "object", "properties": properties}))
    })
}

/// Their path items.
pub(super) fn paths() -> impl Iterator<Item = (String, Value)> {
    let tables = TABLES.iter().map(|table| {
        let mut item = json!({"get": read(table)});
        if table.name == INSERTED {
            item["post"] = insert(table);
        }
        (format!("/rest/v1/{}", table.name), item)
    });
    let event = json!({
        "p_request_id": "r-1", "p_event_type": "REQUEST_SUBMITTED",
        "p_event_data": {"email": "ada@example.org"}, "p_created_by": "ada@example.org",
    });
    let answer = json!({
        "p_request_id": "r-1", "p_question_id": "colour", "p_answer_text": "Green",
        "p_created_by": "ada@example.org",
    });
    let functions = [
        (ADD_EVENT, "Add an event to a request", event),
        (ADD_ANSWER, "Add an answer to a question of a request", answer),
    ];
    let functions = functions.into_iter().map(|(taken, summary, example)| {
        let post = function(&taken, summary, &example);
        (format!("/rest/v1/rpc/{}", taken.name), json!({ "post": post }))
    });
    tables.chain(functions)
}

fn named(table: &Relation) -> String {
    format!("table.{}", table.name)
}

fn read(table: &Relation) -> Value {
    let text = json!({"type": "string"});
    let asked = ASKED.map(|(name, description)| query(name, &text, description));
    let filters = table.columns.iter().map(|column| {
        let mut filter = query(column.name, &text, "A condition, as `eq.…`, `gte.…`, `in.(…)`.");
        if table.list.is_none() && column.name == table.request {
            filter["required"] = true.into();
        }
        filter
    });
    let rows = rows("The rows.", table);
    json!({
        "operationId": format!("supabase.read.{}", table.name),
        "summary": format!("Read {} as supabase-js does", table.name),
        "description": "Conditions, `select`, `order`, `limit` and `offset` are PostgREST's.",
        "tags": ["supabase"],
        "parameters": filters.chain(asked).collect::<Vec<_>>(),
        "responses": formed(&json!({"200": rows, "206": rows})),
    })
}

fn insert(table: &Relation) -> Value {
    let properties = INSERTS.iter().map(|name| {
        let draft = || json!({"enum": ["DRAFT", null]});
        ((*name).to_owned(), if *name == "status" { draft() } else { text_or_null() })
    });
    let row = json!({
        "type": "object",
        "properties": properties.collect::<Map<_, _>>(),
        "additionalProperties": false,
    });
    let example = json!({"product_id": "sofa", "design_code": "D-7", "status": "DRAFT"});
    json!({
        "operationId": format!("supabase.insert.{}", table.name),
        "summary": "Create a request by inserting its row",
        "tags": ["supabase"],
        "requestBody": body(&row, &example),
        "responses": formed(&json!({
            "201": rows("The row, with `Prefer: return=representation`; else nothing.", table),
        })),
    })
}

fn function(function: &Function, summary: &str, example: &Value) -> Value {
    let needed = &function.takes[..function.needs];
    let properties = function.takes.iter().map(|name| {
        let value = match *name {
            "p_event_type" => json!({"type": "string", "enum": EventType::VARIANTS}),
            "p_event_data" | "p_metadata" => json!({"type": ["object", "null"]}),
            "p_answer_options" => json!({}),
            name if needed.contains(&name) => json!({"type": "string"}),
            _ => text_or_null(),
        };
        ((*name).to_owned(), value)
    });
    let taken = json!({
        "type": "object",
        "properties": properties.collect::<Map<_, _>>(),
        "required": needed,
        "additionalProperties": false,
    });
    let id = json!({"type": "string", "format": "uuid"});
    json!({
        "operationId": format!("supabase.{}", function.name),
        "summary": summary,
        "tags": ["supabase"],
        "requestBody": body(&taken, example),
        "responses": formed(&json!({"200": found("The id of the event or of the answer.", &id)})),
    })
}

fn rows(description: &str, table: &Relation) -> Value {
    let row = schema(&named(table));
    let mut rows = found(description, &many(&row));
    rows["content"]["application/vnd.pgrst.object+json"] = json!({"schema": row});
    rows
}

/// The answers of routes below `/rest/v1`: what goes wrong comes in PostgREST's form.
fn formed(good: &Value) -> Value {
    let problem = json!({
        "type": "object",
        "properties": {
            "code": {"type": "string"}, "message": {"type": "string"},
            "details": text_or_null(), "hint": text_or_null(),
        },
        "required": ["code", "message", "details", "hint"],
    });
    let mut all = good.clone();
    all["default"] = found("What is wrong, as PostgREST says it.", &problem);
    all
}
