//! What a handler has made of an event, asked from outside.

use infrastructure::{
    deadletter::{Action, Cursor},
    envelope,
    handler::{EventStatus, HandlerOptions, Processing, Processings},
    request::Reply,
};
use kit::Position;
use nats::Subject;
use test_postgres::Postgres;
use tests::{LIMIT, eventually};
use tokio::task::spawn_blocking;

use super::{
    table_tennis::Scores,
    umpire::{Fault, Umpire},
    world::{World, table},
};

/// What the umpire has made of the first event at `position`.
async fn status(world: &World, umpire: &Umpire, position: u64) -> EventStatus {
    let messages = world.messages().await;
    let message = messages.iter().find(|message| message.sequence == position).unwrap();
    let Some(Subject::Event { aggregate, id }) = Subject::parse(&message.subject) else {
        panic!("{} is no event", message.subject)
    };
    let event = envelope::decode(&message.payload).unwrap()[0].id;
    let read = Processings::read(&world.connection, &umpire.composition(), &aggregate).await;
    let at = Cursor { position: Position(position), index: 0 };
    let mut all = read.unwrap().of(&id, at, event);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Waits until that is `wanted`.
async fn becomes(world: &World, umpire: &Umpire, position: u64, wanted: Processing) {
    eventually(&format!("the event at {position} is {wanted:?}"), LIMIT, async || {
        (status(world, umpire, position).await.status == wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_event_is_received_then_fails_then_is_processed() {
    let world = World::start().await;
    let umpire = Umpire::default();
    // Registered and gone: what comes now is for it, and nobody handles it.
    world.handlers(&umpire.composition(), "one").await.stop().await;
    umpire.fails(1, Fault::Away);
    for (id, ball) in [("ada", 1), ("ada", 2), ("bob", 11)] {
        world.serve(id, ball).await;
    }
    assert_eq!(status(&world, &umpire, 1).await.status, Processing::Received);
    let handlers = world.handlers(&umpire.composition(), "one").await;
    becomes(&world, &umpire, 1, Processing::Failed).await;
    // It is behind the first of its key, and that of another key is done although it came later.
    becomes(&world, &umpire, 2, Processing::Processing).await;
    becomes(&world, &umpire, 3, Processing::Processed).await;
    umpire.is_mended(1);
    for position in 1..=3 {
        becomes(&world, &umpire, position, Processing::Processed).await;
    }
    handlers.stop().await;
}

#[tokio::test]
async fn an_event_among_the_dead_letters_is_dead_and_those_behind_it_wait() {
    let world = World::start().await;
    let umpire = Umpire::default();
    umpire.fails(1, Fault::Park);
    let handlers = world.handlers(&umpire.composition(), "one").await;
    for ball in [1, 2] {
        world.serve("ada", ball).await;
    }
    let letter = world.parked("umpire", "ada").await;
    world.reached("umpire", world.last().await).await;
    assert_eq!(status(&world, &umpire, 1).await.status, Processing::Dead);
    let behind = status(&world, &umpire, 2).await;
    assert_eq!(behind.status, Processing::Received);
    assert_eq!(behind.note.as_deref(), Some("waits behind 1.0"));

    world.ask(&letter, Action::Discard, None).await;
    world.released("umpire", "ada").await;
    assert_eq!(status(&world, &umpire, 2).await.status, Processing::Processed);
    let discarded = status(&world, &umpire, 1).await;
    assert_eq!(discarded.status, Processing::Dead);
    assert_eq!(discarded.note.as_deref(), Some("discarded"));
    handlers.stop().await;
}

#[tokio::test]
async fn a_projection_has_processed_what_is_in_its_rows_however_rarely_it_renews_its_lease() {
    let world = World::start().await;
    let scoring = table().projection(Scores::<1, false>);
    // Its next word on the lease comes when this test has long given up.
    let options = HandlerOptions { lease_ttl: LIMIT * 10, ..world.options("one") };
    let handlers = world.handlers_with(&scoring, options).await;
    let event = world.serve("ada", 1).await;
    let (id, event) = (event.id, event.events[0].id);
    let at = Cursor { position: Position(1), index: 0 };
    eventually("the event is processed", LIMIT, async || {
        let read = Processings::read(&world.connection, &scoring, "server").await.unwrap();
        let status = &read.of(&id, at, event)[0].status;
        (*status == Processing::Processed).then_some(())
    })
    .await;
    handlers.stop().await;
}

#[tokio::test]
async fn what_a_projection_has_in_hand_fails_while_its_store_is_away() {
    if !test_postgres::is_installed() {
        return;
    }
    let mut postgres = spawn_blocking(Postgres::start).await.unwrap();
    let store = postgres.database().parse().unwrap();
    let world = World::start_with(store, tempfile::tempdir().unwrap()).await;
    let scoring = table().projection(Scores::<1, false>);
    let handlers = world.handlers(&scoring, "one").await;
    let becomes = async |reply: &Reply, wanted: Processing| {
        let at = Cursor { position: reply.position, index: 0 };
        eventually(&format!("the event at {at} is {wanted:?}"), LIMIT, async || {
            let read = Processings::read(&world.connection, &scoring, "server").await.ok()?;
            (read.of(&reply.id, at, reply.events[0].id)[0].status == wanted).then_some(())
        })
        .await;
    };
    let first = world.serve("ada", 1).await;
    becomes(&first, Processing::Processed).await;
    let mut postgres = spawn_blocking(move || {
        postgres.stop();
        postgres
    })
    .await
    .unwrap();
    let second = world.serve("ada", 2).await;
    becomes(&second, Processing::Failed).await;
    becomes(&first, Processing::Processed).await;
    let postgres = spawn_blocking(move || {
        postgres.restart();
        postgres
    })
    .await
    .unwrap();
    becomes(&second, Processing::Processed).await;
    handlers.stop().await;
    spawn_blocking(|| drop(postgres)).await.unwrap();
}
