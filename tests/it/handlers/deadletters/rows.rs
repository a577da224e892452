//! Projections: an event that cannot be folded waits, and nothing of its key is folded before it.

use infrastructure::{
    composition::Composition,
    deadletter::{Action, Class},
    handler::{HandlerState, Handlers},
    query::Queries,
};
use kit::Position;
use serde_json::Value;

use super::super::{
    table_tennis::{POISON, Scores},
    world::{World, json, state, table, with_every_store},
};

fn poisoned() -> Composition {
    table().projection(Scores::<1, true>)
}

fn mended() -> Composition {
    table().projection(Scores::<1, false>)
}

async fn get(handlers: &Handlers, key: &str, after: Position) -> Value {
    let body = format!("{{\"key\":{key:?},\"after\":{after},\"wait_ms\":30000}}");
    json(&handlers.queries().query("scores", "get", body.into()).await.unwrap())
}

async fn balls(handlers: &Handlers, key: &str, after: Position) -> Value {
    get(handlers, key, after).await["document"]["balls"].clone()
}

async fn an_event_that_cannot_be_folded_waits_with_its_key_and_queries_say_so(world: World) {
    let handlers = world.handlers(&poisoned(), "one").await;
    let before = world.serve("ada", 1).await.position;
    for (id, ball) in [("ada", POISON), ("bob", 11), ("ada", 3), ("bob", 12)] {
        world.serve(id, ball).await;
    }
    let letter = world.parked("scores", "ada").await;
    assert_eq!((letter.parked.class, letter.parked.attempts), (Class::Bug, 1));
    let last = world.last().await;
    let ada = get(&handlers, "ada", last).await;
    assert_eq!(ada["status"], "parked");
    assert_eq!(ada["document"]["balls"], serde_json::json!([1]));
    // Whoever waits for what came before has it.
    assert_eq!(get(&handlers, "ada", before).await["status"], "ready");
    let bob = get(&handlers, "bob", last).await;
    assert_eq!((bob["status"].as_str(), bob["parked"].as_u64()), (Some("ready"), Some(1)));
    assert_eq!(bob["document"]["balls"], serde_json::json!([11, 12]));
    let list = handlers.queries().query("scores", "list", "{}".into()).await.unwrap();
    assert_eq!(json(&list)["parked"], 1);
    let status = &handlers.status()[0];
    assert_eq!((status.parked, status.waiting, &status.state), (1, 2, &HandlerState::Running));
    handlers.stop().await;

    let mended = world.handlers(&mended(), "two").await;
    world.serve("ada", 4).await;
    assert_eq!(balls(&mended, "ada", world.last().await).await, serde_json::json!([1]));
    world.ask(&letter, Action::Retry, None).await;
    world.released("scores", "ada").await;
    world.serve("ada", 5).await;
    let ada = get(&mended, "ada", world.last().await).await;
    assert_eq!((ada["status"].as_str(), ada["parked"].as_u64()), (Some("ready"), Some(0)));
    assert_eq!(ada["document"]["balls"], serde_json::json!([1, POISON, 3, 4, 5]));
    assert_eq!(mended.status()[0].waiting, 0);
    mended.stop().await;
}

