//! The store of all read models, and the tables in it that are not one projection's own.

use kit::Position;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{
    location::StoreLocation,
    sql::{Database, Param, Tx, Words},
};

/// One database with the documents of all projections. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(super) database: Database,
}

impl Store {
    /// Opens what `location` names, and makes what is missing in it.
    pub(crate) async fn open(location: &StoreLocation) -> sqlx::Result<Self> {
        let database = Database::open(location).await?;
        let Words { int, text, end, end_keyed, .. } = database.words();
        let tables = format!(
            "CREATE TABLE IF NOT EXISTS meta (
                name {text} PRIMARY KEY,
                value {text} NOT NULL
            ) {end};
            CREATE TABLE IF NOT EXISTS checkpoints (
                projection {text} NOT NULL,
                generation {int} NOT NULL,
                position {int} NOT NULL,
                epoch {int} NOT NULL,
                version {int} NOT NULL,
                complete_at {int} NOT NULL,
                PRIMARY KEY (projection, generation)
            ) {end};
            CREATE TABLE IF NOT EXISTS projections (
                projection {text} PRIMARY KEY,
                generation {int} NOT NULL,
                epoch {int} NOT NULL,
                plan {text} NOT NULL
            ) {end};
            CREATE TABLE IF NOT EXISTS parked (
                projection {text} NOT NULL,
                generation {int} NOT NULL,
                subject {text} NOT NULL,
                key {text} NOT NULL,
                position {int} NOT NULL,
                place {int} NOT NULL,
                PRIMARY KEY (projection, generation, subject)
            ) {end};
            CREATE TABLE IF NOT EXISTS counted_from (
                projection {text} NOT NULL,
                generation {int} NOT NULL,
                position {int} NOT NULL,
                PRIMARY KEY (projection, generation)
            ) {end};
            CREATE TABLE IF NOT EXISTS stretches (
                projection {text} NOT NULL,
                generation {int} NOT NULL,
                stretch {int} NOT NULL,
                events {int} NOT NULL,
                sum {int} NOT NULL,
                PRIMARY KEY (projection, generation, stretch)
            ) {end_keyed};
            CREATE TABLE IF NOT EXISTS generation_tables (
                projection {text} NOT NULL,
                generation {int} NOT NULL,
                name {text} NOT NULL,
                definition {text} NOT NULL,
                PRIMARY KEY (projection, generation, name)
            ) {end};
            CREATE TABLE IF NOT EXISTS table_names (
                name {text} PRIMARY KEY,
                projection {text} NOT NULL,
                definition {text} NOT NULL
            ) {end};"
        );
        let mut tx = database.write().await?;
        tx.exclude().await?;
        tx.script(AssertSqlSafe(tables)).await?;
        tx.commit().await?;
        Ok(Self { database })
    }

    /// The store's own id, made with it.
    pub(crate) async fn id(&self) -> sqlx::Result<String> {
        self.meta("store", &Uuid::now_v7().to_string()).await
    }

    /// The event log that the rows come from; `log` if the store is new.
    pub(crate) async fn log(&self, log: &str) -> sqlx::Result<String> {
        self.meta("log", log).await
    }

    /// Whether the rows come from `log`, or from none yet.
    pub(crate) async fn may_be_of(&self, log: &str) -> sqlx::Result<bool> {
        let select = "SELECT value FROM meta WHERE name = $1";
        let found: Option<(String,)> =
            self.database.read().await?.first(select, &[Param::Text("log")]).await?;
        Ok(found.is_none_or(|(found,)| found == log))
    }

    /// The projection whose rows stand furthest in the log, and where.
    pub(crate) async fn furthest(&self) -> sqlx::Result<Option<(String, Position)>> {
        let furthest =
            "SELECT projection, position FROM checkpoints ORDER BY position DESC LIMIT 1";
        let row: Option<(String, i64)> = self.database.read().await?.first(furthest, &[]).await?;
        Ok(row.map(|(projection, position)| (projection, Position(position.cast_unsigned()))))
    }

    async fn meta(&self, name: &str, first: &str) -> sqlx::Result<String> {
        let mut tx = self.database.write().await?;
        let insert = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        tx.execute(insert, &[Param::Text(name), Param::Text(first)]).await?;
        let found: Option<(String,)> =
            tx.first("SELECT value FROM meta WHERE name = $1", &[Param::Text(name)]).await?;
        tx.commit().await?;
        found.map(|(value,)| value).ok_or(sqlx::Error::RowNotFound)
    }

    /// Ends all connections; a file's write-ahead log is folded into it.
    pub(crate) async fn close(&self) {
        self.database.close().await;
    }
}

/// Whether `name` may be one of the store's own tables, or of a generation's.
pub(super) fn is_own(name: &str) -> bool {
    const COMMON: [&str; 8] = [
        "meta",
        "checkpoints",
        "projections",
        "parked",
        "counted_from",
        "stretches",
        "generation_tables",
        "table_names",
    ];
    // `SQLite` keeps the last to itself.
    COMMON.contains(&name)
        || ["documents_", "terms_", "sqlite_"].iter().any(|own| name.starts_with(own))
}

/// Names of the tables of one projection's generation. All parts are words that are checked when the
/// composition starts, so nothing needs quoting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tables {
    pub(super) documents: String,
    pub(super) terms: String,
    stem: String,
}

impl Tables {
    pub(super) fn new(projection: &str, generation: i64) -> Self {
        let stem = format!("{}_{generation}", projection.replace('-', "_"));
        Self { documents: format!("documents_{stem}"), terms: format!("terms_{stem}"), stem }
    }

    /// The name of a table that the projection declares.
    pub(super) fn own(&self, table: &str) -> String {
        // No table has two underscores in its name, so no two of these are the same.
        format!("t_{}__{table}", self.stem)
    }

    pub(super) async fn create(&self, tx: &mut Tx, words: Words) -> sqlx::Result<()> {
        let Self { documents, terms, .. } = self;
        let Words { int, text, end, end_keyed, .. } = words;
        tx.script(AssertSqlSafe(format!(
            "CREATE TABLE {documents} (
                key {text} PRIMARY KEY,
                sort {text} NOT NULL,
                position {int} NOT NULL,
                document {text} NOT NULL
            ) {end};
            CREATE INDEX {documents}_sort ON {documents} (sort, key);
            CREATE TABLE {terms} (
                field {text} NOT NULL,
                value {text} NOT NULL,
                key {text} NOT NULL,
                PRIMARY KEY (field, value, key)
            ) {end_keyed};
            CREATE INDEX {terms}_key ON {terms} (key);"
        )))
        .await
    }

    pub(super) async fn drop(&self, tx: &mut Tx) -> sqlx::Result<()> {
        let Self { documents, terms, .. } = self;
        tx.script(AssertSqlSafe(format!("DROP TABLE {documents}; DROP TABLE {terms};"))).await
    }
}
