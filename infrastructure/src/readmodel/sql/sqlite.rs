//! SQLite: one file, and rows many to a statement because the cost is per statement.

use std::{
    collections::HashMap,
    io,
    path::Path,
    time::{Duration, Instant},
};

use kit::Key;
use sqlx::{
    QueryBuilder, Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::fs::OpenOptions;

use super::{Cell, Database, DocumentRow, Storage, TermRow, Words};

/// Other processes on the file hold the write lock for one batch only.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Readers at a time; a query is short, and SQLite readers do not wait for the writer.
const READERS_MAX: u32 = 4;
/// Rows in one statement, from the most: few sizes, so that each statement is prepared once. SQLite
/// allows 32,766 parameters; beyond some hundred rows the cost per row no longer falls.
const SIZES: [usize; 9] = [256, 128, 64, 32, 16, 8, 4, 2, 1];
/// Statements that a connection keeps prepared: those of all projections in all sizes.
const STATEMENTS: usize = 512;
/// Rows that come from SQLite's thread at a time.
const ROWS_AHEAD: usize = 256;
/// Memory for the writer's pages, in KiB: its default of 2 MiB is read from the file again and again.
const CACHE: &str = "-32768";
/// Pages of 4 KiB after which the write-ahead log goes into the file: a page that changes often is
/// copied once for many times.
const CHECKPOINT: &str = "4096";
const PARAMS_MAX: usize = 32_766;
/// How many steps of a statement lie between two looks at the clock.
const STEPS: i32 = 10_000;

pub(super) const WORDS: Words = Words {
    int: "INTEGER",
    text: "TEXT",
    float: "REAL",
    bool: "INTEGER",
    bytewise: "",
    end: "STRICT",
    end_keyed: "STRICT, WITHOUT ROWID",
    // Rounded down to the second, also before 1970.
    shown_time: "strftime('%Y-%m-%dT%H:%M:%S',
            ({} - (({} % 1000000 + 1000000) % 1000000)) / 1000000, 'unixepoch')
        || printf('.%06dZ', ({} % 1000000 + 1000000) % 1000000)",
    shown_json: "{}",
    shown_decimal: "CAST({} AS NUMERIC)",
};

pub(super) async fn open(path: &Path) -> sqlx::Result<Database> {
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    secluded(path).await?;
    // In WAL mode NORMAL never corrupts the file; a power cut may take the last transactions,
    // rows and checkpoint together, and they are folded again from the log.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS)
        .row_buffer_size(ROWS_AHEAD);
    let writer =
        options.clone().pragma("cache_size", CACHE).pragma("wal_autocheckpoint", CHECKPOINT);
    let writer = SqlitePoolOptions::new().max_connections(1).connect_with(writer).await?;
    Ok(Database::Sqlite { writer, reader: reader(options).await? })
}

/// Opens a file that is there, without a connection that could write.
pub(super) async fn look(path: &Path) -> sqlx::Result<Database> {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT);
    let reader = reader(options).await?;
    Ok(Database::Sqlite { writer: reader.clone(), reader })
}

async fn reader(options: SqliteConnectOptions) -> sqlx::Result<SqlitePool> {
    let pool = SqlitePoolOptions::new().max_connections(READERS_MAX);
    let pool = pool.after_release(|connection, _| {
        Box::pin(async move {
            // What limits one reader's statements is not the next one's.
            connection.lock_handle().await?.remove_progress_handler();
            Ok(true)
        })
    });
    pool.connect_with(options.read_only(true)).await
}

