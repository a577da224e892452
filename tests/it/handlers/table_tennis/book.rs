//! A projection into tables: every ball in a row of its own, and each server's count.

use kit::{
    Recorded, TableProjection,
    tables::{Change, Column, Param, Query, Statement, Table, Type, Value, View},
};

use super::{POISON, Served, ServerEvent};

/// From this ball on each may be served once, by whomever.
pub(crate) const PRECIOUS: u64 = 10_000;

/// As it should be.
pub(crate) const FINE: u8 = 0;
/// With code that panics at one ball.
pub(crate) const POISONED: u8 = 1;
/// With other tables.
pub(crate) const CHANGED: u8 = 2;
/// With a query that no database understands.
pub(crate) const GARBLED: u8 = 3;

const SERVERS: Table = Table {
    name: "servers",
    columns: &[
        Column::text("server"),
        Column::int("balls"),
        Column::int("best").or_null(),
        Column::time("last").or_null(),
    ],
    key: &["server"],
    indexes: &[],
};
const BALLS: Table = Table {
    name: "balls",
    columns: &[Column::text("server"), Column::int("place"), Column::int("ball")],
    key: &["server", "place"],
    indexes: &[&["ball"]],
};
const PRECIOUS_BALLS: Table = Table {
    name: "precious",
    columns: &[Column::int("ball"), Column::bool("returned"), Column::json("more").or_null()],
    key: &["ball"],
    indexes: &[],
};
const RENAMED: Table = Table { name: "served_balls", ..BALLS };

/// What nobody keeps, and everybody may read.
const SHEET: View = View {
    name: "score_sheet",
    sql: "SELECT s.server, s.last, count(*) AS seen FROM {servers} AS s
          JOIN {balls} AS b ON b.server = s.server GROUP BY s.server, s.last",
    columns: &[Column::text("server"), Column::time("last"), Column::int("seen")],
};

/// Adding is not the same when it is done twice, and the best ball is that of the rows so far.
const COUNT: Statement = Statement {
    sql: "UPDATE {servers} SET balls = balls + 1, last = $2,
            best = (SELECT max(b.ball) FROM {balls} b WHERE b.server = $1) WHERE server = $1",
    params: &[Type::Text, Type::Time],
};
const APPEAR: Statement = Statement {
    sql: "INSERT INTO {servers} (server, balls) VALUES ($1, 0) ON CONFLICT (server) DO NOTHING",
    params: &[Type::Text],
};
const ONCE: Statement = Statement {
    sql: "INSERT INTO {precious} (ball, returned, more) VALUES ($1, $2, $3)",
    params: &[Type::Int, Type::Bool, Type::Json],
};

const BALLS_OF: Query = Query {
    name: "of",
    params: &[Param::text("server").key(), Param::int("from").or_none()],
    sql: "SELECT place, ball FROM {balls}
          WHERE server = $1 AND ($2 IS NULL OR place >= $2)",
    columns: &[Column::int("place"), Column::int("ball")],
    order: &["place"],
};
const TOTALS: Query = Query {
    name: "totals",
    params: &[Param::int("at_least").or_none()],
    sql: "SELECT s.server, s.balls, s.best, s.last, count(*) AS rows, max(b.ball) AS highest,
                 avg(b.ball) AS mean, max(CASE WHEN p.returned THEN 1 ELSE 0 END) = 1 AS returned,
                 max(p.more) AS more
          FROM {servers} s JOIN {balls} b ON b.server = s.server
          LEFT JOIN {precious} p ON p.ball = b.ball
          WHERE $1 IS NULL OR s.balls >= $1 GROUP BY s.server, s.balls, s.best, s.last",
    columns: &[
        Column::text("server"),
        Column::int("balls"),
        Column::int("best"),
        Column::time("last"),
        Column::int("rows"),
        Column::int("highest"),
        Column::float("mean"),
        Column::bool("returned"),
        Column::json("more").or_null(),
    ],
    order: &["server"],
};
const LOOSE: Query = Query {
    name: "loose",
    params: &[],
    sql: "SELECT server FROM {balls}",
    columns: &[Column::text("server")],
    order: &["server"],
};
const ENDLESS: Query = Query {
    name: "endless",
    params: &[],
    sql: "SELECT count(*) AS count FROM {balls} a, {balls} b, {balls} c, {balls} d, {balls} e,
          {balls} f, {balls} g, {balls} h, {balls} i, {balls} j",
    columns: &[Column::int("count")],
    order: &["count"],
};
const NONSENSE: Query =
    Query { name: "nonsense", sql: "SELECT colour AS server FROM {balls}", ..LOOSE };

/// What was served, in tables. `VERSION` and the flavour are the test's to choose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Book<const VERSION: u32, const FLAVOUR: u8>;

impl<const VERSION: u32, const FLAVOUR: u8> TableProjection for Book<VERSION, FLAVOUR> {
    const NAME: &'static str = "book";
    const VERSION: u32 = VERSION;
    const TABLES: &'static [Table] = if FLAVOUR == CHANGED {
        &[SERVERS, BALLS, PRECIOUS_BALLS, RENAMED]
    } else {
        &[SERVERS, BALLS, PRECIOUS_BALLS]
    };
    const VIEWS: &'static [View] = &[SHEET];
    const STATEMENTS: &'static [Statement] = &[COUNT, APPEAR, ONCE];
    const QUERIES: &'static [Query] =
        if FLAVOUR == GARBLED { &[NONSENSE] } else { &[BALLS_OF, TOTALS, LOOSE, ENDLESS] };
    type When = ServerEvent;

    fn changes(event: &Recorded<ServerEvent>) -> serde_json::Result<Vec<Change>> {
        let ServerEvent::Served(Served { ball }) = &event.event;
        assert!(!(FLAVOUR == POISONED && *ball == POISON), "a poisoned ball");
        let (server, ball_value) = (Value::from(&event.aggregate_id), ball.cast_signed().into());
        let place = Value::from(event.version.0.cast_signed());
        let mut changes = vec![
            APPEAR.run([server.clone()]),
            BALLS.put([
                ("server", server.clone()),
                ("place", place.clone()),
                ("ball", 0_u32.into()),
            ]),
            BALLS.set([server.clone(), place], [("ball", Value::clone(&ball_value))]),
            COUNT.run([server, event.time.into()]),
        ];
        if *ball >= PRECIOUS {
            let more = Value::json(&serde_json::json!({"ball": ball}))?;
            changes.push(ONCE.run([ball_value, true.into(), more]));
        }
        Ok(changes)
    }
}
