//! An event that the code or the database refuses waits with its key, and others go on.

use infrastructure::{
    deadletter::{Action, Class},
    handler::{HandlerState, Handlers},
};
use serde_json::{Value, json};

use super::{ask, balls, booking, consistent};
use crate::handlers::{
    table_tennis::{
        POISON,
        book::{Book, POISONED, PRECIOUS},
    },
    world::{World, table, with_every_store},
};

async fn standing(handlers: &Handlers, server: &str, after: u64) -> (Value, Value) {
    let params = json!({"server": server, "after": after, "wait_ms": 30_000});
    let answer = ask(handlers, "of", params).await.unwrap();
    (answer["status"].clone(), answer["parked"].clone())
}

async fn an_event_that_the_database_refuses_waits_and_those_beside_it_do_not(world: World) {
    // All of it is one batch, in which one event is at fault.
    let before = world.serve("ada", PRECIOUS).await.position;
    for (id, ball) in [("bob", 1), ("bob", PRECIOUS), ("bob", 3), ("cleo", 1), ("cleo", 2)] {
        world.serve(id, ball).await;
    }
    let handlers = world.handlers(&booking(), "one").await;
    let letter = world.parked("book", "bob").await;
    assert_eq!((letter.parked.class, letter.parked.attempts), (Class::Permanent, 1));
    let why = &letter.parked.errors[0];
    assert!(why.contains("the store refuses what it makes: code ") && why.contains("__precious"));
    assert!(!why.contains(&PRECIOUS.to_string()), "{why}: no value is told");
    let last = world.last().await;
    assert_eq!(balls(&handlers, "bob", last).await, [1], "nothing of the refused event is there");
    assert_eq!(balls(&handlers, "cleo", last).await, [1, 2]);
    consistent(&handlers, last).await;
    assert_eq!(standing(&handlers, "bob", last.0).await, (json!("parked"), json!(1)));
    assert_eq!(standing(&handlers, "cleo", last.0).await, (json!("ready"), json!(1)));
    // Whoever waits for what came before has it.
    assert_eq!(standing(&handlers, "bob", before.0).await, (json!("ready"), json!(1)));
    let totals = ask(&handlers, "totals", json!({})).await.unwrap();
    assert_eq!((&totals["status"], &totals["parked"]), (&json!("ready"), &json!(1)));
    assert_eq!(handlers.status()[0].state, HandlerState::Running);

    let other = format!("{{\"ball\":{}}}", PRECIOUS + 1);
    world.ask(&letter, Action::Override, Some(&other)).await;
    world.released("book", "bob").await;
    let last = world.last().await;
    assert_eq!(balls(&handlers, "bob", last).await, [1, PRECIOUS + 1, 3]);
    assert_eq!(standing(&handlers, "bob", last.0).await, (json!("ready"), json!(0)));
    assert_eq!(consistent(&handlers, last).await.1, 6);
    handlers.stop().await;
}

async fn code_that_panics_is_mended_and_what_waits_is_applied_once(world: World) {
    let poisoned = table().tables(Book::<1, POISONED>);
    let handlers = world.handlers(&poisoned, "one").await;
    world.serve_all("ada", &[1, POISON, 3]).await;
    world.serve_all("bob", &[1, POISON, 3]).await;
    world.serve("ada", 4).await;
    let (ada, bob) = (world.parked("book", "ada").await, world.parked("book", "bob").await);
    assert_eq!((ada.parked.class, ada.at.index), (Class::Bug, 1));
    assert_eq!(balls(&handlers, "ada", world.last().await).await, [1]);
    handlers.stop().await;

    let mended = world.handlers(&booking(), "two").await;
    world.ask(&ada, Action::Retry, None).await;
    world.ask(&bob, Action::Discard, None).await;
    world.released("book", "ada").await;
    world.released("book", "bob").await;
    let last = world.last().await;
    assert_eq!(balls(&mended, "ada", last).await, [1, POISON, 3, 4]);
    assert_eq!(balls(&mended, "bob", last).await, [1, 3]);
    assert_eq!(consistent(&mended, last).await.1, 6);
    mended.stop().await;
}

with_every_store! {
    an_event_that_the_database_refuses_waits_and_those_beside_it_do_not,
    code_that_panics_is_mended_and_what_waits_is_applied_once,
}
