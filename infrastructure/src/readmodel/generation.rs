//! One generation of a projection's rows, in the hands of one epoch.

use kit::Position;
use sqlx::{Sqlite, Transaction};

use super::{
    AnyProjection,
    store::{SqliteStore, Tables},
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
    /// They need another program or another file.
    #[error("{0}")]
    Unfit(String),
    /// The file does not answer.
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

type Columns = (i64, i64, i64, u32, i64);

/// The current checkpoint of `projection`, if it has ever run on this file.
pub(super) async fn checkpoint(
    transaction: &mut Transaction<'_, Sqlite>,
    projection: &str,
) -> sqlx::Result<Option<CheckpointRow>> {
    let row: Option<Columns> = sqlx::query_as(
        "SELECT generation, position, epoch, version, complete_at FROM checkpoints
         WHERE projection = ? ORDER BY generation DESC LIMIT 1",
    )
    .bind(projection)
    .fetch_optional(&mut **transaction)
    .await?;
    Ok(row.map(|(generation, position, epoch, version, complete_at)| CheckpointRow {
        generation,
        position: Position(position.cast_unsigned()),
        epoch,
        version,
        complete_at: Position(complete_at.cast_unsigned()),
    }))
}

impl SqliteStore {
    /// Puts `epoch` on the rows of `projection`. If its code is newer than the rows, they go and
    /// a new generation begins at the first event; `last` is the end of the log.
    pub(crate) async fn take_over(
        &self,
        projection: &dyn AnyProjection,
        epoch: u64,
        last: Position,
    ) -> Result<Generation, TakeOverError> {
        let (name, version, epoch) = (projection.name(), projection.version(), epoch.cast_signed());
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let found = checkpoint(&mut transaction, name).await?;
        let (number, position) = match found {
            Some(row) if row.epoch > epoch => return Err(TakeOverError::Fenced),
            Some(row) if row.version > version => {
                return Err(TakeOverError::Unfit(format!(
                    "its rows were folded by version {} of its code and this is version \
                     {version}; run the newer program, or delete the store's file to fold them \
                     again",
                    row.version
                )));
            }
            Some(row) if row.version == version && row.position > last => {
                return Err(TakeOverError::Unfit(format!(
                    "log-behind: its rows stand at {}, past the end of the log at {last}; delete the store's \
                     file to fold them again",
                    row.position
                )));
            }
            Some(row) if row.version == version => {
                own(&mut transaction, name, row.generation, epoch).await?;
                (row.generation, row.position)
            }
            outdated => {
                let number = outdated.map_or(1, |row| row.generation + 1);
                if let Some(row) = outdated {
                    tracing::warn!(
                        projection = name,
                        from = row.version,
                        to = version,
                        "the code has changed: the rows are folded again from the first event"
                    );
                    discard(&mut transaction, name, row.generation).await?;
                }
                begin(&mut transaction, (name, number), epoch, version, last).await?;
                (number, Position::ZERO)
            }
        };
        transaction.commit().await?;
        let tables = Tables::new(name, number);
        Ok(Generation { projection: name, number, tables, epoch, position })
    }
}

async fn own(
    transaction: &mut Transaction<'_, Sqlite>,
    projection: &str,
    generation: i64,
    epoch: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE checkpoints SET epoch = ? WHERE projection = ? AND generation = ?")
        .bind(epoch)
        .bind(projection)
        .bind(generation)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

async fn discard(
    transaction: &mut Transaction<'_, Sqlite>,
    projection: &str,
    generation: i64,
) -> sqlx::Result<()> {
    sqlx::raw_sql(Tables::new(projection, generation).drop()).execute(&mut **transaction).await?;
    sqlx::query("DELETE FROM checkpoints WHERE projection = ?")
        .bind(projection)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

async fn begin(
    transaction: &mut Transaction<'_, Sqlite>,
    (projection, generation): (&str, i64),
    epoch: i64,
    version: u32,
    last: Position,
) -> sqlx::Result<()> {
    sqlx::raw_sql(Tables::new(projection, generation).create()).execute(&mut **transaction).await?;
    sqlx::query(
        "INSERT INTO checkpoints (projection, generation, position, epoch, version, complete_at)
         VALUES (?, ?, 0, ?, ?, ?)",
    )
    .bind(projection)
    .bind(generation)
    .bind(epoch)
    .bind(version)
    .bind(last.0.cast_signed())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