async fn poison_as_the_second_event_of_a_commit_can_be_discarded_or_overridden(world: World) {
    let handlers = world.handlers(&poisoned(), "one").await;
    for id in ["ada", "bob"] {
        world.serve_all(id, &[1, POISON, 3]).await;
        world.serve(id, 4).await;
    }
    let (ada, bob) = (world.parked("scores", "ada").await, world.parked("scores", "bob").await);
    assert_eq!(ada.at.index, 1);
    assert_eq!(balls(&handlers, "ada", world.last().await).await, serde_json::json!([1]));
    world.ask(&ada, Action::Discard, None).await;
    world.ask(&bob, Action::Override, Some(r#"{"ball":22}"#)).await;
    world.released("scores", "ada").await;
    world.released("scores", "bob").await;
    let last = world.last().await;
    assert_eq!(balls(&handlers, "ada", last).await, serde_json::json!([1, 3, 4]));
    assert_eq!(balls(&handlers, "bob", last).await, serde_json::json!([1, 22, 3, 4]));
    handlers.stop().await;

    // What was decided holds for whoever folds the same events again, with other code.
    let newer = table().projection(Scores::<2, true>);
    let newer = world.handlers(&newer, "one").await;
    tests::eventually("the newer rows answer", tests::LIMIT, async || {
        let name = &get(&newer, "ada", last).await["document"]["name"];
        (name == "ADA").then_some(())
    })
    .await;
    assert_eq!(balls(&newer, "ada", last).await, serde_json::json!([1, 3, 4]));
    assert_eq!(balls(&newer, "bob", last).await, serde_json::json!([1, 22, 3, 4]));
    newer.stop().await;
}

/// Lets the owner die at `point`, and another take over; the rows end as they must.
async fn dies_at(world: World, point: &'static str) {
    let parks = point.starts_with("park.");
    let letter = if parks {
        None
    } else {
        let handlers = world.handlers(&poisoned(), "zero").await;
        for ball in [1, POISON, 3, 4] {
            world.serve("ada", ball).await;
        }
        let letter = world.parked("scores", "ada").await;
        get(&handlers, "ada", world.last().await).await;
        handlers.stop().await;
        Some(letter)
    };
    let composition = if parks { poisoned() } else { mended() };
    let first = world.doomed(&composition, "one", point);
    match &letter {
        Some(letter) => world.ask(letter, Action::Retry, None).await,
        None => {
            for ball in [1, POISON, 3, 4] {
                world.serve("ada", ball).await;
            }
        }
    }
    first.dies().await;
    world.serve("ada", 5).await;
    let second = world.handlers(&composition, "one").await;
    if parks {
        let letter = world.parked("scores", "ada").await;
        let last = world.last().await;
        assert_eq!(balls(&second, "ada", last).await, serde_json::json!([1]), "{point}");
        second.stop().await;
        let third = world.handlers(&mended(), "two").await;
        world.ask(&letter, Action::Retry, None).await;
        whole(&world, &third, point).await;
    } else {
        whole(&world, &second, point).await;
    }
}

/// Each event was folded once and in order.
async fn whole(world: &World, handlers: &Handlers, point: &str) {
    world.released("scores", "ada").await;
    let all = tests::eventually("all is folded", tests::LIMIT, async || {
        let ada = get(handlers, "ada", world.last().await).await;
        (ada["status"] == "ready").then_some(ada)
    });
    let balls = &all.await["document"]["balls"];
    assert_eq!(*balls, serde_json::json!([1, POISON, 3, 4, 5]), "{point}");
    let verdict = world.verified("scores", &mended()).await;
    assert!(verdict.is_sound() && verdict.events == 5, "{point}: {verdict:?}");
}

async fn an_owner_that_dies_before_it_parks(world: World) {
    dies_at(world, "park.before").await;
}

async fn an_owner_that_dies_after_it_parked(world: World) {
    dies_at(world, "park.after").await;
}

async fn an_owner_that_dies_when_what_waits_is_in_the_rows(world: World) {
    dies_at(world, "drain.handled").await;
}

async fn an_owner_that_dies_before_it_releases_the_key(world: World) {
    dies_at(world, "drain.before-release").await;
}

async fn one_key_more_than_may_be_parked_halts_a_projection_until_there_is_room(world: World) {
    let mut options = world.options("one");
    options.parked_keys_max = 1;
    let handlers = world.handlers_with(&poisoned(), options).await;
    for id in ["ada", "bob"] {
        world.serve(id, POISON).await;
        world.serve(id, 2).await;
    }
    state(&handlers, "scores", |state| matches!(state, HandlerState::Halted { .. })).await;
    let ada = world.parked("scores", "ada").await;
    world.ask(&ada, Action::Discard, None).await;
    world.parked("scores", "bob").await;
    let last = world.last().await;
    assert_eq!(balls(&handlers, "ada", last).await, serde_json::json!([2]));
    state(&handlers, "scores", |state| *state == HandlerState::Running).await;
    handlers.stop().await;
}

async fn what_stands_before_an_unreadable_event_of_its_commit_is_folded_with_what_waits(
    world: World,
) {
    let handlers = world.handlers(&poisoned(), "one").await;
    for ball in [1, POISON] {
        world.serve("ada", ball).await;
    }
    let letter = world.parked("scores", "ada").await;
    world.serve_all("bob", &[21, 22, 23]).await;
    let commit = world.messages().await.pop().unwrap().payload;
    let commit = String::from_utf8(commit.to_vec()).unwrap();
    let commit = commit.replace("\"subject\":\"bob\"", "\"subject\":\"ada\"");
    let (before, last) = commit.rsplit_once("\"schemaversion\":1").unwrap();
    let newer = format!("{before}\"schemaversion\":2{last}");
    world.connection.publish("event.server.ada", newer.into()).await.unwrap();
    get(&handlers, "bob", world.last().await).await;
    world.ask(&letter, Action::Discard, None).await;
    let next = tests::eventually("the next one is parked", tests::LIMIT, async || {
        let letter = world.parked("scores", "ada").await;
        (letter.parked.class == Class::Schema).then_some(letter)
    })
    .await;
    assert_eq!(next.at.index, 2);
    let last = world.last().await;
    assert_eq!(balls(&handlers, "ada", last).await, serde_json::json!([1, 21, 22]));
    handlers.stop().await;
}

with_every_store! {
    what_stands_before_an_unreadable_event_of_its_commit_is_folded_with_what_waits,
    an_event_that_cannot_be_folded_waits_with_its_key_and_queries_say_so,
    poison_as_the_second_event_of_a_commit_can_be_discarded_or_overridden,
    an_owner_that_dies_before_it_parks,
    an_owner_that_dies_after_it_parked,
    an_owner_that_dies_when_what_waits_is_in_the_rows,
    an_owner_that_dies_before_it_releases_the_key,
    one_key_more_than_may_be_parked_halts_a_projection_until_there_is_room,
}
