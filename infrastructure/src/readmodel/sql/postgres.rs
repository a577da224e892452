//! PostgreSQL: one schema that several instances share, and rows as arrays, one for each column.

use std::{collections::HashMap, time::Duration};

use kit::Key;
use sqlx::{
    AssertSqlSafe, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{Cell, DocumentRow, Storage, TermRow, Words};
use crate::readmodel::location::PostgresUrl;

/// Connections of one instance: a writer for each projection, and readers.
const CONNECTIONS_MAX: u32 = 10;
/// A database that gives no connection for so long is away; batches are tried again.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Everything stands in a schema of its own, beside whatever else the database holds.
const SCHEMA: &str = "headwater";
/// An owner that was stopped in the middle of a batch keeps its successor waiting no longer.
const SESSION: [(&str, &str); 3] = [
    ("search_path", SCHEMA),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "10s"),
];
/// Of all who make the schema at the same time, one goes first: `headwater` in ASCII.
const SCHEMA_LOCK: i64 = 0x6865_6164_7761_7465;

/// A view cannot be replaced by one with other columns.
const OTHER_COLUMNS: &str = "42P16";

pub(super) const WORDS: Words = Words {
    int: "BIGINT",
    text: "TEXT COLLATE \"C\"",
    float: "DOUBLE PRECISION",
    bool: "BOOLEAN",
    bytewise: " COLLATE \"C\"",
    end: "",
    end_keyed: "",
    shown_time: "TIMESTAMPTZ 'epoch' + {} * INTERVAL '1 microsecond'",
    // `jsonb` would refuse to show rows with a text that holds a NUL.
    shown_json: "{}::json",
    shown_decimal: "{}::numeric",
};

/// Connects, and makes nothing.
pub(super) async fn look(url: &PostgresUrl) -> sqlx::Result<PgPool> {
    let options: PgConnectOptions = url.options()?;
    let named = options.get_application_name().is_some();
    let options = if named { options } else { options.application_name("headwater") };
    PgPoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(CONNECT_TIMEOUT)
        .connect_with(options.options(SESSION))
        .await
}

