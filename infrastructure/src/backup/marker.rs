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
    /// The run that does it. Another one may take it over, and then this one touches nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) run: Option<Uuid>,
    /// When everything was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<DateTime<Utc>>,
}

/// The word, left by this run.
pub(super) struct Held {
    cell: Cell<Marker>,
    marker: Marker,
    revision: u64,
}

impl Held {
    /// Leaves the word that this run does it, also in the place of an earlier run of the same restore.
    pub(super) async fn take(
        client: &async_nats::Client,
        (backup, position): (Uuid, u64),
    ) -> Result<Self, Problem> {
        let cell = cell(client).await?;
        let (found, revision) = cell.read().await.map_err(|error| away(&error))?;
        let begun = match found {
            None => Utc::now(),
            Some(Marker { ended: None, backup: of, position: to, begun, .. })
                if (of, to) == (backup, position) =>
            {
                begun
            }
            Some(_) => return Err(lost()),
        };
        let marker = Marker { backup, position, begun, run: Some(Uuid::now_v7()), ended: None };
        let revision = cell.write(&marker, revision).await.map_err(|error| away(&error))?;
        Ok(Self { cell, marker, revision })
    }

    /// Refuses if another run has taken it over, or ended it.
    pub(super) async fn check(&self) -> Result<(), Problem> {
        let (found, _) = self.cell.read().await.map_err(|error| away(&error))?;
        if found.as_ref() == Some(&self.marker) { Ok(()) } else { Err(lost()) }
    }

    /// Leaves the word that everything is there.
    pub(super) async fn end(self) -> Result<(), Problem> {
        let marker = Marker { ended: Some(Utc::now()), ..self.marker };
        let written = self.cell.write(&marker, self.revision).await;
        written.map(drop).map_err(|error| away(&error))
    }
}

fn lost() -> Problem {
    Problem::conflict("another run of `headwater restore` has taken this one's place")
}

/// Where the word stands; the bucket must be there.
pub(super) async fn cell(client: &async_nats::Client) -> Result<Cell<Marker>, Problem> {
    let bucket = jetstream::new(client.clone()).get_key_value(names::HANDLERS).await;
    let bucket = bucket.map_err(|error| Problem::unavailable(error.to_string()))?;
    Ok(Cell::new(&bucket, KEY))
}

pub(super) fn away(error: &CellError) -> Problem {
    match error {
        CellError::Conflict => lost(),
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
