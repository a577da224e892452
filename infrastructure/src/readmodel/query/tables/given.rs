//! A reader's parameters and cursors, read as what a query declares.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use kit::{
    excerpt,
    tables::{Param, Query, Type, Value},
};
use serde_json::Value as Json;

use crate::{
    problem::Problem,
    readmodel::{
        sql::{Cell, Storage},
        tables::{cell, order, storage},
    },
};

/// Whether rows are to come from the last to the first: what every query takes.
const REVERSE: Param = Param::bool("reverse");

/// Takes [`REVERSE`] out of what is given.
pub(super) fn reversed(given: &mut BTreeMap<String, Json>) -> Result<bool, Problem> {
    match given.remove(REVERSE.name) {
        None | Some(Json::Null) => Ok(false),
        Some(json) => match value(&REVERSE, &json) {
            Ok(value) => Ok(value == Value::Bool(true)),
            Err(why) => Err(Problem::invalid(format!("`{}`: {why}", REVERSE.name))),
        },
    }
}

/// The values of the declared parameters, in their order.
pub(super) fn given(
    query: &Query,
    mut given: BTreeMap<String, Json>,
) -> Result<Vec<Cell>, Problem> {
    let values = query.params.iter().map(|param| match given.remove(param.name) {
        None | Some(Json::Null) if param.optional => Ok(Cell::Null),
        None | Some(Json::Null) => Err(Problem::invalid(format!("`{}` is missing", param.name))),
        Some(json) => {
            let value = value(param, &json).and_then(|value| {
                cell(param.of, value, false).map_err(|_| "this cannot be asked for".to_owned())
            });
            value.map_err(|why| Problem::invalid(format!("`{}`: {why}", param.name)))
        }
    });
    let values = values.collect::<Result<_, _>>()?;
    match given.into_keys().next() {
        None => Ok(values),
        Some(name) => {
            let names = query.params.iter().map(|param| param.name);
            let names =
                names.chain(["after", "wait_ms", "limit", "cursor", "reverse"]).collect::<Vec<_>>();
            let (query, name, names) = (query.name, excerpt(&name), names.join(", "));
            Err(Problem::invalid(format!("{query} takes no {name:?}; it takes: {names}")))
        }
    }
}

