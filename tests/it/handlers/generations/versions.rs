//! Generations of other code: beside the rows that answer, before them and behind them.

use infrastructure::{
    handler::{HandlerOptions, HandlerState, Handlers},
    readmodel::{GenerationAction, GenerationRole},
};
use kit::Position;
use serde_json::json;

use super::{
    super::{
        table_tennis::{POISON, Scores},
        world::{World, state, table, with_every_store},
    },
    done, query, roles, scoring,
};

async fn while_newer_code_fills_its_rows_the_older_ones_answer_what_needs_no_folding(world: World) {
    let old = world.handlers(&scoring(), "one").await;
    for ball in [0, 1, POISON] {
        world.serve("ada", ball).await;
    }
    consistent_name(&old, Position(3), "ada").await;
    old.stop().await;

    // There is no room to park the third event, so it stops there, and never takes over.
    let options = HandlerOptions { parked_keys_max: 0, ..world.options("one") };
    let stuck = world.handlers_with(&table().projection(Scores::<2, true>), options).await;
    let is_halted = |state: &HandlerState| matches!(state, HandlerState::Halted { .. });
    state(&stuck, "scores", is_halted).await;
    consistent_name(&stuck, Position(3), "ada").await;
    for (name, params) in [
        ("list", json!({"where": {"name": "ada"}, "wait_ms": 0})),
        ("count", json!({"by": "ball", "wait_ms": 0})),
        ("get", json!({"key": "ada", "after": 4, "wait_ms": 0})),
    ] {
        let refused = query(&stuck, name, params).await.unwrap_err();
        assert!(refused.starts_with("unavailable: the rows of scores stand at 3"), "{refused}");
        assert!(refused.contains("a new generation is at 2 of 3"), "{refused}");
    }
    stuck.stop().await;

    let new = world.handlers(&table().projection(Scores::<2, false>), "one").await;
    world.serve("ada", 3).await;
    let found = tests::eventually("the new rows answer", tests::LIMIT, async || {
        let params = json!({"where": {"name": "ada"}, "after": 4});
        query(&new, "list", params).await.ok()
    })
    .await;
    assert_eq!(found["documents"][0]["name"], "ADA");
    new.stop().await;

    // The older program asks for the rows that it left behind, and goes on with them.
    let old = world.handlers(&scoring(), "one").await;
    let HandlerState::Halted { reason } = state(&old, "scores", is_halted).await else {
        unreachable!()
    };
    assert!(reason.contains("headwater projection rollback scores"), "{reason}");
    let newer = query(&old, "get", json!({"key": "ada", "wait_ms": 0})).await.unwrap_err();
    assert!(newer.starts_with("unavailable"), "{newer}");
    let (back, _) = done(&world, GenerationAction::Rollback).await;
    assert!(back.done, "{back:?}");
    consistent_name(&old, Position(4), "ada").await;
    old.stop().await;
}

async fn a_generation_that_cannot_fold_what_the_other_has_is_told_from_it(world: World) {
    let handlers = world.handlers(&scoring(), "one").await;
    for ball in [1, POISON, 3] {
        world.serve("ada", ball).await;
        world.serve("bob", ball + 1_000).await;
    }
    consistent_name(&handlers, world.last().await, "ada").await;
    handlers.stop().await;
    // The same version, and yet other code.
    let poisoned = world.handlers(&table().projection(Scores::<1, true>), "two").await;
    let (refused, report) = done(&world, GenerationAction::Rebuild { accept: false }).await;
    assert!(!refused.done, "{refused:?}");
    assert_eq!(refused.differing, ["ada"]);
    assert_eq!(roles(&report)[0], (1, GenerationRole::Current));
    poisoned.stop().await;
}

async fn consistent_name(handlers: &Handlers, after: Position, name: &str) {
    let got = query(handlers, "get", json!({"key": "ada", "after": after})).await.unwrap();
    assert_eq!(got["document"]["name"], name);
}

with_every_store! {
    while_newer_code_fills_its_rows_the_older_ones_answer_what_needs_no_folding,
    a_generation_that_cannot_fold_what_the_other_has_is_told_from_it,
}
