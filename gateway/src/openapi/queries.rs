//! Queries, each with a path of its own: parameters and answers differ.

use infrastructure::composition::{ProjectionInfo, ProjectionStyle};
use kit::{
    Field, Match,
    tables::{Column, Param, Query, Type},
};
use serde_json::{Map, Value, json};

use super::shared::{answers, body, parameter, schema};

pub(super) fn paths(projections: &[ProjectionInfo]) -> impl Iterator<Item = (String, Value)> {
    projections.iter().flat_map(|projection| match projection.style {
        ProjectionStyle::Documents { fields, .. } => documents(projection.name, fields),
        ProjectionStyle::Tables { queries } => {
            queries.iter().map(|query| rows(projection.name, query)).collect()
        }
    })
}

/// The documents of each projection, and the rows of each query, under their names.
pub(super) fn schemas(projections: &[ProjectionInfo]) -> impl Iterator<Item = (String, Value)> {
    projections.iter().flat_map(|projection| match &projection.style {
        ProjectionStyle::Documents { schema, .. } => {
            vec![(document(projection.name), schema.clone())]
        }
        ProjectionStyle::Tables { queries } => {
            let shown = |query: &Query| (named(projection.name, query.name), columns(query));
            queries.iter().map(shown).collect()
        }
    })
}

/// The schema of a row that the query of a projection into tables answers with, made of its columns: for
/// routes that show what it found.
#[must_use]
pub fn row(projection: &str, query: &str) -> Value {
    schema(&named(projection, query))
}

/// The schema of one column of such a row.
#[must_use]
pub fn column(projection: &str, query: &str, column: &str) -> Value {
    schema(&format!("{}/properties/{column}", named(projection, query)))
}

fn named(projection: &str, query: &str) -> String {
    format!("row.{projection}.{query}")
}

fn columns(query: &Query) -> Value {
    let columns = query.columns.iter().map(|Column { name, of, nullable }| {
        let value = if *nullable { nullable_of(*of) } else { value(*of) };
        ((*name).to_owned(), value)
    });
    let names: Vec<_> = query.columns.iter().map(|column| column.name).collect();
    json!({"type": "object", "properties": columns.collect::<Map<_, _>>(), "required": names})
}

fn document(projection: &str) -> String {
    format!("document.{projection}")
}

fn operation(
    projection: &str,
    query: &str,
    parameters: &[Value],
    answer: &Value,
) -> (String, Value) {
    let get = json!({
        "operationId": format!("{projection}.{query}"),
        "summary": format!("{projection}: {query}"),
        "tags": [projection],
        "parameters": parameters,
        "responses": answers(json!({"200": body("As of `position`.", answer)}), &[404, 504]),
    });
    (format!("/v1/{projection}/{query}"), json!({"get": get}))
}

fn documents(projection: &str, fields: &[Field]) -> Vec<(String, Value)> {
    let shown = schema(&document(projection));
    let wait = [parameter("after"), parameter("wait_ms")];
    let key = given("key", true, &json!({"type": "string"}), "The document's key.");
    let get = [&[key], &wait[..]].concat();
    let wheres = fields.iter().map(|Field { name, matches }| {
        let how = match matches {
            Match::Exact => "The whole value.",
            Match::Prefix => "The value, or its beginning.",
        };
        given(&format!("where.{name}"), false, &json!({"type": "string"}), how)
    });
    let pages = wait.iter().cloned().chain([parameter("limit"), parameter("cursor")]);
    let list: Vec<_> = wheres.chain(pages).collect();
    let names: Vec<_> = fields.iter().map(|field| field.name).collect();
    let mut all = vec![
        operation(projection, "get", &get, &answer("document", &shown, false)),
        operation(projection, "list", &list, &answer("documents", &many(&shown), true)),
    ];
    if !names.is_empty() {
        let by = given("by", true, &json!({"type": "string", "enum": names}), "The field.");
        let counts =
            json!({"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}});
        let count = [&[by], &wait[..]].concat();
        all.push(operation(projection, "count", &count, &answer("counts", &counts, false)));
    }
    all
}

fn rows(projection: &str, query: &Query) -> (String, Value) {
    let own = query.params.iter().map(|Param { name, of, optional, reading, .. }| {
        // What reads the text may want it in another form than the query does.
        let schema = if reading.is_some() { json!({"type": "string"}) } else { value(*of) };
        given(name, !optional, &schema, if *optional { "May be left out." } else { "" })
    });
    let reverse =
        given("reverse", false, &json!({"type": "boolean", "default": false}), "From the last on.");
    let pages = ["limit", "cursor", "after", "wait_ms"].map(parameter);
    let parameters: Vec<_> = own.chain([reverse]).chain(pages).collect();
    let row = row(projection, query.name);
    operation(projection, query.name, &parameters, &answer("rows", &many(&row), true))
}

/// An answer with `found` in the field `name`, and the next page's cursor if it has pages.
fn answer(name: &str, found: &Value, pages: bool) -> Value {
    let mut properties = json!({
        "status": {"type": "string", "enum": ["ready", "parked"]},
        "position": {"type": "integer", "minimum": 0},
        "parked": {"type": "integer", "minimum": 0,
            "description": "Keys whose events wait behind a dead letter."},
        name: found,
    });
    if pages {
        properties["next"] =
            json!({"type": ["string", "null"], "description": "The next page's `cursor`."});
    }
    json!({
        "type": "object", "properties": properties, "required": ["status", "position", "parked", name]})
}

fn many(of: &Value) -> Value {
    json!({"type": "array", "items": of})
}

fn given(name: &str, required: bool, schema: &Value, description: &str) -> Value {
    json!({
        "name": name, "in": "query", "required": required, "description": description,
        "schema": schema,
    })
}

fn value(of: Type) -> Value {
    match of {
        Type::Int => json!({"type": "integer", "format": "int64"}),
        Type::Float | Type::Decimal => json!({"type": "number"}),
        Type::Bool => json!({"type": "boolean"}),
        Type::Text => json!({"type": "string"}),
        Type::Date => json!({"type": "string", "format": "date"}),
        Type::Time => json!({"type": "string", "format": "date-time"}),
        Type::Json => json!({}),
    }
}

fn nullable_of(of: Type) -> Value {
    let mut value = value(of);
    if let Some(kind) = value.get("type").cloned() {
        value["type"] = json!([kind, "null"]);
    }
    value
}
