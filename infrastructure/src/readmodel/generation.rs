//! One generation of a projection's rows, in the hands of one epoch.

use kit::Position;

use super::{
    AnyProjection,
    sql::{Param, Tx, Words},
    store::{Store, Tables},
};

/// The rows that one owner writes.
#[derive(Debug, Clone)]
pub(crate) struct Generation {
    pub(super) projection: &'static str,
    pub(super) number: i64,
    pub(super) tables: Tables,
    pub(super) epoch: i64,
    /// Everything up to here is in the rows.
    pub(crate) position: Position,
}

/// Why an owner cannot have the rows.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeOverError {
    /// A later owner has them.
    #[error("a later owner has the rows")]
    Fenced,
    /// They need another program or another store.
    #[error("{0}")]
    Unfit(String),
    /// The store does not answer.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct CheckpointRow {
    pub(super) generation: i64,
    pub(super) position: Position,
    pub(super) epoch: i64,
    pub(super) version: u32,
    /// The end of the log when the generation was begun: before it, rows are missing.
    pub(super) complete_at: Position,
}

type Columns = (i64, i64, i64, i64, i64);

/// The current checkpoint of `projection`, if it has ever run on this store.
pub(super) async fn checkpoint(
    tx: &mut Tx,
    projection: &str,
) -> sqlx::Result<Option<CheckpointRow>> {
    let row: Option<Columns> = tx
        .first(
            "SELECT generation, position, epoch, version, complete_at FROM checkpoints
             WHERE projection = $1 ORDER BY generation DESC LIMIT 1",
            &[Param::Text(projection)],
        )
        .await?;
    Ok(row.map(|(generation, position, epoch, version, complete_at)| CheckpointRow {
        generation,
        position: Position(position.cast_unsigned()),
        epoch,
        version: u32::try_from(version).unwrap_or(u32::MAX),
        complete_at: Position(complete_at.cast_unsigned()),
    }))
}

impl Store {
    /// Puts `epoch` on the rows of `projection`. If its code is newer than the rows, they go and
    /// a new generation begins at the first event; `last` is the end of the log.
    pub(crate) async fn take_over(
        &self,
        projection: &dyn AnyProjection,
        epoch: u64,
        last: Position,
    ) -> Result<Generation, TakeOverError> {
        let (name, version, epoch) = (projection.name(), projection.version(), epoch.cast_signed());
        let mut tx = self.database.write().await?;
        own(&mut tx, name, epoch).await?;
        let found = checkpoint(&mut tx, name).await?;
        let (number, position) = match found {
            Some(row) if row.epoch > epoch => return Err(TakeOverError::Fenced),
            Some(row) if row.version > version => {
                return Err(TakeOverError::Unfit(format!(
                    "its rows were folded by version {} of its code and this is version \
                     {version}; run the newer program, or delete the store to fold them again",
                    row.version
                )));
            }
            Some(row) if row.version == version && row.position > last => {
                return Err(TakeOverError::Unfit(format!(
                    "log-behind: its rows stand at {}, past the end of the log at {last}; delete \
                     the store to fold them again",
                    row.position
                )));
            }
            Some(row) if row.version == version => (row.generation, row.position),
            outdated => {
                let number = outdated.map_or(1, |row| row.generation + 1);
                if let Some(row) = outdated {
                    tracing::warn!(
                        projection = name,
                        from = row.version,
                        to = version,
                        "the code has changed: the rows are folded again from the first event"
                    );
                    discard(&mut tx, name, row.generation).await?;
                }
                let words = self.database.words();
                begin(
                    &mut tx,
                    words,
                    (name, number),
                    [epoch, version.into(), last.0.cast_signed()],
                )
                .await?;
                (number, Position::ZERO)
            }
        };
        tx.commit().await?;
        let tables = Tables::new(name, number);
        Ok(Generation { projection: name, number, tables, epoch, position })
    }
}

/// Puts the later epoch on the rows, and keeps every other owner out until the transaction ends.
async fn own(tx: &mut Tx, projection: &str, epoch: i64) -> sqlx::Result<()> {
    tx.execute(
        "UPDATE checkpoints SET epoch = $1 WHERE projection = $2 AND epoch <= $1",
        &[Param::Int(epoch), Param::Text(projection)],
    )
    .await?;
    Ok(())
}

async fn discard(tx: &mut Tx, projection: &str, generation: i64) -> sqlx::Result<()> {
    Tables::new(projection, generation).drop(tx).await?;
    let delete = "DELETE FROM checkpoints WHERE projection = $1";
    tx.execute(delete, &[Param::Text(projection)]).await?;
    Ok(())
}

async fn begin(
    tx: &mut Tx,
    words: Words,
    (projection, generation): (&str, i64),
    [epoch, version, last]: [i64; 3],
) -> sqlx::Result<()> {
    Tables::new(projection, generation).create(tx, words).await?;
    tx.execute(
        "INSERT INTO checkpoints (projection, generation, position, epoch, version, complete_at)
         VALUES ($1, $2, 0, $3, $4, $5)",
        &[
            Param::Text(projection),
            Param::Int(generation),
            Param::Int(epoch),
            Param::Int(version),
            Param::Int(last),
        ],
    )
    .await?;
    Ok(())
}
