//! What is carried out in a transaction, on whichever database it is.
//! Not here: which statements those are.

use std::{collections::HashMap, future::Future, io, time::Duration};

use kit::Key;
use sqlx::{AssertSqlSafe, Postgres, Row as _, SqlSafeStr, Sqlite};

use super::{Cell, DocumentRow, Param, Record, Storage, TermRow, Tx, postgres, sqlite};

/// A database that takes longer for one statement is away; batches and answers are small.
const STATEMENT_MAX: Duration = Duration::from_secs(30);

macro_rules! bound {
    ($query:expr, $params:expr) => {{
        let mut query = $query;
        for param in $params {
            query = match *param {
                Param::Int(value) => query.bind(value),
                Param::Text(value) => query.bind(value),
                Param::Cell(Storage::Int, cell) => query.bind(cell.int()),
                Param::Cell(Storage::Float, cell) => query.bind(cell.float()),
                Param::Cell(Storage::Bool, cell) => query.bind(cell.bool()),
                Param::Cell(Storage::Text, cell) => query.bind(cell.text()),
            };
        }
        query
    }};
}

macro_rules! cells {
    ($row:expr, $columns:expr) => {
        $columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                Ok(match column {
                    Storage::Int => $row.try_get::<Option<i64>, _>(at)?.map(Cell::Int),
                    Storage::Bool => {
                        $row.try_get::<Option<i64>, _>(at)?.map(|it| Cell::Bool(it != 0))
                    }
                    Storage::Float => $row.try_get::<Option<f64>, _>(at)?.map(Cell::Float),
                    Storage::Text => $row.try_get::<Option<String>, _>(at)?.map(Cell::Text),
                }
                .unwrap_or(Cell::Null))
            })
            .collect()
    };
}

impl Tx {
    /// Lets one instance at a time make tables: PostgreSQL's `IF NOT EXISTS` does not.
    pub(in crate::readmodel) async fn exclude(&mut self) -> sqlx::Result<()> {
        match self {
            // The write lock is the file's.
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(tx) => postgres::exclude(tx).await,
        }
    }

