//! One batch of events into the rows of one projection, and its checkpoint moved, all in one
//! transaction. Not here: what a style makes of the events.

use kit::Position;

use super::{
    AnyProjection, Rows, Touch, documents,
    generation::Generation,
    parked::{Passed, owe, pay},
    sql::{Param, Tx},
    store::Store,
    stretches::{self, Mark},
    tables,
};
use crate::{deadletter::Cursor, fail_points, handler::Failure};

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
    /// rows of every generation that does not have it yet, and counts the events that it then has.
    pub(super) async fn apply(
        &self,
        generations: &mut [Generation],
        projection: &dyn AnyProjection,
        (touches, passed, marks): (&[Touch], &[Passed], &[Mark]),
        to: Position,
    ) -> Result<(), ApplyError> {
        let mut tx = self.database.write().await?;
        for generation in generations.iter().filter(|generation| generation.position < to) {
            if !advance(&mut tx, generation, to).await? {
                return Err(ApplyError::Fenced);
            }
            let after = generation.position;
            let due = touches.iter().filter(|touch| touch.position > after);
            write(&mut tx, generation, projection, due).await?;
            let counted = marks.iter().filter(|mark| mark.at.position > after);
            stretches::add(&mut tx, generation, counted.copied()).await?;
            for passed in passed.iter().filter(|passed| passed.from.position > after) {
                owe(&mut tx, generation, passed).await?;
            }
        }
        fail_points::pass("rows.before-commit");
        tx.commit().await?;
        fail_points::pass("rows.after-commit");
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
    pub(super) marks: &'a [Mark],
    pub(super) to: Cursor,
}

impl Store {
    /// Folds what `generations` owe, each from the place beside it, and notes that it is paid.
    pub(super) async fn make_good(
        &self,
        generations: &[(Generation, Cursor)],
        projection: &dyn AnyProjection,
        Payment { subject, touches, marks, to }: &Payment<'_>,
    ) -> Result<(), ApplyError> {
        let mut tx = self.database.write().await?;
        for (generation, from) in generations {
            // The checkpoint stays; that it is where it was left is the fence.
            if !advance(&mut tx, generation, generation.position).await? {
                return Err(ApplyError::Fenced);
            }
            let owed = |at: Cursor| at >= *from && at < *to && at.position <= generation.position;
            let due = touches
                .iter()
                .filter(|touch| owed(Cursor { position: touch.position, index: touch.index }));
            write(&mut tx, generation, projection, due).await?;
            let counted = marks.iter().filter(|mark| owed(mark.at));
            stretches::add(&mut tx, generation, counted.copied()).await?;
            pay(&mut tx, generation, subject, (*to).max(*from)).await?;
        }
        fail_points::pass("repayment.before-commit");
        tx.commit().await?;
        fail_points::pass("repayment.after-commit");
        Ok(())
    }
}

/// Brings `touches` into the rows of one generation.
async fn write<'a>(
    tx: &mut Tx,
    generation: &Generation,
    projection: &dyn AnyProjection,
    touches: impl Iterator<Item = &'a Touch>,
) -> Result<(), ApplyError> {
    match projection.rows() {
        Rows::Documents(documents) => documents::write(tx, generation, documents, touches).await,
        Rows::Tables(declared) => tables::write(tx, generation, &declared, touches).await,
    }
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
