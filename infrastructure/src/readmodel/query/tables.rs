//! What tables answer: declared queries with declared parameters, page by page.
//! Not here: waiting for `after`.

mod given;

use chrono::{DateTime, SecondsFormat, Utc};
use kit::{
    excerpt,
    tables::{Column, Param, Query, Type},
};
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::value::RawValue;

use self::given::{given, place, reversed, words};
use super::{Answer, Found, Served, away};
use crate::{
    problem::Problem,
    readmodel::{
        params::{SelectParams, Wait, cursor, limit, no_cursor, parse, place as decoded},
        reader::SELECT_MAX,
        sql::{Cell, Refusal, took_too_long},
        store::Store,
        tables::{Declared, Part, place_of},
    },
};

/// The names of the declared queries.
pub(super) fn names(declared: &Declared) -> Vec<&'static str> {
    declared.queries.iter().map(|query| query.name).collect()
}

/// A query with its parameters, for people.
fn signature(query: &Query) -> String {
    let word = |param: &Param| format!("{}{}", param.name, if param.optional { "?" } else { "" });
    let params: Vec<_> = query.params.iter().map(word).collect();
    format!("{}({})", query.name, params.join(", "))
}

/// The tables of one projection, asked.
pub(super) struct Tables<'a> {
    pub(super) served: &'a Served,
    pub(super) declared: Declared,
    pub(super) store: &'a Store,
}

impl Tables<'_> {
    pub(super) async fn answer(&self, name: &str, body: &[u8]) -> Result<Answer, Problem> {
        let Some(query) = self.declared.queries.iter().find(|query| query.name == name) else {
            let (projection, name) = (self.served.projection.name(), excerpt(name));
            let known: Vec<_> = self.declared.queries.iter().map(signature).collect();
            let known = known.join(", ");
            return Err(Problem::unknown_query(format!(
                "{projection} has no query {name:?}; it has: {known}"
            )));
        };
        self.select(query, parse(body)?).await
    }

    async fn select(
        &self,
        query: &'static Query,
        mut params: SelectParams,
    ) -> Result<Answer, Problem> {
        let wait = Wait::new(params.after, params.wait_ms)?;
        let limit = limit(params.limit)?;
        let reverse = reversed(&mut params.given)?;
        let start = params.cursor.map(|cursor| {
            let words = decoded::<Vec<serde_json::Value>>(&cursor);
            words.and_then(|words| place(query, reverse, &words)).ok_or_else(no_cursor)
        });
        let (start, values) = (start.transpose()?, given(query, params.given)?);
        // Rows of older code may be in other tables.
        let mut snapshot = self.served.reached(self.store, wait, true).await?;
        let part = Part { start: start.as_deref(), limit, reverse };
        let page = snapshot.select(query, &values, part).await;
        let page = page.map_err(|error| refused(query, &error))?;
        if page.ambiguous {
            let why = format!("the order of {} does not tell all rows apart", query.name);
            return Err(Problem::internal(why));
        }
        let next = page
            .rows
            .last()
            .filter(|_| page.more)
            .map(|row| cursor(&words(&place_of(query, row), reverse)));
        let next = next.transpose().map_err(|error| Problem::internal(error.to_string()))?;
        let rows = page.rows.into_iter().map(|cells| Row::new((query.name, query.columns), cells));
        let rows = rows.collect::<Result<_, _>>()?;
        let key = query.params.iter().position(|param| param.key);
        let key = key.and_then(|at| values.get(at)).and_then(Cell::text);
        let (parked, missing) = snapshot.parked(key).await.map_err(|error| away(&error))?;
        let status = if missing.is_some_and(|from| wait.lacks(from)) { "parked" } else { "ready" };
        Ok(Answer {
            status,
            position: snapshot.position,
            parked,
            found: Found::Rows { rows, next },
        })
    }
}

/// Why the store gave no rows: the query's own doing, or the store is away.
fn refused(query: &Query, error: &sqlx::Error) -> Problem {
    if took_too_long(error) {
        return Problem::deadline(format!("the query takes longer than {SELECT_MAX:?}"));
    }
    match Refusal::of(error) {
        Some(why) => Problem::internal(format!("{} has no answer to this: {why}", query.name)),
        None => away(error),
    }
}

/// One row of an answer.
pub(in crate::readmodel) struct Row {
    columns: &'static [Column],
    cells: Vec<Shown>,
}

enum Shown {
    Plain(Cell),
    Time(DateTime<Utc>),
    Json(Box<RawValue>),
}

impl Row {
    /// A row of the query or table `name`.
    pub(in crate::readmodel) fn new(
        (name, columns): (&str, &'static [Column]),
        cells: Vec<Cell>,
    ) -> Result<Self, Problem> {
        let bug = |column: &Column, why: &str| {
            Problem::internal(format!("{name}: {} {why}", column.name))
        };
        let shown = |(column, cell): (&Column, Cell)| match (column.of, cell) {
            (_, Cell::Null) if !column.nullable => Err(bug(column, "holds nothing")),
            (_, Cell::Null) => Ok(Shown::Plain(Cell::Null)),
            (Type::Time, Cell::Int(micros)) => DateTime::from_timestamp_micros(micros)
                .map(Shown::Time)
                .ok_or_else(|| bug(column, "is no moment")),
            (Type::Json | Type::Decimal, Cell::Text(json)) => {
                RawValue::from_string(json).map(Shown::Json).map_err(|_| bug(column, "is no JSON"))
            }
            (_, cell) => Ok(Shown::Plain(cell)),
        };
        let cells = columns.iter().zip(cells).map(shown).collect::<Result<_, _>>()?;
        Ok(Self { columns, cells })
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.cells.len()))?;
        for (column, shown) in self.columns.iter().zip(&self.cells) {
            let name = column.name;
            match shown {
                Shown::Plain(Cell::Null) => map.serialize_entry(name, &())?,
                Shown::Plain(Cell::Int(value)) => map.serialize_entry(name, value)?,
                Shown::Plain(Cell::Float(value)) => map.serialize_entry(name, value)?,
                Shown::Plain(Cell::Bool(value)) => map.serialize_entry(name, value)?,
                Shown::Plain(Cell::Text(value)) => map.serialize_entry(name, value)?,
                Shown::Time(at) => map.serialize_entry(name, &rfc3339(at))?,
                Shown::Json(json) => map.serialize_entry(name, json)?,
            }
        }
        map.end()
    }
}

fn rfc3339(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
