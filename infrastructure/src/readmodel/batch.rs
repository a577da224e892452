//! One batch of events into the rows of one projection: load, fold, write, move the checkpoint,
//! all in one transaction.

use std::collections::{BTreeMap, HashMap};

use kit::{Key, Position};
use sqlx::{QueryBuilder, Sqlite, Transaction};

use super::{AnyProjection, Folded, Touch, generation::Generation, store::SqliteStore};
use crate::handler::Failure;

/// Rows in one statement. SQLite allows 32,766 parameters; beyond some hundred rows the cost per
/// row no longer falls.
const ROWS_MAX: usize = 200;

/// Why a batch was not applied. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// A later owner has the rows.
    #[error("a later owner has the rows")]
    Fenced,
    /// One event cannot be folded.
    #[error("{failure}")]
    Event { position: Position, index: usize, failure: Failure },
    /// The file does not answer.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

impl SqliteStore {
    /// Folds `touches`, everything that touches a document up to `to`, into the rows.
    pub(crate) async fn apply(
        &self,
        generation: &mut Generation,
        projection: &dyn AnyProjection,
        touches: &[Touch],
        to: Position,
    ) -> Result<(), ApplyError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        if !advance(&mut transaction, generation, to).await? {
            return Err(ApplyError::Fenced);
        }
        let mut keys: BTreeMap<&Key, Vec<&Touch>> = BTreeMap::new();
        for touch in touches {
            keys.entry(&touch.key).or_default().push(touch);
        }
        let stored = load(&mut transaction, generation, keys.keys().copied()).await?;
        let folded = fold(projection, &keys, &stored)?;
        write(&mut transaction, generation, &folded).await?;
        transaction.commit().await?;
        generation.position = to;
        Ok(())
    }
}

/// Moves the checkpoint, which is also the fence: false if it is not where this owner left it.
async fn advance(
    transaction: &mut Transaction<'_, Sqlite>,
    generation: &Generation,
    to: Position,
) -> sqlx::Result<bool> {
    let moved = sqlx::query(
        "UPDATE checkpoints SET position = ?
         WHERE projection = ? AND generation = ? AND position = ? AND epoch = ?",
    )
    .bind(to.0.cast_signed())
    .bind(generation.projection)
    .bind(generation.number)
    .bind(generation.position.0.cast_signed())
    .bind(generation.epoch)
    .execute(&mut **transaction)
    .await?;
    Ok(moved.rows_affected() == 1)
}

async fn load<'a>(
    transaction: &mut Transaction<'_, Sqlite>,
    generation: &Generation,
    keys: impl Iterator<Item = &'a Key>,
) -> sqlx::Result<HashMap<Key, String>> {
    let keys: Vec<_> = keys.collect();
    let mut stored = HashMap::with_capacity(keys.len());
    for some in keys.chunks(ROWS_MAX) {
        let mut query = QueryBuilder::<Sqlite>::new(format!(
            "SELECT key, document FROM {} WHERE key IN (",
            generation.tables.documents
        ));
        let mut list = query.separated(", ");
        for key in some {
            list.push_bind(key.as_str());
        }
        query.push(")");
        let rows: Vec<(Key, String)> = query.build_query_as().fetch_all(&mut **transaction).await?;
        stored.extend(rows);
    }
    Ok(stored)
}

/// One document to write; `terms` only if they changed.
struct Row<'a> {
    key: &'a Key,
    position: Position,
    folded: Folded,
}

/// Folds every key. Of several events that fail, the first in the log is the one to report.
fn fold<'a>(
    projection: &dyn AnyProjection,
    keys: &BTreeMap<&'a Key, Vec<&'a Touch>>,
    stored: &HashMap<Key, String>,
) -> Result<Vec<Row<'a>>, ApplyError> {
    let mut rows = Vec::with_capacity(keys.len());
    let mut failed: Option<(Position, usize, Failure)> = None;
    for (key, touches) in keys {
        match projection.fold(stored.get(*key).map(String::as_str), touches) {
            Ok(folded) => {
                let position = touches.last().map_or(Position::ZERO, |touch| touch.position);
                rows.push(Row { key, position, folded });
            }
            Err((at, failure)) => {
                let Some(touch) = touches.get(at) else { continue };
                let place = (touch.position, touch.index);
                if failed.as_ref().is_none_or(|(p, i, _)| place < (*p, *i)) {
                    failed = Some((touch.position, touch.index, failure));
                }
            }
        }
    }
    match failed {
        None => Ok(rows),
        Some((position, index, failure)) => Err(ApplyError::Event { position, index, failure }),
    }
}

async fn write(
    transaction: &mut Transaction<'_, Sqlite>,
    generation: &Generation,
    rows: &[Row<'_>],
) -> sqlx::Result<()> {
    let tables = &generation.tables;
    for some in rows.chunks(ROWS_MAX) {
        let mut upsert = QueryBuilder::<Sqlite>::new(format!(
            "INSERT INTO {} (key, sort, position, document) ",
            tables.documents
        ));
        upsert.push_values(some, |mut values, row| {
            values
                .push_bind(row.key.as_str())
                .push_bind(row.folded.order.as_str())
                .push_bind(row.position.0.cast_signed())
                .push_bind(row.folded.document.as_str());
        });
        upsert.push(
            " ON CONFLICT (key) DO UPDATE SET sort = excluded.sort,
              position = excluded.position, document = excluded.document",
        );
        upsert.build().execute(&mut **transaction).await?;
    }
    write_terms(transaction, generation, rows).await
}

/// Writes the terms of the documents whose terms have changed.
async fn write_terms(
    transaction: &mut Transaction<'_, Sqlite>,
    generation: &Generation,
    rows: &[Row<'_>],
) -> sqlx::Result<()> {
    let table = &generation.tables.terms;
    let changed: Vec<_> = rows.iter().filter(|row| row.folded.terms.is_some()).collect();
    for some in changed.chunks(ROWS_MAX) {
        let mut delete = QueryBuilder::<Sqlite>::new(format!("DELETE FROM {table} WHERE key IN ("));
        let mut keys = delete.separated(", ");
        for row in some {
            keys.push_bind(row.key.as_str());
        }
        delete.push(")");
        delete.build().execute(&mut **transaction).await?;
    }
    let terms = |row: &&Row<'_>| {
        let key = row.key.clone();
        let terms = row.folded.terms.clone().unwrap_or_default();
        terms.into_iter().map(move |term| (term, key.clone()))
    };
    let terms: Vec<_> = changed.iter().flat_map(terms).collect();
    for some in terms.chunks(ROWS_MAX) {
        let mut insert =
            QueryBuilder::<Sqlite>::new(format!("INSERT INTO {table} (field, value, key) "));
        insert.push_values(some, |mut values, (term, key)| {
            values.push_bind(term.field).push_bind(term.value.as_str()).push_bind(key.as_str());
        });
        insert.build().execute(&mut **transaction).await?;
    }
    Ok(())
}
