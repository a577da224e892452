//! Rows do not depend on how events are cut into batches: all at once, or one after the other.

use std::sync::atomic::{AtomicI64, Ordering};

use kit::{
    Position, Recorded, TableProjection,
    tables::{Change, Column, Query, Statement, Table, Type, Value},
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use test_postgres::Postgres;
use tokio::runtime::Runtime;

use super::{Declared, Tabled, admission::admit};
use crate::readmodel::{
    Store, Touch,
    comparison::compare,
    generation::{Generation, Plan},
    succession::{Change as Succession, Holder},
};

const T: Table = Table {
    name: "t",
    columns: &[Column::text("a"), Column::int("b"), Column::int("c").or_null(), Column::bool("d")],
    key: &["a", "b"],
    indexes: &[&["c", "d"]],
};
const U: Table = Table {
    name: "u",
    columns: &[Column::int("k"), Column::float("x"), Column::time("t").or_null()],
    key: &["k"],
    indexes: &[],
};
const ADD: Statement = Statement {
    sql: "UPDATE {u} SET x = x + (SELECT count(*) FROM {t} WHERE b = $1) WHERE k >= $1",
    params: &[Type::Int],
};
const MOVE: Statement = Statement {
    sql: "INSERT INTO {u} (k, x) SELECT b + 10, count(*) FROM {t} WHERE a = $1 GROUP BY b
          ON CONFLICT (k) DO UPDATE SET x = excluded.x",
    params: &[Type::Text],
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Happened {}
kit::events! {
    /// What happens.
    pub enum Happening for "happening" { "happened" => Happened: 1 }
}

struct Cut;

impl TableProjection for Cut {
    const NAME: &'static str = "cut";
    const VERSION: u32 = 1;
    const TABLES: &'static [Table] = &[T, U];
    const STATEMENTS: &'static [Statement] = &[ADD, MOVE];
    const QUERIES: &'static [Query] = &[];
    type When = Happening;

    fn changes(_: &Recorded<Happening>) -> serde_json::Result<Vec<Change>> {
        Ok(Vec::new())
    }
}

/// A change of one of a few rows, so that changes meet.
fn change() -> impl Strategy<Value = Change> {
    let key = || (prop_oneof!["x", "ä", "Z"], 0..3_i64);
    let optional = || prop_oneof![Just(Value::Null), (-2..3_i64).prop_map(Value::Int)];
    prop_oneof![
        3 => (key(), optional(), any::<bool>()).prop_map(|((a, b), c, d)| {
            T.put([("a", a.into()), ("b", b.into()), ("c", c), ("d", d.into())])
        }),
        3 => (key(), optional()).prop_map(|((a, b), c)| T.set([a.into(), b.into()], [("c", c)])),
        1 => (key(), any::<bool>()).prop_map(|((a, b), d)| {
            T.set([a.into(), b.into()], [("d", d.into())])
        }),
        2 => key().prop_map(|(a, b)| T.delete([a.into(), b.into()])),
        2 => (0..3_i64, 0..9_u32).prop_map(|(k, x)| {
            U.put([("k", k.into()), ("x", f64::from(x).into()), ("t", kit::scenario::noon().into())])
        }),
        1 => (0..3_i64).prop_map(|k| U.delete([k.into()])),
        2 => (0..3_i64).prop_map(|b| ADD.run([b.into()])),
        1 => key().prop_map(|(a, _)| MOVE.run([a.into()])),
    ]
}

fn touch(position: u64, changes: Vec<Change>) -> Touch {
    const DECLARED: Declared = Tabled::<Cut>::DECLARED;
    let steps: Vec<_> = changes.into_iter().map(|it| admit(&DECLARED, it).unwrap()).collect();
    Touch { key: "k".to_owned(), position: Position(position), index: 0, event: Box::new(steps) }
}

async fn apply(store: &Store, generation: &mut Generation, touches: &[Touch]) {
    let to = touches.last().map_or(Position::ZERO, |touch| touch.position);
    let generations = std::slice::from_mut(generation);
    store.apply(generations, &Tabled::<Cut>::new(), (touches, &[], &[]), to).await.unwrap();
}

/// The same log into two new generations.
async fn same_however_cut(holder: &Holder, together: i64, log: Vec<Vec<Change>>) {
    let (single, last) = (together + 1, Position(log.len() as u64));
    let change = async |change| holder.change(change, &Plan::default()).await.unwrap();
    for number in [together, single] {
        change(Succession::Begin { number, complete_at: last }).await;
    }
    let touches: Vec<_> = (1..).zip(log).map(|(at, changes)| touch(at, changes)).collect();
    apply(&holder.store, &mut holder.generation(together, Position::ZERO), &touches).await;
    let mut one = holder.generation(single, Position::ZERO);
    for touch in touches.chunks(1) {
        apply(&holder.store, &mut one, touch).await;
    }
    let of = ("cut", Some(Tabled::<Cut>::DECLARED));
    let found = compare(&holder.store, of, (together, single)).await.unwrap();
    for number in [together, single] {
        change(Succession::Drop(number)).await;
    }
    assert!(found.is_equal(), "{found:?}");
}

fn any_log(open: impl AsyncFnOnce() -> (Store, Option<TempDir>)) {
    let runtime = Runtime::new().unwrap();
    let (store, _folder) = runtime.block_on(open());
    let cut = Tabled::<Cut>::new();
    let (holder, _) = runtime.block_on(store.take_over(&cut, 1, Position(1_000))).unwrap();
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let (logs, next) = (vec(vec(change(), 1..4), 1..25), AtomicI64::new(2));
    let case = |log| {
        let number = next.fetch_add(2, Ordering::Relaxed);
        runtime.block_on(same_however_cut(&holder, number, log));
        Ok(())
    };
    TestRunner::new(config).run(&logs, case).unwrap();
}

#[test]
fn rows_in_sqlite_do_not_depend_on_how_events_are_cut_into_batches() {
    any_log(async || {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("read-models.sqlite");
        (Store::open(&path.as_path().into()).await.unwrap(), Some(folder))
    });
}

#[test]
fn rows_in_postgres_do_not_depend_on_how_events_are_cut_into_batches() {
    if !test_postgres::is_installed() {
        return;
    }
    let url = Postgres::shared().database();
    any_log(async || (Store::open(&url.parse().unwrap()).await.unwrap(), None));
}
