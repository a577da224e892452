//! Rows as the read models answer them, and what a [`Select`] makes of them.
//! Not here: asking the read models.

use infrastructure::problem::Problem;
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::{
    refusal::Refusal,
    relation::Column,
    select::Select,
    value::{Kind, Value},
};
use crate::design::service::Row;

/// What is shown of a row.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    row: Row,
    columns: &'a [&'static Column],
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.columns.len()))?;
        for column in self.columns {
            map.serialize_entry(column.name, &self.row.get(column.source))?;
        }
        map.end()
    }
}

/// The rows of an answer, and how many there are on all its pages.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) rows: Vec<Shown<'a>>,
    pub(super) total: usize,
}

impl Select {
    /// Whether all conditions hold for `row`.
    pub(super) fn keeps(&self, row: &Row) -> Result<bool, Refusal> {
        for filter in &self.filters {
            if !filter.keeps(cell(row, filter.column)?.as_ref()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The page of `rows`, which the conditions have left.
    pub(super) fn page(&self, rows: Vec<Row>) -> Result<Page<'_>, Refusal> {
        let total = rows.len();
        let mut placed = Vec::with_capacity(total);
        for row in rows {
            let place = self.order.iter().map(|sort| cell(&row, sort.column));
            placed.push((place.collect::<Result<Vec<_>, _>>()?, row));
        }
        // Stable: rows that the order does not tell apart stay as the read model has them.
        placed.sort_by(|(a, _), (b, _)| {
            let pairs = self.order.iter().zip(a.iter().zip(b));
            let mut orderings = pairs.map(|(sort, (a, b))| sort.compare(a.as_ref(), b.as_ref()));
            orderings.find(|ordering| ordering.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        let rows = placed.into_iter().skip(self.offset).take(self.limit);
        let rows = rows.map(|(_, row)| Shown { row, columns: &self.columns }).collect();
        Ok(Page { rows, total })
    }
}

fn cell(row: &Row, column: &Column) -> Result<Option<Value>, Refusal> {
    let Some(raw) = row.get(column.source) else { return Ok(None) };
    if column.kind == Kind::Json {
        // Only whether it is there is ever asked.
        let there = raw.get() != "null";
        return Ok(there.then_some(Value::Bool(true)));
    }
    column.kind.cell(raw).map_err(|()| {
        let why = format!("{} holds what is no {}", column.name, column.kind.name());
        Problem::internal(why).into()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{json, value::RawValue};

    use super::*;
    use crate::design::rest::relation;

    fn rows() -> Vec<Row> {
        let row = |id: &str, kind: &str, at: &str, by: Option<&str>| {
            let row = json!({"id": id, "event_type": kind, "created_at": at, "created_by": by,
                "event_data": {"amount": 49.9}, "metadata": null, "request_id": "r"});
            serde_json::from_str(&row.to_string()).unwrap()
        };
        vec![
            row("1", "REQUEST_CREATED", "2026-11-21T10:00:00Z", None),
            row("2", "REQUEST_SUBMITTED", "2026-11-21T10:00:00.5Z", Some("ada")),
            row("3", "PAYMENT_SUCCEEDED", "2026-11-21T10:00:01Z", Some("stripe_webhook")),
        ]
    }

    fn ids(query: &[(&str, &str)]) -> (Vec<String>, usize) {
        let pairs: Vec<_> =
            query.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let select =
            Select::parse(relation::named("design_request_events").unwrap(), &pairs).unwrap();
        let kept = rows().into_iter().filter(|row| select.keeps(row).unwrap()).collect();
        let page = select.page(kept).unwrap();
        let ids = page.rows.iter().map(|shown| shown.row["id"].get().replace('"', ""));
        (ids.collect(), page.total)
    }

    #[test]
    fn conditions_order_and_page_are_applied_in_this_order() {
        assert_eq!(ids(&[("order", "created_at.desc")]).0, ["3", "2", "1"]);
        assert_eq!(ids(&[("order", "created_by,created_at")]).0, ["2", "3", "1"]);
        assert_eq!(ids(&[("created_by", "is.null")]).0, ["1"]);
        assert_eq!(ids(&[("metadata", "not.is.null")]).0, Vec::<String>::new());
        assert_eq!(
            ids(&[("created_at", "gt.2026-11-21T10:00:00Z"), ("limit", "1")]),
            (vec!["2".to_owned()], 2)
        );
        assert_eq!(ids(&[("offset", "2"), ("id", "in.(1,2,3)")]), (vec!["3".to_owned()], 3));
        assert_eq!(ids(&[("offset", "9")]), (Vec::new(), 3));
    }

    #[test]
    fn a_row_is_shown_in_the_columns_that_were_asked_for_and_as_it_was_written() {
        let pairs = [("select".to_owned(), "event_data,id".to_owned())];
        let select =
            Select::parse(relation::named("design_request_events").unwrap(), &pairs).unwrap();
        let mut row = rows().remove(0);
        row.insert("event_data".to_owned(), RawValue::from_string("{\"a\":49.90}".into()).unwrap());
        let page = select.page(vec![row]).unwrap();
        assert_eq!(
            serde_json::to_string(&page.rows).unwrap(),
            r#"[{"event_data":{"a":49.90},"id":"1"}]"#
        );
    }
}