    /// Carries out one statement and tells how many rows it touched.
    pub(in crate::readmodel) async fn execute(
        &mut self,
        statement: impl SqlSafeStr,
        params: &[Param<'_>],
    ) -> sqlx::Result<u64> {
        let statement = statement.into_sql_str();
        match self {
            Self::Sqlite(tx) => {
                let query = bound!(sqlx::query::<Sqlite>(statement), params);
                Ok(timely(query.execute(&mut **tx)).await?.rows_affected())
            }
            Self::Postgres(tx) => {
                let query = bound!(sqlx::query::<Postgres>(statement), params);
                Ok(timely(query.execute(&mut **tx)).await?.rows_affected())
            }
        }
    }

    /// Carries out several statements without parameters.
    pub(in crate::readmodel) async fn script(
        &mut self,
        statements: impl SqlSafeStr,
    ) -> sqlx::Result<()> {
        let statements = sqlx::raw_sql(statements);
        match self {
            Self::Sqlite(tx) => timely(statements.execute(&mut **tx)).await.map(|_| ()),
            Self::Postgres(tx) => timely(statements.execute(&mut **tx)).await.map(|_| ()),
        }
    }

    /// All rows that `statement` yields.
    pub(in crate::readmodel) async fn all<T: Record>(
        &mut self,
        statement: impl SqlSafeStr,
        params: &[Param<'_>],
    ) -> sqlx::Result<Vec<T>> {
        let statement = statement.into_sql_str();
        match self {
            Self::Sqlite(tx) => {
                let query = bound!(sqlx::query_as::<Sqlite, T>(statement), params);
                timely(query.fetch_all(&mut **tx)).await
            }
            Self::Postgres(tx) => {
                let query = bound!(sqlx::query_as::<Postgres, T>(statement), params);
                timely(query.fetch_all(&mut **tx)).await
            }
        }
    }

    /// The first row that `statement` yields, if any.
    pub(in crate::readmodel) async fn first<T: Record>(
        &mut self,
        statement: impl SqlSafeStr,
        params: &[Param<'_>],
    ) -> sqlx::Result<Option<T>> {
        Ok(self.all(statement, params).await?.into_iter().next())
    }

    /// All rows that `statement` yields, its columns written by [`read_as`].
    pub(in crate::readmodel) async fn cells(
        &mut self,
        statement: impl SqlSafeStr,
        params: &[Param<'_>],
        columns: &[Storage],
    ) -> sqlx::Result<Vec<Vec<Cell>>> {
        let statement = statement.into_sql_str();
        match self {
            Self::Sqlite(tx) => {
                let query = bound!(sqlx::query::<Sqlite>(statement), params);
                let rows = timely(query.fetch_all(&mut **tx)).await?;
                rows.iter().map(|row| cells!(row, columns)).collect()
            }
            Self::Postgres(tx) => {
                let query = bound!(sqlx::query::<Postgres>(statement), params);
                let rows = timely(query.fetch_all(&mut **tx)).await?;
                rows.iter().map(|row| cells!(row, columns)).collect()
            }
        }
    }

    /// Carries out `statement` with `rows` as the table `v`, many at a time.
    pub(in crate::readmodel) async fn execute_with(
        &mut self,
        columns: &[(&'static str, Storage)],
        rows: &[Vec<Cell>],
        statement: &str,
    ) -> sqlx::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        match self {
            Self::Sqlite(tx) => timely(sqlite::execute_with(tx, columns, rows, statement)).await,
            Self::Postgres(tx) => {
                timely(postgres::execute_with(tx, columns, rows, statement)).await
            }
        }
    }

    /// Makes the view `name`; `over` what was made as a view of that name before, if it was.
    pub(in crate::readmodel) async fn view(
        &mut self,
        name: &str,
        definition: &str,
        over: bool,
    ) -> sqlx::Result<()> {
        let create = format!("VIEW \"{name}\" AS {definition}");
        match self {
            Self::Sqlite(_) => {
                if over {
                    self.drop_view(name).await?;
                }
                self.script(AssertSqlSafe(format!("CREATE {create}"))).await
            }
            Self::Postgres(tx) if over => timely(postgres::replace_view(tx, name, &create)).await,
            Self::Postgres(_) => self.script(AssertSqlSafe(format!("CREATE {create}"))).await,
        }
    }

    pub(in crate::readmodel) async fn drop_view(&mut self, name: &str) -> sqlx::Result<()> {
        self.script(AssertSqlSafe(format!("DROP VIEW IF EXISTS \"{name}\""))).await
    }

    /// Ends statements that take longer than `limit`, from now to the end of the transaction.
    pub(in crate::readmodel) async fn limited(&mut self, limit: Duration) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(tx) => timely(sqlite::limited(tx, limit)).await,
            Self::Postgres(tx) => timely(postgres::limited(tx, limit)).await,
        }
    }

    /// The stored documents of `keys`, as far as there are any.
    pub(in crate::readmodel) async fn documents(
        &mut self,
        table: &str,
        keys: &[&str],
    ) -> sqlx::Result<HashMap<Key, String>> {
        match self {
            Self::Sqlite(tx) => timely(sqlite::documents(tx, table, keys)).await,
            Self::Postgres(tx) => timely(postgres::documents(tx, table, keys)).await,
        }
    }

    /// Writes `rows`, over those with the same keys. If they stay where they are sorted, the index
    /// by which lists go is left alone.
    pub(in crate::readmodel) async fn put_documents(
        &mut self,
        table: &str,
        rows: &[DocumentRow<'_>],
        stay: bool,
    ) -> sqlx::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let sort = if stay { "" } else { "sort = excluded.sort," };
        let over = format!(
            "ON CONFLICT (key) DO UPDATE SET {sort}
             position = excluded.position, document = excluded.document"
        );
        match self {
            Self::Sqlite(tx) => timely(sqlite::put_documents(tx, table, rows, &over)).await,
            Self::Postgres(tx) => timely(postgres::put_documents(tx, table, rows, &over)).await,
        }
    }

    /// Writes `rows` in place of everything that the table has for `keys`.
    pub(in crate::readmodel) async fn put_terms(
        &mut self,
        table: &str,
        keys: &[&str],
        rows: &[TermRow<'_>],
    ) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(tx) => timely(sqlite::put_terms(tx, table, keys, rows)).await,
            Self::Postgres(tx) => timely(postgres::put_terms(tx, table, keys, rows)).await,
        }
    }

    pub(in crate::readmodel) async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(tx) => timely(tx.commit()).await,
            Self::Postgres(tx) => timely(tx.commit()).await,
        }
    }
}

/// A connection that hangs must not hold a projection for ever.
async fn timely<T>(answer: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    let answer = tokio::time::timeout(STATEMENT_MAX, answer).await;
    answer.unwrap_or_else(|_| Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into())))
}
