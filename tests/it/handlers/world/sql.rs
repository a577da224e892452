//! The read models as other programs see them: with SQL, behind the service's back.

use sqlx::{
    Connection as _, PgConnection, SqliteConnection, postgres::PgConnectOptions,
    sqlite::SqliteConnectOptions,
};

use super::World;

/// Carries out a statement on whichever connection it is.
macro_rules! on {
    ($world:expr, $connection:ident => $then:expr) => {
        match &$world.database {
            Some(url) => {
                let options: PgConnectOptions = url.parse().unwrap();
                let options = options.options([("search_path", "headwater")]);
                let mut $connection = PgConnection::connect_with(&options).await.unwrap();
                $then
            }
            None => {
                let options = SqliteConnectOptions::new().filename($world.file());
                let mut $connection = SqliteConnection::connect_with(&options).await.unwrap();
                $then
            }
        }
    };
}

impl World {
    /// Changes rows behind the service's back.
    pub(crate) async fn execute(&self, statement: &'static str) {
        self.tried(statement).await.unwrap();
    }

    /// The same, or why not.
    pub(crate) async fn tried(&self, statement: &'static str) -> sqlx::Result<()> {
        on!(self, it => sqlx::raw_sql(statement).execute(&mut it).await.map(|_| ()))
    }

    /// The texts that `select` yields, one for each row.
    pub(crate) async fn texts(&self, select: &'static str) -> sqlx::Result<Vec<String>> {
        on!(self, it => sqlx::query_scalar(select).fetch_all(&mut it).await)
    }

    /// Whether the read models are in PostgreSQL.
    pub(crate) const fn is_shared(&self) -> bool {
        self.database.is_some()
    }
}
