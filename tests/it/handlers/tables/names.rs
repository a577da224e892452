//! The names of tables, for those who come with SQL of their own.

use infrastructure::{
    composition::{Composition, CompositionError},
    handler::HandlerState,
    readmodel::GenerationAction,
};
use kit::{
    Recorded, TableProjection,
    tables::{Change, Query, Table},
};

use super::{booking, consistent, succession::done};
use crate::handlers::{
    table_tennis::{
        Scores, ServerEvent,
        book::{Book, CHANGED, FINE, PRECIOUS},
    },
    world::{World, state, table, with_every_store},
};

const SERVERS: &str = "SELECT server || ' ' || balls || ' ' || best FROM servers ORDER BY server";

/// What a reader by name is told, generation by generation.
async fn served(world: &World) -> Vec<String> {
    world.texts(SERVERS).await.unwrap()
}

/// The same of a reader of several tables at once.
async fn seen(world: &World) -> Vec<String> {
    let sheet = "SELECT server || ' ' || seen FROM score_sheet ORDER BY server";
    world.texts(sheet).await.unwrap()
}

async fn a_declared_name_is_that_of_the_rows_that_queries_read(world: World) {
    let handlers = world.handlers(&booking(), "one").await;
    for (id, ball) in [("ada", 1), ("ada", 2), ("bob", PRECIOUS)] {
        world.serve(id, ball).await;
    }
    consistent(&handlers, world.last().await).await;
    assert_eq!(served(&world).await, ["ada 2 2", "bob 1 10000"]);
    world.execute("UPDATE t_book_1__servers SET balls = 7 WHERE server = 'ada'").await;
    assert_eq!(served(&world).await, ["ada 7 2", "bob 1 10000"]);
    assert_eq!(seen(&world).await, ["ada 2", "bob 1"]);
    world.execute("DELETE FROM t_book_1__balls WHERE server = 'ada' AND place = 1").await;
    assert_eq!(seen(&world).await, ["ada 1", "bob 1"]);
    for (action, ada) in [
        (GenerationAction::Rebuild { accept: true }, "ada 2 2"),
        (GenerationAction::Rollback, "ada 7 2"),
        (GenerationAction::Rollback, "ada 2 2"),
        (GenerationAction::Drop { generation: None }, "ada 2 2"),
    ] {
        let outcome = done(&world, action.clone()).await;
        assert!(outcome.done, "{outcome:?}");
        assert_eq!(served(&world).await[0], ada, "after {action:?}");
        let rows = if ada == "ada 2 2" { "ada 2" } else { "ada 1" };
        assert_eq!(seen(&world).await[0], rows, "after {action:?}");
    }
    handlers.stop().await;
    // Whoever takes over finds everything as it should be.
    let handlers = world.handlers(&booking(), "two").await;
    world.serve("ada", 3).await;
    consistent(&handlers, world.last().await).await;
    assert_eq!(served(&world).await, ["ada 3 3", "bob 1 10000"]);
    handlers.stop().await;
}

async fn what_is_read_by_name_cannot_be_written_by_it(world: World) {
    let handlers = world.handlers(&booking(), "one").await;
    let reply = world.serve("ada", 1).await;
    consistent(&handlers, reply.position).await;
    for attempt in [
        "UPDATE servers SET balls = 7",
        "UPDATE balls SET ball = 7 WHERE server = 'ada'",
        "DELETE FROM servers",
        "DELETE FROM score_sheet",
        "DELETE FROM balls WHERE server = 'ada'",
        "INSERT INTO balls (server, place, ball) VALUES ('ada', 2, 2)",
    ] {
        let refused = world.tried(attempt).await.unwrap_err().to_string();
        let says = if world.is_shared() { "view" } else { "because it is a view" };
        assert!(refused.contains(says), "{attempt}: {refused}");
    }
    assert_eq!(served(&world).await, ["ada 1 1"]);
    handlers.stop().await;
}

async fn a_reader_finds_the_types_of_the_database(world: World) {
    let handlers = world.handlers(&booking(), "one").await;
    let reply = world.serve("ada", PRECIOUS).await;
    consistent(&handlers, reply.position).await;
    let commit = world.messages().await.pop().unwrap().payload;
    let time = crate::handlers::world::json(&commit)[0]["time"].as_str().unwrap().to_owned();
    let time: chrono::DateTime<chrono::Utc> = time.parse().unwrap();
    let (last, text) = if world.is_shared() {
        let utc = "SELECT to_char(last AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') \
                   FROM servers";
        (utc, "SELECT CAST(more ->> 'ball' AS TEXT) FROM precious WHERE returned")
    } else {
        let more = "SELECT CAST(more ->> 'ball' AS TEXT) FROM precious WHERE returned";
        ("SELECT last FROM servers", more)
    };
    let expected = time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    assert_eq!(world.texts(last).await.unwrap(), [expected]);
    assert_eq!(world.texts(text).await.unwrap(), [PRECIOUS.to_string()]);
    handlers.stop().await;
}

