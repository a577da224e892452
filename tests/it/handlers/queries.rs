//! What queries promise.

use std::sync::Arc;

use bytes::Bytes;
use infrastructure::{
    handler::Handlers, problem::Problem, query::Queries, query_service::QueryService,
};
use serde_json::{Value, json};

use super::{
    table_tennis::{Returns, Scores},
    world::{World, json as read, table, value, with_every_store},
};

async fn scoring(world: &World) -> Handlers {
    let composition = table().projection(Scores::<1, false>).projection(Returns);
    world.handlers(&composition, "one").await
}

async fn ask(handlers: &Handlers, name: &str, params: Value) -> Result<Value, Problem> {
    let answer = handlers.queries().query("scores", name, params.to_string().into()).await;
    answer.map(|body| read(&body))
}

async fn what_was_written_can_be_read_after_its_position(world: World) {
    let handlers = scoring(&world).await;
    for ball in 1..=20 {
        let after = world.serve("ada", ball).await.position;
        let answer = ask(&handlers, "get", json!({"key": "ada", "after": after})).await.unwrap();
        let balls: Vec<_> = (1..=ball).collect();
        assert_eq!(answer["document"], json!({"name": "ada", "balls": balls}));
        assert!(answer["position"].as_u64().unwrap() >= after.0);
        assert_eq!((&answer["status"], &answer["parked"]), (&json!("ready"), &json!(0)));
    }
    handlers.stop().await;
}

async fn a_quiet_projection_answers_for_positions_of_others(world: World) {
    let handlers = scoring(&world).await;
    for ball in 1..=5 {
        let after = world.serve("ada", ball).await.position;
        let body = json!({ "after": after }).to_string();
        let answer = handlers.queries().query("returns", "list", body.into()).await.unwrap();
        assert_eq!(read(&answer)["documents"], json!([]));
    }
    handlers.stop().await;
}

async fn a_position_that_does_not_come_ends_in_a_timeout_with_the_lag(world: World) {
    let handlers = scoring(&world).await;
    let end = world.serve("ada", 1).await.position.0;
    ask(&handlers, "get", json!({"key": "ada", "after": end})).await.unwrap();
    let after = end + 7;
    let late = ask(&handlers, "get", json!({"key": "ada", "after": after, "wait_ms": 50})).await;
    let late = late.unwrap_err();
    assert_eq!((late.status, late.code.as_str()), (504, "timeout"));
    assert_eq!(late.detail, format!("scores is at {end}, 7 behind {after}"));
    handlers.stop().await;
}

async fn a_list_is_found_by_prefix_or_by_whole_values(world: World) {
    let handlers = scoring(&world).await;
    let mut after = 0;
    for (id, ball) in [("Ada", 1), ("adam", 2), ("bob", 2), ("adam", 3)] {
        after = world.serve(id, ball).await.position.0;
    }
    let names = async |conditions: Value| {
        let params = json!({"where": conditions, "after": after});
        let answer = ask(&handlers, "list", params).await.unwrap();
        let documents = answer["documents"].as_array().unwrap().clone();
        documents.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(json!({})).await, ["Ada", "adam", "bob"]);
    assert_eq!(names(json!({"name": " ADA "})).await, ["Ada", "adam"]);
    assert_eq!(names(json!({"name": "ada", "ball": "2"})).await, ["adam"]);
    assert_eq!(names(json!({"ball": "2"})).await, ["adam", "bob"]);
    assert_eq!(names(json!({"ball": ""})).await, [""; 0]);
    assert_eq!(names(json!({"name": "%"})).await, [""; 0]);
    assert_eq!(names(json!({"name": "a\u{0}"})).await, [""; 0]);
    let counts = ask(&handlers, "count", json!({"by": "ball"})).await.unwrap();
    assert_eq!(counts["counts"], json!({"1": 1, "2": 2, "3": 1}));
    handlers.stop().await;
}