/// Connects, and makes the schema if there is none.
pub(super) async fn open(url: &PostgresUrl) -> sqlx::Result<PgPool> {
    let pool = look(url).await?;
    let mut tx = pool.begin().await?;
    exclude(&mut tx).await?;
    // Asked first: making it, if it is not there, needs a right that a service may lack.
    let there: bool = sqlx::query_scalar("SELECT to_regnamespace($1) IS NOT NULL")
        .bind(SCHEMA)
        .fetch_one(&mut *tx)
        .await?;
    if !there {
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA {SCHEMA}"))).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(pool)
}

/// Lets one instance at a time make the common tables.
pub(super) async fn exclude(tx: &mut Transaction<'_, Postgres>) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SCHEMA_LOCK).execute(&mut **tx).await?;
    Ok(())
}

pub(super) async fn documents(
    tx: &mut Transaction<'_, Postgres>,
    table: &str,
    keys: &[&str],
) -> sqlx::Result<HashMap<Key, String>> {
    let select = format!("SELECT key, document FROM {table} WHERE key = ANY($1)");
    let rows: Vec<(Key, String)> =
        sqlx::query_as(AssertSqlSafe(select)).bind(keys).fetch_all(&mut **tx).await?;
    Ok(rows.into_iter().collect())
}

pub(super) async fn put_documents(
    tx: &mut Transaction<'_, Postgres>,
    table: &str,
    rows: &[DocumentRow<'_>],
    over: &str,
) -> sqlx::Result<()> {
    let keys: Vec<_> = rows.iter().map(|row| row.key).collect();
    let sorts: Vec<_> = rows.iter().map(|row| row.sort).collect();
    let positions: Vec<_> = rows.iter().map(|row| row.position).collect();
    let documents: Vec<_> = rows.iter().map(|row| row.document).collect();
    let upsert = format!(
        "INSERT INTO {table} (key, sort, position, document)
         SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) {over}"
    );
    sqlx::query(AssertSqlSafe(upsert))
        .bind(keys)
        .bind(sorts)
        .bind(positions)
        .bind(documents)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn put_terms(
    tx: &mut Transaction<'_, Postgres>,
    table: &str,
    keys: &[&str],
    rows: &[TermRow<'_>],
) -> sqlx::Result<()> {
    let delete = format!("DELETE FROM {table} WHERE key = ANY($1)");
    sqlx::query(AssertSqlSafe(delete)).bind(keys).execute(&mut **tx).await?;
    let fields: Vec<_> = rows.iter().map(|row| row.field).collect();
    let values: Vec<_> = rows.iter().map(|row| row.value).collect();
    let keys: Vec<_> = rows.iter().map(|row| row.key).collect();
    let insert = format!(
        "INSERT INTO {table} (field, value, key)
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[])"
    );
    sqlx::query(AssertSqlSafe(insert))
        .bind(fields)
        .bind(values)
        .bind(keys)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn limited(
    tx: &mut Transaction<'_, Postgres>,
    limit: Duration,
) -> sqlx::Result<()> {
    let limit = format!("SET LOCAL statement_timeout = {}", limit.as_millis().max(1));
    sqlx::query(AssertSqlSafe(limit)).execute(&mut **tx).await?;
    Ok(())
}

/// Makes a view over one that is there, and leaves it to whoever has made others of it and may read
/// it, as long as its columns stay what they are.
pub(super) async fn replace_view(
    tx: &mut Transaction<'_, Postgres>,
    name: &str,
    create: &str,
) -> sqlx::Result<()> {
    sqlx::raw_sql("SAVEPOINT view").execute(&mut **tx).await?;
    let replace = AssertSqlSafe(format!("CREATE OR REPLACE {create}"));
    let Err(error) = sqlx::raw_sql(replace).execute(&mut **tx).await else { return Ok(()) };
    let code = error.as_database_error().and_then(|error| error.code());
    if code.as_deref() != Some(OTHER_COLUMNS) {
        return Err(error);
    }
    let anew =
        format!("ROLLBACK TO SAVEPOINT view; DROP VIEW IF EXISTS \"{name}\"; CREATE {create}");
    sqlx::raw_sql(AssertSqlSafe(anew)).execute(&mut **tx).await?;
    Ok(())
}

pub(super) async fn execute_with(
    tx: &mut Transaction<'_, Postgres>,
    columns: &[(&'static str, Storage)],
    rows: &[Vec<Cell>],
    statement: &str,
) -> sqlx::Result<()> {
    let (mut names, mut arrays) = (Vec::new(), Vec::new());
    for (number, (name, storage)) in (1..).zip(columns) {
        names.push(*name);
        let of = match storage {
            Storage::Int => "bigint",
            Storage::Float => "double precision",
            Storage::Bool => "boolean",
            Storage::Text => "text",
        };
        arrays.push(format!("${number}::{of}[]"));
    }
    let (names, arrays) = (names.join(", "), arrays.join(", "));
    let statement = format!("WITH v({names}) AS (SELECT * FROM unnest({arrays})) {statement}");
    let mut query = sqlx::query(AssertSqlSafe(statement));
    for (at, (_, storage)) in columns.iter().enumerate() {
        let column = rows.iter().filter_map(|row| row.get(at));
        query = match storage {
            Storage::Int => query.bind(column.map(Cell::int).collect::<Vec<_>>()),
            Storage::Float => query.bind(column.map(Cell::float).collect::<Vec<_>>()),
            Storage::Bool => query.bind(column.map(Cell::bool).collect::<Vec<_>>()),
            Storage::Text => query.bind(column.map(Cell::text).collect::<Vec<_>>()),
        };
    }
    query.execute(&mut **tx).await?;
    Ok(())
}
