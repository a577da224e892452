//! The word on the server that its streams are being put back: until that is done no instance starts on
//! them. Not here: putting them back.

use async_nats::jetstream;
use chrono::{DateTime, Utc};
use nats::names;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    handler::{Cell, CellError},
    problem::Problem,
};

/// The key of the bucket `HANDLERS`, beside the handlers' names.
pub(super) const KEY: &str = "restore";

/// Which restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marker {
    /// The backup.
    pub(super) backup: Uuid,
    /// The last commit that is put back.
    pub(super) position: u64,
    /// When it was begun first.
    pub(super) begun: DateTime<Utc>,
    /// When everything was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<DateTime<Utc>>,
}

/// Where the word stands; the bucket must be there.
pub(super) async fn cell(client: &async_nats::Client) -> Result<Cell<Marker>, Problem> {
    let bucket = jetstream::new(client.clone()).get_key_value(names::HANDLERS).await;
    let bucket = bucket.map_err(|error| Problem::unavailable(error.to_string()))?;
    Ok(Cell::new(&bucket, KEY))
}

pub(super) fn away(error: &CellError) -> Problem {
    match error {
        CellError::Conflict => Problem::conflict("somebody else restores at the same time"),
        error => Problem::unavailable(error.to_string()),
    }
}

/// Refuses streams that are not whole yet.
pub(crate) async fn unfinished(client: &async_nats::Client) -> Result<(), Problem> {
    let (found, _) = cell(client).await?.read().await.map_err(|error| away(&error))?;
    match found {
        Some(Marker { backup, begun, ended: None, .. }) => Err(Problem::conflict(format!(
            "the backup {backup} is being restored here since {begun}, and not all of it is there; \
             run `headwater restore` with it again"
        ))),
        _ => Ok(()),
    }
}
