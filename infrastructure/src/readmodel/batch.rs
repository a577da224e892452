//! One batch of events into the rows of one projection: load, fold, write, move the checkpoint,
//! all in one transaction.

use std::collections::{BTreeMap, HashMap};

use kit::{Key, Position};

use super::{
    AnyProjection, Folded, Touch,
    generation::Generation,
    parked::{Passed, owe, pay},
    sql::{DocumentRow, Param, TermRow, Tx},
    store::Store,
};
use crate::{deadletter::Cursor, handler::Failure};

/// Why a batch was not applied. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// A later owner has the rows.
    #[error("a later owner has the rows")]
    Fenced,
    /// One event cannot be folded.
    #[error("{failure}")]
    Event { position: Position, index: usize, failure: Failure },
    /// The store does not answer.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

impl Store {
    /// Folds `touches`, everything that touches a document up to `to` and is not `passed`, into the
    /// rows of every generation that does not have it yet.
    pub(super) async fn apply(
        &self,
        generations: &mut [Generation],
        projection: &dyn AnyProjection,
        (touches, passed): (&[Touch], &[Passed]),
        to: Position,
    ) -> Result<(), ApplyError> {
        let mut tx = self.database.write().await?;
        for generation in generations.iter().filter(|generation| generation.position < to) {
            if !advance(&mut tx, generation, to).await? {
                return Err(ApplyError::Fenced);
            }
            let after = generation.position;
            let due = touches.iter().filter(|touch| touch.position > after);
            fold_into(&mut tx, generation, projection, due).await?;
            for passed in passed.iter().filter(|passed| passed.from.position > after) {
                owe(&mut tx, generation, passed).await?;
            }
        }
        tx.commit().await?;
        for generation in generations {
            generation.position = generation.position.max(to);
        }
        Ok(())
    }
}

/// What is made good of one key: its events up to a place, for those generations that owe them.
pub(super) struct Payment<'a> {
    pub(super) subject: &'a str,
    pub(super) touches: &'a [Touch],
    pub(super) to: Cursor,
}

impl Store {
    /// Folds what `generations` owe, each from the place beside it, and notes that it is paid.
    pub(super) async fn make_good(
        &self,
        generations: &[(Generation, Cursor)],
        projection: &dyn AnyProjection,
        Payment { subject, touches, to }: &Payment<'_>,
    ) -> Result<(), ApplyError> {
        let mut tx = self.database.write().await?;
        for (generation, from) in generations {
            // The checkpoint stays; that it is where it was left is the fence.
            if !advance(&mut tx, generation, generation.position).await? {
                return Err(ApplyError::Fenced);
            }
            let due = touches.iter().filter(|touch| {
                let at = Cursor { position: touch.position, index: touch.index };
                at >= *from && at < *to && touch.position <= generation.position
            });
            fold_into(&mut tx, generation, projection, due).await?;
            pay(&mut tx, generation, subject, (*to).max(*from)).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

async fn fold_into<'a>(
    tx: &mut Tx,
    generation: &Generation,
    projection: &dyn AnyProjection,
    touches: impl Iterator<Item = &'a Touch>,
) -> Result<(), ApplyError> {
    let mut keys: BTreeMap<&Key, Vec<&Touch>> = BTreeMap::new();
    for touch in touches {
        keys.entry(&touch.key).or_default().push(touch);
    }
    let names: Vec<_> = keys.keys().map(|key| key.as_str()).collect();
    let stored = tx.documents(&generation.tables.documents, &names).await?;
    let folded = fold(projection, &keys, &stored)?;
    Ok(write(tx, generation, &folded).await?)
}

/// Moves the checkpoint, which is also the fence: false if it is not where this owner left it.
async fn advance(tx: &mut Tx, generation: &Generation, to: Position) -> sqlx::Result<bool> {
    let moved = tx
        .execute(
            "UPDATE checkpoints SET position = $1
         WHERE projection = $2 AND generation = $3 AND position = $4 AND epoch = $5",
            &[
                Param::Int(to.0.cast_signed()),
                Param::Text(generation.projection),
                Param::Int(generation.number),
                Param::Int(generation.position.0.cast_signed()),
                Param::Int(generation.epoch),
            ],
        )
        .await?;
    Ok(moved == 1)
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

async fn write(tx: &mut Tx, generation: &Generation, rows: &[Row<'_>]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let documents: Vec<_> = rows
        .iter()
        .map(|row| DocumentRow {
            key: row.key,
            sort: &row.folded.order,
            position: row.position.0.cast_signed(),
            document: &row.folded.document,
        })
        .collect();
    tx.put_documents(&generation.tables.documents, &documents).await?;
    let (mut keys, mut terms) = (Vec::new(), Vec::new());
    for row in rows {
        let Some(changed) = &row.folded.terms else { continue };
        let key = row.key.as_str();
        keys.push(key);
        let changed = changed.iter();
        terms.extend(changed.map(|term| TermRow { field: term.field, value: &term.value, key }));
    }
    if keys.is_empty() {
        return Ok(());
    }
    tx.put_terms(&generation.tables.terms, &keys, &terms).await
}
