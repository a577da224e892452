//! The SQLite file: its pools, and the tables that are not one projection's own.

use std::{io, path::Path, time::Duration};

use kit::Position;
use sqlx::{
    AssertSqlSafe, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::fs::OpenOptions;
use uuid::Uuid;

/// Other processes on the file hold the write lock for one batch only.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Readers at a time; a query is short, and SQLite readers do not wait for the writer.
const READERS_MAX: u32 = 4;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS meta (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS checkpoints (
        projection TEXT NOT NULL,
        generation INTEGER NOT NULL,
        position INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        version INTEGER NOT NULL,
        complete_at INTEGER NOT NULL,
        PRIMARY KEY (projection, generation)
    ) STRICT;
";

/// One file with the documents of all projections. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct SqliteStore {
    pub(super) writer: SqlitePool,
    pub(super) reader: SqlitePool,
}

impl SqliteStore {
    /// Opens `path`, and makes it if there is no such file.
    pub(crate) async fn open(path: &Path) -> sqlx::Result<Self> {
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
            .busy_timeout(BUSY_TIMEOUT);
        let writer =
            SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        sqlx::raw_sql(TABLES).execute(&writer).await?;
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .connect_with(options.read_only(true))
            .await?;
        Ok(Self { writer, reader })
    }

    /// The file's own id, made with the file.
    pub(crate) async fn id(&self) -> sqlx::Result<String> {
        self.meta("store", &Uuid::now_v7().to_string()).await
    }

    /// The event log that the rows come from; `log` if the file is new.
    pub(crate) async fn log(&self, log: &str) -> sqlx::Result<String> {
        self.meta("log", log).await
    }

    /// The projection whose rows stand furthest in the log, and where.
    pub(crate) async fn furthest(&self) -> sqlx::Result<Option<(String, Position)>> {
        let row: Option<(String, i64)> = sqlx::query_as(
            "SELECT projection, position FROM checkpoints ORDER BY position DESC LIMIT 1",
        )
        .fetch_optional(&self.reader)
        .await?;
        Ok(row.map(|(projection, position)| (projection, Position(position.cast_unsigned()))))
    }

    async fn meta(&self, name: &str, first: &str) -> sqlx::Result<String> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(first)
            .execute(&mut *transaction)
            .await?;
        let value = sqlx::query_scalar("SELECT value FROM meta WHERE name = ?")
            .bind(name)
            .fetch_one(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(value)
    }

    /// Ends all connections; the write-ahead log is folded into the file.
    pub(crate) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
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

/// Names of the tables of one projection's generation. A projection's name is a kebab-case word,
/// checked when the composition starts, so nothing in it needs quoting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tables {
    pub(super) documents: String,
    pub(super) terms: String,
}

impl Tables {
    pub(super) fn new(projection: &str, generation: i64) -> Self {
        let stem = format!("{}_{generation}", projection.replace('-', "_"));
        Self { documents: format!("documents_{stem}"), terms: format!("terms_{stem}") }
    }

    pub(super) fn create(&self) -> AssertSqlSafe<String> {
        let Self { documents, terms } = self;
        AssertSqlSafe(format!(
            "CREATE TABLE {documents} (
                key TEXT PRIMARY KEY,
                sort TEXT NOT NULL,
                position INTEGER NOT NULL,
                document TEXT NOT NULL
            ) STRICT;
            CREATE INDEX {documents}_sort ON {documents} (sort, key);
            CREATE TABLE {terms} (
                field TEXT NOT NULL,
                value TEXT NOT NULL,
                key TEXT NOT NULL,
                PRIMARY KEY (field, value, key)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX {terms}_key ON {terms} (key);"
        ))
    }

    pub(super) fn drop(&self) -> AssertSqlSafe<String> {
        let Self { documents, terms } = self;
        AssertSqlSafe(format!("DROP TABLE {documents}; DROP TABLE {terms};"))
    }
}
