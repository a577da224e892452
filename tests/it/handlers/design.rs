//! Design requests in tables, from real logs, the same on every store.

mod erasure;
mod funnel;
mod histories;
mod inbox;
mod moments;
mod names;
mod orders;
mod originals;
mod patterns;
mod questions;

use infrastructure::{
    composition::Composition,
    handler::Handlers,
    query::Queries,
    readmodel::{GenerationAction, generation_report, request_generation},
    request::{CommandRequest, Reply},
};
use projections::{DesignFunnel, DesignPatterns, DesignRequests};
use serde_json::{Value, json};

use super::world::{World, json as read, table};

pub(super) fn requests() -> Composition {
    table().tables(DesignRequests).tables(DesignFunnel).tables(DesignPatterns)
}

/// Asks for something about the request `id`.
async fn send(world: &World, id: &str, name: &str, body: Value) -> Reply {
    sent("design", world, id, name, body).await
}

async fn sent(aggregate: &str, world: &World, id: &str, name: &str, body: Value) -> Reply {
    let id = id.parse().unwrap();
    let mut request = CommandRequest::new(aggregate, id, name, body.to_string());
    request.user_id = Some("clerk".to_owned());
    request.correlation_id = Some("talk".to_owned());
    request.session_id = Some("session".to_owned());
    world.client.send(&request).await.unwrap()
}

/// A report about the payment `intent` of 49 euro; `at` is a second of some minute.
fn report(intent: &str, fact: &str, at: u32) -> Value {
    json!({"intent_id": intent, "fact": fact, "amount": 4900, "currency": "eur",
        "at": format!("2026-01-02T03:04:{at:02}Z"), "stripe_event_id": format!("evt_{fact}_{at}")})
}

/// The rows of an answer, once everything in the log is in them.
async fn rows(world: &World, handlers: &Handlers, name: &str, params: Value) -> Vec<Value> {
    asked("design-requests", world, handlers, name, params).await
}

async fn asked(
    projection: &str,
    world: &World,
    handlers: &Handlers,
    name: &str,
    mut params: Value,
) -> Vec<Value> {
    params["after"] = world.last().await.0.into();
    params["wait_ms"] = 30_000.into();
    if params["limit"].is_null() {
        params["limit"] = 200.into();
    }
    let body = params.to_string().into();
    let answer = handlers.queries().query(projection, name, body).await.unwrap();
    let answer = read(&answer);
    assert_eq!(answer["status"], "ready");
    answer["rows"].as_array().unwrap().clone()
}

/// Builds the rows of requests anew: it is done, and they are the same.
async fn rebuilt_the_same(world: &World) {
    tests::eventually("the generations are told", tests::LIMIT, async || {
        generation_report(&world.connection, "design-requests").await.unwrap()
    })
    .await;
    let rebuild = GenerationAction::Rebuild { accept: false };
    let asked = request_generation(&world.connection, "design-requests", rebuild, "a test").await;
    let id = asked.unwrap().id;
    let rebuilt = tests::eventually("it is rebuilt", tests::LIMIT, async || {
        let told = generation_report(&world.connection, "design-requests").await.unwrap()?;
        told.outcome.filter(|outcome| outcome.request.as_deref() == Some(&*id))
    })
    .await;
    assert!(rebuilt.done && rebuilt.differing.is_empty(), "{rebuilt:?}");
}

/// Where the request stands.
async fn state(world: &World, handlers: &Handlers, id: &str) -> Value {
    let mut rows = rows(world, handlers, "current-state", json!({"request_id": id})).await;
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}
