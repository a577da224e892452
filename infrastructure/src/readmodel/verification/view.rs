//! The live store, looked at: which rows there are, how far they are, and what they owe.
//! Nothing here can write.

use std::collections::BTreeMap;

use kit::Position;

use crate::{
    deadletter::Cursor,
    problem::Problem,
    readmodel::{
        StoreLocation,
        generation::lineage,
        parked::owed,
        sql::{Database, Param, Tx, Words},
    },
};

/// The store with the rows of one projection.
pub(super) struct Live {
    database: Database,
    projection: &'static str,
    version: u32,
    generation: Option<i64>,
}

/// One generation in one snapshot of the store.
pub(super) struct View {
    pub(super) tx: Tx,
    pub(super) words: Words,
    pub(super) projection: &'static str,
    pub(super) generation: i64,
    pub(super) position: Position,
    /// What stands up to here was folded by a program that did not count.
    pub(super) counted_after: Position,
}

impl Live {
    /// Opens what has the rows of the log `log`, as the store with the id `store`.
    pub(super) async fn open(
        location: &StoreLocation,
        (projection, version): (&'static str, u32),
        generation: Option<i64>,
        (store, log): (Option<&str>, &str),
    ) -> Result<Self, Problem> {
        let database = Database::look(location).await.map_err(|error| away(&error))?;
        let mut tx = database.read().await.map_err(|error| away(&error))?;
        let meta = tx.all("SELECT name, value FROM meta", &[]).await;
        let meta: BTreeMap<String, String> =
            meta.map_err(|error| away(&error))?.into_iter().collect();
        drop(tx);
        let is = |name: &str, wanted| meta.get(name).map(String::as_str) == wanted;
        if !is("log", Some(log)) {
            let detail = format!("the rows in {location} were folded from another event log");
            return Err(Problem::store_elsewhere(detail));
        }
        if !is("store", store) {
            let store = store.unwrap_or("none yet");
            let detail = format!("the log's read models are in the store {store}, not {location}");
            return Err(Problem::store_elsewhere(detail));
        }
        Ok(Self { database, projection, version, generation })
    }

    /// The generation as it is now: always the one that was looked at first.
    pub(super) async fn look(&mut self) -> Result<View, Problem> {
        let name = self.projection;
        let mut tx = self.database.read().await.map_err(|error| away(&error))?;
        let found = lineage(&mut tx, name).await.map_err(|error| away(&error))?;
        let found =
            found.ok_or_else(|| Problem::not_found(format!("{name} has no rows here yet")))?;
        let generation = *self.generation.get_or_insert(found.current);
        let row = found.row(generation).ok_or_else(|| {
            Problem::not_found(format!("{name} has no generation {generation} (any more)"))
        })?;
        if row.version != self.version {
            return Err(Problem::conflict(format!(
                "generation {generation} of {name} was folded by version {} of its code, and this \
                 program has version {}",
                row.version, self.version
            )));
        }
        let select = "SELECT position FROM counted_from WHERE projection = $1 AND generation = $2";
        let counted: sqlx::Result<Option<(i64,)>> =
            tx.first(select, &[Param::Text(name), Param::Int(generation)]).await;
        let counted = counted.map_err(|error| away(&error))?;
        let counted_after =
            counted.map_or(row.position, |(position,)| Position(position.cast_unsigned()));
        let position = row.position;
        let words = self.database.words();
        Ok(View { tx, words, projection: name, generation, position, counted_after })
    }
}

impl View {
    /// From where on events are not in the rows because they wait, by their subjects.
    pub(super) async fn debts(&mut self) -> Result<BTreeMap<String, Cursor>, Problem> {
        let debts = owed(&mut self.tx, self.projection, self.generation).await;
        let debts = debts.map_err(|error| away(&error))?;
        Ok(debts.into_iter().map(|debt| (debt.subject, debt.from)).collect())
    }
}

pub(super) fn away(error: &sqlx::Error) -> Problem {
    Problem::unavailable(format!("the store does not answer: {error}"))
}