async fn names_follow_the_code_there_and_back(world: World) {
    let old = world.handlers(&booking(), "one").await;
    let reply = world.serve("ada", 1).await;
    consistent(&old, reply.position).await;
    old.stop().await;
    let renamed = "SELECT server FROM served_balls";
    world.texts(renamed).await.unwrap_err();

    let new = world.handlers(&table().tables(Book::<2, CHANGED>), "one").await;
    tests::eventually("the new name is there", tests::LIMIT, async || {
        world.texts(renamed).await.ok()
    })
    .await;
    assert_eq!(served(&world).await, ["ada 1 1"]);
    new.stop().await;

    let old = world.handlers(&booking(), "one").await;
    let back = done(&world, GenerationAction::Rollback).await;
    assert!(back.done, "{back:?}");
    world.texts(renamed).await.unwrap_err();
    assert_eq!(served(&world).await, ["ada 1 1"]);
    old.stop().await;
}

async fn what_somebody_else_has_made_under_a_name_stays_and_the_projection_says_so(world: World) {
    let is_halted = |state: &HandlerState| matches!(state, HandlerState::Halted { .. });
    let others = world.handlers(&table().projection(Scores::<1, false>), "one").await;
    others.stop().await;
    world.execute("CREATE TABLE balls (mine TEXT)").await;
    world.execute("INSERT INTO balls VALUES ('not yours')").await;
    let handlers = world.handlers(&booking(), "one").await;
    let HandlerState::Halted { reason } = state(&handlers, "book", is_halted).await else {
        unreachable!()
    };
    assert!(reason.contains("the name \"balls\"") && reason.contains("already exists"), "{reason}");
    assert_eq!(world.texts("SELECT mine FROM balls").await.unwrap(), ["not yours"]);
    handlers.stop().await;
    world.execute("DROP TABLE balls").await;
    let handlers = world.handlers(&booking(), "one").await;
    let reply = world.serve("ada", 1).await;
    consistent(&handlers, reply.position).await;
    assert_eq!(served(&world).await, ["ada 1 1"]);
    handlers.stop().await;
}

/// Whoever has built upon a name, and may read nothing else, still does after a rebuild.
async fn what_others_have_made_of_a_name_outlives_a_rebuild(world: World) {
    let handlers = world.handlers(&booking(), "one").await;
    let reply = world.serve("ada", 1).await;
    consistent(&handlers, reply.position).await;
    world
        .execute("CREATE VIEW best_of_all AS SELECT CAST(max(best) AS TEXT) AS best FROM servers")
        .await;
    if world.is_shared() {
        world
            .execute(
                "CREATE ROLE analyst;
                 GRANT USAGE ON SCHEMA headwater TO analyst; GRANT SELECT ON servers TO analyst",
            )
            .await;
    }
    let rebuilt = done(&world, GenerationAction::Rebuild { accept: false }).await;
    let dropped = done(&world, GenerationAction::Drop { generation: None }).await;
    assert!(rebuilt.done && dropped.done, "{rebuilt:?} {dropped:?}");
    world.serve("ada", 9).await;
    consistent(&handlers, world.last().await).await;
    assert_eq!(world.texts("SELECT best FROM best_of_all").await.unwrap(), ["9"]);
    if world.is_shared() {
        world.execute("SET ROLE analyst; SELECT * FROM servers").await;
        let refused = world.tried("SET ROLE analyst; SELECT * FROM balls").await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{refused}");
        let stored = world.tried("SET ROLE analyst; DELETE FROM t_book_2__servers").await;
        assert!(stored.unwrap_err().to_string().contains("permission denied"));
    }
    handlers.stop().await;
}

/// Another projection that has the names of the book's tables.
#[derive(Debug, Clone, Copy)]
struct Copycat;

impl TableProjection for Copycat {
    const NAME: &'static str = "copycat";
    const VERSION: u32 = 1;
    const TABLES: &'static [Table] = Book::<1, FINE>::TABLES;
    const QUERIES: &'static [Query] = &[];
    type When = ServerEvent;

    fn changes(_: &Recorded<ServerEvent>) -> serde_json::Result<Vec<Change>> {
        Ok(Vec::new())
    }
}

#[test]
fn two_projections_cannot_have_a_table_of_one_name() {
    assert_eq!(
        booking().tables(Copycat).check(),
        Err(CompositionError::Declared {
            projection: "copycat",
            why: "table servers: book has one of that name".to_owned()
        })
    );
    let alone: Composition = table().tables(Copycat);
    assert_eq!(alone.check(), Ok(()));
}

with_every_store! {
    a_declared_name_is_that_of_the_rows_that_queries_read,
    what_is_read_by_name_cannot_be_written_by_it,
    a_reader_finds_the_types_of_the_database,
    names_follow_the_code_there_and_back,
    what_somebody_else_has_made_under_a_name_stays_and_the_projection_says_so,
    what_others_have_made_of_a_name_outlives_a_rebuild,
}
