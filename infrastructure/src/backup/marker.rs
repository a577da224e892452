//! The word on the server that its streams are being put back: until that is done no instance starts on
//! them, and afterwards it tells which times of storage are those of the restore. Not here: putting them back.

use async_nats::jetstream;
use chrono::{DateTime, Utc};
use kit::Position;
use nats::names;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::volume::{Fault, Volume};
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

/// A log that was put back from a backup. What of it came back was stored here then, whenever it had been
/// stored where the backup was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PutBack {
    /// The last commit that came back.
    pub position: Position,
    /// When the first of it was.
    pub begun: DateTime<Utc>,
    /// When all of it was; none if that is not so yet.
    pub ended: Option<DateTime<Utc>>,
}

impl PutBack {
    /// The last restore of the log behind `client`; none if nobody ever restored it.
    ///
    /// # Errors
    /// `unavailable` if the server does not answer.
    pub async fn find(client: &async_nats::Client) -> Result<Option<Self>, Problem> {
        let (found, _) = cell(client).await?.read().await.map_err(|error| away(&error))?;
        Ok(found.as_ref().map(Self::of))
    }

    /// The same of a copy of the bucket.
    pub(super) fn in_copy(handlers: &Volume) -> Result<Option<Self>, Fault> {
        let (mut reader, mut found) = (handlers.read(0), None);
        while let Some(kept) = reader.take()? {
            if kept.subject.rsplit('.').next() == Some(KEY) {
                found = serde_json::from_slice::<Marker>(&kept.body).ok();
            }
        }
        Ok(found.as_ref().map(Self::of))
    }

    const fn of(marker: &Marker) -> Self {
        let Marker { position, begun, ended, .. } = *marker;
        Self { position: Position(position), begun, ended }
    }

    /// Whether the commit at `position` came back, and was stored anew by it.
    #[must_use]
    pub fn has(&self, position: Position) -> bool {
        position <= self.position
    }
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
