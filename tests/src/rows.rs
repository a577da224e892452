//! Rows changed behind the service's back.

use std::path::Path;

use sqlx::{Connection as _, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};

/// Carries out `statement` on the SQLite file at `path`, beside whoever has it open.
///
/// # Panics
/// When it cannot.
pub async fn alter(path: &Path, statement: &'static str) {
    let file = SqliteConnectOptions::new().filename(path);
    let mut store = SqliteConnection::connect_with(&file).await.expect("the file is opened");
    sqlx::raw_sql(statement).execute(&mut store).await.expect("the statement is carried out");
}

/// The same in the PostgreSQL database at `url`.
///
/// # Panics
/// When it cannot.
pub async fn alter_database(url: &str, statement: &'static str) {
    let mut store = PgConnection::connect(url).await.expect("the database takes a connection");
    sqlx::raw_sql(statement).execute(&mut store).await.expect("the statement is carried out");
}
