//! Projections into tables: what documents promise, they promise too.

mod names;
mod parking;
mod succession;

use infrastructure::{
    composition::Composition,
    handler::{HandlerState, Handlers},
    problem::Problem,
    query::Queries,
};
use kit::Position;
use serde_json::{Value, json};
use test_postgres::Postgres;
use tokio::task::spawn_blocking;

use super::{
    table_tennis::book::{Book, FINE, PRECIOUS},
    world::{World, json as read, state, table, with_every_store},
};

fn booking() -> Composition {
    table().tables(Book::<1, FINE>)
}

async fn ask(handlers: &Handlers, name: &str, params: Value) -> Result<Value, Problem> {
    let answer = handlers.queries().query("book", name, params.to_string().into()).await;
    answer.map(|body| read(&body))
}

/// The balls of one server, once everything up to `after` is in the rows.
async fn balls(handlers: &Handlers, server: &str, after: Position) -> Vec<u64> {
    let params = json!({"server": server, "after": after, "wait_ms": 30_000, "limit": 200});
    let answer = ask(handlers, "of", params).await.unwrap();
    let rows = answer["rows"].as_array().unwrap().iter();
    rows.map(|row| row["ball"].as_u64().unwrap()).collect()
}

/// Every row is there once: what is counted by adding is what there are rows of.
async fn consistent(handlers: &Handlers, after: Position) -> (Position, u64) {
    let params = json!({"after": after, "wait_ms": 30_000, "limit": 200});
    let answer = ask(handlers, "totals", params).await.unwrap();
    let rows = answer["rows"].as_array().unwrap();
    let fits = |row: &Value| row["balls"] == row["rows"] && row["best"] == row["highest"];
    assert!(rows.iter().all(fits), "{answer}");
    let all = rows.iter().map(|row| row["balls"].as_u64().unwrap()).sum();
    (Position(answer["position"].as_u64().unwrap()), all)
}

async fn after_any_kill_the_rows_equal_a_fold_of_the_log(world: World) {
    for round in 0..6_u64 {
        let instance = world.instance(&booking(), "one");
        let serve = async |id| {
            for ball in 0..20 {
                world.serve(id, round * 100 + ball).await;
            }
        };
        tokio::join!(serve("ada"), serve("bob"), async {
            for ball in 0..round * 4 {
                world.serve("dan", round * 100 + ball).await;
            }
            instance.kill().await;
        });
    }
    let handlers = world.handlers(&booking(), "one").await;
    let (last, log) = (world.last().await, world.balls("server").await);
    for (server, served) in &log {
        assert_eq!(&balls(&handlers, server, last).await, served);
    }
    assert_eq!(
        consistent(&handlers, last).await.1,
        log.values().map(|it| it.len() as u64).sum::<u64>()
    );
    let verdict = world.verified("book", &booking()).await;
    assert!(verdict.is_sound() && verdict.events == last.0, "{verdict:?}");
    handlers.stop().await;
}

