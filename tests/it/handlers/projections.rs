//! What a projection promises.

use std::collections::BTreeMap;

use bytes::Bytes;
use infrastructure::{
    composition::Composition,
    handler::{HandlerState, Handlers},
    query::Queries,
};
use kit::Position;
use test_postgres::Postgres;
use tokio::task::spawn_blocking;

use super::{
    lag::lags,
    table_tennis::{Score, Scores},
    world::{World, json, state, table, with_every_store},
};

fn scoring() -> Composition {
    table().projection(Scores::<1, false>)
}

/// All scores, once everything up to `after` is folded.
async fn scores(handlers: &Handlers, after: Position) -> BTreeMap<String, Vec<u64>> {
    let body = format!("{{\"after\":{after},\"wait_ms\":30000,\"limit\":200}}");
    let answer = handlers.queries().query("scores", "list", body.into()).await.unwrap();
    let documents: Vec<Score> = serde_json::from_value(json(&answer)["documents"].clone()).unwrap();
    documents.into_iter().map(|score| (score.name, score.balls)).collect()
}

async fn after_any_kill_the_rows_equal_a_fold_of_the_log(world: World) {
    let composition = scoring();
    for round in 0..6_u64 {
        let instance = world.instance(&composition, "one");
        let serve = async |id| {
            for ball in 0..30 {
                world.serve(id, round * 100 + ball).await;
            }
        };
        // Each round dies at another point of the traffic.
        tokio::join!(serve("ada"), serve("bob"), serve("cleo"), async {
            for ball in 0..round * 4 {
                world.serve("dan", round * 100 + ball).await;
            }
            instance.kill().await;
        });
    }
    let handlers = world.handlers(&composition, "one").await;
    assert_eq!(scores(&handlers, world.last().await).await, world.balls("server").await);
    handlers.stop().await;
}

async fn a_second_instance_on_the_same_store_takes_over(world: World) {
    let first = world.instance(&scoring(), "one");
    world.serve("ada", 1).await;
    world.owned_by("scores", "one").await;
    let second = world.handlers(&scoring(), "two").await;
    world.serve("ada", 2).await;
    // It answers while the other folds.
    assert_eq!(scores(&second, world.last().await).await["ada"], [1, 2]);
    first.kill().await;
    world.serve("ada", 3).await;
    assert_eq!(scores(&second, world.last().await).await["ada"], [1, 2, 3]);
    world.owned_by("scores", "two").await;
    second.stop().await;
}

#[tokio::test]
async fn an_instance_with_another_file_runs_neither_projections_nor_their_queries() {
    let world = World::start().await;
    let first = world.handlers(&scoring(), "one").await;
    let reply = world.serve("ada", 1).await;
    assert_eq!(scores(&first, reply.position).await["ada"], [1]);

    let mut options = world.options("two");
    options.store = world.server.folder().join("another.sqlite").into();
    let second = Handlers::start(&world.client, &scoring(), options).await.unwrap();
    assert!(second.status().iter().all(|it| it.name != "scores"));
    assert!(second.queries().catalogue().is_empty());
    let answer = second.queries().query("scores", "get", Bytes::new()).await.unwrap_err();
    assert_eq!((answer.status, answer.code.as_str()), (503, "store-elsewhere"));
    assert!(answer.detail.contains("of the instance one"), "{answer}");
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn while_the_database_is_away_batches_are_tried_again_and_nothing_is_lost() {
    if !test_postgres::is_installed() {
        return;
    }
    let mut postgres = spawn_blocking(Postgres::start).await.unwrap();
    let store = postgres.database().parse().unwrap();
    let world = World::start_with(store, tempfile::tempdir().unwrap()).await;
    let handlers = world.handlers(&scoring(), "one").await;
    let reply = world.serve("ada", 1).await;
    assert_eq!(scores(&handlers, reply.position).await["ada"], [1]);

    let mut postgres = spawn_blocking(move || {
        postgres.stop();
        postgres
    })
    .await
    .unwrap();
    for ball in 2..=20 {
        world.serve("ada", ball).await;
    }
    let is_retrying = |state: &HandlerState| matches!(state, HandlerState::Retrying { .. });
    state(&handlers, "scores", is_retrying).await;
    let get = handlers.queries().query("scores", "get", r#"{"key":"ada"}"#.into()).await;
    assert_eq!(get.unwrap_err().code, "unavailable");
    lags(&world, &handlers, "scores", 19).await;

    let postgres = spawn_blocking(move || {
        postgres.restart();
        postgres
    })
    .await
    .unwrap();
    state(&handlers, "scores", |state| *state == HandlerState::Running).await;
    assert_eq!(scores(&handlers, world.last().await).await, world.balls("server").await);
    handlers.stop().await;
    spawn_blocking(|| drop(postgres)).await.unwrap();
}

#[tokio::test]
async fn an_instance_whose_file_was_deleted_folds_it_again() {
    let world = World::start().await;
    let first = world.handlers(&scoring(), "one").await;
    let reply = world.serve("ada", 1).await;
    assert_eq!(scores(&first, reply.position).await["ada"], [1]);
    first.stop().await;
    std::fs::remove_file(world.file()).unwrap();
    let again = world.handlers(&scoring(), "one").await;
    assert_eq!(scores(&again, reply.position).await["ada"], [1]);
    again.stop().await;
}

#[tokio::test]
async fn rows_of_another_log_are_not_mixed_with_this_one() {
    let world = World::start().await;
    let first = world.handlers(&scoring(), "one").await;
    let reply = world.serve("ada", 1).await;
    scores(&first, reply.position).await;
    first.stop().await;

    let other = World::start().await;
    let options = world.options("one");
    let elsewhere = Handlers::start(&other.client, &scoring(), options).await.unwrap();
    let answer = elsewhere.queries().query("scores", "list", Bytes::new()).await.unwrap_err();
    assert!(answer.detail.contains("folded from another event log"), "{answer}");
    elsewhere.stop().await;
}

with_every_store! {
    after_any_kill_the_rows_equal_a_fold_of_the_log,
    a_second_instance_on_the_same_store_takes_over,
}