/// One value. Text that says the same is taken as well: a command line and a URL have no other way.
fn value(param: &Param, json: &Json) -> Result<Value, String> {
    if let Json::Array(_) | Json::Object(_) = json {
        return Err("expected one value".to_owned());
    }
    let text = match json {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    if let Some(reading) = param.reading {
        return reading(&text);
    }
    let read = match param.of {
        Type::Int => text.parse().ok().map(Value::Int),
        Type::Float => text.parse().ok().filter(|it: &f64| it.is_finite()).map(Value::Float),
        Type::Bool => text.parse().ok().map(Value::Bool),
        Type::Date => text.parse().ok().map(|day: NaiveDate| Value::Date(day)),
        Type::Time => text.parse().ok().map(|at: DateTime<Utc>| Value::Time(at)),
        Type::Text | Type::Json | Type::Decimal => json.is_string().then_some(Value::Text(text)),
    };
    read.ok_or_else(|| {
        let wanted = match param.of {
            Type::Int => "a whole number",
            Type::Float => "a number",
            Type::Bool => "true or false",
            Type::Date => "a day, such as 2026-11-21",
            Type::Time => "a moment, such as 2026-11-21T12:00:00Z",
            Type::Text | Type::Json | Type::Decimal => "text",
        };
        format!("expected {wanted}")
    })
}

/// What a cursor holds: the place, and for the other direction a word that says so.
pub(super) fn words(place: &[Cell], reverse: bool) -> Vec<Json> {
    place.iter().map(word).chain(reverse.then_some(Json::Bool(true))).collect()
}

fn word(cell: &Cell) -> Json {
    match cell {
        Cell::Int(value) => (*value).into(),
        Cell::Text(value) => value.as_str().into(),
        // Answers are sorted by nothing else.
        Cell::Null | Cell::Float(_) | Cell::Bool(_) => Json::Null,
    }
}

/// The place that a cursor names, if it is one of this query.
pub(super) fn place(query: &'static Query, reverse: bool, words: &[Json]) -> Option<Vec<Cell>> {
    if words.len() != query.order.len() + usize::from(reverse) {
        return None;
    }
    let cell = |(column, word): (&kit::tables::Column, &Json)| match storage(column.of) {
        Storage::Int => word.as_i64().map(Cell::Int),
        Storage::Text => {
            word.as_str().filter(|it| !it.contains('\0')).map(|it| Cell::Text(it.to_owned()))
        }
        Storage::Float | Storage::Bool => None,
    };
    order(query).zip(words).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use kit::tables::Column;
    use serde_json::json;

    use super::*;

    fn rank(word: &str) -> Result<Value, String> {
        ["low", "high"]
            .iter()
            .zip(0_u32..)
            .find_map(|(known, rank)| (*known == word).then_some(rank.into()))
            .ok_or_else(|| "expected low or high".to_owned())
    }

    const Q: Query = Query {
        name: "q",
        params: &[
            Param::text("name"),
            Param::int("count").or_none(),
            Param::int("rank").or_none().read_by(rank),
            Param::date("day").or_none(),
            Param::time("at").or_none(),
            Param::bool("done").or_none(),
            Param::float("share").or_none(),
        ],
        sql: "",
        columns: &[Column::text("name"), Column::int("count")],
        order: &["count", "name"],
    };

    fn read(json: Json) -> Result<Vec<Cell>, Problem> {
        given(&Q, serde_json::from_value(json).unwrap())
    }

    #[test]
    fn values_are_taken_as_json_or_as_text_that_says_the_same() {
        let cells = vec![
            Cell::Text("ada".to_owned()),
            Cell::Int(7),
            Cell::Int(1),
            Cell::Text("2026-11-21".to_owned()),
            Cell::Int(1_000_000),
            Cell::Bool(true),
            Cell::Float(0.5),
        ];
        let (day, at) = ("2026-11-21", "1970-01-01T00:00:01Z");
        let json = json!({"name": "ada", "count": 7, "rank": "high", "day": day, "at": at,
            "done": true, "share": 0.5});
        assert_eq!(read(json), Ok(cells.clone()));
        let text = json!({"name": "ada", "count": "7", "rank": "high", "day": day, "at": at,
            "done": "true", "share": "0.5"});
        assert_eq!(read(text), Ok(cells));
        let least = read(json!({"name": "x", "count": null})).unwrap();
        assert_eq!(least[1..], vec![Cell::Null; 6]);
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused_by_its_name() {
        for (json, says) in [
            (json!({}), "`name` is missing"),
            (json!({"name": null}), "`name` is missing"),
            (json!({"name": 7}), "`name`: expected text"),
            (json!({"name": ["x"]}), "`name`: expected one value"),
            (json!({"name": "a\u{0}"}), "`name`: this cannot be asked for"),
            (json!({"name": "x", "count": "many"}), "`count`: expected a whole number"),
            (json!({"name": "x", "count": 1.5}), "`count`: expected a whole number"),
            (json!({"name": "x", "count": 9_223_372_036_854_775_808_u64}), "`count`: expected"),
            (json!({"name": "x", "rank": "middle"}), "`rank`: expected low or high"),
            (json!({"name": "x", "day": "tomorrow"}), "`day`: expected a day"),
            (json!({"name": "x", "at": "now"}), "`at`: expected a moment"),
            (json!({"name": "x", "done": 1}), "`done`: expected true or false"),
            (json!({"name": "x", "share": "NaN"}), "`share`: expected a number"),
            (json!({"name": "x", "colour": 1}), "takes no \"colour\"; it takes: name, count"),
        ] {
            let refused = read(json.clone()).unwrap_err();
            assert!(refused.code == "invalid" && refused.detail.contains(says), "{refused}");
        }
    }

    #[test]
    fn a_cursor_is_a_place_of_this_query_and_no_other() {
        let at = vec![Cell::Int(7), Cell::Text("ada".to_owned())];
        for reverse in [false, true] {
            let words = words(&at, reverse);
            assert_eq!(place(&Q, reverse, &words), Some(at.clone()));
            assert_eq!(place(&Q, !reverse, &words), None, "the page before is none of its own");
        }
        for wrong in [json!([]), json!([7]), json!(["7", "ada"]), json!([7, "a\u{0}"])] {
            assert_eq!(place(&Q, false, wrong.as_array().unwrap()), None, "{wrong}");
        }
    }
}