async fn a_list_goes_by_the_bytes_of_its_order(world: World) {
    let handlers = scoring(&world).await;
    let (mut after, bytewise) = (0, ["a-x", "a1x", "a=x", "a_x", "aax", "z"]);
    for id in ["z", "a_x", "aax", "a=x", "a1x", "a-x"] {
        after = world.serve(id, 1).await.position.0;
    }
    let list = ask(&handlers, "list", json!({ "after": after })).await.unwrap();
    let documents = list["documents"].as_array().unwrap().iter();
    assert_eq!(documents.map(|one| one["name"].as_str().unwrap()).collect::<Vec<_>>(), bytewise);
    handlers.stop().await;
}

async fn a_list_comes_in_pages_that_fit_together(world: World) {
    let handlers = scoring(&world).await;
    let mut after = 0;
    for at in 0..25 {
        after = world.serve(&format!("p{at:02}"), 1).await.position.0;
    }
    let (mut cursor, mut names) = (Value::Null, Vec::new());
    let mut pages = 0;
    loop {
        let params = json!({"limit": 10, "cursor": cursor, "after": after});
        let page = ask(&handlers, "list", params).await.unwrap();
        for document in page["documents"].as_array().unwrap() {
            names.push(document["name"].as_str().unwrap().to_owned());
        }
        (cursor, pages) = (page["next"].clone(), pages + 1);
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!((pages, names), (3, (0..25).map(|at| format!("p{at:02}")).collect()));
    handlers.stop().await;
}

async fn parameters_that_make_no_sense_are_refused_with_what_is_wrong(world: World) {
    let handlers = scoring(&world).await;
    for (name, params, code, says) in [
        ("get", json!({}), "invalid", "key"),
        ("get", json!({"key": "ada", "colour": 1}), "invalid", "colour"),
        ("get", json!({"key": "ada", "wait_ms": 30_001}), "invalid", "wait_ms"),
        ("get", json!([1]), "invalid", "parameters"),
        ("list", json!({"limit": 0}), "invalid", "limit"),
        ("list", json!({"limit": 201}), "invalid", "limit"),
        ("list", json!({"cursor": "x"}), "invalid", "cursor"),
        // A place that holds a NUL.
        ("list", json!({"cursor": "WyJcdTAwMDAiLCIiXQ"}), "invalid", "cursor"),
        ("list", json!({"where": {"colour": "red"}}), "invalid", "it has: name, ball"),
        ("count", json!({"by": "colour"}), "invalid", "it has: name, ball"),
        ("count", json!({}), "invalid", "by"),
        ("get", json!({"key": "nobody"}), "not-found", "no document"),
        ("get", json!({"key": "no\u{0}body"}), "not-found", "no document"),
        ("get", json!({"key": "n".repeat(5_000)}), "not-found", "no document"),
        ("drop", json!({}), "unknown-query", "drop"),
    ] {
        // The rows are there once the projection has an owner.
        let settled = async || {
            let refused = ask(&handlers, name, params.clone()).await.unwrap_err();
            (refused.code == code).then_some(refused)
        };
        let refused = tests::eventually("a refusal", tests::LIMIT, settled).await;
        assert!(refused.detail.contains(says), "{name} {params}: {refused}");
    }
    let unknown = handlers.queries().query("colours", "get", Bytes::new()).await.unwrap_err();
    assert_eq!((unknown.status, unknown.code.as_str()), (404, "unknown-query"));
    handlers.stop().await;
}

async fn queries_are_answered_over_nats(world: World) {
    let handlers = scoring(&world).await;
    let connection = world.server.client().await;
    let service = QueryService::start(connection, Arc::new(handlers.queries())).await.unwrap();
    let after = world.serve("ada", 1).await.position.0;
    let params = json!({"key": "ada", "after": after});
    let answer = world.client.query("scores", "get", &params).await.unwrap();
    assert_eq!(value(&answer)["document"], json!({"name": "ada", "balls": [1]}));
    drop(service);
    handlers.stop().await;
}

with_every_store! {
    what_was_written_can_be_read_after_its_position,
    a_quiet_projection_answers_for_positions_of_others,
    a_position_that_does_not_come_ends_in_a_timeout_with_the_lag,
    a_list_is_found_by_prefix_or_by_whole_values,
    a_list_goes_by_the_bytes_of_its_order,
    a_list_comes_in_pages_that_fit_together,
    parameters_that_make_no_sense_are_refused_with_what_is_wrong,
    queries_are_answered_over_nats,
}
