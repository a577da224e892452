//! Commands, each with a path of its own: its body differs from all others.

use infrastructure::aggregates::Catalogue;
use kit::CommandInfo;
use serde_json::{Value, json};

use super::shared::{answers, body, parameter, schema};

/// Headers that every command takes.
const HEADERS: [&str; 7] = [
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Prefer",
    "Deadline",
    "X-Correlation-Id",
    "X-Request-Id",
];

pub(super) fn paths(catalogue: &[Catalogue]) -> impl Iterator<Item = (String, Value)> {
    let commands = catalogue.iter().flat_map(|entry| {
        let path = |command: &CommandInfo| {
            let path = format!("/v1/commands/{}/{{id}}/{}", entry.aggregate, command.name);
            (path, json!({"post": post(entry.aggregate, command)}))
        };
        entry.commands.iter().map(path)
    });
    commands.chain([("/v1/commands/{command_id}".to_owned(), json!({"get": result()}))])
}

fn post(aggregate: &str, command: &CommandInfo) -> Value {
    let CommandInfo { name, example, schema: taken, .. } = command;
    let mut content = json!({"schema": taken});
    if let Some(example) = example {
        content["example"] = example.clone();
    }
    let parameters = ["id"].into_iter().chain(HEADERS).map(parameter);
    json!({
        "operationId": format!("{aggregate}.{name}"),
        "summary": format!("{aggregate}: {name}"),
        "tags": [aggregate],
        "parameters": parameters.collect::<Vec<_>>(),
        "requestBody": {"required": true, "content": {"application/json": content}},
        "responses": answers(
            json!({
                "200": tagged("It is in the log, or it was so already."),
                "201": tagged("It is in the log, and the aggregate is new."),
                "202": body("It is in the queue: only with `Prefer: respond-async`.", &schema("Pending")),
            }),
            &[404, 409, 412, 413, 415, 422, 504],
        ),
    })
}

fn tagged(description: &str) -> Value {
    let header = |name: &str| json!({"$ref": format!("#/components/headers/{name}")});
    let mut answer = body(description, &schema("Reply"));
    answer["headers"] = json!({"ETag": header("ETag"), "Command-Id": header("Command-Id")});
    answer
}

fn result() -> Value {
    json!({
        "operationId": "commands.result",
        "summary": "What became of a command that was sent with `Prefer: respond-async`",
        "tags": ["commands"],
        "parameters": [{
            "name": "command_id", "in": "path", "required": true,
            "description": "The `Command-Id` of the answer.",
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9_=-]{1,128}$"},
        }],
        "responses": answers(
            json!({"200": body("How it ended, or that it has not yet.", &schema("Outcome"))}),
            &[404, 504],
        ),
    })
}
