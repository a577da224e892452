//! How generations come and go: each change is one transaction that names the epoch.
//! Not here: when.

use kit::Position;

use super::{
    AnyProjection, Rows,
    generation::{Filling, Generation, Lineage, Outcome, Plan, lineage},
    sql::{Param, Tx, Words},
    store::{Store, Tables},
    stretches,
    tables::{self, Declared},
};
use crate::fail_points;

/// Why an owner cannot have the rows.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeOverError {
    /// A later owner has them.
    #[error("a later owner has the rows")]
    Fenced,
    /// They stand further than the log: it was restored, or has grown since its end was asked for.
    #[error(
        "log-behind: its rows stand at {0}, past the end of the log; delete the store to fold them \
         again"
    )]
    Behind(Position),
    /// They need another log or another store.
    #[error("{0}")]
    Unfit(String),
    /// The store does not answer.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

/// One projection's generations in the hands of one epoch.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    pub(super) store: Store,
    pub(super) projection: &'static str,
    pub(super) version: u32,
    pub(super) epoch: i64,
    /// What the code declares, if its rows are in tables.
    pub(super) declared: Option<Declared>,
}

/// A change of the generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Of the plan alone.
    Nothing,
    /// A new generation, whole once it has reached the present end of the log.
    Begin { number: i64, complete_at: Position },
    /// A generation that was left behind is whole once it has reached the present end of the log.
    Resume { number: i64, complete_at: Position },
    /// Queries read another generation from now on.
    Switch(i64),
    /// As above, when the code has changed: of the generations that older code has left behind,
    /// only the last stays.
    Succeed(i64),
    /// The rows of a generation go.
    Drop(i64),
}

impl Store {
    /// Puts `epoch` on the rows of `projection`, and begins the first generation if there is none;
    /// `last` is the end of the log.
    pub(crate) async fn take_over(
        &self,
        projection: &dyn AnyProjection,
        epoch: u64,
        last: Position,
    ) -> Result<(Holder, Lineage), TakeOverError> {
        let (name, version, epoch) = (projection.name(), projection.version(), epoch.cast_signed());
        let declared = match projection.rows() {
            Rows::Documents(_) => None,
            Rows::Tables(declared) => Some(declared),
        };
        let holder = Holder { store: self.clone(), projection: name, version, epoch, declared };
        let mut tx = self.database.write().await?;
        let own = "INSERT INTO projections (projection, generation, epoch, plan)
             VALUES ($1, coalesce(
                (SELECT max(generation) FROM checkpoints WHERE projection = $1), 1), $2, '{}')
             ON CONFLICT (projection) DO UPDATE SET epoch = excluded.epoch
             WHERE projections.epoch <= excluded.epoch";
        if tx.execute(own, &[Param::Text(name), Param::Int(epoch)]).await? == 0 {
            return Err(TakeOverError::Fenced);
        }
        let own = "UPDATE checkpoints SET epoch = $1 WHERE projection = $2";
        tx.execute(own, &[Param::Int(epoch), Param::Text(name)]).await?;
        let mut found = lineage(&mut tx, name).await?;
        if found.is_none() {
            begin(&mut tx, self.database.words(), &holder, 1, last).await?;
            found = lineage(&mut tx, name).await?;
        }
        // Rows of a program that did not count yet stay as they are, and are counted from here on.
        stretches::begin(&mut tx, name).await?;
        let found = found.ok_or(sqlx::Error::RowNotFound)?;
        if let Some(ahead) = found.rows.iter().find(|row| row.position > last) {
            return Err(TakeOverError::Behind(ahead.position));
        }
        if let Some(declared) = &declared {
            let words = self.database.words();
            for row in found.rows.iter().filter(|row| row.version == version) {
                tables::fit(&mut tx, (name, row.generation), words, declared).await?;
            }
            // The names of rows that other code reads are that code's.
            let current = found.current_row().filter(|row| row.version == version);
            if let Some(row) = current {
                tables::name(&mut tx, (name, row.generation), words, declared).await?;
            }
        }
        tx.commit().await?;
        let planned = holder.planned(found, last).await?;
        Ok((holder, planned))
    }
}

impl Holder {
    /// The rows of `generation` for this owner to write.
    pub(super) fn generation(&self, number: i64, position: Position) -> Generation {
        let (projection, epoch) = (self.projection, self.epoch);
        Generation { projection, number, tables: Tables::new(projection, number), epoch, position }
    }

    /// What the store has now.
    pub(super) async fn lineage(&self) -> Result<Lineage, TakeOverError> {
        let mut tx = self.store.database.read().await?;
        let found = lineage(&mut tx, self.projection).await?;
        found.ok_or(TakeOverError::Fenced)
    }