/// Makes a new file its owner's alone: rows hold personal data. `SQLite` gives the files of the
/// write-ahead log the mode of the file itself. One that is there keeps what its owner gave it.
async fn secluded(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(path).await {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

pub(super) async fn documents(
    tx: &mut Transaction<'_, Sqlite>,
    table: &str,
    keys: &[&str],
) -> sqlx::Result<HashMap<Key, String>> {
    let mut stored = HashMap::with_capacity(keys.len());
    for some in sized(keys) {
        let select = format!("SELECT key, document FROM {table} WHERE key IN (");
        let mut query = list(select, some);
        let rows: Vec<(Key, String)> = query.build_query_as().fetch_all(&mut **tx).await?;
        stored.extend(rows);
    }
    Ok(stored)
}

pub(super) async fn put_documents(
    tx: &mut Transaction<'_, Sqlite>,
    table: &str,
    rows: &[DocumentRow<'_>],
    over: &str,
) -> sqlx::Result<()> {
    for some in sized(rows) {
        let mut upsert = QueryBuilder::<Sqlite>::new(format!(
            "INSERT INTO {table} (key, sort, position, document) "
        ));
        upsert.push_values(some, |mut values, row| {
            values
                .push_bind(row.key)
                .push_bind(row.sort)
                .push_bind(row.position)
                .push_bind(row.document);
        });
        upsert.push(" ").push(over);
        upsert.build().execute(&mut **tx).await?;
    }
    Ok(())
}

pub(super) async fn put_terms(
    tx: &mut Transaction<'_, Sqlite>,
    table: &str,
    keys: &[&str],
    rows: &[TermRow<'_>],
) -> sqlx::Result<()> {
    for some in sized(keys) {
        let delete = format!("DELETE FROM {table} WHERE key IN (");
        list(delete, some).build().execute(&mut **tx).await?;
    }
    for some in sized(rows) {
        let mut insert =
            QueryBuilder::<Sqlite>::new(format!("INSERT INTO {table} (field, value, key) "));
        insert.push_values(some, |mut values, row| {
            values.push_bind(row.field).push_bind(row.value).push_bind(row.key);
        });
        insert.build().execute(&mut **tx).await?;
    }
    Ok(())
}

pub(super) async fn limited(tx: &mut Transaction<'_, Sqlite>, limit: Duration) -> sqlx::Result<()> {
    let end = Instant::now() + limit;
    tx.lock_handle().await?.set_progress_handler(STEPS, move || Instant::now() < end);
    Ok(())
}

pub(super) async fn execute_with(
    tx: &mut Transaction<'_, Sqlite>,
    columns: &[(&'static str, Storage)],
    rows: &[Vec<Cell>],
    statement: &str,
) -> sqlx::Result<()> {
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    let names = names.join(", ");
    let most = (PARAMS_MAX / columns.len().max(1)).max(1);
    for some in rows.chunks(most).flat_map(sized) {
        let mut query = QueryBuilder::<Sqlite>::new(format!("WITH v({names}) AS ("));
        query.push_values(some, |mut values, row| {
            for (cell, (_, storage)) in row.iter().zip(columns) {
                match storage {
                    Storage::Int => values.push_bind(cell.int()),
                    Storage::Float => values.push_bind(cell.float()),
                    Storage::Bool => values.push_bind(cell.bool()),
                    Storage::Text => values.push_bind(cell.text()),
                };
            }
        });
        query.push(") ").push(statement);
        query.build().execute(&mut **tx).await?;
    }
    Ok(())
}

/// `rows` in parts of [`SIZES`].
fn sized<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut sizes = SIZES.into_iter().peekable();
    std::iter::from_fn(move || {
        while let Some(&size) = sizes.peek() {
            if let Some((some, rest)) = rows.split_at_checked(size) {
                rows = rest;
                return Some(some);
            }
            sizes.next();
        }
        None
    })
}

fn list(statement: String, keys: &[&str]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(statement);
    let mut list = query.separated(", ");
    for key in keys {
        list.push_bind(*key);
    }
    query.push(")");
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_of_few_sizes_and_leave_nothing_out() {
        let rows: Vec<_> = (0..607).collect();
        let parts: Vec<_> = sized(&rows).collect();
        let sizes: Vec<_> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(sizes, [256, 256, 64, 16, 8, 4, 2, 1]);
        assert_eq!(parts.concat(), rows);
        assert_eq!(sized::<u8>(&[]).count(), 0);
    }
}
