//! One log, one store of read models: the first store to come is the one.

use serde::{Deserialize, Serialize};

use crate::handler::{Cell, CellError};

/// What the key `store` of the bucket `HANDLERS` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoreClaim {
    /// The id of the file.
    pub(crate) store: String,
    /// The instance that made the claim.
    pub(crate) instance: String,
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
        match found {
            Some(found) if found == mine => return Ok(found),
            Some(found) if found.store != mine.store && found.instance != mine.instance => {
                return Ok(found);
            }
            _ => {}
        }
        match cell.write(&mine, revision).await {
            Ok(_) => return Ok(mine),
            Err(CellError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
}