    /// If newer code has come, plans that a generation of its own takes over: one that it left
    /// behind itself, or a new one.
    async fn planned(&self, found: Lineage, last: Position) -> Result<Lineage, TakeOverError> {
        let (name, to) = (self.projection, self.version);
        let Some(from) = found.current_row().map(|row| row.version).filter(|from| *from < to)
        else {
            return Ok(found);
        };
        if found.filling_row().is_some_and(|row| row.version == to) {
            return Ok(found);
        }
        let left = found.spare(to).map(|row| row.generation);
        let number = left.unwrap_or_else(|| found.next_number());
        tracing::warn!(
            projection = name,
            from,
            to,
            generation = number,
            "the code has changed: a generation of its own is filled, and until it is whole the \
             older one answers what needs no folding"
        );
        let filling = Some(Filling { generation: number, accept: true, failed: None });
        let plan = Plan { filling, ..found.plan };
        let change = match left {
            Some(_) => Change::Resume { number, complete_at: last },
            None => Change::Begin { number, complete_at: last },
        };
        self.change(change, &plan).await
    }

    /// Makes `change`, and `plan` the plan, both or neither.
    pub(super) async fn change(
        &self,
        change: Change,
        plan: &Plan,
    ) -> Result<Lineage, TakeOverError> {
        let plan =
            serde_json::to_string(plan).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        let (name, epoch) = (Param::Text(self.projection), Param::Int(self.epoch));
        let mut tx = self.store.database.write().await?;
        let put = "UPDATE projections SET plan = $1 WHERE projection = $2 AND epoch = $3";
        if tx.execute(put, &[Param::Text(&plan), name, epoch]).await? == 0 {
            return Err(TakeOverError::Fenced);
        }
        match change {
            Change::Nothing => {}
            Change::Begin { number, complete_at } => {
                let words = self.store.database.words();
                begin(&mut tx, words, self, number, complete_at).await?;
            }
            Change::Resume { number, complete_at } => {
                let resume = "UPDATE checkpoints SET complete_at = $1
                     WHERE projection = $2 AND generation = $3";
                let complete_at = Param::Int(complete_at.0.cast_signed());
                tx.execute(resume, &[complete_at, name, Param::Int(number)]).await?;
            }
            Change::Switch(to) => self.switch(&mut tx, to).await?,
            Change::Succeed(to) => {
                let before = lineage(&mut tx, self.projection).await?;
                self.switch(&mut tx, to).await?;
                let before = before.ok_or(sqlx::Error::RowNotFound)?;
                for row in before.rows.iter().filter(|row| row.version < self.version) {
                    if row.generation != before.current {
                        discard(&mut tx, self.projection, row.generation).await?;
                    }
                }
            }
            Change::Drop(number) => discard(&mut tx, self.projection, number).await?,
        }
        let changed = lineage(&mut tx, self.projection).await?;
        fail_points::pass("generation.before-change");
        tx.commit().await?;
        fail_points::pass("generation.after-change");
        changed.ok_or(TakeOverError::Sql(sqlx::Error::RowNotFound))
    }

    /// Queries, and whoever reads tables by their names, read generation `to`.
    async fn switch(&self, tx: &mut Tx, to: i64) -> Result<(), TakeOverError> {
        let switch = "UPDATE projections SET generation = $1 WHERE projection = $2";
        tx.execute(switch, &[Param::Int(to), Param::Text(self.projection)]).await?;
        if let Some(declared) = &self.declared {
            let words = self.store.database.words();
            tables::name(tx, (self.projection, to), words, declared).await?;
        }
        Ok(())
    }
}

impl Outcome {
    pub(super) fn new(request: Option<&str>, done: bool, told: impl Into<String>) -> Self {
        let request = request.map(str::to_owned);
        Self { request, done, told: told.into(), differing: Vec::new() }
    }
}

async fn discard(tx: &mut Tx, projection: &str, generation: i64) -> sqlx::Result<()> {
    let delete = "DELETE FROM checkpoints WHERE projection = $1 AND generation = $2";
    tx.execute(delete, &[Param::Text(projection), Param::Int(generation)]).await?;
    let delete = "DELETE FROM parked WHERE projection = $1 AND generation = $2";
    tx.execute(delete, &[Param::Text(projection), Param::Int(generation)]).await?;
    stretches::forget(tx, projection, generation).await?;
    if tables::drop_tables(tx, (projection, generation)).await? {
        return Ok(());
    }
    Tables::new(projection, generation).drop(tx).await
}

async fn begin(
    tx: &mut Tx,
    words: Words,
    holder: &Holder,
    number: i64,
    complete_at: Position,
) -> Result<(), TakeOverError> {
    match &holder.declared {
        None => Tables::new(holder.projection, number).create(tx, words).await?,
        Some(declared) => {
            tables::create(tx, (holder.projection, number), words, declared).await?;
        }
    }
    tx.execute(
        "INSERT INTO checkpoints (projection, generation, position, epoch, version, complete_at)
         VALUES ($1, $2, 0, $3, $4, $5)",
        &[
            Param::Text(holder.projection),
            Param::Int(number),
            Param::Int(holder.epoch),
            Param::Int(holder.version.into()),
            Param::Int(complete_at.0.cast_signed()),
        ],
    )
    .await?;
    Ok(stretches::begin(tx, holder.projection).await?)
}
