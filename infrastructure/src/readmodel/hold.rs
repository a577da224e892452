//! The store's writes held up from outside, as a backup or somebody's shell may do it.

use super::{
    location::StoreLocation,
    sql::{Database, Tx},
};
use crate::problem::Problem;

/// While this lives, nobody else writes to the store.
#[must_use]
pub struct HeldWrites {
    database: Database,
    tx: Tx,
}

/// Holds up all writes to `store`: the write lock of a file, or the checkpoints' table of a database.
///
/// # Errors
/// `unavailable`, if the store does not answer, or others hold it for too long.
pub async fn hold_writes(store: &StoreLocation) -> Result<HeldWrites, Problem> {
    hold(store).await.map_err(|error| Problem::unavailable(error.to_string()))
}

async fn hold(store: &StoreLocation) -> sqlx::Result<HeldWrites> {
    let database = Database::open(store).await?;
    let mut tx = database.write().await?;
    if let Tx::Postgres(_) = &tx {
        tx.execute("LOCK TABLE checkpoints IN EXCLUSIVE MODE", &[]).await?;
    }
    Ok(HeldWrites { database, tx })
}

impl HeldWrites {
    /// Lets the others go on.
    pub async fn release(self) {
        // It changed nothing, and a database that ended it by itself has let go already.
        drop(self.tx);
        self.database.close().await;
    }
}

impl std::fmt::Debug for HeldWrites {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeldWrites").finish_non_exhaustive()
    }
}
