//! Generations of tables: rebuilt, compared, gone back to, dropped, and replaced by newer code.

use std::sync::atomic::{AtomicBool, Ordering};

use infrastructure::{
    handler::HandlerState,
    readmodel::{
        GenerationAction, GenerationReport, Outcome, generation_report, request_generation,
    },
};
use kit::Position;
use serde_json::json;

use super::{ask, balls, booking, consistent};
use crate::handlers::{
    table_tennis::book::{Book, CHANGED, FINE, GARBLED, PRECIOUS},
    world::{World, state, table, with_every_store},
};

pub(super) async fn report(world: &World) -> Option<GenerationReport> {
    generation_report(&world.connection, "book").await.unwrap()
}

pub(super) async fn done(world: &World, action: GenerationAction) -> Outcome {
    tests::eventually("the generations are told", tests::LIMIT, async || report(world).await).await;
    let asked = request_generation(&world.connection, "book", action, "a test").await.unwrap();
    tests::eventually("the request is done", tests::LIMIT, async || {
        let outcome = report(world).await?.outcome?;
        (outcome.request.as_deref() == Some(&asked.id)).then_some(outcome)
    })
    .await
}

async fn a_rebuild_is_seen_by_no_reader(world: World) {
    let handlers = world.handlers(&booking(), "one").await;
    for ball in 0..200 {
        world.serve(if ball % 2 == 0 { "ada" } else { "bob" }, ball).await;
    }
    let over = AtomicBool::new(false);
    let reads = async {
        let (mut after, mut reads) = (Position::ZERO, 0);
        while !over.load(Ordering::Relaxed) {
            // Every commit is one ball: as many rows as the position says, or it is a mixture.
            let (position, balls) = consistent(&handlers, after).await;
            assert_eq!(balls, position.0);
            (after, reads) = (position, reads + 1);
        }
        reads
    };
    let traffic = async {
        let mut ball = 200;
        while !over.load(Ordering::Relaxed) {
            world.serve("cleo", ball).await;
            // Who writes more than can be applied can hardly catch up.
            consistent(&handlers, world.last().await).await;
            ball += 1;
        }
    };
    let rebuilds = async {
        let rebuilt = done(&world, GenerationAction::Rebuild { accept: false }).await;
        assert!(rebuilt.done && rebuilt.differing.is_empty(), "{rebuilt:?}");
        let back = done(&world, GenerationAction::Rollback).await;
        assert!(back.done, "{back:?}");
        let dropped = done(&world, GenerationAction::Drop { generation: None }).await;
        assert!(dropped.done, "{dropped:?}");
        over.store(true, Ordering::Relaxed);
    };
    let (reads, (), ()) = futures::join!(reads, traffic, rebuilds);
    assert!(reads > 5, "{reads} reads");
    consistent(&handlers, world.last().await).await;
    handlers.stop().await;
}

async fn rows_that_differ_are_named_by_table_and_key(world: World) {
    let handlers = world.handlers(&booking(), "one").await;
    for (id, ball) in [("ada", 1), ("ada", 2), ("bob", PRECIOUS)] {
        world.serve(id, ball).await;
    }
    consistent(&handlers, world.last().await).await;
    world.execute("UPDATE t_book_1__servers SET balls = 7 WHERE server = 'ada'").await;
    world.execute("DELETE FROM t_book_1__balls WHERE server = 'ada' AND place = 2").await;
    world.execute("UPDATE t_book_1__precious SET more = NULL").await;
    let refused = done(&world, GenerationAction::Rebuild { accept: false }).await;
    assert!(!refused.done, "{refused:?}");
    let precious = format!("precious {PRECIOUS}");
    assert_eq!(refused.differing, ["servers ada", "balls ada 2", &precious]);
    let accepted = done(&world, GenerationAction::Rebuild { accept: true }).await;
    assert!(accepted.done, "{accepted:?}");
    assert_eq!(consistent(&handlers, world.last().await).await.1, 3);
    handlers.stop().await;
}

async fn newer_code_has_tables_of_its_own_and_those_of_older_code_go(world: World) {
    let old = world.handlers(&booking(), "one").await;
    let reply = world.serve("ada", 1).await;
    consistent(&old, reply.position).await;
    old.stop().await;
    let is_halted = |state: &HandlerState| matches!(state, HandlerState::Halted { .. });

    // Other tables under the same version would be written to as if they were there.
    let unversioned = world.handlers(&table().tables(Book::<1, CHANGED>), "one").await;
    let HandlerState::Halted { reason } = state(&unversioned, "book", is_halted).await else {
        unreachable!()
    };
    assert!(reason.contains("are not those that the code declares"), "{reason}");
    unversioned.stop().await;

    // What no database understands is told at once, and the rows that are there go on answering.
    let garbled = world.handlers(&table().tables(Book::<2, GARBLED>), "one").await;
    let HandlerState::Halted { reason } = state(&garbled, "book", is_halted).await else {
        unreachable!()
    };
    assert!(reason.contains("does not take \"nonsense\"") && reason.contains("colour"), "{reason}");
    garbled.stop().await;

    let new = world.handlers(&table().tables(Book::<2, CHANGED>), "one").await;
    let reply = world.serve("ada", 2).await;
    let answer = tests::eventually("the new rows answer", tests::LIMIT, async || {
        ask(&new, "of", json!({"server": "ada", "after": reply.position})).await.ok()
    });
    assert_eq!(answer.await["rows"].as_array().unwrap().len(), 2);
    new.stop().await;

    // Of what older code has left behind, only the last stays.
    let newest = world.handlers(&table().tables(Book::<3, FINE>), "one").await;
    let reply = world.serve("ada", 3).await;
    tests::eventually("the newest rows answer", tests::LIMIT, async || {
        ask(&newest, "of", json!({"server": "ada", "after": reply.position})).await.ok()
    })
    .await;
    assert_eq!(balls(&newest, "ada", reply.position).await, [1, 2, 3]);
    tests::eventually("the oldest are gone", tests::LIMIT, async || {
        let told = report(&world).await?;
        let left: Vec<_> = told.generations.iter().map(|it| it.generation).collect();
        (left == [2, 3]).then_some(())
    })
    .await;
    // Their names are free again.
    world.execute("CREATE TABLE t_book_1__balls (server TEXT)").await;
    newest.stop().await;
}

with_every_store! {
    a_rebuild_is_seen_by_no_reader,
    rows_that_differ_are_named_by_table_and_key,
    newer_code_has_tables_of_its_own_and_those_of_older_code_go,
}
