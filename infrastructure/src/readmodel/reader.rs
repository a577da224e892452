//! Reading documents: each answer from one snapshot of the file, checkpoint included.

use std::collections::BTreeMap;

use kit::{Match, Position};
use serde_json::value::RawValue;
use sqlx::{AssertSqlSafe, QueryBuilder, Sqlite, Transaction};

use super::{
    generation::{CheckpointRow, checkpoint},
    store::{SqliteStore, Tables},
};

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
    transaction: Transaction<'static, Sqlite>,
    tables: Tables,
    pub(super) position: Position,
    pub(super) version: u32,
    pub(super) complete_at: Position,
}

impl SqliteStore {
    /// A snapshot of `projection`; `None` if it has not run on this file yet.
    pub(super) async fn snapshot(&self, projection: &str) -> sqlx::Result<Option<Snapshot>> {
        let mut transaction = self.reader.begin().await?;
        let found = checkpoint(&mut transaction, projection).await?;
        Ok(found.map(|CheckpointRow { generation, position, version, complete_at, .. }| {
            let tables = Tables::new(projection, generation);
            Snapshot { transaction, tables, position, version, complete_at }
        }))
    }
}

impl Snapshot {
    pub(super) async fn get(&mut self, key: &str) -> sqlx::Result<Option<Box<RawValue>>> {
        let statement = format!("SELECT document FROM {} WHERE key = ?", self.tables.documents);
        let found: Option<String> = sqlx::query_scalar(AssertSqlSafe(statement))
            .bind(key)
            .fetch_optional(&mut *self.transaction)
            .await?;
        found.map(raw).transpose()
    }

    pub(super) async fn list(
        &mut self,
        conditions: &[Condition],
        after: Option<(String, String)>,
        limit: u32,
    ) -> sqlx::Result<Page> {
        let Tables { documents, terms } = &self.tables;
        let mut query = QueryBuilder::<Sqlite>::new(format!(
            "SELECT sort, key, document FROM {documents} WHERE TRUE"
        ));
        for condition in conditions {
            query.push(format_args!(" AND key IN (SELECT key FROM {terms} WHERE field = "));
            query.push_bind(condition.field);
            match condition.matches {
                Match::Exact => {
                    query.push(" AND value = ").push_bind(condition.value.as_str());
                }
                Match::Prefix => {
                    // Values between the prefix and the prefix with the last of all characters.
                    let end = format!("{}{}", condition.value, char::MAX);
                    query.push(" AND value >= ").push_bind(condition.value.as_str());
                    query.push(" AND value < ").push_bind(end);
                }
            }
            query.push(")");
        }
        if let Some((sort, key)) = after {
            query.push(" AND (sort, key) > (").push_bind(sort);
            query.push(", ").push_bind(key).push(")");
        }
        // One more than asked for tells whether there is a next page.
        query.push(" ORDER BY sort, key LIMIT ").push_bind(i64::from(limit) + 1);
        let mut rows: Vec<(String, String, String)> =
            query.build_query_as().fetch_all(&mut *self.transaction).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let last = rows.last().map(|(sort, key, _)| (sort.clone(), key.clone()));
        let next = last.filter(|_| more);
        let documents = rows.into_iter().map(|(.., document)| raw(document));
        Ok(Page { documents: documents.collect::<sqlx::Result<_>>()?, next })
    }

    pub(super) async fn count(&mut self, field: &str) -> sqlx::Result<BTreeMap<String, u64>> {
        let statement = format!(
            "SELECT value, count(*) FROM {} WHERE field = ? GROUP BY value LIMIT {VALUES_MAX}",
            self.tables.terms
        );
        let rows: Vec<(String, i64)> = sqlx::query_as(AssertSqlSafe(statement))
            .bind(field)
            .fetch_all(&mut *self.transaction)
            .await?;
        Ok(rows.into_iter().map(|(value, count)| (value, count.cast_unsigned())).collect())
    }
}

fn raw(document: String) -> sqlx::Result<Box<RawValue>> {
    RawValue::from_string(document).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
