//! The one place that knows which database it is: connections, transactions, and the statements
//! that the two databases do not share. Everything else is written once, with `$1`, `$2`, … as
//! parameters, which both understand. Not here: what the tables mean.

mod cell;
#[cfg(test)]
mod limit_tests;
mod postgres;
mod refusal;
mod sqlite;
mod tx;

use sqlx::{
    FromRow, PgPool, Postgres, Sqlite, SqlitePool, Transaction, postgres::PgRow, sqlite::SqliteRow,
};

use super::location::StoreLocation;

pub(super) use self::{
    cell::{Cell, Storage, read_as},
    refusal::{Refusal, ill_formed, took_too_long},
};

/// A pool for one writer at a time and one for readers, which do not wait for it.
#[derive(Debug, Clone)]
pub(super) enum Database {
    Sqlite { writer: SqlitePool, reader: SqlitePool },
    Postgres(PgPool),
}

/// A transaction. Dropped before [`Self::commit`], it changes nothing.
pub(super) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A statement's parameter.
#[derive(Debug, Clone, Copy)]
pub(super) enum Param<'a> {
    Int(i64),
    Text(&'a str),
    /// A value, or nothing, of a type that a projection declares.
    Cell(Storage, &'a Cell),
}

/// A row that reads the same from both databases.
pub(super) trait Record:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Record for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

/// One row of a table of documents.
#[derive(Debug)]
pub(super) struct DocumentRow<'a> {
    pub(super) key: &'a str,
    pub(super) sort: &'a str,
    pub(super) position: i64,
    pub(super) document: &'a str,
}

/// One row of a table of terms.
#[derive(Debug)]
pub(super) struct TermRow<'a> {
    pub(super) field: &'a str,
    pub(super) value: &'a str,
    pub(super) key: &'a str,
}

impl Database {
    /// Opens what `location` names; a file is made if there is none.
    pub(super) async fn open(location: &StoreLocation) -> sqlx::Result<Self> {
        match location {
            StoreLocation::Sqlite(path) => sqlite::open(path).await,
            StoreLocation::Postgres(url) => {
                // Connecting takes a state of many KB, which its callers need not hold.
                Box::pin(postgres::open(url)).await.map(Self::Postgres)
            }
        }
    }

    /// Opens what `location` names, to read it beside whoever writes it. Nothing is made.
    pub(super) async fn look(location: &StoreLocation) -> sqlx::Result<Self> {
        match location {
            StoreLocation::Sqlite(path) => sqlite::look(path).await,
            StoreLocation::Postgres(url) => Box::pin(postgres::look(url)).await.map(Self::Postgres),
        }
    }

    /// A transaction that writes.
    pub(super) async fn write(&self) -> sqlx::Result<Tx> {
        match self {
            Self::Sqlite { writer, .. } => {
                writer.begin_with("BEGIN IMMEDIATE").await.map(Tx::Sqlite)
            }
            Self::Postgres(pool) => pool.begin().await.map(Tx::Postgres),
        }
    }

    /// A transaction that reads one consistent state from its first statement on.
    pub(super) async fn read(&self) -> sqlx::Result<Tx> {
        match self {
            Self::Sqlite { reader, .. } => reader.begin().await.map(Tx::Sqlite),
            Self::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                pool.begin_with(begin).await.map(Tx::Postgres)
            }
        }
    }

    /// The type of whole numbers, of text that is compared byte by byte, and what ends a table.
    pub(super) const fn words(&self) -> Words {
        match self {
            Self::Sqlite { .. } => sqlite::WORDS,
            Self::Postgres(_) => postgres::WORDS,
        }
    }

    /// Ends all connections.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, reader } => {
                reader.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Where the databases' definitions of tables differ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    pub(super) int: &'static str,
    /// Text that is compared by its bytes: the same order and the same prefixes everywhere.
    pub(super) text: &'static str,
    pub(super) float: &'static str,
    pub(super) bool: &'static str,
    /// What makes any text compare like that.
    pub(super) bytewise: &'static str,
    pub(super) end: &'static str,
    /// The end of a table that is its own index.
    pub(super) end_keyed: &'static str,
    /// How a moment, JSON and a decimal number, for which `{}` stands, are shown to other programs.
    pub(super) shown_time: &'static str,
    pub(super) shown_json: &'static str,
    pub(super) shown_decimal: &'static str,
}