async fn what_was_written_can_be_read_after_its_position_as_what_it_was_declared(world: World) {
    let handlers = world.handlers(&booking(), "one").await;
    world.serve("ada", 3).await;
    let reply = world.serve("ada", PRECIOUS).await;
    let params = json!({"after": reply.position, "at_least": 2});
    let answer = ask(&handlers, "totals", params).await.unwrap();
    let (row, status) = (&answer["rows"][0], (&answer["status"], &answer["parked"]));
    assert_eq!(status, (&json!("ready"), &json!(0)));
    let commit = world.messages().await.pop().unwrap().payload;
    let time = read(&commit)[0]["time"].clone();
    let at: chrono::DateTime<chrono::Utc> = serde_json::from_value(time).unwrap();
    let shown: chrono::DateTime<chrono::Utc> = serde_json::from_value(row["last"].clone()).unwrap();
    assert_eq!(shown.timestamp_micros(), at.timestamp_micros());
    let (highest, mean) = (PRECIOUS, (PRECIOUS as f64 + 3.0) / 2.0);
    let expected = json!({"server": "ada", "balls": 2, "best": PRECIOUS, "last": row["last"], "rows": 2,
        "highest": highest, "mean": mean, "returned": true, "more": {"ball": PRECIOUS}});
    assert_eq!(*row, expected);
    // In the order in which the columns are declared.
    let body = handlers.queries().query("book", "totals", "{}".into()).await.unwrap();
    assert!(String::from_utf8(body.to_vec()).unwrap().contains(r#"[{"server":"ada","balls":2,"#));
    let none = ask(&handlers, "totals", json!({"at_least": 3})).await.unwrap();
    assert_eq!((&none["rows"], &none["next"]), (&json!([]), &Value::Null));
    let late = json!({"after": reply.position.0 + 7, "wait_ms": 50});
    let late = ask(&handlers, "totals", late).await.unwrap_err();
    assert_eq!((late.status, late.code.as_str()), (504, "timeout"));
    let end = reply.position;
    assert_eq!(late.detail, format!("book is at {end}, 7 behind {}", end.0 + 7));
    handlers.stop().await;
}

async fn an_answer_comes_in_pages_that_fit_together_by_the_bytes_of_its_order(world: World) {
    let handlers = world.handlers(&booking(), "one").await;
    let bytewise = ["Z", "a-x", "a1x", "a=x", "a_x", "aax", "z"];
    for id in ["z", "a_x", "aax", "Z", "a=x", "a1x", "a-x"] {
        world.serve(id, 1).await;
    }
    let after = world.last().await;
    for reverse in [false, true] {
        let (mut cursor, mut servers, mut pages) = (Value::Null, Vec::new(), 0);
        loop {
            let params = json!({"limit": 3, "cursor": cursor, "after": after, "reverse": reverse});
            let page = ask(&handlers, "totals", params).await.unwrap();
            for row in page["rows"].as_array().unwrap() {
                servers.push(row["server"].as_str().unwrap().to_owned());
            }
            (cursor, pages) = (page["next"].clone(), pages + 1);
            if cursor.is_null() {
                break;
            }
        }
        if reverse {
            servers.reverse();
        }
        assert_eq!((pages, servers), (3, bytewise.map(str::to_owned).to_vec()));
    }
    handlers.stop().await;
}

async fn what_makes_no_sense_is_refused_with_what_is_wrong(world: World) {
    let handlers = world.handlers(&booking(), "one").await;
    for ball in 0..60 {
        world.serve("ada", ball).await;
    }
    consistent(&handlers, world.last().await).await;
    for (name, params, code, says) in [
        ("of", json!({}), "invalid", "`server` is missing"),
        ("of", json!({"server": 7}), "invalid", "expected text"),
        ("of", json!({"server": "a\u{0}"}), "invalid", "`server`"),
        ("of", json!({"server": "ada", "from": "first"}), "invalid", "a whole number"),
        ("of", json!({"server": "ada", "colour": 1}), "invalid", "it takes: server, from, after"),
        ("of", json!({"server": "ada", "limit": 201}), "invalid", "limit"),
        ("of", json!({"server": "ada", "wait_ms": 30_001}), "invalid", "wait_ms"),
        ("of", json!({"server": "ada", "cursor": "x"}), "invalid", "cursor"),
        ("of", json!({"server": "ada", "reverse": 1}), "invalid", "`reverse`: expected true"),
        ("of", json!({"server": "ada", "cursor": "WyJhZGEiXQ"}), "invalid", "cursor"),
        ("of", json!([1]), "invalid", "parameters"),
        (
            "get",
            json!({"key": "ada"}),
            "unknown-query",
            "it has: of(server, from?), totals(at_least?), loose()",
        ),
        ("loose", json!({"limit": 10}), "internal", "does not tell all rows apart"),
        ("endless", json!({}), "deadline", "takes longer than 5s"),
    ] {
        let refused = ask(&handlers, name, params.clone()).await.unwrap_err();
        assert!(refused.code == code, "{name} {params}: {refused}");
        assert!(refused.detail.contains(says), "{name} {params}: {refused}");
    }
    // Text is a value, whatever it says.
    let hostile = "'; DROP TABLE t_book_1__balls; --";
    assert!(balls(&handlers, hostile, Position::ZERO).await.is_empty());
    // What ended one query does not end the next ones on the same connection.
    for _ in 0..8 {
        assert_eq!(balls(&handlers, "ada", Position::ZERO).await.len(), 60);
    }
    handlers.stop().await;
}

#[tokio::test]
async fn while_the_database_is_away_nothing_is_parked_and_nothing_is_lost() {
    if !test_postgres::is_installed() {
        return;
    }
    let mut postgres = spawn_blocking(Postgres::start).await.unwrap();
    let store = postgres.database().parse().unwrap();
    let world = World::start_with(store, tempfile::tempdir().unwrap()).await;
    let handlers = world.handlers(&booking(), "one").await;
    let reply = world.serve("ada", 1).await;
    assert_eq!(balls(&handlers, "ada", reply.position).await, [1]);
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
    state(&handlers, "book", is_retrying).await;
    assert_eq!(ask(&handlers, "totals", json!({})).await.unwrap_err().code, "unavailable");
    let postgres = spawn_blocking(move || {
        postgres.restart();
        postgres
    })
    .await
    .unwrap();
    state(&handlers, "book", |state| *state == HandlerState::Running).await;
    let last = world.last().await;
    assert_eq!(balls(&handlers, "ada", last).await, (1..=20).collect::<Vec<_>>());
    assert_eq!((consistent(&handlers, last).await.1, handlers.status()[0].parked), (20, 0));
    handlers.stop().await;
    spawn_blocking(|| drop(postgres)).await.unwrap();
}

with_every_store! {
    after_any_kill_the_rows_equal_a_fold_of_the_log,
    what_was_written_can_be_read_after_its_position_as_what_it_was_declared,
    an_answer_comes_in_pages_that_fit_together_by_the_bytes_of_its_order,
    what_makes_no_sense_is_refused_with_what_is_wrong,
}
