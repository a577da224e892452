//! Statements that take too long end, and so does the limit itself.

use std::time::Duration;

use test_postgres::Postgres;

use super::{Cell, Database, Storage, took_too_long};

/// More readers than a pool has connections.
const READERS: usize = 12;

/// Counts to `end`, which takes as many steps.
async fn count(database: &Database, end: i64, limit: Option<Duration>) -> sqlx::Result<i64> {
    let mut tx = database.read().await?;
    if let Some(limit) = limit {
        tx.limited(limit).await?;
    }
    let count = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {end})
         SELECT CAST(count(*) AS BIGINT) FROM n"
    );
    let rows = tx.cells(sqlx::AssertSqlSafe(count), &[], &[Storage::Int]).await?;
    let Cell::Int(count) = rows[0][0] else { panic!("{rows:?}") };
    Ok(count)
}

async fn a_limit_holds_for_one_transaction(database: Database) {
    for _ in 0..READERS {
        let ended = count(&database, 5_000_000, Some(Duration::from_millis(1))).await.unwrap_err();
        assert!(took_too_long(&ended), "{ended}");
    }
    for _ in 0..READERS {
        assert_eq!(count(&database, 50_000, None).await.unwrap(), 50_000);
    }
}

#[tokio::test]
async fn a_limit_in_sqlite_holds_for_one_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read-models.sqlite");
    a_limit_holds_for_one_transaction(Database::open(&path.as_path().into()).await.unwrap()).await;
}

#[tokio::test]
async fn a_limit_in_postgres_holds_for_one_transaction() {
    if !test_postgres::is_installed() {
        return;
    }
    let url = tokio::task::spawn_blocking(|| Postgres::shared().database()).await.unwrap();
    a_limit_holds_for_one_transaction(Database::open(&url.parse().unwrap()).await.unwrap()).await;
}
