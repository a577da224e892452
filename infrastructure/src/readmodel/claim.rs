//! One log, one store of read models: the first store to come is the one, until an operator
//! releases it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::handler::{Cell, CellError};

/// The key of the bucket `HANDLERS`, beside the handlers' names, that holds the claim.
pub(crate) const STORE: &str = "store";

/// Which store has the log's read models, as the bucket `HANDLERS` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreClaim {
    /// The id of the store.
    pub store: String,
    /// The instance that made the claim.
    pub instance: String,
    /// Who gave it up; the next instance may then claim another store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<StoreRelease>,
}

/// That a store is gone for good, as an operator said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreRelease {
    /// Who said so.
    pub by: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Claims the log's read models for `mine`; the claim that stands if another was faster.
///
/// A claim by an instance of the same name is replaced: the names of the living are unique, so
/// the file that it named is gone or was exchanged by whoever runs this one.
pub(crate) async fn claim(
    cell: &Cell<StoreClaim>,
    mine: StoreClaim,
) -> Result<StoreClaim, CellError> {
    loop {
        let (found, revision) = cell.read().await?;
        if let Some(found) = &found {
            // A database is shared by instances of many names.
            let stands = found.store == mine.store || found.instance != mine.instance;
            if stands && found.released.is_none() {
                return Ok(found.clone());
            }
        }
        match cell.write(&mine, revision).await {
            Ok(_) => {
                record(found.as_ref(), &mine);
                return Ok(mine);
            }
            Err(CellError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Leaves a trace of a store that was replaced.
fn record(before: Option<&StoreClaim>, mine: &StoreClaim) {
    let Some(StoreClaim { store, instance, released }) = before else { return };
    let (new, by) = (&mine.store, released.as_ref().map(|release| &release.by));
    let why = released.as_ref().map(|release| &release.why);
    tracing::warn!(store, instance, new, by, why, "the read models' store is another one now");
}
