//! Reading documents: each answer from one snapshot of the store, checkpoint included.

use std::{collections::BTreeMap, time::Duration};

use kit::{Match, Position, tables::Query};
use serde_json::value::RawValue;
use sqlx::AssertSqlSafe;

use super::{
    generation::lineage,
    parked::parked,
    sql::{Cell, Param, Tx, Words},
    store::{Store, Tables},
    tables::{self, Part, RowQuery},
};

/// A declared query that takes longer is badly declared, and must not keep others waiting.
pub(super) const SELECT_MAX: Duration = Duration::from_secs(5);
/// Most values that one count tells.
const VALUES_MAX: u32 = 1_000;

/// One condition of a list, normalised.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) field: &'static str,
    pub(super) matches: Match,
    pub(super) value: String,
}

/// Part of a list and the place where the next part begins.
pub(super) struct Page {
    pub(super) documents: Vec<Box<RawValue>>,
    pub(super) next: Option<(String, String)>,
}

/// One consistent view of a projection.
pub(super) struct Snapshot {
    tx: Tx,
    words: Words,
    tables: Tables,
    projection: String,
    generation: i64,
    pub(super) position: Position,
    pub(super) version: u32,
    pub(super) complete_at: Position,
    /// How far the generation that is to take over has come, and until where it must.
    pub(super) filling: Option<(Position, Position)>,
}

impl Store {
    /// A snapshot of the generation of `projection` that answers; `None` if it has not run on
    /// this store yet.
    pub(super) async fn snapshot(&self, projection: &str) -> sqlx::Result<Option<Snapshot>> {
        let mut tx = self.database.read().await?;
        let Some(found) = lineage(&mut tx, projection).await? else { return Ok(None) };
        let Some(row) = found.current_row().copied() else { return Ok(None) };
        let tables = Tables::new(projection, row.generation);
        let filling = found.filling_row().map(|row| (row.position, row.complete_at));
        let (position, version, complete_at) = (row.position, row.version, row.complete_at);
        let (projection, generation) = (projection.to_owned(), row.generation);
        Ok(Some(Snapshot {
            tx,
            words: self.database.words(),
            tables,
            projection,
            generation,
            position,
            version,
            complete_at,
            filling,
        }))
    }
}

impl Snapshot {
    /// How many keys stand still among the dead letters, and from where on events are missing in the
    /// document `key`.
    pub(super) async fn parked(
        &mut self,
        key: Option<&str>,
    ) -> sqlx::Result<(u64, Option<Position>)> {
        parked(&mut self.tx, (&self.projection, self.generation), key).await
    }

    pub(super) async fn get(&mut self, key: &str) -> sqlx::Result<Option<Box<RawValue>>> {
        let statement = format!("SELECT document FROM {} WHERE key = $1", self.tables.documents);
        let found: Option<(String,)> =
            self.tx.first(AssertSqlSafe(statement), &[Param::Text(key)]).await?;
        found.map(|(document,)| raw(document)).transpose()
    }

    pub(super) async fn list(
        &mut self,
        conditions: &[Condition],
        after: Option<(String, String)>,
        limit: u32,
    ) -> sqlx::Result<Page> {
        let (statement, texts) = list_statement(&self.tables, conditions, after, limit);
        let params: Vec<_> = texts.iter().map(|text| Param::Text(text)).collect();
        let mut rows: Vec<(String, String, String)> =
            self.tx.all(AssertSqlSafe(statement), &params).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let last = rows.last().map(|(sort, key, _)| (sort.clone(), key.clone()));
        let next = last.filter(|_| more);
        let documents = rows.into_iter().map(|(.., document)| raw(document));
        Ok(Page { documents: documents.collect::<sqlx::Result<_>>()?, next })
    }

    /// Some rows of a declared query.
    pub(super) async fn select(
        &mut self,
        query: &'static Query,
        params: &[Cell],
        part: Part<'_>,
    ) -> sqlx::Result<tables::Page> {
        let asked = RowQuery { query, tables: &self.tables, words: self.words };
        self.tx.limited(SELECT_MAX).await?;
        asked.page(&mut self.tx, params, part).await
    }

    pub(super) async fn count(&mut self, field: &str) -> sqlx::Result<BTreeMap<String, u64>> {
        let statement = format!(
            "SELECT value, count(*) FROM {} WHERE field = $1
             GROUP BY value ORDER BY value LIMIT {VALUES_MAX}",
            self.tables.terms
        );
        let rows: Vec<(String, i64)> =
            self.tx.all(AssertSqlSafe(statement), &[Param::Text(field)]).await?;
        Ok(rows.into_iter().map(|(value, count)| (value, count.cast_unsigned())).collect())
    }
}

/// The statement of a list, and its parameters.
fn list_statement(
    tables: &Tables,
    conditions: &[Condition],
    after: Option<(String, String)>,
    limit: u32,
) -> (String, Vec<String>) {
    let Tables { documents, terms, .. } = tables;
    let mut params: Vec<String> = Vec::new();
    let mut bind = |value: String| {
        params.push(value);
        format!("${}", params.len())
    };
    let mut statement = format!("SELECT sort, key, document FROM {documents} WHERE TRUE");
    for Condition { field, matches, value } in conditions {
        let field = bind((*field).to_owned());
        let matching = match matches {
            Match::Exact => format!("value = {}", bind(value.clone())),
            Match::Prefix => {
                // Values between the prefix and the prefix with the last of all characters.
                let end = format!("{value}{}", char::MAX);
                format!("value >= {} AND value < {}", bind(value.clone()), bind(end))
            }
        };
        statement +=
            &format!(" AND key IN (SELECT key FROM {terms} WHERE field = {field} AND {matching})");
    }
    if let Some((sort, key)) = after {
        statement += &format!(" AND (sort, key) > ({}, {})", bind(sort), bind(key));
    }
    // One more than asked for tells whether there is a next page.
    statement += &format!(" ORDER BY sort, key LIMIT {}", limit + 1);
    (statement, params)
}

fn raw(document: String) -> sqlx::Result<Box<RawValue>> {
    RawValue::from_string(document).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
