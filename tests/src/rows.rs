//! Rows changed behind the service's back.

use std::path::Path;

use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

/// Carries out `statement` on the SQLite file at `path`, beside whoever has it open.
///
/// # Panics
/// When it cannot.
pub async fn alter(path: &Path, statement: &'static str) {
    let file = SqliteConnectOptions::new().filename(path);
    let mut store = SqliteConnection::connect_with(&file).await.expect("the file is opened");
    sqlx::raw_sql(statement).execute(&mut store).await.expect("the statement is carried out");
}
