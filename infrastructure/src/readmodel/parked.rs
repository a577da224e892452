//! What a generation owes: keys whose events, from some place on, are not in its rows because the
//! key stood still when they came by. A row of the table goes when nothing is owed any more; it is
//! written in the transaction that passes the first of them, and moved in each that makes some good.
//! Not here: which keys stand still; the dead letters say so.

use kit::{Key, Position};

use super::{
    generation::Generation,
    sql::{Param, Tx},
    store::Store,
};
use crate::deadletter::Cursor;

/// An event subject and the first of its events that is not in the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Debt {
    pub(super) subject: String,
    pub(super) from: Cursor,
}

/// A commit that is passed, whole or in part.
#[derive(Debug, Clone)]
pub(super) struct Passed {
    pub(super) subject: String,
    /// The document that waits for it, as far as can be told.
    pub(super) key: Key,
    /// The first of its events that is left out.
    pub(super) from: Cursor,
}

impl Generation {
    fn place(&self) -> [Param<'_>; 2] {
        [Param::Text(self.projection), Param::Int(self.number)]
    }
}

/// Notes that `passed` is owed, unless more than that is already.
pub(super) async fn owe(tx: &mut Tx, by: &Generation, passed: &Passed) -> sqlx::Result<()> {
    let [projection, generation] = by.place();
    let insert = "INSERT INTO parked (projection, generation, subject, key, position, place)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let (subject, key) = (Param::Text(&passed.subject), Param::Text(&passed.key));
    let [position, place] = columns(passed.from);
    tx.execute(insert, &[projection, generation, subject, key, position, place]).await?;
    Ok(())
}

/// Notes that everything of `subject` before `to` is made good.
pub(super) async fn pay(
    tx: &mut Tx,
    by: &Generation,
    subject: &str,
    to: Cursor,
) -> sqlx::Result<()> {
    let [projection, generation] = by.place();
    let update = "UPDATE parked SET position = $1, place = $2
         WHERE projection = $3 AND generation = $4 AND subject = $5";
    let [position, place] = columns(to);
    tx.execute(update, &[position, place, projection, generation, Param::Text(subject)]).await?;
    Ok(())
}

fn columns(cursor: Cursor) -> [Param<'static>; 2] {
    let index = i64::try_from(cursor.index).unwrap_or(i64::MAX);
    [Param::Int(cursor.position.0.cast_signed()), Param::Int(index)]
}

/// Everything that `generation` owes, in the order of the log.
pub(super) async fn owed(
    tx: &mut Tx,
    projection: &str,
    generation: i64,
) -> sqlx::Result<Vec<Debt>> {
    let select = "SELECT subject, position, place FROM parked
         WHERE projection = $1 AND generation = $2 ORDER BY position, place, subject";
    let rows: Vec<(String, i64, i64)> =
        tx.all(select, &[Param::Text(projection), Param::Int(generation)]).await?;
    let debt = |(subject, position, place): (String, i64, i64)| {
        let position = Position(position.cast_unsigned());
        let index = usize::try_from(place).unwrap_or(usize::MAX);
        Debt { subject, from: Cursor { position, index } }
    };
    Ok(rows.into_iter().map(debt).collect())
}

impl Store {
    /// Everything that `by` owes.
    pub(super) async fn debts(&self, by: &Generation) -> sqlx::Result<Vec<Debt>> {
        let mut tx = self.database.read().await?;
        owed(&mut tx, by.projection, by.number).await
    }

    /// Forgets that `by` owed anything of `subject`.
    pub(super) async fn settle(&self, by: &Generation, subject: &str) -> sqlx::Result<()> {
        let [projection, generation] = by.place();
        let delete = "DELETE FROM parked
             WHERE projection = $1 AND generation = $2 AND subject = $3";
        let mut tx = self.database.write().await?;
        tx.execute(delete, &[projection, generation, Param::Text(subject)]).await?;
        tx.commit().await
    }
}

/// How many keys are owed something, and from where on the document `key` is.
pub(super) async fn parked(
    tx: &mut Tx,
    (projection, generation): (&str, i64),
    key: Option<&str>,
) -> sqlx::Result<(u64, Option<Position>)> {
    let select = "SELECT count(*), coalesce(min(CASE WHEN key = $1 THEN position END), -1)
         FROM parked WHERE projection = $2 AND generation = $3";
    let params =
        [Param::Text(key.unwrap_or_default()), Param::Text(projection), Param::Int(generation)];
    let row: Option<(i64, i64)> = tx.first(select, &params).await?;
    let (count, first) = row.unwrap_or((0, -1));
    let first = u64::try_from(first).ok().filter(|_| key.is_some()).map(Position);
    Ok((count.cast_unsigned(), first))
}
