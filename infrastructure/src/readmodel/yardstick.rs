//! What projections are measured against: rows written with one insert each, on the same
//! connections, into the same tables.
//!
//! Not here: the measuring; the binary's bench does that.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqlSafeStr as _};

use super::{
    location::{PostgresUrl, StoreLocation},
    sql::{Database, Param},
    store::Tables,
};

/// One row as a projection would write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The document's key.
    pub key: String,
    /// The commit.
    pub position: u64,
    /// The document.
    pub document: String,
}

/// Documents like those of a projection, in a table of the same definition. Each row has a key of
/// its own, so that none is written over.
#[derive(Debug)]
pub struct Yardstick {
    database: Database,
    tables: Tables,
}

impl Yardstick {
    /// Opens what `location` names, and makes the tables in it.
    ///
    /// # Errors
    /// If the database does not answer, or has the tables.
    pub async fn open(location: &StoreLocation) -> sqlx::Result<Self> {
        let database = Database::open(location).await?;
        let tables = Tables::new("yardstick", 1);
        let mut tx = database.write().await?;
        tables.create(&mut tx, database.words()).await?;
        tx.commit().await?;
        Ok(Self { database, tables })
    }

    /// Inserts `rows` one by one, in one transaction.
    ///
    /// # Errors
    /// If the database does not take them.
    pub async fn insert(&self, rows: &[Row]) -> sqlx::Result<()> {
        let table = &self.tables.documents;
        let insert =
            format!("INSERT INTO {table} (key, sort, position, document) VALUES ($1, $2, $3, $4)");
        let insert = AssertSqlSafe(Arc::<str>::from(insert)).into_sql_str();
        let mut tx = self.database.write().await?;
        for Row { key, position, document } in rows {
            let key = format!("{key}-{position}");
            let (key, document) = (Param::Text(&key), Param::Text(document));
            let position = Param::Int(position.cast_signed());
            tx.execute(insert.clone(), &[key, Param::Text(""), position, document]).await?;
        }
        tx.commit().await
    }

    /// Ends all connections.
    pub async fn close(self) {
        self.database.close().await;
    }
}

/// A database of its own on somebody's server, so that nothing that is there is touched.
#[derive(Debug)]
pub struct ScratchDatabase {
    server: PostgresUrl,
    name: String,
}

impl ScratchDatabase {
    /// Makes a database `name` on the server of `url`.
    ///
    /// # Errors
    /// If the server does not answer, or the user may not.
    pub async fn create(url: &PostgresUrl, name: String) -> sqlx::Result<Self> {
        let mut connection = PgConnection::connect_with(&url.options()?).await?;
        let create = format!("CREATE DATABASE \"{name}\" TEMPLATE template0");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await?;
        connection.close().await?;
        Ok(Self { server: url.clone(), name })
    }

    /// Its address, with the password that the server's has.
    ///
    /// # Errors
    /// If the server's cannot be read.
    pub fn url(&self) -> sqlx::Result<String> {
        Ok(self.server.options()?.database(&self.name).to_url_lossy().to_string())
    }

    /// Takes it away.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn discard(self) -> sqlx::Result<()> {
        let mut connection = PgConnection::connect_with(&self.server.options()?).await?;
        let discard = format!("DROP DATABASE \"{}\" WITH (FORCE)", self.name);
        sqlx::raw_sql(AssertSqlSafe(discard)).execute(&mut connection).await?;
        connection.close().await
    }
}
